/// Heartbeat (key 12): a member is alive; the answer says whether the group rebalances.
///
/// v1: throttle time. v3: static members (KIP-345). v4: flexible.
struct HeartbeatRequest: KafkaRequest {
    typealias Response = HeartbeatResponse
    static let key = APIKey.heartbeat
    static let versions = APIVersions(served: 0...4, flexibleFrom: 4)

    var groupID = ""
    var generation: Int32 = 0
    var memberID = ""
    var groupInstanceID: String?

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&groupID)
        try coder.code(&generation)
        try coder.code(&memberID)
        if coder.version >= 3 { try coder.code(&groupInstanceID) }
        try coder.tags()
    }
}

struct HeartbeatResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var error = ErrorCode.none

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        if coder.version >= 1 { try coder.code(&throttleTimeMs) }
        try coder.code(&error)
        try coder.tags()
    }
}
