/// Rows in the order of their keys; with a limit only the first of them are held.
final class SortOperator: BatchOperator {
    private let child: any BatchOperator
    private let keys: [ResolvedSortKey]
    private let limit: Int?
    private let schema: StructType
    private let run: BatchRun

    init(_ child: any BatchOperator, _ keys: [ResolvedSortKey], limit: Int?, schema: StructType, run: BatchRun) {
        self.child = child
        self.keys = keys
        self.limit = limit
        self.schema = schema
        self.run = run
    }

    static func order(_ batch: ResultBatch, _ keys: [ResolvedSortKey], _ run: BatchRun) throws -> [Int32] {
        let columns = try run.evaluate(keys.map(\.expression), batch)
        return RowKeys(
            zip(columns, keys).map { RowKeyEncoding.Part(column: $0, isAscending: $1.isAscending, nullsFirst: $1.nullsFirst) },
            count: batch.count
        ).sorted()
    }

    func run(_ emit: (ResultBatch) async throws -> Void) async throws {
        guard let limit else {
            let (all, charged) = try await child.collected(schema, run, for: "sort")
            let order = try Self.order(all, keys, run)
            var start = 0
            while start < order.count {
                try Task.checkCancellation()
                let end = min(order.count, start + run.batchRows)
                try await emit(all.gathered(Array(order[start..<end])))
                start = end
            }
            run.budget.release(charged)
            return
        }
        guard limit > 0 else { return }
        var held: [ResultBatch] = []
        var count = 0
        func pruned() throws -> ResultBatch {
            let all = ResultBatch.concatenated(held, schema)
            return all.gathered(Array(try Self.order(all, keys, run).prefix(limit)))
        }
        try await child.run { batch in
            try Task.checkCancellation()
            held.append(batch)
            count += batch.count
            if count > 2 * limit + run.batchRows {
                held = [try pruned()]
                count = held[0].count
            }
        }
        guard !held.isEmpty else { return }
        try await run.emit(try pruned(), emit)
    }
}
