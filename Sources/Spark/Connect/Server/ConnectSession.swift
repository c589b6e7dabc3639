internal import NIOConcurrencyHelpers
internal import OrderedCollections

/// What the server keeps for one client session: its configuration, its executions, and the errors whose details it may fetch.
final class ConnectSession: Sendable {
    struct Key: Hashable, Sendable {
        let userID: String
        let sessionID: String
    }

    let key: Key
    /// Made anew for every session, so that a client notices when the server has forgotten it.
    let serverSideID = randomUUID()

    private struct State {
        var configuration = SessionConfiguration()
        var executions: [String: Execution] = [:]
        var errors: OrderedDictionary<String, ConnectError> = [:]
        var lastUsedAt = ContinuousClock.now
    }

    private let state = NIOLockedValueBox(State())
    private let limits: ConnectConfiguration.Limits

    init(key: Key, limits: ConnectConfiguration.Limits) {
        self.key = key
        self.limits = limits
    }

    func configure<R>(_ body: (inout SessionConfiguration) throws -> R) rethrows -> R {
        try state.withLockedValue { try body(&$0.configuration) }
    }

    /// - Throws: INVALID_HANDLE when the client's id for it is taken or malformed, or too many are under way.
    func newExecution(id: String?, tags: [String], isReattachable: Bool) throws(ConnectError) -> Execution {
        if let id, !isUUID(id) {
            throw .invalidHandle("FORMAT", id, "Handle must be an UUID string of the format '00112233-4455-6677-8899-aabbccddeeff'.")
        }
        let execution = Execution(
            id: id ?? randomUUID(), tags: tags, isReattachable: isReattachable, retainedMax: limits.responsesMax,
            sessionID: key.sessionID, serverSideID: serverSideID)
        let refusal: ConnectError? = state.withLockedValue { state in
            // What a vanished client never released.
            state.executions = state.executions.filter { !($0.value.isFinished && $0.value.isDetached(for: limits.detachedMax)) }
            if state.executions[execution.id] != nil {
                return .invalidHandle("OPERATION_ALREADY_EXISTS", execution.id, "Operation already exists.")
            }
            guard state.executions.count < limits.operationsMax else {
                return ConnectError(
                    classes: ["org.apache.spark.SparkException", "java.lang.Exception"],
                    message: "The session has \(limits.operationsMax) operations under way or unreleased (engine.connect.operations.max).")
            }
            state.executions[execution.id] = execution
            state.lastUsedAt = .now
            return nil
        }
        if let refusal { throw refusal }
        return execution
    }

    func execution(_ id: String) -> Execution? { state.withLockedValue { $0.executions[id] } }
    func forget(_ execution: Execution) { state.withLockedValue { $0.executions[execution.id] = nil } }

    /// - Returns: The ids of those that were running.
    func interrupt(where isMeant: (Execution) -> Bool) -> [String] {
        let executions = state.withLockedValue { Array($0.executions.values) }
        return executions.filter { isMeant($0) && $0.cancel() }.map(\.id).sorted()
    }

    /// Keeps an error for `FetchErrorDetails`.
    ///
    /// - Returns: The id to fetch it by.
    func keep(_ error: ConnectError) -> String {
        let id = randomUUID()
        state.withLockedValue { state in
            if state.errors.count >= limits.errorsMax { state.errors.removeFirst() }
            state.errors[id] = error
        }
        return id
    }

    func takeError(_ id: String) -> ConnectError? { state.withLockedValue { $0.errors.removeValue(forKey: id) } }

    func touch() { state.withLockedValue { $0.lastUsedAt = .now } }

    func isIdle(for limit: Duration) -> Bool {
        state.withLockedValue { state in
            ContinuousClock.now - state.lastUsedAt > limit && state.executions.values.allSatisfy(\.isFinished)
        }
    }

    var lastUsedAt: ContinuousClock.Instant { state.withLockedValue { $0.lastUsedAt } }

    func close() {
        _ = interrupt { _ in true }
    }
}
