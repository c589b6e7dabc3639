/// Answers the commands about streaming queries, from what ``StreamingQueries`` knows.
struct StreamingQueryCommands: Sendable {
    let queries: StreamingQueries

    func answer(_ command: StreamingQueryManagerCommand) throws -> StreamingQueryManagerCommandResult {
        switch command {
        case .active:
            return .active(queries.active().map(ConnectStreamingQuery.init))
        case .getQuery(let id):
            // As in Spark, only a running query is got by its id.
            guard let handle = queries.handle(StreamingQueryID(id)), handle.isActive else { return .query(nil) }
            return .query(ConnectStreamingQuery(handle.summary))
        case .notServed(let what):
            throw ConnectError.notServed(what)
        }
    }

    func answer(_ command: StreamingQueryCommand) async throws -> StreamingQueryCommandResult {
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
            throw ConnectError.notServed("StreamingQueryCommand.process_all_available")
        case .explain:
            throw ConnectError.notServed("StreamingQueryCommand.explain")
        }
        return StreamingQueryCommandResult(query: command.query, content)
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
