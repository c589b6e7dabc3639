internal import CRocksDB
internal import NIOCore

/// A row as a reader sees it at one second: which columns have a value, where its bytes lie, when it was written, when it expires.
///
/// Regular values stay where RocksDB has them; key columns and collections are put together in a scratch buffer. One image serves
/// all rows of a scan.
///
/// A class of one thread; never shared.
final class RowImage {
    struct Slot {
        /// -1 is null.
        var length = -1
        var offset = 0
        var origin = Origin.value
        var timestamp: Int64 = 0
        var expiry: UInt32 = 0
    }

    enum Origin: UInt8 { case value, scratch, head }

    let table: Table
    private let slots: UnsafeMutableBufferPointer<Slot>
    /// Index into `slots` by column id; -1 for ids of dropped columns.
    private let indexOfID: [Int16]
    private let clusteringEncodings: [OrderedEncoding]
    private let scratch: ByteArena
    private var valueBase: UnsafeRawPointer?
    /// The static values of the partition at hand, copied out of its head.
    private let headBytes = ByteArena(capacity: 64)
    private var headSlots: [(index: Int, slot: Slot)] = []

    /// Whether the row is there: inserted, or with a value in any column.
    private(set) var exists = false
    private let now: UInt32

    init(_ table: Table, now: UInt32) {
        self.table = table
        self.now = now
        slots = .allocate(capacity: table.columns.count)
        slots.initialize(repeating: Slot())
        indexOfID = table.readIndex.indexOfID
        clusteringEncodings = table.readIndex.clusteringEncodings
        scratch = ByteArena(capacity: 256)
    }

    deinit { slots.deallocate() }

    @inline(__always) func slot(_ index: Int) -> Slot { slots[index] }

    @inline(__always) func bytes(_ index: Int) -> UnsafeRawBufferPointer? {
        let slot = slots[index]
        guard slot.length >= 0 else { return nil }
        switch slot.origin {
        case .value: return UnsafeRawBufferPointer(start: valueBase.map { $0 + slot.offset }, count: slot.length)
        case .scratch: return UnsafeRawBufferPointer(start: scratch.base + slot.offset, count: slot.length)
        case .head: return UnsafeRawBufferPointer(start: headBytes.base + slot.offset, count: slot.length)
        }
    }

    /// The bytes of all columns.
    var byteCount: Int {
        var count = 0
        for slot in slots where slot.length > 0 { count += slot.length }
        return count
    }

    // MARK: Filling

    private func clear() {
        for index in slots.indices { slots[index].length = -1 }
        scratch.truncate(to: 0)
        exists = false
        valueBase = nil
    }

    /// Takes the static columns of a partition's head; `deletion` is the partition's.
    func setHead(_ value: UnsafeRawBufferPointer?, deletion: Int64) {
        headSlots.removeAll(keepingCapacity: true)
        headBytes.truncate(to: 0)
        guard let value, table.hasStatics else { return }
        clear()
        valueBase = value.baseAddress
        _ = readCells(value, shadow: deletion)
        for index in slots.indices where slots[index].length >= 0 {
            guard let bytes = bytes(index) else { continue }
            var slot = slots[index]
            slot.offset = headBytes.count
            slot.origin = .head
            headBytes.append(bytes)
            headSlots.append((index, slot))
        }
    }

    var hasStaticValues: Bool { !headSlots.isEmpty }

    /// Fills the image from a row. `shadow` is the timestamp of the newest deletion of the partition or a range that covers it.
    ///
    /// - Returns: whether the row is there.
    /// - Throws: ``CQLError`` for a row that no answer could hold.
    @inline(__always)
    func fill(key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, shadow: Int64) throws(CQLError) -> Bool {
        guard value.count <= Self.bytesMax else {
            throw .invalid("A row of \(value.count) bytes is too large to be read: the most is \(Self.bytesMax)")
        }
        return fillChecked(key, value, shadow)
    }

    /// Lengths on the wire are 32 bits wide, and the cells of a collection take up to twice as many bytes there as they are stored in.
    private static let bytesMax = 1 << 29

    private func fillChecked(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, _ shadow: Int64) -> Bool {
        clear()
        valueBase = value.baseAddress
        exists = readCells(value, shadow: shadow)
        guard exists else { return false }
        readKey(key)
        for (index, slot) in headSlots { slots[index] = slot }
        return true
    }

    /// A partition without rows but with static values is one row of nulls.
    func fillStatic(partition: UnsafeRawBufferPointer) {
        clear()
        exists = true
        readPartition(partition)
        for (index, slot) in headSlots { slots[index] = slot }
    }

    /// A row of a table that is made up when read.
    func fill(_ values: [CQLValue]) throws(CQLError) {
        clear()
        exists = true
        for (index, value) in values.enumerated() where !value.isNull {
            let bytes = try value.bytes(as: table.columns[index].type)
            let start = scratch.count
            bytes.withUnsafeReadableBytes { scratch.append($0) }
            slots[index].offset = start
            slots[index].length = scratch.count - start
            slots[index].origin = .scratch
        }
    }

    private func setScratch(_ index: Int, from start: Int) {
        slots[index] = Slot(length: scratch.count - start, offset: start, origin: .scratch)
    }

    private func readPartition(_ key: UnsafeRawBufferPointer) {
        let count = table.partitionKey.count
        if count == 1 {
            let end = KeyLayout.partitionLength(key)
            let start = scratch.count
            scratch.append(UnsafeRawBufferPointer(rebasing: key[KeyLayout.partitionStart..<end]))
            return setScratch(0, from: start)
        }
        var position = KeyLayout.partitionStart
        for index in 0..<count {
            let length = Int(key[position]) << 8 + Int(key[position + 1])
            let start = scratch.count
            scratch.append(UnsafeRawBufferPointer(rebasing: key[position + 2..<position + 2 + length]))
            setScratch(index, from: start)
            position += length + 3
        }
    }

    private func readKey(_ key: UnsafeRawBufferPointer) {
        readPartition(key)
        guard !clusteringEncodings.isEmpty else { return }
        var position = KeyLayout.partitionLength(key) + 1
        let first = table.partitionKey.count
        for (index, encoding) in clusteringEncodings.enumerated() {
            let start = scratch.count
            guard encoding.decode(key, at: &position, isDescending: table.clusteringKey[index].isDescending, to: scratch) else { return }
            setScratch(first + index, from: start)
        }
    }

    // MARK: Cells

    /// Reads a folded value (see CRocksDB.h). Returns whether the row is there.
    private func readCells(_ value: UnsafeRawBufferPointer, shadow partitionShadow: Int64) -> Bool {
        var reader = CellReader(value)
        guard let header = reader.header() else { return false }
        let shadow = max(partitionShadow, header.deletion)
        var exists = header.hasLiveness && header.liveness > shadow && (header.livenessExpiry == 0 || header.livenessExpiry > now)
        var collection = -1
        var collectionStart = 0
        var elementCount: Int32 = 0
        var newest: Int64 = .min
        func closeCollection() {
            guard collection >= 0 else { return }
            if elementCount > 0 {
                scratch.patch(big: elementCount, at: collectionStart)
                slots[collection] = Slot(
                    length: scratch.count - collectionStart, offset: collectionStart, origin: .scratch, timestamp: newest)
                exists = true
            } else {
                scratch.truncate(to: collectionStart)
            }
            collection = -1
        }
        while let cell = reader.cell() {
            let id = Int(cell.column)
            let index = id < indexOfID.count ? Int(indexOfID[id]) : -1
            guard index >= 0, !cell.isTombstone, cell.timestamp > shadow, cell.expiry == 0 || cell.expiry > now else { continue }
            guard cell.hasPath else {
                slots[index] = Slot(
                    length: cell.valueLength, offset: cell.valueOffset, origin: .value, timestamp: cell.timestamp, expiry: cell.expiry)
                exists = true
                continue
            }
            if index != collection {
                closeCollection()
                collection = index
                collectionStart = scratch.count
                elementCount = 0
                newest = .min
                scratch.append(big: Int32(0))
            }
            elementCount += 1
            newest = max(newest, cell.timestamp)
            appendElement(table.columns[index].type, cell, value)
        }
        closeCollection()
        return exists
    }

    private func appendElement(_ type: CQLType, _ cell: CellReader.Cell, _ value: UnsafeRawBufferPointer) {
        func appendValue() {
            scratch.append(big: Int32(cell.valueLength))
            scratch.append(UnsafeRawBufferPointer(rebasing: value[cell.valueOffset..<cell.valueOffset + cell.valueLength]))
        }
        func appendPath(_ type: CQLType) {
            let lengthAt = scratch.count
            scratch.append(big: Int32(0))
            var position = 0
            let path = UnsafeRawBufferPointer(rebasing: value[cell.pathOffset..<cell.pathOffset + cell.pathLength])
            if let encoding = try? OrderedEncoding(type) { _ = encoding.decode(path, at: &position, isDescending: false, to: scratch) }
            scratch.patch(big: Int32(scratch.count - lengthAt - 4), at: lengthAt)
        }
        switch type {
        case .set(let element): appendPath(element)
        case .map(let key, _):
            appendPath(key)
            appendValue()
        default: appendValue()
        }
    }
}

/// Walks the bytes of a stored row.
struct CellReader {
    struct Header {
        var hasLiveness = false
        var liveness: Int64 = .min
        var livenessTTL: UInt32 = 0
        var livenessExpiry: UInt32 = 0
        /// `Int64.min` without one.
        var deletion: Int64 = .min
    }

    struct Cell {
        var column: UInt32 = 0
        var timestamp: Int64 = 0
        var ttl: UInt32 = 0
        var expiry: UInt32 = 0
        var isTombstone = false
        var hasPath = false
        var pathOffset = 0
        var pathLength = 0
        var valueOffset = 0
        var valueLength = 0
    }

    struct Range {
        let timestamp: Int64
        let start: [UInt8]
        let end: [UInt8]
    }

    /// The newest timestamp of a row, of its liveness, its deletion and all its cells, tombstones too; `Int64.min` where there is none.
    static func newest(_ bytes: UnsafeRawBufferPointer) -> Int64 {
        var reader = CellReader(bytes)
        guard let header = reader.header() else { return .min }
        var newest = max(header.liveness, header.deletion)
        while let cell = reader.cell() { newest = max(newest, cell.timestamp) }
        return newest
    }

    private let bytes: UnsafeRawBufferPointer
    private var position = 0
    private var base: Int64 = 0
    private(set) var ranges: [Range] = []

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    private mutating func integer<T: FixedWidthInteger>(_ type: T.Type) -> T? {
        guard bytes.count - position >= MemoryLayout<T>.size else { return nil }
        defer { position += MemoryLayout<T>.size }
        return T(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: T.self))
    }

    @inline(__always) private mutating func varint() -> Int? {
        var value = 0
        var shift = 0
        while position < bytes.count, shift < 35 {
            let byte = bytes[position]
            position += 1
            value |= Int(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        return nil
    }

    @inline(__always) private mutating func span() -> (offset: Int, length: Int)? {
        guard let length = varint(), length <= bytes.count - position else { return nil }
        defer { position += length }
        return (position, length)
    }

    mutating func header() -> Header? {
        guard let flags = integer(UInt8.self), let base = integer(Int64.self) else { return nil }
        self.base = base
        var header = Header()
        if Int(flags) & LEAT_ROW_LIVENESS != 0 {
            guard let liveness = integer(Int64.self) else { return nil }
            header.hasLiveness = true
            header.liveness = liveness
            if Int(flags) & LEAT_ROW_LIVENESS_EXPIRING != 0 {
                guard let ttl = integer(UInt32.self), let expiry = integer(UInt32.self), integer(UInt32.self) != nil else { return nil }
                header.livenessTTL = ttl
                header.livenessExpiry = expiry
            }
        }
        if Int(flags) & LEAT_ROW_DELETION != 0 {
            guard let deletion = integer(Int64.self), integer(UInt32.self) != nil else { return nil }
            header.deletion = deletion
        }
        if Int(flags) & LEAT_ROW_RANGES != 0 {
            guard let count = varint() else { return nil }
            for _ in 0..<count {
                guard let timestamp = integer(Int64.self), let start = span(), let end = span() else { return nil }
                ranges.append(
                    Range(
                        timestamp: timestamp, start: Array(bytes[start.offset..<start.offset + start.length]),
                        end: Array(bytes[end.offset..<end.offset + end.length])))
            }
        }
        return header
    }

    /// Nil at the end.
    @inline(__always) mutating func cell() -> Cell? {
        guard position < bytes.count, let column = varint(), position < bytes.count else { return nil }
        var cell = Cell()
        cell.column = UInt32(column)
        let flags = Int(bytes[position])
        position += 1
        cell.timestamp = base
        if flags == 0 {
            guard let value = span() else { return nil }
            cell.valueOffset = value.offset
            cell.valueLength = value.length
            return cell
        }
        if flags & LEAT_CELL_TIMESTAMP != 0 {
            guard let timestamp = integer(Int64.self) else { return nil }
            cell.timestamp = timestamp
        }
        cell.isTombstone = flags & (LEAT_CELL_TOMBSTONE | LEAT_CELL_COLLECTION_TOMBSTONE) != 0
        if flags & LEAT_CELL_EXPIRING != 0 {
            guard let ttl = integer(UInt32.self), let expiry = integer(UInt32.self), integer(UInt32.self) != nil else { return nil }
            cell.ttl = ttl
            cell.expiry = expiry
        } else if cell.isTombstone {
            guard integer(UInt32.self) != nil else { return nil }
        }
        if flags & LEAT_CELL_PATH != 0 {
            guard let path = span() else { return nil }
            cell.hasPath = true
            cell.pathOffset = path.offset
            cell.pathLength = path.length
        }
        if !cell.isTombstone {
            guard let value = span() else { return nil }
            cell.valueOffset = value.offset
            cell.valueLength = value.length
        }
        return cell
    }
}

extension RowImage {
    /// The token of the partition at hand.
    func token() -> Int64 {
        if table.partitionKey.count == 1 { return bytes(0).map { Murmur3Token.token($0) } ?? .min }
        let arena = ByteArena()
        for index in table.partitionKey.indices {
            let bytes = bytes(index) ?? UnsafeRawBufferPointer(start: nil, count: 0)
            arena.append(big: UInt16(truncatingIfNeeded: bytes.count))
            arena.append(bytes)
            arena.append(0)
        }
        return withExtendedLifetime(arena) { Murmur3Token.token(arena.bytes) }
    }
}
