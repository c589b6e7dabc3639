internal import IO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The log that a streaming file sink keeps beside its files, `_spark_metadata`: which files each micro-batch made. Only those are the sink's.
///
/// The form is Spark's (FileStreamSinkLog, version 1), so that each reads what the other wrote: a file a batch, its first line `v1`, then one
/// file's status a line; every tenth batch's, `9.compact`, tells all files since the beginning.
struct FileSinkLog {
    struct Entry: Hashable {
        var path: String
        var byteCount: Int64
        var modifiedMillis: Int64
    }

    static let name = "_spark_metadata"
    private static let interval: Int64 = 10
    let folder: String

    init(of target: String) { folder = target + "/" + Self.name }

    static func isIn(_ target: String) -> Bool { FilePath.isFolder(target + "/" + name) }

    // MARK: Batches

    private func batches() -> [(id: Int64, name: String, isCompact: Bool)] {
        (FilePath.names(in: folder) ?? []).compactMap { name in
            let isCompact = name.hasSuffix(".compact")
            guard let id = Int64(isCompact ? String(name.dropLast(8)) : name), id >= 0 else { return nil }
            return (id, name, isCompact)
        }.sorted { $0.id < $1.id }
    }

    /// The newest batch that is logged.
    var latest: Int64? { batches().last?.id }

    /// All files that the batches made, in their order.
    func entries() throws -> [Entry] {
        let batches = batches()
        let start = batches.lastIndex { $0.isCompact } ?? 0
        return try batches[start...].flatMap { try entries(in: folder + "/" + $0.name) }
    }

    /// One synced step: the batch's files are the sink's from here on.
    func add(_ batch: Int64, _ files: [Entry]) throws {
        let isCompact = (batch + 1) % Self.interval == 0
        let lines = try (isCompact ? entries() + files : files).map(Self.line)
        let text = (["v1"] + lines).joined(separator: "\n")
        try DurableFile.replace(folder + "/\(batch)" + (isCompact ? ".compact" : ""), with: Array(text.utf8))
        guard isCompact else { return }
        // What the last compact log but one tells, nobody reads any more.
        for old in batches() where old.id < batch - Self.interval { unlink(folder + "/" + old.name) }
    }

    // MARK: Owner

    private var ownerPath: String { folder + "/.leat.query" }

    /// Makes the log, or finds it to be this query's.
    ///
    /// - Throws: ``SparkError`` where another query wrote it: its batches' numbers would be taken for this one's, and rows be lost.
    func claim(_ query: String) throws {
        try FilePath.createFolders(folder)
        if let owner = try? text(ownerPath) {
            guard owner != query else { return }
        } else if latest == nil {
            return try DurableFile.replace(ownerPath, with: Array(query.utf8))
        }
        throw SparkError(
            "STREAMING_SINK_OF_ANOTHER_QUERY", sqlState: "55019",
            "The folder \(folder.dropLast(Self.name.count + 1)) holds what another streaming query, or this one with another checkpoint, wrote.",
            nextStep: "give this query a folder of its own, start it with that query's checkpointLocation, or delete the folder")
    }

    // MARK: Text

    private func text(_ path: String) throws -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileSourceError.cannotOpen(path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileSourceError.cannotRead(path) }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var filled = 0
        while filled < bytes.count {
            let got = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress.map { $0 + filled }, $0.count - filled) }
            guard got >= 0 else { throw FileSourceError.cannotRead(path) }
            if got == 0 { break }
            filled += got
        }
        return String(decoding: bytes.prefix(filled), as: UTF8.self)
    }

    private func entries(in path: String) throws -> [Entry] {
        let lines = try text(path).split(separator: "\n")
        guard lines.first == "v1" else {
            throw SparkError(
                "MALFORMED_LOG_FILE", sqlState: "KD002", "The log \(path) of a streaming sink is of another version than v1, or is no log.")
        }
        return try lines.dropFirst().compactMap { line in
            guard let json = try? JSON(parsing: String(line)), let address = json["path"]?.string, let size = json["size"]?.integer else {
                throw SparkError(
                    "MALFORMED_LOG_FILE", sqlState: "KD002", "The log \(path) of a streaming sink has a line that is no file's status.")
            }
            guard json["action"]?.string ?? "add" == "add" else { return nil }
            return Entry(
                path: try FilePath.local(PartitionFolder.unescape(address)), byteCount: size,
                modifiedMillis: json["modificationTime"]?.integer ?? 0)
        }
    }

    private static func line(_ entry: Entry) -> String {
        let status: JSON = [
            "path": .string(address(entry.path)), "size": .integer(entry.byteCount), "isDir": false,
            "modificationTime": .integer(entry.modifiedMillis), "blockReplication": 1, "blockSize": 33_554_432, "action": "add",
        ]
        return status.text
    }

    /// As `java.net.URI` writes a path.
    private static func address(_ path: String) -> String {
        let plain = Set("/:=@!$&'()*+,;-._~".utf8)
        var bytes: [UInt8] = []
        for byte in path.utf8 {
            let isPlain =
                plain.contains(byte) || (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            if isPlain {
                bytes.append(byte)
            } else {
                bytes += ("%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)).utf8
            }
        }
        return "file://" + String(decoding: bytes, as: UTF8.self)
    }
}
