/// An integer of any size: two's complement, big-endian, in the fewest bytes, as `varint` values are on the wire.
package struct CQLVarint: Hashable, Sendable, CustomStringConvertible {
    /// The most decimal digits that a text may have: conversion takes time quadratic in them.
    package static let digitsMax = 10_000

    /// Never empty, no redundant sign bytes.
    package let bytes: [UInt8]

    /// - Parameter bytes: two's complement, big-endian; redundant leading bytes are taken off, and no bytes are zero.
    package init(bytes: some Sequence<UInt8>) {
        var kept = Array(bytes)
        var redundant = 0
        while redundant + 1 < kept.count,
            kept[redundant] == 0 && kept[redundant + 1] < 0x80 || kept[redundant] == 0xFF && kept[redundant + 1] >= 0x80
        {
            redundant += 1
        }
        kept.removeFirst(redundant)
        self.bytes = kept.isEmpty ? [0] : kept
    }

    package init(_ value: Int64) {
        self.init(bytes: (0..<8).map { UInt8(truncatingIfNeeded: value >> Int64(56 - $0 * 8)) })
    }

    /// Reads decimal digits with an optional sign; nil for anything else or for more than ``digitsMax`` digits.
    package init?(_ text: some StringProtocol) {
        var digits = Substring(text)
        let isNegative = digits.first == "-"
        if isNegative || digits.first == "+" { digits.removeFirst() }
        guard !digits.isEmpty, digits.utf8.count <= Self.digitsMax, digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        // Magnitude in base 2^32, least significant limb first.
        var limbs: [UInt32] = [0]
        for digit in digits.utf8 {
            var carry = UInt64(digit - 0x30)
            for index in limbs.indices {
                let next = UInt64(limbs[index]) * 10 + carry
                limbs[index] = UInt32(truncatingIfNeeded: next)
                carry = next >> 32
            }
            if carry > 0 { limbs.append(UInt32(carry)) }
        }
        var bytes: [UInt8] = [0]
        for limb in limbs.reversed() { for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: limb >> UInt32(shift))) } }
        self.init(bytes: isNegative ? Self.negated(bytes) : bytes)
    }

    package var isNegative: Bool { bytes[0] >= 0x80 }

    package var int64: Int64? {
        guard bytes.count <= 8 else { return nil }
        var value: Int64 = isNegative ? -1 : 0
        for byte in bytes { value = value << 8 | Int64(byte) }
        return value
    }

    package var double: Double {
        if let int64 { return Double(int64) }
        var value = 0.0
        for byte in isNegative ? Self.negated([0xFF] + bytes) : bytes { value = value * 256 + Double(byte) }
        return isNegative ? -value : value
    }

    package var description: String {
        if let int64 { return String(int64) }
        let magnitude = isNegative ? Self.negated([0xFF] + bytes) : bytes
        // Groups of nine decimal digits, least significant first.
        var groups: [UInt32] = [0]
        for byte in magnitude {
            var carry = UInt64(byte)
            for index in groups.indices {
                let next = UInt64(groups[index]) * 256 + carry
                groups[index] = UInt32(next % 1_000_000_000)
                carry = next / 1_000_000_000
            }
            if carry > 0 { groups.append(UInt32(carry)) }
        }
        var text = isNegative ? "-" : ""
        text += String(groups[groups.count - 1])
        for group in groups.dropLast().reversed() {
            let digits = String(group)
            text += String(repeating: "0", count: 9 - digits.count) + digits
        }
        return text
    }

    private static func negated(_ bytes: [UInt8]) -> [UInt8] {
        var result = bytes.map { ~$0 }
        for index in result.indices.reversed() {
            let (sum, overflow) = result[index].addingReportingOverflow(1)
            result[index] = sum
            if !overflow { break }
        }
        return result
    }
}

extension CQLVarint: Comparable {
    package static func < (left: CQLVarint, right: CQLVarint) -> Bool {
        if left.isNegative != right.isNegative { return left.isNegative }
        if left.bytes.count != right.bytes.count { return (left.bytes.count < right.bytes.count) != left.isNegative }
        return left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}

/// `unscaled` times ten to the power of minus `scale`.
package struct CQLDecimal: Hashable, Sendable, CustomStringConvertible {
    package let unscaled: CQLVarint
    package let scale: Int32

    package init(unscaled: CQLVarint, scale: Int32) {
        self.unscaled = unscaled
        self.scale = scale
    }

    /// Reads `12`, `-1.50`, `1e10`, `3.2E-5`; the scale is kept as written.
    package init?(_ text: some StringProtocol) {
        var mantissa = Substring(text)
        var exponent: Int64 = 0
        if let mark = mantissa.firstIndex(where: { $0 == "e" || $0 == "E" }) {
            guard let parsed = Int64(mantissa[mantissa.index(after: mark)...]) else { return nil }
            exponent = parsed
            mantissa = mantissa[..<mark]
        }
        var fraction = 0
        var digits = String(mantissa)
        if let point = mantissa.firstIndex(of: ".") {
            fraction = mantissa.distance(from: point, to: mantissa.endIndex) - 1
            digits.remove(at: digits.index(digits.startIndex, offsetBy: mantissa.distance(from: mantissa.startIndex, to: point)))
        }
        guard let unscaled = CQLVarint(digits) else { return nil }
        let (wide, overflow) = Int64(fraction).subtractingReportingOverflow(exponent)
        guard !overflow, let scale = Int32(exactly: wide) else { return nil }
        self.init(unscaled: unscaled, scale: scale)
    }

    package var description: String {
        let digits = unscaled.description
        guard scale != 0 else { return digits }
        let sign = digits.hasPrefix("-") ? "-" : ""
        let magnitude = sign.isEmpty ? digits : String(digits.dropFirst())
        // As Java's BigDecimal.toString, which cqlsh's users know: plain unless the adjusted exponent is below -6 or the scale negative.
        let exponent = Int(magnitude.count) - 1 - Int(scale)
        guard scale > 0, exponent >= -6 else {
            var text = sign + String(magnitude.prefix(1))
            if magnitude.count > 1 { text += "." + magnitude.dropFirst() }
            return text + "E" + (exponent < 0 ? "" : "+") + String(exponent)
        }
        let padded = String(repeating: "0", count: max(0, Int(scale) + 1 - magnitude.count)) + magnitude
        return sign + padded.dropLast(Int(scale)) + "." + padded.suffix(Int(scale))
    }
}
