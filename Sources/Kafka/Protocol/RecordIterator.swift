/// Where one record's parts lie in the bytes of its batch's (decompressed) records.
struct RecordPosition: Sendable, Equatable {
    var timestampDelta: Int64
    var offsetDelta: Int32
    var keyStart: Int
    /// -1: null.
    var keyLength: Int
    var valueStart: Int
    /// -1: null.
    var valueLength: Int
    /// From the header count's varint to the record's end.
    var headersStart: Int
    var headersLength: Int
}

/// Walks over the records of one batch, whose bytes are decompressed, without building anything.
///
/// A record: length, attributes (one byte), timestamp delta, offset delta, key length and key, value length and value, header
/// count and headers; the numbers are zigzag varints.
struct RecordIterator {
    private let bytes: UnsafeRawBufferPointer
    private(set) var position: Int

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        position = 0
    }

    /// The next record, nil at the end of the bytes. Bytes that are no record throw.
    mutating func next() throws(WireError) -> RecordPosition? {
        guard position < bytes.count else { return nil }
        let length = Int(try Self.varint(bytes, &position, end: bytes.count))
        guard length >= 0 else { throw .negativeLength(length) }
        guard length <= bytes.count - position else { throw .truncated(needed: length, readable: bytes.count - position) }
        let end = position + length
        guard position < end else { throw .truncated(needed: 1, readable: 0) }
        position += 1
        let timestampDelta = try Self.varlong(bytes, &position, end: end)
        let offsetDelta = try Self.varint(bytes, &position, end: end)
        let keyLength = try Self.length(bytes, &position, end: end)
        let keyStart = position
        position += max(0, keyLength)
        let valueLength = try Self.length(bytes, &position, end: end)
        let valueStart = position
        position += max(0, valueLength)
        let record = RecordPosition(
            timestampDelta: timestampDelta, offsetDelta: offsetDelta, keyStart: keyStart, keyLength: keyLength,
            valueStart: valueStart, valueLength: valueLength, headersStart: position, headersLength: end - position)
        position = end
        return record
    }

    /// A length of -1 (null) or more, with that many bytes before `end`.
    @inline(__always)
    static func length(_ bytes: UnsafeRawBufferPointer, _ position: inout Int, end: Int) throws(WireError) -> Int {
        let length = Int(try varint(bytes, &position, end: end))
        guard length >= -1 else { throw .negativeLength(length) }
        guard length <= end - position else { throw .truncated(needed: length, readable: end - position) }
        return length
    }

    @inline(__always)
    static func varint(_ bytes: UnsafeRawBufferPointer, _ position: inout Int, end: Int) throws(WireError) -> Int32 {
        let value = try unsigned(bytes, &position, end: end, bytesMax: 5)
        let folded = UInt32(truncatingIfNeeded: value)
        return Int32(bitPattern: folded >> 1) ^ -Int32(bitPattern: folded & 1)
    }

    @inline(__always)
    static func varlong(_ bytes: UnsafeRawBufferPointer, _ position: inout Int, end: Int) throws(WireError) -> Int64 {
        let value = try unsigned(bytes, &position, end: end, bytesMax: 10)
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    @inline(__always)
    private static func unsigned(
        _ bytes: UnsafeRawBufferPointer, _ position: inout Int, end: Int, bytesMax: Int
    ) throws(WireError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        for _ in 0..<bytesMax {
            guard position < end else { throw .truncated(needed: 1, readable: 0) }
            let byte = bytes[position]
            position += 1
            value |= UInt64(byte & 0x7F) &<< shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw .malformedVarint
    }
}
