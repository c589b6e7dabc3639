internal import NIOCore

/// One column of a SELECT's result.
indirect enum SelectExpression: Sendable {
    case column(Int, CQLType)
    case writeTime(Int)
    case ttl(Int)
    /// The partition's token.
    case token
    case source(ValueSource, CQLType)
    case call(ScalarFunction, [SelectExpression])
    case cast(SelectExpression, CQLType)
    case aggregate(Aggregate, SelectExpression?)

    enum Aggregate: String, Sendable {
        case count, min, max, sum, avg
    }

    var type: CQLType {
        switch self {
        case .column(_, let type), .source(_, let type), .cast(_, let type): type
        case .writeTime, .token: .bigint
        case .ttl: .int
        case .call(let function, _): function.result
        case .aggregate(.count, _): .bigint
        case .aggregate(_, let inner): inner?.type ?? .bigint
        }
    }

    var isAggregate: Bool {
        switch self {
        case .aggregate: true
        case .call(_, let arguments): arguments.contains { $0.isAggregate }
        case .cast(let inner, _): inner.isAggregate
        default: false
        }
    }

    /// Evaluates for one row; aggregates are looked up in `state`.
    func value(_ row: RowImage, _ context: ValueContext, now: UInt32, state: AggregateState?) throws(CQLError) -> CQLValue {
        switch self {
        case .column(let index, let type):
            guard let bytes = row.bytes(index) else { return .null }
            return try CQLValue(bytes: ByteBuffer(bytes: bytes), type: type)
        case .writeTime(let index): return row.slot(index).length >= 0 ? .bigint(row.slot(index).timestamp) : .null
        case .ttl(let index):
            let slot = row.slot(index)
            return slot.length >= 0 && slot.expiry > now ? .int(Int32(clamping: slot.expiry - now)) : .null
        case .token: return .bigint(row.token())
        case .source(let source, let type): return try context.evaluate(.source(source, type))
        case .call(let function, let arguments):
            var values: [CQLValue] = []
            for argument in arguments { values.append(try argument.value(row, context, now: now, state: state)) }
            return try function.body(values, context.now)
        case .cast(let inner, let type): return try ScalarFunction.cast(try inner.value(row, context, now: now, state: state), to: type)
        case .aggregate: return try state?.next() ?? .null
        }
    }

    /// A value of each row, which together with aggregates is the first row's, as in Cassandra.
    var isOfFirstRow: Bool {
        if case .source = self { return false }
        return !isAggregate
    }

    /// The aggregates within, in the order in which ``value(_:_:now:state:)`` comes upon them.
    func collectAggregates(into list: inout [(Aggregate, SelectExpression?)]) {
        switch self {
        case .aggregate(let kind, let inner): list.append((kind, inner))
        case .call(_, let arguments): for argument in arguments { argument.collectAggregates(into: &list) }
        case .cast(let inner, _): inner.collectAggregates(into: &list)
        default: break
        }
    }
}

/// The running values of a SELECT's aggregates.
final class AggregateState {
    private struct Running {
        let kind: SelectExpression.Aggregate
        let argument: SelectExpression?
        var count: Int64 = 0
        var best: CQLValue = .null
        var bestOrder: [UInt8] = []
        var whole: Int64 = 0
        var real: Double = 0
    }

    private let items: [SelectExpression]
    private var running: [Running]
    private var position = 0
    /// What the first row gave for the items that are no aggregates; empty before it.
    private var first: [CQLValue] = []
    private let arena = ByteArena()

    init(_ items: [SelectExpression]) {
        var list: [(SelectExpression.Aggregate, SelectExpression?)] = []
        for item in items { item.collectAggregates(into: &list) }
        self.items = items
        running = list.map { Running(kind: $0.0, argument: $0.1) }
    }

    /// The value of an item that is no aggregate.
    func firstValue(_ index: Int) -> CQLValue { first.isEmpty ? .null : first[index] }

    func add(_ row: RowImage, _ context: ValueContext, now: UInt32) throws(CQLError) {
        if first.isEmpty {
            for item in items { first.append(item.isOfFirstRow ? try item.value(row, context, now: now, state: nil) : .null) }
        }
        for index in running.indices {
            guard let argument = running[index].argument else {
                running[index].count += 1
                continue
            }
            if running[index].kind == .count, case .column(let column, _) = argument {
                if row.slot(column).length >= 0 { running[index].count += 1 }
                continue
            }
            let value = try argument.value(row, context, now: now, state: nil)
            if value.isNull { continue }
            running[index].count += 1
            switch running[index].kind {
            case .count: break
            case .min, .max:
                let bytes = try value.bytes(as: argument.type)
                let encoding = try OrderedEncoding(argument.type)
                arena.truncate(to: 0)
                let failed: CQLError? = bytes.withUnsafeReadableBytes { bytes in
                    do throws(CQLError) { try encoding.encode(bytes, to: arena) } catch { return error }
                    return nil
                }
                if let failed { throw failed }
                let order = arena.array
                let isFirst = running[index].count == 1
                let isLess = order.lexicographicallyPrecedes(running[index].bestOrder)
                if isFirst || (running[index].kind == .min ? isLess : running[index].bestOrder.lexicographicallyPrecedes(order)) {
                    running[index].best = value
                    running[index].bestOrder = order
                }
            case .sum, .avg:
                if let integer = value.integer { running[index].whole &+= integer }
                running[index].real += ScalarFunction.double(value) ?? 0
            }
        }
    }

    /// The next aggregate's result.
    func next() throws(CQLError) -> CQLValue {
        let item = running[position]
        position += 1
        switch item.kind {
        case .count: return .bigint(item.count)
        case .min, .max: return item.best
        case .sum, .avg:
            let isAverage = item.kind == .avg
            let type = item.argument?.type.unfrozen ?? .bigint
            if item.count == 0 { return type == .double || type == .float ? .double(0) : .bigint(0) }
            switch type {
            case .double: return .double(isAverage ? item.real / Double(item.count) : item.real)
            case .float: return .float(Float(isAverage ? item.real / Double(item.count) : item.real))
            case .decimal:
                let value = isAverage ? item.real / Double(item.count) : item.real
                return CQLDecimal("\(value)").map { .decimal($0) } ?? .null
            case .int: return .int(Int32(truncatingIfNeeded: isAverage ? item.whole / item.count : item.whole))
            case .smallint: return .smallint(Int16(truncatingIfNeeded: isAverage ? item.whole / item.count : item.whole))
            case .tinyint: return .tinyint(Int8(truncatingIfNeeded: isAverage ? item.whole / item.count : item.whole))
            default: return .bigint(isAverage ? item.whole / item.count : item.whole)
            }
        }
    }
}
