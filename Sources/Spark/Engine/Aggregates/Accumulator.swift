/// The state of one aggregate function, a slot for each group, in plain arrays of the state's type.
///
/// Rows come by the batch: row n of `rows` belongs to group n of `groups`. A frame of a window is a group too, which begins as a copy of the
/// frame before it where it only grew.
protocol Accumulator: AnyObject {
    func grow(to groups: Int)
    func update(_ arguments: [Column], _ rows: UnsafeBufferPointer<Int32>, _ groups: UnsafeBufferPointer<Int32>) throws
    /// Group `to` goes on from what group `from` has.
    func carry(from: Int, to: Int)
    func result(_ groups: Int) throws -> Column
    /// The results of these groups, in their order; `groups` is how many there are in all.
    func result(of chosen: [Int32], _ groups: Int) throws -> Column
    /// Writes the state of one group, for ``load(_:from:)`` to go on from.
    func save(_ group: Int, into writer: inout StateWriter)
    /// Takes the state of a group that is new.
    func load(_ group: Int, from reader: inout StateReader) throws
    /// A series of loads is over.
    func loaded()
}

extension Accumulator {
    func result(of chosen: [Int32], _ groups: Int) throws -> Column { try result(groups).gathered(chosen) }
    func loaded() {}

    @inline(__always)
    func each(
        _ column: Column, _ rows: UnsafeBufferPointer<Int32>, _ groups: UnsafeBufferPointer<Int32>, _ body: (Int, Int) throws -> Void
    ) rethrows {
        if column.isAllNull { return }
        let stride = column.stride
        if column.validity == nil {
            for index in 0..<rows.count { try body(Int(rows[index]) &* stride, Int(groups[index])) }
        } else {
            for index in 0..<rows.count where !column.isNull(Int(rows[index])) {
                try body(Int(rows[index]) &* stride, Int(groups[index]))
            }
        }
    }
}

extension Array {
    mutating func grow(to count: Int, _ value: Element) {
        if self.count < count { append(contentsOf: repeatElement(value, count: count - self.count)) }
    }
}

enum Accumulators {
    static func make(_ call: AggregateCall) throws -> any Accumulator {
        let type = call.arguments.first?.dataType ?? .null
        switch call.function {
        case .count: return CountAccumulator(condition: false)
        case .countIf: return CountAccumulator(condition: true)
        case .sum, .trySum:
            let isTry = call.function == .trySum
            switch type {
            case .decimal(_, let scale):
                guard case .decimal(let precision, _) = call.dataType else { break }
                return DecimalSum(precision: precision, scale: scale, type: call.dataType, isTry: isTry)
            case .double: return DoubleSum()
            default: return LongSum(call.dataType, isTry: isTry)
            }
            return DoubleSum()
        case .average, .tryAverage:
            switch (type, call.dataType) {
            case (.decimal(_, let scale), .decimal(let precision, let target)):
                return DecimalAverage(scale: scale, precision: precision, resultScale: target, type: call.dataType)
            case (.yearMonthInterval, _), (.dayTimeInterval, _): return IntervalAverage(call.dataType)
            default: return DoubleAverage()
            }
        case .min, .max:
            let isMax = call.function == .max
            switch type {
            case .byte: return Extreme<Int8>(type, isMax, { .byte($0) }, { if case .byte(let buffer) = $0 { buffer } else { nil } })
            case .short: return Extreme<Int16>(type, isMax, { .short($0) }, { if case .short(let buffer) = $0 { buffer } else { nil } })
            case .integer, .date, .yearMonthInterval:
                return Extreme<Int32>(type, isMax, { .integer($0) }, { if case .integer(let buffer) = $0 { buffer } else { nil } })
            case .long, .timestamp, .timestampNTZ, .dayTimeInterval:
                return Extreme<Int64>(type, isMax, { .long($0) }, { if case .long(let buffer) = $0 { buffer } else { nil } })
            case .decimal:
                return Extreme<Int128>(type, isMax, { .decimal($0) }, { if case .decimal(let buffer) = $0 { buffer } else { nil } })
            default: return KeyedValue(type, keyType: type, isMax: isMax)
            }
        case .maxBy, .minBy: return KeyedValue(call.dataType, keyType: call.arguments[1].dataType, isMax: call.function == .maxBy)
        case .first(let ignoreNulls): return EndValue(call.dataType, isLast: false, ignoreNulls: ignoreNulls)
        case .last(let ignoreNulls): return EndValue(call.dataType, isLast: true, ignoreNulls: ignoreNulls)
        case .collectList: return ValueLists(type, keepsNulls: false) { ListResult.list($0, call.dataType) }
        case .collectSet: return ValueLists(type, keepsNulls: false) { ListResult.set($0, call.dataType) }
        case .mode: return ValueLists(type, keepsNulls: false) { ListResult.mode($0, type) }
        case .frequentItems(let support):
            return ValueLists(type, keepsNulls: true) { ListResult.frequent($0, call.dataType, support: support) }
        case .percentile(let fractions, let isArray, let isDiscrete):
            return ValueLists(type, keepsNulls: false) {
                ListResult.percentile($0, fractions, isArray: isArray, isDiscrete: isDiscrete, call.dataType)
            }
        case .percentileApproximate(let fractions, let isArray):
            return ValueLists(type, keepsNulls: false) { ListResult.quantile($0, fractions, isArray: isArray, type, call.dataType) }
        case .textList(let separator):
            return ValueLists(type, keepsNulls: false, order: call.order) { ListResult.text($0, separator ?? "", call.order) }
        case .variancePopulation, .varianceSample, .deviationPopulation, .deviationSample, .skewness, .kurtosis:
            return Moments(call.function)
        case .covariancePopulation, .covarianceSample, .correlation, .regression: return Comoments(call.function)
        case .countDistinctApproximate: return DistinctCount()
        case .every, .some: return BooleanFold(isAnd: call.function == .every)
        case .bitAnd, .bitOr, .bitXor: return BitFold(call.function, type)
        case .product: return DoubleProduct()
        case .python(let function, _): throw Resolver.unserved("The pandas function \(function.name) in this place")
        }
    }
}
