internal import IO
internal import NIOCore

/// Writes JSON straight into a buffer, compact or indented by two spaces.
///
/// Keys are literals and most values need no escaping: the generator's own words hold neither quotes, backslashes nor control
/// characters (a test holds them to it). What comes from a request goes through ``escaped(_:)``.
struct JSONWriter {
    private(set) var buffer: ByteBuffer
    private let pretty: Bool
    private var depth = 0
    private var needsComma = false

    init(buffer: ByteBuffer, pretty: Bool) {
        self.buffer = buffer
        self.pretty = pretty
    }

    mutating func open(_ bracket: UInt8) {
        buffer.writeInteger(bracket)
        depth += 1
        needsComma = false
    }

    mutating func close(_ bracket: UInt8) {
        depth -= 1
        if pretty, needsComma { newLine() }
        buffer.writeInteger(bracket)
        needsComma = true
    }

    mutating func key(_ key: StaticString) {
        if pretty { element() }
        let comma = needsComma && !pretty
        needsComma = true
        let pretty = pretty
        // One reservation for the whole key: each of ByteBuffer's write calls costs as much as the bytes of a short key.
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: key.utf8CodeUnitCount + 5) { bytes in
            var at = 0
            func put(_ byte: UInt8) {
                bytes[at] = byte
                at += 1
            }
            if comma { put(UInt8(ascii: ",")) }
            put(UInt8(ascii: "\""))
            bytes.baseAddress!.advanced(by: at).copyMemory(from: key.utf8Start, byteCount: key.utf8CodeUnitCount)
            at += key.utf8CodeUnitCount
            put(UInt8(ascii: "\""))
            put(UInt8(ascii: ":"))
            if pretty { put(UInt8(ascii: " ")) }
            return at
        }
    }

    /// Begins an array's next element.
    mutating func element() {
        if needsComma { buffer.writeInteger(UInt8(ascii: ",")) }
        if pretty { newLine() }
        needsComma = true
    }

    mutating func plain(_ text: String) {
        var text = text
        text.withUTF8 { utf8 in
            _ = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: utf8.count + 2) { bytes in
                bytes[0] = UInt8(ascii: "\"")
                if let start = utf8.baseAddress { bytes.baseAddress!.advanced(by: 1).copyMemory(from: start, byteCount: utf8.count) }
                bytes[utf8.count + 1] = UInt8(ascii: "\"")
                return utf8.count + 2
            }
        }
    }

    mutating func escaped(_ text: String) {
        buffer.writeInteger(UInt8(ascii: "\""))
        buffer.writeJSONEscaped(text)
        buffer.writeInteger(UInt8(ascii: "\""))
    }

    mutating func number(_ value: Int) { buffer.writeString(String(value)) }
    mutating func null() { buffer.writeStaticString("null") }

    mutating func field(_ key: StaticString, _ text: String) {
        self.key(key)
        plain(text)
    }

    mutating func field(_ key: StaticString, _ value: Int) {
        self.key(key)
        number(value)
    }

    mutating func object(_ key: StaticString, _ body: (inout JSONWriter) -> Void) {
        self.key(key)
        open(UInt8(ascii: "{"))
        body(&self)
        close(UInt8(ascii: "}"))
    }

    private mutating func newLine() {
        buffer.writeInteger(UInt8(ascii: "\n"))
        buffer.writeRepeatingByte(UInt8(ascii: " "), count: depth * 2)
    }
}
