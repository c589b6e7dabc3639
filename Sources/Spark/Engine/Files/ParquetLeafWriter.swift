internal import CCodecs

/// Bytes that grow by doubling, written to without a check for each value.
final class OutputBytes {
    private(set) var pointer: UnsafeMutableRawPointer
    private(set) var count = 0
    private var capacity: Int

    init(capacity: Int = 4_096) {
        self.capacity = capacity
        pointer = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit { pointer.deallocate() }

    func reserve(_ extra: Int) {
        guard count + extra > capacity else { return }
        let wanted = max(capacity * 2, count + extra)
        let grown = UnsafeMutableRawPointer.allocate(byteCount: wanted, alignment: 16)
        grown.copyMemory(from: pointer, byteCount: count)
        pointer.deallocate()
        pointer = grown
        capacity = wanted
    }

    @inline(__always) func store<T: BitwiseCopyable>(_ value: T) {
        (pointer + count).storeBytes(of: value, as: T.self)
        count += MemoryLayout<T>.size
    }

    @inline(__always) func store(_ bytes: UnsafeRawPointer?, count length: Int) {
        guard length > 0, let bytes else { return }
        (pointer + count).copyMemory(from: bytes, byteCount: length)
        count += length
    }

    func append(_ bytes: UnsafeRawBufferPointer) {
        reserve(bytes.count)
        store(bytes.baseAddress, count: bytes.count)
    }

    func append(_ bytes: [UInt8]) { bytes.withUnsafeBytes { append($0) } }
    func removeAll() { count = 0 }
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: pointer, count: count) }
}

/// Where a node's values lie in a column, one place for each level pair: the record shredding of the Dremel paper, a column at a time.
struct ParquetPlaces {
    /// Rows of the column, -1 where a node above has no value. nil: each row once, all there.
    var rows: [Int32]?
    /// Of places without a row: the level at which they end.
    var definitions: [UInt8] = []
    /// Empty: each place is a row of the frame.
    var repetitions: [UInt8] = []
    var count: Int
}

/// One column's pages of the row group that is being written.
final class ParquetLeafWriter {
    let leaf: ParquetLayout.Leaf
    private static let pageBytes = 1 << 20
    private static let pageEntries = 1 << 17

    // The page that is being filled.
    private var definitions: [UInt8] = []
    private var repetitions: [UInt8] = []
    private let values = OutputBytes()
    private var entries = 0

    // The row group's.
    let pages = OutputBytes()
    private(set) var valueCount = 0
    private(set) var nullCount = 0
    private(set) var unpackedCount = 0
    private var statistics = ParquetStatistics.none

    init(_ leaf: ParquetLayout.Leaf) { self.leaf = leaf }

    var byteCount: Int { pages.count + values.count }

    // MARK: Rows

    func append(_ column: Column, _ places: ParquetPlaces) throws {
        let there = levels(column, places)
        let valueCount = there?.count ?? places.count
        entries += places.count
        nullCount += places.count - valueCount
        if valueCount > 0 { try store(column, there, valueCount) }
    }

    /// Writes the levels down, and returns the rows whose values are there; nil: all.
    private func levels(_ column: Column, _ places: ParquetPlaces) -> [Int32]? {
        let most = UInt8(leaf.definitionMax)
        if leaf.repetitionMax > 0 {
            if places.repetitions.isEmpty {
                repetitions.append(contentsOf: repeatElement(0, count: places.count))
            } else {
                repetitions += places.repetitions
            }
        }
        let hasNulls = column.validity != nil || column.isAllNull
        guard let rows = places.rows else {
            guard hasNulls else {
                if most > 0 { definitions.append(contentsOf: repeatElement(most, count: places.count)) }
                return nil
            }
            var there: [Int32] = []
            there.reserveCapacity(places.count)
            for row in 0..<places.count {
                let isThere = !column.isNull(row)
                if isThere { there.append(Int32(truncatingIfNeeded: row)) }
                definitions.append(isThere ? most : most - 1)
            }
            return there
        }
        var there: [Int32] = []
        there.reserveCapacity(places.count)
        for (index, row) in rows.enumerated() {
            if row < 0 {
                definitions.append(places.definitions[index])
            } else if hasNulls, column.isNull(Int(row)) {
                definitions.append(most - 1)
            } else {
                there.append(row)
                definitions.append(most)
            }
        }
        return there
    }

    private func store(_ column: Column, _ rows: [Int32]?, _ count: Int) throws {
        let stride = column.stride
        func each(_ body: (Int) -> Void) {
            if let rows {
                rows.withUnsafeBufferPointer { for row in $0 { body(Int(row) &* stride) } }
            } else {
                for row in 0..<count { body(row &* stride) }
            }
        }
        func fixed<S, P: BitwiseCopyable & Comparable>(_ source: Buffer<S>, _: P.Type, _ convert: (S) -> P) -> (P, P) {
            values.reserve(count * MemoryLayout<P>.size)
            var least: P?, most: P?
            each { row in
                let value = convert(source.pointer[row])
                values.store(value)
                if least == nil || value < least! { least = value }
                if most == nil || value > most! { most = value }
            }
            let any = convert(source.pointer[0])
            return (least ?? any, most ?? any)
        }
        switch (column.values, leaf.physical) {
        case (.boolean(let source), _):
            values.reserve(count)
            each { values.store(source.pointer[$0] ? UInt8(1) : 0) }
        case (.byte(let source), _): statistics.add(fixed(source, Int32.self) { Int32($0) })
        case (.short(let source), _): statistics.add(fixed(source, Int32.self) { Int32($0) })
        case (.integer(let source), _): statistics.add(fixed(source, Int32.self) { $0 })
        case (.long(let source), _): statistics.add(fixed(source, Int64.self) { $0 })
        case (.float(let source), _): statistics.add(fixed(source, Float.self) { $0 })
        case (.double(let source), _): statistics.add(fixed(source, Double.self) { $0 })
        case (.decimal(let source), .int32): statistics.add(fixed(source, Int32.self) { Int32(truncatingIfNeeded: $0) })
        case (.decimal(let source), .int64): statistics.add(fixed(source, Int64.self) { Int64(truncatingIfNeeded: $0) })
        case (.decimal(let source), _):
            values.reserve(count * leaf.length)
            let length = leaf.length
            each { row in
                var big = source.pointer[row].bigEndian
                withUnsafeBytes(of: &big) { values.store($0.baseAddress.map { $0 + (16 - length) }, count: length) }
            }
        case (.bytes(let source), _):
            var least: ByteView?, most: ByteView?
            each { row in
                let view = source.pointer[row]
                values.reserve(4 + view.length)
                values.store(UInt32(truncatingIfNeeded: view.length).littleEndian)
                values.store(view.start, count: view.length)
                if least.map({ ByteView.compare(view, $0) < 0 }) ?? true { least = view }
                if most.map({ ByteView.compare(view, $0) > 0 }) ?? true { most = view }
            }
            if let least, let most { statistics.add(least, most) }
        default:
            throw SparkError(
                "INTERNAL_ERROR", sqlState: "XX000",
                "The column '\(leaf.path.joined(separator: "."))' of the type \(column.type.sql) has no form in Parquet.")
        }
    }

    // MARK: Pages

    /// Closes the page when it is large enough; at the end of a row only.
    func closePage(_ packer: ParquetPacker, isLast: Bool) throws {
        guard entries > 0, isLast || values.count >= Self.pageBytes || entries >= Self.pageEntries else { return }
        var page: [UInt8] = []
        func add(_ levels: [UInt8], _ most: Int) {
            guard most > 0 else { return }
            var run: [UInt8] = []
            levels.withUnsafeBufferPointer {
                ParquetRuns.encode($0, width: Int.bitWidth - most.leadingZeroBitCount, into: &run)
            }
            withUnsafeBytes(of: UInt32(run.count).littleEndian) { page += $0 }
            page += run
        }
        add(repetitions, leaf.repetitionMax)
        add(definitions, leaf.definitionMax)
        if leaf.physical == .boolean {
            var packed = [UInt8](repeating: 0, count: (values.count + 7) / 8)
            for index in 0..<values.count where values.bytes[index] != 0 { packed[index >> 3] |= 1 << UInt8(index & 7) }
            page += packed
        } else {
            page += values.bytes
        }
        let body = try page.withUnsafeBytes { try packer.pack($0) }
        guard let unpackedSize = Int32(exactly: page.count), let packedSize = Int32(exactly: body.count) else {
            throw Resolver.unserved("A Parquet page of \(page.count) bytes")
        }
        var header = ThriftWriter()
        header.nested { header in
            header.write(1, Int32(0))
            header.write(2, unpackedSize)
            header.write(3, packedSize)
            header.structure(5) {
                $0.write(1, Int32(entries))
                $0.write(2, ParquetEncoding.plain.rawValue)
                $0.write(3, ParquetEncoding.rle.rawValue)
                $0.write(4, ParquetEncoding.rle.rawValue)
            }
        }
        pages.append(header.bytes)
        pages.append(body)
        unpackedCount += header.bytes.count + page.count
        valueCount += entries
        definitions.removeAll(keepingCapacity: true)
        repetitions.removeAll(keepingCapacity: true)
        values.removeAll()
        entries = 0
    }

    /// The chunk's metadata, and the leaf is ready for the next row group.
    func close(at offset: Int64, _ codec: ParquetCodec) -> (inout ThriftWriter) -> Void {
        let (leaf, valueCount, nullCount, statistics) = (leaf, valueCount, nullCount, statistics)
        let (packedCount, unpackedCount) = (pages.count, unpackedCount)
        self.valueCount = 0
        self.nullCount = 0
        self.unpackedCount = 0
        self.statistics = .none
        pages.removeAll()
        return { writer in
            writer.write(2, long: offset)
            writer.structure(3) { chunk in
                chunk.write(1, leaf.physical.rawValue)
                chunk.list(2, .i32, [ParquetEncoding.plain.rawValue, ParquetEncoding.rle.rawValue]) { $0.element($1) }
                chunk.list(3, .binary, leaf.path) { $0.element($1) }
                chunk.write(4, codec.rawValue)
                chunk.write(5, long: Int64(valueCount))
                chunk.write(6, long: Int64(unpackedCount))
                chunk.write(7, long: Int64(packedCount))
                chunk.write(9, long: offset)
                chunk.structure(12) { statistics.write(&$0, nulls: nullCount) }
            }
        }
    }
}

/// The least and the greatest value of a column chunk, where they are plain to tell.
enum ParquetStatistics {
    case none
    /// Some value has no place in the order, or is too long to keep.
    case unknown
    case int32(Int32, Int32)
    case int64(Int64, Int64)
    case float(Float, Float)
    case double(Double, Double)
    case bytes([UInt8], [UInt8])

    private static let textMax = 64

    mutating func add(_ range: (Int32, Int32)) {
        if case .int32(let least, let most) = self {
            self = .int32(min(least, range.0), max(most, range.1))
        } else {
            self = .int32(range.0, range.1)
        }
    }

    mutating func add(_ range: (Int64, Int64)) {
        if case .int64(let least, let most) = self {
            self = .int64(min(least, range.0), max(most, range.1))
        } else {
            self = .int64(range.0, range.1)
        }
    }

    mutating func add(_ range: (Float, Float)) {
        if case .unknown = self { return }
        guard !range.0.isNaN, !range.1.isNaN else { return self = .unknown }
        if case .float(let least, let most) = self {
            self = .float(min(least, range.0), max(most, range.1))
        } else {
            self = .float(range.0, range.1)
        }
    }

    mutating func add(_ range: (Double, Double)) {
        if case .unknown = self { return }
        guard !range.0.isNaN, !range.1.isNaN else { return self = .unknown }
        if case .double(let least, let most) = self {
            self = .double(min(least, range.0), max(most, range.1))
        } else {
            self = .double(range.0, range.1)
        }
    }

    mutating func add(_ low: ByteView, _ high: ByteView) {
        if case .unknown = self { return }
        guard low.length <= Self.textMax, high.length <= Self.textMax else { return self = .unknown }
        var (least, most) = (Array(low.bytes), Array(high.bytes))
        if case .bytes(let first, let last) = self {
            if first.lexicographicallyPrecedes(least) { least = first }
            if most.lexicographicallyPrecedes(last) { most = last }
        }
        self = .bytes(least, most)
    }

    func write(_ writer: inout ThriftWriter, nulls: Int) {
        writer.write(3, long: Int64(nulls))
        func write<T: BitwiseCopyable>(_ least: T, _ most: T) {
            withUnsafeBytes(of: most) { writer.write(5, $0) }
            withUnsafeBytes(of: least) { writer.write(6, $0) }
        }
        switch self {
        case .none, .unknown: break
        case .int32(let least, let most): write(least, most)
        case .int64(let least, let most): write(least, most)
        // parquet.thrift: a zero is written with the sign that keeps both zeros in the range.
        case .float(let least, let most): write(least == 0 ? -0.0 : least, most == 0 ? 0.0 : most)
        case .double(let least, let most): write(least == 0 ? -0.0 : least, most == 0 ? 0.0 : most)
        case .bytes(let least, let most):
            writer.write(5, most)
            writer.write(6, least)
        }
    }
}

/// Packs pages with one codec.
final class ParquetPacker {
    let codec: ParquetCodec
    private let contexts: OpaquePointer?
    private var buffer = leat_buffer()

    init(_ codec: ParquetCodec) {
        self.codec = codec
        contexts = leat_codec_contexts_new()
    }

    deinit {
        leat_buffer_free(&buffer)
        leat_codec_contexts_free(contexts)
    }

    /// The packed bytes, lent until the next call.
    func pack(_ bytes: UnsafeRawBufferPointer) throws -> UnsafeRawBufferPointer {
        buffer.count = 0
        let status: leat_codec_status
        switch codec {
        case .snappy: status = leat_compress(contexts, LEAT_CODEC_SNAPPY, bytes.baseAddress, bytes.count, &buffer)
        case .gzip: status = leat_compress(contexts, LEAT_CODEC_GZIP, bytes.baseAddress, bytes.count, &buffer)
        case .zstd: status = leat_compress(contexts, LEAT_CODEC_ZSTD, bytes.baseAddress, bytes.count, &buffer)
        case .lz4Raw: status = leat_lz4_block_compress(bytes.baseAddress, bytes.count, &buffer)
        case .uncompressed, .lzo, .brotli, .lz4: return bytes
        }
        guard status == LEAT_CODEC_OK else {
            throw SparkError("OUT_OF_MEMORY", sqlState: "53200", "No memory to pack a page of \(bytes.count) bytes.")
        }
        return UnsafeRawBufferPointer(start: buffer.bytes, count: buffer.count)
    }
}
