internal import IO
internal import NIOConcurrencyHelpers

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The schema of files: Parquet's from a file's footer, JSON's from every line, CSV's names from the header and its types, where asked for, from
/// every field; and the columns that the folders' names are.
///
/// What was inferred is kept for as long as the files stay as they are: a frame's schema is asked for often.
enum FileSchema {
    private struct Key: Hashable {
        var read: DataSourceRead
        var files: [FileEntry]
    }

    private static let keptMax = 64
    private static let kept = NIOLockedValueBox<[Key: StructType]>([:])

    /// The columns of the data, without those of the folders.
    static func data(_ read: DataSourceRead, _ options: FileSourceOptions, _ index: FileIndex) throws -> StructType {
        if let schema = read.schema {
            return StructType(
                schema.fields.filter { field in !index.partitions.contains { $0.name.equalsIgnoringCase(field.name) } }.map {
                    StructField($0.name, $0.dataType.withNulls, nullable: true, metadata: $0.metadata)
                })
        }
        if options.format == .text { return StructType([StructField("value", .string)]) }
        let key = Key(read: read, files: index.files)
        if let known = kept.withLockedValue({ $0[key] }) { return known }
        let found =
            switch options.format {
            case .text, .json: try json(options, index.files)
            case .csv: try csv(options, index.files)
            case .parquet: try parquet(index.files)
            }
        kept.withLockedValue { kept in
            if kept.count >= keptMax { kept.removeAll() }
            kept[key] = found
        }
        return found
    }

    private static func parquet(_ files: [FileEntry]) throws -> StructType {
        guard let first = files.first else { throw cannotInfer("Parquet") }
        return try ParquetFile(path: first.path).structType
    }

    private static func cannotInfer(_ format: String) -> SparkError {
        SparkError("UNABLE_TO_INFER_SCHEMA", sqlState: "42KD9", "Unable to infer schema for \(format). It must be specified manually.")
    }

    /// The lines of a text file, until `body` answers false.
    private static func lines(_ file: FileEntry, _ options: FileSourceOptions, _ body: (Substring) throws -> Bool) throws {
        guard !file.path.hasSuffix(".gz") else {
            throw Resolver.unserved("A packed text file (\(file.path)) without a schema that is given")
        }
        guard let stream = fopen(file.path, "r") else { throw FileSourceError.cannotOpen(file.path) }
        defer { fclose(stream) }
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(line) }
        while true {
            let length = getline(&line, &capacity, stream)
            guard length > 0, let line else { return }
            var bytes = UnsafeRawBufferPointer(start: line, count: length)[...]
            while let last = bytes.last, last == 0x0A || last == 0x0D { bytes = bytes.dropLast() }
            if try !body(Substring(decoding: bytes, as: UTF8.self)) { return }
        }
    }

    // MARK: JSON

    private static func json(_ options: FileSourceOptions, _ files: [FileEntry]) throws -> StructType {
        var fields: [String: DataType] = [:]
        var isCorrupt = false
        // Every so manieth line stands for all.
        let step = max(1, Int(1 / options.samplingRatio))
        var number = -1
        for file in files {
            try lines(file, options) { line in
                number += 1
                guard number % step == 0 else { return true }
                guard !line.allSatisfy(\.isWhitespace) else { return true }
                guard let value = try? JSON(parsing: String(line)), case .structure(let type) = JSONSchema.inferred(value) else {
                    guard options.mode != .failFast else {
                        throw SparkError(
                            "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", sqlState: "22023",
                            "Malformed records are detected in schema inference: \(line.prefix(200)). Parse Mode: FAILFAST.")
                    }
                    isCorrupt = true
                    return true
                }
                for field in type.fields { fields[field.name] = JSONSchema.merged(fields[field.name] ?? .null, field.dataType) }
                return true
            }
        }
        if isCorrupt, options.mode == .permissive { fields[options.corruptColumn] = .string }
        guard !fields.isEmpty else { throw cannotInfer("JSON") }
        return StructType(fields.sorted { $0.key < $1.key }.map { StructField($0.key, JSONSchema.settled($0.value)) })
    }

    // MARK: CSV

    private static func csv(_ options: FileSourceOptions, _ files: [FileEntry]) throws -> StructType {
        var names: [String] = []
        var types: [DataType] = []
        for file in files {
            var isFirst = true
            try lines(file, options) { line in
                guard !line.isEmpty, options.comment == nil || line.utf8.first != options.comment else { return true }
                let values = fields(line, options)
                if isFirst, names.isEmpty {
                    names = options.hasHeader ? values.enumerated().map { $1 ?? "_c\($0)" } : values.indices.map { "_c\($0)" }
                    types = names.map { _ in .null }
                }
                defer { isFirst = false }
                guard options.infersSchema else { return false }
                if isFirst, options.hasHeader { return true }
                for (index, value) in values.enumerated() where index < types.count {
                    if let value { types[index] = mergedText(types[index], textType(value)) }
                }
                return true
            }
        }
        guard !names.isEmpty else { throw cannotInfer("CSV") }
        return StructType(zip(names, types).map { StructField($0, !options.infersSchema || $1 == .null ? .string : $1) })
    }

    private static func fields(_ line: Substring, _ options: FileSourceOptions) -> [String?] {
        let arena = ByteArena()
        var result: [String?] = []
        options.split(arena.copy(String(line)), arena) { result.append($0?.string) }
        return result
    }

    private static func textType(_ text: String) -> DataType {
        if Int32(text) != nil { return .integer }
        if Int64(text) != nil { return .long }
        if Double(text) != nil { return .double }
        if text.equalsIgnoringCase("true") || text.equalsIgnoringCase("false") { return .boolean }
        if text.count == 10, DateTimeText.date(text) != nil { return .date }
        if DateTimeText.timestamp(text) != nil { return .timestamp }
        return .string
    }

    private static func mergedText(_ a: DataType, _ b: DataType) -> DataType {
        if a == b || a == .null { return b }
        if a.isNumeric, b.isNumeric { return TypeCoercion.numeric(a, b) ?? .string }
        if [a, b].allSatisfy({ $0 == .date || $0 == .timestamp }) { return .timestamp }
        return .string
    }
}
