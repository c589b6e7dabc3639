package import NIOCore

extension JSON {
    /// Compact text, members in their order. A number that JSON has no form for (infinite, or none at all) becomes `null`.
    package var text: String {
        var text = ""
        write(into: &text, sorted: false)
        return text
    }

    /// Compact text, members ordered by their names, so that equal values give equal texts.
    package var sortedText: String {
        var text = ""
        write(into: &text, sorted: true)
        return text
    }

    private func write(into text: inout String, sorted: Bool) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        case .number(let value): text += value.isFinite ? String(value) : "null"
        case .string(let value): Self.quote(value, into: &text)
        case .array(let elements):
            text += "["
            for (index, element) in elements.enumerated() {
                if index > 0 { text += "," }
                element.write(into: &text, sorted: sorted)
            }
            text += "]"
        case .object(let members):
            text += "{"
            for (index, member) in (sorted ? members.sorted { $0.name < $1.name } : Array(members)).enumerated() {
                if index > 0 { text += "," }
                Self.quote(member.name, into: &text)
                text += ":"
                member.value.write(into: &text, sorted: sorted)
            }
            text += "}"
        }
    }
}

/// Strings as JSON writes them (RFC 8259, 7), for writers that build no value.
extension JSON {
    /// The text between quotation marks, with what JSON forbids inside them escaped.
    package static func quoted(_ value: String) -> String {
        var text = ""
        quote(value, into: &text)
        return text
    }

    package static func quote(_ value: String, into text: inout String) {
        text += "\""
        escape(value) { text += $0 }
        text += "\""
    }

    /// Gives the text in runs: what may stand as it is, and the escapes between.
    fileprivate static func escape(_ value: String, _ put: (Substring) -> Void) {
        var start = value.startIndex
        for index in value.utf8.indices {
            guard let escape = escape(of: value.utf8[index]) else { continue }
            put(value[start..<index])
            put(escape)
            start = value.utf8.index(after: index)
        }
        put(value[start...])
    }

    private static func escape(of byte: UInt8) -> Substring? {
        switch byte {
        case UInt8(ascii: "\""): "\\\""
        case UInt8(ascii: "\\"): "\\\\"
        case 0x08: "\\b"
        case 0x09: "\\t"
        case 0x0A: "\\n"
        case 0x0C: "\\f"
        case 0x0D: "\\r"
        case 0..<0x10: "\\u000" + String(byte, radix: 16)
        case 0x10..<0x20: "\\u00" + String(byte, radix: 16)
        default: nil
        }
    }
}

extension ByteBuffer {
    /// The text with what JSON forbids in strings escaped, without quotation marks.
    package mutating func writeJSONEscaped(_ text: String) {
        JSON.escape(text) { writeSubstring($0) }
    }
}
