internal import Logging

/// What Spark Connect's calls do, over decoded messages; the transport's side is ``ConnectRouter``.
///
/// Narrow so far: sessions, configuration, the streaming queries' commands, and the upkeep of executions. Everything else that
/// the protocol has is refused with the name of what was asked for.
final class ConnectService: Sendable {
    let sessions: ConnectSessions
    private let limits: ConnectConfiguration.Limits
    private let commands: StreamingQueryCommands
    private let logger: Logger

    init(limits: ConnectConfiguration.Limits, queries: StreamingQueries, logger: Logger) {
        self.limits = limits
        self.logger = logger
        sessions = ConnectSessions(limits: limits)
        commands = StreamingQueryCommands(queries: queries)
    }

    func config(_ request: ConfigRequest) throws -> ConfigResponse {
        let session = try sessions.session(request.session)
        var response = ConfigResponse(sessionID: session.key.sessionID, serverSideID: session.serverSideID)
        try session.configure { configuration in
            switch request.operation {
            case .set(let pairs, let isSilent):
                response.warnings = try configuration.set(pairs, isSilent: isSilent)
            case .get(let keys):
                response.pairs = try keys.map { KeyValue($0, try configuration.required($0)) }
            case .getWithDefault(let pairs):
                response.pairs = pairs.map { KeyValue($0.key, configuration.value(of: $0.key) ?? $0.value) }
            case .getOption(let keys):
                response.pairs = keys.map { KeyValue($0, configuration.value(of: $0)) }
            case .getAll(let prefix):
                response.pairs = configuration.all(prefix: prefix)
            case .unset(let keys):
                try configuration.unset(keys)
            case .isModifiable(let keys):
                response.pairs = keys.map { KeyValue($0, SessionConfiguration.isModifiable($0) ? "true" : "false") }
            case nil:
                throw ConnectError.notServed("a ConfigRequest without an operation")
            }
        }
        return response
    }

    func analyze(_ request: AnalyzePlanRequest) throws -> AnalyzePlanResponse {
        let session = try sessions.session(request.session)
        switch request.analysis {
        case .sparkVersion:
            return AnalyzePlanResponse(
                sessionID: session.key.sessionID, serverSideID: session.serverSideID, sparkVersion: ConnectServer.sparkVersion)
        case .notServed(let what): throw ConnectError.notServed("AnalyzePlan.\(what)")
        case nil: throw ConnectError.notServed("an AnalyzePlanRequest without a question")
        }
    }

    /// Starts a plan's execution and streams its responses.
    func execute(_ request: ExecutePlanRequest, _ send: (ExecutePlanResponse) async throws -> Void) async throws {
        let session = try sessions.session(request.session)
        let command: ConnectCommand
        switch request.plan {
        case .command(.notServed(let what)), .notServed(let what): throw ConnectError.notServed(what)
        case .command(.streamingQueries(.notServed(let what))): throw ConnectError.notServed(what)
        case .command(let known): command = known
        case nil: throw ConnectError.notServed("an ExecutePlanRequest without a plan")
        }
        let execution = try session.newExecution(id: request.operationID, tags: request.tags, isReattachable: request.isReattachable)
        execution.run(heartbeat: limits.heartbeat, detachedMax: limits.detachedMax) { [commands] execution in
            switch command {
            case .streamingQuery(let command): execution.emit(.streamingQuery(try await commands.answer(command)))
            case .streamingQueries(let command): execution.emit(.streamingQueries(try commands.answer(command)))
            // There is no cache of machine-learning models to clean.
            case .cleanMLCache, .notServed: break
            }
        }
        defer {
            if !execution.isReattachable {
                execution.cancel()
                session.forget(execution)
            }
        }
        try await execution.stream(from: 0, limit: limits.streamDuration, send)
    }

    func reattach(_ request: ReattachExecuteRequest, _ send: (ExecutePlanResponse) async throws -> Void) async throws {
        let session = try sessions.existing(request.session)
        guard let execution = session.execution(request.operationID) else {
            throw ConnectError.invalidHandle("OPERATION_NOT_FOUND", request.operationID, "Operation not found.")
        }
        guard execution.isReattachable else {
            throw ConnectError(
                classes: ["org.apache.spark.SparkException", "java.lang.Exception"],
                message: "The operation \(request.operationID) was not started as one that can be reattached to.")
        }
        try await execution.stream(from: execution.position(after: request.lastResponseID), limit: limits.streamDuration, send)
    }

    func release(_ request: ReleaseExecuteRequest) throws -> ReleaseExecuteResponse {
        let session = try sessions.existing(request.session)
        let execution = session.execution(request.operationID)
        if let execution {
            if let until = request.untilResponseID {
                execution.release(until: until)
            } else {
                execution.cancel()
                session.forget(execution)
            }
        }
        return ReleaseExecuteResponse(
            sessionID: session.key.sessionID, operationID: execution?.id, serverSideID: session.serverSideID)
    }

    func releaseSession(_ request: ReleaseSessionRequest) -> ReleaseSessionResponse {
        ReleaseSessionResponse(
            sessionID: request.session.sessionID,
            serverSideID: sessions.release(request.session, mayReconnect: request.mayReconnect))
    }

    func interrupt(_ request: InterruptRequest) throws -> InterruptResponse {
        let session = try sessions.session(request.session)
        let ids: [String]
        switch request.target {
        case .all: ids = session.interrupt { _ in true }
        case .tag(let tag): ids = session.interrupt { $0.tags.contains(tag) }
        case .operation(let id): ids = session.interrupt { $0.id == id }
        case nil: throw ConnectError.notServed("an InterruptRequest of an unknown type")
        }
        return InterruptResponse(sessionID: session.key.sessionID, interruptedIDs: ids, serverSideID: session.serverSideID)
    }

    func errorDetails(_ request: FetchErrorDetailsRequest) throws -> FetchErrorDetailsResponse {
        let session = try sessions.existing(request.session)
        return FetchErrorDetailsResponse(
            sessionID: session.key.sessionID, serverSideID: session.serverSideID, error: session.takeError(request.errorID))
    }

    /// An error as the call's client wants it, its details kept with the session where there is one.
    func keep(_ error: any Error, for reference: SessionReference?) -> (error: ConnectError, id: String?) {
        let error = ConnectError(error)
        logger.debug("A call failed", metadata: ["error": "\(error.message)"])
        var reference = reference
        reference?.observedServerSideID = nil
        let session = reference.flatMap { try? sessions.existing($0) }
        return (error, session?.keep(error))
    }

    func close() { sessions.closeAll() }
}
