internal import CCodecs

/// Reads Arrow IPC streams into columns: the rows of `createDataFrame`.
///
/// The bytes come from a client: lengths, offsets and nesting are checked before they are used. Read are the types that Spark has,
/// with 32 and 64 bit offsets, in any unit of time, packed or not; dictionaries are refused by name.
enum ArrowReader {
    /// The rows of streams that share one schema.
    ///
    /// - Parameter schema: The names and types that the columns shall have, by place. A column whose values would have to be cast keeps the
    ///   type that it has in Arrow; the caller casts it.
    /// - Throws: ``SparkError``.
    static func rows(_ streams: [[UInt8]], schema: StructType?) throws -> (schema: StructType, batches: [ResultBatch]) {
        do {
            var fields: [ArrowField]?
            var batches: [ResultBatch] = []
            for bytes in streams {
                var stream = ArrowStream(bytes)
                while let message = try stream.next() {
                    switch message {
                    case .schema(let own):
                        if let fields, fields != own { throw ArrowError.malformed("streams of different schemas") }
                        fields = own
                    case .batch(let batch):
                        guard let fields else { throw ArrowError.malformed("rows before their schema") }
                        batches.append(try batch.columns(fields))
                    }
                }
            }
            let own = fields.map { StructType($0.map { StructField($0.name, $0.type, nullable: $0.nullable) }) }
            guard let found = own ?? schema else { throw ArrowError.malformed("no schema") }
            guard let schema else { return (found, batches) }
            guard schema.fields.count == found.fields.count else {
                throw ArrowError.malformed("\(found.fields.count) columns, where the schema has \(schema.fields.count)")
            }
            let types = zip(schema.fields, found.fields).map { wanted, found in
                found.dataType.hasLayout(of: wanted.dataType) ? wanted.dataType : found.dataType
            }
            let result = StructType(
                zip(schema.fields, types).map { StructField($0.name, $1, nullable: $0.nullable, metadata: $0.metadata) })
            return (
                result,
                batches.map { batch in
                    ResultBatch(columns: zip(batch.columns, types).map { $0.viewed(as: $1) }, count: batch.count)
                }
            )
        } catch let error as ArrowError {
            throw error.sparkError
        }
    }
}

/// One field of an Arrow schema, as Spark's type, with what its layout needs to know.
struct ArrowField: Hashable {
    enum Layout: Hashable {
        case null
        case boolean
        case fixed
        /// Values of a time unit, which are multiplied or divided to Spark's.
        case scaled(multiply: Int64, divide: Int64)
        case decimal
        case bytes(isLarge: Bool)
        case list(isLarge: Bool)
        case map
        case structure
        case monthDayNano
    }

    var name: String
    var type: DataType
    var nullable: Bool
    var layout: Layout
    var children: [ArrowField]

    private static let depthMax = 64

    init(_ table: FlatBufferTable, depth: Int = 0) throws {
        guard depth < Self.depthMax else { throw ArrowError.malformed("types nested more than \(Self.depthMax) deep") }
        name = try table.string(0) ?? ""
        nullable = try table.scalar(1, default: UInt8(0)) != 0
        let kind = try table.scalar(2, default: UInt8(0))
        guard try table.table(4) == nil else { throw ArrowError.notServed("a dictionary-encoded column ('\(name)')") }
        guard let details = try table.table(3) else { throw ArrowError.malformed("the field '\(name)' has no type") }
        let children = try table.tables(5).map { try ArrowField($0, depth: depth + 1) }
        self.children = children
        (type, layout) = try Self.type(kind, details, children, name)
    }

    private static func type(_ kind: UInt8, _ details: FlatBufferTable, _ children: [ArrowField], _ name: String) throws -> (
        DataType, Layout
    ) {
        func only() throws -> ArrowField {
            guard children.count == 1 else { throw ArrowError.malformed("the list '\(name)' has \(children.count) children") }
            return children[0]
        }
        switch kind {
        case ArrowType.null: return (.null, .null)
        case ArrowType.bool: return (.boolean, .boolean)
        case ArrowType.int:
            let bits = try details.scalar(0, default: Int32(0))
            guard try details.scalar(1, default: UInt8(0)) != 0 else {
                throw ArrowError.notServed("an unsigned integer column ('\(name)')")
            }
            switch bits {
            case 8: return (.byte, .fixed)
            case 16: return (.short, .fixed)
            case 32: return (.integer, .fixed)
            case 64: return (.long, .fixed)
            default: throw ArrowError.malformed("integers of \(bits) bits")
            }
        case ArrowType.floatingPoint:
            switch try details.scalar(0, default: Int16(0)) {
            case 1: return (.float, .fixed)
            case 2: return (.double, .fixed)
            default: throw ArrowError.notServed("a half-precision column ('\(name)')")
            }
        case ArrowType.binary: return (.binary, .bytes(isLarge: false))
        case ArrowType.utf8: return (.string, .bytes(isLarge: false))
        case ArrowType.largeBinary: return (.binary, .bytes(isLarge: true))
        case ArrowType.largeUtf8: return (.string, .bytes(isLarge: true))
        case ArrowType.decimal:
            let precision = try details.scalar(0, default: Int32(0)), scale = try details.scalar(1, default: Int32(0))
            let bits = try details.scalar(2, default: Int32(128))
            guard bits == 128, (1...38).contains(precision), (0...precision).contains(scale) else {
                throw ArrowError.notServed("decimal(\(precision),\(scale)) of \(bits) bits ('\(name)')")
            }
            return (.decimal(precision: Int(precision), scale: Int(scale)), .decimal)
        case ArrowType.date:
            guard try details.scalar(0, default: Int16(1)) == 0 else { return (.date, .scaled(multiply: 1, divide: 86_400_000)) }
            return (.date, .fixed)
        case ArrowType.timestamp:
            let layout = try scale(details.scalar(0, default: Int16(0)))
            return (try details.string(1)?.isEmpty == false ? .timestamp : .timestampNTZ, layout)
        case ArrowType.duration: return (.dayTimeInterval(.dayToSecond), try scale(details.scalar(0, default: Int16(1))))
        case ArrowType.interval:
            switch try details.scalar(0, default: Int16(0)) {
            case 0: return (.yearMonthInterval(.yearToMonth), .fixed)
            case 2: return (.calendarInterval, .monthDayNano)
            default: throw ArrowError.notServed("an interval of days and milliseconds ('\(name)')")
            }
        case ArrowType.list, ArrowType.largeList:
            let element = try only()
            return (.array(element.type, containsNull: element.nullable), .list(isLarge: kind == ArrowType.largeList))
        case ArrowType.map:
            let entries = try only()
            guard entries.layout == .structure, entries.children.count == 2 else {
                throw ArrowError.malformed("the map '\(name)' has no entries")
            }
            let (key, value) = (entries.children[0], entries.children[1])
            return (.map(key: key.type, value: value.type, valueContainsNull: value.nullable), .map)
        case ArrowType.structure:
            return (.structure(StructType(children.map { StructField($0.name, $0.type, nullable: $0.nullable) })), .structure)
        default: throw ArrowError.notServed("a column of Arrow's type \(ArrowType.names[kind] ?? "\(kind)") ('\(name)')")
        }
    }

    private static func scale(_ unit: Int16) throws -> Layout {
        switch unit {
        case 0: return .scaled(multiply: 1_000_000, divide: 1)
        case 1: return .scaled(multiply: 1_000, divide: 1)
        case 2: return .fixed
        case 3: return .scaled(multiply: 1, divide: 1_000)
        default: throw ArrowError.malformed("the time unit \(unit)")
        }
    }
}

/// The messages of one stream.
struct ArrowStream {
    enum Message {
        case schema([ArrowField])
        case batch(ArrowBatch)
    }

    private let bytes: [UInt8]
    private var place = 0
    /// Metadata beyond this is not Arrow's.
    private static let metadataMax = 64 << 20

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    private mutating func word() throws -> UInt32 {
        guard bytes.count - place >= 4 else { throw ArrowError.malformed("the stream ends in a message") }
        defer { place += 4 }
        return bytes.withUnsafeBytes { UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: place, as: UInt32.self)) }
    }

    /// Nil at the end marker, or where the bytes end between messages.
    mutating func next() throws -> Message? {
        guard place < bytes.count else { return nil }
        var length = try word()
        // Before Arrow 0.15 the marker was missing.
        if length == .max { length = try word() }
        guard length > 0 else { return nil }
        guard length <= Self.metadataMax, Int(length) <= bytes.count - place else {
            throw ArrowError.malformed("metadata beyond the stream")
        }
        let message = try FlatBufferTable(root: Array(bytes[place..<(place + Int(length))]))
        place += Int(length)
        let bodyLength = try message.scalar(3, default: Int64(0))
        guard bodyLength >= 0, bodyLength <= bytes.count - place else { throw ArrowError.malformed("a body beyond the stream") }
        let body = place..<(place + Int(bodyLength))
        place = body.upperBound
        guard let header = try message.table(2) else { throw ArrowError.malformed("a message without a header") }
        switch try message.scalar(1, default: UInt8(0)) {
        case 1:
            guard try header.scalar(0, default: Int16(0)) == 0 else { throw ArrowError.notServed("big-endian data") }
            return .schema(try header.tables(1).map { try ArrowField($0) })
        case 3: return .batch(try ArrowBatch(header, body: bytes[body]))
        case 2: throw ArrowError.notServed("a dictionary batch")
        case let kind: throw ArrowError.malformed("a message of kind \(kind)")
        }
    }
}

/// One record batch: its buffers, taken in the order in which the schema's fields want them.
struct ArrowBatch {
    private let rows: Int
    private var nodes: ArraySlice<(Int64, Int64)>
    private var buffers: ArraySlice<(Int64, Int64)>
    /// Copied once, with the readable bytes behind the end that views want.
    private let body: Buffer<UInt8>
    private let codec: leat_codec?
    /// Unpacked buffers, which live until the batch's columns are made.
    private var unpacked: [Buffer<UInt8>] = []
    private var unpackedBytes: Int64 = 0
    /// What a batch's buffers may unpack to.
    private static let unpackedMax = 1 << 30

    init(_ table: FlatBufferTable, body bytes: ArraySlice<UInt8>) throws {
        let length = try table.scalar(0, default: Int64(0))
        guard (0...Int64(Int32.max)).contains(length) else { throw ArrowError.malformed("a batch of \(length) rows") }
        rows = Int(length)
        nodes = try table.pairs(1)[...]
        buffers = try table.pairs(2)[...]
        codec = try table.table(3).map { try $0.scalar(0, default: Int8(0)) == 0 ? LEAT_CODEC_LZ4 : LEAT_CODEC_ZSTD }
        body = Buffer(count: bytes.count)
        bytes.withUnsafeBufferPointer { source in
            if let base = source.baseAddress { body.pointer.update(from: base, count: source.count) }
        }
    }

    func columns(_ fields: [ArrowField]) throws -> ResultBatch {
        var cursor = self
        return ResultBatch(columns: try fields.map { try cursor.column($0, count: rows) }, count: rows)
    }

    /// The next buffer, unpacked where the batch is packed, and what owns it.
    private mutating func next(atLeast count: Int) throws -> (bytes: UnsafeRawBufferPointer, owner: Buffer<UInt8>) {
        guard let (offset, length) = buffers.popFirst() else { throw ArrowError.malformed("fewer buffers than the schema wants") }
        guard offset >= 0, length >= 0, offset <= Int64(body.count), length <= Int64(body.count) - offset else {
            throw ArrowError.malformed("a buffer beyond the body")
        }
        var bytes = UnsafeRawBufferPointer(start: body.pointer + Int(offset), count: Int(length))
        var owner = body
        if let codec, length > 0 {
            (bytes, owner) = try unpack(bytes, codec)
            unpacked.append(owner)
            unpackedBytes += Int64(owner.count)
            guard unpackedBytes <= Int64(Self.unpackedMax) else { throw ArrowError.malformed("a batch that unpacks to too much") }
        }
        guard bytes.count >= count else { throw ArrowError.malformed("a buffer of \(bytes.count) bytes, where \(count) are wanted") }
        return (bytes, owner)
    }

    private func unpack(_ bytes: UnsafeRawBufferPointer, _ codec: leat_codec) throws -> (UnsafeRawBufferPointer, Buffer<UInt8>) {
        guard bytes.count >= 8 else { throw ArrowError.malformed("a packed buffer without its length") }
        let length = Int64(littleEndian: bytes.loadUnaligned(as: Int64.self))
        let packed = UnsafeRawBufferPointer(rebasing: bytes[8...])
        if length == -1 { return (packed, body) }
        guard (0...Int64(Self.unpackedMax)).contains(length) else { throw ArrowError.malformed("a buffer that unpacks to \(length) bytes") }
        var output = leat_buffer()
        defer { leat_buffer_free(&output) }
        let contexts = leat_codec_contexts_new()
        defer { leat_codec_contexts_free(contexts) }
        guard leat_decompress(contexts, codec, packed.baseAddress, packed.count, &output, Int(length)) == LEAT_CODEC_OK,
            output.count == length
        else { throw ArrowError.malformed("a packed buffer that does not unpack") }
        let owner = Buffer<UInt8>(count: output.count)
        if let source = output.bytes { owner.pointer.update(from: source, count: output.count) }
        return (UnsafeRawBufferPointer(start: owner.pointer, count: output.count), owner)
    }

    private mutating func validity(count: Int, nulls: Int64) throws -> Bitmap? {
        let (bytes, _) = try next(atLeast: nulls == 0 ? 0 : (count + 7) / 8)
        guard nulls != 0, count > 0 else { return nil }
        let bitmap = Bitmap(count: count)
        UnsafeMutableRawPointer(bitmap.words.pointer).copyMemory(from: bytes.baseAddress!, byteCount: (count + 7) / 8)
        return bitmap
    }

    private mutating func fixed<Element: BitwiseCopyable>(_ count: Int, as: Element.Type) throws -> Buffer<Element> {
        let (bytes, _) = try next(atLeast: count * MemoryLayout<Element>.size)
        let buffer = Buffer<Element>(count: count)
        if count > 0, let base = bytes.baseAddress {
            UnsafeMutableRawPointer(buffer.pointer).copyMemory(from: base, byteCount: count * MemoryLayout<Element>.size)
        }
        return buffer
    }

    private mutating func column(_ field: ArrowField, count: Int) throws -> Column {
        guard let (length, nulls) = nodes.popFirst() else { throw ArrowError.malformed("fewer columns than the schema has") }
        guard length == count, (0...length).contains(nulls) else {
            throw ArrowError.malformed("the column '\(field.name)' has \(length) rows, where \(count) are wanted")
        }
        if field.layout == .null { return .nulls(.null, count: count) }
        let validity = try validity(count: count, nulls: nulls)
        func made(_ values: Column.Values, owners: [AnyObject] = []) -> Column {
            Column(field.type, count: count, values: values, validity: validity, owners: owners)
        }
        switch field.layout {
        case .null: return .nulls(.null, count: count)
        case .boolean:
            let (bytes, _) = try next(atLeast: (count + 7) / 8)
            let buffer = Buffer<Bool>(count: count)
            for row in 0..<count { buffer.pointer[row] = bytes[row >> 3] >> UInt8(row & 7) & 1 != 0 }
            return made(.boolean(buffer))
        case .fixed:
            switch field.type {
            case .byte: return made(.byte(try fixed(count, as: Int8.self)))
            case .short: return made(.short(try fixed(count, as: Int16.self)))
            case .integer, .date, .yearMonthInterval: return made(.integer(try fixed(count, as: Int32.self)))
            case .float: return made(.float(try fixed(count, as: Float.self)))
            case .double: return made(.double(try fixed(count, as: Double.self)))
            default: return made(.long(try fixed(count, as: Int64.self)))
            }
        case .scaled(let multiply, let divide):
            let buffer = try fixed(count, as: Int64.self)
            for row in 0..<count {
                let (product, overflow) = buffer.pointer[row].multipliedReportingOverflow(by: multiply)
                if overflow, validity?[row] != false { throw ArrowError.malformed("a time beyond Spark's range in '\(field.name)'") }
                // Down, also before 1970.
                buffer.pointer[row] = product / divide - (product % divide < 0 ? 1 : 0)
            }
            guard field.type == .date else { return made(.long(buffer)) }
            let days = Buffer<Int32>(count: count)
            for row in 0..<count { days.pointer[row] = Int32(truncatingIfNeeded: buffer.pointer[row]) }
            return made(.integer(days))
        case .decimal: return made(.decimal(try fixed(count, as: Int128.self)))
        case .bytes(let isLarge):
            let (values, owner) = try byteViews(count, isLarge: isLarge, field)
            return made(.bytes(values), owners: [owner])
        case .list(let isLarge):
            let (offsets, total) = try offsets(count, isLarge: isLarge, field)
            return made(.array(offsets: offsets, try column(field.children[0], count: total)))
        case .structure: return made(.structure(try field.children.map { try column($0, count: count) }))
        case .map:
            let entries = field.children[0]
            let (offsets, total) = try offsets(count, isLarge: false, field)
            guard let (length, nulls) = nodes.popFirst(), length == total, nulls == 0 else {
                throw ArrowError.malformed("the map '\(field.name)' has null entries, or too few")
            }
            _ = try next(atLeast: 0)
            let keys = try column(entries.children[0], count: total)
            guard keys.validity == nil else { throw ArrowError.malformed("the map '\(field.name)' has a null key") }
            return made(.map(offsets: offsets, keys: keys, values: try column(entries.children[1], count: total)))
        case .monthDayNano:
            let buffer = try fixed(count, as: CalendarInterval.self)
            for row in 0..<count { buffer.pointer[row].micros /= 1_000 }
            return made(.interval(buffer))
        }
    }

    private mutating func offsets(_ count: Int, isLarge: Bool, _ field: ArrowField) throws -> (Buffer<Int32>, Int) {
        let result = Buffer<Int32>(count: count + 1)
        if count == 0 {
            // An empty column may leave even its one offset out.
            _ = try next(atLeast: 0)
            result[0] = 0
            return (result, nodes.first.map { Int(truncatingIfNeeded: $0.0) } ?? 0)
        }
        let width = isLarge ? 8 : 4
        let (bytes, _) = try next(atLeast: (count + 1) * width)
        var last: Int64 = 0
        for index in 0...count {
            let offset: Int64 =
                isLarge
                ? Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 8, as: Int64.self))
                : Int64(Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 4, as: Int32.self)))
            guard offset >= last, offset <= Int64(Int32.max) else { throw ArrowError.malformed("offsets of '\(field.name)' that go back") }
            last = offset
            result.pointer[index] = Int32(offset)
        }
        let available = nodes.first?.0 ?? 0
        guard last <= available, available <= Int64(Int32.max) else {
            throw ArrowError.malformed("elements of '\(field.name)' beyond their column")
        }
        return (result, Int(available))
    }

    private mutating func byteViews(_ count: Int, isLarge: Bool, _ field: ArrowField) throws -> (Buffer<ByteView>, Buffer<UInt8>) {
        let views = Buffer<ByteView>(count: count)
        let width = isLarge ? 8 : 4
        let (offsets, holder) = try next(atLeast: count == 0 ? 0 : (count + 1) * width)
        let (data, owner) = try next(atLeast: 0)
        try withExtendedLifetime(holder) {
            var start: Int64 = 0
            for row in 0..<count {
                func offset(_ index: Int) -> Int64 {
                    isLarge
                        ? Int64(littleEndian: offsets.loadUnaligned(fromByteOffset: index * 8, as: Int64.self))
                        : Int64(Int32(littleEndian: offsets.loadUnaligned(fromByteOffset: index * 4, as: Int32.self)))
                }
                if row == 0 { start = offset(0) }
                let end = offset(row + 1)
                guard start >= 0, end >= start, end <= Int64(data.count) else {
                    throw ArrowError.malformed("values of '\(field.name)' beyond their buffer")
                }
                views.pointer[row] = ByteView(
                    start: data.baseAddress?.advanced(by: Int(start)).assumingMemoryBound(to: UInt8.self), length: Int(end - start))
                start = end
            }
        }
        return (views, owner)
    }
}

extension DataType {
    /// Whether a column of this type holds its values as one of the other does, so that renaming the type is enough.
    func hasLayout(of other: DataType) -> Bool {
        switch (self, other) {
        case (.null, _): true
        case (.timestamp, .timestampNTZ), (.timestampNTZ, .timestamp), (.binary, .string), (.string, .binary): true
        case (.yearMonthInterval, .yearMonthInterval), (.dayTimeInterval, .dayTimeInterval): true
        case (.array(let own, _), .array(let wanted, _)): own.hasLayout(of: wanted)
        case (.map(let key, let value, _), .map(let wantedKey, let wantedValue, _)):
            key.hasLayout(of: wantedKey) && value.hasLayout(of: wantedValue)
        case (.structure(let own), .structure(let wanted)):
            own.fields.count == wanted.fields.count
                && zip(own.fields, wanted.fields).allSatisfy { $0.dataType.hasLayout(of: $1.dataType) }
        default: self == other
        }
    }
}

extension Column {
    /// The same values under a type of the same layout, nested types included.
    func viewed(as wanted: DataType) -> Column {
        guard type != wanted else { return self }
        let values: Values
        switch (self.values, wanted) {
        case (.structure(let children), .structure(let fields)):
            values = .structure(zip(children, fields.fields).map { $0?.viewed(as: $1.dataType) })
        case (.array(let offsets, let elements), .array(let element, _)):
            values = .array(offsets: offsets, elements.viewed(as: element))
        case (.map(let offsets, let keys, let items), .map(let key, let value, _)):
            values = .map(offsets: offsets, keys: keys.viewed(as: key), values: items.viewed(as: value))
        default: values = self.values
        }
        return Column(wanted, count: count, values: values, validity: validity, stride: stride, owners: owners)
    }
}
