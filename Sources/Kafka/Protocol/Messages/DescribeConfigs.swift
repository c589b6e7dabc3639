/// Where a configuration's value comes from, in Kafka's numbers.
enum ConfigSource: Int8, Sendable {
    case unknown = 0
    case dynamicTopic = 1
    case dynamicBroker = 2
    case staticBroker = 4
    case defaultValue = 5
}

/// What a configuration names, in Kafka's numbers.
enum ConfigResource {
    static let topic: Int8 = 2
    static let broker: Int8 = 4
}

/// DescribeConfigs (key 32): the configuration of topics and brokers.
///
/// v1: sources and synonyms. v3: types and documentation (KIP-569). v4: flexible.
struct DescribeConfigsRequest: KafkaRequest {
    typealias Response = DescribeConfigsResponse
    static let key = APIKey.describeConfigs
    static let versions = APIVersions(served: 1...4, flexibleFrom: 4)

    var resources: [Resource] = []
    var includeSynonyms = false
    var includeDocumentation = false

    struct Resource: WireStruct {
        var type: Int8 = ConfigResource.topic
        var name = ""
        /// nil: all.
        var keys: [String]?

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&type)
            try coder.code(&name)
            try coder.code(&keys)
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&resources)
        try coder.code(&includeSynonyms)
        if coder.version >= 3 { try coder.code(&includeDocumentation) }
        try coder.tags()
    }
}

struct DescribeConfigsResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var results: [Result] = []

    struct Result: WireStruct {
        var error = ErrorCode.none
        var errorMessage: String?
        var type: Int8 = ConfigResource.topic
        var name = ""
        var configs: [Config] = []

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&error)
            try coder.code(&errorMessage)
            try coder.code(&type)
            try coder.code(&name)
            try coder.code(&configs)
            try coder.tags()
        }
    }

    struct Config: WireStruct {
        var name = ""
        var value: String?
        var isReadOnly = false
        var source = ConfigSource.unknown.rawValue
        var isSensitive = false
        var synonyms: [Synonym] = []
        /// 1 boolean, 2 string, 3 int, 4 short, 5 long, 6 double, 7 list.
        var type: Int8 = 0
        var documentation: String?

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&name)
            try coder.code(&value)
            try coder.code(&isReadOnly)
            try coder.code(&source)
            try coder.code(&isSensitive)
            try coder.code(&synonyms)
            if coder.version >= 3 {
                try coder.code(&type)
                try coder.code(&documentation)
            }
            try coder.tags()
        }
    }

    struct Synonym: WireStruct {
        var name = ""
        var value: String?
        var source = ConfigSource.unknown.rawValue

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&name)
            try coder.code(&value)
            try coder.code(&source)
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&throttleTimeMs)
        try coder.code(&results)
        try coder.tags()
    }
}
