/// ListOffsets (key 2): the offset that belongs to a time, or to an end of the log.
///
/// v1: one offset a partition. v2: isolation level. v4: leader epoch (KIP-320). v6: flexible. v7: the record with the greatest
/// timestamp, -3 (KIP-734). v8, v9: local and tiered offsets, -4 and -5. v10: time-out.
struct ListOffsetsRequest: KafkaRequest {
    typealias Response = ListOffsetsResponse
    static let key = APIKey.listOffsets
    static let versions = APIVersions(served: 1...10, flexibleFrom: 6)

    static let latest: Int64 = -1
    static let earliest: Int64 = -2
    static let maxTimestamp: Int64 = -3
    /// The earliest offset on local disk (KIP-405); without tiered storage the same as ``earliest``.
    static let earliestLocal: Int64 = -4
    static let latestTiered: Int64 = -5

    var replicaID: Int32 = -1
    var isolationLevel: Int8 = 0
    var topics: [Topic] = []
    var timeoutMs: Int32 = 30_000

    typealias Topic = TopicPartitions<Partition>

    struct Partition: WireStruct {
        var index: Int32 = 0
        var currentLeaderEpoch: Int32 = -1
        var timestamp: Int64 = ListOffsetsRequest.latest

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&index)
            if coder.version >= 4 { try coder.code(&currentLeaderEpoch) }
            try coder.code(&timestamp)
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&replicaID)
        if coder.version >= 2 { try coder.code(&isolationLevel) }
        try coder.code(&topics)
        if coder.version >= 10 { try coder.code(&timeoutMs) }
        try coder.tags()
    }
}

struct ListOffsetsResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var topics: [Topic] = []

    typealias Topic = TopicPartitions<Partition>

    struct Partition: WireStruct {
        var index: Int32 = 0
        var error = ErrorCode.none
        var timestamp: Int64 = -1
        var offset: Int64 = -1
        var leaderEpoch: Int32 = -1

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&index)
            try coder.code(&error)
            try coder.code(&timestamp)
            try coder.code(&offset)
            if coder.version >= 4 { try coder.code(&leaderEpoch) }
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        if coder.version >= 2 { try coder.code(&throttleTimeMs) }
        try coder.code(&topics)
        try coder.tags()
    }
}
