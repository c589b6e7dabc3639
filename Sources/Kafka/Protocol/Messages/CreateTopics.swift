/// CreateTopics (key 19).
///
/// v4: -1 partitions or replicas stand for the broker's defaults (KIP-464). v5: flexible, configs in the answer (KIP-525).
/// v7: topic ids.
struct CreateTopicsRequest: KafkaRequest {
    typealias Response = CreateTopicsResponse
    static let key = APIKey.createTopics
    static let versions = APIVersions(served: 2...7, flexibleFrom: 5)

    var topics: [Topic] = []
    var timeoutMs: Int32 = 60_000
    var validateOnly = false

    struct Topic: WireStruct {
        var name = ""
        var partitions: Int32 = -1
        var replicationFactor: Int16 = -1
        var assignments: [Assignment] = []
        var configs: [Config] = []

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&name)
            try coder.code(&partitions)
            try coder.code(&replicationFactor)
            try coder.code(&assignments)
            try coder.code(&configs)
            try coder.tags()
        }
    }

    struct Assignment: WireStruct {
        var partition: Int32 = 0
        var brokers: [Int32] = []

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&partition)
            try coder.code(&brokers)
            try coder.tags()
        }
    }

    struct Config: WireStruct {
        var name = ""
        var value: String?

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&name)
            try coder.code(&value)
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

struct CreateTopicsResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var topics: [Topic] = []

    struct Topic: WireStruct {
        var name = ""
        var id = TopicID.zero
        var error = ErrorCode.none
        var errorMessage: String?
        var partitions: Int32 = -1
        var replicationFactor: Int16 = -1
        var configs: [Config]?

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&name)
            if coder.version >= 7 { try coder.code(&id) }
            try coder.code(&error)
            try coder.code(&errorMessage)
            if coder.version >= 5 {
                try coder.code(&partitions)
                try coder.code(&replicationFactor)
                try coder.code(&configs)
            }
            try coder.tags()
        }
    }

    struct Config: WireStruct {
        var name = ""
        var value: String?
        var isReadOnly = false
        var source = ConfigSource.unknown.rawValue
        var isSensitive = false

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&name)
            try coder.code(&value)
            try coder.code(&isReadOnly)
            try coder.code(&source)
            try coder.code(&isSensitive)
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&throttleTimeMs)
        try coder.code(&topics)
        try coder.tags()
    }
}
