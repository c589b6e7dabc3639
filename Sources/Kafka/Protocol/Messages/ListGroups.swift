/// ListGroups (key 16).
///
/// v3: flexible. v4: states (KIP-518). v5: types (KIP-848).
struct ListGroupsRequest: KafkaRequest {
    typealias Response = ListGroupsResponse
    static let key = APIKey.listGroups
    static let versions = APIVersions(served: 0...5, flexibleFrom: 3)

    /// Empty: all.
    var states: [String] = []
    var types: [String] = []

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        if coder.version >= 4 { try coder.code(&states) }
        if coder.version >= 5 { try coder.code(&types) }
        try coder.tags()
    }
}

struct ListGroupsResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var error = ErrorCode.none
    var groups: [Group] = []

    struct Group: WireStruct {
        var id = ""
        var protocolType = ""
        var state = ""
        var type = "classic"

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&id)
            try coder.code(&protocolType)
            if coder.version >= 4 { try coder.code(&state) }
            if coder.version >= 5 { try coder.code(&type) }
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        if coder.version >= 1 { try coder.code(&throttleTimeMs) }
        try coder.code(&error)
        try coder.code(&groups)
        try coder.tags()
    }
}
