internal import NIOCore

/// The operation codes of ZooKeeper 3.8 (`org.apache.zookeeper.ZooDefs.OpCode`).
enum Operation: Int32 {
    case create = 1
    case delete = 2
    case exists = 3
    case getData = 4
    case setData = 5
    case getACL = 6
    case setACL = 7
    case getChildren = 8
    case sync = 9
    case ping = 11
    case getChildren2 = 12
    case check = 13
    case multi = 14
    case create2 = 15
    case reconfig = 16
    case checkWatches = 17
    case removeWatches = 18
    case createContainer = 19
    case deleteContainer = 20
    case createTTL = 21
    case multiRead = 22
    case auth = 100
    case setWatches = 101
    case sasl = 102
    case getEphemerals = 103
    case getAllChildrenNumber = 104
    case setWatches2 = 105
    case addWatch = 106
    case whoAmI = 107
    case closeSession = -11

    /// Would change the tree, the quorum or a session: refused with ``ReplyError/notReadOnly``.
    var isWrite: Bool {
        switch self {
        case .create, .delete, .setData, .setACL, .check, .multi, .create2, .reconfig, .createContainer, .deleteContainer, .createTTL: true
        default: false
        }
    }
}

/// The error codes that this port answers with (`org.apache.zookeeper.KeeperException.Code`).
enum ReplyError: Int32 {
    case ok = 0
    case systemError = -1
    case marshallingError = -5
    case unimplemented = -6
    case badArguments = -8
    case noNode = -101
    case authFailed = -115
    case notReadOnly = -119
}

/// A session's first packet. Clients before 3.4 leave out the last field, and want it left out of the answer.
struct ConnectRequest: Equatable {
    var protocolVersion: Int32 = 0
    var lastZxidSeen: Int64 = 0
    var timeoutMilliseconds: Int32
    var sessionID: Int64 = 0
    var password: ByteBuffer
    var mayBeReadOnly: Bool?

    init(_ packet: ByteBuffer) throws(JuteError) {
        var reader = JuteReader(packet)
        protocolVersion = try reader.int()
        lastZxidSeen = try reader.long()
        timeoutMilliseconds = try reader.int()
        sessionID = try reader.long()
        password = try reader.bytes() ?? ByteBuffer()
        mayBeReadOnly = reader.isAtEnd ? nil : try reader.bool()
    }
}

/// One packet to a client, its length in front.
func packet(_ write: (inout ByteBuffer) -> Void) -> ByteBuffer {
    var buffer = ByteBuffer()
    buffer.writeInteger(Int32(0))
    write(&buffer)
    buffer.setInteger(Int32(buffer.readableBytes - 4), at: 0)
    return buffer
}

/// A reply: header (xid, zxid, error), then the body, which is left out when there is an error.
func reply(xid: Int32, zxid: Int64, error: ReplyError = .ok, body: (inout ByteBuffer) -> Void = { _ in }) -> ByteBuffer {
    packet { buffer in
        buffer.writeInteger(xid)
        buffer.writeInteger(zxid)
        buffer.writeInteger(error.rawValue)
        if error == .ok { body(&buffer) }
    }
}
