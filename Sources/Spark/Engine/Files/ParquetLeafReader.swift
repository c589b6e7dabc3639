internal import CCodecs

/// What one page may claim, and what is kept of it at a time.
struct ParquetLimits {
    var pageBytes: Int
    var pageValues: Int
}

/// The levels and values of some rows of one column.
struct ParquetLeafBatch {
    /// Empty where every value is there.
    var definitions: [UInt8] = []
    /// Empty where the column is in no list.
    var repetitions: [UInt8] = []
    /// Values and nulls, and places of lists that are empty or null.
    var count = 0
    /// Those that are there.
    var values: Column.Values = .none
    var valueCount = 0
    var owners: [AnyObject] = []
}

/// Reads one column's pages of one row group, front to back.
final class ParquetLeafReader {
    private let leaf: ParquetLeaf
    private let codec: ParquetCodec
    private let bytes: Buffer<UInt8>
    private let limits: ParquetLimits
    private let unpacker: ParquetUnpacker
    private var place = 0
    private var valuesLeft: Int
    private var dictionary: (values: ParquetValues, owners: [AnyObject])?

    // The page that is being read.
    private var entry = 0
    private var entries = 0
    private var definitions = Buffer<UInt8>(count: 0)
    private var repetitions = Buffer<UInt8>(count: 0)
    private var values: ParquetValues?
    private var valuePlace = 0
    private var owners: [AnyObject] = []

    /// - Parameter bytes: The column chunk's.
    init(_ leaf: ParquetLeaf, _ chunk: ParquetChunk, bytes: Buffer<UInt8>, limits: ParquetLimits, unpacker: ParquetUnpacker) throws {
        guard chunk.type == leaf.physical else { throw ParquetError.malformed("the column '\(leaf.name)' has pages of another type") }
        guard let codec = ParquetCodec(rawValue: chunk.codec) else {
            throw ParquetError.notServed("pages packed with a codec of number \(chunk.codec)")
        }
        guard chunk.valueCount >= 0, chunk.valueCount <= Int64.max / 32 else {
            throw ParquetError.malformed("the column '\(leaf.name)' has \(chunk.valueCount) values")
        }
        self.leaf = leaf
        self.codec = codec
        self.bytes = bytes
        self.limits = limits
        self.unpacker = unpacker
        valuesLeft = Int(chunk.valueCount)
    }

    /// The next rows.
    func read(rows: Int) throws -> ParquetLeafBatch {
        var batch = ParquetLeafBatch()
        var parts: [(values: ParquetValues, range: Range<Int>)] = []
        var rowCount = 0
        while true {
            if leaf.repetitionMax == 0, rowCount == rows { break }
            if entry == entries {
                guard try nextPage() else { break }
                continue
            }
            var end = entry
            if leaf.repetitionMax == 0 {
                end += min(entries - entry, rows - rowCount)
                rowCount += end - entry
            } else {
                while end < entries {
                    if repetitions.pointer[end] == 0 {
                        if rowCount == rows { break }
                        rowCount += 1
                    }
                    end += 1
                }
            }
            take(end, into: &batch, &parts)
            if leaf.repetitionMax > 0, end < entries { break }
        }
        guard rowCount == rows else { throw ParquetError.malformed("the column '\(leaf.name)' has fewer rows than its row group") }
        let joined = ParquetValues.joined(parts, leaf)
        batch.valueCount = joined.count
        batch.values = try joined.converted(leaf)
        // Nobody needs to look for nulls where there are none.
        if leaf.repetitionMax == 0, batch.valueCount == batch.count { batch.definitions = [] }
        return batch
    }

    private func take(_ end: Int, into batch: inout ParquetLeafBatch, _ parts: inout [(values: ParquetValues, range: Range<Int>)]) {
        let range = entry..<end
        guard !range.isEmpty else { return }
        var valueCount = range.count
        if leaf.definitionMax > 0 {
            let levels = UnsafeBufferPointer(start: definitions.pointer + entry, count: range.count)
            batch.definitions += levels
            let most = UInt8(leaf.definitionMax)
            valueCount = levels.reduce(0) { $0 &+ ($1 == most ? 1 : 0) }
        }
        if leaf.repetitionMax > 0 {
            batch.repetitions += UnsafeBufferPointer(start: repetitions.pointer + entry, count: range.count)
        }
        if let values {
            parts.append((values, valuePlace..<(valuePlace + valueCount)))
            batch.owners += owners
        }
        valuePlace += valueCount
        batch.count += range.count
        entry = end
    }

    // MARK: Pages

    /// False where there is no further page of values.
    private func nextPage() throws -> Bool {
        while place < bytes.count, valuesLeft > 0 {
            var reader = ThriftReader(UnsafeRawBufferPointer(start: bytes.pointer, count: bytes.count), at: place)
            let header = try ParquetPageHeader(&reader)
            guard header.packedCount <= bytes.count - reader.place else {
                throw ParquetError.malformed("a page of the column '\(leaf.name)' reaches beyond its chunk")
            }
            guard header.unpackedCount <= limits.pageBytes, header.valueCount <= limits.pageValues else {
                throw ParquetError.notServed(
                    "a page of \(header.valueCount) values and \(header.unpackedCount) bytes in the column '\(leaf.name)'; the limits are \(limits.pageValues) (engine.parquet.page.values) and \(limits.pageBytes) (engine.parquet.page.bytes)"
                )
            }
            let body = UnsafeRawBufferPointer(start: bytes.pointer + reader.place, count: header.packedCount)
            place = reader.place + header.packedCount
            switch header.kind {
            case .index: continue
            case .dictionary:
                guard dictionary == nil else { throw ParquetError.malformed("the column '\(leaf.name)' has two dictionaries") }
                let (page, owner) = try unpacker.unpack(codec, body, to: header.unpackedCount)
                let values = try ParquetValues.plain(leaf, page, count: header.valueCount)
                dictionary = (values, [owner, bytes].compactMap(\.self))
            case .data, .dataV2:
                guard header.valueCount <= valuesLeft else {
                    throw ParquetError.malformed("a page of the column '\(leaf.name)' has more values than its chunk")
                }
                valuesLeft -= header.valueCount
                entry = 0
                entries = header.valueCount
                valuePlace = 0
                try header.kind == .data ? dataPage(header, body) : dataPageV2(header, body)
                if entries > 0 { return true }
            }
        }
        return false
    }

    private func dataPage(_ header: ParquetPageHeader, _ body: UnsafeRawBufferPointer) throws {
        let (page, owner) = try unpacker.unpack(codec, body, to: header.unpackedCount)
        var rest = page
        func levels(_ most: Int, _ encoding: Int32) throws -> Buffer<UInt8> {
            guard most > 0 else { return Buffer(count: 0) }
            guard encoding == ParquetEncoding.rle.rawValue else { throw ParquetError.notServed("levels in the encoding BIT_PACKED") }
            guard rest.count >= 4 else { throw ParquetRuns.ended() }
            let count = Int(UInt32(littleEndian: rest.loadUnaligned(as: UInt32.self)))
            guard count <= rest.count - 4 else { throw ParquetRuns.ended() }
            let run = UnsafeRawBufferPointer(rebasing: rest[4..<(4 + count)])
            rest = UnsafeRawBufferPointer(rebasing: rest[(4 + count)...])
            return try self.levels(run, most, header.valueCount)
        }
        repetitions = try levels(leaf.repetitionMax, header.repetitionEncoding)
        definitions = try levels(leaf.definitionMax, header.definitionEncoding)
        try decode(rest, header.encoding, owner)
    }

    private func dataPageV2(_ header: ParquetPageHeader, _ body: UnsafeRawBufferPointer) throws {
        let levelCount = header.repetitionCount + header.definitionCount
        guard levelCount <= body.count, levelCount <= header.unpackedCount else { throw ParquetRuns.ended() }
        func levels(_ range: Range<Int>, _ most: Int) throws -> Buffer<UInt8> {
            most > 0 ? try self.levels(UnsafeRawBufferPointer(rebasing: body[range]), most, header.valueCount) : Buffer(count: 0)
        }
        repetitions = try levels(0..<header.repetitionCount, leaf.repetitionMax)
        definitions = try levels(header.repetitionCount..<levelCount, leaf.definitionMax)
        let rest = UnsafeRawBufferPointer(rebasing: body[levelCount...])
        let (page, owner) = try unpacker.unpack(header.isPacked ? codec : .uncompressed, rest, to: header.unpackedCount - levelCount)
        try decode(page, header.encoding, owner)
    }

    private func levels(_ run: UnsafeRawBufferPointer, _ most: Int, _ count: Int) throws -> Buffer<UInt8> {
        let buffer = Buffer<UInt8>(count: count)
        try ParquetRuns.decode(run, width: Int.bitWidth - most.leadingZeroBitCount, count: count, into: buffer.pointer)
        let highest = UnsafeBufferPointer(start: buffer.pointer, count: count).max() ?? 0
        guard highest <= most else { throw ParquetError.malformed("a level of \(highest) in the column '\(leaf.name)'") }
        return buffer
    }

    private func decode(_ page: UnsafeRawBufferPointer, _ encoding: Int32, _ owner: AnyObject?) throws {
        var count = entries
        if leaf.definitionMax > 0 {
            let most = UInt8(leaf.definitionMax)
            count = UnsafeBufferPointer(start: definitions.pointer, count: entries).reduce(0) { $0 &+ ($1 == most ? 1 : 0) }
        }
        owners = [owner, bytes].compactMap(\.self)
        guard count > 0 else {
            values = nil
            return
        }
        func refused(_ name: String) -> ParquetError {
            .malformed("the column '\(leaf.name)' has values of the type \(leaf.physical) in the encoding \(name)")
        }
        switch ParquetEncoding(rawValue: encoding) {
        case .plain: values = try .plain(leaf, page, count: count)
        case .plainDictionary, .rleDictionary:
            guard let dictionary else { throw ParquetError.malformed("the column '\(leaf.name)' has no dictionary") }
            guard let width = page.first else { throw ParquetRuns.ended() }
            let indices = Buffer<Int32>(count: count)
            try ParquetRuns.decode(
                UnsafeRawBufferPointer(rebasing: page[1...]), width: Int(width), count: count, into: indices.pointer)
            values = try dictionary.values.taken(indices)
            owners = dictionary.owners
        case .rle:
            guard leaf.physical == .boolean else { throw refused("RLE") }
            guard page.count >= 4 else { throw ParquetRuns.ended() }
            let bits = Buffer<UInt8>(count: count)
            try ParquetRuns.decode(UnsafeRawBufferPointer(rebasing: page[4...]), width: 1, count: count, into: bits.pointer)
            let flags = Buffer<Bool>(count: count)
            for index in 0..<count { flags.pointer[index] = bits.pointer[index] != 0 }
            values = .boolean(flags)
        case .deltaBinaryPacked:
            var deltas = ParquetDeltas(page)
            switch leaf.physical {
            case .int64: values = .int64(try deltas.numbers(count))
            case .int32:
                let numbers = try deltas.numbers(count)
                let narrow = Buffer<Int32>(count: count)
                for index in 0..<count { narrow.pointer[index] = Int32(truncatingIfNeeded: numbers.pointer[index]) }
                values = .int32(narrow)
            default: throw refused("DELTA_BINARY_PACKED")
            }
        case .deltaLengthByteArray:
            guard leaf.physical == .byteArray else { throw refused("DELTA_LENGTH_BYTE_ARRAY") }
            var deltas = ParquetDeltas(page)
            values = .bytes(try deltas.texts(count))
        case .deltaByteArray:
            guard leaf.physical == .byteArray || leaf.physical == .fixed else { throw refused("DELTA_BYTE_ARRAY") }
            var deltas = ParquetDeltas(page)
            let (views, arena) = try deltas.prefixedTexts(count, bytesMax: limits.pageBytes)
            values = .bytes(views)
            owners.append(arena)
        case .byteStreamSplit:
            let (split, joined) = try ParquetValues.split(leaf, page, count: count)
            values = split
            owners.append(joined)
        case .bitPacked, nil: throw ParquetError.notServed("pages in an encoding of number \(encoding)")
        }
    }
}

/// Unpacks pages, one at a time; the codecs' contexts are kept.
final class ParquetUnpacker {
    private let contexts: OpaquePointer?

    init() { contexts = leat_codec_contexts_new() }

    deinit { leat_codec_contexts_free(contexts) }

    /// The page's bytes, followed by readable ones, and what owns them; nil where they are the caller's.
    func unpack(_ codec: ParquetCodec, _ bytes: UnsafeRawBufferPointer, to count: Int) throws -> (UnsafeRawBufferPointer, AnyObject?) {
        if codec == .uncompressed {
            guard bytes.count == count else { throw ParquetError.malformed("a page that is not packed has two lengths") }
            return (bytes, nil)
        }
        guard count > 0 else { return (UnsafeRawBufferPointer(start: bytes.baseAddress, count: 0), nil) }
        let page = ParquetPage()
        guard leat_buffer_reserve(&page.buffer, count + Buffer<UInt8>.padding + 1) else {
            throw ParquetError.notServed("a page of \(count) bytes, for which there is no memory")
        }
        let status: leat_codec_status
        switch codec {
        case .snappy: status = leat_decompress(contexts, LEAT_CODEC_SNAPPY, bytes.baseAddress, bytes.count, &page.buffer, count)
        case .gzip: status = leat_decompress(contexts, LEAT_CODEC_GZIP, bytes.baseAddress, bytes.count, &page.buffer, count)
        case .zstd: status = leat_decompress(contexts, LEAT_CODEC_ZSTD, bytes.baseAddress, bytes.count, &page.buffer, count)
        case .lz4Raw: status = leat_lz4_block_decompress(bytes.baseAddress, bytes.count, &page.buffer, count)
        case .lzo, .brotli, .lz4: throw ParquetError.notServed("pages packed with \(codec)")
        case .uncompressed: status = LEAT_CODEC_OK
        }
        guard status == LEAT_CODEC_OK, page.buffer.count == count else { throw ParquetError.malformed("a page does not unpack (\(codec))") }
        // A codec may have moved the bytes to a block without room behind them.
        guard leat_buffer_reserve(&page.buffer, Buffer<UInt8>.padding) else {
            throw ParquetError.notServed("a page of \(count) bytes, for which there is no memory")
        }
        return (UnsafeRawBufferPointer(start: page.buffer.bytes, count: count), page)
    }
}

/// The unpacked bytes of one page.
private final class ParquetPage: @unchecked Sendable {
    // Unchecked: filled by the one that made it, and only read from then on.
    var buffer = leat_buffer()

    deinit { leat_buffer_free(&buffer) }
}
