/// Fetch (key 1): record batches from given offsets on.
///
/// v4: isolation level, record batches. v5: log start offset. v7: fetch sessions (KIP-227). v9: leader epoch (KIP-320).
/// v11: rack (KIP-392). v12: flexible. v13: topics by id (KIP-516). v15: replica id becomes a tagged field. v16: node endpoints,
/// tagged (KIP-951). v17, v18: tagged fields between brokers.
struct FetchRequest: KafkaRequest {
    typealias Response = FetchResponse
    static let key = APIKey.fetch
    static let versions = APIVersions(served: 4...18, flexibleFrom: 12)

    var replicaID: Int32 = -1
    var maxWaitMs: Int32 = 500
    var minBytes: Int32 = 1
    var maxBytes: Int32 = .max
    static let readUncommitted: Int8 = 0
    static let readCommitted: Int8 = 1

    var isolationLevel = readUncommitted
    var sessionID: Int32 = 0
    /// -1: a full fetch without a session.
    var sessionEpoch: Int32 = -1
    var topics: [Topic] = []
    var forgotten: [Forgotten] = []
    var rackID = ""

    typealias Topic = FetchTopic<Partition>

    struct Partition: WireStruct {
        var index: Int32 = 0
        var currentLeaderEpoch: Int32 = -1
        var fetchOffset: Int64 = 0
        var lastFetchedEpoch: Int32 = -1
        var logStartOffset: Int64 = -1
        var maxBytes: Int32 = 1 << 20

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&index)
            if coder.version >= 9 { try coder.code(&currentLeaderEpoch) }
            try coder.code(&fetchOffset)
            if coder.version >= 12 { try coder.code(&lastFetchedEpoch) }
            if coder.version >= 5 { try coder.code(&logStartOffset) }
            try coder.code(&maxBytes)
            try coder.tags()
        }
    }

    typealias Forgotten = FetchTopic<Int32>

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        if coder.version <= 14 { try coder.code(&replicaID) }
        try coder.code(&maxWaitMs)
        try coder.code(&minBytes)
        try coder.code(&maxBytes)
        try coder.code(&isolationLevel)
        if coder.version >= 7 {
            try coder.code(&sessionID)
            try coder.code(&sessionEpoch)
        }
        try coder.code(&topics)
        if coder.version >= 7 { try coder.code(&forgotten) }
        if coder.version >= 11 { try coder.code(&rackID) }
        try coder.tags()
    }
}

struct FetchResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var error = ErrorCode.none
    var sessionID: Int32 = 0
    var topics: [Topic] = []

    typealias Topic = FetchTopic<Partition>

    struct Partition: WireStruct {
        var index: Int32 = 0
        var error = ErrorCode.none
        var highWatermark: Int64 = -1
        var lastStableOffset: Int64 = -1
        var logStartOffset: Int64 = -1
        var abortedTransactions: [AbortedTransaction]?
        var preferredReadReplica: Int32 = -1
        var records: Records?

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&index)
            try coder.code(&error)
            try coder.code(&highWatermark)
            try coder.code(&lastStableOffset)
            if coder.version >= 5 { try coder.code(&logStartOffset) }
            try coder.code(&abortedTransactions)
            if coder.version >= 11 { try coder.code(&preferredReadReplica) }
            try coder.code(&records)
            try coder.tags()
        }
    }

    struct AbortedTransaction: WireStruct {
        var producerID: Int64 = -1
        var firstOffset: Int64 = -1

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&producerID)
            try coder.code(&firstOffset)
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&throttleTimeMs)
        if coder.version >= 7 {
            try coder.code(&error)
            try coder.code(&sessionID)
        }
        try coder.code(&topics)
        try coder.tags()
    }
}

/// A topic of a fetch: named up to v12, and from v13 by its id.
struct FetchTopic<Partition: WireStruct>: WireStruct {
    var name = ""
    var id = TopicID.zero
    var partitions: [Partition] = []

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        if coder.version >= 13 { try coder.code(&id) } else { try coder.code(&name) }
        try coder.code(&partitions)
        try coder.tags()
    }
}
