/// Joins by a hash table over the right side's keys, or by trying every pair where there are none.
final class JoinOperator: BatchOperator {
    private let join: ResolvedJoin
    private let left: any BatchOperator
    private let right: any BatchOperator
    private let leftSchema: StructType
    private let rightSchema: StructType
    private let run: BatchRun

    init(
        _ join: ResolvedJoin, _ left: any BatchOperator, _ right: any BatchOperator, _ leftSchema: StructType, _ rightSchema: StructType,
        run: BatchRun
    ) {
        self.join = join
        self.left = left
        self.right = right
        self.leftSchema = leftSchema
        self.rightSchema = rightSchema
        self.run = run
    }

    func run(_ emit: (ResultBatch) async throws -> Void) async throws {
        let (built, charged) = try await right.collected(rightSchema, run, for: "join")
        let side = try BuiltSide(built, join, run)
        try run.budget.charge(side.byteCount, for: "join")
        try await left.run { batch in
            try Task.checkCancellation()
            try await probe(batch, side, emit)
        }
        if join.kind == .rightOuter || join.kind == .fullOuter {
            let rows = (0..<Int32(built.count)).filter { !side.isMatched[Int($0)] }
            if !rows.isEmpty {
                let nulls = leftSchema.fields.map { Column.nulls($0.dataType, count: rows.count) }
                try await run.emit(ResultBatch(columns: nulls + built.columns.map { $0.gathered(rows) }, count: rows.count), emit)
            }
        }
        run.budget.release(charged + side.byteCount)
    }

    /// The right side's rows by key: rows of one key are a chain.
    final class BuiltSide {
        let batch: ResultBatch
        var isMatched: [Bool] = []
        var table = RowKeyTable()
        var heads: [Int32] = []
        var next: [Int32] = []
        /// For IN: whether rows with the correlated keys are there, and whether one of them has a null.
        var correlated = RowKeyTable()
        var hasNull: [Bool] = []

        var byteCount: Int { table.byteCount + next.count * 8 }

        init(_ batch: ResultBatch, _ join: ResolvedJoin, _ run: BatchRun) throws {
            self.batch = batch
            isMatched = Array(repeating: false, count: batch.count)
            guard !join.keys.isEmpty else { return }
            let columns = try run.evaluate(join.keys.map(\.right), batch)
            let keys = RowKeys(columns, count: batch.count)
            next = Array(repeating: -1, count: batch.count)
            let numbers = table.insert(keys)
            heads = Array(repeating: -1, count: table.count)
            var tails = heads
            let strict = columns.indices.filter { !join.keys[$0].isNullSafe }
            for row in 0..<batch.count {
                if strict.contains(where: { columns[$0].isNull(row) }) { continue }
                let number = Int(numbers[row])
                if heads[number] < 0 { heads[number] = Int32(row) } else { next[Int(tails[number])] = Int32(row) }
                tails[number] = Int32(row)
            }
            if case .mark(let nullAware?) = join.kind {
                let groups = correlated.insert(RowKeys(Array(columns[..<nullAware]), count: batch.count))
                hasNull = Array(repeating: false, count: correlated.count)
                for row in 0..<batch.count where columns[nullAware...].contains(where: { $0.isNull(row) }) {
                    hasNull[Int(groups[row])] = true
                }
            }
        }
    }

    /// Pairs that a batch of the left side finds, in the left's order, at most about a batch at a time.
    private func probe(_ batch: ResultBatch, _ side: BuiltSide, _ emit: (ResultBatch) async throws -> Void) async throws {
        var isMatched = [Bool](repeating: false, count: batch.count)
        var leftRows: [Int32] = []
        var rightRows: [Int32] = []
        let isPaired = [.inner, .leftOuter, .rightOuter, .fullOuter].contains(join.kind)

        func flush() async throws {
            guard !leftRows.isEmpty else { return }
            try Task.checkCancellation()
            var (lefts, rights) = (leftRows, rightRows)
            leftRows.removeAll(keepingCapacity: true)
            rightRows.removeAll(keepingCapacity: true)
            if let residual = join.residual {
                let pairs = ResultBatch(
                    columns: batch.columns.map { $0.gathered(lefts) } + side.batch.columns.map { $0.gathered(rights) }, count: lefts.count)
                if case .rows(let kept) = try run.evaluator(pairs).select(residual, .all(pairs.count)) {
                    lefts = kept.map { lefts[Int($0)] }
                    rights = kept.map { rights[Int($0)] }
                }
            }
            for row in lefts { isMatched[Int(row)] = true }
            if join.kind == .rightOuter || join.kind == .fullOuter { for row in rights { side.isMatched[Int(row)] = true } }
            guard isPaired, !lefts.isEmpty else { return }
            try await run.emit(
                ResultBatch(
                    columns: batch.columns.map { $0.gathered(lefts) } + side.batch.columns.map { $0.gathered(rights) }, count: lefts.count),
                emit)
        }

        var numbers: [Int32] = []
        var keyColumns: [Column] = []
        if !join.keys.isEmpty {
            keyColumns = try run.evaluate(join.keys.map(\.left), batch)
            numbers = side.table.find(RowKeys(keyColumns, count: batch.count))
            for index in keyColumns.indices where !join.keys[index].isNullSafe {
                for row in 0..<batch.count where keyColumns[index].isNull(row) { numbers[row] = -1 }
            }
        }
        for row in 0..<batch.count {
            if join.keys.isEmpty {
                if side.batch.count == 0 { continue }
                if join.residual == nil, !isPaired {
                    isMatched[row] = true
                    continue
                }
                for other in 0..<side.batch.count {
                    leftRows.append(Int32(row))
                    rightRows.append(Int32(other))
                    if leftRows.count >= run.batchRows { try await flush() }
                }
            } else if numbers[row] >= 0 {
                var other = side.heads[Int(numbers[row])]
                if other >= 0, !isPaired, join.residual == nil {
                    isMatched[row] = true
                    continue
                }
                while other >= 0 {
                    leftRows.append(Int32(row))
                    rightRows.append(other)
                    other = side.next[Int(other)]
                    if leftRows.count >= run.batchRows { try await flush() }
                }
            }
        }
        try await flush()

        switch join.kind {
        case .inner, .rightOuter: break
        case .leftOuter, .fullOuter:
            let rows = (0..<Int32(batch.count)).filter { !isMatched[Int($0)] }
            guard !rows.isEmpty else { return }
            try await emit(
                ResultBatch(
                    columns: batch.columns.map { $0.gathered(rows) }
                        + rightSchema.fields.map { Column.nulls($0.dataType, count: rows.count) },
                    count: rows.count))
        case .leftSemi, .leftAnti:
            let rows = (0..<Int32(batch.count)).filter { isMatched[Int($0)] == (join.kind == .leftSemi) }
            if !rows.isEmpty { try await emit(rows.count == batch.count ? batch : batch.gathered(rows)) }
        case .mark(let nullAware):
            var validity: Bitmap?
            if let nullAware {
                let bits = Bitmap(count: batch.count)
                let groups = side.correlated.find(RowKeys(Array(keyColumns[..<nullAware]), count: batch.count))
                for row in 0..<batch.count {
                    let isEmpty = groups[row] < 0 || keyColumns[..<nullAware].contains { $0.isNull(row) }
                    let isUnknown =
                        !isMatched[row] && !isEmpty
                        && (side.hasNull[Int(groups[row])] || keyColumns[nullAware...].contains { $0.isNull(row) })
                    bits[row] = !isUnknown
                }
                validity = bits
            }
            let mark = Column(.boolean, count: batch.count, values: .boolean(Buffer(isMatched)), validity: validity)
            try await emit(ResultBatch(columns: batch.columns + [mark], count: batch.count))
        }
    }
}
