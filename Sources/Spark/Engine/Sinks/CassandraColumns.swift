internal import Cassandra
internal import NIOCore

/// How a column of the query becomes a column of the table: one kind for each pair of types, settled before the query starts.
///
/// The conversions are those of the Spark Cassandra connector's type converters, as far as scalar types and collections go.
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
    case inetFromText
    /// Nanoseconds of the day.
    case time
    /// The scale is the Spark type's.
    case decimal(scale: Int)
    case varint
    /// A list or a set, and what its elements are converted to.
    indirect case elements(CassandraConversion, CQLType)
    indirect case entries(CassandraConversion, CQLType, CassandraConversion, CQLType)
    /// Cast to a Spark type first, then as that type.
    indirect case cast(DataType, CassandraConversion)

    var isComposed: Bool {
        switch self {
        case .elements, .entries, .decimal, .varint, .inetFromText: true
        default: false
        }
    }

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
        case .inet: return from == .string ? .inetFromText : nil
        case .time: return from == .long ? .time : nil
        case .varint: return through(.decimal(precision: 38, scale: 0), .varint)
        case .decimal:
            if case .decimal(_, let scale) = from { return .decimal(scale: scale) }
            return through(.decimal(precision: 38, scale: CassandraCell.decimalScale), .decimal(scale: CassandraCell.decimalScale))
        case .list(let element), .set(let element):
            guard case .array(let type, _) = from, let inner = between(type, element) else { return nil }
            return .elements(inner, element)
        case .map(let key, let value):
            guard case .map(let keyType, let valueType, _) = from, let inner = between(keyType, key), let other = between(valueType, value)
            else { return nil }
            return .entries(inner, key, other, value)
        default: return nil
        }
    }
}

/// A column of a chunk, converted and ready to be appended row by row.
struct CassandraColumn {
    let values: Column
    let conversion: CassandraConversion
    /// Its bytes are put together first: not so for what is one number or one text.
    private var isComposed = false
    private let uuids: Buffer<UUIDWords>?
    /// Of a collection: its elements, or its keys and its values.
    private let parts: [CassandraColumn]

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
            isComposed = inner.isComposed
            uuids = nil
            parts = []
            return
        }
        values = column
        self.conversion = conversion
        isComposed = conversion.isComposed
        switch (conversion, column.values) {
        case (.elements(let inner, let type), .array(let offsets, let elements)):
            uuids = nil
            parts = [
                try Self.part(elements, inner, name: name, type: type, evaluator, offsets, column, selection, refuse)
            ]
            return
        case (.entries(let key, let keyType, let value, let valueType), .map(let offsets, let keys, let mapped)):
            uuids = nil
            parts = [
                try Self.part(keys, key, name: name, type: keyType, evaluator, offsets, column, selection, refuse),
                try Self.part(mapped, value, name: name, type: valueType, evaluator, offsets, column, selection, refuse),
            ]
            return
        case (.inetFromText, .bytes(let texts)):
            selection.eachRow { row in
                if !column.isNull(row), InternetAddress(texts.pointer[row &* column.stride].string) == nil {
                    refuse(row, Self.refusal(column, row, name: name, type: type))
                }
            }
        case (.time, .long(let times)):
            selection.eachRow { row in
                if !column.isNull(row), !(0..<86_400_000_000_000).contains(times.pointer[row &* column.stride]) {
                    refuse(row, Self.refusal(column, row, name: name, type: type))
                }
            }
        default: break
        }
        parts = []
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

    /// The elements of the selected rows' collections; a collection with one that does not convert, or is null, is refused whole, since
    /// Cassandra has no null inside of one.
    private static func part(
        _ elements: Column, _ conversion: CassandraConversion, name: String, type: CQLType, _ evaluator: Evaluator,
        _ offsets: Buffer<Int32>,
        _ column: Column, _ selection: Selection, _ refuse: (Int, String) -> Void
    ) throws -> CassandraColumn {
        var bad: [Int: String] = [:]
        let inner = Evaluator(
            batch: ColumnBatch(count: elements.count, columns: []), context: evaluator.context, stageRows: elements.count)
        let part = try CassandraColumn(elements, conversion, name: name, type: type, inner, .all(elements.count)) { bad[$0] = $1 }
        selection.eachRow { row in
            guard !column.isNull(row) else { return }
            let index = row &* column.stride
            for element in Int(offsets[index])..<Int(offsets[index + 1]) {
                if let reason = bad[element] {
                    return refuse(row, reason)
                } else if elements.isNull(element) {
                    return refuse(row, "column '\(name)': a collection of Cassandra's holds no null")
                }
            }
        }
        return part
    }

    /// The value's bytes, for a collection and for what is inside of one.
    private func write(_ row: Int, to buffer: inout ByteBuffer) {
        let index = row &* values.stride
        if let uuids {
            let words = uuids.pointer[row]
            buffer.writeMultipleIntegers(words.high, words.low)
            return
        }
        switch (conversion, values.values) {
        case (.inetFromText, .bytes(let texts)):
            if let address = InternetAddress(texts.pointer[index].string) { buffer.writeBytes(address.bytes) }
        case (.decimal(let scale), .decimal(let numbers)):
            buffer.writeInteger(Int32(scale))
            Self.write(numbers.pointer[index], to: &buffer)
        case (.varint, .decimal(let numbers)): Self.write(numbers.pointer[index], to: &buffer)
        case (.elements, .array(let offsets, _)), (.entries, .map(let offsets, _, _)):
            let range = Int(offsets[index])..<Int(offsets[index + 1])
            buffer.writeInteger(Int32(range.count))
            for element in range {
                for part in parts {
                    let place = buffer.writerIndex
                    buffer.writeInteger(Int32(0))
                    part.write(element, to: &buffer)
                    buffer.setInteger(Int32(buffer.writerIndex - place - 4), at: place)
                }
            }
        case (_, .bytes(let views)): buffer.writeBytes(views.pointer[index].bytes)
        case (_, .boolean(let flags)): buffer.writeInteger(flags.pointer[index] ? 1 as UInt8 : 0)
        case (_, .byte(let numbers)): buffer.writeInteger(numbers.pointer[index])
        case (_, .short(let numbers)): buffer.writeInteger(numbers.pointer[index])
        case (.date, .integer(let days)): buffer.writeInteger(UInt32(bitPattern: days.pointer[index]) &+ 0x8000_0000)
        case (_, .integer(let numbers)): buffer.writeInteger(numbers.pointer[index])
        case (.timestamp, .long(let micros)): buffer.writeInteger(Self.millis(micros.pointer[index]))
        case (_, .long(let numbers)): buffer.writeInteger(numbers.pointer[index])
        case (_, .float(let numbers)): buffer.writeInteger(numbers.pointer[index].bitPattern)
        case (_, .double(let numbers)): buffer.writeInteger(numbers.pointer[index].bitPattern)
        default: break
        }
    }

    @inline(__always) private static func millis(_ micros: Int64) -> Int64 { micros >= 0 ? micros / 1_000 : (micros - 999) / 1_000 }

    /// As few bytes as hold the value and its sign.
    private static func write(_ value: Int128, to buffer: inout ByteBuffer) {
        var shift = 120
        while shift > 0, (value >> (shift - 1)) == (value < 0 ? -1 : 0) { shift -= 8 }
        while shift >= 0 {
            buffer.writeInteger(UInt8(truncatingIfNeeded: value >> shift))
            shift -= 8
        }
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
        if isComposed {
            var bytes = ByteBuffer()
            write(row, to: &bytes)
            return batch.append(bytes)
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
                batch.append(int64: Self.millis(buffer.pointer[index]))
            } else {
                batch.append(int64: buffer.pointer[index])
            }
        case .float(let buffer): batch.append(float: buffer.pointer[index])
        case .double(let buffer): batch.append(double: buffer.pointer[index])
        case .none, .structure, .array, .map, .decimal, .interval: batch.appendNull()
        }
    }
}
