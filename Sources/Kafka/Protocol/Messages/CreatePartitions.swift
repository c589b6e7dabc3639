/// CreatePartitions (key 37): raises a topic's partition count.
///
/// v2: flexible. v3: may answer THROTTLING_QUOTA_EXCEEDED.
struct CreatePartitionsRequest: KafkaRequest {
    typealias Response = CreatePartitionsResponse
    static let key = APIKey.createPartitions
    static let versions = APIVersions(served: 0...3, flexibleFrom: 2)

    var topics: [Topic] = []
    var timeoutMs: Int32 = 60_000
    var validateOnly = false

    struct Topic: WireStruct {
        var name = ""
        /// The count afterwards, not the number to add.
        var count: Int32 = 0
        var assignments: [Assignment]?

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&name)
            try coder.code(&count)
            try coder.code(&assignments)
            try coder.tags()
        }
    }

    struct Assignment: WireStruct {
        var brokers: [Int32] = []

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&brokers)
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&topics)
        try coder.code(&timeoutMs)
        try coder.code(&validateOnly)
        try coder.tags()
    }
}

struct CreatePartitionsResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var results: [Result] = []

    struct Result: WireStruct {
        var name = ""
        var error = ErrorCode.none
        var errorMessage: String?

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&name)
            try coder.code(&error)
            try coder.code(&errorMessage)
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&throttleTimeMs)
        try coder.code(&results)
        try coder.tags()
    }
}
