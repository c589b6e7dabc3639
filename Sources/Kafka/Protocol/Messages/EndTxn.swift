/// EndTxn (key 26): commits or aborts a transaction.
///
/// v2: PRODUCER_FENCED. v3: flexible. v4: TRANSACTION_ABORTABLE. v5: the epoch is raised at every end, and the answer carries the
/// id and epoch of the next transaction (KIP-890, second part).
struct EndTxnRequest: KafkaRequest {
    typealias Response = EndTxnResponse
    static let key = APIKey.endTxn
    static let versions = APIVersions(served: 0...5, flexibleFrom: 3)

    var transactionalID = ""
    var producerID: Int64 = -1
    var producerEpoch: Int16 = -1
    var isCommitted = false

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&transactionalID)
        try coder.code(&producerID)
        try coder.code(&producerEpoch)
        try coder.code(&isCommitted)
        try coder.tags()
    }
}

struct EndTxnResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var error = ErrorCode.none
    var producerID: Int64 = -1
    var producerEpoch: Int16 = -1

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&throttleTimeMs)
        try coder.code(&error)
        if coder.version >= 5 {
            try coder.code(&producerID)
            try coder.code(&producerEpoch)
        }
        try coder.tags()
    }
}
