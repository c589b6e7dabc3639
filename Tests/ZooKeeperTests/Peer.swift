import NIOCore
import NIOPosix

@testable import ZooKeeper

/// A client's end of one connection, for tests: writes bytes, reads until there are enough or the server closes.
struct Peer {
    struct TimedOut: Error {}

    var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    var received = ByteBuffer()

    /// Connects, hands the peer to `body`, and closes; gives up after ten seconds.
    static func connect<R: Sendable>(to port: Int, _ body: @escaping @Sendable (inout Peer) async throws -> R) async throws -> R {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await withThrowingTaskGroup(of: R.self) { group in
            group.addTask {
                try await channel.executeThenClose { inbound, outbound in
                    var peer = Peer(inbound: inbound.makeAsyncIterator(), outbound: outbound)
                    return try await body(&peer)
                }
            }
            group.addTask {
                try await Task.sleep(for: .seconds(10))
                throw TimedOut()
            }
            defer { group.cancelAll() }
            guard let result = try await group.next() else { throw TimedOut() }
            return result
        }
    }

    func send(_ bytes: ByteBuffer) async throws { try await outbound.write(bytes) }
    func send(_ text: String) async throws { try await outbound.write(ByteBuffer(string: text)) }

    /// Everything until the server closes.
    mutating func rest() async throws -> String {
        while let more = try await inbound.next() { received.writeImmutableBuffer(more) }
        return String(buffer: received)
    }

    /// One packet without its length, or nil when the server closed.
    mutating func packet() async throws -> ByteBuffer? {
        while true {
            if let length = received.getInteger(at: received.readerIndex, as: Int32.self), received.readableBytes >= 4 + Int(length) {
                received.moveReaderIndex(forwardBy: 4)
                return received.readSlice(length: Int(length))
            }
            guard let more = try await inbound.next() else { return nil }
            received.writeImmutableBuffer(more)
        }
    }
}

/// The packets of a client, as kazoo and the Java client write them.
enum Client {
    static func connect(sessionID: Int64 = 0, timeout: Int32 = 10_000, readOnlyField: Bool = true) -> ByteBuffer {
        packet { buffer in
            buffer.writeInteger(Int32(0))
            buffer.writeInteger(Int64(0))
            buffer.writeInteger(timeout)
            buffer.writeInteger(sessionID)
            buffer.writeJute(bytes: [UInt8](repeating: 0, count: 16))
            if readOnlyField { buffer.writeJute(bool: false) }
        }
    }

    static func request(_ xid: Int32, _ operation: Operation, path: String? = nil, watch: Bool? = false) -> ByteBuffer {
        packet { buffer in
            buffer.writeInteger(xid)
            buffer.writeInteger(operation.rawValue)
            if let path { buffer.writeJute(string: path) }
            if let watch, path != nil { buffer.writeJute(bool: watch) }
        }
    }
}
