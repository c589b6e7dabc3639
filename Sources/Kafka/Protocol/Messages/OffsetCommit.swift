/// OffsetCommit (key 8): stores how far a group has read.
///
/// v2 to v4: retention time. v6: leader epochs. v7: static members (KIP-345). v8: flexible. v9: the new group protocol's epochs
/// (KIP-848). v10 names topics by id and is not offered.
struct OffsetCommitRequest: KafkaRequest {
    typealias Response = OffsetCommitResponse
    static let key = APIKey.offsetCommit
    static let versions = APIVersions(served: 2...9, flexibleFrom: 8)

    var groupID = ""
    /// -1: a commit from outside the group's membership.
    var generation: Int32 = -1
    var memberID = ""
    var groupInstanceID: String?
    var retentionTimeMs: Int64 = -1
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
            if coder.version >= 6 { try coder.code(&committedLeaderEpoch) }
            try coder.code(&metadata)
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&groupID)
        try coder.code(&generation)
        try coder.code(&memberID)
        if coder.version >= 7 { try coder.code(&groupInstanceID) }
        if coder.version <= 4 { try coder.code(&retentionTimeMs) }
        try coder.code(&topics)
        try coder.tags()
    }
}

struct OffsetCommitResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var topics: [Topic] = []

    typealias Topic = TopicPartitions<PartitionError>

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        if coder.version >= 3 { try coder.code(&throttleTimeMs) }
        try coder.code(&topics)
        try coder.tags()
    }
}
