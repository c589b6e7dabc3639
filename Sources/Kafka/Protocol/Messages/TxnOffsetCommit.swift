/// TxnOffsetCommit (key 28): a group's offsets that count when, and only when, the transaction commits.
///
/// v2: leader epochs. v3: flexible, the consumer's membership (KIP-447). v4: TRANSACTION_ABORTABLE. v5: adds the group to the
/// transaction by itself (KIP-890, second part).
struct TxnOffsetCommitRequest: KafkaRequest {
    typealias Response = TxnOffsetCommitResponse
    static let key = APIKey.txnOffsetCommit
    static let versions = APIVersions(served: 0...5, flexibleFrom: 3)

    var transactionalID = ""
    var groupID = ""
    var producerID: Int64 = -1
    var producerEpoch: Int16 = -1
    var generation: Int32 = -1
    var memberID = ""
    var groupInstanceID: String?
    var topics: [Topic] = []

    typealias Topic = TopicPartitions<Partition>

    struct Partition: WireStruct {
        var index: Int32 = 0
        var committedOffset: Int64 = 0
        var committedLeaderEpoch: Int32 = -1
        var metadata: String?

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&index)
            try coder.code(&committedOffset)
            if coder.version >= 2 { try coder.code(&committedLeaderEpoch) }
            try coder.code(&metadata)
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&transactionalID)
        try coder.code(&groupID)
        try coder.code(&producerID)
        try coder.code(&producerEpoch)
        if coder.version >= 3 {
            try coder.code(&generation)
            try coder.code(&memberID)
            try coder.code(&groupInstanceID)
        }
        try coder.code(&topics)
        try coder.tags()
    }
}

struct TxnOffsetCommitResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var topics: [Topic] = []

    typealias Topic = TopicPartitions<PartitionError>

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&throttleTimeMs)
        try coder.code(&topics)
        try coder.tags()
    }
}
