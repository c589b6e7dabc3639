/// DeleteRecords (key 21): raises partitions' first offsets.
///
/// v2: flexible.
struct DeleteRecordsRequest: KafkaRequest {
    typealias Response = DeleteRecordsResponse
    static let key = APIKey.deleteRecords
    static let versions = APIVersions(served: 0...2, flexibleFrom: 2)

    /// Stands for the high watermark.
    static let all: Int64 = -1

    var topics: [Topic] = []
    var timeoutMs: Int32 = 60_000

    typealias Topic = TopicPartitions<Partition>

    struct Partition: WireStruct {
        var index: Int32 = 0
        var offset: Int64 = 0

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&index)
            try coder.code(&offset)
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&topics)
        try coder.code(&timeoutMs)
        try coder.tags()
    }
}

struct DeleteRecordsResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var topics: [Topic] = []

    typealias Topic = TopicPartitions<Partition>

    struct Partition: WireStruct {
        var index: Int32 = 0
        /// The first offset that is left, -1 with an error.
        var lowWatermark: Int64 = -1
        var error = ErrorCode.none

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&index)
            try coder.code(&lowWatermark)
            try coder.code(&error)
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&throttleTimeMs)
        try coder.code(&topics)
        try coder.tags()
    }
}
