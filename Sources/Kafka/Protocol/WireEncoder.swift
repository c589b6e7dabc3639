internal import NIOCore

/// Writes a message into a buffer.
struct WireEncoder: WireCoder {
    var buffer: ByteBuffer
    let version: Int16
    let flexible: Bool
    /// Where ``Records/external(length:)`` belong: offsets in `buffer` at which the caller inserts that many bytes, in order.
    private(set) var externals: [(offset: Int, length: Int)] = []

    init(_ buffer: ByteBuffer, version: Int16, flexible: Bool) {
        self.buffer = buffer
        self.version = version
        self.flexible = flexible
    }

    mutating func unsignedVarint(_ value: UInt32) {
        var value = value
        while value >= 0x80 {
            buffer.writeInteger(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        buffer.writeInteger(UInt8(truncatingIfNeeded: value))
    }

    private mutating func length(_ length: Int?, wide: Bool) throws(WireError) {
        let value = length ?? -1
        if flexible {
            guard value < Int32.max else { throw .valueTooLong(value) }
            unsignedVarint(UInt32(value + 1))
        } else if wide {
            guard let value = Int32(exactly: value) else { throw .valueTooLong(value) }
            buffer.writeInteger(value)
        } else {
            guard let value = Int16(exactly: value) else { throw .valueTooLong(value) }
            buffer.writeInteger(value)
        }
    }

    mutating func code(_ value: inout Bool) { buffer.writeInteger(value ? 1 : 0, as: UInt8.self) }
    mutating func code(_ value: inout Int8) { buffer.writeInteger(value) }
    mutating func code(_ value: inout Int16) { buffer.writeInteger(value) }
    mutating func code(_ value: inout Int32) { buffer.writeInteger(value) }
    mutating func code(_ value: inout Int64) { buffer.writeInteger(value) }
    mutating func code(_ value: inout TopicID) { buffer.writeMultipleIntegers(value.high, value.low) }

    mutating func code(_ value: inout String) throws(WireError) {
        try length(value.utf8.count, wide: false)
        buffer.writeString(value)
    }

    mutating func code(_ value: inout String?) throws(WireError) {
        try length(value?.utf8.count, wide: false)
        if let value { buffer.writeString(value) }
    }

    mutating func codeInflexible(_ value: inout String?) throws(WireError) {
        guard let count = Int16(exactly: value?.utf8.count ?? -1) else { throw .valueTooLong(value?.utf8.count ?? 0) }
        buffer.writeInteger(count)
        if let value { buffer.writeString(value) }
    }

    mutating func code(_ value: inout ByteBuffer) throws(WireError) {
        try length(value.readableBytes, wide: true)
        buffer.writeImmutableBuffer(value)
    }

    mutating func code(_ value: inout Records?) throws(WireError) {
        try length(value?.length, wide: true)
        switch value {
        case nil: break
        case .bytes(let bytes): buffer.writeImmutableBuffer(bytes)
        case .external(let length): externals.append((buffer.writerIndex, length))
        }
    }

    mutating func code(_ value: inout [Int32]) throws(WireError) {
        try length(value.count, wide: true)
        for element in value { buffer.writeInteger(element) }
    }

    mutating func code(_ value: inout [Int64]) throws(WireError) {
        try length(value.count, wide: true)
        for element in value { buffer.writeInteger(element) }
    }

    mutating func code(_ value: inout [String]) throws(WireError) {
        try length(value.count, wide: true)
        for var element in value { try code(&element) }
    }

    mutating func code(_ value: inout [String]?) throws(WireError) {
        try length(value?.count, wide: true)
        for var element in value ?? [] { try code(&element) }
    }

    mutating func code<Element: WireStruct>(_ value: inout [Element]) throws(WireError) {
        try length(value.count, wide: true)
        for var element in value { try element.code(&self) }
    }

    mutating func code<Element: WireStruct>(_ value: inout [Element]?) throws(WireError) {
        try length(value?.count, wide: true)
        for var element in value ?? [] { try element.code(&self) }
    }

    mutating func tags() {
        if flexible { unsignedVarint(0) }
    }

    mutating func tags(_ fields: inout TaggedFields) {
        guard flexible else { return }
        unsignedVarint(UInt32(fields.fields.count))
        for (tag, bytes) in fields.fields.sorted(by: { $0.key < $1.key }) {
            unsignedVarint(tag)
            unsignedVarint(UInt32(bytes.readableBytes))
            buffer.writeImmutableBuffer(bytes)
        }
    }
}
