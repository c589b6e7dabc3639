internal import IO
internal import NIOConcurrencyHelpers
internal import NIOPosix

/// Plans that run once.
extension QueryLauncher {
    func resolver(_ session: SessionState) -> Resolver {
        var catalog = ResolverCatalog()
        catalog.view = { session.view($0) }
        catalog.memoryTable = { [self] name in memoryTable(name)?.schema }
        catalog.systemTable = { [self] name in systemTable(name) }
        catalog.arrowSchema = { try ArrowRows.schema($0) }
        return Resolver(catalog: catalog, sourceSchema: sourceSchema)
    }

    /// Resolves a plan; a pivot that names no values first reads which there are.
    func resolved(_ plan: LogicalPlan, _ session: SessionState) async throws -> ResolvedPlan {
        try await learnSchemas(plan, session)
        let plan = try await settlingPivots(plan, session)
        return try resolver(session).resolve(plan)
    }

    func run(
        _ plan: LogicalPlan, _ session: SessionState, onSchema: (StructType) async throws -> Void,
        _ body: (ResultBatch) async throws -> Void
    ) async throws {
        guard !plan.isStreaming else {
            throw SparkError(
                "UNSUPPORTED_STREAMING_QUERY", sqlState: "0A000",
                "Queries with streaming sources must be executed with writeStream.start().")
        }
        let resolved = try await resolved(plan, session)
        guard !resolved.readsStream else {
            throw SparkError(
                "UNSUPPORTED_STREAMING_QUERY", sqlState: "0A000",
                "Queries with streaming sources must be executed with writeStream.start().")
        }
        let schema = resolved.schema
        try await onSchema(schema)
        try await execute(resolved, session) { try await body($0.dense) }
    }

    /// The steps run on the engine's workers; what they wait for (a broker, the caller) holds no thread.
    private func execute(_ plan: ResolvedPlan, _ session: SessionState, _ body: (ResultBatch) async throws -> Void) async throws {
        let run = BatchRun(
            batchRows: configuration.values.integer("engine.batch.rows"), timestampMicros: Self.clock(),
            zone: try ZoneRules.named(session.setting("spark.sql.session.timeZone") ?? "UTC"),
            memoryMax: configuration.values.bytes("engine.query.memory"),
            python: PythonContext(workers: python) { session.setting($0) })
        let steps = try planner(run).plan(PythonExtraction.settle(RelationalOptimizer(fold: PlanCompiler.fold).optimize(plan)))
        try await withTaskExecutorPreference(WorkerExecutor(workers)) { try await steps.run(body) }
        session.observed(run.observed.withLockedValue { $0 })
    }

    func planner(_ run: BatchRun) -> BatchPlanner {
        BatchPlanner(
            run: run, open: { [self] branch in try source(branch, SourceSignal()) }, memoryTable: { [self] in memoryTable($0) },
            arrow: { try ArrowRows.decode($0, $1) })
    }

    // MARK: Pivots

    private func settlingPivots(_ plan: LogicalPlan, _ session: SessionState) async throws -> LogicalPlan {
        guard plan.hasOpenPivot else { return plan }
        return try await settled(plan, session)
    }

    private func settled(_ plan: LogicalPlan, _ session: SessionState) async throws -> LogicalPlan {
        switch plan {
        case .aggregate(var aggregate, let child) where aggregate.pivot?.values.isEmpty == true:
            guard let column = aggregate.pivot?.column else { return plan }
            let child = try await settled(child, session)
            aggregate.pivot?.values = try await values(of: column, child, session)
            return .aggregate(aggregate, child)
        case .statistics(.crosstab(let first, let second), let child):
            func text(_ name: String) -> Expression {
                .call("coalesce", .cast(.attribute(Expression.nameParts(name)), to: .string, isTry: false), .literal(.string("null")))
            }
            let name = "\(first)_\(second)"
            let values = try await values(of: text(second), child, session)
            let aggregate = Aggregate(
                [.alias(text(first), name: name)], [.call("count", .literal(.integer(1)))],
                pivot: Aggregate.Pivot(text(second), values: values))
            return .fillNulls(columns: [], values: [.long(0)], .aggregate(aggregate, child))
        default: return try await plan.mapChildren { try await settled($0, session) }
        }
    }

    private func values(of column: Expression, _ child: LogicalPlan, _ session: SessionState) async throws -> [Literal] {
        let most = configuration.values.integer("engine.pivot.values")
        let distinct = LogicalPlan.limit(
            most + 1,
            .sort(
                [SortOrder(.attribute(["value"]))], isGlobal: true,
                .deduplicate([], withinWatermark: false, .project([.alias(column, name: "value")], child))))
        var values: [Literal] = []
        try await execute(try resolver(session).resolve(distinct), session) { batch in
            for row in 0..<batch.count { values.append(batch.columns[0].literal(row)) }
        }
        guard values.count <= most else {
            throw SparkError(
                "PIVOT_VALUES_TOO_MANY", sqlState: "54000",
                "The pivot column \(column.prettySQL) has more than \(most) distinct values, this could indicate an error.",
                nextStep: "name the values, or raise engine.pivot.values")
        }
        return values
    }

    // MARK: Rows as literals

    func collect(_ plan: LogicalPlan, rowsMax: Int) async throws -> (schema: StructType, rows: [[Literal]]) {
        let limited = LogicalPlan.limit(rowsMax, plan)
        var rows: [[Literal]] = []
        var schema = StructType()
        try await run(limited, SessionState(), onSchema: { schema = $0 }) { batch in
            for row in 0..<batch.count { rows.append(batch.columns.map { $0.literal(row) }) }
        }
        return (schema, rows)
    }
}

/// Runs the jobs of a task on the engine's worker threads.
final class WorkerExecutor: TaskExecutor {
    private let workers: NIOThreadPool

    init(_ workers: NIOThreadPool) { self.workers = workers }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let executor = asUnownedTaskExecutor()
        // A pool that stops still runs the job, so that the task ends.
        workers.submit { _ in job.runSynchronously(on: executor) }
    }
}
