import Hummingbird
import IO
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import HTTPServing

private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

private func configuration(port: Int = 0, idle: Duration? = nil, stopTimeout: Duration = .seconds(5)) -> HTTPListener.Configuration {
    HTTPListener.Configuration(
        box: "mill", endpoint: Endpoint(host: "127.0.0.1", port: port), portFlag: "--mill.port", connectionsMax: 16, connectionIdle: idle,
        headerBytesMax: 1_024, stopTimeout: stopTimeout)
}

private struct RawConnection {
    let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>

    init(_ endpoint: Endpoint) async throws {
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(host: endpoint.host, port: endpoint.port)
        {
            channel in channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel(wrappingChannelSynchronously: channel) }
        }
    }

    /// What has come when the other side closed.
    func exchange(_ request: String) async throws -> String {
        try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: request))
            var answer = ""
            for try await part in inbound { answer += String(buffer: part) }
            return answer
        }
    }
}

@Suite("The HTTP listener", .timeLimit(.minutes(1)))
struct HTTPListenerTests {
    private func withListener(
        _ configuration: HTTPListener.Configuration = configuration(),
        respond: @escaping @Sendable (Request) async throws -> Response = { _ in
            Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(string: "grain")))
        }, _ body: (HTTPListener) async throws -> Void
    ) async throws {
        let listener = try await HTTPListener.start(configuration, logger: quiet, respond: respond)
        do {
            try await body(listener)
        } catch {
            await listener.stop()
            throw error
        }
        await listener.stop()
    }

    @Test("it answers at the port that it says, under Leat's name")
    func answers() async throws {
        try await withListener { listener in
            let answer = try await RawConnection(listener.bound).exchange("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 200") && answer.lowercased().contains("server: leat\r\n") && answer.hasSuffix("grain"))
        }
    }

    @Test("a port that is taken is refused with the box, the port and the flag")
    func takenPort() async throws {
        try await withListener { listener in
            let error = await #expect(throws: ListenerError.self) {
                _ = try await HTTPListener.start(configuration(port: listener.bound.port), logger: quiet) { _ in Response(status: .ok) }
            }
            let text = error?.description ?? ""
            #expect(text.contains("mill") && text.contains("\(listener.bound.port)") && text.contains("--mill.port"))
        }
    }

    @Test("a start that was cancelled is no listener's error, and leaves no port open")
    func cancelledStart() async throws {
        let start = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await HTTPListener.start(configuration(), logger: quiet) { _ in Response(status: .ok) }
        }
        await #expect(throws: CancellationError.self) { _ = try await start.value }
    }

    @Test("a header beyond the limit ends the connection without an answer of the box")
    func largeHeader() async throws {
        try await withListener { listener in
            let long = String(repeating: "x", count: 4_096)
            let answer = try? await RawConnection(listener.bound).exchange("GET / HTTP/1.1\r\nHost: a\r\nX-Long: \(long)\r\n\r\n")
            #expect(answer?.contains("grain") != true)
        }
    }

    @Test("a connection that is silent is closed after the idle time")
    func idle() async throws {
        try await withListener(configuration(idle: .milliseconds(50))) { listener in
            // On a slow machine it may be closed before the first read.
            let answer = try? await RawConnection(listener.bound).exchange("")
            #expect(answer ?? "" == "")
        }
    }

    @Test("a stop lets an answer end, frees the port, and may be repeated")
    func stop() async throws {
        let (arrived, arrival) = AsyncStream.makeStream(of: Void.self)
        let (gate, opening) = AsyncStream.makeStream(of: Void.self)
        let respond: @Sendable (Request) async throws -> Response = { _ in
            arrival.yield()
            for await _ in gate { break }
            return Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(string: "grain")))
        }
        let listener = try await HTTPListener.start(configuration(), logger: quiet, respond: respond)
        async let answer = RawConnection(listener.bound).exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        for await _ in arrived { break }
        async let stopped: Void = listener.stop()
        opening.yield()
        #expect(try await answer.hasSuffix("grain"))
        await stopped
        await listener.stop()
        try await withListener(configuration(port: listener.bound.port)) { #expect($0.bound == listener.bound) }
    }

    @Test("a stop cuts off what does not end within its time-out")
    func overdueStop() async throws {
        let (arrived, arrival) = AsyncStream.makeStream(of: Void.self)
        let listener = try await HTTPListener.start(configuration(stopTimeout: .milliseconds(50)), logger: quiet) { _ in
            arrival.yield()
            try await Task.sleep(for: .seconds(3_600))
            return Response(status: .ok)
        }
        async let answer = try? RawConnection(listener.bound).exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        for await _ in arrived { break }
        await listener.stop()
        #expect(await answer?.hasPrefix("HTTP/1.1 200") != true)
    }
}
