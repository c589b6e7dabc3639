internal import CRocksDB

/// Where one stateful operator's state lies: sixteen bytes of the query's id, then the operator's number in the plan. Below that, event time
/// as eight bytes big-endian with the sign turned, so that what a watermark ends is a range; then a tag, and for a group its key.
struct StateScope: Sendable {
    static let headerTag: UInt8 = 0
    static let groupTag: UInt8 = 1
    private static let idCount = 16

    let bytes: [UInt8]

    init(_ id: StreamingQueryID, number: UInt8) {
        bytes = Self.prefix(id) + [number]
    }

    private static func prefix(_ id: StreamingQueryID) -> [UInt8] {
        let digits = id.text.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        if digits.count == 2 * idCount { return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) } }
        // An id that is no UUID is one that somebody wrote into the checkpoint's file: two hashes stand for it.
        let text = Array(id.text.utf8)
        let first = text.withUnsafeBufferPointer { RowKeys.hash($0) }
        let second = (text + [0]).withUnsafeBufferPointer { RowKeys.hash($0) }
        return withUnsafeBytes(of: (first, second)) { Array($0) }
    }

    static func range(of id: StreamingQueryID) -> (start: [UInt8], end: [UInt8]) {
        let prefix = prefix(id)
        return (prefix, prefix + [.max])
    }

    func partition(_ eventTime: Int64) -> [UInt8] {
        let turned = (UInt64(bitPattern: eventTime) ^ 1 << 63).bigEndian
        return bytes + withUnsafeBytes(of: turned) { Array($0) }
    }

    /// The event time of a key of this scope; nil for another scope's.
    func eventTime(of key: UnsafeRawBufferPointer) -> Int64? {
        guard key.count >= bytes.count + 9, key.prefix(bytes.count).elementsEqual(bytes) else { return nil }
        let turned = UInt64(bigEndian: key.loadUnaligned(fromByteOffset: bytes.count, as: UInt64.self))
        return Int64(bitPattern: turned ^ 1 << 63)
    }
}

/// State that goes into one write with a commit.
struct StateWrites {
    let batch: OpaquePointer
    let family: OpaquePointer

    func put(_ key: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) {
        key.withMemoryRebound(to: CChar.self) { key in
            value.withMemoryRebound(to: CChar.self) { value in
                rocksdb_writebatch_put_cf(batch, family, key.baseAddress, key.count, value.baseAddress, value.count)
            }
        }
    }

    func deleteRange(from start: [UInt8], to end: [UInt8]) {
        start.withUnsafeBytes { start in
            end.withUnsafeBytes { end in
                rocksdb_writebatch_delete_range_cf(
                    batch, family, start.bindMemory(to: CChar.self).baseAddress, start.count,
                    end.bindMemory(to: CChar.self).baseAddress, end.count)
            }
        }
    }
}

extension CheckpointStore {
    static func stateOptions(memtable: Int) -> OpaquePointer {
        let options: OpaquePointer = rocksdb_options_create()
        rocksdb_options_set_write_buffer_size(options, memtable)
        rocksdb_options_set_max_write_buffer_number(options, 3)
        rocksdb_options_set_compression(options, 0)
        let table = rocksdb_block_based_options_create()
        // Most keys that are looked for are new: filters answer for the files that do not have them.
        rocksdb_block_based_options_set_filter_policy(table, rocksdb_filterpolicy_create_bloom_full(10))
        let cache = rocksdb_cache_create_lru(8 << 20)
        rocksdb_block_based_options_set_block_cache(table, cache)
        rocksdb_options_set_block_based_table_factory(options, table)
        rocksdb_cache_destroy(cache)
        rocksdb_block_based_options_destroy(table)
        return options
    }

    /// Looks for many keys at once; `body` is given those that are there.
    func states(_ keys: [UInt8], _ offsets: [Int], _ body: (Int, UnsafeRawBufferPointer) throws -> Void) throws {
        let count = offsets.count - 1
        guard count > 0 else { return }
        var values = [OpaquePointer?](repeating: nil, count: count)
        var errors = [UnsafeMutablePointer<CChar>?](repeating: nil, count: count)
        keys.withUnsafeBytes { keys in
            guard let base = keys.bindMemory(to: CChar.self).baseAddress else { return }
            let starts: [UnsafePointer<CChar>?] = (0..<count).map { base + offsets[$0] }
            let sizes = (0..<count).map { offsets[$0 + 1] - offsets[$0] }
            rocksdb_batched_multi_get_cf(database, readOptions, stateFamily, count, starts, sizes, &values, &errors, false)
        }
        defer { for value in values where value != nil { rocksdb_pinnableslice_destroy(value) } }
        var failure: String?
        for index in 0..<count { if let reason = Self.take(&errors[index]) { failure = reason } }
        if let failure { throw CheckpointError(reason: failure) }
        for index in 0..<count {
            guard let value = values[index] else { continue }
            var length = 0
            let start = rocksdb_pinnableslice_value(value, &length)
            try body(index, UnsafeRawBufferPointer(start: start, count: length))
        }
    }

    /// Walks through states from a key on. `body` says where to go on: nil ends the walk, an empty key means the next.
    func scanStates(from start: [UInt8], _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws -> [UInt8]?) throws {
        guard let iterator = rocksdb_create_iterator_cf(database, readOptions, stateFamily) else { return }
        defer { rocksdb_iter_destroy(iterator) }
        func seek(_ key: [UInt8]) {
            key.withUnsafeBytes { rocksdb_iter_seek(iterator, $0.bindMemory(to: CChar.self).baseAddress, $0.count) }
        }
        seek(start)
        while rocksdb_iter_valid(iterator) != 0 {
            var keyCount = 0, valueCount = 0
            let key = rocksdb_iter_key(iterator, &keyCount)
            let value = rocksdb_iter_value(iterator, &valueCount)
            guard
                let next = try body(
                    UnsafeRawBufferPointer(start: key, count: keyCount), UnsafeRawBufferPointer(start: value, count: valueCount))
            else { break }
            if next.isEmpty { rocksdb_iter_next(iterator) } else { seek(next) }
        }
        var error: UnsafeMutablePointer<CChar>?
        rocksdb_iter_get_error(iterator, &error)
        if let reason = Self.take(&error) { throw CheckpointError(reason: reason) }
    }
}

extension Array where Element == String {
    /// The texts as C has them, for the time of the call.
    func withCStrings<R>(_ body: ([UnsafePointer<CChar>?]) -> R) -> R {
        var flat: [CChar] = []
        var starts: [Int] = []
        for text in self {
            starts.append(flat.count)
            flat.append(contentsOf: text.utf8CString)
        }
        return flat.withUnsafeBufferPointer { flat in body(starts.map { start in flat.baseAddress.map { $0 + start } }) }
    }
}
