internal import NIOConcurrencyHelpers
internal import OrderedCollections

/// The server's sessions by user and session id. A session is made by the first request that names it.
///
/// Their number is bounded: one that has been idle for long gives way to a new one, and when none has, the newcomer is refused.
final class ConnectSessions: Sendable {
    private struct State {
        var sessions: [ConnectSession.Key: ConnectSession] = [:]
        /// Released ones, oldest first: a client that goes on with one is told that it is closed.
        var closed: OrderedSet<ConnectSession.Key> = []
    }

    private let state = NIOLockedValueBox(State())
    private let limits: ConnectConfiguration.Limits

    init(limits: ConnectConfiguration.Limits) {
        self.limits = limits
    }

    var count: Int { state.withLockedValue { $0.sessions.count } }

    func session(_ reference: SessionReference) throws(ConnectError) -> ConnectSession {
        guard isUUID(reference.sessionID) else {
            throw .invalidHandle(
                "FORMAT", reference.sessionID, "Handle must be an UUID string of the format '00112233-4455-6677-8899-aabbccddeeff'.")
        }
        let key = ConnectSession.Key(userID: reference.userID, sessionID: reference.sessionID)
        let observed = reference.observedServerSideID ?? ""
        let result: Result<ConnectSession, ConnectError> = state.withLockedValue { state in
            if state.closed.contains(key) { return .failure(.invalidHandle("SESSION_CLOSED", key.sessionID, "Session was closed.")) }
            if let session = state.sessions[key] {
                guard observed.isEmpty || observed == session.serverSideID else { return .failure(Self.changed(key)) }
                return .success(session)
            }
            guard observed.isEmpty else { return .failure(Self.changed(key)) }
            if state.sessions.count >= limits.sessionsMax, !Self.makeRoom(&state, limits) {
                return .failure(Self.full(limits))
            }
            let session = ConnectSession(key: key, limits: limits)
            state.sessions[key] = session
            return .success(session)
        }
        let session = try result.get()
        session.touch()
        return session
    }

    /// A session that must be there already.
    func existing(_ reference: SessionReference) throws(ConnectError) -> ConnectSession {
        let key = ConnectSession.Key(userID: reference.userID, sessionID: reference.sessionID)
        guard state.withLockedValue({ $0.sessions[key] != nil || $0.closed.contains(key) }) else {
            throw .invalidHandle("SESSION_NOT_FOUND", reference.sessionID, "Session not found.")
        }
        return try session(reference)
    }

    /// A new session with what another one knows.
    func clone(_ session: ConnectSession, as id: String?) throws(ConnectError) -> ConnectSession {
        if let id, !isUUID(id) {
            throw .invalidHandle("FORMAT", id, "Handle must be an UUID string of the format '00112233-4455-6677-8899-aabbccddeeff'.")
        }
        let key = ConnectSession.Key(userID: session.key.userID, sessionID: id ?? randomUUID())
        let clone = ConnectSession(key: key, cloning: session)
        let refusal: ConnectError? = state.withLockedValue { state in
            if state.closed.contains(key) {
                return .invalidHandle("SESSION_CLOSED", key.sessionID, "Session was closed.")
            }
            if state.sessions[key] != nil {
                return .invalidHandle("SESSION_ALREADY_EXISTS", key.sessionID, "Session already exists.")
            }
            if state.sessions.count >= limits.sessionsMax, !Self.makeRoom(&state, limits) { return Self.full(limits) }
            state.sessions[key] = clone
            return nil
        }
        if let refusal { throw refusal }
        return clone
    }

    private static func full(_ limits: ConnectConfiguration.Limits) -> ConnectError {
        ConnectError(
            classes: ["org.apache.spark.SparkException", "java.lang.Exception"],
            message: "The engine holds \(limits.sessionsMax) sessions that are in use (engine.connect.sessions.max).")
    }

    /// - Returns: The session, nil when there was none.
    func release(_ reference: SessionReference, mayReconnect: Bool) -> ConnectSession? {
        let key = ConnectSession.Key(userID: reference.userID, sessionID: reference.sessionID)
        let session = state.withLockedValue { state in
            if !mayReconnect {
                state.closed.append(key)
                if state.closed.count > limits.sessionsMax { state.closed.removeFirst() }
            }
            return state.sessions.removeValue(forKey: key)
        }
        session?.close()
        return session
    }

    func closeAll() {
        let sessions = state.withLockedValue { state in
            defer { state.sessions = [:] }
            return Array(state.sessions.values)
        }
        for session in sessions { session.close() }
    }

    private static func makeRoom(_ state: inout State, _ limits: ConnectConfiguration.Limits) -> Bool {
        let idle = state.sessions.values.filter { $0.isIdle(for: limits.sessionIdleMax) }
        guard let oldest = idle.min(by: { $0.lastUsedAt < $1.lastUsedAt }) else { return false }
        state.sessions[oldest.key] = nil
        return true
    }

    private static func changed(_ key: ConnectSession.Key) -> ConnectError {
        .invalidHandle(
            "SESSION_CHANGED", key.sessionID,
            "The existing Spark server driver instance has restarted. Please reconnect.")
    }
}
