extension Kernels {
    static let bits: [String: Kernel] = [
        "bit_count": Kernel { call in
            switch call.columns[0].values {
            case .boolean: let x = call.bool(0); return call.int32s { x[$0] ? 1 : 0 }
            // A smaller number is widened with its sign first.
            case .byte: let x = call.int8(0); return call.int32s { Int32(Int64(x[$0]).nonzeroBitCount) }
            case .short: let x = call.int16(0); return call.int32s { Int32(Int64(x[$0]).nonzeroBitCount) }
            case .integer: let x = call.int32(0); return call.int32s { Int32(Int64(x[$0]).nonzeroBitCount) }
            default: let x = call.int64(0); return call.int32s { Int32(x[$0].nonzeroBitCount) }
            }
        },
        "bit_get": Kernel { call in
            let place = call.int32(1)
            let width: Int32
            switch call.columns[0].type {
            case .byte: width = 8
            case .short: width = 16
            case .integer: width = 32
            default: width = 64
            }
            func each<T: FixedWidthInteger & BitwiseCopyable>(_ x: ValueReader<T>) throws -> Column {
                try call.make({ .byte($0) }) { row in
                    guard place[row] >= 0, place[row] < width else {
                        throw SparkError(
                            "INVALID_PARAMETER_VALUE.BIT_POSITION_RANGE", sqlState: "22023",
                            "The value of parameter(s) `pos` in `bit_get` is invalid: Expects an integer value in [0, \(width)), but got \(place[row])."
                        )
                    }
                    return Int8(truncatingIfNeeded: x[row] >> T(place[row]) & 1)
                }
            }
            switch call.columns[0].values {
            case .byte: return try each(call.int8(0))
            case .short: return try each(call.int16(0))
            case .integer: return try each(call.int32(0))
            default: return try each(call.int64(0))
            }
        },
        "shiftrightunsigned": Kernel { call in
            let places = call.int32(1)
            if call.type == .long {
                let x = call.int64(0)
                return call.int64s { Int64(bitPattern: UInt64(bitPattern: x[$0]) >> UInt64(places[$0] & 63)) }
            }
            let x = call.int32(0)
            return call.int32s { Int32(bitPattern: UInt32(bitPattern: x[$0]) >> UInt32(places[$0] & 31)) }
        },
        "bin": Kernel { call in
            let x = call.int64(0)
            return call.strings { String(UInt64(bitPattern: x[$0]), radix: 2) }
        },
        "conv": Kernel { call in
            let (text, from, to) = (call.text(0), call.int32(1), call.int32(2))
            return try call.strings { row in try converted(text[row], from: Int(from[row]), to: Int(to[row])) }
        },
    ]

    /// Digits beyond the base end the number; a negative target base means a signed result.
    private static func converted(_ text: ByteView, from: Int, to: Int) throws -> String? {
        guard (2...36).contains(from), (2...36).contains(abs(to)) else { return nil }
        let bytes = TextNumbers.trimmed(text.bytes)
        guard !bytes.isEmpty else { return nil }
        let isNegative = bytes[0] == 0x2D
        var value: UInt64 = 0
        for byte in bytes.dropFirst(isNegative ? 1 : 0) {
            let digit: Int =
                byte &- 0x30 < 10 ? Int(byte - 0x30) : byte & 0xDF &- 0x41 < 26 ? Int(byte & 0xDF - 0x41) + 10 : 99
            if digit >= from { break }
            let (scaled, tooLarge) = value.multipliedReportingOverflow(by: UInt64(from))
            let (sum, overflow) = scaled.addingReportingOverflow(UInt64(digit))
            if tooLarge || overflow {
                throw SparkError("ARITHMETIC_OVERFLOW", sqlState: "22003", "Overflow in function conv().")
            }
            value = sum
        }
        if isNegative {
            if to > 0 {
                value = Int64(bitPattern: value) < 0 ? .max : UInt64(bitPattern: -Int64(bitPattern: value))
            } else if Int64(bitPattern: value) < 0 {
                value = 1 << 63
                return "-" + String(value, radix: -to, uppercase: true)
            }
        }
        if to < 0 {
            if isNegative { return "-" + String(value, radix: -to, uppercase: true) }
            let signed = Int64(bitPattern: value)
            return signed < 0 ? "-" + String(signed.magnitude, radix: -to, uppercase: true) : String(value, radix: -to, uppercase: true)
        }
        return String(value, radix: to, uppercase: true)
    }
}
