internal import CCodecs

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Reads the files of a source in the columns that a query wants: lines of text, fields of CSV records, Parquet's columns; and the values that
/// the folders' names give.
///
/// Text files are read in blocks that several threads may read side by side: a line belongs to the block that it begins in. JSON is parsed by
/// `from_json` above the lines, so that only the fields that a query uses are.
struct FileReader: Sendable {
    let options: FileSourceOptions
    let schema: StructType
    let wanted: Set<Int>
    /// Which fields of the schema come from the folders.
    private let isPartition: [Bool]
    let limits: FileLimits

    init(_ options: FileSourceOptions, schema: StructType, partitions: [StructField], wanted: Set<Int>, limits: FileLimits) {
        self.options = options
        self.schema = schema
        self.wanted = wanted
        self.limits = limits
        isPartition = schema.fields.map { field in partitions.contains { $0.name.equalsIgnoringCase(field.name) } }
    }

    private static let openMax = 16

    /// The parts of the files, in their order.
    func splits(_ files: [FileEntry]) throws -> [SourceSplit] {
        try files.flatMap { file -> [SourceSplit] in
            let address = FilePath.address(file.path)
            switch options.format {
            case .parquet:
                // The row groups of a few files are read side by side; of many files, the files are.
                guard files.count <= Self.openMax else {
                    return [
                        SourceSplit(file: address) { body in
                            let opened = try ParquetFile(path: file.path)
                            for group in 0..<opened.groupCount { try await parquet(opened, group, file, body) }
                        }
                    ]
                }
                let opened = SharedParquetFile(try ParquetFile(path: file.path))
                return (0..<opened.file.groupCount).map { group in
                    SourceSplit(file: address) { body in try await parquet(opened.file, group, file, body) }
                }
            case .text, .csv, .json:
                if file.path.hasSuffix(".gz") { return [SourceSplit(file: address) { body in try await packed(file, body) }] }
                for suffix in [".bz2", ".zst", ".lz4", ".snappy", ".deflate", ".xz"] where file.path.hasSuffix(suffix) {
                    throw Resolver.unserved("The packed text file \(file.path)")
                }
                return stride(from: Int64(0), to: file.byteCount, by: limits.blockBytes).map { start in
                    let end = min(start + Int64(limits.blockBytes), file.byteCount)
                    return SourceSplit(file: address) { body in
                        guard let (block, range) = try block(file, start..<end) else { return }
                        try await lines(block, range, file, isFirst: start == 0, body)
                    }
                }
            }
        }
    }

    /// An open file is read from by position and never changes.
    private final class SharedParquetFile: @unchecked Sendable {
        let file: ParquetFile
        init(_ file: ParquetFile) { self.file = file }
    }

    // MARK: Parquet

    private func parquet(
        _ opened: ParquetFile, _ group: Int, _ file: FileEntry, _ body: (ColumnBatch) async throws -> Void
    ) async throws {
        let fields = schema.fields.indices.map { index -> StructField? in
            wanted.contains(index) && !isPartition[index] ? schema.fields[index] : nil
        }
        try await opened.read(group: group, fields, limits: limits.parquet, batchRows: limits.batchRows) { batch in
            try await body(try withPartitions(batch, file))
        }
    }

    private func withPartitions(_ batch: ColumnBatch, _ file: FileEntry) throws -> ColumnBatch {
        var batch = batch
        for index in schema.fields.indices where isPartition[index] && wanted.contains(index) {
            batch.columns[index] = try FileIndex.column(schema.fields[index], of: file, count: batch.count)
        }
        return batch
    }

    // MARK: Bytes of text files

    /// The bytes of the lines that begin in a range of a file; nil where none does.
    private func block(_ file: FileEntry, _ range: Range<Int64>) throws -> (Buffer<UInt8>, Range<Int>)? {
        let descriptor = open(file.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileSourceError.cannotOpen(file.path) }
        defer { close(descriptor) }
        // The byte before the range tells whether a line begins with it.
        let start = max(0, range.lowerBound - 1)
        let length = Int(range.upperBound - start)
        let isLast = range.upperBound == file.byteCount
        var buffer = Buffer<UInt8>(count: length + (isLast ? 0 : 16 << 10))
        var filled = try fill(descriptor, file, &buffer, from: start, at: 0)
        var first = 0
        if range.lowerBound > 0 {
            guard let newline = find(buffer, 0..<min(filled, length)) else { return nil }
            first = newline + 1
            guard first < length else { return nil }
        }
        if filled < length || isLast { return first < filled ? (buffer, first..<min(filled, length)) : nil }
        var searched = length - 1
        while true {
            if let newline = find(buffer, searched..<filled) { return (buffer, first..<newline) }
            searched = filled
            guard filled == buffer.count else { return (buffer, first..<filled) }
            guard buffer.count - first < limits.lineBytes else {
                throw SparkError(
                    "FAILED_READ_FILE.NO_HINT", sqlState: "KD001",
                    "A line of \(file.path) is longer than \(limits.lineBytes) bytes (engine.files.line).")
            }
            let grown = Buffer<UInt8>(count: buffer.count * 2)
            grown.pointer.update(from: buffer.pointer, count: filled)
            buffer = grown
            filled = try fill(descriptor, file, &buffer, from: start, at: filled)
        }
    }

    private func fill(_ descriptor: Int32, _ file: FileEntry, _ buffer: inout Buffer<UInt8>, from start: Int64, at place: Int) throws -> Int
    {
        var filled = place
        while filled < buffer.count {
            let got = pread(descriptor, buffer.pointer + filled, buffer.count - filled, off_t(start) + off_t(filled))
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw FileSourceError.cannotRead(file.path) }
            if got == 0 { break }
            filled += got
        }
        return filled
    }

    private func find(_ buffer: Buffer<UInt8>, _ range: Range<Int>) -> Int? {
        guard !range.isEmpty, let found = memchr(buffer.pointer + range.lowerBound, 0x0A, range.count) else { return nil }
        return buffer.pointer.distance(to: found.assumingMemoryBound(to: UInt8.self))
    }

    private func packed(_ file: FileEntry, _ body: (ColumnBatch) async throws -> Void) async throws {
        let descriptor = open(file.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileSourceError.cannotOpen(file.path) }
        var source = Buffer<UInt8>(count: Int(file.byteCount))
        let filled: Int
        do {
            defer { close(descriptor) }
            filled = try fill(descriptor, file, &source, from: 0, at: 0)
        }
        let contexts = leat_codec_contexts_new()
        defer { leat_codec_contexts_free(contexts) }
        var unpacked = leat_buffer()
        defer { leat_buffer_free(&unpacked) }
        let status = leat_decompress(contexts, LEAT_CODEC_GZIP, source.pointer, filled, &unpacked, limits.unpackedBytes)
        guard status == LEAT_CODEC_OK else {
            throw SparkError(
                "FAILED_READ_FILE.NO_HINT", sqlState: "KD001",
                status == LEAT_CODEC_TOO_LARGE
                    ? "The file \(file.path) unpacks to more than \(limits.unpackedBytes) bytes (engine.files.unpacked)."
                    : "Encountered error while reading file \(file.path): it is no valid gzip file.")
        }
        let plain = Buffer<UInt8>(count: unpacked.count)
        if let base = unpacked.bytes { plain.pointer.update(from: base, count: unpacked.count) }
        try await lines(plain, 0..<plain.count, file, isFirst: true, body)
    }

    // MARK: Lines

    private func lines(
        _ block: Buffer<UInt8>, _ range: Range<Int>, _ file: FileEntry, isFirst: Bool, _ body: (ColumnBatch) async throws -> Void
    ) async throws {
        var start = range.lowerBound
        if isFirst {
            // The mark of a byte order that has none.
            if range.count >= 3, block.pointer[0] == 0xEF, block.pointer[1] == 0xBB, block.pointer[2] == 0xBF { start += 3 }
            if options.format == .csv, options.hasHeader {
                start = find(block, start..<range.upperBound).map { $0 + 1 } ?? range.upperBound
            }
        }
        while start < range.upperBound {
            try Task.checkCancellation()
            let views = cut(block, &start, range.upperBound)
            guard !views.isEmpty else { continue }
            let batch = options.format == .csv ? try records(views, block, file) : texts(views, block)
            if batch.count > 0 { try await body(try withPartitions(batch, file)) }
        }
    }

    /// The next lines, at most as many as a batch has rows; of JSON those that are not blank.
    private func cut(_ block: Buffer<UInt8>, _ start: inout Int, _ end: Int) -> [ByteView] {
        var result: [ByteView] = []
        result.reserveCapacity(min(limits.batchRows, (end - start) / 64 + 1))
        let skipsBlank = options.format == .json
        while start < end, result.count < limits.batchRows {
            let stop = find(block, start..<end) ?? end
            var length = stop - start
            if length > 0, block.pointer[stop - 1] == 0x0D { length -= 1 }
            let first = start
            start = stop + 1
            if skipsBlank {
                var place = first
                while place < first + length, block.pointer[place] <= 0x20 { place += 1 }
                if place == first + length { continue }
            }
            result.append(ByteView(start: UnsafePointer(block.pointer + first), length: length))
        }
        return result
    }

    private func texts(_ lines: [ByteView], _ block: Buffer<UInt8>) -> ColumnBatch {
        var columns = [Column?](repeating: nil, count: schema.fields.count)
        if let index = isPartition.firstIndex(of: false) {
            columns[index] = Column(.string, count: lines.count, values: .bytes(Buffer(lines)), owners: [block])
        }
        return ColumnBatch(count: lines.count, columns: columns)
    }

    private func records(_ lines: [ByteView], _ block: Buffer<UInt8>, _ file: FileEntry) throws -> ColumnBatch {
        let data = schema.fields.indices.filter { !isPartition[$0] }
        let width = data.count
        var rows = 0
        let arena = ByteArena()
        let isMade = data.map { wanted.contains($0) }
        let buffers = isMade.map { Buffer<ByteView>(count: $0 ? lines.count : 0) }
        let bits = isMade.map { Bitmap(count: $0 ? lines.count : 0) }
        for line in lines where line.length > 0 {
            if let comment = options.comment, line.start?.pointee == comment { continue }
            var column = 0
            options.split(line, arena) { value in
                if column < width, isMade[column] {
                    buffers[column].pointer[rows] = value ?? .empty
                    bits[column][rows] = value != nil
                }
                column += 1
            }
            if column != width, options.mode != .permissive {
                guard options.mode == .dropMalformed else {
                    throw SparkError(
                        "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", sqlState: "22023",
                        "Malformed records are detected in record parsing: \(line.string.prefix(200)) (\(file.path)). Parse Mode: FAILFAST. The record has \(column) fields, the schema \(width)."
                    )
                }
                continue
            }
            while column < width {
                if isMade[column] {
                    buffers[column].pointer[rows] = .empty
                    bits[column][rows] = false
                }
                column += 1
            }
            rows += 1
        }
        var columns = [Column?](repeating: nil, count: schema.fields.count)
        for (place, index) in data.enumerated() where isMade[place] {
            columns[index] = Column(.string, count: rows, values: .bytes(buffers[place]), validity: bits[place], owners: [block, arena])
        }
        return ColumnBatch(count: rows, columns: columns)
    }
}
