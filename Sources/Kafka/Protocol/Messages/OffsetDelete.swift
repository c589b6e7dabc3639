/// OffsetDelete (key 47): takes back a group's offsets in single partitions (KIP-496). Never flexible.
struct OffsetDeleteRequest: KafkaRequest {
    typealias Response = OffsetDeleteResponse
    static let key = APIKey.offsetDelete
    static let versions = APIVersions(served: 0...0, flexibleFrom: 1)

    var groupID = ""
    var topics: [Topic] = []

    typealias Topic = TopicPartitions<Int32>

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&groupID)
        try coder.code(&topics)
    }
}

struct OffsetDeleteResponse: WireStruct {
    var error = ErrorCode.none
    var throttleTimeMs: Int32 = 0
    var topics: [Topic] = []

    typealias Topic = TopicPartitions<PartitionError>

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&error)
        try coder.code(&throttleTimeMs)
        try coder.code(&topics)
    }
}
