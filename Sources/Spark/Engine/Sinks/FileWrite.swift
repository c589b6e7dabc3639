internal import IO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// `df.write.format("parquet").save(path)`.
struct FileWrite: Sendable {
    var format: FileFormat
    var mode: SaveMode
    var options: Options
    var partitionColumns: [String]
}

extension Engine {
    /// Writes a plan's rows as files. Readers see none of them before all are on the disk; an overwrite takes the old ones away after that.
    func write(_ plan: LogicalPlan, to write: FileWrite, in session: SessionState) async throws {
        guard let path = write.options["path"], !path.isEmpty else {
            throw SparkError("_LEGACY_ERROR_TEMP_2047", sqlState: "42000", "'path' is not specified.", nextStep: "give save() a path")
        }
        let folder = FilePath.absolute(try FilePath.local(path))
        if FilePath.status(folder) != nil {
            switch write.mode {
            case .ignore: return
            case .errorIfExists:
                throw SparkError(
                    "PATH_ALREADY_EXISTS", sqlState: "42K04",
                    "Path file:\(folder) already exists. Set mode as \"overwrite\" to overwrite the existing path.")
            case .append, .overwrite:
                guard FilePath.isFolder(folder) else {
                    throw SparkError("PATH_ALREADY_EXISTS", sqlState: "42K04", "Path file:\(folder) is a file, where a folder is wanted.")
                }
            }
        }
        let settings = Options(session.settings)
        let named = write.options["partitionOverwriteMode"] ?? settings["spark.sql.sources.partitionOverwriteMode"] ?? "static"
        let isDynamic = named.equalsIgnoringCase("dynamic") && !write.partitionColumns.isEmpty
        let old = write.mode == .overwrite ? FileTree.files(folder) : []
        let values = launcher.configuration.values
        var writer: FileWriter?
        do {
            try await run(
                plan, in: session,
                onSchema: { schema in
                    let options = try FileWriteOptions(
                        write.format, write.options, settings, frame: schema, partitionedBy: write.partitionColumns,
                        groupBytes: values.bytes("engine.parquet.group"))
                    try FilePath.createFolders(folder)
                    writer = FileWriter(folder, options, job: UUIDText.random(), openMax: values.integer("engine.files.open"))
                }, { batch in try writer?.append(batch) })
            try writer?.finish(isEmptyWritten: true)
            _ = try writer?.publish()
        } catch {
            writer?.abandon()
            throw error
        }
        if write.mode == .overwrite {
            let touched = Set(writer?.writtenFolders ?? [])
            FileTree.remove(
                isDynamic ? old.filter { touched.contains(String($0.prefix(upTo: $0.lastIndex(of: "/") ?? $0.endIndex))) } : old)
            FileTree.removeEmptyFolders(folder)
        }
        try DurableFile.replace(folder + "/_SUCCESS", with: [])
    }
}

/// A folder and all below it.
enum FileTree {
    /// Every file, hidden ones too.
    static func files(_ folder: String) -> [String] {
        var result: [String] = []
        for name in FilePath.names(in: folder) ?? [] {
            let path = folder + "/" + name
            var status = stat()
            guard lstat(path, &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR { result += files(path) } else { result.append(path) }
        }
        return result
    }

    static func remove(_ paths: [String]) {
        for path in paths { unlink(path) }
    }

    /// Those below the folder that hold nothing any more.
    static func removeEmptyFolders(_ folder: String) {
        for name in FilePath.names(in: folder) ?? [] {
            let path = folder + "/" + name
            var status = stat()
            guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { continue }
            removeEmptyFolders(path)
            rmdir(path)
        }
    }
}
