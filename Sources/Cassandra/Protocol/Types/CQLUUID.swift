/// A UUID as two words in network order; `uuid` and `timeuuid` values.
package struct CQLUUID: Hashable, Sendable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A random UUID (version 4).
    package static func random() -> CQLUUID {
        CQLUUID(
            high: UInt64.random(in: 0 ... .max) & ~0xF000 | 0x4000,
            low: UInt64.random(in: 0 ... .max) & ~(0xC000 << 48) | 0x8000 << 48)
    }

    /// A time-based UUID (version 1).
    ///
    /// - Parameters:
    ///   - ticks: 100-nanosecond intervals since 1582-10-15, of which 60 bits are kept.
    ///   - clockSequenceAndNode: the low word; its variant bits are set here.
    package static func timeBased(ticks: UInt64, clockSequenceAndNode: UInt64) -> CQLUUID {
        let high = (ticks & 0xFFFF_FFFF) &<< 32 | (ticks &>> 32 & 0xFFFF) &<< 16 | 0x1000 | ticks &>> 48 & 0x0FFF
        return CQLUUID(high: high, low: clockSequenceAndNode & ~(0xC000 << 48) | 0x8000 << 48)
    }

    /// 100-nanosecond intervals between 1582-10-15 and 1970-01-01.
    package static let unixEpochTicks: UInt64 = 0x01B2_1DD2_1381_4000

    package var version: Int { Int(high &>> 12 & 0xF) }

    /// The 60-bit time of a version 1 UUID, in 100-nanosecond intervals since 1582-10-15.
    package var ticks: UInt64 { (high & 0x0FFF) &<< 48 | (high &>> 16 & 0xFFFF) &<< 32 | high &>> 32 }

    /// The time of a version 1 UUID in milliseconds since 1970, nil for other versions.
    package var unixMilliseconds: Int64? {
        version == 1 ? (Int64(bitPattern: ticks) - Int64(Self.unixEpochTicks)) / 10_000 : nil
    }

    /// Reads the 36-character form, in either case.
    package init?(_ text: some StringProtocol) {
        var high: UInt64 = 0
        var low: UInt64 = 0
        var position = 0
        var digits = 0
        for byte in text.utf8 {
            if position == 8 || position == 13 || position == 18 || position == 23 {
                guard byte == 0x2D else { return nil }
            } else {
                let digit: UInt8
                switch byte {
                case 0x30...0x39: digit = byte - 0x30
                case 0x41...0x46: digit = byte - 0x37
                case 0x61...0x66: digit = byte - 0x57
                default: return nil
                }
                if digits < 16 { high = high &<< 4 | UInt64(digit) } else { low = low &<< 4 | UInt64(digit) }
                digits += 1
            }
            position += 1
            guard position <= 36 else { return nil }
        }
        guard position == 36 else { return nil }
        self.init(high: high, low: low)
    }

    package var description: String {
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for index in 0..<16 {
            if index == 4 || index == 6 || index == 8 || index == 10 { text.append(0x2D) }
            let word = index < 8 ? high : low
            let byte = UInt8(truncatingIfNeeded: word &>> UInt64(56 - index % 8 * 8))
            text.append(Self.digits[Int(byte >> 4)])
            text.append(Self.digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static let digits = Array("0123456789abcdef".utf8)
}
