/// Rows of a result, dense: every column has `count` values and owns its memory.
struct ResultBatch: Sendable {
    let columns: [Column]
    let count: Int
}

/// What a SQL text was: a query that is run when it is asked for, or a command that is done.
enum SQLOutcome: Sendable {
    case query(LogicalPlan)
    /// The command's rows, such as `SHOW TABLES` gives; no columns for most.
    case rows(StructType, [ResultBatch])
}

/// Plans that run once, over what is there: `collect()`, `show()`, `write.save()`.
extension Engine {
    /// The schema that a plan gives in a session; nothing is read.
    func schema(of plan: LogicalPlan, in session: SessionState) async throws -> StructType {
        try await launcher.resolved(plan, session).schema
    }

    /// Runs a plan and hands over its rows in order, batch by batch; `onSchema` comes first and once.
    func run(
        _ plan: LogicalPlan, in session: SessionState, onSchema: (StructType) async throws -> Void,
        _ body: (ResultBatch) async throws -> Void
    ) async throws {
        try await launcher.run(plan, session, onSchema: onSchema, body)
    }

    /// EXPLAIN's text.
    func explain(_ plan: LogicalPlan, _ mode: SQLStatement.ExplainMode, in session: SessionState) async throws -> String {
        let analyzed = try await launcher.resolved(plan, session)
        return ExplainText.text(
            mode, parsed: plan, analyzed: analyzed,
            optimized: try PythonExtraction.settle(RelationalOptimizer(fold: PlanCompiler.fold).optimize(analyzed)))
    }
}
