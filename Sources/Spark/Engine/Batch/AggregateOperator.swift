internal import NIOConcurrencyHelpers

/// Groups rows by their keys' bytes and folds them into the accumulators of its calls.
final class AggregateOperator: BatchOperator {
    private let child: any BatchOperator
    private let aggregate: ResolvedAggregate
    private let run: BatchRun

    init(_ child: any BatchOperator, _ aggregate: ResolvedAggregate, run: BatchRun) {
        self.child = child
        self.aggregate = aggregate
        self.run = run
    }

    func run(_ emit: (ResultBatch) async throws -> Void) async throws {
        let folding = try AggregateFolding(aggregate, run)
        try await child.run { batch in
            try Task.checkCancellation()
            try folding.add(batch)
        }
        try await run.emit(try folding.result(), emit)
    }
}

/// The groups of one aggregate while rows come.
final class AggregateFolding {
    private let aggregate: ResolvedAggregate
    private let run: BatchRun
    private let accumulators: [any Accumulator]
    private var table = RowKeyTable()
    private var keyStores: [ValueStore]
    private var setNumbers: [Int64] = []
    /// For DISTINCT: which values a group has seen already.
    private var seen: [RowKeyTable?]
    private var charged = 0
    private var groupCount = 0
    private let isGlobal: Bool

    init(_ aggregate: ResolvedAggregate, _ run: BatchRun) throws {
        self.aggregate = aggregate
        self.run = run
        accumulators = try aggregate.calls.map(Accumulators.make)
        keyStores = aggregate.keys.map { ValueStore($0.expression.dataType) }
        seen = aggregate.calls.map { $0.isDistinct ? RowKeyTable() : nil }
        isGlobal = aggregate.keys.isEmpty && aggregate.sets == nil
        if isGlobal { grow(to: 1) }
    }

    private func grow(to groups: Int) {
        groupCount = groups
        for accumulator in accumulators { accumulator.grow(to: groups) }
    }

    func add(_ batch: ResultBatch) throws {
        guard batch.count > 0 else { return }
        let evaluator = run.evaluator(batch)
        let all = Selection.all(batch.count)
        let keys = try aggregate.keys.map { try evaluator.evaluate($0.expression, all) }
        // Arguments are evaluated only where the filter holds: elsewhere they may raise.
        var inputs: [(columns: [Column], rows: [Int32]?)] = []
        for call in aggregate.calls {
            let selection = try call.filter.map { try evaluator.select($0, all) } ?? all
            let columns =
                selection.isEmpty
                ? [] : try (call.arguments + call.order.map(\.expression)).map { try evaluator.evaluate($0, selection) }
            if case .rows(let rows) = selection { inputs.append((columns, rows)) } else { inputs.append((columns, nil)) }
        }
        let identity = (0..<Int32(batch.count)).map { $0 }
        guard let sets = aggregate.sets else {
            let groups = isGlobal ? [Int32](repeating: 0, count: batch.count) : try grouped(keys, batch.count, set: nil)
            return try update(inputs, groups, identity)
        }
        for set in sets {
            let taken = Set(set)
            let nulled = keys.indices.map { taken.contains($0) ? keys[$0] : Column.nulls(keys[$0].type, count: batch.count) }
            // The last key is the lowest bit, set where the rows are not grouped by it.
            let number = keys.indices.reduce(Int64(0)) { $0 << 1 | (taken.contains($1) ? 0 : 1) }
            try update(inputs, try grouped(nulled, batch.count, set: number), identity)
        }
    }

    private func grouped(_ keys: [Column], _ count: Int, set: Int64?) throws -> [Int32] {
        let encoded = set.map { keys + [Column.constant(.long($0), type: .long, count: count)] } ?? keys
        let before = table.count
        let groups = table.insert(RowKeys(encoded, count: count))
        if table.count > before {
            var fresh: [Int32] = []
            var next = Int32(before)
            for (row, group) in groups.enumerated() where group == next {
                fresh.append(Int32(row))
                next += 1
            }
            for index in keys.indices { _ = keyStores[index].add(keys[index], fresh) }
            if let set { setNumbers.append(contentsOf: repeatElement(set, count: fresh.count)) }
            grow(to: table.count)
            let bytes = table.byteCount + table.count * (32 * aggregate.keys.count + 24 * aggregate.calls.count)
            try run.budget.charge(bytes - charged, for: "aggregation")
            charged = bytes
        }
        return groups
    }

    private func update(_ inputs: [(columns: [Column], rows: [Int32]?)], _ groups: [Int32], _ identity: [Int32]) throws {
        for (index, input) in inputs.enumerated() {
            if let rows = input.rows, rows.isEmpty { continue }
            var rows = input.rows ?? identity
            var own = input.rows.map { $0.map { groups[Int($0)] } } ?? groups
            if seen[index] != nil { (rows, own) = try distinct(index, input.columns, rows, own) }
            try rows.withUnsafeBufferPointer { rows in
                try own.withUnsafeBufferPointer { try accumulators[index].update(input.columns, rows, $0) }
            }
            if case .collectList = aggregate.calls[index].function { try chargeValues(input.columns) }
            if case .collectSet = aggregate.calls[index].function { try chargeValues(input.columns) }
        }
    }

    private func chargeValues(_ columns: [Column]) throws {
        try run.budget.charge(columns.reduce(0) { $0 + $1.byteCount }, for: "collected values")
    }

    /// The rows whose values their group has not had yet.
    private func distinct(_ index: Int, _ columns: [Column], _ rows: [Int32], _ groups: [Int32]) throws -> ([Int32], [Int32]) {
        let group = Column(.integer, count: groups.count, values: .integer(Buffer(groups)))
        let arguments = columns.prefix(aggregate.calls[index].arguments.count).map { $0.gathered(rows) }
        let before = seen[index]?.count ?? 0
        let size = seen[index]?.byteCount ?? 0
        let numbers = seen[index]?.insert(RowKeys([group] + arguments, count: rows.count)) ?? []
        try run.budget.charge((seen[index]?.byteCount ?? 0) - size, for: "distinct values")
        var next = Int32(before)
        var kept: ([Int32], [Int32]) = ([], [])
        for (place, number) in numbers.enumerated() where number == next {
            kept.0.append(rows[place])
            kept.1.append(groups[place])
            next += 1
        }
        return kept
    }

    func result() throws -> ResultBatch {
        var columns = keyStores.indices.map { keyStores[$0].column() }
        for (index, column) in columns.enumerated() where column.count == 0 && groupCount > 0 {
            columns[index] = Column.nulls(column.type, count: groupCount)
        }
        columns += try accumulators.map { try $0.result(groupCount) }
        if aggregate.sets != nil { columns.append(Column(.long, count: groupCount, values: .long(Buffer(setNumbers)))) }
        run.budget.release(charged)
        return ResultBatch(columns: columns, count: groupCount)
    }
}

/// Lets rows pass, and tells what the aggregates over them are once the last has.
final class ObserveOperator: BatchOperator {
    private let child: any BatchOperator
    private let name: String
    private let aggregate: ResolvedAggregate
    private let columns: [ResolvedNamed]
    private let run: BatchRun

    init(_ child: any BatchOperator, name: String, _ aggregate: ResolvedAggregate, _ columns: [ResolvedNamed], run: BatchRun) {
        self.child = child
        self.name = name
        self.aggregate = aggregate
        self.columns = columns
        self.run = run
    }

    func run(_ emit: (ResultBatch) async throws -> Void) async throws {
        let folding = try AggregateFolding(aggregate, run)
        try await child.run { batch in
            try folding.add(batch)
            try await emit(batch)
        }
        let result = try folding.result()
        let made = ResultBatch(columns: try run.evaluate(columns.map(\.expression), result), count: 1).dense
        let schema = StructType(columns.map { StructField($0.name, $0.expression.dataType) })
        run.observed.withLockedValue { $0[name] = (schema, made) }
    }
}
