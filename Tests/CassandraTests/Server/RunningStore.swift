import Cassandra
import Foundation
import IO
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

@testable import Cassandra

/// A store on a free port and a folder that goes with the test.
func withStore<R>(
    _ settings: [String: String] = [:], folder: String? = nil, _ body: (Store, Endpoint) async throws -> R
) async throws -> R {
    let path = folder ?? NSTemporaryDirectory() + "leat-store-test-\(UUID().uuidString)"
    defer { if folder == nil { try? FileManager.default.removeItem(atPath: path) } }
    var values = SettingValues(StoreConfiguration.settings)
    try values.set("store.port", to: "0", from: .flag("test"))
    for (key, text) in settings { try values.set(key, to: text, from: .flag("test")) }
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let store = try await Store.start(StoreConfiguration(values: values, folder: path), logger: logger)
    do {
        let result = try await body(store, store.endpoints[0])
        await store.stop()
        return result
    } catch {
        await store.stop()
        throw error
    }
}

/// A connection that sends what a test wants sent, and decodes what comes back.
final class RawConnection {
    private final class Collector: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let received: AsyncStream<ByteBuffer>
        private let continuation: AsyncStream<ByteBuffer>.Continuation

        init() { (received, continuation) = AsyncStream.makeStream() }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { continuation.yield(unwrapInboundIn(data)) }
        func channelInactive(context: ChannelHandlerContext) { continuation.finish() }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    let version: ProtocolVersion
    private let channel: any Channel
    private var iterator: AsyncStream<ByteBuffer>.Iterator
    private var decoder = FrameDecoder(readsResponses: true, bodyBytesMax: 64 << 20)
    private var encoder = FrameEncoder(isServer: false)

    /// - Parameter reads: false for a client that takes nothing out of its socket.
    init(_ endpoint: Endpoint, _ version: ProtocolVersion = .v4, reads: Bool = true) async throws {
        self.version = version
        let collector = Collector()
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: reads)
            .channelInitializer { channel in channel.pipeline.addHandler(collector) }
            .connect(host: endpoint.host, port: endpoint.port).get()
        iterator = collector.received.makeAsyncIterator()
    }

    func send(bytes: ByteBuffer) async throws { try await channel.writeAndFlush(bytes).get() }

    func send(_ opcode: Opcode, stream: Int16 = 1, _ body: (inout ByteBuffer) -> Void = { _ in }) async throws {
        encoder.write(version, stream: stream, opcode, body: body)
        if let bytes = encoder.take() { try await send(bytes: bytes) }
    }

    /// Many requests in one write.
    func sendAll(_ requests: [(Opcode, Int16, (inout ByteBuffer) -> Void)]) async throws {
        for (opcode, stream, body) in requests { encoder.write(version, stream: stream, opcode, body: body) }
        if let bytes = encoder.take() { try await send(bytes: bytes) }
    }

    /// Nil once the server has closed the connection.
    func frame() async throws -> Frame? {
        while true {
            if let frame = try decoder.next() { return frame }
            guard let bytes = await iterator.next() else { return nil }
            decoder.append(bytes)
        }
    }

    /// What came, undecoded, until the server closed.
    func text() async -> String {
        var text = ""
        while let bytes = await iterator.next() { text += String(buffer: bytes) }
        return text
    }

    func startUp() async throws -> Opcode? {
        try await send(.startup) { Startup(options: ["CQL_VERSION": "3.0.0"]).write(to: &$0) }
        let opcode = try await frame()?.header.opcode
        if version >= .v5 {
            decoder.beginSegments()
            encoder.beginSegments()
        }
        return opcode
    }

    /// Sends a QUERY and reads its answer: an error, or a result.
    func query(_ cql: String, stream: Int16 = 1) async throws -> Result<ResultMessage, CQLError> {
        try await send(.query, stream: stream) { [version] in
            Query(statement: cql, parameters: QueryParameters(request: .init())).write(to: &$0, version: version)
        }
        return try await answer()
    }

    func answer() async throws -> Result<ResultMessage, CQLError> {
        guard var frame = try await frame() else { return .failure(.serverError("the connection is closed")) }
        _ = try frame.readWarnings()
        if frame.header.opcode == .error { return .failure(try CQLError(from: &frame.body, version: version)) }
        return .success(try ResultMessage(from: &frame.body, version: version))
    }

    func close() async { try? await channel.close().get() }
}

extension Result where Success == ResultMessage, Failure == CQLError {
    var error: CQLError? { if case .failure(let error) = self { error } else { nil } }

    var rows: [[CQLValue]]? {
        guard case .success(.rows(let rows)) = self else { return nil }
        return try? rows.decoded()
    }
}
