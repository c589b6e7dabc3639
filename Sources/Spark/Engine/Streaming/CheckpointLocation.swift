internal import IO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The folder that `checkpointLocation` names. It holds one small file that says which query the checkpoint belongs to; the offsets
/// themselves are in the engine's store under that query's id. Deleting the folder therefore resets the query, as people expect.
struct CheckpointLocation {
    let folder: String
    private var file: String { folder + "/leat.query" }

    struct Owner: Hashable {
        var id: StreamingQueryID
        var name: String?
        /// What the query reads, so that another query's checkpoint is known by it also when neither has a name.
        var sources: [String]
    }

    init(_ location: String) {
        folder =
            location.hasPrefix("file://")
            ? String(location.dropFirst(7)) : location.hasPrefix("file:") ? String(location.dropFirst(5)) : location
    }

    var owner: Owner? {
        get throws {
            let descriptor = open(file, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else {
                if errno == ENOENT || errno == ENOTDIR { return nil }
                throw FileError(call: "open", path: file)
            }
            defer { close(descriptor) }
            var bytes = [UInt8](repeating: 0, count: 65_536)
            let count = read(descriptor, &bytes, bytes.count)
            guard count >= 0 else { throw FileError(call: "read", path: file) }
            let text = String(decoding: bytes.prefix(count), as: UTF8.self)
            guard let json = try? JSON(parsing: text), let id = json["id"]?.string else {
                throw SparkError(
                    "STREAMING_CHECKPOINT_CORRUPT", sqlState: "XXKST", "\(file) does not say which query the checkpoint belongs to.")
            }
            return Owner(
                id: StreamingQueryID(id), name: json["name"]?.string, sources: (json["sources"]?.elements ?? []).compactMap(\.string))
        }
    }

    /// The id of the query that owns the checkpoint: the one written there, or a new one.
    ///
    /// - Throws: ``SparkError`` when the checkpoint belongs to another query, naming it.
    func claim(name: String?, sources: [String]) throws -> StreamingQueryID {
        if let owner = try owner {
            let isOther = owner.name != nil && name != nil && owner.name != name || owner.sources != sources
            guard !isOther else {
                throw SparkError(
                    "STREAMING_CHECKPOINT_OF_ANOTHER_QUERY", sqlState: "55019",
                    "The checkpoint \(folder) belongs to the query \(owner.name.map { "'\($0)'" } ?? owner.id.text), which reads \(owner.sources.joined(separator: " and ")); this query\(name.map { " '\($0)'" } ?? "") reads \(sources.joined(separator: " and ")).",
                    nextStep: "give this query its own checkpointLocation, or delete that folder to start it anew")
            }
            return owner.id
        }
        let id = StreamingQueryID(UUIDText.random())
        try createFolders()
        var members: JSON.Members = ["id": .string(id.text)]
        if let name { members["name"] = .string(name) }
        members["sources"] = .array(sources.map { .string($0) })
        try DurableFile.replace(file, with: Array((JSON.object(members).text + "\n").utf8))
        return id
    }

    private func createFolders() throws {
        var prefix = folder.hasPrefix("/") ? "" : "."
        for part in folder.split(separator: "/") {
            prefix += "/" + part
            if mkdir(prefix, 0o755) != 0, errno != EEXIST { throw FileError(call: "mkdir", path: prefix) }
        }
    }
}
