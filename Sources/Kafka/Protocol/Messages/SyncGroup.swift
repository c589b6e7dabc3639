internal import NIOCore

/// SyncGroup (key 14): the leader brings the assignment, the members fetch their parts.
///
/// v1: throttle time. v3: static members (KIP-345). v4: flexible. v5: protocol type and name (KIP-559).
struct SyncGroupRequest: KafkaRequest {
    typealias Response = SyncGroupResponse
    static let key = APIKey.syncGroup
    static let versions = APIVersions(served: 0...5, flexibleFrom: 4)

    var groupID = ""
    var generation: Int32 = 0
    var memberID = ""
    var groupInstanceID: String?
    var protocolType: String?
    var protocolName: String?
    var assignments: [Assignment] = []

    struct Assignment: WireStruct {
        var memberID = ""
        var assignment = ByteBuffer()

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&memberID)
            try coder.code(&assignment)
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&groupID)
        try coder.code(&generation)
        try coder.code(&memberID)
        if coder.version >= 3 { try coder.code(&groupInstanceID) }
        if coder.version >= 5 {
            try coder.code(&protocolType)
            try coder.code(&protocolName)
        }
        try coder.code(&assignments)
        try coder.tags()
    }
}

struct SyncGroupResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var error = ErrorCode.none
    var protocolType: String?
    var protocolName: String?
    var assignment = ByteBuffer()

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        if coder.version >= 1 { try coder.code(&throttleTimeMs) }
        try coder.code(&error)
        if coder.version >= 5 {
            try coder.code(&protocolType)
            try coder.code(&protocolName)
        }
        try coder.code(&assignment)
        try coder.tags()
    }
}
