internal import CRocksDB
internal import NIOCore

/// Writes that depend on what is there: IF conditions, lists by index or value. The writer's thread does them one by one, so that nothing
/// comes between the read and the write.
extension CQLEngine {
    func conditional(_ plan: ModificationPlan, _ request: StatementRequest, _ completion: @escaping Completion) throws(CQLError) {
        try writer.append(
            job: { [writer, clock] database in
                let work = ConditionalWrite(plan: plan, request: request, database: database, clock: clock, writer: writer)
                do throws(CQLError) { return .success(try work.run()) } catch { return .failure(error) }
            }, completion: completion)
    }
}

extension GroupWriter {
    /// The timestamp of a write that was decided by what is there: now, and above everything that was read, deletions too. What the
    /// decision allowed would otherwise stay hidden under what it was made by.
    ///
    /// Taken on the writer's thread, behind the blind writes that came before.
    func timestamp(above newest: Int64, clock: StoreClock) throws(CQLError) -> Int64 {
        guard newest < .max else {
            throw .invalid("The row was written with the largest timestamp that there is: nothing can be written over it")
        }
        return max(timestamp(now: clock.microseconds()), newest + 1)
    }
}

/// One conditional write.
struct ConditionalWrite {
    let plan: ModificationPlan
    let request: StatementRequest
    let database: RocksDatabase
    let clock: StoreClock
    let writer: GroupWriter

    func run() throws(CQLError) -> GroupWriter.JobOutcome {
        try request.values.withUnsafeBytes { (bound) throws(CQLError) in try run(bound) }
    }

    private func run(_ bound: UnsafeRawBufferPointer) throws(CQLError) -> GroupWriter.JobOutcome {
        let microseconds = clock.microseconds()
        let now = request.nowInSeconds.map { UInt32(bitPattern: $0) } ?? UInt32(truncatingIfNeeded: microseconds / 1_000_000)
        let context = ValueContext(values: request.values, bound: bound, constants: plan.constants, now: microseconds)
        let scratch = ByteArena()
        let partition = try KeyRanges.partitions(plan.table, plan.partitionKey, context, scratch)[0]
        let row = try KeyRanges.clustering(plan.clusteringKey, slices: [], context, scratch)[0]
        let key = partition + row.start
        let image = RowImage(plan.table, now: now)
        var value: [UInt8] = []
        var isThere = false
        let head = PartitionHead()
        if plan.table.hasStatics || plan.table.marks.hasPartitionHeads {
            _ = try partition.withBytes { (bytes) throws(CQLError) in try head.load(database, bytes, inMemory: false) }
        }
        let shadow = row.start.withUnsafeBytes { head.shadow($0) }
        _ = leat_rows_take_operands()
        if let found = try database.copy(of: key) { value = found }
        let isHot = leat_rows_take_operands() > RocksDatabase.operandsMax
        // The image points into `copy`, which lives as long as it.
        let copy = ByteArena(capacity: value.count)
        defer { withExtendedLifetime((copy, scratch)) {} }
        copy.append(value)
        if !value.isEmpty {
            isThere = try key.withBytes { (key) throws(CQLError) in try image.fill(key: key, value: copy.bytes, shadow: shadow) }
        }
        if let condition = plan.condition {
            let (isApplied, result) = try decide(condition, image, isThere: isThere, context, scratch)
            guard isApplied else { return .init(result: result, batch: nil, applied: nil) }
        }
        let times = try MutationEncoder.times(
            plan, context, fallback: try timestamp(copy.bytes, shadow, statics: head.value), now: now)
        let batch = ByteArena()
        defer { withExtendedLifetime(batch) {} }
        batch.append(little: UInt64(0))
        batch.append(little: UInt32(0))
        var records: UInt32 = 0
        if isHot {
            // What was read, in place of the many writes that it took: the next one to read it has less to fold.
            batch.append(MutationEncoder.putTag)
            batch.append(varint: key.count)
            batch.append(key)
            batch.append(varint: value.count)
            batch.append(copy.bytes)
            records += 1
        }
        var encoder = MutationEncoder(plan: plan, context: context, arena: batch, scratch: scratch)
        try encoder.encode(times)
        records += encoder.records
        let resolved = plan.cells.filter(\.needsRead)
        if !resolved.isEmpty {
            batch.append(MutationEncoder.mergeTag)
            batch.append(varint: key.count)
            batch.append(key)
            let length = batch.reserveVarint()
            batch.append(0)
            batch.append(little: times.timestamp)
            for cell in resolved { try append(cell, copy.bytes, context, scratch, times, now: now, to: batch) }
            batch.patch(varint: batch.count - length - 4, at: length)
            records += 1
        }
        batch.patch(big: records.byteSwapped, at: 8)
        let made = rocksdb_writebatch_create_from(UnsafePointer(batch.base.assumingMemoryBound(to: CChar.self)), batch.count)
        return .init(result: plan.condition == nil ? .void : try Self.applied(plan.table), batch: made, applied: nil)
    }

    /// Conditions take no timestamp from the client (it is refused in the statement, and means nothing as the request's default); elements
    /// of lists do, as every other column.
    private func timestamp(_ row: UnsafeRawBufferPointer, _ shadow: Int64, statics: [UInt8]) throws(CQLError) -> Int64 {
        guard plan.condition != nil else { return request.defaultTimestamp ?? writer.timestamp(now: clock.microseconds()) }
        var newest = max(shadow, CellReader.newest(row))
        if !plan.staticCells.isEmpty { newest = max(newest, statics.withUnsafeBytes { CellReader.newest($0) }) }
        return try writer.timestamp(above: newest, clock: clock)
    }

    // MARK: Conditions

    static func applied(_ table: Table) throws(CQLError) -> StatementResult {
        var writer = RowsWriter()
        try writer.append(.boolean(true), type: .boolean)
        writer.endRow()
        return .rows(writer.rows(ResultMetadata([Self.column(table)])))
    }

    private static func column(_ table: Table) -> ColumnSpecification {
        ColumnSpecification(keyspace: table.keyspace, table: table.name, name: "[applied]", type: .boolean)
    }

    /// `[applied]` false comes with what is there: the whole row for IF NOT EXISTS, the columns of the conditions otherwise.
    private func decide(
        _ condition: ModificationPlan.Condition, _ image: RowImage, isThere: Bool, _ context: ValueContext, _ scratch: ByteArena
    ) throws(CQLError) -> (Bool, StatementResult) {
        var shown: [Int] = []
        switch condition {
        case .notExists:
            if !isThere { return (true, .void) }
            shown = Array(plan.table.columns.indices)
        case .exists: if isThere { return (true, .void) }
        case .predicates(let predicates):
            var holds = true
            for predicate in predicates {
                let filter = try predicate.resolved(context, scratch)
                holds = holds && filter.matches(isThere ? image.bytes(predicate.column) : nil)
                if !shown.contains(predicate.column) { shown.append(predicate.column) }
            }
            if holds { return (true, .void) }
        }
        if !isThere { shown = [] }
        var writer = RowsWriter()
        try writer.append(.boolean(false), type: .boolean)
        for index in shown {
            if let bytes = image.bytes(index) { writer.append(bytes) } else { writer.appendNull() }
        }
        writer.endRow()
        let columns = [Self.column(plan.table)] + shown.map { plan.table.specification(plan.table.columns[$0]) }
        return (false, .rows(writer.rows(ResultMetadata(columns))))
    }

    // MARK: Cells that depend on what is there

    private func append(
        _ cell: ModificationPlan.Cell, _ stored: UnsafeRawBufferPointer, _ context: ValueContext, _ scratch: ByteArena,
        _ times: MutationTimes, now: UInt32, to batch: ByteArena
    ) throws(CQLError) {
        let column = cell.column
        let cells = CollectionCells(context: context, arena: batch, scratch: scratch, times: times)
        switch cell.operation {
        case .setListIndex(let source), .deleteListIndex(let source):
            guard let index = try context.integer(source, type: .int) else {
                throw .invalid("Invalid null value for list index")
            }
            let elements = elements(of: column, stored, now: now)
            guard index >= 0, index < elements.count else {
                throw .invalid(
                    elements.isEmpty
                        ? "Attempted to set an element on a list which is null"
                        : "List index \(index) out of bound, list has size \(elements.count)")
            }
            let path = elements[Int(index)].path
            if case .deleteListIndex = cell.operation { return cells.appendTombstone(column, path: path) }
            let value = try context.resolve(cell.source, scratch)
            guard value.isValue else { return cells.appendTombstone(column, path: path) }
            if case .list(let element) = column.type { try ValueCheck(element).check(value.bytes, of: element) }
            cells.appendElement(column, path: path, value: value.bytes)
        case .removeListValues:
            let value = try context.resolve(cell.source, scratch)
            guard value.isValue else { return }
            try cell.check.check(value.bytes, of: column.type)
            var removed: Set<[UInt8]> = []
            var reader = ValueReader(value.bytes)
            for _ in 0..<(try reader.count(column.type)) { removed.insert(Array(try reader.element(column.type))) }
            for element in elements(of: column, stored, now: now) where removed.contains(element.value) {
                cells.appendTombstone(column, path: element.path)
            }
        default: return
        }
    }

    /// The live elements of a list in order, with their places.
    private func elements(of column: Column, _ stored: UnsafeRawBufferPointer, now: UInt32) -> [(path: ByteArena, value: [UInt8])] {
        var list: [(path: ByteArena, value: [UInt8])] = []
        var reader = CellReader(stored)
        guard let header = reader.header() else { return [] }
        while let cell = reader.cell() {
            guard cell.column == column.id, cell.hasPath, !cell.isTombstone, cell.timestamp > header.deletion,
                cell.expiry == 0 || cell.expiry > now
            else { continue }
            let path = ByteArena(capacity: cell.pathLength)
            path.append(UnsafeRawBufferPointer(rebasing: stored[cell.pathOffset..<cell.pathOffset + cell.pathLength]))
            list.append((path, Array(stored[cell.valueOffset..<cell.valueOffset + cell.valueLength])))
        }
        return list
    }
}
