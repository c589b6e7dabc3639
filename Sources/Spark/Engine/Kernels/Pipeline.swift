/// The stages of one branch of a plan, run over the columns of a chunk.
struct Pipeline: Sendable {
    let wanted: Set<Int>
    let width: Int
    let stages: [PhysicalPlan.Stage]
    let schema: StructType

    init(_ branch: PhysicalPlan.Branch, schema: StructType) {
        wanted = branch.wanted
        width = branch.sourceSchema.fields.count
        stages = branch.stages
        self.schema = schema
    }

    /// - Returns: the output's columns at the source's rows, and which of those rows are in the result.
    func run(_ source: ColumnBatch, _ context: EvaluationContext, rows: Selection? = nil) throws -> (ColumnBatch, Selection) {
        var batch = source
        var selection = rows ?? .all(source.count)
        for stage in stages {
            if selection.isEmpty {
                return (ColumnBatch(count: batch.count, columns: .init(repeating: nil, count: schema.fields.count)), selection)
            }
            let evaluator = Evaluator(batch: batch, context: context, stageRows: selection.count)
            switch stage {
            case .filter(let condition): selection = try evaluator.select(condition, selection)
            case .project(let columns):
                batch.columns = try columns.map { column in try column.map { try evaluator.evaluate($0.expression, selection) } }
            }
        }
        return (batch, selection)
    }
}

/// Turns a logical plan into pipelines, with constants folded by the same kernels that run later.
enum PlanCompiler {
    static func compile(_ plan: LogicalPlan, sourceSchema: @escaping (DataSourceRead) throws -> StructType) throws -> PhysicalPlan {
        let resolved = try Resolver(sourceSchema: sourceSchema).resolve(plan)
        return try Optimizer(fold: fold).optimize(resolved)
    }

    /// The value of an expression over constants; nil where it must wait: it depends on the time or chance, is nested, or raises, which
    /// then happens only if a row comes to it.
    static func fold(_ expression: ResolvedExpression) -> Literal? {
        guard !expression.dependsOnSession, !expression.dataType.isNested else { return nil }
        let evaluator = Evaluator(batch: ColumnBatch(count: 1, columns: []), context: EvaluationContext(timestampMicros: 0), stageRows: 1)
        guard let column = try? evaluator.evaluate(expression, .all(1)) else { return nil }
        return column.literal(0)
    }

    /// The value of an expression that is a constant, or can be made one.
    static func constant(_ expression: ResolvedExpression) -> Literal? {
        if case .literal(let literal, _) = expression { return literal }
        guard expression.columns.isEmpty, expression.isDeterministic else { return nil }
        return fold(expression)
    }
}
