internal import NIOCore

/// DescribeGroups (key 15).
///
/// v3: authorised operations. v4: static members' instance ids (KIP-345). v5: flexible. v6: GROUP_ID_NOT_FOUND for unknown
/// groups, with a message (KIP-1043); before, such a group is "Dead".
struct DescribeGroupsRequest: KafkaRequest {
    typealias Response = DescribeGroupsResponse
    static let key = APIKey.describeGroups
    static let versions = APIVersions(served: 0...6, flexibleFrom: 5)

    var groups: [String] = []
    var includeAuthorizedOperations = false

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        try coder.code(&groups)
        if coder.version >= 3 { try coder.code(&includeAuthorizedOperations) }
        try coder.tags()
    }
}

struct DescribeGroupsResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var groups: [Group] = []

    struct Group: WireStruct {
        var error = ErrorCode.none
        var errorMessage: String?
        var id = ""
        var state = ""
        var protocolType = ""
        /// The protocol (assignor) that the members agreed on.
        var protocolName = ""
        var members: [Member] = []
        var authorizedOperations: Int32 = .min

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&error)
            if coder.version >= 6 { try coder.code(&errorMessage) }
            try coder.code(&id)
            try coder.code(&state)
            try coder.code(&protocolType)
            try coder.code(&protocolName)
            try coder.code(&members)
            if coder.version >= 3 { try coder.code(&authorizedOperations) }
            try coder.tags()
        }
    }

    struct Member: WireStruct {
        var id = ""
        var groupInstanceID: String?
        var clientID = ""
        var clientHost = ""
        var metadata = ByteBuffer()
        var assignment = ByteBuffer()

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&id)
            if coder.version >= 4 { try coder.code(&groupInstanceID) }
            try coder.code(&clientID)
            try coder.code(&clientHost)
            try coder.code(&metadata)
            try coder.code(&assignment)
            try coder.tags()
        }
    }

    mutating func code(_ coder: inout some WireCoder) throws(WireError) {
        if coder.version >= 1 { try coder.code(&throttleTimeMs) }
        try coder.code(&groups)
        try coder.tags()
    }
}
