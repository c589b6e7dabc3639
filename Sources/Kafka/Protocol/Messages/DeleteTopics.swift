/// DeleteTopics (key 20).
///
/// v4: flexible. v5: error messages. v6: topics by name or by id (KIP-516).
struct DeleteTopicsRequest: KafkaRequest {
    typealias Response = DeleteTopicsResponse
    static let key = APIKey.deleteTopics
    static let versions = APIVersions(served: 1...6, flexibleFrom: 4)

    var topics: [Topic] = []
    var timeoutMs: Int32 = 60_000

    struct Topic: WireStruct {
        var name: String?
        var id = TopicID.zero

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&name)
            try coder.code(&id)
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        if coder.version >= 6 {
            try coder.code(&topics)
        } else {
            var names = topics.compactMap(\.name)
            try coder.code(&names)
            topics = names.map { Topic(name: $0) }
        }
        try coder.code(&timeoutMs)
        try coder.tags()
    }
}

struct DeleteTopicsResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var topics: [Topic] = []

    struct Topic: WireStruct {
        var name: String?
        var id = TopicID.zero
        var error = ErrorCode.none
        var errorMessage: String?

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            if coder.version < 6, name == nil { name = "" }
            try coder.code(&name)
            if coder.version >= 6 { try coder.code(&id) }
            try coder.code(&error)
            if coder.version >= 5 { try coder.code(&errorMessage) }
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&throttleTimeMs)
        try coder.code(&topics)
        try coder.tags()
    }
}
