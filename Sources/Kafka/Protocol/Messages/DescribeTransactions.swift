/// DescribeTransactions (key 65): the state of transactional ids (KIP-664). Flexible from the start.
struct DescribeTransactionsRequest: KafkaRequest {
    typealias Response = DescribeTransactionsResponse
    static let key = APIKey.describeTransactions
    static let versions = APIVersions(served: 0...0, flexibleFrom: 0)

    var transactionalIDs: [String] = []

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&transactionalIDs)
        try coder.tags()
    }
}

struct DescribeTransactionsResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var transactions: [Transaction] = []

    struct Transaction: WireStruct {
        var error = ErrorCode.none
        var transactionalID = ""
        var state = ""
        var timeoutMs: Int32 = 0
        /// -1: no transaction is open.
        var startTimeMs: Int64 = -1
        var producerID: Int64 = -1
        var producerEpoch: Int16 = -1
        var topics: [Topic] = []

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&error)
            try coder.code(&transactionalID)
            try coder.code(&state)
            try coder.code(&timeoutMs)
            try coder.code(&startTimeMs)
            try coder.code(&producerID)
            try coder.code(&producerEpoch)
            try coder.code(&topics)
            try coder.tags()
        }
    }

    struct Topic: WireStruct {
        var name = ""
        var partitions: [Int32] = []

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&name)
            try coder.code(&partitions)
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&throttleTimeMs)
        try coder.code(&transactions)
        try coder.tags()
    }
}
