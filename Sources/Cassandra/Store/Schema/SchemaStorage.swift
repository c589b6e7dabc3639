internal import CRocksDB
internal import NIOCore

/// The schema in RocksDB.
enum SchemaStorage {
    /// This node's id: made once, kept with the data.
    static func hostID(_ database: RocksDatabase) throws(CQLError) -> CQLUUID {
        if let bytes = try database.copy(of: SchemaCodec.hostKey), bytes.count == 16 {
            let value = try CQLValue(bytes: .init(bytes: bytes), type: .uuid)
            if case .uuid(let id) = value { return id }
        }
        let id = CQLUUID.random()
        let batch = SchemaBatch()
        batch.put(SchemaCodec.hostKey, Array(try CQLValue.uuid(id).bytes(as: .uuid).readableBytesView))
        if let problem = batch.write(to: database) { throw .serverError(problem) }
        return id
    }

    static func load(_ database: RocksDatabase, node: NodeDescription) throws(CQLError) -> Schema {
        var schema = Schema()
        schema.generation = 1
        for keyspace in SystemTables(node: node).keyspaces { schema.keyspaces[keyspace.name] = keyspace }
        let iterator = database.iterator(KeySpan(start: SchemaCodec.prefix, end: KeyLayout.successor(SchemaCodec.prefix)))
        var heads: Set<[UInt8]> = []
        var tables: [[UInt8]] = []
        iterator.seekToFirst()
        while iterator.isValid {
            let key = Array(iterator.key)
            let value = Array(iterator.value)
            switch key.count > 4 ? key[4] : 0 {
            case 0x6B:
                let keyspace = try SchemaCodec.decodeKeyspace(value)
                schema.keyspaces[keyspace.name] = keyspace
            case 0x74: tables.append(value)
            case 0x68: heads.insert(key)
            case 0x6E:
                guard value.count == 4 else { break }
                schema.nextStorageID = value.reduce(0) { $0 << 8 | UInt32($1) }
            default: break
            }
            iterator.next()
        }
        try iterator.checkError()
        for bytes in tables {
            let table = try SchemaCodec.decodeTable(bytes) { heads.contains(SchemaCodec.headsKey($0)) }
            schema.keyspaces[table.keyspace]?.tables[table.name] = table
        }
        return schema
    }

    /// Notes with the first deletions of partitions and ranges (and, harmlessly, with the later ones) that the table has heads.
    static func appendHeadsMark(_ table: Table, to arena: ByteArena) {
        _ = table.marks.setPartitionHeads()
        // RocksDB's kTypeValue in the default column family.
        arena.append(0x01)
        let key = SchemaCodec.headsKey(table.storageID)
        arena.append(varint: key.count)
        arena.append(key)
        arena.append(varint: 1)
        arena.append(1)
    }
}

/// A WriteBatch of schema entries. Of one thread.
final class SchemaBatch {
    private var batch: OpaquePointer? = rocksdb_writebatch_create()

    deinit { if let batch { rocksdb_writebatch_destroy(batch) } }

    func put(_ key: [UInt8], _ value: [UInt8]) {
        guard let batch else { return }
        key.withUnsafeBytes { key in
            value.withUnsafeBytes { value in
                rocksdb_writebatch_put(
                    batch, key.baseAddress?.assumingMemoryBound(to: CChar.self), key.count,
                    value.baseAddress?.assumingMemoryBound(to: CChar.self), value.count)
            }
        }
    }

    func delete(_ key: [UInt8]) {
        guard let batch else { return }
        key.withUnsafeBytes { rocksdb_writebatch_delete(batch, $0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count) }
    }

    /// All rows of a table.
    func deleteRows(_ storageID: UInt32) {
        guard let batch else { return }
        let start = storageID.bigEndianBytes, end = KeyLayout.successor(start)
        start.withUnsafeBytes { start in
            end.withUnsafeBytes { end in
                rocksdb_writebatch_delete_range(
                    batch, start.baseAddress?.assumingMemoryBound(to: CChar.self), start.count,
                    end.baseAddress?.assumingMemoryBound(to: CChar.self), end.count)
            }
        }
    }

    /// Writes and syncs it.
    func write(to database: RocksDatabase) -> String? {
        guard let batch else { return nil }
        return database.write(batch) ?? database.syncLog()
    }

    /// Gives the batch away.
    func take() -> OpaquePointer? {
        defer { batch = nil }
        return batch
    }
}
