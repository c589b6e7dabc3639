/// Counts, sums and averages.
final class CountAccumulator: Accumulator {
    private var counts: [Int64] = []
    /// `count_if`: counts where its argument is true.
    private let condition: Bool

    init(condition: Bool) { self.condition = condition }

    func grow(to groups: Int) { counts.grow(to: groups, 0) }
    func carry(from: Int, to: Int) { counts[to] = counts[from] }

    func update(_ arguments: [Column], _ rows: UnsafeBufferPointer<Int32>, _ groups: UnsafeBufferPointer<Int32>) {
        counts.withUnsafeMutableBufferPointer { counts in
            if condition {
                guard case .boolean(let values) = arguments[0].values else { return }
                each(arguments[0], rows, groups) { row, group in if values.pointer[row] { counts[group] &+= 1 } }
            } else if arguments.count == 1 {
                each(arguments[0], rows, groups) { _, group in counts[group] &+= 1 }
            } else {
                for index in 0..<rows.count where !arguments.contains(where: { $0.isNull(Int(rows[index])) }) {
                    counts[Int(groups[index])] &+= 1
                }
            }
        }
    }

    func result(_ groups: Int) -> Column { Column(.long, count: groups, values: .long(Buffer(Array(counts.prefix(groups))))) }

    func result(of chosen: [Int32], _ groups: Int) -> Column {
        let values = Buffer<Int64>(count: chosen.count)
        for (place, group) in chosen.enumerated() { values.pointer[place] = counts[Int(group)] }
        return Column(.long, count: chosen.count, values: .long(values))
    }

    func save(_ group: Int, into writer: inout StateWriter) { writer.write(number: counts[group]) }
    func load(_ group: Int, from reader: inout StateReader) throws { counts[group] = try reader.number() }
}

enum SumError {
    static var overflow: SparkError {
        SparkError(
            "ARITHMETIC_OVERFLOW", sqlState: "22003",
            "long overflow. Use 'try_sum' to tolerate overflow and return NULL instead. If necessary set \"spark.sql.ansi.enabled\" to \"false\" to bypass this error."
        )
    }
}

/// Values and whether there was one: null without.
struct Seen<T> {
    var values: [T] = []
    var seen: [Bool] = []

    mutating func grow(to groups: Int, _ value: T) {
        values.grow(to: groups, value)
        seen.grow(to: groups, false)
    }

    mutating func carry(_ from: Int, _ to: Int) {
        values[to] = values[from]
        seen[to] = seen[from]
    }

    /// Both arrays as plain memory. They leave the struct meanwhile, so that a class that holds it is not accessed twice at a time.
    mutating func withBuffers(_ body: (UnsafeMutableBufferPointer<T>, UnsafeMutableBufferPointer<Bool>) throws -> Void) rethrows {
        var (taken, marks) = (values, seen)
        values = []
        seen = []
        defer { (values, seen) = (taken, marks) }
        try taken.withUnsafeMutableBufferPointer { values in try marks.withUnsafeMutableBufferPointer { try body(values, $0) } }
    }

    func save(_ group: Int, into writer: inout StateWriter) where T: BitwiseCopyable {
        writer.write(seen[group] ? 1 : 0)
        if seen[group] { writer.write(plain: values[group]) }
    }

    mutating func load(_ group: Int, from reader: inout StateReader) throws where T: BitwiseCopyable {
        guard try reader.byte() == 1 else { return }
        values[group] = try reader.plain(T.self)
        seen[group] = true
    }

    func validity(_ groups: Int) -> Bitmap? {
        guard seen.prefix(groups).contains(false) else { return nil }
        let bits = Bitmap(count: groups)
        for group in 0..<groups where seen[group] { bits[group] = true }
        return bits
    }
}

/// Groups whose sum went beyond its type: few, so that the others pay nothing.
struct Overflows {
    var groups: Set<Int> = []

    mutating func carry(_ from: Int, _ to: Int) {
        if groups.contains(from) { groups.insert(to) }
    }

    func save(_ group: Int, into writer: inout StateWriter) { writer.write(groups.contains(group) ? 1 : 0) }

    mutating func load(_ group: Int, from reader: inout StateReader) throws {
        if try reader.byte() == 1 { groups.insert(group) }
    }
}

/// Whole numbers and intervals; overflow is an error, or null for `try_sum`.
final class LongSum: Accumulator {
    private var state = Seen<Int64>()
    private var overflowed = Overflows()
    private let type: DataType
    private let isTry: Bool

    init(_ type: DataType, isTry: Bool) {
        self.type = type
        self.isTry = isTry
    }

    func grow(to groups: Int) { state.grow(to: groups, 0) }
    func carry(from: Int, to: Int) {
        state.carry(from, to)
        overflowed.carry(from, to)
    }

    func update(_ arguments: [Column], _ rows: UnsafeBufferPointer<Int32>, _ groups: UnsafeBufferPointer<Int32>) throws {
        func add(_ value: Int64, _ group: Int) throws {
            let (sum, overflow) = state.values[group].addingReportingOverflow(value)
            if overflow {
                guard isTry else { throw SumError.overflow }
                overflowed.groups.insert(group)
            }
            state.values[group] = sum
            state.seen[group] = true
        }
        switch arguments[0].values {
        case .long(let values): try each(arguments[0], rows, groups) { try add(values.pointer[$0], $1) }
        case .integer(let values): try each(arguments[0], rows, groups) { try add(Int64(values.pointer[$0]), $1) }
        default: break
        }
    }

    func result(_ groups: Int) throws -> Column {
        for group in overflowed.groups where group < groups { state.seen[group] = false }
        if case .yearMonthInterval = type {
            var months: [Int32] = []
            for group in 0..<groups {
                guard let value = Int32(exactly: state.values[group]) else { throw SumError.overflow }
                months.append(value)
            }
            return Column(type, count: groups, values: .integer(Buffer(months)), validity: state.validity(groups))
        }
        return Column(type, count: groups, values: .long(Buffer(Array(state.values.prefix(groups)))), validity: state.validity(groups))
    }

    func save(_ group: Int, into writer: inout StateWriter) {
        overflowed.save(group, into: &writer)
        state.save(group, into: &writer)
    }

    func load(_ group: Int, from reader: inout StateReader) throws {
        try overflowed.load(group, from: &reader)
        try state.load(group, from: &reader)
    }
}

final class DoubleSum: Accumulator {
    private var state = Seen<Double>()

    func grow(to groups: Int) { state.grow(to: groups, 0) }
    func carry(from: Int, to: Int) { state.carry(from, to) }

    func update(_ arguments: [Column], _ rows: UnsafeBufferPointer<Int32>, _ groups: UnsafeBufferPointer<Int32>) {
        guard case .double(let values) = arguments[0].values else { return }
        state.withBuffers { sums, seen in
            each(arguments[0], rows, groups) { row, group in
                sums[group] += values.pointer[row]
                seen[group] = true
            }
        }
    }

    func result(_ groups: Int) -> Column {
        Column(.double, count: groups, values: .double(Buffer(Array(state.values.prefix(groups)))), validity: state.validity(groups))
    }

    func save(_ group: Int, into writer: inout StateWriter) { state.save(group, into: &writer) }
    func load(_ group: Int, from reader: inout StateReader) throws { try state.load(group, from: &reader) }
}

final class DoubleProduct: Accumulator {
    private var state = Seen<Double>()

    func grow(to groups: Int) { state.grow(to: groups, 1) }
    func carry(from: Int, to: Int) { state.carry(from, to) }

    func update(_ arguments: [Column], _ rows: UnsafeBufferPointer<Int32>, _ groups: UnsafeBufferPointer<Int32>) {
        guard case .double(let values) = arguments[0].values else { return }
        each(arguments[0], rows, groups) { row, group in
            state.values[group] *= values.pointer[row]
            state.seen[group] = true
        }
    }

    func result(_ groups: Int) -> Column {
        Column(.double, count: groups, values: .double(Buffer(Array(state.values.prefix(groups)))), validity: state.validity(groups))
    }

    func save(_ group: Int, into writer: inout StateWriter) { state.save(group, into: &writer) }
    func load(_ group: Int, from reader: inout StateReader) throws { try state.load(group, from: &reader) }
}

final class DoubleAverage: Accumulator {
    private var sums: [Double] = []
    private var counts: [Int64] = []

    func grow(to groups: Int) {
        sums.grow(to: groups, 0)
        counts.grow(to: groups, 0)
    }

    func carry(from: Int, to: Int) {
        sums[to] = sums[from]
        counts[to] = counts[from]
    }

    func update(_ arguments: [Column], _ rows: UnsafeBufferPointer<Int32>, _ groups: UnsafeBufferPointer<Int32>) {
        guard case .double(let values) = arguments[0].values else { return }
        sums.withUnsafeMutableBufferPointer { sums in
            counts.withUnsafeMutableBufferPointer { counts in
                each(arguments[0], rows, groups) { row, group in
                    sums[group] += values.pointer[row]
                    counts[group] &+= 1
                }
            }
        }
    }

    func result(_ groups: Int) -> Column {
        var state = Seen<Double>()
        state.values = (0..<groups).map { counts[$0] == 0 ? 0 : sums[$0] / Double(counts[$0]) }
        state.seen = counts.prefix(groups).map { $0 > 0 }
        return Column(.double, count: groups, values: .double(Buffer(state.values)), validity: state.validity(groups))
    }

    func save(_ group: Int, into writer: inout StateWriter) {
        writer.write(plain: sums[group])
        writer.write(number: counts[group])
    }

    func load(_ group: Int, from reader: inout StateReader) throws {
        sums[group] = try reader.plain(Double.self)
        counts[group] = try reader.number()
    }
}

/// Averages of intervals round half up, in their own unit.
final class IntervalAverage: Accumulator {
    private var sums: [Int64] = []
    private var counts: [Int64] = []
    private let type: DataType

    init(_ type: DataType) { self.type = type }

    func grow(to groups: Int) {
        sums.grow(to: groups, 0)
        counts.grow(to: groups, 0)
    }

    func carry(from: Int, to: Int) {
        sums[to] = sums[from]
        counts[to] = counts[from]
    }

    func update(_ arguments: [Column], _ rows: UnsafeBufferPointer<Int32>, _ groups: UnsafeBufferPointer<Int32>) throws {
        func add(_ value: Int64, _ group: Int) throws {
            let (sum, overflow) = sums[group].addingReportingOverflow(value)
            if overflow { throw SumError.overflow }
            sums[group] = sum
            counts[group] &+= 1
        }
        switch arguments[0].values {
        case .long(let values): try each(arguments[0], rows, groups) { try add(values.pointer[$0], $1) }
        case .integer(let values): try each(arguments[0], rows, groups) { try add(Int64(values.pointer[$0]), $1) }
        default: break
        }
    }

    func result(_ groups: Int) -> Column {
        var state = Seen<Int64>()
        for group in 0..<groups {
            let count = counts[group]
            state.seen.append(count > 0)
            state.values.append(count == 0 ? 0 : Int64(SumMath.divide(Int128(sums[group]), by: Int128(count))))
        }
        if case .yearMonthInterval = type {
            return Column(
                type, count: groups, values: .integer(Buffer(state.values.map { Int32(clamping: $0) })), validity: state.validity(groups))
        }
        return Column(type, count: groups, values: .long(Buffer(state.values)), validity: state.validity(groups))
    }

    func save(_ group: Int, into writer: inout StateWriter) {
        writer.write(plain: sums[group])
        writer.write(number: counts[group])
    }

    func load(_ group: Int, from reader: inout StateReader) throws {
        sums[group] = try reader.plain(Int64.self)
        counts[group] = try reader.number()
    }
}

enum SumMath {
    /// Rounded half up, away from zero.
    static func divide(_ dividend: Int128, by divisor: Int128) -> Int128 {
        let (quotient, remainder) = dividend.quotientAndRemainder(dividingBy: divisor)
        guard remainder.magnitude * 2 >= divisor.magnitude else { return quotient }
        return (dividend < 0) == (divisor < 0) ? quotient + 1 : quotient - 1
    }

    static func power(_ exponent: Int) -> Int128 { (0..<max(0, exponent)).reduce(Int128(1)) { result, _ in result &* 10 } }
    static func fits(_ value: Int128, precision: Int) -> Bool { value.magnitude < power(min(38, precision)).magnitude }
}

final class DecimalSum: Accumulator {
    private var state = Seen<Int128>()
    private var overflowed = Overflows()
    private let precision: Int
    private let scale: Int
    private let type: DataType
    private let isTry: Bool

    init(precision: Int, scale: Int, type: DataType, isTry: Bool) {
        self.precision = precision
        self.scale = scale
        self.type = type
        self.isTry = isTry
    }

    func grow(to groups: Int) { state.grow(to: groups, 0) }
    func carry(from: Int, to: Int) {
        state.carry(from, to)
        overflowed.carry(from, to)
    }

    func update(_ arguments: [Column], _ rows: UnsafeBufferPointer<Int32>, _ groups: UnsafeBufferPointer<Int32>) throws {
        guard case .decimal(let values) = arguments[0].values else { return }
        each(arguments[0], rows, groups) { row, group in
            let (sum, overflow) = state.values[group].addingReportingOverflow(values.pointer[row])
            if overflow { overflowed.groups.insert(group) }
            state.values[group] = sum
            state.seen[group] = true
        }
    }

    func result(_ groups: Int) throws -> Column {
        for group in 0..<groups where overflowed.groups.contains(group) || !SumMath.fits(state.values[group], precision: precision) {
            guard isTry else {
                throw SparkError(
                    "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION", sqlState: "22003",
                    "The sum cannot be represented as Decimal(\(precision), \(scale)). If necessary set \"spark.sql.ansi.enabled\" to \"false\" to bypass this error, and return NULL instead."
                )
            }
            state.seen[group] = false
        }
        return Column(type, count: groups, values: .decimal(Buffer(Array(state.values.prefix(groups)))), validity: state.validity(groups))
    }

    func save(_ group: Int, into writer: inout StateWriter) {
        overflowed.save(group, into: &writer)
        state.save(group, into: &writer)
    }

    func load(_ group: Int, from reader: inout StateReader) throws {
        try overflowed.load(group, from: &reader)
        try state.load(group, from: &reader)
    }
}

final class DecimalAverage: Accumulator {
    private var sums: [Int128] = []
    private var counts: [Int64] = []
    private let scale: Int
    private let precision: Int
    private let resultScale: Int
    private let type: DataType

    init(scale: Int, precision: Int, resultScale: Int, type: DataType) {
        self.scale = scale
        self.precision = precision
        self.resultScale = resultScale
        self.type = type
    }

    func grow(to groups: Int) {
        sums.grow(to: groups, 0)
        counts.grow(to: groups, 0)
    }

    func carry(from: Int, to: Int) {
        sums[to] = sums[from]
        counts[to] = counts[from]
    }

    func update(_ arguments: [Column], _ rows: UnsafeBufferPointer<Int32>, _ groups: UnsafeBufferPointer<Int32>) throws {
        guard case .decimal(let values) = arguments[0].values else { return }
        try each(arguments[0], rows, groups) { row, group in
            let (sum, overflow) = sums[group].addingReportingOverflow(values.pointer[row])
            if overflow { throw SumError.overflow }
            sums[group] = sum
            counts[group] &+= 1
        }
    }

    func result(_ groups: Int) throws -> Column {
        var state = Seen<Int128>()
        let factor = SumMath.power(resultScale - scale)
        for group in 0..<groups {
            let count = counts[group]
            state.seen.append(count > 0)
            guard count > 0 else {
                state.values.append(0)
                continue
            }
            let (scaled, overflow) = sums[group].multipliedReportingOverflow(by: factor)
            if overflow { throw SumError.overflow }
            state.values.append(SumMath.divide(scaled, by: Int128(count)))
        }
        return Column(type, count: groups, values: .decimal(Buffer(state.values)), validity: state.validity(groups))
    }

    func save(_ group: Int, into writer: inout StateWriter) {
        writer.write(plain: sums[group])
        writer.write(number: counts[group])
    }

    func load(_ group: Int, from reader: inout StateReader) throws {
        sums[group] = try reader.plain(Int128.self)
        counts[group] = try reader.number()
    }
}
