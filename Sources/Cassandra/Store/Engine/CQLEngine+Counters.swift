internal import CRocksDB
internal import NIOCore

/// Counters: read, added to and written back by the writer's thread.
///
/// A client's timestamp means nothing to an increment, which is to count whenever it comes, so none is taken: each total is written above
/// everything that was read. It is written as the whole row, folded, in place of what was there: a read finds one value, however often a
/// counter was incremented.
extension CQLEngine {
    func count(_ updates: [(plan: ModificationPlan, values: BoundValues)], _ completion: @escaping Completion) throws(CQLError) {
        try writer.append(
            job: { [writer, clock] database in
                var write = CounterWrite(database: database, writer: writer, clock: clock)
                do throws(CQLError) {
                    for (plan, values) in updates { try write.add(plan, values) }
                    return .success(.init(result: .void, batch: write.batch(), applied: nil))
                } catch {
                    return .failure(error)
                }
            }, completion: completion)
    }
}

/// The increments of one UPDATE or of one COUNTER BATCH, all of which are written or none. An increment sees those before it.
struct CounterWrite {
    private let database: RocksDatabase
    private let writer: GroupWriter
    private let clock: StoreClock
    /// Folded rows by their keys.
    private var rows: [[UInt8]: [UInt8]] = [:]

    init(database: RocksDatabase, writer: GroupWriter, clock: StoreClock) {
        self.database = database
        self.writer = writer
        self.clock = clock
    }

    mutating func add(_ plan: ModificationPlan, _ values: BoundValues) throws(CQLError) {
        let (partition, clustering, deltas, staticDeltas) = try values.withUnsafeBytes {
            (bound) throws(CQLError) -> ([UInt8], [UInt8]?, [Delta], [Delta]) in
            let context = ValueContext(values: values, bound: bound, constants: plan.constants, now: clock.microseconds())
            let scratch = ByteArena()
            let partition = try KeyRanges.partitions(plan.table, plan.partitionKey, context, scratch)[0]
            let clustering = plan.cells.isEmpty ? nil : try KeyRanges.clustering(plan.clusteringKey, slices: [], context, scratch)[0].start
            return (
                partition, clustering, try Self.deltas(plan.cells, context, scratch), try Self.deltas(plan.staticCells, context, scratch)
            )
        }
        let head = PartitionHead()
        if plan.table.hasStatics || plan.table.marks.hasPartitionHeads {
            _ = try partition.withBytes { (bytes) throws(CQLError) in try head.load(database, bytes, inMemory: false) }
        }
        try add(staticDeltas, to: partition + [KeyLayout.head], shadow: head.deletion, flags: LEAT_ROW_PARTITION)
        guard let clustering else { return }
        try add(deltas, to: partition + clustering, shadow: clustering.withUnsafeBytes { head.shadow($0) }, flags: 0)
    }

    private struct Delta {
        let column: UInt32
        let amount: Int64
    }

    private static func deltas(
        _ cells: [ModificationPlan.Cell], _ context: ValueContext, _ scratch: ByteArena
    ) throws(CQLError) -> [Delta] {
        var list: [Delta] = []
        for cell in cells {
            guard case .addCounter(let isNegative) = cell.operation else { continue }
            let value = try context.resolve(cell.source, scratch)
            if value.isUnset { continue }
            if value.isNull { throw .invalid("Invalid null value for counter increment") }
            guard value.length == 8 else { throw ValueCheck.wrongLength(.bigint, expected: 8, actual: value.length) }
            let amount = Int64(bigEndian: value.bytes.loadUnaligned(as: Int64.self))
            list.append(Delta(column: cell.column.id, amount: isNegative ? 0 &- amount : amount))
        }
        return list
    }

    private mutating func add(_ deltas: [Delta], to key: [UInt8], shadow: Int64, flags: Int) throws(CQLError) {
        guard !deltas.isEmpty else { return }
        let stored: [UInt8]
        if let row = rows[key] { stored = row } else { stored = try database.copy(of: key) ?? [] }
        let current = stored.withUnsafeBytes { Self.totals($0, shadow: shadow) }
        let newest = max(shadow, stored.withUnsafeBytes { CellReader.newest($0) })
        let operand = ByteArena()
        operand.append(UInt8(flags))
        operand.append(little: try writer.timestamp(above: newest, clock: clock))
        for delta in deltas {
            operand.append(varint: Int(delta.column))
            operand.append(0)
            operand.append(varint: 8)
            operand.append(big: (current[delta.column] ?? 0) &+ delta.amount)
        }
        rows[key] = try Self.folded(stored, operand)
    }

    /// The live counters of a row by their columns' ids.
    private static func totals(_ row: UnsafeRawBufferPointer, shadow: Int64) -> [UInt32: Int64] {
        var totals: [UInt32: Int64] = [:]
        var reader = CellReader(row)
        guard let header = reader.header() else { return totals }
        while let cell = reader.cell() {
            guard !cell.isTombstone, !cell.hasPath, cell.valueLength == 8, cell.timestamp > max(shadow, header.deletion) else { continue }
            totals[cell.column] = Int64(bigEndian: row.loadUnaligned(fromByteOffset: cell.valueOffset, as: Int64.self))
        }
        return totals
    }

    private static func folded(_ stored: [UInt8], _ operand: ByteArena) throws(CQLError) -> [UInt8] {
        var length = 0
        let result = stored.withUnsafeBytes { stored in
            let values: [UnsafePointer<CChar>?] = [
                stored.baseAddress?.assumingMemoryBound(to: CChar.self), UnsafePointer(operand.base.assumingMemoryBound(to: CChar.self)),
            ]
            return stored.isEmpty
                ? leat_rows_fold([values[1]], [operand.count], 1, 0, &length)
                : leat_rows_fold(values, [stored.count, operand.count], 2, 0, &length)
        }
        guard let result else { throw .serverError("The stored counter cannot be read") }
        defer { leat_rows_free(result) }
        return Array(UnsafeRawBufferPointer(start: result, count: length))
    }

    /// Each row in place of what was there; nil when there is nothing to write.
    func batch() -> OpaquePointer? {
        guard !rows.isEmpty, let batch = rocksdb_writebatch_create() else { return nil }
        for (key, value) in rows {
            key.withUnsafeBytes { key in
                value.withUnsafeBytes { value in
                    rocksdb_writebatch_put(
                        batch, key.baseAddress?.assumingMemoryBound(to: CChar.self), key.count,
                        value.baseAddress?.assumingMemoryBound(to: CChar.self), value.count)
                }
            }
        }
        return batch
    }
}
