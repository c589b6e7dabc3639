/// A JSON value as it came: for answers whose shape differs a little from one release of a box to the next.
///
/// Read with tolerance, asked by path: `progress["sink"]?["description"]?.text`. Numbers keep their text, so that a 64-bit offset
/// stays exact. (RFC 8259; nesting is bounded, since the texts come from other programs.)
enum JSON: Sendable, Equatable {
    case null
    case boolean(Bool)
    case number(Substring)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    struct Malformed: Error, CustomStringConvertible {
        let position: Int
        var description: String { "not JSON at byte \(position)" }
    }

    static let depthMax = 64

    init(parsing text: String) throws(Malformed) {
        var parser = Parser(text: text)
        self = try parser.document()
    }

    subscript(key: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members[key]
    }

    var text: String? {
        if case .string(let text) = self { text } else { nil }
    }

    var isTrue: Bool { self == .boolean(true) }

    var double: Double? {
        if case .number(let text) = self { Double(text) } else { nil }
    }

    /// A whole number; also one written as `12.0` or as text.
    var integer: Int64? {
        switch self {
        case .number(let text): Int64(text) ?? Double(text).flatMap { Int64(exactly: $0.rounded(.towardZero)) }
        case .string(let text): Int64(text)
        default: nil
        }
    }

    var elements: [JSON] {
        if case .array(let elements) = self { elements } else { [] }
    }

    var members: [String: JSON] {
        if case .object(let members) = self { members } else { [:] }
    }

    /// The value as one would print it: text bare, everything else as JSON.
    var shown: String {
        switch self {
        case .null: "null"
        case .boolean(let flag): flag ? "true" : "false"
        case .number(let text): String(text)
        case .string(let text): text
        case .array(let elements): "[" + elements.map(\.shown).joined(separator: ", ") + "]"
        case .object(let members):
            "{" + members.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value.shown)" }.joined(separator: ", ") + "}"
        }
    }
}

extension JSON {
    /// The value written as JSON (RFC 8259, section 7 for what is escaped), members in the order of their names.
    var json: String {
        switch self {
        case .null: "null"
        case .boolean(let flag): flag ? "true" : "false"
        case .number(let text): String(text)
        case .string(let text): Self.quoted(text)
        case .array(let elements): "[" + elements.map(\.json).joined(separator: ",") + "]"
        case .object(let members):
            "{" + members.sorted { $0.key < $1.key }.map { "\(Self.quoted($0.key)):\($0.value.json)" }.joined(separator: ",") + "}"
        }
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\" + String(scalar)
            case "\n": quoted += "\\n"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}

extension JSON {
    private struct Parser {
        let bytes: [UInt8]
        var position = 0

        init(text: String) { bytes = Array(text.utf8) }

        private var malformed: Malformed { Malformed(position: position) }

        private mutating func skipSpace() {
            while position < bytes.count, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[position]) { position += 1 }
        }

        private func peek() throws(Malformed) -> UInt8 {
            guard position < bytes.count else { throw malformed }
            return bytes[position]
        }

        private mutating func take(_ byte: Character) throws(Malformed) {
            guard try peek() == byte.asciiValue else { throw malformed }
            position += 1
        }

        mutating func document() throws(Malformed) -> JSON {
            let value = try value(depth: 0)
            skipSpace()
            guard position == bytes.count else { throw malformed }
            return value
        }

        private mutating func value(depth: Int) throws(Malformed) -> JSON {
            guard depth < JSON.depthMax else { throw malformed }
            skipSpace()
            switch try peek() {
            case UInt8(ascii: "{"): return try object(depth: depth)
            case UInt8(ascii: "["): return try array(depth: depth)
            case UInt8(ascii: "\""): return .string(try string())
            case UInt8(ascii: "t"): return try word("true", .boolean(true))
            case UInt8(ascii: "f"): return try word("false", .boolean(false))
            case UInt8(ascii: "n"): return try word("null", .null)
            default: return try number()
            }
        }

        private mutating func word(_ word: StaticString, _ value: JSON) throws(Malformed) -> JSON {
            let end = position + word.utf8CodeUnitCount
            guard end <= bytes.count, bytes[position..<end].elementsEqual("\(word)".utf8) else { throw malformed }
            position = end
            return value
        }

        private mutating func number() throws(Malformed) -> JSON {
            let start = position
            while position < bytes.count, "+-.0123456789eE".utf8.contains(bytes[position]) { position += 1 }
            let text = Substring(decoding: bytes[start..<position], as: UTF8.self)
            guard Double(text) != nil else { throw Malformed(position: start) }
            return .number(text)
        }

        private mutating func object(depth: Int) throws(Malformed) -> JSON {
            try take("{")
            var members: [String: JSON] = [:]
            skipSpace()
            if try peek() == UInt8(ascii: "}") {
                position += 1
                return .object(members)
            }
            while true {
                skipSpace()
                let key = try string()
                skipSpace()
                try take(":")
                members[key] = try value(depth: depth + 1)
                skipSpace()
                if try peek() == UInt8(ascii: ",") {
                    position += 1
                } else {
                    try take("}")
                    return .object(members)
                }
            }
        }

        private mutating func array(depth: Int) throws(Malformed) -> JSON {
            try take("[")
            var elements: [JSON] = []
            skipSpace()
            if try peek() == UInt8(ascii: "]") {
                position += 1
                return .array(elements)
            }
            while true {
                elements.append(try value(depth: depth + 1))
                skipSpace()
                if try peek() == UInt8(ascii: ",") {
                    position += 1
                } else {
                    try take("]")
                    return .array(elements)
                }
            }
        }

        private mutating func string() throws(Malformed) -> String {
            try take("\"")
            var text: [UInt8] = []
            while true {
                let byte = try peek()
                position += 1
                switch byte {
                case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
                case UInt8(ascii: "\\"): try escape(into: &text)
                case 0..<0x20: throw malformed
                default: text.append(byte)
                }
            }
        }

        private mutating func escape(into text: inout [UInt8]) throws(Malformed) {
            let byte = try peek()
            position += 1
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
            case UInt8(ascii: "b"): text.append(0x08)
            case UInt8(ascii: "f"): text.append(0x0C)
            case UInt8(ascii: "n"): text.append(0x0A)
            case UInt8(ascii: "r"): text.append(0x0D)
            case UInt8(ascii: "t"): text.append(0x09)
            case UInt8(ascii: "u"):
                var units = [try hexadecimal()]
                if UTF16.isLeadSurrogate(units[0]), position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
                    bytes[position + 1] == UInt8(ascii: "u")
                {
                    position += 2
                    units.append(try hexadecimal())
                }
                text.append(contentsOf: String(decoding: units, as: UTF16.self).utf8)
            default: throw malformed
            }
        }

        private mutating func hexadecimal() throws(Malformed) -> UInt16 {
            guard position + 4 <= bytes.count,
                let unit = UInt16(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16)
            else { throw malformed }
            position += 4
            return unit
        }
    }
}
