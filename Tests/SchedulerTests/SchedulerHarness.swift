import AsyncHTTPClient
import Foundation
import IO
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

@testable import Scheduler

/// A scheduler in a folder of its own, reached over HTTP.
struct SchedulerHarness {
    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    let server: SchedulerServer
    let client: AirflowClient
    let folder: String

    static func temporaryFolder() -> String { "/tmp/leat-scheduler-\(UInt64.random(in: 0...UInt64.max))" }

    static func start(
        _ dags: [DAGDefinition], folder: String = temporaryFolder(), settings: [String: String] = [:]
    ) async throws -> SchedulerHarness {
        var values = SettingValues(SchedulerConfiguration.settings)
        try values.set("scheduler.port", to: "0", from: .builtIn)
        for (key, value) in settings { try values.set(key, to: value, from: .builtIn) }
        let server = try await SchedulerServer.start(SchedulerConfiguration(values: values, folder: folder), dags: dags, logger: logger)
        var configuration = AirflowClientConfiguration(url: server.url)
        if let password = settings["scheduler.password"] {
            configuration.username = "airflow"
            configuration.password = password
        }
        return SchedulerHarness(server: server, client: AirflowClient(configuration, logger: logger), folder: folder)
    }

    /// Starts, hands over, stops, and removes the folder.
    static func with<R>(
        _ dags: [DAGDefinition], settings: [String: String] = [:], _ body: (SchedulerHarness) async throws -> R
    ) async throws -> R {
        let harness = try await start(dags, settings: settings)
        do {
            let result = try await body(harness)
            await harness.stop()
            return result
        } catch {
            await harness.stop()
            throw error
        }
    }

    func stop(keepFolder: Bool = false) async {
        await client.close()
        await server.stop()
        if !keepFolder { try? FileManager.default.removeItem(atPath: folder) }
    }

    /// Waits for a run to end.
    func ended(_ run: AirflowRun, within: Duration = .seconds(20)) async throws -> AirflowRun {
        try await eventually(within: within) {
            let now = try await client.run(run.dagID, run.runID)
            return now.state.isTerminal ? now : nil
        }
    }

    func raw(_ method: String, _ path: String, _ body: String? = nil, headers: [(String, String)] = []) async throws -> (
        status: Int, body: String, headers: HTTPHeaders
    ) {
        var request = HTTPClientRequest(url: server.url + path)
        request.method = HTTPMethod(rawValue: method)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body {
            if !request.headers.contains(name: "Content-Type") { request.headers.add(name: "Content-Type", value: "application/json") }
            request.body = .bytes(ByteBuffer(string: body))
        }
        let response = try await Self.http.execute(request, timeout: .seconds(20))
        return (Int(response.status.code), String(buffer: try await response.body.collect(upTo: 16 << 20)), response.headers)
    }

    private static let http: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        return HTTPClient(eventLoopGroup: .singletonMultiThreadedEventLoopGroup, configuration: configuration)
    }()
}

struct Timeout: Error {}

/// Asks until there is an answer, with a deadline.
func eventually<R>(within: Duration = .seconds(20), _ probe: () async throws -> R?) async throws -> R {
    let deadline = ContinuousClock.now + within
    while ContinuousClock.now < deadline {
        if let result = try await probe() { return result }
        try await Task.sleep(for: .milliseconds(2))
    }
    throw Timeout()
}

/// A flag that one side waits for and the other sets.
final class Gate: Sendable {
    private let state = NIOLockedValueBox<(isOpen: Bool, waiters: [CheckedContinuation<Void, Never>])>((false, []))

    func open() {
        let waiters = state.withLockedValue { state in
            state.isOpen = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Does not end with the task's cancellation: what a stubborn task does.
    func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLockedValue { state in
                if !state.isOpen { state.waiters.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }
}

final class Counter: Sendable {
    private let count = NIOLockedValueBox(0)
    @discardableResult func increment() -> Int {
        count.withLockedValue {
            $0 += 1
            return $0
        }
    }
    var value: Int { count.withLockedValue { $0 } }
}
