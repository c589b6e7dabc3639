import AsyncHTTPClient
import HTTPTypes
import Hummingbird
import IO
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import ServiceLifecycle

@testable import Console

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Settings with every box unset but those named.
func configuration(_ settings: [String: String] = [:]) throws -> ConsoleConfiguration {
    var values = SettingValues(ConsoleConfiguration.settings)
    for key in ["kafka", "store", "engine", "scheduler", "registry", "api", "zookeeper"] {
        try values.set("console.\(key)", to: "", from: .builtIn)
    }
    try values.set("console.port", to: "0", from: .builtIn)
    // A slow machine is no dead box.
    try values.set("console.timeout", to: "30s", from: .builtIn)
    for (key, text) in settings { try values.set("console.\(key)", to: text, from: .builtIn) }
    return try ConsoleConfiguration(values: values)
}

struct Answer {
    var status: Int
    var headers: HTTPHeaders
    var body: String
    var json: JSON { get throws { try JSON(parsing: body) } }
}

/// A console that runs for one test, and a way to ask it.
struct RunningConsole {
    let server: ConsoleServer

    func ask(
        _ path: String, _ method: HTTPMethod = .GET, headers: [(String, String)] = [], body: String? = nil
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: "http://\(server.endpoints[0])\(path)")
        request.method = method
        for (name, value) in headers { request.headers.replaceOrAdd(name: name, value: value) }
        if let body { request.body = .bytes(ByteBuffer(string: body)) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        return Answer(
            status: Int(response.status.code), headers: response.headers,
            body: String(buffer: try await response.body.collect(upTo: 4 << 20)))
    }

    /// The first `count` events' JSON; the connection is closed afterwards.
    func events(_ count: Int) async throws -> [JSON] {
        let response = try await HTTPClient.shared.execute(
            HTTPClientRequest(url: "http://\(server.endpoints[0])/api/flow/events"), timeout: .seconds(20))
        var text = "", events: [JSON] = []
        for try await part in response.body {
            text += String(buffer: part)
            while let end = text.firstRange(of: "\n\n") {
                let block = text[..<end.lowerBound].split(separator: "\n")
                text = String(text[end.upperBound...])
                guard block.first == "event: flow", let data = block.last, data.hasPrefix("data: ") else { continue }
                events.append(try JSON(parsing: String(data.dropFirst(6))))
                if events.count == count { return events }
            }
        }
        return events
    }
}

func withConsole<R>(
    _ settings: [String: String] = [:], hops: (inout Hops) -> Void = { _ in }, _ body: (RunningConsole) async throws -> R
) async throws -> R {
    let configuration = try configuration(settings)
    var all = Hops(configuration, logger: quiet)
    hops(&all)
    let server = try await ConsoleServer.start(configuration, hops: all, logger: quiet)
    do {
        let result = try await body(RunningConsole(server: server))
        await server.stop()
        return result
    } catch {
        await server.stop()
        throw error
    }
}

/// Waits until a condition holds, for ten seconds at most.
func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
    let end = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < end {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(10))
    }
    return false
}

/// An HTTP server that answers as a test says: a box as others might run it.
final class ForeignBox: Sendable {
    let endpoint: Endpoint
    private let running: Task<Void, any Error>

    init(_ router: Router<BasicRequestContext>) async throws {
        let (bound, continuation) = AsyncStream.makeStream(of: Int.self)
        let application = Application(
            router: router, configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { continuation.yield($0.localAddress?.port ?? 0) }, logger: quiet)
        running = Task { try await application.run() }
        var iterator = bound.makeAsyncIterator()
        endpoint = Endpoint(host: "127.0.0.1", port: await iterator.next() ?? 0)
    }

    func stop() async {
        running.cancel()
        _ = await running.result
    }
}

/// A port that accepts connections and never says a word.
func withSilentPort<R>(_ body: (Endpoint) async throws -> R) async throws -> R {
    let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .bind(host: "127.0.0.1", port: 0).get()
    defer { channel.close(promise: nil) }
    return try await body(Endpoint(host: "127.0.0.1", port: channel.localAddress?.port ?? 0))
}

/// A port that nobody listens on.
func closedPort() async throws -> Endpoint {
    let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: 0).get()
    let port = channel.localAddress?.port ?? 0
    try await channel.close()
    return Endpoint(host: "127.0.0.1", port: port)
}
