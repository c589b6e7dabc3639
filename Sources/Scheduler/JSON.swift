/// A JSON value (RFC 8259): a run's `conf`, an XCom's value, and the bodies of the REST API.
package enum JSON: Sendable, Hashable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    package subscript(_ key: String) -> JSON? {
        if case .object(let members) = self { members[key] } else { nil }
    }

    package var string: String? { if case .string(let text) = self { text } else { nil } }
    package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    package var array: [JSON]? { if case .array(let elements) = self { elements } else { nil } }
    package var object: [String: JSON]? { if case .object(let members) = self { members } else { nil } }
    package var isNull: Bool { self == .null }

    package var integer: Int64? {
        switch self {
        case .integer(let value): value
        case .number(let value): Int64(exactly: value)
        default: nil
        }
    }

    package var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    /// Compact text; members in the order of their keys, so that equal values give equal texts.
    package var text: String {
        var text = ""
        write(to: &text)
        return text
    }

    private func write(to text: inout String) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .integer(let value): text += "\(value)"
        case .number(let value): text += value.isFinite ? "\(value)" : "null"
        case .string(let value): Self.write(value, to: &text)
        case .array(let elements):
            text += "["
            for (index, element) in elements.enumerated() {
                if index > 0 { text += "," }
                element.write(to: &text)
            }
            text += "]"
        case .object(let members):
            text += "{"
            for (index, (key, value)) in members.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { text += "," }
                Self.write(key, to: &text)
                text += ":"
                value.write(to: &text)
            }
            text += "}"
        }
    }

    private static func write(_ value: String, to text: inout String) {
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case _ where scalar.value < 0x20:
                let hex = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral, ExpressibleByFloatLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int64) { self = .integer(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(floatLiteral value: Double) { self = .number(value) }
    package init(arrayLiteral elements: JSON...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, JSON)...) { self = .object(Dictionary(elements) { $1 }) }
    package init(nilLiteral: ()) { self = .null }
}

extension JSON {
    static let depthMax = 64

    /// - Throws: ``MalformedJSON`` with the byte at which the text stops being JSON.
    package init(parsing bytes: some Collection<UInt8>) throws(MalformedJSON) {
        var parser = Parser(bytes: Array(bytes))
        self = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.at == parser.bytes.count else { throw MalformedJSON(offset: parser.at, wanted: "the end of the document") }
    }

    private struct Parser {
        let bytes: [UInt8]
        var at = 0

        mutating func skipSpace() {
            while at < bytes.count, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[at]) { at += 1 }
        }

        mutating func next() throws(MalformedJSON) -> UInt8 {
            skipSpace()
            guard at < bytes.count else { throw MalformedJSON(offset: at, wanted: "more text") }
            return bytes[at]
        }

        mutating func expect(_ byte: UInt8) throws(MalformedJSON) {
            guard try next() == byte else { throw MalformedJSON(offset: at, wanted: "'\(UnicodeScalar(byte))'") }
            at += 1
        }

        mutating func value(depth: Int) throws(MalformedJSON) -> JSON {
            guard depth < JSON.depthMax else { throw MalformedJSON(offset: at, wanted: "at most \(JSON.depthMax) levels") }
            switch try next() {
            case UInt8(ascii: "{"): return try object(depth)
            case UInt8(ascii: "["): return try array(depth)
            case UInt8(ascii: "\""): return .string(try string())
            case UInt8(ascii: "t"): return try literal("true", .bool(true))
            case UInt8(ascii: "f"): return try literal("false", .bool(false))
            case UInt8(ascii: "n"): return try literal("null", .null)
            default: return try number()
            }
        }

        mutating func object(_ depth: Int) throws(MalformedJSON) -> JSON {
            at += 1
            var members: [String: JSON] = [:]
            if try next() == UInt8(ascii: "}") {
                at += 1
                return .object(members)
            }
            while true {
                guard try next() == UInt8(ascii: "\"") else { throw MalformedJSON(offset: at, wanted: "a key") }
                let key = try string()
                try expect(UInt8(ascii: ":"))
                members[key] = try value(depth: depth + 1)
                if try next() == UInt8(ascii: ",") {
                    at += 1
                    continue
                }
                try expect(UInt8(ascii: "}"))
                return .object(members)
            }
        }

        mutating func array(_ depth: Int) throws(MalformedJSON) -> JSON {
            at += 1
            var elements: [JSON] = []
            if try next() == UInt8(ascii: "]") {
                at += 1
                return .array(elements)
            }
            while true {
                elements.append(try value(depth: depth + 1))
                if try next() == UInt8(ascii: ",") {
                    at += 1
                    continue
                }
                try expect(UInt8(ascii: "]"))
                return .array(elements)
            }
        }

        mutating func literal(_ text: String, _ value: JSON) throws(MalformedJSON) -> JSON {
            guard bytes[at...].starts(with: text.utf8) else { throw MalformedJSON(offset: at, wanted: text) }
            at += text.utf8.count
            return value
        }

        mutating func number() throws(MalformedJSON) -> JSON {
            let start = at
            while at < bytes.count, "+-.eE0123456789".utf8.contains(bytes[at]) { at += 1 }
            let text = String(decoding: bytes[start..<at], as: UTF8.self)
            if let value = Int64(text) { return .integer(value) }
            guard let value = Double(text), value.isFinite else { throw MalformedJSON(offset: start, wanted: "a value") }
            return .number(value)
        }

        mutating func string() throws(MalformedJSON) -> String {
            at += 1
            var text: [UInt8] = []
            while at < bytes.count {
                let byte = bytes[at]
                at += 1
                switch byte {
                case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
                case UInt8(ascii: "\\"): try escape(into: &text)
                case 0..<0x20: throw MalformedJSON(offset: at - 1, wanted: "the end of a string")
                default: text.append(byte)
                }
            }
            throw MalformedJSON(offset: at, wanted: "the end of a string")
        }

        mutating func escape(into text: inout [UInt8]) throws(MalformedJSON) {
            guard at < bytes.count else { throw MalformedJSON(offset: at, wanted: "an escaped character") }
            let byte = bytes[at]
            at += 1
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
            case UInt8(ascii: "b"): text.append(0x08)
            case UInt8(ascii: "f"): text.append(0x0C)
            case UInt8(ascii: "n"): text.append(0x0A)
            case UInt8(ascii: "r"): text.append(0x0D)
            case UInt8(ascii: "t"): text.append(0x09)
            case UInt8(ascii: "u"):
                var scalar = try hex()
                if 0xD800..<0xDC00 ~= scalar, bytes[at...].starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")]) {
                    at += 2
                    let low = try hex()
                    scalar = 0xDC00..<0xE000 ~= low ? 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00) : 0xFFFD
                }
                text += Array(String(UnicodeScalar(scalar) ?? "\u{FFFD}").utf8)
            default: throw MalformedJSON(offset: at - 1, wanted: "an escape that JSON has")
            }
        }

        mutating func hex() throws(MalformedJSON) -> UInt32 {
            guard at + 4 <= bytes.count, let value = UInt32(String(decoding: bytes[at..<at + 4], as: UTF8.self), radix: 16) else {
                throw MalformedJSON(offset: at, wanted: "four hexadecimal digits")
            }
            at += 4
            return value
        }
    }
}

/// Where a text stopped being JSON.
package struct MalformedJSON: Error, CustomStringConvertible {
    package let offset: Int
    package let wanted: String
    package var description: String { "at byte \(offset) \(wanted) was wanted" }
}
