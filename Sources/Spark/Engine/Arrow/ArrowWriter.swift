internal import CCodecs
internal import NIOCore

/// Writes columns as an Arrow IPC stream (Arrow, "Serialization and Interprocess Communication"): schema, one record batch, end marker.
///
/// Spark sends every batch of a result as a stream of its own, and so does this.
struct ArrowWriter {
    let schema: StructType
    let options: ArrowOptions
    private let schemaMessage: [UInt8]

    init(_ schema: StructType, _ options: ArrowOptions = ArrowOptions()) {
        self.schema = schema
        self.options = options
        schemaMessage = FlatBufferWriter.schemaMessage(schema, options)
    }

    /// The stream of some of a batch's rows.
    func stream(_ batch: ResultBatch, rows: Range<Int>) throws -> ByteBuffer {
        var stream = ByteBuffer(bytes: schemaMessage)
        var body = ArrowBody(compression: options.compression, usesLargeTypes: options.usesLargeTypes)
        for (column, field) in zip(batch.columns, schema.fields) { try body.write(column, field.dataType, .range(rows)) }
        append(body, rows: rows.count, to: &stream)
        Self.end(&stream)
        return stream
    }

    /// One stream of whole batches; without any, it carries the schema over no rows.
    func stream(_ batches: [ResultBatch]) throws -> ByteBuffer {
        var stream = ByteBuffer(bytes: schemaMessage)
        for batch in batches {
            var body = ArrowBody(compression: options.compression, usesLargeTypes: options.usesLargeTypes)
            for (column, field) in zip(batch.columns, schema.fields) { try body.write(column, field.dataType, .range(0..<batch.count)) }
            append(body, rows: batch.count, to: &stream)
        }
        if batches.isEmpty {
            var body = ArrowBody(compression: options.compression, usesLargeTypes: options.usesLargeTypes)
            for field in schema.fields { try body.writeNulls(field.dataType, count: 0) }
            append(body, rows: 0, to: &stream)
        }
        Self.end(&stream)
        return stream
    }

    private func append(_ body: ArrowBody, rows: Int, to stream: inout ByteBuffer) {
        let message = FlatBufferWriter.batchMessage(
            rows: rows, nodes: body.nodes, buffers: body.buffers, bodyLength: body.bytes.readableBytes, options.compression)
        stream.reserveCapacity(minimumWritableBytes: message.count + body.bytes.readableBytes + 8)
        stream.writeBytes(message)
        stream.writeImmutableBuffer(body.bytes)
    }

    private static func end(_ stream: inout ByteBuffer) {
        stream.writeInteger(UInt32.max)
        stream.writeInteger(UInt32(0))
    }
}

/// The body of a record batch: buffers after one another at multiples of eight, and what the metadata says of them.
struct ArrowBody {
    /// Which rows of a column are written, in order.
    enum Rows {
        case range(Range<Int>)
        case indices([Int])

        var count: Int {
            switch self {
            case .range(let range): range.count
            case .indices(let indices): indices.count
            }
        }

        @inline(__always) func eachRow(_ body: (Int) -> Void) {
            switch self {
            case .range(let range): for row in range { body(row) }
            case .indices(let indices): for row in indices { body(row) }
            }
        }
    }

    private(set) var bytes = ByteBuffer()
    private(set) var nodes: [(Int64, Int64)] = []
    private(set) var buffers: [(Int64, Int64)] = []
    private let compression: ArrowCompression
    private let usesLargeTypes: Bool

    init(compression: ArrowCompression, usesLargeTypes: Bool) {
        self.compression = compression
        self.usesLargeTypes = usesLargeTypes
    }

    // MARK: Buffers

    private mutating func add(_ source: UnsafeRawBufferPointer) throws {
        let start = bytes.writerIndex
        if compression != .none, !source.isEmpty {
            try addCompressed(source)
        } else {
            bytes.writeBytes(source)
        }
        buffers.append((Int64(start), Int64(bytes.writerIndex - start)))
        let padding = (8 - bytes.writerIndex % 8) % 8
        if padding > 0 { bytes.writeRepeatingByte(0, count: padding) }
    }

    /// Eight bytes of the length when unpacked, then the packed bytes; -1 before bytes that packing would not make shorter.
    private mutating func addCompressed(_ source: UnsafeRawBufferPointer) throws {
        var packed = leat_buffer()
        defer { leat_buffer_free(&packed) }
        let contexts = leat_codec_contexts_new()
        defer { leat_codec_contexts_free(contexts) }
        let codec = compression == .lz4 ? LEAT_CODEC_LZ4 : LEAT_CODEC_ZSTD
        let status = leat_compress(contexts, codec, source.baseAddress, source.count, &packed)
        guard status == LEAT_CODEC_OK, packed.count < source.count else {
            bytes.writeInteger(Int64(-1), endianness: .little)
            bytes.writeBytes(source)
            return
        }
        bytes.writeInteger(Int64(source.count), endianness: .little)
        bytes.writeBytes(UnsafeRawBufferPointer(start: packed.bytes, count: packed.count))
    }

    private mutating func add<Element>(_ elements: [Element]) throws {
        try elements.withUnsafeBytes { try add($0) }
    }

    private mutating func addZeros(_ count: Int) throws {
        try add([UInt8](repeating: 0, count: count))
    }

    // MARK: Columns

    private mutating func validity(_ column: Column, _ rows: Rows) throws {
        guard column.validity != nil else {
            nodes.append((Int64(rows.count), 0))
            return try add([UInt8]())
        }
        var bits = [UInt8](repeating: 0, count: (rows.count + 7) / 8)
        var nulls = 0, place = 0
        bits.withUnsafeMutableBufferPointer { bits in
            rows.eachRow { row in
                if column.isNull(row) { nulls += 1 } else { bits[place >> 3] |= 1 << UInt8(place & 7) }
                place += 1
            }
        }
        nodes.append((Int64(rows.count), Int64(nulls)))
        try add(nulls == 0 ? [] : bits)
    }

    private mutating func values<Element: BitwiseCopyable>(_ buffer: Buffer<Element>, _ column: Column, _ rows: Rows) throws {
        if case .range(let range) = rows, column.stride == 1 {
            try add(UnsafeRawBufferPointer(UnsafeBufferPointer(start: buffer.pointer + range.lowerBound, count: range.count)))
            return
        }
        var values: [Element] = []
        values.reserveCapacity(rows.count)
        rows.eachRow { values.append(buffer.pointer[$0 &* column.stride]) }
        try add(values)
    }

    /// Rows of the children, where a constant's only row stands for all.
    private func childRows(_ column: Column, _ rows: Rows) -> Rows {
        column.stride == 1 ? rows : .indices([Int](repeating: 0, count: rows.count))
    }

    mutating func write(_ column: Column, _ type: DataType, _ rows: Rows) throws {
        if case .none = column.values { return try writeNulls(type, count: rows.count) }
        if type == .null { return try writeNulls(type, count: rows.count) }
        try validity(column, rows)
        switch column.values {
        case .none: break
        case .boolean(let buffer):
            var bits = [UInt8](repeating: 0, count: (rows.count + 7) / 8)
            var place = 0
            rows.eachRow { row in
                if buffer.pointer[row &* column.stride] { bits[place >> 3] |= 1 << UInt8(place & 7) }
                place += 1
            }
            try add(bits)
        case .byte(let buffer): try values(buffer, column, rows)
        case .short(let buffer): try values(buffer, column, rows)
        case .integer(let buffer): try values(buffer, column, rows)
        case .long(let buffer): try values(buffer, column, rows)
        case .decimal(let buffer): try values(buffer, column, rows)
        case .interval(let buffer):
            // Months, days and nanoseconds.
            var intervals: [CalendarInterval] = []
            intervals.reserveCapacity(rows.count)
            rows.eachRow { row in
                var interval = buffer.pointer[row &* column.stride]
                interval.micros = column.isNull(row) ? 0 : interval.micros.multipliedReportingOverflow(by: 1_000).partialValue
                intervals.append(interval)
            }
            try add(intervals)
        case .float(let buffer): try values(buffer, column, rows)
        case .double(let buffer): try values(buffer, column, rows)
        case .bytes(let buffer): try writeBytes(buffer, column, rows)
        case .structure(let children):
            guard case .structure(let fields) = type else { throw ArrowError.malformed("a struct column of type \(type.simpleString)") }
            let inner = childRows(column, rows)
            for (child, field) in zip(children, fields.fields) {
                if let child { try write(child, field.dataType, inner) } else { try writeNulls(field.dataType, count: inner.count) }
            }
        case .array(let offsets, let elements):
            guard case .array(let element, _) = type else { throw ArrowError.malformed("an array column of type \(type.simpleString)") }
            let inner = try writeOffsets(offsets, column, rows)
            try write(elements, element, inner)
        case .map(let offsets, let keys, let values):
            guard case .map(let key, let value, _) = type else { throw ArrowError.malformed("a map column of type \(type.simpleString)") }
            let inner = try writeOffsets(offsets, column, rows)
            nodes.append((Int64(inner.count), 0))
            try add([UInt8]())
            try write(keys, key, inner)
            try write(values, value, inner)
        }
    }

    /// - Returns: The rows of the elements that the written rows hold.
    private mutating func writeOffsets(_ offsets: Buffer<Int32>, _ column: Column, _ rows: Rows) throws -> Rows {
        var written: [Int32] = [0]
        written.reserveCapacity(rows.count + 1)
        if case .range(let range) = rows, column.stride == 1, column.validity == nil {
            let first = offsets[range.lowerBound]
            for row in range { written.append(offsets[row + 1] - first) }
            try add(written)
            return .range(Int(first)..<Int(first) + Int(written[range.count]))
        }
        var elements: [Int] = []
        rows.eachRow { row in
            if !column.isNull(row) {
                let index = row &* column.stride
                elements.append(contentsOf: Int(offsets[index])..<Int(offsets[index + 1]))
            }
            written.append(Int32(clamping: elements.count))
        }
        try add(written)
        return .indices(elements)
    }

    private mutating func writeBytes(_ buffer: Buffer<ByteView>, _ column: Column, _ rows: Rows) throws {
        var total = 0
        var offsets: [Int64] = [0]
        offsets.reserveCapacity(rows.count + 1)
        rows.eachRow { row in
            if !column.isNull(row) { total += buffer.pointer[row &* column.stride].length }
            offsets.append(Int64(total))
        }
        if usesLargeTypes {
            try add(offsets)
        } else {
            guard total <= Int(Int32.max) else {
                throw SparkError(
                    "ARROW_TYPE_MISMATCH", sqlState: "42K0G", "A batch of the result holds more than 2 GiB of text in one column.",
                    nextStep: "set spark.sql.execution.arrow.useLargeVarTypes to true")
            }
            try add(offsets.map { Int32(truncatingIfNeeded: $0) })
        }
        let data = UnsafeMutableRawBufferPointer.allocate(byteCount: total, alignment: 8)
        defer { data.deallocate() }
        var place = 0
        rows.eachRow { row in
            let view = buffer.pointer[row &* column.stride]
            guard !column.isNull(row), view.length > 0, let start = view.start else { return }
            data.baseAddress?.advanced(by: place).copyMemory(from: start, byteCount: view.length)
            place += view.length
        }
        try add(UnsafeRawBufferPointer(data))
    }

    mutating func writeNulls(_ type: DataType, count: Int) throws {
        nodes.append((Int64(count), Int64(count)))
        // A null type has no buffers at all.
        if type == .null { return }
        try addZeros(count == 0 ? 0 : (count + 7) / 8)
        switch type {
        case .null: break
        case .boolean: try addZeros((count + 7) / 8)
        case .byte: try addZeros(count)
        case .short: try addZeros(count * 2)
        case .integer, .date, .float, .yearMonthInterval: try addZeros(count * 4)
        case .long, .double, .timestamp, .timestampNTZ, .dayTimeInterval: try addZeros(count * 8)
        case .decimal, .calendarInterval: try addZeros(count * 16)
        case .string, .binary:
            try addZeros((count + 1) * (usesLargeTypes ? 8 : 4))
            try addZeros(0)
        case .array(let element, _):
            try addZeros((count + 1) * 4)
            try writeNulls(element, count: 0)
        case .map(let key, let value, _):
            try addZeros((count + 1) * 4)
            nodes.append((0, 0))
            try addZeros(0)
            try writeNulls(key, count: 0)
            try writeNulls(value, count: 0)
        case .structure(let fields):
            for field in fields.fields { try writeNulls(field.dataType, count: count) }
        }
    }
}
