/// DescribeProducers (key 61): the idempotent producers that partitions remember, with their open transactions (KIP-664). Flexible
/// from the start.
struct DescribeProducersRequest: KafkaRequest {
    typealias Response = DescribeProducersResponse
    static let key = APIKey.describeProducers
    static let versions = APIVersions(served: 0...0, flexibleFrom: 0)

    var topics: [Topic] = []

    typealias Topic = TopicPartitions<Int32>

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&topics)
        try coder.tags()
    }
}

struct DescribeProducersResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var topics: [Topic] = []

    typealias Topic = TopicPartitions<Partition>

    struct Partition: WireStruct {
        var index: Int32 = 0
        var error = ErrorCode.none
        var errorMessage: String?
        var producers: [Producer] = []

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&index)
            try coder.code(&error)
            try coder.code(&errorMessage)
            try coder.code(&producers)
            try coder.tags()
        }
    }

    struct Producer: WireStruct, Equatable {
        var producerID: Int64 = -1
        var producerEpoch: Int32 = -1
        var lastSequence: Int32 = -1
        var lastTimestamp: Int64 = -1
        var coordinatorEpoch: Int32 = 0
        /// -1: no transaction is open.
        var transactionStartOffset: Int64 = -1

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&producerID)
            try coder.code(&producerEpoch)
            try coder.code(&lastSequence)
            try coder.code(&lastTimestamp)
            try coder.code(&coordinatorEpoch)
            try coder.code(&transactionStartOffset)
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&throttleTimeMs)
        try coder.code(&topics)
        try coder.tags()
    }
}
