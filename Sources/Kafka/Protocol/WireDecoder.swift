internal import NIOCore

/// Reads a message from a buffer. Whatever the bytes are it ends in a value or a ``WireError``: every length is held against
/// the bytes that are left before anything is reserved, and the elements of all arrays of one message are bounded together.
struct WireDecoder: WireCoder {
    var buffer: ByteBuffer
    let version: Int16
    let flexible: Bool
    private var elementsLeft = Self.elementsMax

    /// The most array elements in one message; Kafka's largest ordinary messages have some ten thousand.
    static let elementsMax = 1_000_000

    init(_ buffer: ByteBuffer, version: Int16, flexible: Bool) {
        self.buffer = buffer
        self.version = version
        self.flexible = flexible
    }

    mutating func integer<Integer: FixedWidthInteger>() throws(WireError) -> Integer {
        guard let value = buffer.readInteger(as: Integer.self) else {
            throw .truncated(needed: MemoryLayout<Integer>.size, readable: buffer.readableBytes)
        }
        return value
    }

    mutating func unsignedVarint() throws(WireError) -> UInt32 {
        var value: UInt32 = 0
        for shift in stride(from: UInt32(0), through: 28, by: 7) {
            let byte: UInt8 = try integer()
            guard shift < 28 || byte < 0x10 else { throw .malformedVarint }
            value |= UInt32(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw .malformedVarint
    }

    /// A length, nil for null. `wide`: INT32 rather than INT16 in inflexible versions.
    private mutating func length(wide: Bool) throws(WireError) -> Int? {
        if flexible {
            let value = Int(try unsignedVarint())
            return value == 0 ? nil : value - 1
        }
        let value: Int
        if wide {
            let length: Int32 = try integer()
            value = Int(length)
        } else {
            let length: Int16 = try integer()
            value = Int(length)
        }
        guard value >= -1 else { throw .negativeLength(value) }
        return value == -1 ? nil : value
    }

    private mutating func string(length: Int) throws(WireError) -> String {
        guard length <= buffer.readableBytes else { throw .truncated(needed: length, readable: buffer.readableBytes) }
        guard let text = buffer.readBytes(length: length).flatMap({ String(validating: $0, as: UTF8.self) }) else { throw .invalidUTF8 }
        return text
    }

    private mutating func slice(length: Int) throws(WireError) -> ByteBuffer {
        guard let slice = buffer.readSlice(length: length) else { throw .truncated(needed: length, readable: buffer.readableBytes) }
        return slice
    }

    /// An array's count, nil for null. No element takes less than `size` bytes.
    private mutating func count(elementSize size: Int) throws(WireError) -> Int? {
        guard let count = try length(wide: true) else { return nil }
        guard count <= buffer.readableBytes / size, count <= elementsLeft else { throw .tooManyElements(count) }
        elementsLeft -= count
        return count
    }

    mutating func code(_ value: inout Bool) throws(WireError) {
        let byte: UInt8 = try integer()
        value = byte != 0
    }
    mutating func code(_ value: inout Int8) throws(WireError) { value = try integer() }
    mutating func code(_ value: inout Int16) throws(WireError) { value = try integer() }
    mutating func code(_ value: inout Int32) throws(WireError) { value = try integer() }
    mutating func code(_ value: inout Int64) throws(WireError) { value = try integer() }
    mutating func code(_ value: inout TopicID) throws(WireError) { value = TopicID(high: try integer(), low: try integer()) }

    mutating func code(_ value: inout String) throws(WireError) {
        guard let length = try length(wide: false) else { throw .unexpectedNull }
        value = try string(length: length)
    }

    mutating func code(_ value: inout String?) throws(WireError) {
        guard let length = try length(wide: false) else { return value = nil }
        value = try string(length: length)
    }

    mutating func codeInflexible(_ value: inout String?) throws(WireError) {
        let length: Int16 = try integer()
        guard length >= -1 else { throw .negativeLength(Int(length)) }
        value = length == -1 ? nil : try string(length: Int(length))
    }

    mutating func code(_ value: inout ByteBuffer) throws(WireError) {
        guard let length = try length(wide: true) else { return value = ByteBuffer() }
        value = try slice(length: length)
    }

    mutating func code(_ value: inout Records?) throws(WireError) {
        guard let length = try length(wide: true) else { return value = nil }
        value = .bytes(try slice(length: length))
    }

    mutating func code(_ value: inout [Int32]) throws(WireError) {
        guard let count = try count(elementSize: 4) else { return value = [] }
        value = []
        value.reserveCapacity(count)
        for _ in 0..<count { value.append(try integer()) }
    }

    mutating func code(_ value: inout [Int64]) throws(WireError) {
        guard let count = try count(elementSize: 8) else { return value = [] }
        value = []
        value.reserveCapacity(count)
        for _ in 0..<count { value.append(try integer()) }
    }

    mutating func code(_ value: inout [String]) throws(WireError) {
        var strings: [String]? = nil
        try code(&strings)
        value = strings ?? []
    }

    mutating func code(_ value: inout [String]?) throws(WireError) {
        guard let count = try count(elementSize: 1) else { return value = nil }
        var strings: [String] = []
        for _ in 0..<count {
            var text = ""
            try code(&text)
            strings.append(text)
        }
        value = strings
    }

    mutating func code<Element: WireStruct>(_ value: inout [Element]) throws(WireError) {
        var elements: [Element]? = nil
        try code(&elements)
        value = elements ?? []
    }

    mutating func code<Element: WireStruct>(_ value: inout [Element]?) throws(WireError) {
        guard let count = try count(elementSize: 1) else { return value = nil }
        var elements: [Element] = []
        for _ in 0..<count {
            var element = Element()
            try element.code(&self)
            elements.append(element)
        }
        value = elements
    }

    mutating func tags() throws(WireError) {
        guard flexible else { return }
        for _ in 0..<(try unsignedVarint()) {
            _ = try unsignedVarint()
            let length = Int(try unsignedVarint())
            guard length <= buffer.readableBytes else { throw .truncated(needed: length, readable: buffer.readableBytes) }
            buffer.moveReaderIndex(forwardBy: length)
        }
    }

    mutating func tags(_ fields: inout TaggedFields) throws(WireError) {
        guard flexible else { return }
        fields = TaggedFields()
        for _ in 0..<(try unsignedVarint()) {
            let tag = try unsignedVarint()
            fields[tag] = try slice(length: Int(try unsignedVarint()))
        }
    }
}
