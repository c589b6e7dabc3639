/// IncrementalAlterConfigs (key 44): changes single configurations of a topic (KIP-339).
///
/// v1: flexible.
struct IncrementalAlterConfigsRequest: KafkaRequest {
    typealias Response = AlterConfigsResponse
    static let key = APIKey.incrementalAlterConfigs
    static let versions = APIVersions(served: 0...1, flexibleFrom: 1)

    var resources: [Resource] = []
    var validateOnly = false

    struct Resource: WireStruct {
        var type: Int8 = ConfigResource.topic
        var name = ""
        var configs: [Config] = []

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&type)
            try coder.code(&name)
            try coder.code(&configs)
            try coder.tags()
        }
    }

    enum Operation: Int8, Sendable {
        case set = 0
        case delete = 1
        /// Of a list's elements.
        case append = 2
        case subtract = 3
    }

    struct Config: WireStruct {
        var name = ""
        var operation = Operation.set.rawValue
        var value: String?

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&name)
            try coder.code(&operation)
            try coder.code(&value)
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&resources)
        try coder.code(&validateOnly)
        try coder.tags()
    }
}
