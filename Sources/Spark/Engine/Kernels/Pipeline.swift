/// The stages of one branch of a plan, run over the columns of a chunk.
struct Pipeline: Sendable {
    let wanted: Set<Int>
    let width: Int
    let stages: [PhysicalPlan.Stage]
    let schema: StructType
    /// Gives a column for each call over the inputs' rows; blocks.
    typealias PythonEvaluation = (_ calls: [PythonCall], _ given: PythonInputs, _ inputs: ResultBatch) throws -> [Column]

    init(_ branch: PhysicalPlan.Branch, schema: StructType) {
        wanted = branch.wanted
        width = branch.sourceSchema.fields.count
        stages = branch.stages
        self.schema = schema
    }

    /// - Returns: the output's columns at the source's rows, and which of those rows are in the result.
    func run(
        _ source: ColumnBatch, _ context: EvaluationContext, rows: Selection? = nil, python: PythonEvaluation? = nil
    ) throws -> (ColumnBatch, Selection) {
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
            case .python(let calls, let width):
                batch.columns = Array(batch.columns.prefix(width)) + (try evaluate(calls, evaluator, selection, python))
            }
        }
        return (batch, selection)
    }

    var callsPython: Bool { stages.contains { if case .python = $0 { true } else { false } } }

    /// Functions are called for the selected rows; what they give comes back to those rows' places.
    private func evaluate(
        _ wanted: [PythonCall?], _ evaluator: Evaluator, _ selection: Selection, _ python: PythonEvaluation?
    ) throws -> [Column?] {
        let calls = wanted.compactMap { $0 }
        guard !calls.isEmpty else { return wanted.map { _ in nil } }
        guard let python else { throw Resolver.unserved("A Python function here") }
        let given = PythonInputs(calls.map { ($0.arguments, $0.names) })
        let inputs = try given.expressions.map { try evaluator.evaluate($0, selection).gathered(selection) }
        var made = try python(calls, given, ResultBatch(columns: inputs, count: selection.count))[...]
        if case .rows(let rows) = selection {
            var places = [Int32](repeating: -1, count: evaluator.count)
            for (place, row) in rows.enumerated() { places[Int(row)] = Int32(place) }
            made = made.map { $0.gathered(places) }[...]
        }
        return wanted.map { $0 == nil ? nil : made.removeFirst() }
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
