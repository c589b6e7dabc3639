internal import CRocksDB
internal import Synchronization

/// Writes collections: each element a cell whose path is the element (set), the key (map), or the element's place in time (list).
///
/// Replacing a collection deletes it one microsecond before the write and adds the elements at it, as Cassandra does: a concurrent
/// append of the same time survives.
struct CollectionCells {
    let context: ValueContext
    let arena: ByteArena
    let scratch: ByteArena
    let times: MutationTimes

    func append(_ cell: ModificationPlan.Cell) throws(CQLError) {
        let column = cell.column
        switch cell.operation {
        case .set, .addCounter, .setListIndex, .deleteListIndex, .removeListValues:
            // The first is written by the encoder, the others by the writer, which has read the row.
            return
        case .delete:
            if column.isMultiCell { appendCollectionTombstone(column, at: times.timestamp) } else { appendTombstone(column, path: nil) }
        case .setCollection:
            let value = try context.resolve(cell.source, scratch)
            if value.isUnset { return }
            if value.isNull { return appendCollectionTombstone(column, at: times.timestamp) }
            try cell.check.check(value.bytes, of: column.type)
            appendCollectionTombstone(column, at: times.timestamp - 1)
            try appendElements(column, value.bytes, isPrepend: false)
        case .append, .prepend:
            let value = try context.resolve(cell.source, scratch)
            guard value.isValue else { return }
            try cell.check.check(value.bytes, of: column.type)
            var isPrepend = false
            if case .prepend = cell.operation { isPrepend = true }
            try appendElements(column, value.bytes, isPrepend: isPrepend)
        case .removeElements:
            let value = try context.resolve(cell.source, scratch)
            guard value.isValue else { return }
            let keyType = Self.pathType(column.type)
            let encoding = try OrderedEncoding(keyType)
            try cell.check.check(value.bytes, of: .set(keyType))
            var reader = ValueReader(value.bytes)
            for _ in 0..<(try reader.count(column.type)) {
                let path = ByteArena()
                try encoding.encode(try reader.element(column.type), to: path)
                appendTombstone(column, path: path)
            }
        case .deleteElement(let key):
            appendTombstone(column, path: try path(column, key))
        case .setElement(let key, _):
            let path = try path(column, key)
            let value = try context.resolve(cell.source, scratch)
            if value.isUnset { return }
            if value.isNull { return appendTombstone(column, path: path) }
            guard case .map(_, let valueType) = column.type else { return }
            try cell.check.check(value.bytes, of: valueType)
            appendElement(column, path: path, value: value.bytes)
        }
    }

    private func path(_ column: Column, _ key: ValueSource) throws(CQLError) -> ByteArena {
        let value = try context.resolve(key, scratch)
        guard value.isValue else { throw .invalid("Invalid null map key for column \(column.name)") }
        let path = ByteArena()
        try OrderedEncoding(Self.pathType(column.type)).encode(value.bytes, to: path)
        return path
    }

    /// What a path stands for: a set's element, a map's key.
    static func pathType(_ type: CQLType) -> CQLType {
        switch type.unfrozen {
        case .set(let element): element
        case .map(let key, _): key
        default: .blob
        }
    }

    private func appendElements(_ column: Column, _ bytes: UnsafeRawBufferPointer, isPrepend: Bool) throws(CQLError) {
        var reader = ValueReader(bytes)
        let count = try reader.count(column.type)
        let start = arena.count
        switch column.type {
        case .list:
            var places = ListPlaces.next(count: Int(count), microseconds: context.now, isPrepend: isPrepend)
            for _ in 0..<count {
                withUnsafeBytes(of: places.0.bigEndian) { high in
                    withUnsafeBytes(of: places.1.bigEndian) { low in
                        scratchPath.truncate(to: 0)
                        scratchPath.append(high)
                        scratchPath.append(low)
                    }
                }
                appendElement(column, path: scratchPath, value: try reader.element(column.type))
                try MutationEncoder.check(length: arena.count - start)
                places.1 &+= 1
            }
        case .set(let element):
            let encoding = try OrderedEncoding(element)
            for _ in 0..<count {
                scratchPath.truncate(to: 0)
                try encoding.encode(try reader.element(column.type), to: scratchPath)
                appendElement(column, path: scratchPath, value: UnsafeRawBufferPointer(start: nil, count: 0))
                try MutationEncoder.check(length: arena.count - start)
            }
        case .map(let key, _):
            let encoding = try OrderedEncoding(key)
            for _ in 0..<count {
                scratchPath.truncate(to: 0)
                try encoding.encode(try reader.element(column.type), to: scratchPath)
                appendElement(column, path: scratchPath, value: try reader.element(column.type))
                try MutationEncoder.check(length: arena.count - start)
            }
        default: return
        }
    }

    private let scratchPath = ByteArena()

    init(context: ValueContext, arena: ByteArena, scratch: ByteArena, times: MutationTimes) {
        self.context = context
        self.arena = arena
        self.scratch = scratch
        self.times = times
    }

    func appendCollectionTombstone(_ column: Column, at timestamp: Int64) {
        arena.append(varint: Int(column.id))
        arena.append(UInt8(LEAT_CELL_COLLECTION_TOMBSTONE | LEAT_CELL_TIMESTAMP))
        arena.append(little: timestamp)
        arena.append(little: times.purge)
    }

    func appendTombstone(_ column: Column, path: ByteArena?) {
        arena.append(varint: Int(column.id))
        arena.append(UInt8(LEAT_CELL_TOMBSTONE | (path == nil ? 0 : LEAT_CELL_PATH)))
        arena.append(little: times.purge)
        if let path {
            arena.append(varint: path.count)
            arena.append(copying: path)
        }
    }

    func appendElement(_ column: Column, path: ByteArena, value: UnsafeRawBufferPointer) {
        arena.append(varint: Int(column.id))
        if times.ttl > 0 {
            arena.append(UInt8(LEAT_CELL_PATH | LEAT_CELL_EXPIRING))
            arena.append(little: times.ttl)
            arena.append(little: times.expiry)
            arena.append(little: times.expiringPurge)
        } else {
            arena.append(UInt8(LEAT_CELL_PATH))
        }
        arena.append(varint: path.count)
        arena.append(copying: path)
        arena.append(varint: value.count)
        arena.append(value)
    }
}

/// Where elements of lists go: appended ones behind all that are there, prepended ones before them, in the order of the statement.
enum ListPlaces {
    private static let counter = Atomic<UInt64>(0)

    static func next(count: Int, microseconds: Int64, isPrepend: Bool) -> (UInt64, UInt64) {
        let (first, end) = counter.wrappingAdd(UInt64(count), ordering: .relaxed)
        let time = UInt64(bitPattern: microseconds)
        // A later prepend has to come first: its time counts downwards, and so do the places that it takes.
        return isPrepend ? ((1 << 63) &- time, 0 &- end) : ((1 << 63) &+ time, first)
    }
}
