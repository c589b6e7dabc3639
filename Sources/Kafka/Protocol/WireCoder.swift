internal import NIOCore

/// One walk over a message's fields that either reads or writes them.
///
/// Every message describes its layout once, in a function generic over the coder; ``WireDecoder`` fills the fields from bytes
/// and ``WireEncoder`` writes them, so that the two directions cannot drift apart. The forms are those of Kafka's protocol
/// guide: before a message's first flexible version, lengths are fixed INT16 or INT32; from it on (KIP-482) they are unsigned
/// varints of length + 1, and each structure ends with tagged fields.
protocol WireCoder {
    var version: Int16 { get }
    var flexible: Bool { get }

    mutating func code(_ value: inout Bool) throws(WireError)
    mutating func code(_ value: inout Int8) throws(WireError)
    mutating func code(_ value: inout Int16) throws(WireError)
    mutating func code(_ value: inout Int32) throws(WireError)
    mutating func code(_ value: inout Int64) throws(WireError)
    mutating func code(_ value: inout TopicID) throws(WireError)
    mutating func code(_ value: inout String) throws(WireError)
    mutating func code(_ value: inout String?) throws(WireError)
    /// Always with an INT16 length, flexible or not: the client id of a request's header.
    mutating func codeInflexible(_ value: inout String?) throws(WireError)
    mutating func code(_ value: inout ByteBuffer) throws(WireError)
    mutating func code(_ value: inout Records?) throws(WireError)
    mutating func code(_ value: inout [Int32]) throws(WireError)
    mutating func code(_ value: inout [Int64]) throws(WireError)
    mutating func code(_ value: inout [String]) throws(WireError)
    mutating func code(_ value: inout [String]?) throws(WireError)
    mutating func code<Element: WireStruct>(_ value: inout [Element]) throws(WireError)
    mutating func code<Element: WireStruct>(_ value: inout [Element]?) throws(WireError)
    /// The tagged fields that end a flexible structure: skipped when read, none written. Nothing in inflexible versions.
    mutating func tags() throws(WireError)
    /// As ``tags()``, where some of the tagged fields are known: all are read, and those in `fields` are written, by rising tag.
    mutating func tags(_ fields: inout TaggedFields) throws(WireError)
}

/// The tagged fields that end a flexible structure (KIP-482), each as its bytes.
struct TaggedFields: Sendable, Equatable {
    private(set) var fields: [UInt32: ByteBuffer] = [:]

    subscript(tag: UInt32) -> ByteBuffer? {
        get { fields[tag] }
        set { fields[tag] = newValue }
    }
}

extension WireCoder {
    mutating func code(_ value: inout ErrorCode) throws(WireError) {
        var raw = value.rawValue
        try code(&raw)
        value = ErrorCode(rawValue: raw)
    }
}

/// Something with a layout on the wire. `init()` gives every field its default, which stands where a version lacks the field.
protocol WireStruct: Sendable {
    init()
    mutating func code(_ coder: inout some WireCoder) throws(WireError)
}

/// A topic's unique id (KIP-516): 16 bytes, all zero for "none".
package struct TopicID: Hashable, Sendable, CustomStringConvertible {
    var high: UInt64 = 0
    var low: UInt64 = 0

    static let zero = TopicID()

    static func random(using generator: inout some RandomNumberGenerator) -> TopicID {
        // Version 4, variant 1, as Kafka's own ids.
        let high = generator.next() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
        let low = generator.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        return TopicID(high: high, low: low)
    }

    static func random() -> TopicID {
        var generator = SystemRandomNumberGenerator()
        return random(using: &generator)
    }

    /// URL-safe base64 without padding, the form in which Kafka prints ids.
    package var description: String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        let bytes = [high, low].flatMap { half in (0..<8).map { UInt8(truncatingIfNeeded: half >> UInt64(56 - 8 * $0)) } }
        var text: [UInt8] = []
        var accumulator = 0, bits = 0
        for byte in bytes {
            accumulator = accumulator << 8 | Int(byte)
            bits += 8
            while bits >= 6 {
                bits -= 6
                text.append(alphabet[accumulator >> bits & 63])
            }
        }
        text.append(alphabet[accumulator << (6 - bits) & 63])
        return String(decoding: text, as: UTF8.self)
    }

    /// Two groups of 16 hexadecimal digits, as the topics' file keeps it.
    var hexadecimal: String {
        func digits(_ value: UInt64) -> String {
            let text = String(value, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }
        return digits(high) + digits(low)
    }

    init(high: UInt64 = 0, low: UInt64 = 0) {
        self.high = high
        self.low = low
    }

    init?(hexadecimal text: some StringProtocol) {
        guard text.utf8.count == 32, let high = UInt64(text.prefix(16), radix: 16), let low = UInt64(text.suffix(16), radix: 16)
        else { return nil }
        self.init(high: high, low: low)
    }
}

/// The record batches of a Produce request or a Fetch response.
enum Records: Sendable, Equatable {
    /// The bytes themselves (a slice of the frame when decoded).
    case bytes(ByteBuffer)
    /// Bytes that the caller sends itself, at the place that ``WireEncoder/externals`` notes: file regions, or buffers not to be copied.
    case external(length: Int)

    var length: Int {
        switch self {
        case .bytes(let buffer): buffer.readableBytes
        case .external(let length): length
        }
    }

    var bytes: ByteBuffer? {
        if case .bytes(let buffer) = self { buffer } else { nil }
    }
}
