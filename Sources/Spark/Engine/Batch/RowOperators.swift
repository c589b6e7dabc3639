#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Filters and projections in one go, with rows dropped only at the end.
final class StagesOperator: BatchOperator {
    private let child: any BatchOperator
    private let stages: [PhysicalPlan.Stage]
    private let schema: StructType
    private let run: BatchRun

    init(_ child: any BatchOperator, _ stages: [PhysicalPlan.Stage], schema: StructType, run: BatchRun) {
        self.child = child
        self.stages = stages
        self.schema = schema
        self.run = run
    }

    func run(_ emit: (ResultBatch) async throws -> Void) async throws {
        try await child.run { batch in
            try Task.checkCancellation()
            var columns = batch.columnBatch
            var selection = Selection.all(batch.count)
            let context = run.context
            for stage in stages where !selection.isEmpty {
                let evaluator = Evaluator(batch: columns, context: context, stageRows: selection.count)
                switch stage {
                case .filter(let condition): selection = try evaluator.select(condition, selection)
                case .project(let expressions):
                    columns.columns = try expressions.map { column in try column.map { try evaluator.evaluate($0.expression, selection) } }
                case .python: throw Resolver.unserved("A Python function here")
                }
            }
            guard !selection.isEmpty else { return }
            let made = schema.fields.indices.map { index in
                columns.columns[index] ?? Column.nulls(schema.fields[index].dataType, count: columns.count)
            }
            switch selection {
            case .all(let count): try await emit(ResultBatch(columns: made, count: count))
            case .rows(let rows): try await emit(ResultBatch(columns: made.map { $0.gathered(rows) }, count: rows.count))
            }
        }
    }
}

final class UnionOperator: BatchOperator {
    private let children: [any BatchOperator]

    init(_ children: [any BatchOperator]) { self.children = children }

    func run(_ emit: (ResultBatch) async throws -> Void) async throws {
        for child in children { try await child.run(emit) }
    }
}

final class LimitOperator: BatchOperator {
    private let child: any BatchOperator
    private let count: Int
    private let offset: Int

    init(_ child: any BatchOperator, count: Int = .max, offset: Int = 0) {
        self.child = child
        self.count = count
        self.offset = offset
    }

    func run(_ emit: (ResultBatch) async throws -> Void) async throws {
        var skip = offset
        var left = count
        if left == 0 { return }
        do {
            try await child.run { batch in
                let first = min(skip, batch.count)
                skip -= first
                let taken = min(left, batch.count - first)
                left -= taken
                if taken > 0 { try await emit(batch.slice(first..<(first + taken))) }
                if left == 0 { throw EnoughRows(step: ObjectIdentifier(self)) }
            }
        } catch let enough as EnoughRows where enough.step == ObjectIdentifier(self) {}
    }
}

final class TailOperator: BatchOperator {
    private let child: any BatchOperator
    private let count: Int
    private let schema: StructType
    private let run: BatchRun

    init(_ child: any BatchOperator, count: Int, schema: StructType, run: BatchRun) {
        self.child = child
        self.count = count
        self.schema = schema
        self.run = run
    }

    func run(_ emit: (ResultBatch) async throws -> Void) async throws {
        var held: [ResultBatch] = []
        var total = 0
        try await child.run { batch in
            held.append(batch)
            total += batch.count
            while let first = held.first, total - first.count >= count {
                total -= first.count
                held.removeFirst()
            }
        }
        guard !held.isEmpty else { return }
        let all = ResultBatch.concatenated(held, schema)
        try await run.emit(all.slice(max(0, all.count - count)..<all.count), emit)
    }
}

/// Each row once for every list of expressions, the lists of one row together.
final class ExpandOperator: BatchOperator {
    private let child: any BatchOperator
    private let rows: [[ResolvedExpression]]
    private let schema: StructType
    private let run: BatchRun

    init(_ child: any BatchOperator, _ rows: [[ResolvedExpression]], schema: StructType, run: BatchRun) {
        self.child = child
        self.rows = rows
        self.schema = schema
        self.run = run
    }

    func run(_ emit: (ResultBatch) async throws -> Void) async throws {
        try await child.run { batch in
            try Task.checkCancellation()
            let parts = try rows.map { ResultBatch(columns: try run.evaluate($0, batch), count: batch.count) }
            let all = ResultBatch.concatenated(parts.map(\.dense), schema)
            let order = (0..<batch.count).flatMap { row in parts.indices.map { Int32($0 * batch.count + row) } }
            try await run.emit(all.gathered(order), emit)
        }
    }
}

/// The first row of each key.
final class DeduplicateOperator: BatchOperator {
    private let child: any BatchOperator
    private let keys: [Int]
    private let run: BatchRun

    init(_ child: any BatchOperator, keys: [Int], run: BatchRun) {
        self.child = child
        self.keys = keys
        self.run = run
    }

    func run(_ emit: (ResultBatch) async throws -> Void) async throws {
        var table = RowKeyTable()
        var charged = 0
        try await child.run { batch in
            try Task.checkCancellation()
            let before = Int32(table.count)
            var next = before
            var kept: [Int32] = []
            for (row, group) in table.insert(RowKeys(keys.map { batch.columns[$0] }, count: batch.count)).enumerated() where group == next {
                kept.append(Int32(row))
                next += 1
            }
            try run.budget.charge(table.byteCount - charged, for: "distinct rows")
            charged = table.byteCount
            if !kept.isEmpty { try await emit(kept.count == batch.count ? batch : batch.gathered(kept)) }
        }
    }
}

/// Intersect and except; nulls are equal.
final class SetOperator: BatchOperator {
    private let kind: SetOperation.Kind
    private let isAll: Bool
    private let left: any BatchOperator
    private let right: any BatchOperator
    private let run: BatchRun

    init(_ kind: SetOperation.Kind, isAll: Bool, _ left: any BatchOperator, _ right: any BatchOperator, run: BatchRun) {
        self.kind = kind
        self.isAll = isAll
        self.left = left
        self.right = right
        self.run = run
    }

    func run(_ emit: (ResultBatch) async throws -> Void) async throws {
        var table = RowKeyTable()
        var counts: [Int] = []
        try await right.run { batch in
            try Task.checkCancellation()
            let before = table.byteCount
            for group in table.insert(RowKeys(batch.columns, count: batch.count)) {
                counts.grow(to: table.count, 0)
                counts[Int(group)] += 1
            }
            try run.budget.charge(table.byteCount - before, for: "set operation")
        }
        let known = table.count
        var isTaken: [Bool] = []
        try await left.run { batch in
            try Task.checkCancellation()
            var kept: [Int32] = []
            for (row, group) in table.insert(RowKeys(batch.columns, count: batch.count)).enumerated() {
                let group = Int(group)
                counts.grow(to: table.count, 0)
                isTaken.grow(to: table.count, false)
                let isThere = group < known && counts[group] > 0
                switch (kind, isAll) {
                case (.intersect, true):
                    guard isThere else { continue }
                    counts[group] -= 1
                case (.intersect, false), (.union, _):
                    guard isThere, !isTaken[group] else { continue }
                    isTaken[group] = true
                case (.except, true):
                    if isThere {
                        counts[group] -= 1
                        continue
                    }
                case (.except, false):
                    guard !isThere, !isTaken[group] else { continue }
                    isTaken[group] = true
                }
                kept.append(Int32(row))
            }
            if !kept.isEmpty { try await emit(batch.gathered(kept)) }
        }
    }
}

/// Bernoulli sampling, or Poisson with replacement; a seed gives the same rows each time.
final class SampleOperator: BatchOperator {
    private let child: any BatchOperator
    private let sample: Sample

    init(_ child: any BatchOperator, _ sample: Sample) {
        self.child = child
        self.sample = sample
    }

    func run(_ emit: (ResultBatch) async throws -> Void) async throws {
        var state = UInt64(bitPattern: sample.seed ?? Int64.random(in: .min ... .max))
        func uniform() -> Double {
            // SplitMix64.
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
            value ^= value >> 31
            return Double(value >> 11) * 0x1p-53
        }
        let mean = sample.upper - sample.lower
        let floor = exp(-mean)
        try await child.run { batch in
            try Task.checkCancellation()
            var kept: [Int32] = []
            for row in 0..<batch.count {
                if sample.withReplacement {
                    var product = uniform()
                    while product > floor {
                        kept.append(Int32(row))
                        product *= uniform()
                    }
                } else {
                    let value = uniform()
                    if value >= sample.lower, value < sample.upper { kept.append(Int32(row)) }
                }
            }
            if !kept.isEmpty { try await emit(batch.gathered(kept)) }
        }
    }
}

/// A scalar subquery's row: exactly one, of nulls where it had none.
final class SingleRowOperator: BatchOperator {
    private let child: any BatchOperator
    private let schema: StructType

    init(_ child: any BatchOperator, schema: StructType) {
        self.child = child
        self.schema = schema
    }

    func run(_ emit: (ResultBatch) async throws -> Void) async throws {
        var row: ResultBatch?
        try await child.run { batch in
            guard batch.count <= 1, batch.count == 0 || row == nil else {
                throw SparkError(
                    "SCALAR_SUBQUERY_TOO_MANY_ROWS", sqlState: "21000", "More than one row returned by a subquery used as an expression.")
            }
            if batch.count == 1 { row = batch }
        }
        try await emit(row ?? ResultBatch(columns: schema.fields.map { Column.nulls($0.dataType, count: 1) }, count: 1))
    }
}

/// The child's columns and what a generator makes of each row.
final class GenerateOperator: BatchOperator {
    private let child: any BatchOperator
    private let generator: ResolvedGenerator
    private let run: BatchRun

    init(_ child: any BatchOperator, _ generator: ResolvedGenerator, run: BatchRun) {
        self.child = child
        self.generator = generator
        self.run = run
    }

    func run(_ emit: (ResultBatch) async throws -> Void) async throws {
        try await child.run { batch in
            try Task.checkCancellation()
            let input = try run.evaluate([generator.arguments[0]], batch)[0]
            var rows: [Int32] = []
            var elements: [Int32] = []
            var positions: [Int32] = []
            func spread(_ offsets: Buffer<Int32>?) {
                for row in 0..<batch.count {
                    var isAny = false
                    if let offsets, !input.isNull(row) {
                        let (start, end) = (offsets[row * input.stride], offsets[row * input.stride + 1])
                        for element in start..<end {
                            rows.append(Int32(row))
                            elements.append(element)
                            positions.append(element - start)
                            isAny = true
                        }
                    }
                    if !isAny, generator.isOuter {
                        rows.append(Int32(row))
                        elements.append(-1)
                        positions.append(-1)
                    }
                }
            }
            var made: [Column] = []
            switch input.values {
            case .array(let offsets, let values):
                spread(offsets)
                let taken = values.gathered(elements)
                if generator.kind == .inline, case .structure(let type) = taken.type {
                    let evaluator = Evaluator(
                        batch: ColumnBatch(count: taken.count, columns: [taken]), context: run.context, stageRows: taken.count)
                    made = try type.fields.enumerated().map { index, field in
                        try evaluator.evaluate(
                            .field(.column(0, taken.type, nullable: true), index: index, field.dataType), .all(taken.count))
                    }
                } else {
                    made = [taken]
                }
            case .map(let offsets, let keys, let values):
                spread(offsets)
                made = [keys.gathered(elements), values.gathered(elements)]
            default:
                spread(nil)
                let isPositioned = generator.kind == .explode(withPosition: true)
                made = generator.fields.dropFirst(isPositioned ? 1 : 0).map { Column.nulls($0.dataType, count: rows.count) }
            }
            if generator.kind == .explode(withPosition: true) {
                let ordinals = Column(.integer, count: positions.count, values: .integer(Buffer(positions)))
                made.insert(generator.isOuter ? ordinals.gathered(positions.enumerated().map { $1 < 0 ? -1 : Int32($0) }) : ordinals, at: 0)
            }
            guard !rows.isEmpty else { return }
            try await run.emit(ResultBatch(columns: batch.columns.map { $0.gathered(rows) } + made, count: rows.count), emit)
        }
    }
}
