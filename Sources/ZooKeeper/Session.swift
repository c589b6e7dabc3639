internal import NIOCore

/// One client's conversation after the first packet has shown that it is no four-letter word.
///
/// ZooKeeper's session outlives its connection for the sake of ephemeral nodes and watches. There are none here, so that a
/// session is nothing but its number: a client that comes back with one keeps it.
struct Session {
    /// What the connection has to do with a packet's outcome.
    enum Step: Equatable {
        case send(ByteBuffer)
        case sendAndClose(ByteBuffer)
        /// Answer from the tree, with ``Lookup/answer(from:)``.
        case look(Lookup)
        case close
    }

    private enum State {
        case connecting
        case connected
        case closed
    }

    private var state = State.connecting
    private let timeoutRange: ClosedRange<Int32>
    private let newSession: () -> (id: Int64, password: [UInt8])
    /// The transaction that made the tree.
    private let zxid: Int64 = 1

    init(timeoutRange: ClosedRange<Int32>, newSession: @escaping () -> (id: Int64, password: [UInt8])) {
        self.timeoutRange = timeoutRange
        self.newSession = newSession
    }

    /// - Throws: ``JuteError`` for a packet that is no record, upon which the connection is closed, as ZooKeeper does.
    mutating func receive(_ packet: ByteBuffer) throws(JuteError) -> Step {
        switch state {
        case .connecting:
            let request = try ConnectRequest(packet)
            state = .connected
            return .send(accept(request))
        case .connected:
            return try serve(packet)
        case .closed:
            return .close
        }
    }

    private func accept(_ request: ConnectRequest) -> ByteBuffer {
        let timeout = min(max(request.timeoutMilliseconds, timeoutRange.lowerBound), timeoutRange.upperBound)
        let fresh = newSession()
        let isNew = request.sessionID == 0
        return ZooKeeper.packet { buffer in
            buffer.writeInteger(Int32(0))
            buffer.writeInteger(timeout)
            buffer.writeInteger(isNew ? fresh.id : request.sessionID)
            if isNew {
                buffer.writeJute(bytes: fresh.password)
            } else {
                buffer.writeJute(bytes: request.password.readableBytesView)
            }
            if request.mayBeReadOnly != nil { buffer.writeJute(bool: false) }
        }
    }

    private mutating func serve(_ packet: ByteBuffer) throws(JuteError) -> Step {
        var reader = JuteReader(packet)
        let xid = try reader.int()
        let code = try reader.int()
        guard let operation = Operation(rawValue: code), !operation.isWrite else {
            let isWrite = Operation(rawValue: code) != nil
            return .send(reply(xid: xid, zxid: zxid, error: isWrite ? .notReadOnly : .unimplemented))
        }
        switch operation {
        case .ping:
            return .send(reply(xid: xid, zxid: zxid))
        case .closeSession:
            state = .closed
            return .sendAndClose(reply(xid: xid, zxid: zxid))
        case .exists, .getData, .getChildren, .getChildren2:
            let path = try reader.string()
            // A watch that never fires would be worse than none.
            if try reader.bool() { return .send(reply(xid: xid, zxid: zxid, error: .unimplemented)) }
            return look(operation, xid: xid, path: path)
        case .getACL, .getAllChildrenNumber:
            return look(operation, xid: xid, path: try reader.string())
        case .sync:
            let path = try reader.string()
            return .send(reply(xid: xid, zxid: zxid) { $0.writeJute(string: path) })
        case .getEphemerals:
            return .send(reply(xid: xid, zxid: zxid) { $0.writeJute(strings: []) })
        case .whoAmI:
            return .send(
                reply(xid: xid, zxid: zxid) { buffer in
                    buffer.writeInteger(Int32(1))
                    buffer.writeJute(string: "world")
                    buffer.writeJute(string: "anyone")
                })
        case .auth, .sasl:
            return .send(reply(xid: xid, zxid: zxid, error: .authFailed))
        default:
            return .send(reply(xid: xid, zxid: zxid, error: .unimplemented))
        }
    }

    private func look(_ operation: Operation, xid: Int32, path: String) -> Step {
        guard path.hasPrefix("/"), path == "/" || !path.hasSuffix("/") else {
            return .send(reply(xid: xid, zxid: zxid, error: .badArguments))
        }
        return .look(Lookup(operation: operation, xid: xid, path: path))
    }
}

/// A read that wants the tree.
struct Lookup: Equatable {
    let operation: Operation
    let xid: Int32
    let path: String

    func answer(from tree: Znodes) -> ByteBuffer {
        guard let node = tree[path] else { return reply(xid: xid, zxid: tree.zxid, error: .noNode) }
        return reply(xid: xid, zxid: tree.zxid) { buffer in
            switch operation {
            case .getData:
                buffer.writeJute(bytes: node.data)
                tree.writeStat(of: node, into: &buffer)
            case .getChildren:
                buffer.writeJute(strings: node.children)
            case .getChildren2:
                buffer.writeJute(strings: node.children)
                tree.writeStat(of: node, into: &buffer)
            case .getACL:
                buffer.writeInteger(Int32(1))
                buffer.writeInteger(Self.read)
                buffer.writeJute(string: "world")
                buffer.writeJute(string: "anyone")
                tree.writeStat(of: node, into: &buffer)
            case .getAllChildrenNumber:
                buffer.writeInteger(Int32(tree.descendants(of: path)))
            default:
                tree.writeStat(of: node, into: &buffer)
            }
        }
    }

    /// For when the cluster cannot be asked.
    var failure: ByteBuffer { reply(xid: xid, zxid: 0, error: .systemError) }

    /// `ZooDefs.Perms.READ`.
    private static let read: Int32 = 1
}
