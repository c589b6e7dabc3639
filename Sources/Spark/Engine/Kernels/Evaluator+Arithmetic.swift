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
            "ARITHMETIC_OVERFLOW", sqlState: "22003",
            "\(type.sql.lowercased()) overflow. Use 'try_cast' of wider operands, or set wider column types, to tolerate it.")
    }

    static let divideByZero = SparkError(
        "DIVIDE_BY_ZERO", sqlState: "22012", "Division by zero. Use `nullif` on the divisor to return NULL instead.")
    static let remainderByZero = SparkError(
        "REMAINDER_BY_ZERO", sqlState: "22012", "Remainder by zero. Use `nullif` on the divisor to return NULL instead.")
}
