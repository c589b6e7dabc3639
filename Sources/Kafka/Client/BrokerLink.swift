internal import IO
internal import Logging
internal import NIOConcurrencyHelpers

/// The connections to one broker, dialled when first wanted: one for requests that are answered at once, and a few for fetches.
///
/// A broker answers a connection's requests in order, so that a fetch that waits for records would hold up what is sent after it.
/// Each fetch therefore takes a connection of its own while there are fewer than ``fetchConnectionsMax``, and the one with the
/// fewest fetches beyond that. After a failed dial the next one waits (``Backoff``), for all callers alike.
final class BrokerLink: Sendable {
    typealias Dial = @Sendable (Endpoint, _ isAdvertised: Bool) async throws -> BrokerConnection

    let endpoint: Endpoint
    /// Whether the address came from the cluster's metadata and not from the configuration.
    let isAdvertised: Bool
    private let fetchConnectionsMax: Int
    private let dial: Dial
    private let state: NIOLockedValueBox<State>

    private struct Slot {
        var connection: BrokerConnection?
        var dialling: Task<BrokerConnection, any Error>?
        /// Fetches that wait on it.
        var users = 0
    }

    private typealias SlotPath = any WritableKeyPath<State, Slot> & Sendable

    private struct State {
        var control = Slot()
        var fetches: [Slot] = []
        var backoff: Backoff
        var dialNotBefore: ContinuousClock.Instant?
        var isClosed = false
    }

    init(endpoint: Endpoint, isAdvertised: Bool, fetchConnectionsMax: Int, backoff: Backoff, dial: @escaping Dial) {
        self.endpoint = endpoint
        self.isAdvertised = isAdvertised
        self.fetchConnectionsMax = fetchConnectionsMax
        self.dial = dial
        state = NIOLockedValueBox(State(backoff: backoff))
    }

    var isConnected: Bool { state.withLockedValue { $0.control.connection?.isOpen ?? false } }

    /// The connection for everything but fetches.
    func connection() async throws -> BrokerConnection {
        try await connection(in: \.control)
    }

    /// A connection for one fetch; `release` gives it back and is called once its response has come.
    func fetchConnection() async throws -> (connection: BrokerConnection, release: @Sendable () -> Void) {
        let index = state.withLockedValue { state in
            let index: Int
            if let idle = state.fetches.firstIndex(where: { $0.users == 0 }) {
                index = idle
            } else if state.fetches.count < fetchConnectionsMax {
                state.fetches.append(Slot())
                index = state.fetches.count - 1
            } else {
                index = state.fetches.indices.min { state.fetches[$0].users < state.fetches[$1].users }!
            }
            state.fetches[index].users += 1
            return index
        }
        let release: @Sendable () -> Void = { [self] in state.withLockedValue { $0.fetches[index].users -= 1 } }
        do {
            return (try await connection(in: \.fetches[index]), release)
        } catch {
            release()
            throw error
        }
    }

    private func connection(in slot: SlotPath) async throws -> BrokerConnection {
        enum Step {
            case use(BrokerConnection)
            case wait(Task<BrokerConnection, any Error>)
        }
        let step: Step = try state.withLockedValue { state in
            if state.isClosed { throw KafkaError.closed }
            if let connection = state[keyPath: slot].connection, connection.isOpen { return .use(connection) }
            if let dialling = state[keyPath: slot].dialling { return .wait(dialling) }
            let notBefore = state.dialNotBefore
            let dialling = Task { [self] in
                if let notBefore { try await Task.sleep(until: notBefore, clock: .continuous) }
                let result: Result<BrokerConnection, any Error>
                do {
                    result = .success(try await dial(endpoint, isAdvertised))
                } catch {
                    result = .failure(error)
                }
                return try await dialled(result, in: slot)
            }
            state[keyPath: slot].dialling = dialling
            return .wait(dialling)
        }
        switch step {
        case .use(let connection): return connection
        case .wait(let dialling): return try await dialling.sharedValue
        }
    }

    private func dialled(_ result: Result<BrokerConnection, any Error>, in slot: SlotPath) async throws
        -> BrokerConnection
    {
        let isClosed = state.withLockedValue { state in
            state[keyPath: slot].dialling = nil
            switch result {
            case .success(let connection):
                state.backoff.reset()
                state.dialNotBefore = nil
                if !state.isClosed { state[keyPath: slot].connection = connection }
            case .failure:
                state.dialNotBefore = .now + state.backoff.next()
            }
            return state.isClosed
        }
        let connection = try result.get()
        if isClosed {
            await connection.close()
            throw KafkaError.closed
        }
        return connection
    }

    func close() async {
        let (connections, dials) = state.withLockedValue { state in
            state.isClosed = true
            let slots = [state.control] + state.fetches
            return (slots.compactMap(\.connection), slots.compactMap(\.dialling))
        }
        for dial in dials { dial.cancel() }
        for connection in connections { await connection.close() }
        for dial in dials { _ = await dial.result }
    }
}
