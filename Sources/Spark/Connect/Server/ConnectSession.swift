internal import NIOConcurrencyHelpers
internal import NIOCore
internal import OrderedCollections

/// What the server keeps for one client session: configuration, views, artifacts, functions, frames, streaming queries, its executions, and
/// the errors whose details it may fetch.
final class ConnectSession: Sendable {
    struct Key: Hashable, Sendable {
        let userID: String
        let sessionID: String
    }

    let key: Key
    /// Made anew for every session, so that a client notices when the server has forgotten it.
    let serverSideID = randomUUID()
    /// What plans are resolved with: views and settings.
    let plans: SessionState

    private struct State {
        var configuration = SessionConfiguration()
        var executions: [String: Execution] = [:]
        var errors: OrderedDictionary<String, ConnectError> = [:]
        var lastUsedAt = ContinuousClock.now
        var artifacts: [String: ByteBuffer] = [:]
        var artifactBytes = 0
        /// Frames held for the client, oldest first: checkpoints.
        var frames: OrderedDictionary<String, LogicalPlan> = [:]
        var storage: [LogicalPlan: StorageLevel] = [:]
        /// Started by this session, in order, until they are forgotten by `resetTerminated`.
        var streams: [StreamingQueryID] = []
        var streamPlans: [StreamingQueryID: String] = [:]
        var database = "default"
        var listenerBuses = 0
    }

    private let state: NIOLockedValueBox<State>
    private let limits: ConnectConfiguration.Limits

    init(key: Key, limits: ConnectConfiguration.Limits) {
        self.key = key
        self.limits = limits
        plans = SessionState()
        state = NIOLockedValueBox(State())
    }

    /// A session with what another one knows, but for what is under way.
    init(key: Key, cloning other: ConnectSession) {
        self.key = key
        limits = other.limits
        plans = other.plans.cloned()
        var copy = other.state.withLockedValue { $0 }
        copy.executions = [:]
        copy.errors = [:]
        copy.streams = []
        copy.lastUsedAt = .now
        state = NIOLockedValueBox(copy)
    }

    /// Settings are also what plans are resolved with.
    func configure<R>(_ body: (inout SessionConfiguration) throws -> R) rethrows -> R {
        try state.withLockedValue { state in
            state.configuration.adopt(plans.settings)
            defer {
                for change in state.configuration.takeChanges() { plans.set(change.key, change.value) }
            }
            return try body(&state.configuration)
        }
    }

    func setting(_ key: String) -> String? { configure { $0.value(of: key) } }

    // MARK: Artifacts

    /// - Throws: when the session's artifacts would be larger than allowed.
    func addArtifact(_ name: String, _ data: ByteBuffer) throws(ConnectError) {
        let fits = state.withLockedValue { state in
            let bytes = state.artifactBytes - (state.artifacts[name]?.readableBytes ?? 0) + data.readableBytes
            guard bytes <= limits.artifactsBytesMax else { return false }
            state.artifacts[name] = data
            state.artifactBytes = bytes
            return true
        }
        guard fits else {
            throw ConnectError(
                classes: ["org.apache.spark.SparkException", "java.lang.Exception"],
                message: "The session's artifacts are more than \(limits.artifactsBytesMax) bytes (engine.connect.artifacts.bytes.max).")
        }
    }

    func artifact(_ name: String) -> ByteBuffer? { state.withLockedValue { $0.artifacts[name] } }

    // MARK: Frames

    func hold(_ plan: LogicalPlan) -> String {
        let id = randomUUID()
        state.withLockedValue { state in
            if state.frames.count >= limits.framesMax { state.frames.removeFirst() }
            state.frames[id] = plan
        }
        return id
    }

    func held(_ id: String) -> LogicalPlan? { state.withLockedValue { $0.frames[id] } }
    func release(frame id: String) { _ = state.withLockedValue { $0.frames.removeValue(forKey: id) } }

    func persist(_ plan: LogicalPlan, _ level: StorageLevel) {
        state.withLockedValue { state in
            if state.storage.count >= limits.framesMax, state.storage[plan] == nil { return }
            state.storage[plan] = level
        }
    }

    func unpersist(_ plan: LogicalPlan) { _ = state.withLockedValue { $0.storage.removeValue(forKey: plan) } }
    func unpersistAll() { state.withLockedValue { $0.storage = [:] } }
    func storageLevel(_ plan: LogicalPlan) -> StorageLevel? { state.withLockedValue { $0.storage[plan] } }

    var database: String {
        get { state.withLockedValue { $0.database } }
        set { state.withLockedValue { $0.database = newValue } }
    }

    // MARK: Streaming queries

    func started(_ id: StreamingQueryID, plan: String) {
        state.withLockedValue { state in
            state.streams.removeAll { $0 == id }
            state.streams.append(id)
            state.streamPlans[id] = plan
            guard state.streams.count > limits.framesMax else { return }
            state.streamPlans[state.streams.removeFirst()] = nil
        }
    }

    func plan(ofStream id: StreamingQueryID) -> String? { state.withLockedValue { $0.streamPlans[id] } }
    var streams: [StreamingQueryID] { state.withLockedValue { $0.streams } }
    func forget(streams gone: Set<StreamingQueryID>) { state.withLockedValue { $0.streams.removeAll { gone.contains($0) } } }

    func openListenerBus() { state.withLockedValue { $0.listenerBuses += 1 } }
    func closeListenerBus() { state.withLockedValue { $0.listenerBuses = 0 } }
    var hasListenerBus: Bool { state.withLockedValue { $0.listenerBuses > 0 } }

    // MARK: Executions

    /// - Throws: INVALID_HANDLE when the client's id for it is taken or malformed, or too many are under way.
    func newExecution(id: String?, tags: [String], isReattachable: Bool) throws(ConnectError) -> Execution {
        if let id, !isUUID(id) {
            throw .invalidHandle("FORMAT", id, "Handle must be an UUID string of the format '00112233-4455-6677-8899-aabbccddeeff'.")
        }
        let execution = Execution(
            id: id ?? randomUUID(), tags: tags, isReattachable: isReattachable, retainedMax: limits.responsesMax,
            retainedBytesMax: limits.responsesBytesMax, sessionID: key.sessionID, serverSideID: serverSideID)
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

    func statuses(_ ids: [String]) -> [(id: String, state: GetStatusResponse.State)] {
        let executions = state.withLockedValue { $0.executions }
        guard !ids.isEmpty else { return executions.values.map { ($0.id, $0.status) }.sorted { $0.id < $1.id } }
        return ids.map { ($0, executions[$0]?.status ?? .unknown) }
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
