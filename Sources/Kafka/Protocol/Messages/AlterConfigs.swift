/// AlterConfigs (key 33): replaces all that a topic overrides. Kafka's newer tools use ``IncrementalAlterConfigsRequest``.
///
/// v2: flexible.
struct AlterConfigsRequest: KafkaRequest {
    typealias Response = AlterConfigsResponse
    static let key = APIKey.alterConfigs
    static let versions = APIVersions(served: 0...2, flexibleFrom: 2)

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

    struct Config: WireStruct {
        var name = ""
        /// nil: the default.
        var value: String?

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&name)
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

/// The answer to AlterConfigs and to IncrementalAlterConfigs.
struct AlterConfigsResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var results: [Result] = []

    struct Result: WireStruct {
        var error = ErrorCode.none
        var errorMessage: String?
        var type: Int8 = ConfigResource.topic
        var name = ""

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&error)
            try coder.code(&errorMessage)
            try coder.code(&type)
            try coder.code(&name)
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&throttleTimeMs)
        try coder.code(&results)
        try coder.tags()
    }
}
