/// Functions over windows: the rows are sorted by each call's partition and order, and every row is given the value over its frame.
final class WindowOperator: BatchOperator {
    private let child: any BatchOperator
    private let calls: [WindowCall]
    private let schema: StructType
    private let run: BatchRun

    init(_ child: any BatchOperator, _ calls: [WindowCall], schema: StructType, run: BatchRun) {
        self.child = child
        self.calls = calls
        self.schema = schema
        self.run = run
    }

    private struct Specification: Hashable {
        var partition: [ResolvedExpression]
        var order: [ResolvedSortKey]
    }

    func run(_ emit: (ResultBatch) async throws -> Void) async throws {
        var (all, charged) = try await child.collected(schema, run, for: "window")
        guard all.count > 0 else { return }
        var results: [Column?] = calls.map { _ in nil }
        var specifications: [Specification] = []
        for call in calls {
            let specification = Specification(partition: call.partition, order: call.order)
            if !specifications.contains(specification) { specifications.append(specification) }
        }
        for specification in specifications {
            try Task.checkCancellation()
            // The rows leave in the order of the last window, as Spark's do.
            let order = try sorted(all, specification)
            all = all.gathered(order)
            for index in results.indices { results[index] = results[index]?.gathered(order) }
            let window = try SortedWindow(all, specification.partition, specification.order, run)
            for (index, call) in calls.enumerated() where Specification(partition: call.partition, order: call.order) == specification {
                if case .aggregate(let aggregate) = call.function, case .python(let function, let names) = aggregate.function {
                    results[index] = try await window.python(function, names, aggregate, call.frame)
                } else {
                    results[index] = try window.evaluate(call)
                }
            }
        }
        let made = zip(results, calls).map { $0 ?? Column.nulls($1.dataType, count: all.count) }
        try await run.emit(ResultBatch(columns: all.columns + made, count: all.count), emit)
        run.budget.release(charged)
    }

    private func sorted(_ batch: ResultBatch, _ specification: Specification) throws -> [Int32] {
        let keys =
            specification.partition.map { ResolvedSortKey(expression: $0, isAscending: true, nullsFirst: true) } + specification.order
        if keys.isEmpty { return (0..<Int32(batch.count)).map { $0 } }
        return try SortOperator.order(batch, keys, run)
    }
}

/// All rows of a window, sorted; the calls over it look at partitions, peers and frames.
struct SortedWindow {
    let batch: ResultBatch
    let run: BatchRun
    private let order: [ResolvedSortKey]
    /// The row ranges of the partitions.
    private(set) var partitions: [Range<Int>] = []
    /// The peers of a row: `peerStart[row]..<peerEnd[row]`.
    private var peerStart: [Int] = []
    private var peerEnd: [Int] = []

    init(_ batch: ResultBatch, _ partition: [ResolvedExpression], _ order: [ResolvedSortKey], _ run: BatchRun) throws {
        self.batch = batch
        self.run = run
        self.order = order
        let keys = RowKeys(try run.evaluate(partition, batch), count: batch.count)
        var start = 0
        for row in 1...batch.count where row == batch.count || !keys.areEqual(row - 1, row) {
            partitions.append(start..<row)
            start = row
        }
        let peers = RowKeys(try run.evaluate(order.map(\.expression), batch), count: batch.count)
        peerStart = Array(repeating: 0, count: batch.count)
        peerEnd = peerStart
        for range in partitions {
            var first = range.lowerBound
            for row in range where row + 1 == range.upperBound || !peers.areEqual(row, row + 1) {
                for peer in first...row {
                    peerStart[peer] = first
                    peerEnd[peer] = row + 1
                }
                first = row + 1
            }
        }
    }

    private func integers(_ body: (Range<Int>, UnsafeMutablePointer<Int32>) -> Void) -> Column {
        let values = Buffer<Int32>(count: batch.count)
        for range in partitions { body(range, values.pointer) }
        return Column(.integer, count: batch.count, values: .integer(values))
    }

    private func doubles(_ body: (Range<Int>, UnsafeMutablePointer<Double>) -> Void) -> Column {
        let values = Buffer<Double>(count: batch.count)
        for range in partitions { body(range, values.pointer) }
        return Column(.double, count: batch.count, values: .double(values))
    }

    func evaluate(_ call: WindowCall) throws -> Column {
        switch call.function {
        case .rowNumber: return integers { range, values in for row in range { values[row] = Int32(row - range.lowerBound + 1) } }
        case .rank: return integers { range, values in for row in range { values[row] = Int32(peerStart[row] - range.lowerBound + 1) } }
        case .denseRank:
            return integers { range, values in
                var rank: Int32 = 0
                for row in range {
                    if peerStart[row] == row { rank += 1 }
                    values[row] = rank
                }
            }
        case .percentRank:
            return doubles { range, values in
                for row in range {
                    values[row] = range.count == 1 ? 0 : Double(peerStart[row] - range.lowerBound) / Double(range.count - 1)
                }
            }
        case .cumeDist:
            return doubles { range, values in
                for row in range { values[row] = Double(peerEnd[row] - range.lowerBound) / Double(range.count) }
            }
        case .ntile(let buckets):
            return integers { range, values in
                let (size, larger) = (range.count / buckets, range.count % buckets)
                for row in range {
                    let place = row - range.lowerBound
                    let inLarger = larger * (size + 1)
                    values[row] = Int32(place < inLarger ? place / (size + 1) + 1 : larger + (place - inLarger) / max(1, size) + 1)
                }
            }
        case .shifted(let offset, let ignoreNulls): return try shifted(call, offset, ignoreNulls)
        case .nth(let place, let ignoreNulls):
            let column = try run.evaluate([call.arguments[0]], batch)[0]
            return try picked(call, column) { frame in
                guard ignoreNulls else { return frame.lowerBound + place - 1 < frame.upperBound ? frame.lowerBound + place - 1 : nil }
                var left = place
                for row in frame where !column.isNull(row) {
                    left -= 1
                    if left == 0 { return row }
                }
                return nil
            }
        case .first(let ignoreNulls):
            let column = try run.evaluate([call.arguments[0]], batch)[0]
            return try picked(call, column) { frame in
                ignoreNulls ? frame.first { !column.isNull($0) } : frame.isEmpty ? nil : frame.lowerBound
            }
        case .last(let ignoreNulls):
            let column = try run.evaluate([call.arguments[0]], batch)[0]
            return try picked(call, column) { frame in
                ignoreNulls ? frame.last { !column.isNull($0) } : frame.isEmpty ? nil : frame.upperBound - 1
            }
        case .aggregate(let aggregate): return try aggregated(call, aggregate)
        }
    }

    private func shifted(_ call: WindowCall, _ offset: Int, _ ignoreNulls: Bool) throws -> Column {
        let columns = try run.evaluate(call.arguments, batch)
        let (value, fallback) = (columns[0], columns[1])
        var rows = [Int32](repeating: -1, count: batch.count)
        var missing: [Int32] = []
        for range in partitions {
            for row in range {
                var target: Int? = row + offset
                if ignoreNulls {
                    var left = abs(offset)
                    var place = row
                    while left > 0, range.contains(place) {
                        place += offset < 0 ? -1 : 1
                        if range.contains(place), !value.isNull(place) { left -= 1 }
                    }
                    target = place
                }
                if let found = target, range.contains(found) { rows[row] = Int32(found) } else { missing.append(Int32(row)) }
            }
        }
        guard !missing.isEmpty, !fallback.isAllNull else { return value.gathered(rows) }
        let both = Column.concatenated(
            [value.stride == 1 ? value : value.gathered((0..<Int32(batch.count)).map { $0 }), fallback], value.type)
        for row in missing { rows[Int(row)] = Int32(batch.count) + row }
        return both.gathered(rows)
    }

    private func picked(_ call: WindowCall, _ column: Column, _ pick: (Range<Int>) -> Int?) throws -> Column {
        let frames = try frames(call.frame)
        return column.gathered(frames.map { pick($0).map { Int32($0) } ?? -1 })
    }

    // MARK: Frames

    /// The rows of each row's frame.
    func frames(_ frame: WindowCall.Frame) throws -> [Range<Int>] {
        let lower = try edges(frame.lower, frame.kind, isLower: true)
        let upper = try edges(frame.upper, frame.kind, isLower: false)
        return zip(lower, upper).map { $0 < $1 ? $0..<$1 : $0..<$0 }
    }

    private func edges(_ bound: WindowCall.Bound, _ kind: WindowSpecification.FrameKind, isLower: Bool) throws -> [Int] {
        var result = [Int](repeating: 0, count: batch.count)
        switch bound {
        case .unboundedPreceding: for range in partitions { for row in range { result[row] = range.lowerBound } }
        case .unboundedFollowing: for range in partitions { for row in range { result[row] = range.upperBound } }
        case .currentRow:
            for row in 0..<batch.count {
                result[row] = kind == .rows ? (isLower ? row : row + 1) : isLower ? peerStart[row] : peerEnd[row]
            }
        case .rows(let distance):
            for range in partitions {
                for row in range { result[row] = min(range.upperBound, max(range.lowerBound, row + distance + (isLower ? 0 : 1))) }
            }
        case .distance(let moved): try distances(moved, isLower, &result)
        }
        return result
    }

    /// Where the keys reach a row's key moved by the distance; rows with a null key have their peers as frame.
    private func distances(_ moved: ResolvedExpression, _ isLower: Bool, _ result: inout [Int]) throws {
        let key = order[0]
        let columns = try run.evaluate([key.expression, moved], batch)
        func keys(_ column: Column) -> RowKeys {
            RowKeys([RowKeyEncoding.Part(column: column, isAscending: key.isAscending, nullsFirst: key.nullsFirst)], count: batch.count)
        }
        let (own, targets) = (keys(columns[0]), keys(columns[1]))
        for range in partitions {
            for row in range {
                guard !columns[1].isNull(row) else {
                    result[row] = isLower ? peerStart[row] : peerEnd[row]
                    continue
                }
                let target = targets.key(row)
                // The first row whose key is not before the target (lower), or is after it (upper).
                var (low, high) = (range.lowerBound, range.upperBound)
                while low < high {
                    let middle = (low + high) / 2
                    let isBefore =
                        isLower ? own.key(middle).lexicographicallyPrecedes(target) : !target.lexicographicallyPrecedes(own.key(middle))
                    if isBefore { low = middle + 1 } else { high = middle }
                }
                result[row] = low
            }
        }
    }

    // MARK: Aggregates

    private func aggregated(_ call: WindowCall, _ aggregate: AggregateCall) throws -> Column {
        let accumulator = try Accumulators.make(aggregate)
        let evaluator = run.evaluator(batch)
        let columns = try aggregate.arguments.map { try evaluator.evaluate($0, .all(batch.count)) }
        var isKept: [Bool]?
        if let filter = aggregate.filter {
            var kept = [Bool](repeating: false, count: batch.count)
            try evaluator.select(filter, .all(batch.count)).eachRow { kept[$0] = true }
            isKept = kept
        }
        func update(_ rows: [Int32], _ groups: [Int32]) throws {
            try rows.withUnsafeBufferPointer { rows in
                try groups.withUnsafeBufferPointer { try accumulator.update(columns, rows, $0) }
            }
        }
        if case .unboundedPreceding = call.frame.lower, case .unboundedFollowing = call.frame.upper {
            accumulator.grow(to: partitions.count)
            var groups = [Int32](repeating: 0, count: batch.count)
            for (number, range) in partitions.enumerated() { for row in range { groups[row] = Int32(number) } }
            let rows = (0..<Int32(batch.count)).filter { isKept?[Int($0)] ?? true }
            try update(rows, rows.map { groups[Int($0)] })
            return try accumulator.result(partitions.count).gathered(groups)
        }
        // Frames are groups: one that only grew goes on from the one before it, the others are folded anew.
        let frames = try frames(call.frame)
        accumulator.grow(to: batch.count)
        var rows: [Int32] = []
        var groups: [Int32] = []
        var pending = 0
        for row in 0..<batch.count {
            let frame = frames[row]
            var fresh = frame
            if row > 0, !frame.isEmpty, frames[row - 1].lowerBound == frame.lowerBound, frames[row - 1].upperBound <= frame.upperBound,
                !frames[row - 1].isEmpty
            {
                if pending > 0 {
                    try update(rows, groups)
                    rows.removeAll(keepingCapacity: true)
                    groups.removeAll(keepingCapacity: true)
                    pending = 0
                }
                accumulator.carry(from: row - 1, to: row)
                fresh = frames[row - 1].upperBound..<frame.upperBound
            }
            for index in fresh where isKept?[index] ?? true {
                rows.append(Int32(index))
                groups.append(Int32(row))
            }
            pending += fresh.count
            if pending >= run.batchRows {
                try Task.checkCancellation()
                try update(rows, groups)
                rows.removeAll(keepingCapacity: true)
                groups.removeAll(keepingCapacity: true)
                pending = 0
            }
        }
        try update(rows, groups)
        return try accumulator.result(batch.count)
    }
}
