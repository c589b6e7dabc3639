internal import NIOCore

/// JoinGroup (key 11): a member enters the group's next generation.
///
/// v1: rebalance time-out apart from the session's. v2: throttle time. v4: MEMBER_ID_REQUIRED first (KIP-394). v5: static
/// members (KIP-345). v6: flexible. v7: protocol type in the answer (KIP-559). v8: reason (KIP-800). v9: skip assignment (KIP-814).
struct JoinGroupRequest: KafkaRequest {
    typealias Response = JoinGroupResponse
    static let key = APIKey.joinGroup
    static let versions = APIVersions(served: 0...9, flexibleFrom: 6)

    var groupID = ""
    var sessionTimeoutMs: Int32 = 0
    /// -1 in v0: the session's time-out.
    var rebalanceTimeoutMs: Int32 = -1
    var memberID = ""
    var groupInstanceID: String?
    var protocolType = ""
    var protocols: [GroupProtocol] = []
    var reason: String?

    struct GroupProtocol: WireStruct {
        var name = ""
        var metadata = ByteBuffer()

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&name)
            try coder.code(&metadata)
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&groupID)
        try coder.code(&sessionTimeoutMs)
        if coder.version >= 1 { try coder.code(&rebalanceTimeoutMs) }
        try coder.code(&memberID)
        if coder.version >= 5 { try coder.code(&groupInstanceID) }
        try coder.code(&protocolType)
        try coder.code(&protocols)
        if coder.version >= 8 { try coder.code(&reason) }
        try coder.tags()
    }
}

struct JoinGroupResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var error = ErrorCode.none
    var generation: Int32 = -1
    var protocolType: String?
    var protocolName: String?
    var leader = ""
    var skipAssignment = false
    var memberID = ""
    /// Everybody for the leader, nobody for the others.
    var members: [Member] = []

    struct Member: WireStruct {
        var id = ""
        var groupInstanceID: String?
        var metadata = ByteBuffer()

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&id)
            if coder.version >= 5 { try coder.code(&groupInstanceID) }
            try coder.code(&metadata)
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        if coder.version >= 2 { try coder.code(&throttleTimeMs) }
        try coder.code(&error)
        try coder.code(&generation)
        if coder.version >= 7 { try coder.code(&protocolType) }
        if coder.version < 7, protocolName == nil { protocolName = "" }
        try coder.code(&protocolName)
        try coder.code(&leader)
        if coder.version >= 9 { try coder.code(&skipAssignment) }
        try coder.code(&memberID)
        try coder.code(&members)
        try coder.tags()
    }
}
