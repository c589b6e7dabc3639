/// AddOffsetsToTxn (key 25): a transaction is about to commit a group's offsets.
///
/// v2: PRODUCER_FENCED. v3: flexible. v4: TRANSACTION_ABORTABLE (KIP-890).
struct AddOffsetsToTxnRequest: KafkaRequest {
    typealias Response = AddOffsetsToTxnResponse
    static let key = APIKey.addOffsetsToTxn
    static let versions = APIVersions(served: 0...4, flexibleFrom: 3)

    var transactionalID = ""
    var producerID: Int64 = -1
    var producerEpoch: Int16 = -1
    var groupID = ""

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&transactionalID)
        try coder.code(&producerID)
        try coder.code(&producerEpoch)
        try coder.code(&groupID)
        try coder.tags()
    }
}

struct AddOffsetsToTxnResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var error = ErrorCode.none

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&throttleTimeMs)
        try coder.code(&error)
        try coder.tags()
    }
}
