/// OffsetForLeaderEpoch (key 23): where a leader's epoch ends, by which a consumer notices that the log was cut (KIP-320).
///
/// v2: current leader epoch. v3: replica id. v4: flexible.
struct OffsetForLeaderEpochRequest: KafkaRequest {
    typealias Response = OffsetForLeaderEpochResponse
    static let key = APIKey.offsetForLeaderEpoch
    static let versions = APIVersions(served: 2...4, flexibleFrom: 4)

    var replicaID: Int32 = -1
    var topics: [Topic] = []

    typealias Topic = TopicPartitions<Partition>

    struct Partition: WireStruct {
        var index: Int32 = 0
        var currentLeaderEpoch: Int32 = -1
        var leaderEpoch: Int32 = -1

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&index)
            try coder.code(&currentLeaderEpoch)
            try coder.code(&leaderEpoch)
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        if coder.version >= 3 { try coder.code(&replicaID) }
        try coder.code(&topics)
        try coder.tags()
    }
}

struct OffsetForLeaderEpochResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var topics: [Topic] = []

    typealias Topic = TopicPartitions<Partition>

    struct Partition: WireStruct {
        var error = ErrorCode.none
        var index: Int32 = 0
        var leaderEpoch: Int32 = -1
        var endOffset: Int64 = -1

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&error)
            try coder.code(&index)
            try coder.code(&leaderEpoch)
            try coder.code(&endOffset)
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&throttleTimeMs)
        try coder.code(&topics)
        try coder.tags()
    }
}
