/// InitProducerId (key 22): an id and epoch under which a producer numbers its batches.
///
/// v2: flexible. v3: an earlier id and epoch may be given (KIP-360). v4: PRODUCER_FENCED. v5: transactions, second protocol.
struct InitProducerIDRequest: KafkaRequest {
    typealias Response = InitProducerIDResponse
    static let key = APIKey.initProducerID
    static let versions = APIVersions(served: 0...5, flexibleFrom: 2)

    var transactionalID: String?
    var transactionTimeoutMs: Int32 = 0
    var producerID: Int64 = -1
    var producerEpoch: Int16 = -1

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&transactionalID)
        try coder.code(&transactionTimeoutMs)
        if coder.version >= 3 {
            try coder.code(&producerID)
            try coder.code(&producerEpoch)
        }
        try coder.tags()
    }
}

struct InitProducerIDResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var error = ErrorCode.none
    var producerID: Int64 = -1
    var producerEpoch: Int16 = -1

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&throttleTimeMs)
        try coder.code(&error)
        try coder.code(&producerID)
        try coder.code(&producerEpoch)
        try coder.tags()
    }
}
