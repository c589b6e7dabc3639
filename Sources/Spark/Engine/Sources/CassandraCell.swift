internal import Cassandra
internal import NIOCore

/// How a cell of a CQL type becomes a value of a Spark type: bytes straight into the column's builder.
indirect enum CassandraCell: Hashable, Sendable {
    case text, blob, boolean, int8, int16, int32, int64, float, double, date, timestamp, uuid, inet, decimal, varint
    case array(CassandraCell)
    case map(CassandraCell, CassandraCell)

    /// nil for types that are not read: user-defined ones, tuples, durations and custom ones.
    init?(_ type: CQLType) {
        switch type.unfrozen {
        case .text, .ascii: self = .text
        case .blob: self = .blob
        case .boolean: self = .boolean
        case .tinyint: self = .int8
        case .smallint: self = .int16
        case .int: self = .int32
        // A time of day is its nanoseconds.
        case .bigint, .counter, .time: self = .int64
        case .float: self = .float
        case .double: self = .double
        case .date: self = .date
        case .timestamp: self = .timestamp
        case .uuid, .timeuuid: self = .uuid
        case .inet: self = .inet
        case .decimal: self = .decimal
        case .varint: self = .varint
        case .list(let element), .set(let element):
            guard let element = CassandraCell(element) else { return nil }
            self = .array(element)
        case .map(let key, let value):
            guard let key = CassandraCell(key), let value = CassandraCell(value) else { return nil }
            self = .map(key, value)
        default: return nil
        }
    }

    static let decimalScale = 18

    var type: DataType {
        switch self {
        case .text, .uuid, .inet: .string
        case .blob: .binary
        case .boolean: .boolean
        case .int8: .byte
        case .int16: .short
        case .int32: .integer
        case .int64: .long
        case .float: .float
        case .double: .double
        case .date: .date
        case .timestamp: .timestamp
        case .decimal: .decimal(precision: 38, scale: Self.decimalScale)
        case .varint: .decimal(precision: 38, scale: 0)
        case .array(let element): .array(element.type, containsNull: true)
        case .map(let key, let value): .map(key: key.type, value: value.type, valueContainsNull: true)
        }
    }

    /// A page's cells, which lie row by row, each a length and its bytes.
    static func columns(_ rows: ResultMessage.Rows, _ cells: [CassandraCell]) throws -> [Column] {
        let builders = cells.map { ColumnBuilder($0.type) }
        try rows.content.withUnsafeReadableBytes { bytes in
            var place = 0
            for _ in 0..<rows.rowCount {
                for index in cells.indices { try cells[index].take(bytes, &place, into: builders[index]) }
            }
        }
        return builders.map { $0.finish() }
    }

    private static func malformed() -> SparkError {
        SparkError("CASSANDRA_MALFORMED_PAGE", sqlState: "08P01", "Cassandra sent a page whose cells are not as long as they should be.")
    }

    private func take(_ bytes: UnsafeRawBufferPointer, _ place: inout Int, into builder: ColumnBuilder) throws {
        guard place + 4 <= bytes.count else { throw Self.malformed() }
        let length = Int(Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: place, as: Int32.self)))
        place += 4
        guard length >= 0 else { return builder.appendNull() }
        guard place + length <= bytes.count else { throw Self.malformed() }
        try append(UnsafeRawBufferPointer(rebasing: bytes[place..<place + length]), to: builder)
        place += length
    }

    private func append(_ bytes: UnsafeRawBufferPointer, to builder: ColumnBuilder) throws {
        func fixed<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type) -> T? {
            bytes.count == MemoryLayout<T>.size ? T(bigEndian: bytes.loadUnaligned(as: T.self)) : nil
        }
        func number<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) throws {
            // What thrift left behind: an empty value of a type that has none.
            if bytes.isEmpty { return builder.appendNull() }
            guard let value = fixed(type) else { throw Self.malformed() }
            builder.append(value: value)
        }
        switch self {
        case .text, .blob: bytes.withMemoryRebound(to: UInt8.self) { builder.append(bytes: $0) }
        case .boolean:
            if bytes.isEmpty { builder.appendNull() } else { builder.append(value: bytes[0] != 0) }
        case .int8: try number(Int8.self)
        case .int16: try number(Int16.self)
        case .int32, .float: try number(Int32.self)
        case .int64, .double: try number(Int64.self)
        case .date:
            guard let raw = fixed(UInt32.self) else { return builder.appendNull() }
            builder.append(value: Int32(bitPattern: raw &- 0x8000_0000))
        case .timestamp:
            guard let millis = fixed(Int64.self) else { return builder.appendNull() }
            let (micros, overflow) = millis.multipliedReportingOverflow(by: 1_000)
            guard !overflow else { throw Self.tooLarge("\(millis) ms since 1970", .timestamp) }
            builder.append(value: micros)
        case .uuid:
            guard bytes.count == 16 else { return builder.appendNull() }
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 36) { text in
                UUIDBytes.write(bytes, to: text)
                builder.append(bytes: UnsafeBufferPointer(text))
            }
        case .inet:
            guard let address = InternetAddress(bytes: bytes) else { throw Self.malformed() }
            builder.append(.string(address.description))
        case .varint:
            guard let value = Self.whole(bytes), DecimalMath.fits(value, 38) else {
                throw Self.tooLarge("\(CQLVarint(bytes: bytes))", type)
            }
            builder.append(value: value)
        case .decimal:
            guard bytes.count > 4 else { return builder.appendNull() }
            let scale = Int(Int32(bigEndian: bytes.loadUnaligned(as: Int32.self)))
            let digits = UnsafeRawBufferPointer(rebasing: bytes[4...])
            guard let unscaled = Self.whole(digits), let value = DecimalMath.rescaled(unscaled, from: scale, to: Self.decimalScale),
                DecimalMath.fits(value, 38)
            else { throw Self.tooLarge("\(CQLDecimal(unscaled: CQLVarint(bytes: digits), scale: Int32(scale)))", type) }
            builder.append(value: value)
        case .array(let element):
            var place = 0
            for _ in 0..<(try Self.count(bytes, &place)) { try element.take(bytes, &place, into: builder.children[0]) }
            builder.closeNested()
        case .map(let key, let value):
            var place = 0
            for _ in 0..<(try Self.count(bytes, &place)) {
                try key.take(bytes, &place, into: builder.children[0])
                try value.take(bytes, &place, into: builder.children[1])
            }
            builder.closeNested()
        }
    }

    private static func count(_ bytes: UnsafeRawBufferPointer, _ place: inout Int) throws -> Int {
        guard bytes.count >= 4 else { throw malformed() }
        place = 4
        return max(0, Int(Int32(bigEndian: bytes.loadUnaligned(as: Int32.self))))
    }

    private static func tooLarge(_ value: String, _ type: DataType) -> SparkError {
        SparkError(
            "NUMERIC_VALUE_OUT_OF_RANGE.WITHOUT_SUGGESTION", sqlState: "22003", "The value \(value) cannot be represented as \(type.sql).")
    }

    /// A whole number of any length, two's complement; nil beyond 128 bits.
    private static func whole(_ bytes: UnsafeRawBufferPointer) -> Int128? {
        guard let first = bytes.first else { return 0 }
        let fill: UInt8 = first >= 0x80 ? 0xFF : 0
        var value: Int128 = first >= 0x80 ? -1 : 0
        for (index, byte) in bytes.enumerated() {
            if bytes.count - index > 16 {
                guard byte == fill else { return nil }
                continue
            }
            value = value << 8 | Int128(byte)
        }
        // The sign must have survived the bytes that were left out.
        return bytes.count > 16 && (value < 0) != (first >= 0x80) ? nil : value
    }
}

/// A UUID's sixteen bytes as its 36 characters.
enum UUIDBytes {
    private static let digits: StaticString = "0123456789abcdef"

    static func write(_ bytes: UnsafeRawBufferPointer, to text: UnsafeMutableBufferPointer<UInt8>) {
        var place = 0
        for (index, byte) in bytes.enumerated() {
            if index == 4 || index == 6 || index == 8 || index == 10 {
                text[place] = UInt8(ascii: "-")
                place += 1
            }
            text[place] = digits.utf8Start[Int(byte >> 4)]
            text[place + 1] = digits.utf8Start[Int(byte & 15)]
            place += 2
        }
    }
}
