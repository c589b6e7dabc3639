/// Decimals as whole numbers of 10^-scale: rescaling, the four operations with 256 bits in between, and text.
enum DecimalMath {
    /// 10^0 to 10^38.
    static let powers: [Int128] = (0..<39).reduce(into: [1]) { powers, index in if index > 0 { powers.append(powers[index - 1] * 10) } }

    @inline(__always) static func fits(_ value: Int128, _ precision: Int) -> Bool { value.magnitude < powers[precision].magnitude }

    /// The nearest value with another number of decimals, halves away from zero; nil when it does not fit 128 bits.
    @inline(__always) static func rescaled(_ value: Int128, from: Int, to: Int) -> Int128? {
        if from == to { return value }
        if to > from {
            guard to - from <= 38 else { return value == 0 ? 0 : nil }
            let (result, overflow) = value.multipliedReportingOverflow(by: powers[to - from])
            return overflow ? nil : result
        }
        guard from - to <= 38 else { return 0 }
        return divided(value, powers[from - to])
    }

    /// Halves away from zero.
    @inline(__always) static func divided(_ value: Int128, _ divisor: Int128) -> Int128 {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        let isUp = remainder.magnitude >= divisor.magnitude - remainder.magnitude
        return isUp ? quotient + ((value < 0) != (divisor < 0) ? -1 : 1) : quotient
    }

    static func add(_ a: Int128, _ aScale: Int, _ b: Int128, _ bScale: Int, scale: Int) -> Int128? {
        let common = max(aScale, bScale)
        guard let x = rescaled(a, from: aScale, to: common), let y = rescaled(b, from: bScale, to: common) else { return nil }
        let (sum, overflow) = x.addingReportingOverflow(y)
        return overflow ? nil : rescaled(sum, from: common, to: scale)
    }

    static func multiply(_ a: Int128, _ b: Int128, drop: Int) -> Int128? {
        let product = a.magnitude.multipliedFullWidth(by: b.magnitude)
        return signed(product.high, product.low, by: powers[drop].magnitude, isNegative: (a < 0) != (b < 0))
    }

    static func divide(_ a: Int128, _ aScale: Int, _ b: Int128, _ bScale: Int, scale: Int) -> Int128? {
        var shift = scale - aScale + bScale
        var value = a.magnitude
        if shift < 0 { return rescaled(divided(a, b), from: -shift, to: 0) }
        while shift > 38 {
            let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
            if overflow { return nil }
            value = scaled
            shift -= 1
        }
        let product = value.multipliedFullWidth(by: powers[shift].magnitude)
        return signed(product.high, product.low, by: b.magnitude, isNegative: (a < 0) != (b < 0))
    }

    private static func signed(_ high: UInt128, _ low: UInt128, by divisor: UInt128, isNegative: Bool) -> Int128? {
        guard high < divisor else { return nil }
        var (quotient, remainder) = divisor.dividingFullWidth((high, low))
        if remainder >= divisor - remainder { quotient += 1 }
        guard let value = Int128(exactly: quotient) else { return nil }
        return isNegative ? -value : value
    }

    static func remainder(_ a: Int128, _ aScale: Int, _ b: Int128, _ bScale: Int, scale: Int) -> Int128? {
        let common = max(aScale, bScale)
        guard let x = rescaled(a, from: aScale, to: common), let y = rescaled(b, from: bScale, to: common) else { return nil }
        return rescaled(x % y, from: common, to: scale)
    }

    static func double(_ value: Int128, _ scale: Int) -> Double {
        // Exact as long as both fit 53 bits; beyond, the text's nearest double.
        if value.magnitude < 1 << 53, scale <= 22 { return Double(Int64(value)) / powersOfDouble[scale] }
        return Double(Literal.decimalText(unscaled: value, scale: scale)) ?? 0
    }

    private static let powersOfDouble: [Double] = (0..<23).map { Double(powers[$0]) }

    /// A number's text, `-12.50` or `1.2e3`, as digits and how many of them are decimals (negative: zeros follow); nil when it is none.
    static func parse(_ bytes: UnsafeBufferPointer<UInt8>) -> (digits: Int128, scale: Int)? {
        let bytes = TextNumbers.trimmed(bytes)
        var index = 0
        let isNegative = bytes.first == 0x2D
        if isNegative || bytes.first == 0x2B { index = 1 }
        var value: UInt128 = 0
        var scale = 0, count = 0, isFraction = false, dropped = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte == 0x2E, !isFraction {
                isFraction = true
            } else if byte &- 0x30 < 10 {
                count += 1
                if value < powers[37].magnitude {
                    value = value * 10 + UInt128(byte - 0x30)
                    if isFraction { scale += 1 }
                } else {
                    // A digit beyond the 38th rounds when it is the first of them.
                    if dropped == 0, byte >= 0x35 { value += 1 }
                    dropped += 1
                    if !isFraction { scale -= 1 }
                }
            } else {
                break
            }
            index += 1
        }
        guard count > 0 else { return nil }
        if index < bytes.count {
            guard bytes[index] | 0x20 == 0x65 else { return nil }
            let rest = UnsafeBufferPointer(rebasing: bytes[(index + 1)...])
            guard rest.count <= 6, let exponent = TextNumbers.integer(rest) else { return nil }
            scale -= Int(exponent)
        }
        let signed = Int128(value)
        return (isNegative ? -signed : signed, scale)
    }

    /// The value of a text at a scale; nil when it does not fit, `.some(nil)` never.
    static func value(_ parsed: (digits: Int128, scale: Int), precision: Int, scale: Int) -> Int128? {
        guard let value = rescaled(parsed.digits, from: parsed.scale, to: scale), fits(value, precision) else { return nil }
        return value
    }

    static func of(_ value: Double, precision: Int, scale: Int) -> Int128? {
        guard value.isFinite else { return nil }
        var text = "\(value)"
        return text.withUTF8 { parse($0) }.flatMap { Self.value($0, precision: precision, scale: scale) }
    }

    static func outOfRange(_ value: String, _ precision: Int, _ scale: Int) -> SparkError {
        SparkError(
            "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION", sqlState: "22003",
            "The \(value) cannot be represented as Decimal(\(precision), \(scale)). If necessary set \"spark.sql.ansi.enabled\" to \"false\" to bypass this error, and return NULL instead."
        )
    }
}
