/// A pull reader over JSON text (RFC 8259): the caller asks for what it expects and skips the rest, so that no tree is built.
///
/// The text has to be UTF-8; what is not is refused. An escaped surrogate without its other half, which UTF-8 has no form for, becomes
/// U+FFFD. Arrays and objects nest up to ``depthMax``, since texts come from elsewhere and readers recurse.
package struct JSONScanner {
    private let bytes: UnsafeRawBufferPointer
    /// The next byte that has not been read.
    package private(set) var at = 0
    private var depth = 0

    package static let depthMax = 128

    /// The bytes have to outlive the scanner.
    package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The next significant byte, not consumed.
    package mutating func peek() throws(MalformedJSON) -> UInt8 {
        skipSpace()
        guard at < bytes.count else { throw MalformedJSON(offset: at, wanted: "more text") }
        return bytes[at]
    }

    /// Calls `body` for each member; it has to consume the value.
    package mutating func object(_ body: (inout JSONScanner, String) throws(MalformedJSON) -> Void) throws(MalformedJSON) {
        try enter(UInt8(ascii: "{"))
        if try !leave(UInt8(ascii: "}")) {
            repeat {
                let name = try string()
                try expect(UInt8(ascii: ":"))
                try body(&self, name)
            } while try separator(UInt8(ascii: "}"))
        }
        depth -= 1
    }

    /// Calls `body` for each element; it has to consume it.
    package mutating func array(_ body: (inout JSONScanner) throws(MalformedJSON) -> Void) throws(MalformedJSON) {
        try enter(UInt8(ascii: "["))
        if try !leave(UInt8(ascii: "]")) {
            repeat { try body(&self) } while try separator(UInt8(ascii: "]"))
        }
        depth -= 1
    }

    package mutating func string() throws(MalformedJSON) -> String {
        try expect(UInt8(ascii: "\""))
        let start = at
        while at < bytes.count {
            let byte = bytes[at]
            if byte == UInt8(ascii: "\"") {
                let text = try Self.text(UnsafeRawBufferPointer(rebasing: bytes[start..<at]), at: start)
                at += 1
                return text
            }
            if byte == UInt8(ascii: "\\") { return try escapedString(from: start) }
            if byte < 0x20 { break }
            at += 1
        }
        throw MalformedJSON(offset: at, wanted: "the end of a string")
    }

    package mutating func stringOrNull() throws(MalformedJSON) -> String? {
        if try peek() == UInt8(ascii: "n") {
            try null()
            return nil
        }
        return try string()
    }

    /// A number or a string, as text.
    package mutating func textOrNumber() throws(MalformedJSON) -> String {
        try peek() == UInt8(ascii: "\"") ? try string() : try numberText()
    }

    package mutating func integer() throws(MalformedJSON) -> Int {
        let text = try numberText()
        guard let value = Int(text) else { throw MalformedJSON(offset: at - text.utf8.count, wanted: "a whole number") }
        return value
    }

    /// A number as it is written.
    package mutating func numberText() throws(MalformedJSON) -> String {
        String(decoding: UnsafeRawBufferPointer(rebasing: bytes[try number()]), as: UTF8.self)
    }

    package mutating func bool() throws(MalformedJSON) -> Bool {
        let isTrue = try peek() == UInt8(ascii: "t")
        try literal(isTrue ? "true" : "false")
        return isTrue
    }

    package mutating func null() throws(MalformedJSON) {
        _ = try peek()
        try literal("null")
    }

    /// Passes over one value of any kind.
    package mutating func skip() throws(MalformedJSON) {
        switch try peek() {
        case UInt8(ascii: "{"): try object { (scanner: inout JSONScanner, _: String) throws(MalformedJSON) in try scanner.skip() }
        case UInt8(ascii: "["): try array { (scanner: inout JSONScanner) throws(MalformedJSON) in try scanner.skip() }
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "t"), UInt8(ascii: "f"): _ = try bool()
        case UInt8(ascii: "n"): try null()
        default: _ = try number()
        }
    }

    /// Nothing but white space may follow.
    package mutating func end() throws(MalformedJSON) {
        skipSpace()
        guard at == bytes.count else { throw MalformedJSON(offset: at, wanted: "the end of the document") }
    }

    // MARK: Structure

    private mutating func skipSpace() {
        while at < bytes.count {
            switch bytes[at] {
            case 0x20, 0x0A, 0x0D, 0x09: at += 1
            default: return
            }
        }
    }

    private mutating func expect(_ byte: UInt8) throws(MalformedJSON) {
        guard try peek() == byte else { throw MalformedJSON(offset: at, wanted: "'\(UnicodeScalar(byte))'") }
        at += 1
    }

    private mutating func enter(_ open: UInt8) throws(MalformedJSON) {
        try expect(open)
        guard depth < Self.depthMax else { throw MalformedJSON(offset: at - 1, wanted: "nesting of at most \(Self.depthMax) levels") }
        depth += 1
    }

    /// Consumes the closing bracket if it comes at once.
    private mutating func leave(_ close: UInt8) throws(MalformedJSON) -> Bool {
        guard try peek() == close else { return false }
        at += 1
        return true
    }

    /// Consumes a comma (true) or the closing bracket (false).
    private mutating func separator(_ close: UInt8) throws(MalformedJSON) -> Bool {
        let byte = try peek()
        guard byte == close || byte == UInt8(ascii: ",") else {
            throw MalformedJSON(offset: at, wanted: "',' or '\(UnicodeScalar(close))'")
        }
        at += 1
        return byte != close
    }

    private mutating func literal(_ text: StaticString) throws(MalformedJSON) {
        let end = at + text.utf8CodeUnitCount
        guard end <= bytes.count, (0..<text.utf8CodeUnitCount).allSatisfy({ bytes[at + $0] == text.utf8Start[$0] }) else {
            throw MalformedJSON(offset: at, wanted: "\(text)")
        }
        at = end
    }

    // MARK: Numbers

    /// RFC 8259, 6: no plus sign, no leading zero, digits on both sides of the point.
    private mutating func number() throws(MalformedJSON) -> Range<Int> {
        var byte = try peek()
        let start = at
        guard byte == UInt8(ascii: "-") || Self.isDigit(byte) else { throw MalformedJSON(offset: at, wanted: "a value") }
        if byte == UInt8(ascii: "-") { at += 1 }
        if at < bytes.count, bytes[at] == UInt8(ascii: "0") { at += 1 } else { try digits() }
        guard at < bytes.count else { return start..<at }
        if bytes[at] == UInt8(ascii: ".") {
            at += 1
            try digits()
        }
        guard at < bytes.count else { return start..<at }
        byte = bytes[at]
        if byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") {
            at += 1
            if at < bytes.count, bytes[at] == UInt8(ascii: "-") || bytes[at] == UInt8(ascii: "+") { at += 1 }
            try digits()
        }
        return start..<at
    }

    private mutating func digits() throws(MalformedJSON) {
        let start = at
        while at < bytes.count, Self.isDigit(bytes[at]) { at += 1 }
        guard at > start else { throw MalformedJSON(offset: at, wanted: "a digit") }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }

    // MARK: Strings

    private static func text(_ bytes: some Sequence<UInt8>, at start: Int) throws(MalformedJSON) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw MalformedJSON(offset: start, wanted: "a string in UTF-8") }
        return text
    }

    private mutating func escapedString(from start: Int) throws(MalformedJSON) -> String {
        var text = Array(bytes[start..<at])
        while at < bytes.count {
            let byte = bytes[at]
            at += 1
            switch byte {
            case UInt8(ascii: "\""): return try Self.text(text, at: start)
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20: throw MalformedJSON(offset: at - 1, wanted: "the end of a string")
            default: text.append(byte)
            }
        }
        throw MalformedJSON(offset: at, wanted: "the end of a string")
    }

    private mutating func escape(into text: inout [UInt8]) throws(MalformedJSON) {
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
            var code = try hexadecimal()
            if 0xD800..<0xDC00 ~= code, at + 1 < bytes.count, bytes[at] == UInt8(ascii: "\\"), bytes[at + 1] == UInt8(ascii: "u") {
                let afterHigh = at
                at += 2
                let low = try hexadecimal()
                // Whatever else follows a high surrogate is a character of its own.
                if 0xDC00..<0xE000 ~= low { code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00) } else { at = afterHigh }
            }
            text += UTF8.encode(UnicodeScalar(code) ?? "\u{FFFD}")!
        default: throw MalformedJSON(offset: at - 1, wanted: "an escape that JSON has")
        }
    }

    private mutating func hexadecimal() throws(MalformedJSON) -> UInt32 {
        var value: UInt32 = 0
        for offset in at..<at + 4 {
            guard offset < bytes.count, let digit = Character(UnicodeScalar(bytes[offset])).hexDigitValue else {
                throw MalformedJSON(offset: offset, wanted: "a hexadecimal digit")
            }
            value = value << 4 | UInt32(digit)
        }
        at += 4
        return value
    }
}
