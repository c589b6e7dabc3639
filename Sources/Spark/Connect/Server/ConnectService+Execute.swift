internal import NIOCore

/// `ExecutePlan`: rows and commands.
extension ConnectService {
    /// Starts a plan's execution and streams its responses.
    func execute(_ request: ExecutePlanRequest, _ send: (ExecutePlanResponse) async throws -> Void) async throws {
        let session = try sessions.session(request.session)
        guard let asked = request.plan else { throw ConnectError.notServed("an ExecutePlanRequest without a plan") }
        let plan = try unpacked(asked)
        switch plan {
        case .command(.notServed(let what)), .notServed(let what): throw ConnectError.notServed(what)
        case .command(.streamingQueries(.notServed(let what))): throw ConnectError.notServed(what)
        default: break
        }
        let execution = try session.newExecution(id: request.operationID, tags: request.tags, isReattachable: request.isReattachable)
        let results = ResultOptions(
            limits: limits, rowsMax: session.setting("spark.sql.execution.arrow.maxRecordsPerBatch").flatMap { Int($0) } ?? 10_000,
            chunkBytes: request.allowsChunks ? Int(request.chunkBytes ?? Int64(limits.chunkBytes)) : nil)
        execution.run(heartbeat: limits.heartbeat, detachedMax: limits.detachedMax) { [self] execution in
            switch plan {
            case .root(let relation): try await rows(of: relation, in: session, results, execution)
            case .command(let command): try await run(command, in: session, execution)
            case .compressed, .notServed: break
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

    // MARK: Rows

    struct ResultOptions: Sendable {
        var limits: ConnectConfiguration.Limits
        /// Rows of one batch; zero or less is no limit, as in Spark.
        var rowsMax: Int
        /// nil: the client takes whole batches alone.
        var chunkBytes: Int?
    }

    private func rows(of relation: ByteBuffer, in session: ConnectSession, _ results: ResultOptions, _ execution: Execution) async throws {
        if let operation = try CatalogOperation(relation: relation) {
            let answer = try await CatalogAnswers(service: self, session: session).answer(operation)
            let stream = ResultStream(execution, results, try arrowOptions(session))
            try await stream.begin(answer.schema)
            try await stream.add(answer.batch)
            return try await stream.end()
        }
        let engine = try requiredEngine()
        let plan = try decoder(for: session).relation(ProtobufReader(relation))
        let stream = ResultStream(execution, results, try arrowOptions(session))
        try await engine.run(plan, in: session.plans, onSchema: { try await stream.begin($0) }, { try await stream.add($0) })
        for (name, metrics) in session.plans.takeObserved() {
            execution.emit(
                .observed(
                    name: name, keys: metrics.schema.names,
                    values: metrics.batch.columns.map { metrics.batch.count > 0 ? $0.literal(0) : .null }, planID: 0))
        }
        try await stream.end()
    }

    func arrowOptions(_ session: ConnectSession) throws -> ArrowOptions {
        let codec = session.setting("spark.sql.execution.arrow.compression.codec") ?? "none"
        guard let compression = ArrowCompression(rawValue: codec.lowercased()) else {
            throw ConnectError(
                classes: ["java.lang.IllegalArgumentException", "java.lang.RuntimeException", "java.lang.Exception"],
                message: "Unsupported Arrow compression codec: \(codec). Supported values: none, zstd, lz4")
        }
        return ArrowOptions(
            timeZone: session.setting("spark.sql.session.timeZone") ?? "UTC",
            usesLargeTypes: session.setting("spark.sql.execution.arrow.useLargeVarTypes") == "true", compression: compression)
    }

    /// The whole result of a plan as one Arrow stream: what is sent back inside a message, or kept.
    private func collected(_ plan: LogicalPlan, in session: ConnectSession) async throws -> (schema: StructType, stream: ByteBuffer) {
        var schema = StructType()
        var batches: [ResultBatch] = []
        try await requiredEngine().run(plan, in: session.plans, onSchema: { schema = $0 }, { batches.append($0) })
        return (schema, try ArrowWriter(schema, try arrowOptions(session)).stream(batches))
    }

    /// `Relation{local_relation{data, schema}}`.
    private static func localRelation(_ schema: StructType, _ stream: ByteBuffer) -> ByteBuffer {
        var writer = ProtobufWriter()
        writer.write(11) { body in
            body.write(1, optional: stream)
            body.write(2, optional: schema.json)
        }
        return writer.buffer
    }

    // MARK: Commands

    private func run(_ command: ConnectCommand, in session: ConnectSession, _ execution: Execution) async throws {
        switch command {
        case .streamingQuery(let command):
            let plan = session.plan(ofStream: StreamingQueryID(command.query.id))
            execution.emit(.streamingQuery(try await commands.answer(command, plan: plan)))
        case .streamingQueries(let command): execution.emit(.streamingQueries(try await commands.answer(command, in: session)))
        case .listenerBus(let isAdded):
            if isAdded {
                try await StreamingListenerBus(queries: queries, session: session).run(execution)
            } else {
                session.closeListenerBus()
            }
        case .resources: execution.emit(.resources)
        // A PySpark process sends it as it exits, and reads one response. Were that the last, the stream's end would reach a process
        // whose interpreter is half gone, and grpcio would now and then wait for ever.
        case .cleanMLCache: execution.emit(.modelsCleaned(0))
        case .notServed: break
        case .lowered(let kind, let body): try await run(kind, body, in: session, execution)
        }
    }

    private func run(_ kind: ConnectCommand.Kind, _ body: ByteBuffer, in session: ConnectSession, _ execution: Execution) async throws {
        let decoder = decoder(for: session)
        switch kind {
        case .registerFunction: session.plans.register(try decoder.pythonFunction(ProtobufReader(body)).function)
        case .createView:
            let view = try decoder.viewCommand(ProtobufReader(body))
            try await createView(view, in: session)
        case .sql: try await sql(body, decoder, in: session, execution)
        case .write: try await write(decoder.writeCommand(ProtobufReader(body)), in: session)
        case .writeV2: throw ConnectError.notServed("Command.write_operation_v2")
        case .startStream:
            var definition = try decoder.streamDefinition(ProtobufReader(body), settings: session.plans.settings)
            definition.plan = session.plans.bound(definition.plan)
            definition.sink.function?.userID = session.key.userID
            definition.sink.function?.sessionID = session.key.sessionID
            let handle = try await queries.start(definition)
            session.started(handle.id, plan: PlanText.explain(definition.plan, StructType(), mode: .simple))
            execution.emit(
                .streamStarted(
                    QueryInstanceID(id: handle.id.text, runID: handle.runID), name: handle.name,
                    event: StreamingListenerBus.startedEvent(handle)))
        case .checkpoint:
            let plan = try decoder.checkpointed(ProtobufReader(body))
            let (schema, stream) = try await collected(plan, in: session)
            let kept = LogicalPlan.local(LocalRelation(.arrow([Array(stream.readableBytesView)]), schema: schema))
            execution.emit(.checkpoint(relationID: session.hold(kept)))
        case .removeCached:
            var reader = ProtobufReader(body)
            while let number = try reader.next() {
                if number == 1 { session.release(frame: try PlanDecoder.relationID(reader.message())) }
            }
        }
    }

    private func createView(_ view: PlanDecoder.ViewCommand, in session: ConnectSession) async throws {
        // A view of what does not resolve is refused now, not when it is read.
        _ = try await requiredEngine().schema(of: view.plan, in: session.plans)
        let name = view.isGlobal ? "global_temp.\(view.name)" : view.name
        guard session.plans.setView(name, view.plan, replace: view.isReplacing) else {
            throw SparkError(
                "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS", sqlState: "42P07",
                "Cannot create the temporary view `\(view.name)` because it already exists. Choose a different name, drop or replace the "
                    + "existing view, or add the IF NOT EXISTS clause to tolerate pre-existing views.")
        }
    }

    /// A query is run when its rows are asked for: the answer is the relation that came. A command is run now, and its rows are the answer.
    private func sql(_ body: ByteBuffer, _ decoder: PlanDecoder, in session: ConnectSession, _ execution: Execution) async throws {
        let relation = try Self.relation(ofSQL: body)
        if let outcome = try await SQLText.command(relation, decoder, requiredEngine(), session.plans) {
            let stream = try ArrowWriter(outcome.schema, try arrowOptions(session)).stream(outcome.batches)
            execution.emit(.sqlCommand(Self.localRelation(outcome.schema, stream)))
        } else {
            // What does not parse or resolve is said now, as in Spark.
            _ = try await requiredEngine().schema(of: decoder.relation(ProtobufReader(relation)), in: session.plans)
            execution.emit(.sqlCommand(relation))
        }
    }

    private func write(_ write: PlanDecoder.WriteCommand, in session: ConnectSession) async throws {
        guard write.table == nil else { throw ConnectError.notServed("WriteOperation to a table of the session's catalog") }
        let engine = try requiredEngine()
        if let format = FileFormat(spark: write.format) {
            return try await engine.write(
                write.plan,
                to: FileWrite(format: format, mode: write.mode, options: write.options, partitionColumns: write.partitionColumns),
                in: session.plans)
        }
        guard write.partitionColumns.isEmpty else { throw ConnectError.notServed("WriteOperation.partitioning_columns") }
        switch write.format.lowercased() {
        case "noop": try await engine.run(write.plan, in: session.plans, onSchema: { _ in }, { _ in })
        case let format where ConnectorWrite.serves(format):
            let connector = ConnectorWrite(
                format: format, mode: write.mode, options: write.options,
                settings: Options(session.plans.settings))
            try await engine.write(write.plan, connector, in: session.plans)
        case "console":
            let rows = write.options["numRows"].flatMap { Int($0) } ?? 20
            let isTruncated = write.options["truncate"].map { !$0.equalsIgnoringCase("false") } ?? true
            let shown = LogicalPlan.showString(rows: rows, truncate: isTruncated ? 20 : 0, isVertical: false, write.plan)
            try await engine.run(
                shown, in: session.plans, onSchema: { _ in },
                { batch in
                    for row in 0..<batch.count { ConsoleSink.standardOutput((batch.columns.first?.text(row) ?? "") + "\n") }
                })
        default: throw ConnectError.notServed("WriteOperation in the format '\(write.format)'")
        }
    }
}

/// A result on its way out: batches cut to size, each an Arrow stream.
private final class ResultStream {
    private let execution: Execution
    private let results: ConnectService.ResultOptions
    private let options: ArrowOptions
    private var writer: ArrowWriter?
    private var sent = 0

    init(_ execution: Execution, _ results: ConnectService.ResultOptions, _ options: ArrowOptions) {
        self.execution = execution
        self.results = results
        self.options = options
    }

    func begin(_ schema: StructType) async throws {
        writer = ArrowWriter(schema, options)
        execution.emit(.schema(schema))
    }

    func add(_ batch: ResultBatch) async throws {
        guard let writer, batch.count > 0 else { return }
        let average = max(1, batch.arrowBytes / batch.count)
        var size = max(1, results.limits.batchBytes / average)
        if results.rowsMax > 0 { size = min(size, results.rowsMax) }
        var start = 0
        while start < batch.count {
            let rows = start..<min(start + size, batch.count)
            try await send(try writer.stream(batch, rows: rows), count: rows.count)
            start = rows.upperBound
        }
    }

    /// Clients want one batch at least, for its schema.
    func end() async throws {
        if sent == 0, let writer { try await send(try writer.stream([]), count: 0) }
        execution.emit(.metrics)
    }

    private func send(_ stream: ByteBuffer, count: Int) async throws {
        defer { sent += max(count, 1) }
        func emit(_ data: ByteBuffer, _ chunk: ExecutePlanResponse.Rows.Chunk?) async throws {
            try await execution.emit(
                rows: ExecutePlanResponse.Rows(count: count, start: sent, data: data, chunk: chunk),
                unreadBytesMax: results.limits.unreadBytesMax)
        }
        guard let chunkBytes = results.chunkBytes, chunkBytes > 0, stream.readableBytes > chunkBytes else {
            return try await emit(stream, nil)
        }
        let pieces = (stream.readableBytes + chunkBytes - 1) / chunkBytes
        var rest = stream
        for index in 0..<pieces {
            guard let piece = rest.readSlice(length: min(chunkBytes, rest.readableBytes)) else { break }
            try await emit(piece, .init(index: index, count: pieces))
        }
    }
}

extension ResultBatch {
    /// About how many bytes the rows have.
    fileprivate var arrowBytes: Int { columns.reduce(0) { $0 + $1.arrowBytes } }
}

extension Column {
    fileprivate var arrowBytes: Int {
        switch values {
        case .none, .boolean: count / 8
        case .byte: count
        case .short: count * 2
        case .integer, .float: count * 4
        case .long, .double: count * 8
        case .decimal, .interval: count * 16
        case .bytes(let views):
            stride == 0
                ? (views.count > 0 && !isNull(0) ? views[0].length * count : 0)
                : (0..<count).reduce(4 * count) { $0 + (isNull($1) ? 0 : views[$1].length) }
        case .structure(let children): children.reduce(0) { $0 + ($1?.arrowBytes ?? 0) }
        case .array(_, let elements): 4 * count + elements.arrowBytes * (stride == 0 ? count : 1)
        case .map(_, let keys, let values): 4 * count + (keys.arrowBytes + values.arrowBytes) * (stride == 0 ? count : 1)
        }
    }
}
