/// One table of a FlatBuffer that somebody else wrote: every offset is checked against the bytes before it is followed.
struct FlatBufferTable {
    private let bytes: [UInt8]
    private let table: Int
    private let vtable: Int
    private let vtableSize: Int

    init(root bytes: [UInt8]) throws {
        self = try FlatBufferTable(bytes, at: Int(Self.integer(bytes, 0, as: UInt32.self)))
    }

    private init(_ bytes: [UInt8], at position: Int) throws {
        self.bytes = bytes
        table = position
        vtable = position - Int(try Self.integer(bytes, position, as: Int32.self))
        vtableSize = Int(try Self.integer(bytes, vtable, as: UInt16.self))
        guard vtableSize >= 4 else { throw ArrowError.malformed("a table without fields") }
    }

    private static func integer<Value: FixedWidthInteger>(_ bytes: [UInt8], _ position: Int, as: Value.Type) throws -> Value {
        let size = MemoryLayout<Value>.size
        guard position >= 0, position <= bytes.count - size else { throw ArrowError.malformed("an offset beyond the metadata") }
        return bytes.withUnsafeBytes { Value(littleEndian: $0.loadUnaligned(fromByteOffset: position, as: Value.self)) }
    }

    private func place(_ id: Int) throws -> Int? {
        let slot = 4 + 2 * id
        guard slot + 2 <= vtableSize else { return nil }
        let offset = Int(try Self.integer(bytes, vtable + slot, as: UInt16.self))
        return offset == 0 ? nil : table + offset
    }

    func scalar<Value: FixedWidthInteger>(_ id: Int, default value: Value) throws -> Value {
        guard let place = try place(id) else { return value }
        return try Self.integer(bytes, place, as: Value.self)
    }

    private func target(_ place: Int) throws -> Int { place + Int(try Self.integer(bytes, place, as: UInt32.self)) }

    func table(_ id: Int) throws -> FlatBufferTable? {
        guard let place = try place(id) else { return nil }
        return try FlatBufferTable(bytes, at: target(place))
    }

    func string(_ id: Int) throws -> String? {
        guard let place = try place(id) else { return nil }
        let start = try target(place)
        let count = Int(try Self.integer(bytes, start, as: UInt32.self))
        guard count <= bytes.count - start - 4 else { throw ArrowError.malformed("a string beyond the metadata") }
        return String(decoding: bytes[(start + 4)..<(start + 4 + count)], as: UTF8.self)
    }

    private func vector(_ id: Int, elementSize: Int) throws -> (start: Int, count: Int)? {
        guard let place = try place(id) else { return nil }
        let start = try target(place)
        let count = Int(try Self.integer(bytes, start, as: UInt32.self))
        guard count <= (bytes.count - start - 4) / elementSize else { throw ArrowError.malformed("a list beyond the metadata") }
        return (start + 4, count)
    }

    func tables(_ id: Int) throws -> [FlatBufferTable] {
        guard let (start, count) = try vector(id, elementSize: 4) else { return [] }
        return try (0..<count).map { try FlatBufferTable(bytes, at: target(start + 4 * $0)) }
    }

    /// Structs of two longs.
    func pairs(_ id: Int) throws -> [(Int64, Int64)] {
        guard let (start, count) = try vector(id, elementSize: 16) else { return [] }
        return try (0..<count).map { index in
            (
                try Self.integer(bytes, start + 16 * index, as: Int64.self),
                try Self.integer(bytes, start + 16 * index + 8, as: Int64.self)
            )
        }
    }
}

/// Why bytes are no Arrow stream that is read here.
enum ArrowError: Error, Hashable, CustomStringConvertible {
    case malformed(String)
    case notServed(String)

    var description: String {
        switch self {
        case .malformed(let what): "the Arrow stream is malformed: \(what)"
        case .notServed(let what): "\(what) is not read from Arrow"
        }
    }

    var sparkError: SparkError {
        switch self {
        case .malformed:
            SparkError("CONNECT_INVALID_PLAN.CANNOT_PARSE", sqlState: "56K00", "The rows of the query cannot be read: \(self).")
        case .notServed: SparkError("UNSUPPORTED_DATATYPE", sqlState: "0A000", "Unsupported data type: \(self).")
        }
    }
}
