#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A Parquet file that is open for reading: its footer is read, its columns when they are wanted.
///
/// Nothing that the file says is believed before it is checked against the file's size, and memory is taken for what is there alone.
final class ParquetFile {
    let path: String
    let footer: ParquetFooter
    let schema: ParquetSchema
    private let descriptor: Int32
    private let size: Int64
    private static let magic: [UInt8] = Array("PAR1".utf8)
    private static let footerMax = 256 << 20

    init(path: String) throws {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileSourceError.cannotOpen(path) }
        do {
            var status = stat()
            guard fstat(descriptor, &status) == 0 else { throw FileSourceError.cannotRead(path) }
            size = Int64(status.st_size)
            guard size >= 12 else { throw ParquetError.malformed("it has \(size) bytes") }
            let tail = try Self.bytes(descriptor, path, from: size - 8, count: 8)
            guard UnsafeBufferPointer(start: tail.pointer + 4, count: 4).elementsEqual(Self.magic) else {
                let isEncrypted = UnsafeBufferPointer(start: tail.pointer + 4, count: 4).elementsEqual(Array("PARE".utf8))
                throw isEncrypted ? ParquetError.notServed("an encrypted footer") : ParquetError.malformed("it does not end with PAR1")
            }
            let length = Int64(UInt32(littleEndian: UnsafeRawPointer(tail.pointer).loadUnaligned(as: UInt32.self)))
            guard length <= size - 12, length <= Self.footerMax else { throw ParquetError.malformed("a footer of \(length) bytes") }
            let bytes = try Self.bytes(descriptor, path, from: size - 8 - length, count: Int(length))
            footer = try ParquetFooter(UnsafeRawBufferPointer(start: bytes.pointer, count: bytes.count))
            schema = try ParquetSchema(footer)
        } catch let error as ParquetError {
            close(descriptor)
            throw error.sparkError(path: path)
        } catch {
            close(descriptor)
            throw error
        }
    }

    deinit { close(descriptor) }

    private static func bytes(_ descriptor: Int32, _ path: String, from start: Int64, count: Int) throws -> Buffer<UInt8> {
        let buffer = Buffer<UInt8>(count: count)
        var filled = 0
        while filled < count {
            let got = pread(descriptor, buffer.pointer + filled, count - filled, off_t(start) + off_t(filled))
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw FileSourceError.cannotRead(path) }
            guard got > 0 else { throw ParquetError.malformed("it ends before its footer says") }
            filled += got
        }
        return buffer
    }

    var structType: StructType { schema.structType(footer) }
    var groupCount: Int { footer.rowGroups.count }

    // MARK: Rows

    /// The rows of one row group, batch by batch: the columns of these names and types, nil where a field is not wanted.
    ///
    /// Names are compared without regard to case; a column that the file lacks is null.
    func read(
        group index: Int, _ fields: [StructField?], limits: ParquetLimits, batchRows: Int, _ body: (ColumnBatch) async throws -> Void
    ) async throws {
        do {
            var rows = try GroupReader(self, index, fields, limits)
            while let batch = try rows.next(batchRows) {
                try Task.checkCancellation()
                try await body(batch)
            }
        } catch let error as ParquetError {
            throw error.sparkError(path: path)
        }
    }

    private struct GroupReader {
        private let fields: [StructField?]
        private let columns: [ParquetNode?]
        private var readers: [Int: ParquetLeafReader] = [:]
        private var left: Int64

        init(_ file: ParquetFile, _ index: Int, _ fields: [StructField?], _ limits: ParquetLimits) throws {
            let group = file.footer.rowGroups[index]
            guard group.rowCount >= 0, group.chunks.count == file.schema.leafCount else {
                throw ParquetError.malformed("a row group has \(group.rowCount) rows and \(group.chunks.count) columns")
            }
            self.fields = fields
            left = group.rowCount
            columns = fields.map { field in
                guard let field else { return nil }
                return file.schema.columns.first { $0.name == field.name }
                    ?? file.schema.columns.first { $0.name.equalsIgnoringCase(field.name) }
            }
            let unpacker = ParquetUnpacker()
            for leaf in columns.compactMap({ $0 }).flatMap(\.leaves) where readers[leaf.ordinal] == nil {
                let chunk = group.chunks[leaf.ordinal]
                guard !chunk.isElsewhere, !chunk.isEncrypted else {
                    throw ParquetError.notServed("columns that are encrypted or in other files")
                }
                guard chunk.start >= 0, chunk.byteCount >= 0, chunk.start <= file.size, chunk.byteCount <= file.size - chunk.start else {
                    throw ParquetError.malformed("the column '\(leaf.name)' reaches beyond the file")
                }
                let bytes = try ParquetFile.bytes(file.descriptor, file.path, from: chunk.start, count: Int(chunk.byteCount))
                readers[leaf.ordinal] = try ParquetLeafReader(leaf, chunk, bytes: bytes, limits: limits, unpacker: unpacker)
            }
        }

        mutating func next(_ batchRows: Int) throws -> ColumnBatch? {
            guard left > 0 else { return nil }
            let count = Int(min(left, Int64(batchRows)))
            left -= Int64(count)
            let leaves = try readers.mapValues { try $0.read(rows: count) }
            let assembler = ParquetAssembler(leaves: leaves)
            let made = try zip(columns, fields).map { node, field -> Column? in
                guard let field else { return nil }
                guard let node else { return Column.nulls(field.dataType, count: count) }
                let column = try assembler.column(node)
                guard column.count == count else { throw ParquetError.malformed("the column '\(node.name)' has another number of rows") }
                return try column.read(as: field.dataType, name: field.name)
            }
            return ColumnBatch(count: count, columns: made)
        }
    }
}

extension Column {
    /// A file's column under the type that is wanted of it: the same, or one that holds all of its values.
    fileprivate func read(as wanted: DataType, name: String) throws -> Column {
        if type == wanted { return self }
        if isAllNull || type == .null { return Column.nulls(wanted, count: count) }
        func with(_ values: Values) -> Column { Column(wanted, count: count, values: values, validity: validity, owners: owners) }
        func map<T, R>(_ source: Buffer<T>, _ body: (T) -> R) -> Buffer<R> {
            let target = Buffer<R>(count: count)
            for index in 0..<count { target.pointer[index] = body(source.pointer[index]) }
            return target
        }
        switch (values, wanted) {
        case (.structure(let children), .structure(let structure)):
            guard case .structure(let own) = type else { break }
            return with(
                .structure(
                    try structure.fields.map { field in
                        let index = own.fields.firstIndex { $0.name == field.name } ?? own.indices(of: field.name).first
                        guard let index, let child = children[index] else { return Column.nulls(field.dataType, count: count) }
                        return try child.read(as: field.dataType, name: name + "." + field.name)
                    }))
        case (.array(let offsets, let elements), .array(let element, _)):
            return with(.array(offsets: offsets, try elements.read(as: element, name: name + ".element")))
        case (.map(let offsets, let keys, let items), .map(let key, let value, _)):
            return with(
                .map(
                    offsets: offsets, keys: try keys.read(as: key, name: name + ".key"),
                    values: try items.read(as: value, name: name + ".value")))
        case (.byte(let source), .short): return with(.short(map(source) { Int16($0) }))
        case (.byte(let source), .integer): return with(.integer(map(source) { Int32($0) }))
        case (.byte(let source), .long): return with(.long(map(source) { Int64($0) }))
        case (.short(let source), .integer): return with(.integer(map(source) { Int32($0) }))
        case (.short(let source), .long): return with(.long(map(source) { Int64($0) }))
        case (.integer(let source), .long) where type == .integer: return with(.long(map(source) { Int64($0) }))
        case (.integer(let source), .double) where type == .integer: return with(.double(map(source) { Double($0) }))
        case (.float(let source), .double): return with(.double(map(source) { Double($0) }))
        default: if type.isStored(as: wanted) { return with(values) }
        }
        throw SparkError(
            "FAILED_READ_FILE.PARQUET_COLUMN_DATA_TYPE_MISMATCH", sqlState: "KD001",
            "Data type mismatches when reading Parquet column \(name). Expected Spark type \(wanted.simpleString), actual Parquet type \(type.simpleString)."
        )
    }
}

/// Errors of files that are read, under Spark's names.
enum FileSourceError {
    static func cannotOpen(_ path: String) -> SparkError {
        errno == ENOENT
            ? SparkError(
                "FAILED_READ_FILE.FILE_NOT_EXIST", sqlState: "KD001",
                "Encountered error while reading file \(path). File does not exist.")
            : cannotRead(path)
    }

    static func cannotRead(_ path: String) -> SparkError {
        SparkError(
            "FAILED_READ_FILE.NO_HINT", sqlState: "KD001",
            "Encountered error while reading file \(path): \(String(cString: strerror(errno))).")
    }
}
