internal import IO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// One file of a source.
struct FileEntry: Hashable, Sendable {
    var path: String
    var byteCount: Int64
    var modifiedMillis: Int64
    /// What the folders' names tell: the column, and its value.
    var partition: [Partition] = []

    struct Partition: Hashable, Sendable {
        var column: String
        var value: String?
    }
}

/// The files that a source's paths name, and the columns that their folders' names are.
///
/// As in Spark: a path is a file, a folder, or a pattern of either; of a folder the files in it and in folders named `column=value` below it, or
/// all below it with `recursiveFileLookup`, which knows no partitions; names that begin with `_` or `.` are no data; a folder that a streaming
/// sink wrote holds the files that its log tells.
struct FileIndex: Sendable {
    let files: [FileEntry]
    let partitions: [StructField]

    init(_ options: FileSourceOptions, schema: StructType?) throws {
        var files: [FileEntry] = []
        for path in options.paths {
            let plain = FilePath.absolute(try FilePath.local(path))
            var roots = Self.isPattern(plain) ? Self.matches(plain) : []
            if roots.isEmpty, FilePath.status(plain) != nil { roots = [plain] }
            guard !roots.isEmpty else {
                throw SparkError("PATH_NOT_FOUND", sqlState: "42K03", "Path does not exist: file:\(plain).")
            }
            for root in roots { try Self.list(root, options, into: &files) }
        }
        self.files = files
        partitions = try Self.partitions(files, schema)
    }

    private static func isPattern(_ path: String) -> Bool { path.contains { "*?[{".contains($0) } }

    private static func matches(_ pattern: String) -> [String] {
        var found = glob_t()
        defer { globfree(&found) }
        guard glob(pattern, GLOB_BRACE, nil, &found) == 0 else { return [] }
        return (0..<Int(found.gl_pathc)).compactMap { index in found.gl_pathv[index].map { String(cString: $0) } }.filter {
            !FilePath.isHidden(FilePath.name($0))
        }
    }

    // MARK: Listing

    private static func list(_ root: String, _ options: FileSourceOptions, into files: inout [FileEntry]) throws {
        guard FilePath.isFolder(root) else {
            if let entry = entry(root) { files.append(entry) }
            return
        }
        let base = options.basePath ?? root
        if FileSinkLog.isIn(root) {
            for logged in try FileSinkLog(of: root).entries() {
                guard options.takes(FilePath.name(logged.path)) else { continue }
                files.append(
                    FileEntry(
                        path: logged.path, byteCount: logged.byteCount, modifiedMillis: logged.modifiedMillis,
                        partition: partition(of: logged.path, below: base)))
            }
            return
        }
        walk(root, below: base, options, into: &files)
    }

    private static func walk(_ folder: String, below base: String, _ options: FileSourceOptions, into files: inout [FileEntry]) {
        for name in FilePath.names(in: folder) ?? [] where !FilePath.isHidden(name[...]) {
            let path = folder + "/" + name
            if FilePath.isFolder(path) {
                if options.isRecursive || PartitionFolder.parse(name) != nil { walk(path, below: base, options, into: &files) }
            } else if options.takes(name[...]), var entry = entry(path) {
                if !options.isRecursive { entry.partition = partition(of: path, below: base) }
                files.append(entry)
            }
        }
    }

    private static func entry(_ path: String) -> FileEntry? {
        guard let status = FilePath.status(path), status.st_mode & S_IFMT == S_IFREG else { return nil }
        #if canImport(Glibc)
            let modified = status.st_mtim
        #else
            let modified = status.st_mtimespec
        #endif
        return FileEntry(
            path: path, byteCount: Int64(status.st_size),
            modifiedMillis: Int64(modified.tv_sec) * 1_000 + Int64(modified.tv_nsec) / 1_000_000)
    }

    private static func partition(of path: String, below base: String) -> [FileEntry.Partition] {
        guard path.hasPrefix(base + "/") else { return [] }
        return path.dropFirst(base.count + 1).split(separator: "/").dropLast().compactMap { name in
            PartitionFolder.parse(name).map { FileEntry.Partition(column: $0.column, value: $0.value) }
        }
    }

    // MARK: Partition columns

    private static func partitions(_ files: [FileEntry], _ schema: StructType?) throws -> [StructField] {
        guard let first = files.first else { return [] }
        let names = first.partition.map(\.column)
        var values = names.map { _ in [String?]() }
        for file in files {
            guard file.partition.map(\.column) == names else {
                throw SparkError(
                    "CONFLICTING_PARTITION_COLUMN_NAMES", sqlState: "KD009",
                    "Conflicting partition column names detected: \(names.joined(separator: ", ")) and \(file.partition.map(\.column).joined(separator: ", ")).",
                    nextStep: "read the folders one by one, or set recursiveFileLookup")
            }
            for (index, part) in file.partition.enumerated() { values[index].append(part.value) }
        }
        return zip(names, values).map { name, values in
            if let index = schema?.indices(of: name).first, let field = schema?.fields[index] { return field }
            return StructField(name, type(of: values))
        }
    }

    /// The narrowest type that all of the folders' values have.
    private static func type(of values: [String?]) -> DataType {
        let texts = Set(values.compactMap { $0 })
        if texts.isEmpty { return .string }
        if texts.allSatisfy({ Int32($0) != nil }) { return .integer }
        if texts.allSatisfy({ Int64($0) != nil }) { return .long }
        if texts.allSatisfy({ Double($0) != nil && $0.last?.isNumber == true }) { return .double }
        if texts.allSatisfy({ $0.utf8.count == 10 && DateTimeText.date($0) != nil }) { return .date }
        if texts.allSatisfy({ $0.utf8.count > 10 && DateTimeText.timestamp($0) != nil }) { return .timestamp }
        return .string
    }

    /// A column of a file's folder: one value for all rows.
    static func column(_ field: StructField, of file: FileEntry, count: Int) throws -> Column {
        guard let part = file.partition.first(where: { $0.column.equalsIgnoringCase(field.name) }), let value = part.value else {
            return Column.nulls(field.dataType, count: count)
        }
        let cast = try FunctionCatalog.explicitCast(.literal(.string(value), .string), to: field.dataType, isTry: true)
        guard let literal = PlanCompiler.constant(cast), literal != .null else { return Column.nulls(field.dataType, count: count) }
        return Column.constant(literal, type: field.dataType, count: count)
    }
}
