/// OffsetDelete (key 47): takes back a group's offsets in single partitions (KIP-496). Never flexible.
struct OffsetDeleteRequest: KafkaRequest {
    typealias Response = OffsetDeleteResponse
    static let key = APIKey.offsetDelete
    static let versions = APIVersions(served: 0...0, flexibleFrom: 1)

    var groupID = ""
    var topics: [Topic] = []

    struct Topic: WireStruct {
        var name = ""
        var partitions: [Int32] = []

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&name)
            try coder.code(&partitions)
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&groupID)
        try coder.code(&topics)
    }
}

struct OffsetDeleteResponse: WireStruct {
    var error = ErrorCode.none
    var throttleTimeMs: Int32 = 0
    var topics: [Topic] = []

    struct Topic: WireStruct {
        var name = ""
        var partitions: [Partition] = []

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&name)
            try coder.code(&partitions)
        }
    }

    struct Partition: WireStruct {
        var index: Int32 = 0
        var error = ErrorCode.none

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&index)
            try coder.code(&error)
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&error)
        try coder.code(&throttleTimeMs)
        try coder.code(&topics)
    }
}
