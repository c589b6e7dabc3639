/// Bytes as letters and digits, and back.
extension Kernels {
    static let codecs: [String: Kernel] = [
        "base64": Kernel { call in
            let bytes = call.text(0)
            return call.texts { row, out in
                JSONText.base64(bytes[row].bytes, into: &out)
                // Between the quotes that JSON wants.
                out.removeLast()
                out.removeFirst()
                return true
            }
        },
        "unbase64": Kernel { call in
            let text = call.text(0)
            return try call.texts { row, out in
                guard base64(text[row].bytes, to: &out) else { throw conversion(text[row].string, "BASE64") }
                return true
            }
        },
        "hex": Kernel { call in
            if case .long = call.columns[0].values {
                let x = call.int64(0)
                return call.strings { String(UInt64(bitPattern: x[$0]), radix: 16, uppercase: true) }
            }
            let bytes = call.text(0)
            return call.texts { row, out in
                for byte in bytes[row].bytes {
                    for digit in [byte >> 4, byte & 15] { out.append(digit < 10 ? 0x30 + digit : 0x37 + digit) }
                }
                return true
            }
        },
        "unhex": Kernel { call in
            let text = call.text(0)
            return call.texts { row, out in unhex(text[row].bytes, to: &out) }
        },
        "encode": Kernel { call in
            let (text, charset) = (call.text(0), call.text(1))
            return try call.texts { row, out in
                try Charset(charset[row].string, in: "encode").encode(text[row], to: &out)
                return true
            }
        },
        "decode": Kernel { call in
            let (bytes, charset) = (call.text(0), call.text(1))
            return try call.texts { row, out in
                try Charset(charset[row].string, in: "decode").decode(bytes[row], to: &out)
                return true
            }
        },
        "to_binary": Kernel { call in try binary(call, isTry: false) }, "try_to_binary": Kernel { call in try binary(call, isTry: true) },
    ]

    static func conversion(_ text: String, _ format: String) -> SparkError {
        SparkError(
            "CONVERSION_INVALID_INPUT", sqlState: "22018",
            "The value '\(text)' (\"STRING\") cannot be converted to \"BINARY\" because it is malformed (\(format)). Correct the value as per the syntax, or change its format. Use `try_to_binary` to tolerate malformed input and return NULL instead."
        )
    }

    private static func binary(_ call: KernelCall, isTry: Bool) throws -> Column {
        let (text, format) = (call.text(0), call.text(1))
        return try call.texts { row, out in
            let name = format[row].string.lowercased()
            let isDone: Bool
            switch name {
            case "hex": isDone = unhex(text[row].bytes, to: &out)
            case "base64": isDone = base64(text[row].bytes, to: &out)
            case "utf-8", "utf8":
                out += text[row].bytes
                isDone = true
            default:
                if isTry { return false }
                throw SparkError(
                    "DATATYPE_MISMATCH.INVALID_ARG_VALUE", sqlState: "42K09",
                    "The `fmt` value must to be a \"STRING\" literal of 'hex', 'utf-8', 'utf8' or 'base64', but got '\(name)'.")
            }
            if !isDone, !isTry { throw conversion(text[row].string, name.uppercased()) }
            return isDone
        }
    }

    /// An odd number of digits has a 0 before them; false where a byte is no digit.
    static func unhex(_ bytes: UnsafeBufferPointer<UInt8>, to out: inout [UInt8]) -> Bool {
        var pending: UInt8? = bytes.count % 2 == 1 ? 0 : nil
        for byte in bytes {
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x41...0x46: digit = byte - 0x37
            case 0x61...0x66: digit = byte - 0x57
            default: return false
            }
            if let high = pending {
                out.append(high << 4 | digit)
                pending = nil
            } else {
                pending = digit
            }
        }
        return true
    }

    /// MIME's base64: bytes beyond the alphabet are skipped.
    static func base64(_ bytes: UnsafeBufferPointer<UInt8>, to out: inout [UInt8]) -> Bool {
        var group: UInt32 = 0
        var digits = 0, padding = 0
        for byte in bytes {
            let value: UInt32
            switch byte {
            case 0x41...0x5A: value = UInt32(byte - 0x41)
            case 0x61...0x7A: value = UInt32(byte - 0x47)
            case 0x30...0x39: value = UInt32(byte + 4)
            case 0x2B: value = 62
            case 0x2F: value = 63
            case 0x3D:
                padding += 1
                continue
            default: continue
            }
            if padding > 0 { return false }
            group = group << 6 | value
            digits += 1
            if digits == 4 {
                out.append(UInt8(truncatingIfNeeded: group >> 16))
                out.append(UInt8(truncatingIfNeeded: group >> 8))
                out.append(UInt8(truncatingIfNeeded: group))
                group = 0
                digits = 0
            }
        }
        switch digits {
        case 0: return padding == 0
        case 1: return false
        case 2:
            out.append(UInt8(truncatingIfNeeded: group >> 4))
        default:
            out.append(UInt8(truncatingIfNeeded: group >> 10))
            out.append(UInt8(truncatingIfNeeded: group >> 2))
        }
        return padding == 0 || padding + digits == 4
    }
}

/// The character sets that Spark's `encode` and `decode` take.
enum Charset {
    case ascii, latin1, utf8, utf16, utf16BigEndian, utf16LittleEndian, utf32

    init(_ name: String, in function: String) throws {
        switch name.uppercased() {
        case "US-ASCII": self = .ascii
        case "ISO-8859-1": self = .latin1
        case "UTF-8": self = .utf8
        case "UTF-16": self = .utf16
        case "UTF-16BE": self = .utf16BigEndian
        case "UTF-16LE": self = .utf16LittleEndian
        case "UTF-32": self = .utf32
        default:
            throw SparkError(
                "INVALID_PARAMETER_VALUE.CHARSET", sqlState: "22023",
                "The value of parameter(s) `charset` in `\(function)` is invalid: expects one of the iso-8859-1, us-ascii, utf-16, utf-16be, utf-16le, utf-32, utf-8, but got \(name)."
            )
        }
    }

    func encode(_ view: ByteView, to out: inout [UInt8]) throws {
        func limited(_ bound: UInt32, _ name: String) throws {
            for scalar in view.string.unicodeScalars {
                guard scalar.value < bound else {
                    throw SparkError(
                        "MALFORMED_CHARACTER_CODING", sqlState: "22000", "Invalid value found when performing `encode` with \(name).")
                }
                out.append(UInt8(scalar.value))
            }
        }
        switch self {
        case .utf8: out += view.bytes
        case .ascii: try limited(128, "US-ASCII")
        case .latin1: try limited(256, "ISO-8859-1")
        case .utf16, .utf16BigEndian, .utf16LittleEndian:
            if self == .utf16 { out += [0xFE, 0xFF] }
            for unit in view.string.utf16 {
                let bytes = [UInt8(unit >> 8), UInt8(unit & 0xFF)]
                out += self == .utf16LittleEndian ? bytes.reversed() : bytes
            }
        case .utf32: for scalar in view.string.unicodeScalars { withUnsafeBytes(of: scalar.value.bigEndian) { out += $0 } }
        }
    }

    func decode(_ view: ByteView, to out: inout [UInt8]) throws {
        let bytes = view.bytes
        func malformed(_ name: String) -> SparkError {
            SparkError("MALFORMED_CHARACTER_CODING", sqlState: "22000", "Invalid value found when performing `decode` with \(name).")
        }
        switch self {
        case .utf8:
            guard String(validating: bytes, as: UTF8.self) != nil else { throw malformed("UTF-8") }
            out += bytes
        case .ascii:
            guard bytes.allSatisfy({ $0 < 0x80 }) else { throw malformed("US-ASCII") }
            out += bytes
        case .latin1: for byte in bytes { UTF8Text.append(Unicode.Scalar(byte), to: &out) }
        case .utf16, .utf16BigEndian, .utf16LittleEndian:
            guard bytes.count % 2 == 0 else { throw malformed("UTF-16") }
            var start = 0
            var isLittle = self == .utf16LittleEndian
            let mark = bytes.count >= 2 ? UInt16(bytes[0]) << 8 | UInt16(bytes[1]) : 0
            if self == .utf16, mark == 0xFEFF || mark == 0xFFFE {
                isLittle = mark == 0xFFFE
                start = 2
            }
            var units: [UInt16] = []
            var index = start
            while index < bytes.count {
                let (first, second) = (UInt16(bytes[index]), UInt16(bytes[index + 1]))
                units.append(isLittle ? second << 8 | first : first << 8 | second)
                index += 2
            }
            out += String(decoding: units, as: UTF16.self).utf8
        case .utf32:
            guard bytes.count % 4 == 0 else { throw malformed("UTF-32") }
            for index in stride(from: 0, to: bytes.count, by: 4) {
                var value: UInt32 = 0
                for offset in 0..<4 { value = value << 8 | UInt32(bytes[index + offset]) }
                guard let scalar = Unicode.Scalar(value) else { throw malformed("UTF-32") }
                UTF8Text.append(scalar, to: &out)
            }
        }
    }
}
