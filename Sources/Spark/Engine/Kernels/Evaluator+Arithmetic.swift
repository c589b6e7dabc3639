#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Arithmetic in ANSI mode: overflow and division by zero are errors, not wrapped values and nulls.
extension Evaluator {
    func arithmetic(
        _ op: ScalarOperator, _ a: Column, _ b: Column, _ type: DataType, _ validity: Bitmap?, _ selection: Selection
    ) throws -> Column {
        let values: Column.Values
        switch (a.values, b.values) {
        case (.byte(let x), .byte(let y)): values = .byte(try integers(op, x, a.stride, y, b.stride, type, validity, selection))
        case (.short(let x), .short(let y)): values = .short(try integers(op, x, a.stride, y, b.stride, type, validity, selection))
        case (.integer(let x), .integer(let y)): values = .integer(try integers(op, x, a.stride, y, b.stride, type, validity, selection))
        case (.long(let x), .long(let y)): values = .long(try integers(op, x, a.stride, y, b.stride, type, validity, selection))
        case (.long(let x), .integer(let y)) where op == .shiftLeft || op == .shiftRight:
            values = .long(
                zip(x, a.stride, y, b.stride, validity, selection) { op == .shiftLeft ? $0 << Int64($1 & 63) : $0 >> Int64($1 & 63) })
        case (.decimal(let x), .decimal(let y)): values = try decimals(op, x, a, y, b, type, validity, selection)
        case (.float(let x), .float(let y)): values = .float(try fractions(op, x, a.stride, y, b.stride, validity, selection))
        case (.double(let x), .double(let y)): values = .double(try fractions(op, x, a.stride, y, b.stride, validity, selection))
        default: throw misfit(op, [a, b])
        }
        return Column(type, count: count, values: values, validity: validity)
    }

    private func integers<T: FixedWidthInteger & BitwiseCopyable>(
        _ op: ScalarOperator, _ x: Buffer<T>, _ xs: Int, _ y: Buffer<T>, _ ys: Int, _ type: DataType, _ validity: Bitmap?,
        _ selection: Selection
    ) throws -> Buffer<T> {
        func checked(_ result: (partialValue: T, overflow: Bool)) throws -> T {
            if result.overflow { throw Self.overflow(type) }
            return result.partialValue
        }
        switch op {
        case .add: return try zip(x, xs, y, ys, validity, selection) { try checked($0.addingReportingOverflow($1)) }
        case .subtract: return try zip(x, xs, y, ys, validity, selection) { try checked($0.subtractingReportingOverflow($1)) }
        case .multiply: return try zip(x, xs, y, ys, validity, selection) { try checked($0.multipliedReportingOverflow(by: $1)) }
        case .integralDivide:
            return try zip(x, xs, y, ys, validity, selection) {
                if $1 == 0 { throw Self.divideByZero }
                return try checked($0.dividedReportingOverflow(by: $1))
            }
        case .remainder:
            return try zip(x, xs, y, ys, validity, selection) {
                if $1 == 0 { throw Self.remainderByZero }
                return $1 == -1 ? 0 : $0 % $1
            }
        case .bitAnd: return zip(x, xs, y, ys, validity, selection) { $0 & $1 }
        case .bitOr: return zip(x, xs, y, ys, validity, selection) { $0 | $1 }
        case .bitXor: return zip(x, xs, y, ys, validity, selection) { $0 ^ $1 }
        case .shiftLeft: return zip(x, xs, y, ys, validity, selection) { $0 &<< $1 }
        case .shiftRight: return zip(x, xs, y, ys, validity, selection) { $0 &>> $1 }
        default: throw misfit(op, [])
        }
    }

    private func decimals(
        _ op: ScalarOperator, _ x: Buffer<Int128>, _ a: Column, _ y: Buffer<Int128>, _ b: Column, _ type: DataType, _ validity: Bitmap?,
        _ selection: Selection
    ) throws -> Column.Values {
        guard case .decimal(_, let s1) = a.type, case .decimal(_, let s2) = b.type else { throw misfit(op, [a, b]) }
        if op == .integralDivide {
            return .long(
                try zip(x, a.stride, y, b.stride, validity, selection) {
                    if $1 == 0 { throw Self.divideByZero }
                    let common = max(s1, s2)
                    guard let left = DecimalMath.rescaled($0, from: s1, to: common),
                        let right = DecimalMath.rescaled($1, from: s2, to: common),
                        let value = Int64(exactly: left / right)
                    else { throw Self.overflow(.long) }
                    return value
                })
        }
        guard case .decimal(let precision, let scale) = type else { throw misfit(op, [a, b]) }
        @inline(__always) func each(_ body: (Int128, Int128) throws -> Int128?) throws -> Column.Values {
            .decimal(
                try zip(x, a.stride, y, b.stride, validity, selection) {
                    guard let value = try body($0, $1), DecimalMath.fits(value, precision) else {
                        throw DecimalMath.outOfRange(
                            "\(Literal.decimalText(unscaled: $0, scale: s1)) and \(Literal.decimalText(unscaled: $1, scale: s2)) under \(op)",
                            precision, scale)
                    }
                    return value
                })
        }
        switch op {
        case .add: return try each { DecimalMath.add($0, s1, $1, s2, scale: scale) }
        case .subtract: return try each { DecimalMath.add($0, s1, -$1, s2, scale: scale) }
        case .multiply:
            let drop = s1 + s2 - scale
            return try each { DecimalMath.multiply($0, $1, drop: max(0, drop)) }
        case .divide:
            return try each {
                if $1 == 0 { throw Self.divideByZero }
                return DecimalMath.divide($0, s1, $1, s2, scale: scale)
            }
        case .remainder:
            return try each {
                if $1 == 0 { throw Self.remainderByZero }
                return DecimalMath.remainder($0, s1, $1, s2, scale: scale)
            }
        default: throw misfit(op, [a, b])
        }
    }

    private func fractions<T: BinaryFloatingPoint & BitwiseCopyable>(
        _ op: ScalarOperator, _ x: Buffer<T>, _ xs: Int, _ y: Buffer<T>, _ ys: Int, _ validity: Bitmap?, _ selection: Selection
    ) throws -> Buffer<T> {
        switch op {
        case .add: return zip(x, xs, y, ys, validity, selection) { $0 + $1 }
        case .subtract: return zip(x, xs, y, ys, validity, selection) { $0 - $1 }
        case .multiply: return zip(x, xs, y, ys, validity, selection) { $0 * $1 }
        case .divide:
            return try zip(x, xs, y, ys, validity, selection) {
                if $1 == 0 { throw Self.divideByZero }
                return $0 / $1
            }
        case .remainder:
            return try zip(x, xs, y, ys, validity, selection) {
                if $1 == 0 { throw Self.remainderByZero }
                return $0.truncatingRemainder(dividingBy: $1)
            }
        default: throw misfit(op, [])
        }
    }

    func unaryArithmetic(_ op: ScalarOperator, _ a: Column, _ type: DataType, _ validity: Bitmap?, _ selection: Selection) throws -> Column
    {
        func integers<T: FixedWidthInteger & SignedInteger & BitwiseCopyable>(_ x: Buffer<T>) throws -> Buffer<T> {
            switch op {
            case .bitNot: return map(x, a.stride, validity, selection) { ~$0 }
            default:
                return try map(x, a.stride, validity, selection) {
                    if op == .absolute, $0 >= 0 { return $0 }
                    if $0 == .min { throw Self.overflow(type) }
                    return -$0
                }
            }
        }
        let values: Column.Values
        switch a.values {
        case .byte(let x): values = .byte(try integers(x))
        case .short(let x): values = .short(try integers(x))
        case .integer(let x): values = .integer(try integers(x))
        case .long(let x): values = .long(try integers(x))
        case .decimal(let x): values = .decimal(map(x, a.stride, validity, selection) { op == .absolute ? ($0 < 0 ? -$0 : $0) : -$0 })
        case .float(let x): values = .float(map(x, a.stride, validity, selection) { op == .absolute ? $0.magnitude : -$0 })
        case .double(let x): values = .double(map(x, a.stride, validity, selection) { op == .absolute ? $0.magnitude : -$0 })
        default: throw misfit(op, [a])
        }
        return Column(type, count: count, values: values, validity: validity)
    }

    func isNaN(_ a: Column, _ selection: Selection) throws -> Column {
        let values = Buffer<Bool>(count: count)
        switch a.values {
        case .none: selection.eachRow { values.pointer[$0] = false }
        case .float(let x): selection.eachRow { values.pointer[$0] = !a.isNull($0) && x.pointer[$0 &* a.stride].isNaN }
        case .double(let x): selection.eachRow { values.pointer[$0] = !a.isNull($0) && x.pointer[$0 &* a.stride].isNaN }
        default: throw misfit(.isNaN, [a])
        }
        return Column(.boolean, count: count, values: .boolean(values))
    }

    static func overflow(_ type: DataType) -> SparkError {
        SparkError(
            type == .byte || type == .short ? "BINARY_ARITHMETIC_OVERFLOW" : "ARITHMETIC_OVERFLOW", sqlState: "22003",
            "\(type.sql.lowercased()) overflow. Use the function with the prefix 'try_' to tolerate overflow and return NULL instead.")
    }

    static let divideByZero = SparkError(
        "DIVIDE_BY_ZERO", sqlState: "22012", "Division by zero. Use `nullif` on the divisor to return NULL instead.")
    static let remainderByZero = SparkError(
        "REMAINDER_BY_ZERO", sqlState: "22012", "Remainder by zero. Use `nullif` on the divisor to return NULL instead.")
}
