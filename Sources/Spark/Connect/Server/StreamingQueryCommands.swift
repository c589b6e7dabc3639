/// Answers the commands about streaming queries, from what ``StreamingQueries`` knows.
struct StreamingQueryCommands: Sendable {
    let queries: StreamingQueries

    func answer(_ command: StreamingQueryManagerCommand, in session: ConnectSession) async throws -> StreamingQueryManagerCommandResult {
        switch command {
        case .active:
            return .active(queries.active().map(ConnectStreamingQuery.init))
        case .getQuery(let id):
            // As in Spark, only a running query is got by its id.
            guard let handle = queries.handle(StreamingQueryID(id)), handle.isActive else { return .query(nil) }
            return .query(ConnectStreamingQuery(handle.summary))
        case .awaitAnyTermination(let timeout):
            return .awaitAnyTermination(isTerminated: try await anyTermination(in: session, timeout: timeout.map { .milliseconds($0) }))
        case .resetTerminated:
            session.forget(streams: Set(session.streams.filter { queries.handle($0)?.isActive != true }))
            return .resetTerminated
        case .listListeners: return .listeners
        case .notServed(let what):
            throw ConnectError.notServed(what)
        }
    }

    /// True when a query of the session has ended since the last reset; throws the error of one that failed.
    private func anyTermination(in session: ConnectSession, timeout: Duration?) async throws -> Bool {
        let handles = session.streams.compactMap { queries.handle($0) }
        func ended() throws -> Bool {
            let over = handles.filter { !$0.isActive }
            if let exception = over.lazy.compactMap(\.exception).first { throw exception }
            return !over.isEmpty
        }
        if try ended() { return true }
        let isOver = await withTaskGroup(of: Bool.self) { group in
            for handle in handles { group.addTask { await handle.awaitTermination() } }
            group.addTask {
                // Without a time-out, until a query ends or the client goes.
                do { try await Task.sleep(for: timeout ?? .seconds(1 << 32)) } catch {}
                return false
            }
            let first = await group.next() ?? false
            group.cancelAll()
            return first
        }
        try Task.checkCancellation()
        return try isOver && ended()
    }

    /// - Parameter plan: The query's plan as `explain()` prints it, where this session started the query.
    func answer(_ command: StreamingQueryCommand, plan: String? = nil) async throws -> StreamingQueryCommandResult {
        guard let action = command.action else { throw ConnectError.notServed("a StreamingQueryCommand without a command") }
        let handle = try handle(command.query)
        let content: StreamingQueryCommandResult.Content?
        switch action {
        case .status:
            content = .status(handle.status)
        case .lastProgress:
            content = .recentProgress(handle.lastProgress.map { [$0] } ?? [])
        case .recentProgress:
            content = .recentProgress(handle.recentProgress)
        case .stop:
            await handle.stop()
            content = nil
        case .exception:
            content = handle.exception.map { exception in
                // Clients take what follows the first ": ", after Java's class name.
                .exception(
                    message: "org.apache.spark.sql.streaming.StreamingQueryException: \(exception.message)",
                    errorClass: exception.errorClass, stackTrace: exception.stackTrace)
            }
        case .awaitTermination(let timeout):
            let isTerminated = await handle.awaitTermination(timeout: timeout.map { .milliseconds($0) })
            try Task.checkCancellation()
            if isTerminated, let exception = handle.exception { throw exception }
            content = .awaitTermination(isTerminated: isTerminated)
        case .processAllAvailable:
            try await processAllAvailable(handle)
            content = nil
        case .explain:
            content = .explain(plan ?? "No physical plan. Waiting for data.")
        }
        return StreamingQueryCommandResult(query: command.query, content)
    }

    /// Returns when the query has found nothing more to do.
    private func processAllAvailable(_ handle: StreamingQueryHandle) async throws {
        var quietLooks = 0
        while handle.isActive, quietLooks < 3 {
            let status = handle.status
            let isQuiet = !status.isDataAvailable && !status.isTriggerActive && status.message.hasPrefix("Waiting for")
            quietLooks = isQuiet ? quietLooks + 1 : 0
            try await Task.sleep(for: .milliseconds(10))
        }
        if let exception = handle.exception { throw exception }
    }

    /// A query is known by its id and run together: a restart is another run.
    private func handle(_ query: QueryInstanceID) throws -> StreamingQueryHandle {
        guard let handle = queries.handle(StreamingQueryID(query.id)), query.runID.isEmpty || handle.runID == query.runID else {
            throw ConnectError(
                classes: ["java.lang.IllegalArgumentException", "java.lang.RuntimeException", "java.lang.Exception"],
                message: "Streaming query with id \(query.id) and run id \(query.runID) is not found",
                errorClass: "STREAMING_QUERY_NOT_FOUND")
        }
        return handle
    }
}

extension ConnectStreamingQuery {
    init(_ summary: StreamingQuerySummary) {
        self.init(id: summary.id.text, runID: summary.runID, name: summary.name)
    }
}
