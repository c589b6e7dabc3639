package import NIOCore

/// A `duration`: months, days and nanoseconds, kept apart because a month and a day have no fixed length (v5, section 6.6).
package struct CQLDuration: Hashable, Sendable, CustomStringConvertible {
    package let months: Int32
    package let days: Int32
    package let nanoseconds: Int64

    package init(months: Int32, days: Int32, nanoseconds: Int64) {
        self.months = months
        self.days = days
        self.nanoseconds = nanoseconds
    }

    private static let units: [(name: String, nanoseconds: Int64)] = [
        ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000), ("ns", 1),
    ]

    /// As cqlsh prints it: `1y2mo3d4h5m6s`.
    package var description: String {
        guard months != 0 || days != 0 || nanoseconds != 0 else { return "0ns" }
        var text = months < 0 || days < 0 || nanoseconds < 0 ? "-" : ""
        let months = months.magnitude
        if months >= 12 { text += "\(months / 12)y" }
        if months % 12 > 0 { text += "\(months % 12)mo" }
        if days != 0 { text += "\(days.magnitude)d" }
        var left = nanoseconds.magnitude
        for (name, length) in Self.units where left >= length.magnitude {
            text += "\(left / length.magnitude)\(name)"
            left %= length.magnitude
        }
        return text
    }

    /// Reads `1y2mo3w4d5h6m7s8ms9us10ns`, in either case and with a sign before it; nil for anything else.
    package init?(_ text: some StringProtocol) {
        var rest = Substring(text.lowercased())
        let isNegative = rest.first == "-"
        if isNegative { rest.removeFirst() }
        guard !rest.isEmpty else { return nil }
        var months: Int64 = 0, days: Int64 = 0, nanoseconds: Int64 = 0
        func add(_ amount: Int64, times factor: Int64, to sum: inout Int64) -> Bool {
            let (product, first) = amount.multipliedReportingOverflow(by: factor)
            let (total, second) = sum.addingReportingOverflow(product)
            sum = total
            return !first && !second
        }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { !($0.isASCII && $0.isNumber) }
            rest = rest.dropFirst(unit.count)
            guard let amount = Int64(digits) else { return nil }
            let fits: Bool
            switch unit {
            case "y": fits = add(amount, times: 12, to: &months)
            case "mo": fits = add(amount, times: 1, to: &months)
            case "w": fits = add(amount, times: 7, to: &days)
            case "d": fits = add(amount, times: 1, to: &days)
            case "µs": fits = add(amount, times: 1_000, to: &nanoseconds)
            default:
                guard let length = Self.units.first(where: { $0.name == unit })?.nanoseconds else { return nil }
                fits = add(amount, times: length, to: &nanoseconds)
            }
            guard fits else { return nil }
        }
        let sign: Int64 = isNegative ? -1 : 1
        guard let months = Int32(exactly: sign * months), let days = Int32(exactly: sign * days) else { return nil }
        self.init(months: months, days: days, nanoseconds: sign * nanoseconds)
    }

    /// Three vints, zigzag-encoded.
    package func write(to buffer: inout ByteBuffer) {
        for value in [Int64(months), Int64(days), nanoseconds] {
            Self.writeVint(UInt64(bitPattern: value << 1 ^ value >> 63), to: &buffer)
        }
    }

    package static func read(from buffer: inout ByteBuffer) -> CQLDuration? {
        guard let months = readVint(&buffer), let days = readVint(&buffer), let nanoseconds = readVint(&buffer),
            let months = Int32(exactly: months), let days = Int32(exactly: days)
        else { return nil }
        return CQLDuration(months: months, days: days, nanoseconds: nanoseconds)
    }

    /// An unsigned vint: the count of leading one bits in the first byte is the count of bytes that follow.
    private static func writeVint(_ value: UInt64, to buffer: inout ByteBuffer) {
        let significant = 64 - value.leadingZeroBitCount
        let extra = significant <= 7 ? 0 : min(8, (significant - 1) / 7)
        if extra == 8 {
            buffer.writeInteger(UInt8(0xFF))
            buffer.writeInteger(value)
            return
        }
        let mask = ~(UInt8(0xFF) >> UInt8(extra))
        buffer.writeInteger(mask | UInt8(truncatingIfNeeded: value >> UInt64(extra * 8)))
        for index in (0..<extra).reversed() { buffer.writeInteger(UInt8(truncatingIfNeeded: value >> UInt64(index * 8))) }
    }

    private static func readVint(_ buffer: inout ByteBuffer) -> Int64? {
        guard let first = buffer.readInteger(as: UInt8.self) else { return nil }
        let extra = (~first).leadingZeroBitCount
        var value = extra >= 7 ? 0 : UInt64(first & (0xFF >> UInt8(extra + 1)))
        for _ in 0..<extra {
            guard let byte = buffer.readInteger(as: UInt8.self) else { return nil }
            value = value << 8 | UInt64(byte)
        }
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }
}
