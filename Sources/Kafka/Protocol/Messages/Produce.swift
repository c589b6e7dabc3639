/// Produce (key 0): record batches to append.
///
/// v3: transactional id, record batches (KIP-98). v5: log start offset in the answer. v7: zstd. v8: record errors (KIP-467).
/// v9: flexible. v10: current leader, tagged (KIP-951). v12: transactions, second protocol (KIP-890).
/// Versions 0 to 2 are advertised as Kafka 4 does (librdkafka takes their absence for "no compression") and decoded, but the
/// message formats that belong to them are refused. v13 names topics by id and is not offered.
struct ProduceRequest: KafkaRequest {
    typealias Response = ProduceResponse
    static let key = APIKey.produce
    static let versions = APIVersions(served: 0...12, flexibleFrom: 9)

    var transactionalID: String?
    /// 0: no answer; 1: after the append; -1: when every in-sync replica has it.
    var acks: Int16 = -1
    var timeoutMs: Int32 = 30_000
    var topics: [Topic] = []

    typealias Topic = TopicPartitions<Partition>

    struct Partition: WireStruct {
        var index: Int32 = 0
        var records: Records?

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&index)
            try coder.code(&records)
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        if coder.version >= 3 { try coder.code(&transactionalID) }
        try coder.code(&acks)
        try coder.code(&timeoutMs)
        try coder.code(&topics)
        try coder.tags()
    }
}

struct ProduceResponse: WireStruct {
    var topics: [Topic] = []
    var throttleTimeMs: Int32 = 0

    typealias Topic = TopicPartitions<Partition>

    struct Partition: WireStruct {
        var index: Int32 = 0
        var error = ErrorCode.none
        var baseOffset: Int64 = -1
        var logAppendTimeMs: Int64 = -1
        var logStartOffset: Int64 = -1
        var recordErrors: [RecordError] = []
        var errorMessage: String?

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&index)
            try coder.code(&error)
            try coder.code(&baseOffset)
            if coder.version >= 2 { try coder.code(&logAppendTimeMs) }
            if coder.version >= 5 { try coder.code(&logStartOffset) }
            if coder.version >= 8 {
                try coder.code(&recordErrors)
                try coder.code(&errorMessage)
            }
            try coder.tags()
        }
    }

    struct RecordError: WireStruct {
        var batchIndex: Int32 = 0
        var message: String?

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&batchIndex)
            try coder.code(&message)
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&topics)
        if coder.version >= 1 { try coder.code(&throttleTimeMs) }
        try coder.tags()
    }
}
