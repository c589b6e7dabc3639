internal import Cassandra
internal import NIOCore

/// How a column of the query becomes a column of the table: one kind for each pair of types, settled before the query starts.
///
/// The conversions are those of the Spark Cassandra connector's type converters, as far as scalar types go.
enum CassandraConversion: Hashable, Sendable {
    case text
    case blob
    case boolean
    case int8, int16, int32, int64
    case float, double
    /// Milliseconds from microseconds.
    case timestamp
    /// Days, with 2^31 for 1970-01-01.
    case date
    case uuidFromText(isTimeBased: Bool)
    /// Cast to a Spark type first, then as that type.
    indirect case cast(DataType, CassandraConversion)

    /// nil where the connector has no conversion either, or Leat does not serve it.
    static func between(_ from: DataType, _ to: CQLType) -> CassandraConversion? {
        let to = to.unfrozen
        func through(_ type: DataType, _ conversion: CassandraConversion) -> CassandraConversion? {
            if from == type { return conversion }
            guard TypeCoercion.complaint(casting: from, to: type) == nil else { return nil }
            return .cast(type, conversion)
        }
        switch to {
        case .text, .ascii: return from.isNested ? nil : through(.string, .text)
        case .blob: return from == .binary || from == .string ? .blob : nil
        case .boolean: return through(.boolean, .boolean)
        case .tinyint: return through(.byte, .int8)
        case .smallint: return through(.short, .int16)
        case .int: return through(.integer, .int32)
        case .bigint, .counter: return through(.long, .int64)
        case .float: return through(.float, .float)
        case .double: return through(.double, .double)
        case .timestamp: return through(.timestamp, .timestamp)
        case .date: return through(.date, .date)
        case .uuid: return from == .string ? .uuidFromText(isTimeBased: false) : nil
        case .timeuuid: return from == .string ? .uuidFromText(isTimeBased: true) : nil
        default: return nil
        }
    }
}

/// A column of a chunk, converted and ready to be appended row by row.
struct CassandraColumn {
    let values: Column
    let conversion: CassandraConversion
    private let uuids: Buffer<UUIDWords>?

    private struct UUIDWords: BitwiseCopyable {
        var high: UInt64
        var low: UInt64
    }

    /// Converts the selected rows; those that do not convert are reported and null.
    init(
        _ column: Column, _ conversion: CassandraConversion, name: String, type: CQLType, _ evaluator: Evaluator, _ selection: Selection,
        refuse: (Int, String) -> Void
    ) throws {
        if case .cast(let target, let inner) = conversion {
            let converted = try evaluator.cast(column, to: target, isTry: true, selection)
            selection.eachRow { row in
                if converted.isNull(row), !column.isNull(row) { refuse(row, Self.refusal(column, row, name: name, type: type)) }
            }
            values = converted
            self.conversion = inner
            uuids = nil
            return
        }
        values = column
        self.conversion = conversion
        guard case .uuidFromText(let isTimeBased) = conversion, case .bytes(let texts) = column.values else {
            uuids = nil
            return
        }
        let words = Buffer<UUIDWords>(count: max(1, column.count))
        selection.eachRow { row in
            guard !column.isNull(row) else { return }
            var uuid = UUIDWords(high: 0, low: 0)
            if Self.parse(texts.pointer[row &* column.stride], &uuid), !isTimeBased || uuid.high >> 12 & 0xF == 1 {
                words.pointer[row] = uuid
            } else {
                refuse(row, Self.refusal(column, row, name: name, type: type))
            }
        }
        uuids = words
    }

    private static func refusal(_ column: Column, _ row: Int, name: String, type: CQLType) -> String {
        "column '\(name)': '\((column.text(row) ?? "NULL").prefix(60))' is no \(type)"
    }

    /// The 36-character form, in either case.
    private static func parse(_ view: ByteView, _ uuid: inout UUIDWords) -> Bool {
        guard view.length == 36, let text = view.start else { return false }
        var high: UInt64 = 0, low: UInt64 = 0
        var bad: UInt8 = 0
        for position in 0..<36 {
            let byte = text[position]
            if position == 8 || position == 13 || position == 18 || position == 23 {
                bad |= byte ^ 0x2D
                continue
            }
            let digit = hexDigits[Int(byte)]
            bad |= digit & 0xF0
            if position < 18 { high = high &<< 4 | UInt64(digit) } else { low = low &<< 4 | UInt64(digit) }
        }
        uuid.high = high
        uuid.low = low
        return bad == 0
    }

    private static let hexDigits: [UInt8] = (0..<256).map { byte in
        switch UInt8(byte) {
        case 0x30...0x39: UInt8(byte) - 0x30
        case 0x41...0x46: UInt8(byte) - 0x37
        case 0x61...0x66: UInt8(byte) - 0x57
        default: 0xFF
        }
    }

    /// The length of a key component's bytes; nil where it has a fixed one.
    func length(_ row: Int) -> Int? {
        guard case .bytes(let views) = values.values, uuids == nil else { return nil }
        return views.pointer[row &* values.stride].length
    }

    @inline(__always)
    func append(_ row: Int, to batch: inout EncodedBatch) {
        guard !values.isNull(row) else { return batch.appendNull() }
        let index = row &* values.stride
        if let uuids {
            let words = uuids.pointer[row]
            return batch.append(uuid: CQLUUID(high: words.high, low: words.low))
        }
        switch values.values {
        case .bytes(let views): batch.append(UnsafeRawBufferPointer(views.pointer[index].bytes))
        case .boolean(let buffer): batch.append(boolean: buffer.pointer[index])
        case .byte(let buffer): batch.append(int8: buffer.pointer[index])
        case .short(let buffer): batch.append(int16: buffer.pointer[index])
        case .integer(let buffer):
            if conversion == .date {
                batch.append(int32: Int32(bitPattern: UInt32(bitPattern: buffer.pointer[index]) &+ 0x8000_0000))
            } else {
                batch.append(int32: buffer.pointer[index])
            }
        case .long(let buffer):
            if conversion == .timestamp {
                let micros = buffer.pointer[index]
                batch.append(int64: micros >= 0 ? micros / 1_000 : (micros - 999) / 1_000)
            } else {
                batch.append(int64: buffer.pointer[index])
            }
        case .float(let buffer): batch.append(float: buffer.pointer[index])
        case .double(let buffer): batch.append(double: buffer.pointer[index])
        case .none, .structure, .array, .map, .decimal, .interval: batch.appendNull()
        }
    }
}
