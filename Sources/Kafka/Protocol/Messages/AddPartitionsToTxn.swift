/// AddPartitionsToTxn (key 24): names the partitions that a transaction is about to write to.
///
/// v2: PRODUCER_FENCED. v3: flexible. v4 and v5 verify and add for many transactions at once between brokers (KIP-890); they are
/// for brokers, of which there is one, and are not served. Producers of `transaction.version` 2 do not send this request: their
/// Produce requests add partitions.
struct AddPartitionsToTxnRequest: KafkaRequest {
    typealias Response = AddPartitionsToTxnResponse
    static let key = APIKey.addPartitionsToTxn
    static let versions = APIVersions(served: 0...3, flexibleFrom: 3)

    var transactionalID = ""
    var producerID: Int64 = -1
    var producerEpoch: Int16 = -1
    var topics: [Topic] = []

    typealias Topic = TopicPartitions<Int32>

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&transactionalID)
        try coder.code(&producerID)
        try coder.code(&producerEpoch)
        try coder.code(&topics)
        try coder.tags()
    }
}

struct AddPartitionsToTxnResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var topics: [Topic] = []

    typealias Topic = TopicPartitions<PartitionError>

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&throttleTimeMs)
        try coder.code(&topics)
        try coder.tags()
    }
}
