/// ListTransactions (key 66): the transactional ids that the broker coordinates (KIP-664). Flexible from the start.
///
/// v1: only those that have been open for longer than a duration (KIP-994).
struct ListTransactionsRequest: KafkaRequest {
    typealias Response = ListTransactionsResponse
    static let key = APIKey.listTransactions
    static let versions = APIVersions(served: 0...1, flexibleFrom: 0)

    /// Empty: all.
    var states: [String] = []
    var producerIDs: [Int64] = []
    /// -1: all; otherwise milliseconds.
    var duration: Int64 = -1

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&states)
        try coder.code(&producerIDs)
        if coder.version >= 1 { try coder.code(&duration) }
        try coder.tags()
    }
}

struct ListTransactionsResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var error = ErrorCode.none
    var unknownStates: [String] = []
    var transactions: [Transaction] = []

    struct Transaction: WireStruct {
        var transactionalID = ""
        var producerID: Int64 = -1
        var state = ""

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&transactionalID)
            try coder.code(&producerID)
            try coder.code(&state)
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&throttleTimeMs)
        try coder.code(&error)
        try coder.code(&unknownStates)
        try coder.code(&transactions)
        try coder.tags()
    }
}
