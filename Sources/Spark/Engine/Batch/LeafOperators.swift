/// A source with the stages that run on its chunks: columns that no stage wants are never made, and rows that a filter drops never copied.
final class ScanOperator: BatchOperator {
    private let branch: PhysicalPlan.Branch
    private let schema: StructType
    private let open: @Sendable (PhysicalPlan.Branch) throws -> any StreamSource
    private let run: BatchRun

    init(
        _ branch: PhysicalPlan.Branch, schema: StructType, run: BatchRun,
        open: @escaping @Sendable (PhysicalPlan.Branch) throws -> any StreamSource
    ) {
        self.branch = branch
        self.schema = schema
        self.run = run
        self.open = open
    }

    func run(_ emit: (ResultBatch) async throws -> Void) async throws {
        let source = try open(branch)
        let pipeline = Pipeline(branch, schema: schema)
        if let source = source as? any SplitSource {
            return try await source.readParts(
                { [run, schema] columns, file in
                    var context = run.context
                    context.inputFile = file
                    let (made, selection) = try pipeline.run(columns, context)
                    return ResultBatch(made, schema, count: selection.count) { $0.selected(selection) }
                }, emit)
        }
        do {
            let start = try await source.initialOffset()
            let range = SourceRange(start: start, end: try await source.latest())
            try await source.start(at: start, identities: source.identities)
            try await source.read(range, firstOrdinal: 0) { chunk in
                try Task.checkCancellation()
                let batch = try chunk.withColumns(pipeline.wanted, width: pipeline.width) { columns in
                    let (made, selection) = try pipeline.run(columns, run.context)
                    return ResultBatch(made, schema, count: selection.count) { $0.gathered(selection) }
                }
                if batch.count > 0 { try await emit(batch) }
            }
            await source.stop()
        } catch {
            await source.stop()
            throw error
        }
    }
}

/// Rows that the plan itself holds.
final class ValuesOperator: BatchOperator {
    private let rows: [[ResolvedExpression]]
    private let schema: StructType
    private let run: BatchRun

    init(_ rows: [[ResolvedExpression]], _ schema: StructType, run: BatchRun) {
        self.rows = rows
        self.schema = schema
        self.run = run
    }

    func run(_ emit: (ResultBatch) async throws -> Void) async throws {
        let single = ResultBatch(rows: 1)
        var columns: [Column] = []
        for index in schema.fields.indices {
            let builder = ColumnBuilder(schema.fields[index].dataType)
            for row in rows {
                if case .literal(let literal, _) = row[index] {
                    builder.append(literal)
                } else {
                    builder.append(try run.evaluator(single).evaluate(row[index], .all(1)).literal(0))
                }
            }
            columns.append(builder.finish())
        }
        try await run.emit(ResultBatch(columns: columns, count: rows.count), emit)
    }
}

/// Batches that are there already: a client's Arrow rows, a memory table.
final class BatchesOperator: BatchOperator {
    private let make: @Sendable () throws -> [ResultBatch]
    private let run: BatchRun

    init(run: BatchRun, _ make: @escaping @Sendable () throws -> [ResultBatch]) {
        self.make = make
        self.run = run
    }

    func run(_ emit: (ResultBatch) async throws -> Void) async throws {
        for batch in try make() { try await run.emit(batch, emit) }
    }
}

final class RangeOperator: BatchOperator {
    private let start: Int64
    private let end: Int64
    private let step: Int64
    private let run: BatchRun

    init(start: Int64, end: Int64, step: Int64, run: BatchRun) {
        self.start = start
        self.end = end
        self.step = step
        self.run = run
    }

    func run(_ emit: (ResultBatch) async throws -> Void) async throws {
        var next = Int128(start)
        let (last, step) = (Int128(end), Int128(step))
        while step > 0 ? next < last : next > last {
            try Task.checkCancellation()
            let left = step > 0 ? (last - next + step - 1) / step : (next - last - step - 1) / -step
            let count = Int(min(left, Int128(run.batchRows)))
            let values = Buffer<Int64>(count: count)
            let (base, stride) = (Int64(next), self.step)
            for row in 0..<count { values.pointer[row] = base &+ Int64(row) &* stride }
            try await emit(ResultBatch(columns: [Column(.long, count: count, values: .long(values))], count: count))
            next += Int128(count) * step
        }
    }
}
