/// Reads Thrift's compact protocol, in which Parquet writes its footer and its pages' headers (thrift-compact-protocol.md).
///
/// Fields come as they stand; what a caller does not know is skipped. Lengths and counts are checked against the bytes that are left, and
/// structures nest only so deep.
struct ThriftReader {
    enum Kind: UInt8 {
        case yes = 1
        case no = 2
        case byte, i16, i32, i64, double, binary, list, set, map, structure
    }

    struct Field {
        var id: Int16
        var kind: Kind

        var isTrue: Bool { kind == .yes }
    }

    private static let depthMax = 32
    private let bytes: UnsafeRawBufferPointer
    private(set) var place: Int
    private var depth = 0

    init(_ bytes: UnsafeRawBufferPointer, at place: Int = 0) {
        self.bytes = bytes
        self.place = place
    }

    private var left: Int { bytes.count - place }

    private static func ended() -> ParquetError { .malformed("its metadata ends in the middle of a value") }

    mutating func byte() throws -> UInt8 {
        guard left > 0 else { throw Self.ended() }
        defer { place += 1 }
        return bytes[place]
    }

    private mutating func varint() throws -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = try byte()
            guard shift < 64 else { throw ParquetError.malformed("a number of its metadata is too long") }
            value |= UInt64(next & 0x7F) << shift
            if next < 0x80 { return value }
            shift += 7
        }
    }

    mutating func int64() throws -> Int64 {
        let value = try varint()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    mutating func int32() throws -> Int32 {
        guard let value = Int32(exactly: try int64()) else { throw ParquetError.malformed("a number of its metadata is out of range") }
        return value
    }

    /// Bytes that are lent from the reader's own.
    mutating func binary() throws -> UnsafeRawBufferPointer {
        let count = try varint()
        guard count <= UInt64(left) else { throw Self.ended() }
        defer { place += Int(count) }
        return UnsafeRawBufferPointer(rebasing: bytes[place..<(place + Int(count))])
    }

    mutating func string() throws -> String { String(decoding: try binary(), as: UTF8.self) }

    /// Calls `body` for each field; where it answers false, the field is skipped.
    mutating func structure(_ body: (inout ThriftReader, Field) throws -> Bool) throws {
        guard depth < Self.depthMax else { throw ParquetError.malformed("its metadata is nested too deep") }
        depth += 1
        defer { depth -= 1 }
        var id: Int16 = 0
        while true {
            let head = try byte()
            if head == 0 { return }
            guard let kind = Kind(rawValue: head & 0x0F) else { throw ParquetError.malformed("its metadata has a field of no known kind") }
            if head >> 4 == 0 {
                guard let value = Int16(exactly: try int64()) else { throw ParquetError.malformed("a field's number is out of range") }
                id = value
            } else {
                id = id &+ Int16(head >> 4)
            }
            let before = place
            if try !body(&self, Field(id: id, kind: kind)) {
                guard place == before else { throw ParquetError.malformed("a field of its metadata has another kind than it should") }
                try skip(kind)
            }
        }
    }

    /// Calls `body` once for each element.
    mutating func list(_ body: (inout ThriftReader, Kind) throws -> Void) throws {
        let head = try byte()
        let count = head >> 4 == 15 ? try varint() : UInt64(head >> 4)
        guard let kind = Kind(rawValue: head & 0x0F) else { throw ParquetError.malformed("its metadata has a list of no known kind") }
        // Every element takes a byte at least.
        guard count <= UInt64(left) else { throw Self.ended() }
        for _ in 0..<count { try body(&self, kind) }
    }

    private mutating func skip(_ kind: Kind) throws {
        switch kind {
        case .yes, .no: break
        case .byte: _ = try byte()
        case .i16, .i32, .i64: _ = try varint()
        case .double:
            guard left >= 8 else { throw Self.ended() }
            place += 8
        case .binary: _ = try binary()
        case .structure: try structure { _, _ in false }
        case .list, .set:
            guard depth < Self.depthMax else { throw ParquetError.malformed("its metadata is nested too deep") }
            depth += 1
            defer { depth -= 1 }
            // A flag takes a byte in a list.
            try list { try $0.skip($1 == .yes || $1 == .no ? .byte : $1) }
        case .map: throw ParquetError.malformed("its metadata has a map")
        }
    }
}

/// Writes Thrift's compact protocol.
struct ThriftWriter {
    private(set) var bytes: [UInt8] = []
    private var last: Int16 = 0

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private mutating func zigzag(_ value: Int64) { varint(UInt64(bitPattern: value << 1 ^ value >> 63)) }

    private mutating func head(_ id: Int16, _ kind: ThriftReader.Kind) {
        let delta = id - last
        if (1...15).contains(delta) {
            bytes.append(UInt8(delta) << 4 | kind.rawValue)
        } else {
            bytes.append(kind.rawValue)
            zigzag(Int64(id))
        }
        last = id
    }

    mutating func write(_ id: Int16, _ value: Int32) {
        head(id, .i32)
        zigzag(Int64(value))
    }

    mutating func write(_ id: Int16, byte value: Int8) {
        head(id, .byte)
        bytes.append(UInt8(bitPattern: value))
    }

    mutating func write(_ id: Int16, long value: Int64) {
        head(id, .i64)
        zigzag(value)
    }

    mutating func write(_ id: Int16, _ value: Bool) { head(id, value ? .yes : .no) }

    mutating func write(_ id: Int16, _ value: some Collection<UInt8>) {
        head(id, .binary)
        varint(UInt64(value.count))
        bytes += value
    }

    mutating func write(_ id: Int16, _ text: String) { write(id, Array(text.utf8)) }

    mutating func structure(_ id: Int16, _ body: (inout ThriftWriter) -> Void) {
        head(id, .structure)
        nested(body)
    }

    /// A structure without a field of its own: the document, or an element of a list.
    mutating func nested(_ body: (inout ThriftWriter) -> Void) {
        let outer = last
        last = 0
        body(&self)
        bytes.append(0)
        last = outer
    }

    mutating func list<Element>(
        _ id: Int16, _ kind: ThriftReader.Kind, _ elements: some Collection<Element>, _ body: (inout ThriftWriter, Element) -> Void
    ) {
        head(id, .list)
        if elements.count < 15 {
            bytes.append(UInt8(elements.count) << 4 | kind.rawValue)
        } else {
            bytes.append(0xF0 | kind.rawValue)
            varint(UInt64(elements.count))
        }
        for element in elements { body(&self, element) }
    }

    /// An element of a list.
    mutating func element(_ value: Int32) { zigzag(Int64(value)) }

    mutating func element(_ text: String) {
        varint(UInt64(text.utf8.count))
        bytes += text.utf8
    }
}
