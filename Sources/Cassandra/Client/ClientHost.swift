internal import IO
internal import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore

/// One host of the cluster: its connections, dialled when first wanted, and whether it is down.
final class ClientHost: Sendable {
    let endpoint: Endpoint
    private let configuration: CassandraClientConfiguration
    private let logger: Logger
    private let state: NIOLockedValueBox<State>

    private struct State: Sendable {
        var connections: [ClientConnection?]
        var dialling: [Task<ClientConnection, any Error>?]
        var next = 0
        /// The version that the host took last.
        var version: ProtocolVersion?
        var downUntil: NIODeadline?
        var backoff = Backoff(initial: .milliseconds(100), maximum: .seconds(10))
        var isClosed = false
    }

    init(endpoint: Endpoint, configuration: CassandraClientConfiguration, logger: Logger) {
        self.endpoint = endpoint
        self.configuration = configuration
        self.logger = logger
        let count = max(1, configuration.connectionsPerHost)
        state = NIOLockedValueBox(
            State(connections: Array(repeating: nil, count: count), dialling: Array(repeating: nil, count: count)))
    }

    /// Whether the last attempt to connect failed a short while ago.
    var isDown: Bool { state.withLockedValue { $0.downUntil.map { $0 > .now() } ?? false } }

    /// A usable connection, dialled if need be; callers that come meanwhile wait for the same one.
    func connection() async throws -> ClientConnection {
        enum Found {
            case open(ClientConnection)
            case dialling(Int, Task<ClientConnection, any Error>)
            case closed
        }
        let found = state.withLockedValue { state -> Found in
            if state.isClosed { return .closed }
            let slot = state.next % state.connections.count
            state.next = (state.next + 1) % state.connections.count
            if let open = state.connections[slot], open.isUsable { return .open(open) }
            if let task = state.dialling[slot] { return .dialling(slot, task) }
            let known = state.version
            let task = Task { try await self.dial(known) }
            state.dialling[slot] = task
            return .dialling(slot, task)
        }
        switch found {
        case .open(let connection): return connection
        case .closed: throw CassandraClientError(.closed, host: endpoint)
        case .dialling(let slot, let task):
            let outcome = await task.result
            let isClosed = state.withLockedValue { state in
                if state.dialling[slot] == task {
                    state.dialling[slot] = nil
                    switch outcome {
                    case .success(let connection):
                        state.connections[slot] = connection
                        state.version = connection.version
                        state.downUntil = nil
                        state.backoff.reset()
                    case .failure:
                        state.downUntil = .now() + TimeAmount(state.backoff.next())
                    }
                }
                return state.isClosed
            }
            let connection = try outcome.get()
            if isClosed {
                await connection.close()
                throw CassandraClientError(.closed, host: endpoint)
            }
            return connection
        }
    }

    /// Tries v5 and goes down while the server refuses the version.
    private func dial(_ known: ProtocolVersion?) async throws -> ClientConnection {
        var versions = ProtocolVersion.allCases.reversed().filter { known == nil || $0 <= known! }
        if let wanted = configuration.protocolVersion { versions = [wanted] }
        var last: any Error = CassandraClientError(.cannotConnect("no protocol version to try"), host: endpoint)
        for version in versions {
            do {
                let connection = try await ClientConnection.connect(to: endpoint, version: version, configuration: configuration)
                logger.debug("connected", metadata: ["host": "\(endpoint)", "version": "\(version)"])
                return connection
            } catch let error as CassandraClientError {
                last = error
                // Servers word it differently (Cassandra 3.11: "Beta version of the protocol used"): any protocol error at the
                // handshake is worth a try with the version below.
                let isRefusal: Bool =
                    switch error.kind {
                    case .server(let cause): cause.code == .protocolError
                    case .badAnswer: true
                    default: false
                    }
                guard isRefusal else { throw error }
            }
        }
        throw last
    }

    func close() async {
        let (connections, tasks) = state.withLockedValue { state in
            state.isClosed = true
            defer {
                state.connections = state.connections.map { _ in nil }
            }
            return (state.connections.compactMap { $0 }, state.dialling.compactMap { $0 })
        }
        for connection in connections { await connection.close() }
        for task in tasks { if case .success(let connection) = await task.result { await connection.close() } }
    }
}
