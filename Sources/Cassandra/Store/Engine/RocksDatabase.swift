internal import CRocksDB
internal import IO
internal import Synchronization

/// RocksDB under the store: one column family, options chosen for rows that are written blind and read by key.
///
/// - The writer is alone, so concurrent memtable writes and the adaptive spinning of writers are off: they cost and gain nothing.
/// - Data, index and filter blocks share one bounded cache (filters first), so that memory does not grow with the data.
/// - Blocks are 8 KiB: half the index of the default's 4, and still one page-cache read; ten filter bits a key keep absent keys and
///   older files out of point reads.
/// - A row that is overwritten again and again is written back folded once a read has folded more than ``operandsMax`` writes of it. (The
///   option max_successive_merges would do so as it writes, and look for the key at every write: two fifths more CPU for rows that are
///   written once.)
/// - The first two levels are not compressed (they are rewritten soonest), the others are LZ4.
/// - RocksDB's own account of its work (the file LOG) is off: builds with assertions, as Debian's is, abort the process at the second line
///   that does not fit on a full disk, which is when they write several. What goes wrong is in the errors that calls return.
/// - Recovery stops at the first record of the log that is not whole (point in time): what a crash left half-written was acknowledged to
///   nobody, and what follows it in the log neither.
///
/// `@unchecked Sendable`: RocksDB handles are thread-safe; the handle is closed after the threads that use it have ended.
final class RocksDatabase: @unchecked Sendable {
    static let operandsMax: Int32 = 64
    /// InfoLogLevel's NUM_INFO_LOG_LEVELS: above all levels.
    private static let noInfoLog: Int32 = 6

    let handle: OpaquePointer
    private let options: OpaquePointer
    private let cache: OpaquePointer
    private let writes: OpaquePointer
    /// Reads that answer from memory or not at all.
    let memoryReads: OpaquePointer
    let diskReads: OpaquePointer

    init(path: String, memtableBytes: Int, cacheBytes: Int) throws {
        options = rocksdb_options_create()
        rocksdb_options_set_create_if_missing(options, 1)
        rocksdb_options_set_merge_operator(options, leat_rows_merge_operator())
        rocksdb_options_set_compaction_filter(options, leat_rows_compaction_filter())
        rocksdb_options_set_db_write_buffer_size(options, memtableBytes)
        rocksdb_options_set_write_buffer_size(options, max(1 << 20, memtableBytes / 2))
        rocksdb_options_set_max_write_buffer_number(options, 3)
        rocksdb_options_set_arena_block_size(options, 1 << 20)
        rocksdb_options_set_allow_concurrent_memtable_write(options, 0)
        rocksdb_options_set_enable_write_thread_adaptive_yield(options, 0)
        rocksdb_options_set_enable_pipelined_write(options, 0)
        rocksdb_options_set_wal_recovery_mode(options, Int32(rocksdb_point_in_time_recovery))
        rocksdb_options_set_max_background_jobs(options, 2)
        rocksdb_options_set_target_file_size_base(options, 32 << 20)
        rocksdb_options_set_max_bytes_for_level_base(options, 128 << 20)
        rocksdb_options_set_bytes_per_sync(options, 1 << 20)
        rocksdb_options_set_max_open_files(options, 512)
        rocksdb_options_set_keep_log_file_num(options, 1)
        rocksdb_options_set_info_log_level(options, Self.noInfoLog)
        rocksdb_options_set_stats_dump_period_sec(options, 0)
        rocksdb_options_set_compression(options, Int32(rocksdb_lz4_compression))
        rocksdb_options_set_min_level_to_compress(options, 2)
        let blocks = rocksdb_block_based_options_create()
        cache = rocksdb_cache_create_lru(cacheBytes)
        rocksdb_block_based_options_set_block_cache(blocks, cache)
        rocksdb_block_based_options_set_block_size(blocks, 8 << 10)
        rocksdb_block_based_options_set_format_version(blocks, 5)
        rocksdb_block_based_options_set_filter_policy(blocks, rocksdb_filterpolicy_create_bloom_full(10))
        rocksdb_block_based_options_set_cache_index_and_filter_blocks(blocks, 1)
        rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority(blocks, 1)
        rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(blocks, 1)
        rocksdb_options_set_block_based_table_factory(options, blocks)
        rocksdb_block_based_options_destroy(blocks)
        writes = rocksdb_writeoptions_create()
        memoryReads = rocksdb_readoptions_create()
        rocksdb_readoptions_set_read_tier(memoryReads, 1)
        diskReads = rocksdb_readoptions_create()
        var error: UnsafeMutablePointer<CChar>?
        guard let opened = rocksdb_open(options, path, &error) else {
            throw StorageError(path: path, reason: Self.take(&error) ?? "unknown")
        }
        handle = opened
    }

    /// After every iterator and thread has ended.
    func close() {
        rocksdb_cancel_all_background_work(handle, 1)
        rocksdb_close(handle)
        rocksdb_writeoptions_destroy(writes)
        rocksdb_readoptions_destroy(memoryReads)
        rocksdb_readoptions_destroy(diskReads)
        rocksdb_options_destroy(options)
        rocksdb_cache_destroy(cache)
    }

    static func take(_ error: inout UnsafeMutablePointer<CChar>?) -> String? {
        guard let text = error else { return nil }
        defer {
            rocksdb_free(text)
            error = nil
        }
        return String(cString: text)
    }

    // MARK: Writing

    /// Applies a batch in WriteBatch's own form: to the log, which ``syncLog()`` makes safe, and the memtable. Returns what went wrong, or
    /// nil.
    func write(_ batch: UnsafeRawBufferPointer) -> String? {
        guard let made = rocksdb_writebatch_create_from(batch.baseAddress?.assumingMemoryBound(to: CChar.self), batch.count) else {
            return "no memory for a batch of \(batch.count) bytes"
        }
        defer { rocksdb_writebatch_destroy(made) }
        return write(made)
    }

    func write(_ batch: OpaquePointer) -> String? {
        var error: UnsafeMutablePointer<CChar>?
        rocksdb_write(handle, writes, batch, &error)
        return Self.take(&error)
    }

    /// Syncs the log with everything that has been written.
    func syncLog() -> String? {
        var error: UnsafeMutablePointer<CChar>?
        rocksdb_flush_wal(handle, 1, &error)
        return Self.take(&error)
    }

    /// Memtables to files: for tests.
    func flush() {
        let options = rocksdb_flushoptions_create()
        defer { rocksdb_flushoptions_destroy(options) }
        rocksdb_flushoptions_set_wait(options, 1)
        var error: UnsafeMutablePointer<CChar>?
        rocksdb_flush(handle, options, &error)
        _ = Self.take(&error)
    }

    func compact() { rocksdb_compact_range(handle, nil, 0, nil, 0) }

    // MARK: Reading

    private let hotRows = Mutex<(@Sendable ([UInt8]) -> Void)?>(nil)

    /// Who folds rows that take many writes to read; nil for nobody.
    func onHotRow(_ body: (@Sendable ([UInt8]) -> Void)?) { hotRows.withLock { $0 = body } }

    /// Looks at what the last read of this thread has folded.
    @inline(__always)
    func noteOperands(_ key: UnsafeRawBufferPointer) {
        if leat_rows_take_operands() > Self.operandsMax { hotRows.withLock { $0 }?(Array(key)) }
    }

    /// A read whose row is folded for the next one where it took many writes. The caller destroys the pinned slice.
    @inline(__always)
    func read(_ key: UnsafeRawBufferPointer, inMemory: Bool) -> Found {
        let found = get(key, inMemory: inMemory)
        noteOperands(key)
        return found
    }

    enum Found {
        case value(OpaquePointer)
        case absent
        /// A read of memory alone would have to go to disk.
        case notInMemory
        case failed(String)
    }

    /// The caller destroys the pinned slice.
    @inline(__always)
    func get(_ key: UnsafeRawBufferPointer, inMemory: Bool) -> Found {
        var error: UnsafeMutablePointer<CChar>?
        let slice = rocksdb_get_pinned(
            handle, inMemory ? memoryReads : diskReads, key.baseAddress?.assumingMemoryBound(to: CChar.self), key.count, &error)
        if let slice { return .value(slice) }
        guard let text = Self.take(&error) else { return .absent }
        return inMemory && text.hasPrefix("Result incomplete") ? .notInMemory : .failed(text)
    }

    @inline(__always)
    static func bytes(_ slice: OpaquePointer) -> UnsafeRawBufferPointer {
        var length = 0
        let start = rocksdb_pinnableslice_value(slice, &length)
        return UnsafeRawBufferPointer(start: start, count: length)
    }

    func copy(of key: [UInt8]) throws(CQLError) -> [UInt8]? {
        let found = key.withUnsafeBytes { get($0, inMemory: false) }
        switch found {
        case .value(let slice):
            defer { rocksdb_pinnableslice_destroy(slice) }
            return Array(Self.bytes(slice))
        case .absent: return nil
        case .notInMemory: return nil
        case .failed(let reason): throw .serverError("The storage cannot be read: \(reason)")
        }
    }

    func iterator(_ range: KeySpan) -> RocksIterator { RocksIterator(self, range) }
}

/// Keys from `start` up to but without `end`.
struct KeySpan {
    var start: [UInt8]
    /// Empty: to the end.
    var end: [UInt8]
}

/// An iterator over a span, with the options and bounds that have to outlive it.
///
/// A class of one thread; destroyed with its last reference.
final class RocksIterator {
    private let iterator: OpaquePointer
    private let options: OpaquePointer
    private let lower: ByteArena
    private let upper: ByteArena

    fileprivate init(_ database: RocksDatabase, _ span: KeySpan) {
        options = rocksdb_readoptions_create()
        lower = ByteArena()
        upper = ByteArena()
        lower.append(span.start)
        upper.append(span.end)
        if lower.count > 0 {
            rocksdb_readoptions_set_iterate_lower_bound(options, lower.base.assumingMemoryBound(to: CChar.self), lower.count)
        }
        if upper.count > 0 {
            rocksdb_readoptions_set_iterate_upper_bound(options, upper.base.assumingMemoryBound(to: CChar.self), upper.count)
        }
        iterator = rocksdb_create_iterator(database.handle, options)
    }

    deinit {
        rocksdb_iter_destroy(iterator)
        rocksdb_readoptions_destroy(options)
    }

    func seek(_ key: [UInt8]) {
        key.withUnsafeBytes { rocksdb_iter_seek(iterator, $0.baseAddress?.assumingMemoryBound(to: CChar.self), key.count) }
    }

    func seekToFirst() { rocksdb_iter_seek_to_first(iterator) }
    func seekToLast() { rocksdb_iter_seek_to_last(iterator) }
    func next() { rocksdb_iter_next(iterator) }
    func previous() { rocksdb_iter_prev(iterator) }
    var isValid: Bool { rocksdb_iter_valid(iterator) != 0 }

    var key: UnsafeRawBufferPointer {
        var length = 0
        let start = rocksdb_iter_key(iterator, &length)
        return UnsafeRawBufferPointer(start: start, count: length)
    }

    var value: UnsafeRawBufferPointer {
        var length = 0
        let start = rocksdb_iter_value(iterator, &length)
        return UnsafeRawBufferPointer(start: start, count: length)
    }

    /// - Throws: what ended the iteration early.
    func checkError() throws(CQLError) {
        var error: UnsafeMutablePointer<CChar>?
        rocksdb_iter_get_error(iterator, &error)
        if let text = RocksDatabase.take(&error) { throw .serverError("The storage cannot be read: \(text)") }
    }
}

/// The storage does not open.
struct StorageError: DescribedError {
    let path: String
    let reason: String

    var place: String? { path }
    var problem: String { "the store's storage does not open: \(reason)" }
    var nextStep: String? { "check the disk's free space and the folder's permissions" }
}
