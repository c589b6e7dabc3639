import IO
import Logging
import NIOCore
import Testing

@testable import ZooKeeper

private let picture = ClusterPicture(
    clusterID: "leat-cluster", controllerID: 1, brokers: [.init(id: 1, host: "127.0.0.1", port: 9092)],
    topics: [
        "users_created": [.init(index: 0, leader: 1, replicas: [1], inSync: [1]), .init(index: 1, leader: 1, replicas: [1], inSync: [1])]
    ])

private struct BrokerIsDown: Error {}

private func withPort<R>(
    _ settings: [String: String] = [:], metadata: @escaping @Sendable () async throws -> ClusterPicture = { picture },
    _ body: (ZooKeeperPort, Int) async throws -> R
) async throws -> R {
    var values = SettingValues(ZooKeeperConfiguration.settings)
    try values.set("zookeeper.port", to: "0", from: .builtIn)
    for (key, value) in settings { try values.set(key, to: value, from: .builtIn) }
    let port = try await ZooKeeperPort.start(
        ZooKeeperConfiguration(values: values), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, metadata: metadata)
    do {
        let result = try await body(port, port.endpoints[0].port)
        await port.stop()
        return result
    } catch {
        await port.stop()
        throw error
    }
}

@Suite("ZooKeeper's port")
struct ZooKeeperPortTests {
    @Test("ruok is answered with imok, without a line end, and the connection is closed")
    func ruok() async throws {
        try await withPort { _, port in
            let answer = try await Peer.connect(to: port) { peer in
                try await peer.send("ruok")
                return try await peer.rest()
            }
            #expect(answer == "imok")
        }
    }

    @Test("ruok is answered while the broker is down")
    func ruokWithoutBroker() async throws {
        try await withPort(metadata: { throw BrokerIsDown() }) { _, port in
            let answer = try await Peer.connect(to: port) { peer in
                try await peer.send("ruok\n")
                return try await peer.rest()
            }
            #expect(answer == "imok")
        }
    }

    @Test(
        "each word answers in ZooKeeper's form",
        arguments: [
            ("srvr", "Mode: standalone\n"), ("stat", "Clients:\n /127.0.0.1:"), ("mntr", "zk_server_state\tstandalone\n"),
            ("conf", "clientPort="), ("envi", "zookeeper.version=3.8"), ("isro", "ro"), ("wchs", "not in the whitelist"),
        ])
    func words(word: String, part: String) async throws {
        try await withPort { _, port in
            let answer = try await Peer.connect(to: port) { peer in
                try await peer.send(word)
                return try await peer.rest()
            }
            #expect(answer.contains(part))
        }
    }

    @Test("a client connects, reads the brokers' znodes, pings and closes")
    func session() async throws {
        try await withPort { _, port in
            try await Peer.connect(to: port) { peer in
                try await peer.send(Client.connect(timeout: 1_000_000))
                var connected = JuteReader(try #require(try await peer.packet()))
                #expect(try connected.int() == 0)
                #expect(try connected.int() == 40_000, "the time-out is held to the longest allowed")
                #expect(try connected.long() != 0)
                #expect(try connected.bytes()?.readableBytes == 16)
                #expect(try connected.bool() == false)
                #expect(connected.isAtEnd)

                try await peer.send(Client.request(1, .getData, path: "/brokers/ids/1"))
                var data = JuteReader(try #require(try await peer.packet()))
                #expect(try data.int() == 1)
                _ = try data.long()
                #expect(try data.int() == 0)
                let json = String(buffer: try #require(try data.bytes()))
                #expect(json.contains("\"endpoints\":[\"PLAINTEXT://127.0.0.1:9092\"]"))

                try await peer.send(Client.request(2, .getChildren, path: "/brokers/topics"))
                var children = JuteReader(try #require(try await peer.packet()))
                _ = try (children.int(), children.long(), children.int())
                #expect(try children.int() == 1)
                #expect(try children.string() == "users_created")

                try await peer.send(Client.request(-2, .ping))
                var ping = JuteReader(try #require(try await peer.packet()))
                #expect(try ping.int() == -2)

                try await peer.send(Client.request(3, .closeSession))
                #expect(try await peer.packet()?.readableBytes == 16)
                #expect(try await peer.packet() == nil)
            }
        }
    }

    @Test("packets that arrive one byte at a time are answered as whole ones, in order")
    func byteByByte() async throws {
        try await withPort { _, port in
            try await Peer.connect(to: port) { peer in
                var bytes = Client.connect()
                bytes.writeImmutableBuffer(Client.request(1, .exists, path: "/cluster/id"))
                bytes.writeImmutableBuffer(Client.request(2, .exists, path: "/nothing"))
                while let byte = bytes.readSlice(length: 1) { try await peer.send(byte) }
                _ = try await peer.packet()
                var first = JuteReader(try #require(try await peer.packet()))
                #expect(try first.int() == 1)
                _ = try first.long()
                #expect(try first.int() == 0)
                var second = JuteReader(try #require(try await peer.packet()))
                #expect(try second.int() == 2)
                _ = try second.long()
                #expect(try second.int() == ReplyError.noNode.rawValue)
            }
        }
    }

    @Test("a write is refused with NOTREADONLY and the session goes on", arguments: [Operation.create, .delete, .setData, .multi])
    func writes(operation: ZooKeeper.Operation) async throws {
        try await withPort { _, port in
            try await Peer.connect(to: port) { peer in
                try await peer.send(Client.connect())
                _ = try await peer.packet()
                try await peer.send(Client.request(7, operation, path: "/brokers/ids/2"))
                var refused = JuteReader(try #require(try await peer.packet()))
                #expect(try refused.int() == 7)
                _ = try refused.long()
                #expect(try refused.int() == -119)
                try await peer.send(Client.request(8, .exists, path: "/controller"))
                var found = JuteReader(try #require(try await peer.packet()))
                _ = try (found.int(), found.long())
                #expect(try found.int() == 0)
            }
        }
    }

    @Test("a read while the broker is down is an error for that request and not for the session")
    func brokerDown() async throws {
        try await withPort(metadata: { throw BrokerIsDown() }) { _, port in
            try await Peer.connect(to: port) { peer in
                try await peer.send(Client.connect())
                _ = try await peer.packet()
                try await peer.send(Client.request(1, .getData, path: "/controller"))
                var failed = JuteReader(try #require(try await peer.packet()))
                _ = try (failed.int(), failed.long())
                #expect(try failed.int() == ReplyError.systemError.rawValue)
                try await peer.send(Client.request(-2, .ping))
                #expect(try await peer.packet() != nil)
            }
        }
    }

    @Test("a watch is refused, since it would never fire")
    func watches() async throws {
        try await withPort { _, port in
            try await Peer.connect(to: port) { peer in
                try await peer.send(Client.connect())
                _ = try await peer.packet()
                try await peer.send(Client.request(1, .getData, path: "/controller", watch: true))
                var refused = JuteReader(try #require(try await peer.packet()))
                _ = try (refused.int(), refused.long())
                #expect(try refused.int() == ReplyError.unimplemented.rawValue)
            }
        }
    }

    @Test(
        "malformed bytes close their connection and no other",
        arguments: [
            "\u{7f}\u{7f}\u{7f}\u{7f}garbage", "HELO", "\u{0}\u{0}\u{0}\u{2}ab", "zzzz", "\u{0}\u{0}\u{0}\u{0}",
        ])
    func malformed(bytes: String) async throws {
        try await withPort { _, port in
            try await Peer.connect(to: port) { other in
                try await other.send(Client.connect())
                _ = try await other.packet()
                let answer = try await Peer.connect(to: port) { peer in
                    try await peer.send(bytes)
                    return try await peer.rest()
                }
                #expect(answer.isEmpty)
                try await other.send(Client.request(-2, .ping))
                #expect(try await other.packet() != nil)
            }
        }
    }

    @Test("a browser is told in one line what lives here")
    func browser() async throws {
        try await withPort(["zookeeper.console": "http://127.0.0.1:9021"]) { _, port in
            let answer = try await Peer.connect(to: port) { peer in
                try await peer.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                return try await peer.rest()
            }
            #expect(answer.hasPrefix("HTTP/1.1 400"))
            #expect(answer.contains("ZooKeeper") && answer.contains("http://127.0.0.1:9021"))
        }
    }

    @Test("connections beyond the limit are closed on arrival")
    func connectionLimit() async throws {
        try await withPort(["zookeeper.connections.max": "1"]) { _, port in
            try await Peer.connect(to: port) { first in
                try await first.send(Client.connect())
                _ = try await first.packet()
                let second = try await Peer.connect(to: port) { peer in try await peer.rest() }
                #expect(second.isEmpty)
                try await first.send(Client.request(-2, .ping))
                #expect(try await first.packet() != nil)
            }
        }
    }

    @Test("many requests in one refresh interval ask the broker once")
    func oneMetadataRequest() async throws {
        let asked = Counter()
        try await withPort(
            ["zookeeper.refresh": "1h"],
            metadata: {
                await asked.increment()
                return picture
            }
        ) { _, port in
            try await Peer.connect(to: port) { peer in
                try await peer.send(Client.connect())
                _ = try await peer.packet()
                for xid in Int32(1)...20 {
                    try await peer.send(Client.request(xid, .exists, path: "/controller"))
                    _ = try await peer.packet()
                }
            }
        }
        #expect(await asked.count == 1)
    }

    @Test("a taken port is an error that names the port and the setting")
    func takenPort() async throws {
        try await withPort { _, port in
            let error = await #expect(throws: ListenerError.self) {
                try await withPort(["zookeeper.port": "\(port)"]) { _, _ in }
            }
            #expect(error?.description.contains("\(port)") == true)
            #expect(error?.description.contains("zookeeper.port") == true)
        }
    }

    @Test("stop closes what is open and can be called twice")
    func stop() async throws {
        try await withPort { server, port in
            try await Peer.connect(to: port) { peer in
                try await peer.send(Client.connect())
                _ = try await peer.packet()
                await server.stop()
                #expect(try await peer.packet() == nil)
                await server.stop()
            }
        }
    }
}

private actor Counter {
    private(set) var count = 0
    func increment() { count += 1 }
}

@Suite("ZooKeeper's frames")
struct ZooKeeperFrameTests {
    @Test("any split of the bytes gives the same frames")
    func splits() throws {
        var whole = Client.connect()
        whole.writeImmutableBuffer(Client.request(1, .getChildren2, path: "/"))
        for split in 0...whole.readableBytes {
            var decoder = ZooKeeperFrameDecoder(maximumBytes: 1_024)
            var buffer = try #require(whole.getSlice(at: 0, length: split))
            var frames: [ZooKeeperFrameDecoder.Frame] = []
            while let frame = try decoder.next(&buffer) { frames.append(frame) }
            buffer.writeImmutableBuffer(try #require(whole.getSlice(at: split, length: whole.readableBytes - split)))
            while let frame = try decoder.next(&buffer) { frames.append(frame) }
            #expect(frames.count == 2)
            #expect(buffer.readableBytes == 0)
        }
    }

    @Test("a negative or too long length is refused", arguments: [Int32(-1), 1_025, .max, .min])
    func lengths(length: Int32) {
        var decoder = ZooKeeperFrameDecoder(maximumBytes: 1_024)
        var buffer = ByteBuffer(integer: length)
        #expect(throws: ZooKeeperFrameError.self) { try decoder.next(&buffer) }
    }

    @Test("every truncation of a record is an error and none a crash")
    func truncations() throws {
        var whole = Client.connect(readOnlyField: false)
        whole.moveReaderIndex(forwardBy: 4)
        for length in 0..<whole.readableBytes {
            let part = try #require(whole.getSlice(at: whole.readerIndex, length: length))
            #expect(throws: JuteError.self) { try ConnectRequest(part) }
        }
    }

    @Test("a count larger than the bytes that follow is refused", arguments: [Int32(-2), 5, .max, .min])
    func counts(count: Int32) {
        var buffer = ByteBuffer(integer: count)
        buffer.writeString("abcd")
        var reader = JuteReader(buffer)
        #expect(throws: JuteError.badCount(count)) { try reader.bytes() }
    }

    @Test("a client from before 3.4 gets the answer without the read-only field; a returning session keeps its number")
    func oldClients() throws {
        func answer(_ request: ByteBuffer) throws -> ByteBuffer {
            var session = Session(timeoutRange: 4_000...40_000) { (7, [1, 2, 3]) }
            var request = request
            request.moveReaderIndex(forwardBy: 4)
            guard case .send(let answer) = try session.receive(request) else { throw BrokerIsDown() }
            return answer
        }
        let modern = try answer(Client.connect(sessionID: 42)), old = try answer(Client.connect(sessionID: 42, readOnlyField: false))
        #expect(modern.readableBytes == old.readableBytes + 1)
        #expect(modern.getInteger(at: 12, as: Int64.self) == 42)
        #expect(try answer(Client.connect()).getInteger(at: 12, as: Int64.self) == 7)
    }
}
