internal import IO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The schema of files that come without one: JSON's from every line, CSV's names from the header and its types, where asked for, from every field.
enum FileSchema {
    static func infer(_ read: DataSourceRead) throws -> StructType {
        let options = try FileSourceOptions(read)
        switch options.format {
        case .text: return StructType([StructField("value", .string)])
        case .json: return try json(options)
        case .csv: return try csv(options)
        }
    }

    private static func lines(_ path: String, _ body: (Substring) throws -> Bool) throws {
        guard let file = fopen(path, "r") else {
            throw SparkError(
                "FAILED_READ_FILE.FILE_NOT_EXIST", sqlState: "KD001", "Encountered error while reading file \(path). File does not exist.")
        }
        defer { fclose(file) }
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(line) }
        while true {
            let length = getline(&line, &capacity, file)
            guard length > 0, let line else { return }
            var bytes = UnsafeRawBufferPointer(start: line, count: length)[...]
            while let last = bytes.last, last == 0x0A || last == 0x0D { bytes = bytes.dropLast() }
            if try !body(Substring(decoding: bytes, as: UTF8.self)) { return }
        }
    }

    // MARK: JSON

    private static func json(_ options: FileSourceOptions) throws -> StructType {
        var fields: [String: DataType] = [:]
        for file in try options.files() {
            try lines(file) { line in
                guard !line.allSatisfy(\.isWhitespace), let value = try? JSON(parsing: String(line)),
                    case .structure(let type) = JSONSchema.inferred(value)
                else { return true }
                for field in type.fields { fields[field.name] = JSONSchema.merged(fields[field.name] ?? .null, field.dataType) }
                return true
            }
        }
        guard !fields.isEmpty else {
            throw SparkError("UNABLE_TO_INFER_SCHEMA", sqlState: "42KD9", "Unable to infer schema for JSON. It must be specified manually.")
        }
        return StructType(fields.sorted { $0.key < $1.key }.map { StructField($0.key, JSONSchema.settled($0.value)) })
    }

    // MARK: CSV

    private static func csv(_ options: FileSourceOptions) throws -> StructType {
        var names: [String] = []
        var types: [DataType] = []
        for file in try options.files() {
            var isFirst = true
            try lines(file) { line in
                guard !line.isEmpty else { return true }
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
        guard !names.isEmpty else {
            throw SparkError("UNABLE_TO_INFER_SCHEMA", sqlState: "42KD9", "Unable to infer schema for CSV. It must be specified manually.")
        }
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

extension Resolver {
    /// JSON's and CSV's columns are made above a source of texts.
    func file(_ read: DataSourceRead) throws -> Relation? {
        guard !read.isStreaming, let format = FileSourceOptions.Format(rawValue: read.format.lowercased()), format != .text else {
            return nil
        }
        let schema = try sourceSchema(read)
        var texts = read
        switch format {
        case .text: return nil
        case .json:
            texts.schema = StructType([StructField("value", .string)])
            var mode = FromJSON.Mode.permissive
            switch (read.options["mode"] ?? "PERMISSIVE").uppercased() {
            case "PERMISSIVE": break
            case "FAILFAST": mode = .failFast
            case let other: throw Resolver.unserved("The mode \(other) of the source json")
            }
            let line = ResolvedExpression.column(0, .string, nullable: true)
            let parsed = ResolvedExpression.fromJSON(line, FromJSON(schema: schema, mode: mode))
            // Lines of nothing are no rows.
            let filled = ResolvedPlan.filter(
                .call(.not, [.call(.equal, [.call(.trim, [line], .string), .literal(.string(""), .string)], .boolean)], .boolean),
                .source(texts, StructType([StructField("value", .string)])))
            return Relation(
                .project(schema.fields.enumerated().map { ResolvedNamed($1.name, .field(parsed, index: $0, $1.dataType)) }, filled))
        case .csv:
            texts.schema = StructType(schema.fields.map { StructField($0.name, .string) })
            let isStrict = read.options["mode"]?.equalsIgnoringCase("FAILFAST") == true
            return Relation(
                .project(
                    try schema.fields.enumerated().map { index, field in
                        ResolvedNamed(
                            field.name,
                            try FunctionCatalog.explicitCast(.column(index, .string, nullable: true), to: field.dataType, isTry: !isStrict))
                    }, .source(texts, texts.schema ?? StructType())))
        }
    }
}
