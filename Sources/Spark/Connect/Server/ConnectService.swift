internal import CCodecs
internal import Logging
internal import NIOCore

/// What Spark Connect's calls do, over decoded messages; the transport's side is ``ConnectRouter``.
///
/// Here are sessions, configuration, artifacts and the upkeep of executions; plans are analyzed and executed in the extensions.
final class ConnectService: Sendable {
    let sessions: ConnectSessions
    let limits: ConnectConfiguration.Limits
    let commands: StreamingQueryCommands
    let queries: StreamingQueries
    /// nil: a server of streaming queries' commands alone.
    let engine: Engine?
    private let python: ConnectPythonHost?
    private let logger: Logger

    init(limits: ConnectConfiguration.Limits, queries: StreamingQueries, engine: Engine?, logger: Logger) {
        self.limits = limits
        self.queries = queries
        self.engine = engine
        self.logger = logger
        let sessions = ConnectSessions(limits: limits)
        self.sessions = sessions
        commands = StreamingQueryCommands(queries: queries)
        python = engine.map { ConnectPythonHost(sessions: sessions, workers: $0.python) }
        if let python { engine?.attach(python) }
    }

    /// The port is bound: the functions' worker dials it.
    func listen(host: String, port: Int) { python?.listen(host: host, port: port) }

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

    // MARK: Executions

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

    func status(_ request: GetStatusRequest) throws -> GetStatusResponse {
        let session = try sessions.session(request.session)
        return GetStatusResponse(
            sessionID: session.key.sessionID, serverSideID: session.serverSideID,
            states: request.operationIDs.map { session.statuses($0) } ?? [])
    }

    // MARK: Sessions

    /// Running queries of a session that is released stop, as in Spark.
    func releaseSession(_ request: ReleaseSessionRequest) async -> ReleaseSessionResponse {
        let session = sessions.release(request.session, mayReconnect: request.mayReconnect)
        for id in session?.streams ?? [] { await queries.stop(id) }
        return ReleaseSessionResponse(sessionID: request.session.sessionID, serverSideID: session?.serverSideID ?? "")
    }

    func cloneSession(_ request: CloneSessionRequest) throws -> CloneSessionResponse {
        let session = try sessions.existing(request.session)
        let clone = try sessions.clone(session, as: request.newSessionID)
        return CloneSessionResponse(
            sessionID: session.key.sessionID, serverSideID: session.serverSideID, newSessionID: clone.key.sessionID,
            newServerSideID: clone.serverSideID)
    }

    // MARK: Artifacts

    /// Takes a stream of artifacts; one whose check sum is wrong is named and not kept.
    func addArtifacts(_ requests: some AsyncSequence<AddArtifactsRequest, any Error>) async throws -> AddArtifactsResponse {
        var session: ConnectSession?
        var summaries: [AddArtifactsResponse.Summary] = []
        var long: (name: String, data: ByteBuffer, left: Int64, isSound: Bool)?
        func keep(_ name: String, _ data: ByteBuffer, isSound: Bool) throws {
            if isSound { try session?.addArtifact(name, data) }
            summaries.append(AddArtifactsResponse.Summary(name: name, isSound: isSound))
        }
        for try await request in requests {
            if session == nil { session = try sessions.session(request.session) }
            switch request.payload {
            case .whole(let artifacts):
                for artifact in artifacts { try keep(artifact.name, artifact.piece.data, isSound: artifact.piece.isSound) }
            case .begin(let artifact, let totalBytes, let pieces):
                guard totalBytes >= 0, totalBytes <= Int64(limits.artifactsBytesMax) else {
                    throw ConnectError(
                        classes: ["org.apache.spark.SparkException", "java.lang.Exception"],
                        message: "The artifact \(artifact.name) has \(totalBytes) bytes; a session's artifacts may have "
                            + "\(limits.artifactsBytesMax) (engine.connect.artifacts.bytes.max).")
                }
                long = (artifact.name, artifact.piece.data, pieces - 1, artifact.piece.isSound)
            case .piece(let piece):
                guard var artifact = long else { throw ConnectError.invalidPlan("A piece of an artifact comes before its beginning.") }
                artifact.data.writeImmutableBuffer(piece.data)
                artifact.left -= 1
                artifact.isSound = artifact.isSound && piece.isSound
                guard artifact.data.readableBytes <= limits.artifactsBytesMax else {
                    throw ConnectError.invalidPlan("The artifact \(artifact.name) is longer than it said.")
                }
                long = artifact
            case nil: break
            }
            if let artifact = long, artifact.left <= 0 {
                try keep(artifact.name, artifact.data, isSound: artifact.isSound)
                long = nil
            }
        }
        guard let session else { throw ConnectError.invalidPlan("AddArtifacts has no request.") }
        return AddArtifactsResponse(summaries, sessionID: session.key.sessionID, serverSideID: session.serverSideID)
    }

    func artifactStatuses(_ request: ArtifactStatusesRequest) throws -> ArtifactStatusesResponse {
        let session = try sessions.session(request.session)
        return ArtifactStatusesResponse(
            Dictionary(request.names.map { ($0, session.artifact($0) != nil) }, uniquingKeysWith: { first, _ in first }),
            sessionID: session.key.sessionID, serverSideID: session.serverSideID)
    }

    // MARK: Errors

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

    // MARK: Plans

    func requiredEngine() throws -> Engine {
        guard let engine else { throw ConnectError.notServed("plans on a server without an engine") }
        return engine
    }

    /// Decodes a session's relations and expressions.
    func decoder(for session: ConnectSession) -> PlanDecoder {
        PlanDecoder(
            PlanDecoder.Context(
                artifact: { session.artifact($0) }, cached: { session.held($0) }, function: { session.plans.function($0) },
                view: { session.plans.view($0) },
                parse: { try SQLText.plan($0, named: $1, positional: $2, in: session.plans) }))
    }

    /// The relation of a plan that is analyzed or run for its rows.
    func relation(of plan: ConnectPlan) throws -> ByteBuffer {
        switch try unpacked(plan) {
        case .root(let relation): return relation
        case .command(.lowered(.sql, let body)): return try Self.relation(ofSQL: body)
        case .command: throw ConnectError.invalidPlan("A command has no rows.")
        case .notServed(let what): throw ConnectError.notServed(what)
        case .compressed: throw ConnectError.invalidPlan("A packed plan holds a packed plan.")
        }
    }

    /// `SqlCommand` names its text in a relation of its own (6) or, from older clients, in fields that are those of `SQL`.
    static func relation(ofSQL body: ByteBuffer) throws -> ByteBuffer {
        var reader = ProtobufReader(body)
        var input: ByteBuffer?
        while let number = try reader.next() {
            if number == 6 { input = try reader.bytes() }
        }
        if let input { return input }
        var writer = ProtobufWriter()
        writer.write(10, optional: body)
        return writer.buffer
    }

    func unpacked(_ plan: ConnectPlan) throws -> ConnectPlan {
        guard case .compressed(let operation) = plan else { return plan }
        guard operation.codec == 1, let kind = operation.kind else {
            throw ConnectError.notServed("a packed plan of an unknown codec or kind")
        }
        let data = try unpack(operation.data)
        switch kind {
        case .relation: return .root(data)
        case .command:
            do { return .command(try ConnectCommand(decoding: data)) } catch { throw ConnectError.malformed("Command", error) }
        }
    }

    private func unpack(_ data: ByteBuffer) throws -> ByteBuffer {
        var output = leat_buffer()
        defer { leat_buffer_free(&output) }
        let contexts = leat_codec_contexts_new()
        defer { leat_codec_contexts_free(contexts) }
        let status = data.withUnsafeReadableBytes { bytes in
            leat_decompress(contexts, LEAT_CODEC_ZSTD, bytes.baseAddress, bytes.count, &output, limits.planBytesMax)
        }
        switch status {
        case LEAT_CODEC_OK: return ByteBuffer(bytes: UnsafeRawBufferPointer(start: output.bytes, count: output.count))
        case LEAT_CODEC_TOO_LARGE:
            throw ConnectError(
                classes: ["org.apache.spark.sql.connect.common.InvalidPlanInput", "java.lang.IllegalArgumentException"],
                message: "[CONNECT_INVALID_PLAN.PLAN_SIZE_LARGER_THAN_MAX] The plan unpacks to more than \(limits.planBytesMax) bytes "
                    + "(engine.connect.plan.bytes.max). SQLSTATE: 56K00",
                errorClass: "CONNECT_INVALID_PLAN.PLAN_SIZE_LARGER_THAN_MAX", sqlState: "56K00")
        default: throw ConnectError.invalidPlan("The packed plan does not unpack.")
        }
    }
}
