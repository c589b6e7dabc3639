/// LeaveGroup (key 13): members go without waiting for their sessions to end.
///
/// v1: throttle time. v3: many members, by id or instance id (KIP-345). v4: flexible. v5: reason (KIP-800).
struct LeaveGroupRequest: KafkaRequest {
    typealias Response = LeaveGroupResponse
    static let key = APIKey.leaveGroup
    static let versions = APIVersions(served: 0...5, flexibleFrom: 4)

    var groupID = ""
    /// One up to v2.
    var members: [Member] = []

    struct Member: WireStruct {
        var id = ""
        var groupInstanceID: String?
        var reason: String?

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&id)
            try coder.code(&groupInstanceID)
            if coder.version >= 5 { try coder.code(&reason) }
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&groupID)
        if coder.version >= 3 {
            try coder.code(&members)
        } else {
            var id = members.first?.id ?? ""
            try coder.code(&id)
            members = [Member(id: id)]
        }
        try coder.tags()
    }
}

struct LeaveGroupResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var error = ErrorCode.none
    var members: [Member] = []

    struct Member: WireStruct {
        var id = ""
        var groupInstanceID: String?
        var error = ErrorCode.none

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&id)
            try coder.code(&groupInstanceID)
            try coder.code(&error)
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        if coder.version >= 1 { try coder.code(&throttleTimeMs) }
        try coder.code(&error)
        if coder.version >= 3 { try coder.code(&members) }
        try coder.tags()
    }
}
