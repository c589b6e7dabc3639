internal import GRPCCore
internal import GRPCNIOTransportHTTP2
package import IO
package import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore

/// A Spark Connect client for the streaming queries of an engine, embedded or a real Spark: what the console and the live status
/// poll each second.
///
/// One HTTP/2 connection, dialled by the first call and again after it broke; a call is one request and its few responses, with
/// nothing to release afterwards. A session that the server has forgotten is made anew.
package final class SparkConnectClient: Sendable {
    private typealias Transport = HTTP2ClientTransport.Posix

    package let endpoint: IO.Endpoint

    private struct State {
        var client: GRPCClient<HTTP2ClientTransport.Posix>?
        var running: Task<Void, Never>?
        var sessionID = randomUUID()
        /// The run of each query that has been seen: Spark finds an ended query by its id and run together.
        var runs: [String: String] = [:]
        var isClosed = false
        /// Whether the server has a table of the queries that ended; not asked again where it has none.
        var listsEnded = true
    }

    private let state = NIOLockedValueBox(State())
    private let timeout: Duration
    /// For what a server has to open sources and sinks for.
    let startTimeout: Duration
    private let logger: Logger

    /// The session that all of Leat's processes have in common on a server: Spark shows a session its own queries alone, so that who
    /// starts a query and who shows it have to be of one. Nobody releases it; the server forgets it when it has been idle for long.
    package static let sharedSession = "6c656174-0000-4000-8000-73657373696f"

    /// - Parameters:
    ///   - timeout: for one call, dialling included.
    ///   - startTimeout: for the start of a query.
    ///   - isSessionShared: ``sharedSession`` instead of one of the client's own.
    package init(
        endpoint: IO.Endpoint, timeout: Duration = .seconds(5), startTimeout: Duration = .seconds(60), isSessionShared: Bool = false,
        logger: Logger
    ) {
        self.startTimeout = startTimeout
        if isSessionShared { state.withLockedValue { $0.sessionID = Self.sharedSession } }
        self.endpoint = endpoint
        self.timeout = timeout
        self.logger = logger
    }

    /// The queries that run.
    package func activeQueries() async throws -> [ConnectStreamingQuery] {
        guard case .streamingQueries(.active(let queries))? = try await execute(.streamingQueries(.active)) else { return [] }
        state.withLockedValue { state in
            if state.runs.count > 1_000 { state.runs = [:] }
            for query in queries { state.runs[query.id] = query.runID }
        }
        return queries
    }

    /// A query that was started elsewhere in the process: it can be asked about although it may have ended before it was seen running.
    package func know(_ query: ConnectStreamingQuery) {
        state.withLockedValue { $0.runs[query.id] = query.runID }
    }

    /// Queries that have ended and are still remembered, with the reason where there is one: Leat's table `system.streaming_queries`.
    ///
    /// - Returns: nil where the server has no such table, as a real Spark.
    package func endedQueries() async throws -> [EndedStreamingQuery]? {
        guard state.withLockedValue({ $0.listsEnded }) else { return nil }
        let streams: [[UInt8]]
        do {
            streams = try await rows("SELECT id, run_id, name, exception FROM system.streaming_queries WHERE NOT is_active")
        } catch let error as SparkConnectClientError where error.reason.contains("TABLE_OR_VIEW_NOT_FOUND") {
            state.withLockedValue { $0.listsEnded = false }
            return nil
        }
        var ended: [EndedStreamingQuery] = []
        for batch in try ArrowReader.rows(streams, schema: nil).batches where batch.columns.count == 4 {
            for row in 0..<batch.count {
                func text(_ column: Int) -> String? {
                    if case .string(let text) = batch.columns[column].literal(row) { text } else { nil }
                }
                guard let id = text(0), let run = text(1) else { continue }
                ended.append(EndedStreamingQuery(query: ConnectStreamingQuery(id: id, runID: run, name: text(2)), exception: text(3)))
            }
        }
        return ended
    }

    package func status(_ id: String) async throws -> StreamingQueryStatus {
        guard case .status(let status)? = try await ask(id, .status) else { throw unexpected("status") }
        return status
    }

    /// The latest progress reports, newest last, each Spark's JSON.
    package func recentProgress(_ id: String) async throws -> [String] {
        guard case .recentProgress(let progress)? = try await ask(id, .recentProgress) else { throw unexpected("recent_progress") }
        return progress
    }

    /// The newest progress report; cheaper than all of them when polled.
    package func lastProgress(_ id: String) async throws -> String? {
        guard case .recentProgress(let progress)? = try await ask(id, .lastProgress) else { throw unexpected("last_progress") }
        return progress.last
    }

    /// Why the query ended, or nil when it runs or was stopped.
    package func exception(_ id: String) async throws -> StreamingQueryException? {
        guard case .exception(let message?, let errorClass, let stackTrace)? = try await ask(id, .exception) else { return nil }
        // The text begins with Java's name of the exception's class.
        let prefix = "org.apache.spark.sql.streaming.StreamingQueryException: "
        return StreamingQueryException(
            message: message.hasPrefix(prefix) ? String(message.dropFirst(prefix.count)) : message,
            errorClass: errorClass ?? "STREAM_FAILED", stackTrace: stackTrace ?? "")
    }

    /// Returns when the query has stopped.
    package func stop(_ id: String) async throws {
        _ = try await ask(id, .stop)
    }

    /// Spark's version, as the server tells it.
    package func sparkVersion() async throws -> String {
        try await analyze(.sparkVersion).sparkVersion ?? ""
    }

    func analyze(_ analysis: AnalyzePlanRequest.Analysis) async throws -> AnalyzePlanResponse {
        try await retryingForgottenSession { session in
            try await self.unary(
                "AnalyzePlan", AnalyzePlanRequest(session: session, analysis: analysis),
                timeout: analysis == .sparkVersion ? nil : self.startTimeout)
        }
    }

    /// Releases the session and closes the connection. Calls after it fail.
    package func close() async {
        let (client, running, session) = state.withLockedValue { state in
            defer { state.isClosed = true }
            return state.isClosed ? (nil, nil, "") : (state.client, state.running, state.sessionID)
        }
        guard let client else { return }
        if session != Self.sharedSession {
            let request = ReleaseSessionRequest(session: SessionReference(sessionID: session))
            let _: ReleaseSessionResponse? = try? await unary("ReleaseSession", request, over: client, timeout: .seconds(1))
        }
        client.beginGracefulShutdown()
        let cutOff = Task {
            try await Task.sleep(for: .seconds(1))
            running?.cancel()
        }
        await running?.value
        cutOff.cancel()
    }

    // MARK: Calls

    private func ask(_ id: String, _ action: StreamingQueryCommand.Action) async throws -> StreamingQueryCommandResult.Content? {
        let command = StreamingQueryCommand(query: QueryInstanceID(id: id, runID: try await run(of: id)), action)
        guard case .streamingQuery(let result)? = try await execute(.streamingQuery(command)) else { return nil }
        return result.content
    }

    private func run(of id: String) async throws -> String {
        if let run = state.withLockedValue({ $0.runs[id] }) { return run }
        guard case .streamingQueries(.query(let query?))? = try await execute(.streamingQueries(.getQuery(id: id))) else {
            throw SparkConnectClientError(endpoint: endpoint, reason: "there is no running query with the id \(id)")
        }
        state.withLockedValue { $0.runs[id] = query.runID }
        return query.runID
    }

    /// Executes one command.
    ///
    /// - Returns: Its result; nil when the server completed it without one.
    func execute(_ command: ConnectCommand, timeout: Duration? = nil) async throws -> ExecutePlanResponse.Content? {
        try await retryingForgottenSession { session in
            let request = ExecutePlanRequest(session: session, plan: .command(command))
            return try await self.client().serverStreaming(
                request: ClientRequest(message: request.encoded), descriptor: self.descriptor("ExecutePlan"),
                serializer: RawBytes(), deserializer: RawBytes(), options: self.options(timeout ?? self.timeout)
            ) { response in
                var result: ExecutePlanResponse.Content?
                for try await bytes in response.messages {
                    switch try ExecutePlanResponse(decoding: bytes).content {
                    case .streamingQuery(let content): result = .streamingQuery(content)
                    case .streamingQueries(let content): result = .streamingQueries(content)
                    case .streamStarted(let instance, let name, let event):
                        result = .streamStarted(instance, name: name, event: event)
                    default: break
                    }
                }
                return result
            }
        }
    }

    /// The rows of a query in SQL, as the Arrow streams that they come in.
    private func rows(_ sql: String) async throws -> [[UInt8]] {
        // `Relation{sql{query}}`.
        var relation = ProtobufWriter()
        relation.write(10) { $0.write(1, sql) }
        let plan = relation.buffer
        return try await retryingForgottenSession { session in
            let request = ExecutePlanRequest(session: session, plan: .root(plan))
            return try await self.client().serverStreaming(
                request: ClientRequest(message: request.encoded), descriptor: self.descriptor("ExecutePlan"),
                serializer: RawBytes(), deserializer: RawBytes(), options: self.options(self.timeout)
            ) { response in
                var streams: [[UInt8]] = []
                for try await bytes in response.messages {
                    guard case .rows(let rows)? = try ExecutePlanResponse(decoding: bytes).content else { continue }
                    streams.append(Array(rows.data.readableBytesView))
                }
                return streams
            }
        }
    }

    /// A server that was restarted, or let an idle session go, has forgotten it: a new one does as well.
    private func retryingForgottenSession<R: Sendable>(_ call: @Sendable (SessionReference) async throws -> R) async throws -> R {
        let session = state.withLockedValue { $0.sessionID }
        do {
            return try await call(SessionReference(sessionID: session))
        } catch let error as RPCError {
            guard error.message.contains("INVALID_HANDLE.SESSION_") else { throw described(error) }
            let fresh = state.withLockedValue { state in
                if state.sessionID == session { state.sessionID = randomUUID() }
                return state.sessionID
            }
            do {
                return try await call(SessionReference(sessionID: fresh))
            } catch let error as RPCError {
                throw described(error)
            }
        }
    }

    private func unary<Response: ProtobufMessage>(
        _ method: String, _ request: some ProtobufMessage, over client: GRPCClient<HTTP2ClientTransport.Posix>? = nil,
        timeout: Duration? = nil
    ) async throws -> Response {
        let client = try client ?? self.client()
        return try await client.unary(
            request: ClientRequest(message: request.encoded), descriptor: descriptor(method), serializer: RawBytes(),
            deserializer: RawBytes(), options: options(timeout ?? self.timeout)
        ) { try Response(decoding: try $0.message) }
    }

    private func descriptor(_ method: String) -> MethodDescriptor {
        MethodDescriptor(service: SparkConnectMethod.service, method: method)
    }

    private func options(_ timeout: Duration) -> CallOptions {
        var options = CallOptions.defaults
        options.timeout = timeout
        // While the engine is away a call fails at once; the next poll asks again.
        options.waitForReady = false
        options.maxResponseMessageBytes = 64 << 20
        return options
    }

    /// The connection, which dials by itself and goes on dialling.
    private func client() throws -> GRPCClient<HTTP2ClientTransport.Posix> {
        try state.withLockedValue { state in
            guard !state.isClosed else { throw SparkConnectClientError(endpoint: endpoint, reason: "the client is closed") }
            if let client = state.client { return client }
            let target: any ResolvableTarget =
                if let address = try? NIOCore.SocketAddress(ipAddress: endpoint.host, port: endpoint.port) {
                    address.protocol == .inet6
                        ? .ipv6(address: endpoint.host, port: endpoint.port) : .ipv4(address: endpoint.host, port: endpoint.port)
                } else {
                    .dns(host: endpoint.host, port: endpoint.port)
                }
            let transport = try HTTP2ClientTransport.Posix(
                target: target, transportSecurity: .plaintext,
                config: .defaults { config in
                    config.backoff = .init(initial: .milliseconds(100), max: .seconds(2), multiplier: 1.6, jitter: 0.2)
                })
            let client = GRPCClient(transport: transport)
            state.client = client
            state.running = Task { [logger] in
                do {
                    try await client.runConnections()
                } catch {
                    logger.debug("The connection to Spark has ended", metadata: ["error": "\(error)"])
                }
            }
            return client
        }
    }

    private func described(_ error: RPCError) -> SparkConnectClientError {
        switch error.code {
        case .unavailable:
            SparkConnectClientError(endpoint: endpoint, reason: "nothing answers there (\(error.message))", isUnreachable: true)
        case .deadlineExceeded: SparkConnectClientError(endpoint: endpoint, reason: "no answer within \(timeout.text)", isUnreachable: true)
        default: SparkConnectClientError(endpoint: endpoint, reason: error.message)
        }
    }

    func unexpected(_ command: String) -> SparkConnectClientError {
        SparkConnectClientError(endpoint: endpoint, reason: "the server answered \(command) with something else")
    }
}

/// What went wrong between this process and a Spark Connect server.
package struct SparkConnectClientError: DescribedError {
    package let endpoint: IO.Endpoint
    package let reason: String
    /// The server cannot be reached at present, as against having refused something.
    package var isUnreachable = false

    package var problem: String { "Spark Connect at \(endpoint): \(reason)" }
    package var nextStep: String? { isUnreachable ? "check that the engine runs there, and the setting engine.use" : nil }
}
