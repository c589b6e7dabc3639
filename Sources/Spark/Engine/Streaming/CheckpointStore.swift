internal import CRocksDB
internal import IO
internal import NIOConcurrencyHelpers

/// The engine's one RocksDB: offsets and commits of all queries, the last two versions of each. Every write is synced before it returns.
///
/// Keys: `q/<id>/m` what the query is, `q/<id>/s` where its sources began, `q/<id>/t` which topics its offsets speak of,
/// `q/<id>/f<source>/<place>` the files that a source found, `q/<id>/o/<batch>` its logged micro-batches, `q/<id>/c/<batch>` their commits; batch
/// numbers as sixteen hexadecimal digits, so that they sort. That part is small: caches and memtables are sized for that. What stateful
/// operators hold is in a column family of its own (`CheckpointStore+State.swift`), and goes into the same write as the commit of the batch that
/// made it.
final class CheckpointStore: @unchecked Sendable {
    // Unchecked: RocksDB's handle is safe to use from any thread; closing is guarded by the lock, and callers stop first.
    let database: OpaquePointer
    let stateFamily: OpaquePointer
    private let defaultFamily: OpaquePointer
    private let options: OpaquePointer
    private let stateOptions: OpaquePointer
    private let writeOptions: OpaquePointer
    let readOptions: OpaquePointer
    private let isClosed = NIOLockedValueBox(false)

    /// - Parameter stateMemtable: bytes of state that are gathered before they are sorted into a file.
    init(path: String, stateMemtable: Int = 16 << 20) throws {
        options = rocksdb_options_create()
        rocksdb_options_set_create_if_missing(options, 1)
        rocksdb_options_set_create_missing_column_families(options, 1)
        rocksdb_options_set_write_buffer_size(options, 1 << 20)
        rocksdb_options_set_max_write_buffer_number(options, 2)
        rocksdb_options_set_max_open_files(options, 32)
        rocksdb_options_set_keep_log_file_num(options, 1)
        rocksdb_options_set_info_log_level(options, 3)
        // The log must hold what both families' memtables do.
        rocksdb_options_set_max_total_wal_size(options, UInt64(2 * stateMemtable + 4 << 20))
        stateOptions = Self.stateOptions(memtable: stateMemtable)
        let table = rocksdb_block_based_options_create()
        let cache = rocksdb_cache_create_lru(256 << 10)
        rocksdb_block_based_options_set_block_cache(table, cache)
        rocksdb_options_set_block_based_table_factory(options, table)
        rocksdb_cache_destroy(cache)
        rocksdb_block_based_options_destroy(table)
        writeOptions = rocksdb_writeoptions_create()
        rocksdb_writeoptions_set_sync(writeOptions, 1)
        readOptions = rocksdb_readoptions_create()
        var error: UnsafeMutablePointer<CChar>?
        var families: [OpaquePointer?] = [nil, nil]
        let opened = Self.open(path, [options, stateOptions], &families, &error)
        guard let opened, error == nil, let defaultFamily = families[0], let stateFamily = families[1] else {
            let reason = Self.take(&error) ?? "unknown"
            rocksdb_options_destroy(options)
            rocksdb_options_destroy(stateOptions)
            rocksdb_writeoptions_destroy(writeOptions)
            rocksdb_readoptions_destroy(readOptions)
            throw DataFolderError.unusable(box: "engine", path: path, reason: reason)
        }
        database = opened
        self.defaultFamily = defaultFamily
        self.stateFamily = stateFamily
    }

    private static func open(
        _ path: String, _ options: [OpaquePointer?], _ families: inout [OpaquePointer?], _ error: inout UnsafeMutablePointer<CChar>?
    ) -> OpaquePointer? {
        ["default", "state"].withCStrings { rocksdb_open_column_families(options[0], path, 2, $0, options, &families, &error) }
    }

    func close() {
        let isFirst = isClosed.withLockedValue { closed in
            defer { closed = true }
            return !closed
        }
        guard isFirst else { return }
        rocksdb_column_family_handle_destroy(stateFamily)
        rocksdb_column_family_handle_destroy(defaultFamily)
        rocksdb_close(database)
        rocksdb_options_destroy(stateOptions)
        rocksdb_writeoptions_destroy(writeOptions)
        rocksdb_readoptions_destroy(readOptions)
        rocksdb_options_destroy(options)
    }

    deinit { close() }

    static func take(_ error: inout UnsafeMutablePointer<CChar>?) -> String? {
        guard let message = error else { return nil }
        defer {
            rocksdb_free(message)
            error = nil
        }
        return String(cString: message)
    }

    private static func key(_ id: StreamingQueryID, _ kind: String, _ batch: Int64? = nil) -> String {
        guard let batch else { return "q/\(id)/\(kind)" }
        let digits = String(UInt64(bitPattern: batch), radix: 16)
        return "q/\(id)/\(kind)/" + String(repeating: "0", count: 16 - digits.count) + digits
    }

    // MARK: Queries

    /// What is known of a query: its name and where its checkpoint folder is.
    func describe(_ id: StreamingQueryID, _ text: String) throws {
        try write { $0.put(Self.key(id, "m"), text) }
    }

    func descriptions() throws -> [(id: StreamingQueryID, text: String)] {
        try scan(prefix: "q/").compactMap { key, value in
            let parts = key.split(separator: "/")
            return parts.count == 3 && parts[2] == "m" ? (StreamingQueryID(String(parts[1])), value) : nil
        }
    }

    func forget(_ id: StreamingQueryID) throws {
        let keys = try scan(prefix: "q/\(id)/").map(\.0)
        let state = StateScope.range(of: id)
        try write { batch in
            for key in keys { batch.delete(key) }
            StateWrites(batch: batch.batch, family: stateFamily).deleteRange(from: state.start, to: state.end)
        }
    }

    // MARK: Sources

    /// Where the query's first start found its sources to begin; nil before it.
    func initialOffsets(_ id: StreamingQueryID) throws -> [SourceOffset]? {
        guard let text = try get(Self.key(id, "s")) else { return nil }
        let offsets = (try? JSON(parsing: text))?.array?.map(SourceOffset.init(json:)) ?? [nil]
        guard !offsets.contains(nil) else { throw Self.corrupt(id, "initial offsets", text) }
        return offsets.compactMap(\.self)
    }

    func setInitialOffsets(_ offsets: [SourceOffset], identities: [[String: String]], of id: StreamingQueryID) throws {
        try write { writes in
            writes.put(Self.key(id, "s"), JSON.array(offsets.map(\.json)).text)
            writes.put(Self.key(id, "t"), Self.json(identities).text)
        }
    }

    /// For each source which topics its logged offsets speak of: names and ids. Empty where an earlier release kept none.
    func identities(_ id: StreamingQueryID) throws -> [[String: String]] {
        guard let text = try get(Self.key(id, "t")) else { return [] }
        guard let sources = (try? JSON(parsing: text))?.array else { throw Self.corrupt(id, "topic ids", text) }
        return sources.map { source in
            Dictionary((source.object ?? [:]).compactMap { member in member.value.string.map { (member.name, $0) } }) { $1 }
        }
    }

    func setIdentities(_ identities: [[String: String]], of id: StreamingQueryID) throws {
        try write { $0.put(Self.key(id, "t"), Self.json(identities).text) }
    }

    /// Files that a source of the query has found, in the order of their places.
    func sourceFiles(_ id: StreamingQueryID, _ source: Int) throws -> [String] {
        try scan(prefix: "q/\(id)/f\(source)/").map(\.1)
    }

    func addSourceFiles(_ files: [String], from first: Int64, _ id: StreamingQueryID, _ source: Int) throws {
        try write { writes in
            for (index, file) in files.enumerated() { writes.put(Self.key(id, "f\(source)", first + Int64(index)), file) }
        }
    }

    private static func json(_ identities: [[String: String]]) -> JSON {
        .array(identities.map { .object(JSON.Members($0.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })) })
    }

    private static func corrupt(_ id: StreamingQueryID, _ what: String, _ text: String) -> SparkError {
        SparkError(
            "STREAMING_CHECKPOINT_CORRUPT", sqlState: "XXKST",
            "The checkpoint of the query \(id) holds \(what) that cannot be read: \(text.prefix(200)).")
    }

    // MARK: Micro-batches

    /// The newest logged batch, and whether it was committed.
    func last(_ id: StreamingQueryID) throws -> (batch: MicroBatch, isCommitted: Bool, note: CommitNote)? {
        guard let (_, text) = try scan(prefix: "q/\(id)/o/").last else { return nil }
        guard let json = try? JSON(parsing: text), let batch = MicroBatch(json: json) else {
            throw SparkError(
                "STREAMING_CHECKPOINT_CORRUPT", sqlState: "XXKST",
                "The checkpoint of the query \(id) holds a batch that cannot be read: \(text.prefix(200)).")
        }
        let commit = try get(Self.key(id, "c", batch.id))
        // Not committed: the batch goes on from what the one before it left.
        let before = try commit ?? get(Self.key(id, "c", batch.id - 1))
        let note = before.flatMap { try? JSON(parsing: $0) }.map(CommitNote.init(json:)) ?? CommitNote()
        return (batch, commit != nil, note)
    }

    func log(_ batch: MicroBatch, of id: StreamingQueryID) throws {
        try write { $0.put(Self.key(id, "o", batch.id), batch.json.text) }
    }

    /// One synced write: the commit, the state that the batch made, the next batch's offsets when there is one, and the removal of what is
    /// older than two versions.
    func commit(
        _ batch: Int64, next: MicroBatch?, of id: StreamingQueryID, note: CommitNote = CommitNote(), state: (StateWrites) -> Void = { _ in }
    ) throws {
        try write { writes in
            writes.put(Self.key(id, "c", batch), note.json.text)
            state(StateWrites(batch: writes.batch, family: stateFamily))
            if let next { writes.put(Self.key(id, "o", next.id), next.json.text) }
            if batch >= 2 {
                writes.delete(Self.key(id, "o", batch - 2))
                writes.delete(Self.key(id, "c", batch - 2))
            }
        }
    }

    // MARK: RocksDB

    private struct Writes {
        let batch: OpaquePointer

        func put(_ key: String, _ value: String) {
            let (key, value) = (Array(key.utf8CString), Array(value.utf8CString))
            rocksdb_writebatch_put(batch, key, key.count - 1, value, value.count - 1)
        }

        func delete(_ key: String) {
            let key = Array(key.utf8CString)
            rocksdb_writebatch_delete(batch, key, key.count - 1)
        }
    }

    private func write(_ body: (Writes) -> Void) throws {
        guard let batch = rocksdb_writebatch_create() else { return }
        defer { rocksdb_writebatch_destroy(batch) }
        body(Writes(batch: batch))
        var error: UnsafeMutablePointer<CChar>?
        rocksdb_write(database, writeOptions, batch, &error)
        if let reason = Self.take(&error) { throw CheckpointError(reason: reason) }
    }

    private func get(_ key: String) throws -> String? {
        let key = Array(key.utf8CString)
        var count = 0
        var error: UnsafeMutablePointer<CChar>?
        let value = rocksdb_get(database, readOptions, key, key.count - 1, &count, &error)
        if let reason = Self.take(&error) { throw CheckpointError(reason: reason) }
        guard let value else { return nil }
        defer { rocksdb_free(value) }
        return String(decoding: UnsafeRawBufferPointer(start: value, count: count), as: UTF8.self)
    }

    private func scan(prefix: String) throws -> [(String, String)] {
        guard let iterator = rocksdb_create_iterator(database, readOptions) else { return [] }
        defer { rocksdb_iter_destroy(iterator) }
        let start = Array(prefix.utf8CString)
        rocksdb_iter_seek(iterator, start, start.count - 1)
        var found: [(String, String)] = []
        while rocksdb_iter_valid(iterator) != 0 {
            var count = 0
            guard let keyStart = rocksdb_iter_key(iterator, &count) else { break }
            let key = String(decoding: UnsafeRawBufferPointer(start: keyStart, count: count), as: UTF8.self)
            guard key.hasPrefix(prefix) else { break }
            guard let valueStart = rocksdb_iter_value(iterator, &count) else { break }
            found.append((key, String(decoding: UnsafeRawBufferPointer(start: valueStart, count: count), as: UTF8.self)))
            rocksdb_iter_next(iterator)
        }
        var error: UnsafeMutablePointer<CChar>?
        rocksdb_iter_get_error(iterator, &error)
        if let reason = Self.take(&error) { throw CheckpointError(reason: reason) }
        return found
    }
}

struct CheckpointError: DescribedError {
    let reason: String
    var problem: String { "the engine's checkpoint store failed: \(reason)" }
    var nextStep: String? { "check the disk under the engine's data folder; the query resumes from its last commit when restarted" }
}
