/// DeleteGroups (key 42): removes empty groups with their offsets.
///
/// v2: flexible.
struct DeleteGroupsRequest: KafkaRequest {
    typealias Response = DeleteGroupsResponse
    static let key = APIKey.deleteGroups
    static let versions = APIVersions(served: 0...2, flexibleFrom: 2)

    var groups: [String] = []

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&groups)
        try coder.tags()
    }
}

struct DeleteGroupsResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var results: [Result] = []

    struct Result: WireStruct {
        var groupID = ""
        var error = ErrorCode.none

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&groupID)
            try coder.code(&error)
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&throttleTimeMs)
        try coder.code(&results)
        try coder.tags()
    }
}
