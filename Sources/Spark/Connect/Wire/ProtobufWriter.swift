internal import NIOCore

/// Writes protobuf messages (proto3 wire format).
///
/// Plain fields are left out when they hold their type's zero, as proto3 wants; the variants with `optional:` are for fields
/// declared `optional` and members of a oneof, which are written whenever they are set.
struct ProtobufWriter {
    private(set) var buffer = ByteBuffer()

    mutating func write(_ number: Int, _ value: String) {
        if !value.isEmpty { write(number, optional: value) }
    }

    mutating func write(_ number: Int, optional value: String?) {
        guard let value else { return }
        key(number, wireType: 2)
        varint(UInt64(value.utf8.count))
        buffer.writeString(value)
    }

    mutating func write(_ number: Int, repeated values: [String]) {
        for value in values { write(number, optional: value) }
    }

    mutating func write(_ number: Int, _ value: Bool) {
        if value { write(number, optional: value) }
    }

    mutating func write(_ number: Int, optional value: Bool?) {
        guard let value else { return }
        key(number, wireType: 0)
        varint(value ? 1 : 0)
    }

    mutating func write(_ number: Int, _ value: Int64) {
        if value != 0 { write(number, optional: value) }
    }

    /// Negative numbers take ten bytes, as `int32` and `int64` do in protobuf.
    mutating func write(_ number: Int, optional value: Int64?) {
        guard let value else { return }
        key(number, wireType: 0)
        varint(UInt64(bitPattern: value))
    }

    mutating func write(_ number: Int, _ value: Double) {
        guard value.bitPattern != 0 else { return }
        key(number, wireType: 1)
        buffer.writeInteger(value.bitPattern, endianness: .little)
    }

    mutating func write(_ number: Int, optional value: Double?) {
        guard let value else { return }
        key(number, wireType: 1)
        buffer.writeInteger(value.bitPattern, endianness: .little)
    }

    mutating func write(_ number: Int, optional value: Float?) {
        guard let value else { return }
        key(number, wireType: 5)
        buffer.writeInteger(value.bitPattern, endianness: .little)
    }

    mutating func write(_ number: Int, optional value: ByteBuffer?) {
        guard let value else { return }
        key(number, wireType: 2)
        varint(UInt64(value.readableBytes))
        buffer.writeImmutableBuffer(value)
    }

    mutating func write(_ number: Int, _ message: (some ProtobufMessage)?) {
        guard let message else { return }
        write(number) { message.encode(into: &$0) }
    }

    /// A message field whose content `body` writes.
    mutating func write(_ number: Int, _ body: (inout ProtobufWriter) -> Void) {
        var nested = ProtobufWriter()
        body(&nested)
        write(number, optional: nested.buffer)
    }

    mutating func write(_ number: Int, map: [String: String]) {
        for (key, value) in map.sorted(by: { $0.key < $1.key }) {
            write(number) { entry in
                entry.write(1, key)
                entry.write(2, value)
            }
        }
    }

    private mutating func key(_ number: Int, wireType: UInt64) {
        varint(UInt64(number) << 3 | wireType)
    }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            buffer.writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        buffer.writeInteger(UInt8(rest))
    }
}
