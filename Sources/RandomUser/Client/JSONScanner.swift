/// A pull reader over JSON text (RFC 8259): the caller asks for what it expects and skips the rest, so that no tree is built.
struct JSONScanner {
    private let bytes: UnsafeRawBufferPointer
    private(set) var at = 0

    static let depthMax = 64

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The next significant byte, not consumed.
    mutating func peek() throws(MalformedJSON) -> UInt8 {
        while at < bytes.count {
            let byte = bytes[at]
            if byte > 0x20 { return byte }
            at += 1
        }
        throw MalformedJSON(offset: at, wanted: "more text")
    }

    /// Calls `body` for each member; it has to consume the value.
    mutating func object(_ body: (inout JSONScanner, String) throws(MalformedJSON) -> Void) throws(MalformedJSON) {
        try expect(UInt8(ascii: "{"))
        if try peek() == UInt8(ascii: "}") {
            at += 1
            return
        }
        while true {
            let key = try string()
            try expect(UInt8(ascii: ":"))
            try body(&self, key)
            if try !separator(UInt8(ascii: "}")) { return }
        }
    }

    /// Calls `body` for each element; it has to consume it.
    mutating func array(_ body: (inout JSONScanner) throws(MalformedJSON) -> Void) throws(MalformedJSON) {
        try expect(UInt8(ascii: "["))
        if try peek() == UInt8(ascii: "]") {
            at += 1
            return
        }
        while true {
            try body(&self)
            if try !separator(UInt8(ascii: "]")) { return }
        }
    }

    mutating func string() throws(MalformedJSON) -> String {
        try expect(UInt8(ascii: "\""))
        let start = at
        while at < bytes.count {
            let byte = bytes[at]
            if byte == UInt8(ascii: "\"") {
                defer { at += 1 }
                return String(decoding: UnsafeRawBufferPointer(rebasing: bytes[start..<at]), as: UTF8.self)
            }
            if byte == UInt8(ascii: "\\") { return try escapedString(from: start) }
            if byte < 0x20 { break }
            at += 1
        }
        throw MalformedJSON(offset: at, wanted: "the end of a string")
    }

    mutating func stringOrNull() throws(MalformedJSON) -> String? {
        if try peek() == UInt8(ascii: "n") {
            try skip()
            return nil
        }
        return try string()
    }

    /// A number or a string, as text.
    mutating func textOrNumber() throws(MalformedJSON) -> String {
        if try peek() == UInt8(ascii: "\"") { return try string() }
        return String(decoding: UnsafeRawBufferPointer(rebasing: bytes[try number()]), as: UTF8.self)
    }

    mutating func integer() throws(MalformedJSON) -> Int {
        let range = try number()
        guard let value = Int(String(decoding: UnsafeRawBufferPointer(rebasing: bytes[range]), as: UTF8.self)) else {
            throw MalformedJSON(offset: range.lowerBound, wanted: "a whole number")
        }
        return value
    }

    /// Passes over one value of any kind.
    mutating func skip(depth: Int = 0) throws(MalformedJSON) {
        guard depth < Self.depthMax else { throw MalformedJSON(offset: at, wanted: "at most \(Self.depthMax) levels") }
        switch try peek() {
        case UInt8(ascii: "{"):
            try object { (scanner: inout JSONScanner, _: String) throws(MalformedJSON) in try scanner.skip(depth: depth + 1) }
        case UInt8(ascii: "["):
            try array { (scanner: inout JSONScanner) throws(MalformedJSON) in try scanner.skip(depth: depth + 1) }
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "t"): try literal("true")
        case UInt8(ascii: "f"): try literal("false")
        case UInt8(ascii: "n"): try literal("null")
        default: _ = try number()
        }
    }

    /// Nothing but white space may follow.
    mutating func end() throws(MalformedJSON) {
        while at < bytes.count {
            guard bytes[at] <= 0x20 else { throw MalformedJSON(offset: at, wanted: "the end of the document") }
            at += 1
        }
    }

    // MARK: parts

    private mutating func expect(_ byte: UInt8) throws(MalformedJSON) {
        guard try peek() == byte else { throw MalformedJSON(offset: at, wanted: "'\(UnicodeScalar(byte))'") }
        at += 1
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

    private mutating func number() throws(MalformedJSON) -> Range<Int> {
        _ = try peek()
        let start = at
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "e"),
                UInt8(ascii: "E"):
                at += 1
                continue
            default: break
            }
            break
        }
        guard at > start else { throw MalformedJSON(offset: at, wanted: "a value") }
        return start..<at
    }

    private mutating func escapedString(from start: Int) throws(MalformedJSON) -> String {
        var text = Array(bytes[start..<at])
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
            var scalar = try hex()
            if 0xD800..<0xDC00 ~= scalar, at + 6 <= bytes.count, bytes[at] == UInt8(ascii: "\\"), bytes[at + 1] == UInt8(ascii: "u") {
                at += 2
                let low = try hex()
                scalar = 0xDC00..<0xE000 ~= low ? 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00) : 0xFFFD
            }
            text += Array(String(UnicodeScalar(scalar) ?? "\u{FFFD}").utf8)
        default: throw MalformedJSON(offset: at - 1, wanted: "an escape that JSON has")
        }
    }

    private mutating func hex() throws(MalformedJSON) -> UInt32 {
        guard at + 4 <= bytes.count,
            let value = UInt32(String(decoding: UnsafeRawBufferPointer(rebasing: bytes[at..<at + 4]), as: UTF8.self), radix: 16)
        else { throw MalformedJSON(offset: at, wanted: "four hexadecimal digits") }
        at += 4
        return value
    }
}

/// Where a text stopped being the JSON that was wanted.
struct MalformedJSON: Error, CustomStringConvertible {
    let offset: Int
    let wanted: String
    var description: String { "at byte \(offset) \(wanted) was wanted" }
}
