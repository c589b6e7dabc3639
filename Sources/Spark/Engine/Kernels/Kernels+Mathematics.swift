#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

extension Kernels {
    @inline(__always)
    private static func unary(_ function: @escaping @Sendable (Double) -> Double) -> Kernel {
        Kernel { call in
            let x = call.float64(0)
            return call.float64s { function(x[$0]) }
        }
    }

    /// Logarithms of what has none are null, as in Spark.
    private static func logarithm(above bound: Double, _ function: @escaping @Sendable (Double) -> Double) -> Kernel {
        Kernel { call in
            let x = call.float64(0)
            return call.float64s { x[$0] <= bound ? nil : function(x[$0]) }
        }
    }

    /// C's root with one more step of Newton's, which makes the roots of cubes whole.
    private static func cubeRoot(_ value: Double) -> Double {
        let root = cbrt(value)
        guard root.isFinite, root != 0 else { return root }
        return root - (root * root * root - value) / (3 * root * root)
    }

    static let mathematics: [String: Kernel] = [
        "sqrt": unary { $0.squareRoot() }, "cbrt": unary { cubeRoot($0) }, "exp": unary { exp($0) }, "expm1": unary { expm1($0) },
        "ln": logarithm(above: 0) { log($0) }, "log10": logarithm(above: 0) { log10($0) }, "log2": logarithm(above: 0) { log($0) / log(2) },
        "log1p": logarithm(above: -1) { log1p($0) }, "sin": unary { sin($0) }, "cos": unary { cos($0) }, "tan": unary { tan($0) },
        "cot": unary { 1 / tan($0) }, "sec": unary { 1 / cos($0) }, "csc": unary { 1 / sin($0) }, "asin": unary { asin($0) },
        "acos": unary { acos($0) }, "atan": unary { atan($0) }, "sinh": unary { sinh($0) }, "cosh": unary { cosh($0) },
        "tanh": unary { tanh($0) },
        "asinh": unary { $0 == -.infinity ? $0 : log($0 + ($0 * $0 + 1).squareRoot()) },
        "acosh": unary { log($0 + ($0 * $0 - 1).squareRoot()) }, "atanh": unary { 0.5 * (log1p($0) - log1p(-$0)) },
        "degrees": unary { $0 * (180 / Double.pi) }, "radians": unary { $0 / 180 * Double.pi },
        "rint": unary { $0.rounded(.toNearestOrEven) },
        "sign": unary { $0 > 0 ? 1 : $0 < 0 ? -1 : $0 },
        "power": Kernel { call in
            let (x, y) = (call.float64(0), call.float64(1))
            return call.float64s { row in
                // Java has no value for 1^NaN and (±1)^±infinity, C has 1.
                if y[row].isNaN || x[row].magnitude == 1 && y[row].isInfinite { return .nan }
                return pow(x[row], y[row])
            }
        },
        "atan2": Kernel { call in
            let (y, x) = (call.float64(0), call.float64(1))
            return call.float64s { atan2(y[$0] + 0, x[$0] + 0) }
        },
        "hypot": Kernel { call in
            let (x, y) = (call.float64(0), call.float64(1))
            return call.float64s { hypot(x[$0], y[$0]) }
        },
        "log": Kernel { call in
            let (base, x) = (call.float64(0), call.float64(1))
            return call.float64s { base[$0] <= 0 || x[$0] <= 0 ? nil : log(x[$0]) / log(base[$0]) }
        },
        "e": Kernel(.own) { Column.constant(.double(M_E), type: .double, count: $0.count) },
        "pi": Kernel(.own) { Column.constant(.double(.pi), type: .double, count: $0.count) },
        "factorial": Kernel { call in
            let n = call.int32(0)
            return call.int64s { row in
                guard n[row] >= 0, n[row] <= 20 else { return nil }
                return (0..<Int64(n[row])).reduce(1) { $0 * ($1 + 1) }
            }
        },
        "width_bucket": Kernel { call in
            let (value, low, high, buckets) = (call.float64(0), call.float64(1), call.float64(2), call.int64(3))
            return call.int64s { row in
                let (v, a, b, n) = (value[row], low[row], high[row], buckets[row])
                guard n > 0, n != .max, !v.isNaN, a.isFinite, b.isFinite, a != b else { return nil }
                if a < b { return v < a ? 0 : v >= b ? n + 1 : Int64(Double(n) * (v - a) / (b - a)) + 1 }
                return v > a ? 0 : v <= b ? n + 1 : Int64(Double(n) * (a - v) / (a - b)) + 1
            }
        },
        "pmod": Kernel { call in
            func each<T: FixedWidthInteger & SignedInteger & BitwiseCopyable>(
                _ x: ValueReader<T>, _ y: ValueReader<T>, _ wrap: (Buffer<T>) -> Column.Values
            ) throws -> Column {
                try call.make(wrap) { row in
                    let (a, b) = (x[row], y[row])
                    if b == 0 { throw Evaluator.remainderByZero }
                    if b == -1 { return 0 }
                    let rest = a % b
                    return rest < 0 ? (rest &+ b) % b : rest
                }
            }
            switch call.type {
            case .byte: return try each(call.int8(0), call.int8(1)) { .byte($0) }
            case .short: return try each(call.int16(0), call.int16(1)) { .short($0) }
            case .integer: return try each(call.int32(0), call.int32(1)) { .integer($0) }
            case .long: return try each(call.int64(0), call.int64(1)) { .long($0) }
            case .decimal(_, let scale):
                let (x, y) = (call.decimal(0), call.decimal(1))
                let (s1, s2) = (call.scale(0), call.scale(1))
                return try call.decimals { row in
                    guard let a = DecimalMath.rescaled(x[row], from: s1, to: scale),
                        let b = DecimalMath.rescaled(y[row], from: s2, to: scale)
                    else {
                        throw DecimalMath.outOfRange("\(x[row])", 38, scale)
                    }
                    if b == 0 { throw Evaluator.remainderByZero }
                    let rest = a % b
                    return rest < 0 ? (rest + b) % b : rest
                }
            case .float:
                let (x, y) = (call.float32(0), call.float32(1))
                return try call.float32s { row in
                    if y[row] == 0 { throw Evaluator.remainderByZero }
                    let rest = x[row].truncatingRemainder(dividingBy: y[row])
                    return rest < 0 ? (rest + y[row]).truncatingRemainder(dividingBy: y[row]) : rest
                }
            default:
                let (x, y) = (call.float64(0), call.float64(1))
                return try call.float64s { row in
                    if y[row] == 0 { throw Evaluator.remainderByZero }
                    let rest = x[row].truncatingRemainder(dividingBy: y[row])
                    return rest < 0 ? (rest + y[row]).truncatingRemainder(dividingBy: y[row]) : rest
                }
            }
        },
        "rand": Kernel(.own) { call in
            var random = XORShift(seed: seed(call))
            return call.float64s { _ in random.double() }
        },
        "randn": Kernel(.own) { call in
            var random = XORShift(seed: seed(call))
            return call.float64s { _ in random.gaussian() }
        },
        "uniform": Kernel(.own) { call in
            var random = call.columns.count > 2 ? XORShift(seed: call.int64(2)[0]) : XORShift(seed: seed(call.with([])))
            let (low, high) = (call.float64(0), call.float64(1))
            return call.float64s { row in low[row] + (high[row] - low[row]) * random.double() }
        },
    ]

    /// The given seed, or another one each time.
    static func seed(_ call: KernelCall) -> Int64 {
        if !call.columns.isEmpty, !call.isNullThroughout { return call.int64(0)[0] }
        return call.columns.isEmpty ? Int64.random(in: .min ... .max) : 0
    }

    static let roundings: [String: Kernel] = [
        "ceil": Kernel { call in wholes(call, .up) }, "floor": Kernel { call in wholes(call, .down) },
        "round": Kernel { call in try rounded(call, .toNearestOrAwayFromZero) },
        "bround": Kernel { call in try rounded(call, .toNearestOrEven) },
    ]

    private static func wholes(_ call: KernelCall, _ rule: FloatingPointRoundingRule) -> Column {
        guard case .decimal(_, let target) = call.type else {
            let x = call.float64(0)
            return call.int64s { row in
                // Java's conversion to long stops at its bounds.
                let value = x[row].rounded(rule)
                return value.isNaN ? 0 : value >= 0x1p63 ? .max : value < -0x1p63 ? .min : Int64(value)
            }
        }
        let (x, scale) = (call.decimal(0), Int(call.int32(1)[0]))
        let from = call.scale(0)
        return call.decimals { row in
            cut(x[row], from: from, at: scale, rule).flatMap { DecimalMath.rescaled($0, from: max(scale, 0), to: target) }
        }
    }

    /// A decimal at `scale` decimals (negative: zeros before the point), with `max(scale, 0)` decimals.
    private static func cut(_ value: Int128, from: Int, at scale: Int, _ rule: FloatingPointRoundingRule) -> Int128? {
        guard from > scale else { return DecimalMath.rescaled(value, from: from, to: max(scale, 0)) }
        guard from - scale <= 38 else { return 0 }
        let unit = DecimalMath.powers[from - scale]
        var (quotient, rest) = value.quotientAndRemainder(dividingBy: unit)
        let isNegative = value < 0
        switch rule {
        case .up: if rest > 0 { quotient += 1 }
        case .down: if rest < 0 { quotient -= 1 }
        default:
            let twice = rest.magnitude * 2
            if twice > unit.magnitude || twice == unit.magnitude && (rule == .toNearestOrAwayFromZero || quotient % 2 != 0) {
                quotient += isNegative ? -1 : 1
            }
        }
        return scale < 0 ? (-scale <= 38 ? quotient * DecimalMath.powers[-scale] : 0) : quotient
    }

    private static func rounded(_ call: KernelCall, _ rule: FloatingPointRoundingRule) throws -> Column {
        let scale = Int(call.int32(1)[0])
        func integers<T: FixedWidthInteger & SignedInteger & BitwiseCopyable>(_ x: ValueReader<T>, _ wrap: (Buffer<T>) -> Column.Values)
            throws -> Column
        {
            if scale >= 0 { return call.columns[0] }
            return try call.make(wrap) { row in
                guard let value = cut(Int128(x[row]), from: 0, at: scale, rule) else { return 0 }
                guard let fitting = T(exactly: value) else { throw Evaluator.overflow(.integer) }
                return fitting
            }
        }
        switch call.columns[0].type {
        case .byte: return try integers(call.int8(0)) { .byte($0) }
        case .short: return try integers(call.int16(0)) { .short($0) }
        case .integer: return try integers(call.int32(0)) { .integer($0) }
        case .long: return try integers(call.int64(0)) { .long($0) }
        case .decimal(_, let from):
            guard case .decimal(let precision, let target) = call.type else { return call.nulls() }
            let x = call.decimal(0)
            return try call.decimals { row in
                guard
                    let value = cut(x[row], from: from, at: min(scale, from), rule).flatMap({
                        DecimalMath.rescaled($0, from: max(min(scale, from), 0), to: target)
                    }),
                    DecimalMath.fits(value, precision)
                else { throw DecimalMath.outOfRange(Literal.decimalText(unscaled: x[row], scale: from), precision, target) }
                return value
            }
        case .float:
            let x = call.float32(0)
            return call.float32s { Float(text: "\(x[$0])", scale, rule) ?? x[$0] }
        default:
            let x = call.float64(0)
            return call.float64s { rounded(x[$0], scale, rule) }
        }
    }

    /// By the decimal digits that the number prints as, as Java's BigDecimal does.
    private static func rounded(_ value: Double, _ scale: Int, _ rule: FloatingPointRoundingRule) -> Double {
        guard value.isFinite, value != 0 else { return value }
        if scale == 0, value.magnitude < 0x1p52 { return value.rounded(rule) }
        // Numbers of at most 15 digits with the wanted decimals are exact this way; the others go by their digits.
        var text = "\(value)"
        guard let parsed = text.withUTF8({ DecimalMath.parse($0) }) else { return value }
        if parsed.scale <= scale { return value }
        guard let cut = cut(parsed.digits, from: parsed.scale, at: scale, rule) else { return value }
        return DecimalMath.double(cut, max(scale, 0))
    }
}

extension Float {
    fileprivate init?(text: String, _ scale: Int, _ rule: FloatingPointRoundingRule) {
        var text = text
        guard let parsed = text.withUTF8({ DecimalMath.parse($0) }), parsed.scale > scale, parsed.scale - scale <= 38 else { return nil }
        let unit = DecimalMath.powers[parsed.scale - scale]
        var (quotient, rest) = parsed.digits.quotientAndRemainder(dividingBy: unit)
        let twice = rest.magnitude * 2
        if twice > unit.magnitude || twice == unit.magnitude && (rule == .toNearestOrAwayFromZero || quotient % 2 != 0) {
            quotient += parsed.digits < 0 ? -1 : 1
        }
        rest = quotient
        self =
            Float(scale >= 0 ? Literal.decimalText(unscaled: rest, scale: scale) : String(rest * DecimalMath.powers[min(38, -scale)])) ?? 0
    }
}

/// Marsaglia's xorshift over 64 bits with a hashed seed, the generator behind Spark's `rand`.
struct XORShift {
    private var state: UInt64
    private var spare: Double?

    init(seed: Int64) {
        let bytes = withUnsafeBytes(of: seed.bigEndian) { Array($0) }
        let low = bytes.withUnsafeBufferPointer { Murmur3.standard($0, seed: 0x3C07_4A61) }
        let high = bytes.withUnsafeBufferPointer { Murmur3.standard($0, seed: low) }
        state = UInt64(UInt32(bitPattern: high)) << 32 | UInt64(UInt32(bitPattern: low))
    }

    private mutating func bits(_ count: Int) -> UInt64 {
        state ^= state << 21
        state ^= state >> 35
        state ^= state << 4
        return state & (1 << UInt64(count) - 1)
    }

    mutating func double() -> Double { Double(bits(26) << 27 + bits(27)) * 0x1p-53 }

    mutating func gaussian() -> Double {
        if let value = spare {
            spare = nil
            return value
        }
        while true {
            let (a, b) = (2 * double() - 1, 2 * double() - 1)
            let square = a * a + b * b
            guard square < 1, square != 0 else { continue }
            let factor = (-2 * log(square) / square).squareRoot()
            spare = b * factor
            return a * factor
        }
    }
}
