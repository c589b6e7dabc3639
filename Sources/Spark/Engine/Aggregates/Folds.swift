#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Minimum and maximum of whole numbers, decimals, dates and times.
final class Extreme<T: Comparable & BitwiseCopyable & FixedWidthInteger>: Accumulator {
    private var state = Seen<T>()
    private let type: DataType
    private let isMax: Bool
    private let wrap: (Buffer<T>) -> Column.Values
    private let unwrap: (Column.Values) -> Buffer<T>?

    init(_ type: DataType, _ isMax: Bool, _ wrap: @escaping (Buffer<T>) -> Column.Values, _ unwrap: @escaping (Column.Values) -> Buffer<T>?)
    {
        self.type = type
        self.isMax = isMax
        self.wrap = wrap
        self.unwrap = unwrap
    }

    func grow(to groups: Int) { state.grow(to: groups, 0) }
    func carry(from: Int, to: Int) { state.carry(from, to) }

    func update(_ arguments: [Column], _ rows: UnsafeBufferPointer<Int32>, _ groups: UnsafeBufferPointer<Int32>) {
        guard let values = unwrap(arguments[0].values) else { return }
        state.withBuffers { best, seen in
            each(arguments[0], rows, groups) { row, group in
                let value = values.pointer[row]
                if !seen[group] || (isMax ? value > best[group] : value < best[group]) {
                    best[group] = value
                    seen[group] = true
                }
            }
        }
    }

    func result(_ groups: Int) -> Column {
        Column(type, count: groups, values: wrap(Buffer(Array(state.values.prefix(groups)))), validity: state.validity(groups))
    }

    func save(_ group: Int, into writer: inout StateWriter) { state.save(group, into: &writer) }
    func load(_ group: Int, from reader: inout StateReader) throws { try state.load(group, from: &reader) }
}

final class BooleanFold: Accumulator {
    private var state = Seen<Bool>()
    private let isAnd: Bool

    init(isAnd: Bool) { self.isAnd = isAnd }

    func grow(to groups: Int) { state.grow(to: groups, isAnd) }
    func carry(from: Int, to: Int) { state.carry(from, to) }

    func update(_ arguments: [Column], _ rows: UnsafeBufferPointer<Int32>, _ groups: UnsafeBufferPointer<Int32>) {
        guard case .boolean(let values) = arguments[0].values else { return }
        each(arguments[0], rows, groups) { row, group in
            state.values[group] = isAnd ? state.values[group] && values.pointer[row] : state.values[group] || values.pointer[row]
            state.seen[group] = true
        }
    }

    func result(_ groups: Int) -> Column {
        Column(.boolean, count: groups, values: .boolean(Buffer(Array(state.values.prefix(groups)))), validity: state.validity(groups))
    }

    func save(_ group: Int, into writer: inout StateWriter) { state.save(group, into: &writer) }
    func load(_ group: Int, from reader: inout StateReader) throws { try state.load(group, from: &reader) }
}

final class BitFold: Accumulator {
    private var state = Seen<Int64>()
    private let function: AggregateFunction
    private let type: DataType

    init(_ function: AggregateFunction, _ type: DataType) {
        self.function = function
        self.type = type
    }

    func grow(to groups: Int) { state.grow(to: groups, function == .bitAnd ? -1 : 0) }
    func carry(from: Int, to: Int) { state.carry(from, to) }

    func update(_ arguments: [Column], _ rows: UnsafeBufferPointer<Int32>, _ groups: UnsafeBufferPointer<Int32>) {
        func fold<T: BinaryInteger>(_ buffer: Buffer<T>) {
            each(arguments[0], rows, groups) { row, group in
                let value = Int64(buffer.pointer[row])
                switch function {
                case .bitAnd: state.values[group] &= value
                case .bitOr: state.values[group] |= value
                default: state.values[group] ^= value
                }
                state.seen[group] = true
            }
        }
        switch arguments[0].values {
        case .byte(let buffer): fold(buffer)
        case .short(let buffer): fold(buffer)
        case .integer(let buffer): fold(buffer)
        case .long(let buffer): fold(buffer)
        default: break
        }
    }

    func result(_ groups: Int) -> Column {
        let values = state.values.prefix(groups)
        let made: Column.Values =
            switch type {
            case .byte: .byte(Buffer(values.map { Int8(truncatingIfNeeded: $0) }))
            case .short: .short(Buffer(values.map { Int16(truncatingIfNeeded: $0) }))
            case .integer: .integer(Buffer(values.map { Int32(truncatingIfNeeded: $0) }))
            default: .long(Buffer(Array(values)))
            }
        return Column(type, count: groups, values: made, validity: state.validity(groups))
    }

    func save(_ group: Int, into writer: inout StateWriter) { state.save(group, into: &writer) }
    func load(_ group: Int, from reader: inout StateReader) throws { try state.load(group, from: &reader) }
}

/// Central moments up to the fourth, updated row by row as Spark's CentralMomentAgg does (Meng, "Simpler Online Updates for Arbitrary-Order
/// Central Moments").
final class Moments: Accumulator {
    private struct State: BitwiseCopyable {
        var n = 0.0, average = 0.0, m2 = 0.0, m3 = 0.0, m4 = 0.0
    }

    private var states: [State] = []
    private let function: AggregateFunction

    init(_ function: AggregateFunction) { self.function = function }

    func grow(to groups: Int) { states.grow(to: groups, State()) }
    func carry(from: Int, to: Int) { states[to] = states[from] }

    func update(_ arguments: [Column], _ rows: UnsafeBufferPointer<Int32>, _ groups: UnsafeBufferPointer<Int32>) {
        guard case .double(let values) = arguments[0].values else { return }
        states.withUnsafeMutableBufferPointer { states in
            each(arguments[0], rows, groups) { row, group in
                var state = states[group]
                let value = values.pointer[row]
                let n = state.n + 1
                let delta = value - state.average
                let deltaN = delta / n
                let m2 = state.m2 + delta * (delta - deltaN)
                let delta2 = delta * delta
                let deltaN2 = deltaN * deltaN
                let m3 = state.m3 - 3 * deltaN * m2 + delta * (delta2 - deltaN2)
                let m4 = state.m4 - 4 * deltaN * m3 - 6 * deltaN2 * m2 + delta * (delta * delta2 - deltaN * deltaN2)
                state.n = n
                state.average += deltaN
                state.m2 = m2
                state.m3 = m3
                state.m4 = m4
                states[group] = state
            }
        }
    }

    func result(_ groups: Int) -> Column {
        var result = Seen<Double>()
        for state in states.prefix(groups) {
            var value: Double?
            switch function {
            case .variancePopulation: value = state.n == 0 ? nil : state.m2 / state.n
            case .deviationPopulation: value = state.n == 0 ? nil : (state.m2 / state.n).squareRoot()
            // One value has no sample variance: null, as in Spark without its legacy mode.
            case .varianceSample: value = state.n < 2 ? nil : state.m2 / (state.n - 1)
            case .deviationSample: value = state.n < 2 ? nil : (state.m2 / (state.n - 1)).squareRoot()
            case .skewness:
                value =
                    state.n == 0 || state.m2 == 0 ? nil : state.n.squareRoot() * state.m3 / (state.m2 * state.m2 * state.m2).squareRoot()
            default: value = state.n == 0 || state.m2 == 0 ? nil : state.n * state.m4 / (state.m2 * state.m2) - 3
            }
            result.values.append(value ?? 0)
            result.seen.append(value != nil)
        }
        return Column(.double, count: groups, values: .double(Buffer(result.values)), validity: result.validity(groups))
    }

    func save(_ group: Int, into writer: inout StateWriter) { writer.write(plain: states[group]) }
    func load(_ group: Int, from reader: inout StateReader) throws { states[group] = try reader.plain(State.self) }
}

/// Covariance, correlation and linear regression of pairs; a pair with a null does not count.
final class Comoments: Accumulator {
    private struct State: BitwiseCopyable {
        var n = 0.0, x = 0.0, y = 0.0, ck = 0.0, xx = 0.0, yy = 0.0
    }

    private var states: [State] = []
    private let function: AggregateFunction

    init(_ function: AggregateFunction) { self.function = function }

    func grow(to groups: Int) { states.grow(to: groups, State()) }
    func carry(from: Int, to: Int) { states[to] = states[from] }

    func update(_ arguments: [Column], _ rows: UnsafeBufferPointer<Int32>, _ groups: UnsafeBufferPointer<Int32>) {
        guard case .double(let first) = arguments[0].values, case .double(let second) = arguments[1].values else { return }
        let (a, b) = (arguments[0], arguments[1])
        for index in 0..<rows.count {
            let row = Int(rows[index])
            if a.isNull(row) || b.isNull(row) { continue }
            let (x, y) = (first.pointer[row * a.stride], second.pointer[row * b.stride])
            var state = states[Int(groups[index])]
            state.n += 1
            let dx = x - state.x
            let dy = y - state.y
            let dxN = dx / state.n
            let dyN = dy / state.n
            state.x += dxN
            state.y += dyN
            state.ck += dx * (y - state.y)
            state.xx += dx * (x - state.x)
            state.yy += dy * (y - state.y)
            states[Int(groups[index])] = state
        }
    }

    func result(_ groups: Int) -> Column {
        var result = Seen<Double>()
        for state in states.prefix(groups) {
            let value = value(state)
            result.values.append(value ?? 0)
            result.seen.append(value != nil)
        }
        if function == .regression(.count) {
            return Column(.long, count: groups, values: .long(Buffer(result.values.map { Int64($0) })))
        }
        return Column(.double, count: groups, values: .double(Buffer(result.values)), validity: result.validity(groups))
    }

    private func value(_ state: State) -> Double? {
        switch function {
        case .covariancePopulation: return state.n == 0 ? nil : state.ck / state.n
        case .covarianceSample: return state.n < 2 ? nil : state.ck / (state.n - 1)
        case .correlation:
            if state.n < 2 || state.xx == 0 || state.yy == 0 { return nil }
            return state.ck / (state.xx * state.yy).squareRoot()
        // regr_*(y, x): the first argument is the dependent one.
        case .regression(let kind):
            if kind == .count { return state.n }
            guard state.n > 0 else { return nil }
            switch kind {
            case .count: return state.n
            case .averageX: return state.y
            case .averageY: return state.x
            case .sumXX: return state.yy
            case .sumYY: return state.xx
            case .sumXY: return state.ck
            case .slope: return state.yy == 0 ? nil : state.ck / state.yy
            case .intercept: return state.yy == 0 ? nil : state.x - state.ck / state.yy * state.y
            case .r2:
                if state.yy == 0 { return nil }
                if state.xx == 0 { return 1 }
                let correlation = state.ck / (state.xx * state.yy).squareRoot()
                return correlation * correlation
            }
        default: return nil
        }
    }

    func save(_ group: Int, into writer: inout StateWriter) { writer.write(plain: states[group]) }
    func load(_ group: Int, from reader: inout StateReader) throws { states[group] = try reader.plain(State.self) }
}

/// How many different values there are, by their 64-bit hashes: for the numbers of values that fit into memory, the exact count.
final class DistinctCount: Accumulator {
    private var sets: [Set<UInt64>] = []

    func grow(to groups: Int) { sets.grow(to: groups, []) }
    func carry(from: Int, to: Int) { sets[to] = sets[from] }

    func update(_ arguments: [Column], _ rows: UnsafeBufferPointer<Int32>, _ groups: UnsafeBufferPointer<Int32>) {
        let column = arguments[0]
        let encoding = RowKeyEncoding([column])
        var key: [UInt8] = []
        for index in 0..<rows.count where !column.isNull(Int(rows[index])) {
            key.removeAll(keepingCapacity: true)
            encoding.append(Int(rows[index]), to: &key)
            sets[Int(groups[index])].insert(key.withUnsafeBufferPointer { RowKeys.hash($0) })
        }
    }

    func result(_ groups: Int) -> Column {
        Column(.long, count: groups, values: .long(Buffer(sets.prefix(groups).map { Int64($0.count) })))
    }

    func save(_ group: Int, into writer: inout StateWriter) {
        writer.write(number: Int64(sets[group].count))
        for hash in sets[group] { writer.write(plain: hash) }
    }

    func load(_ group: Int, from reader: inout StateReader) throws {
        let count = try reader.number()
        for _ in 0..<max(0, count) { sets[group].insert(try reader.plain(UInt64.self)) }
    }
}
