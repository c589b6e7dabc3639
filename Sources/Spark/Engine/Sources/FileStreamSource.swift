internal import IO
internal import Logging
internal import NIOConcurrencyHelpers
internal import NIOPosix

/// New files of a folder as a stream: `readStream.schema(…).json(path)` and its siblings.
///
/// A file that the listing finds gets the next place in the query's log of files, and the log is on the disk before the file is offered: an offset
/// is a place in that log, so that no file is read twice or forgotten, whatever happens between two steps. Files are read once, as they are when
/// their batch runs: as in Spark they are to be moved into the folder whole. Names that begin with `_` or `.` are left alone.
final class FileStreamSource: StreamSource {
    static let files = SourcePartition(topic: "files", partition: 0)

    private struct State {
        var log: FileSourceLog?
        /// Paths that have a place in the log.
        var seen: Set<String> = []
        /// Files from `first` on, which may still have to be read.
        var entries: [FileEntry] = []
        var first: Int64 = 0
        var lister: Task<Void, Never>?
        var failure: (any Error)?

        var end: Int64 { first + Int64(entries.count) }
    }

    private let options: FileSourceOptions
    private let userSchema: StructType?
    private let reader: FileReader
    private let filesMax: Int64
    private let isLatestFirst: Bool
    private let poll: Duration
    private let workers: NIOThreadPool
    private let signal: SourceSignal
    private let logger: Logger
    private let state = NIOLockedValueBox(State())

    init(
        _ read: DataSourceRead, schema: StructType, wanted: Set<Int>, limits: FileLimits, poll: Duration, workers: NIOThreadPool,
        signal: SourceSignal, logger: Logger
    ) throws {
        options = try FileSourceOptions(read)
        userSchema = read.schema
        let partitions = try FileIndex(options, schema: schema).partitions
        reader = FileReader(options, schema: schema, partitions: partitions, wanted: wanted, limits: limits)
        for (name, plain) in [
            ("fileNameOnly", "false"), ("maxBytesPerTrigger", ""), ("cleanSource", "off"), ("sourceArchiveDir", ""), ("maxCachedFiles", ""),
        ] {
            guard let value = read.options[name], !value.equalsIgnoringCase(plain) else { continue }
            throw Resolver.unserved("The option \(name) of a stream of files")
        }
        let most = read.options["maxFilesPerTrigger"] ?? "\(Int32.max)"
        guard let filesMax = Int64(most), filesMax > 0 else {
            throw FileSourceOptions.invalid("maxFilesPerTrigger", most, "a positive number is wanted")
        }
        self.filesMax = filesMax
        isLatestFirst = read.options["latestFirst"]?.equalsIgnoringCase("true") == true
        self.poll = max(poll, .milliseconds(1))
        self.workers = workers
        self.signal = signal
        self.logger = logger
    }

    var description: String {
        "FileStreamSource[\(options.paths.map { "file:" + FilePath.absolute((try? FilePath.local($0)) ?? $0) }.joined(separator: ","))]"
    }
    var waitingReason: String? { state.withLockedValue { $0.failure.map { "cannot list the files: \($0)" } } }

    /// Where the query keeps what this source has seen; called once, before anything is read.
    func attach(_ log: FileSourceLog) { state.withLockedValue { $0.log = log } }

    func initialOffset() async throws -> SourceOffset { SourceOffset([Self.files: 0]) }

    func start(at offset: SourceOffset, identities: [String: String]) async throws {
        let first = offset.positions[Self.files] ?? 0
        try await workers.runIfActive { [self] in
            guard let log = state.withLockedValue({ $0.log }) else { return }
            let known = try log.entries()
            guard Int64(known.count) >= first else {
                throw SparkError(
                    "STREAMING_CHECKPOINT_CORRUPT", sqlState: "XXKST",
                    "The checkpoint says that \(first) files of \(description) were read, and knows \(known.count) of them.")
            }
            state.withLockedValue { state in
                state.seen = Set(known.map(\.path))
                state.first = first
                state.entries = Array(known[Int(first)...])
            }
        }
        try await list()
        let task = Task { [self] in
            while !Task.isCancelled {
                try? await Task.sleep(for: poll)
                guard !Task.isCancelled else { return }
                do {
                    try await list()
                    state.withLockedValue { $0.failure = nil }
                } catch {
                    logger.warning("\(description) cannot list its files: \(error)")
                    state.withLockedValue { $0.failure = error }
                }
            }
        }
        state.withLockedValue { $0.lister = task }
    }

    /// Gives new files their places, oldest first, and writes them down.
    private func list() async throws {
        try await workers.runIfActive { [self] in
            let found = try FileIndex(options, schema: userSchema).files
            let (log, end, seen) = state.withLockedValue { ($0.log, $0.end, $0.seen) }
            var new = found.filter { !seen.contains($0.path) }
            guard !new.isEmpty else { return }
            new.sort { ($0.modifiedMillis, $0.path) < ($1.modifiedMillis, $1.path) }
            if isLatestFirst { new.reverse() }
            try log?.append(new, from: end)
            state.withLockedValue { state in
                state.entries += new
                state.seen.formUnion(new.map(\.path))
            }
            signal.raise()
        }
    }

    func waiting(after offset: SourceOffset) throws -> SourceRange? {
        let read = offset.positions[Self.files] ?? 0
        let end = state.withLockedValue { state in
            // What lies behind the offset is not asked for again: a batch that is to be replayed is known at the start.
            let done = Int(min(max(0, read - state.first), Int64(state.entries.count)))
            if done > 4_096 {
                state.entries.removeFirst(done - 1_024)
                state.first += Int64(done - 1_024)
            }
            return min(state.end, read + filesMax)
        }
        return end > read ? SourceRange(start: offset, end: SourceOffset([Self.files: end])) : nil
    }

    func latest() async throws -> SourceOffset {
        try await list()
        return SourceOffset([Self.files: state.withLockedValue { $0.end }])
    }

    func newest() -> SourceOffset? { SourceOffset([Self.files: state.withLockedValue { $0.end }]) }

    func read(_ range: SourceRange, firstOrdinal: Int64, _ body: (SourceChunk) async throws -> Void) async throws {
        let start = range.start.positions[Self.files] ?? 0
        let end = range.end.positions[Self.files] ?? 0
        guard end > start else { return }
        let files = state.withLockedValue { state -> [FileEntry]? in
            guard start >= state.first, end <= state.end else { return nil }
            return Array(state.entries[Int(start - state.first)..<Int(end - state.first)])
        }
        guard let files else {
            throw SparkError(
                "STREAMING_CHECKPOINT_CORRUPT", sqlState: "XXKST",
                "The files \(start) to \(end) of \(description) are not in the checkpoint.")
        }
        try await reader.read(files, firstOrdinal: firstOrdinal, body)
    }

    func stop() async {
        let task = state.withLockedValue { $0.lister }
        task?.cancel()
    }
}

/// The files that one source of a query has found, each at its place: what the source's offsets speak of.
struct FileSourceLog: Sendable {
    let checkpoint: CheckpointStore
    let query: StreamingQueryID
    let source: Int

    func entries() throws -> [FileEntry] {
        try checkpoint.sourceFiles(query, source).map { text in
            guard let json = try? JSON(parsing: text), let path = json["path"]?.string else {
                throw SparkError(
                    "STREAMING_CHECKPOINT_CORRUPT", sqlState: "XXKST",
                    "The checkpoint of the query \(query) holds a file that cannot be read: \(text.prefix(200)).")
            }
            return FileEntry(
                path: path, byteCount: json["size"]?.integer ?? 0, modifiedMillis: json["modified"]?.integer ?? 0,
                partition: (json["partition"]?.elements ?? []).map {
                    FileEntry.Partition(column: $0["column"]?.string ?? "", value: $0["value"]?.string)
                })
        }
    }

    /// One synced write.
    func append(_ files: [FileEntry], from first: Int64) throws {
        try checkpoint.addSourceFiles(
            files.map { file in
                let partition = file.partition.map { part -> JSON in
                    ["column": .string(part.column), "value": part.value.map { .string($0) } ?? .null]
                }
                let entry: JSON = [
                    "path": .string(file.path), "size": .integer(file.byteCount), "modified": .integer(file.modifiedMillis),
                    "partition": .array(partition),
                ]
                return entry.text
            }, from: first, query, source)
    }
}
