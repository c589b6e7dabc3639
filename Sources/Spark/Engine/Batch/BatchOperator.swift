internal import NIOConcurrencyHelpers

/// One step of a plan that runs once: it hands its rows, batch by batch and in order, to the step above.
///
/// A step that has enough says so by throwing ``EnoughRows``, which only the step that threw it catches. Between batches the task's
/// cancellation is looked at.
protocol BatchOperator: AnyObject, Sendable {
    func run(_ emit: (ResultBatch) async throws -> Void) async throws
}

/// Ends the steps below the one with this number.
struct EnoughRows: Error {
    var step: ObjectIdentifier
}

/// What the steps of one run share.
final class BatchRun: Sendable {
    let batchRows: Int
    /// One instant for the whole query.
    let timestampMicros: Int64
    /// The session's time zone.
    let zone: ZoneRules
    let budget: MemoryBudget
    /// How clients' functions are run; nil where they cannot be.
    let pythonContext: PythonContext?
    /// Aggregates that `observe` reports, by name.
    let observed = NIOLockedValueBox<[String: (schema: StructType, batch: ResultBatch)]>([:])

    init(batchRows: Int, timestampMicros: Int64, zone: ZoneRules, memoryMax: Int, python: PythonContext? = nil) {
        pythonContext = python
        self.zone = zone
        self.batchRows = batchRows
        self.timestampMicros = timestampMicros
        budget = MemoryBudget(bytesMax: memoryMax)
    }

    func python() throws -> PythonContext {
        guard let pythonContext else { throw Resolver.unserved("A Python function here") }
        return pythonContext
    }

    /// A context of its own for each batch, since what kernels note in it is that batch's.
    var context: EvaluationContext {
        var context = EvaluationContext(timestampMicros: timestampMicros)
        context.zone = zone
        return context
    }

    func evaluator(_ batch: ResultBatch) -> Evaluator {
        Evaluator(batch: batch.columnBatch, context: context, stageRows: batch.count)
    }

    func evaluate(_ expressions: [ResolvedExpression], _ batch: ResultBatch) throws -> [Column] {
        let evaluator = evaluator(batch)
        return try expressions.map { try evaluator.evaluate($0, .all(batch.count)) }
    }

    /// Hands over a large batch in pieces.
    func emit(_ batch: ResultBatch, _ emit: (ResultBatch) async throws -> Void) async throws {
        if batch.count <= batchRows * 2 {
            if batch.count > 0 { try await emit(batch) }
            return
        }
        var start = 0
        while start < batch.count {
            try Task.checkCancellation()
            let end = min(batch.count, start + batchRows)
            try await emit(batch.slice(start..<end))
            start = end
        }
    }
}

/// What sorts, joins, groups and windows of one run may hold together.
final class MemoryBudget: Sendable {
    private let bytesMax: Int
    private let used = NIOLockedValueBox(0)

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    func charge(_ bytes: Int, for what: String) throws {
        let total = used.withLockedValue { used in
            used += bytes
            return used
        }
        guard total <= bytesMax else {
            throw SparkError(
                "QUERY_MEMORY_EXCEEDED", sqlState: "53200",
                "The query's \(what) needs more than the \(bytesMax) bytes that one query may hold.",
                nextStep: "raise engine.query.memory, or filter the rows before")
        }
    }

    func release(_ bytes: Int) { used.withLockedValue { $0 -= bytes } }
}

/// Collects all rows of a step, as what sorts, joins and windows needs.
extension BatchOperator {
    func collected(_ schema: StructType, _ run: BatchRun, for what: String) async throws -> (batch: ResultBatch, charged: Int) {
        var batches: [ResultBatch] = []
        var charged = 0
        try await self.run { batch in
            try Task.checkCancellation()
            let bytes = batch.byteCount
            charged += bytes
            try run.budget.charge(bytes, for: what)
            batches.append(batch)
        }
        return (batches.isEmpty ? .empty(schema) : ResultBatch.concatenated(batches, schema), charged)
    }
}
