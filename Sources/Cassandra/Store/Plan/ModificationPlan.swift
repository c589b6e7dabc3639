internal import CRocksDB

/// An INSERT, UPDATE or DELETE ready to be executed: flat arrays of where values come from, so that one execution appends bound bytes to
/// a key and a row and looks nothing up.
///
/// Immutable once planned, hence `Sendable` by its parts.
final class ModificationPlan: Sendable {
    /// One column of the primary key.
    struct KeyPart: Sendable {
        let column: Column
        let check: ValueCheck
        let encoding: OrderedEncoding
        /// One source for `=`, several for `IN (…)`.
        let sources: [ValueSource]
        /// `IN ?`: the one source is a list.
        let isList: Bool
    }

    /// A restriction on the first clustering column without `=`, in a DELETE of a range.
    struct Slice: Sendable {
        let part: KeyPart
        let comparison: Relation.Operator
    }

    struct Cell: Sendable {
        enum Operation: Sendable {
            /// A value, or null to delete.
            case set
            /// A whole collection: what was there goes, the elements are cells.
            case setCollection
            /// Elements added to a set or map, or behind a list.
            case append
            case prepend
            /// Elements of a set, or keys of a map, deleted.
            case removeElements
            /// `map[key] = value`
            case setElement(key: ValueSource, keyCheck: ValueCheck)
            case deleteElement(key: ValueSource)
            case delete
            /// Counters and list elements by index or value: read before write, done by the writer.
            case addCounter(isNegative: Bool)
            case setListIndex(index: ValueSource)
            case deleteListIndex(index: ValueSource)
            case removeListValues
        }

        let column: Column
        let check: ValueCheck
        let operation: Operation
        let source: ValueSource

        var needsRead: Bool {
            switch operation {
            case .addCounter, .setListIndex, .deleteListIndex, .removeListValues: true
            default: false
            }
        }
    }

    /// What is written.
    enum Effect: Sendable {
        /// Cells, with the row's liveness for INSERT.
        case cells(isInsert: Bool)
        case deleteRow
        case deletePartition
        case deleteRange
    }

    let table: Table
    let constants: PlanConstants
    let partitionKey: [KeyPart]
    let clusteringKey: [KeyPart]
    let slices: [Slice]
    let effect: Effect
    /// In column id order.
    let cells: [Cell]
    /// Those of static columns, which live in the partition's head.
    let staticCells: [Cell]
    let timestamp: ValueSource?
    let ttl: ValueSource?
    let hasSingleKey: Bool
    let needsRead: Bool
    /// Increments of counters and nothing else.
    let addsToCounters: Bool
    let condition: Condition?

    enum Condition: Sendable {
        case notExists, exists
        case predicates([FilterPredicate])
    }

    init(
        table: Table, constants: PlanConstants, partitionKey: [KeyPart], clusteringKey: [KeyPart], slices: [Slice], effect: Effect,
        cells: [Cell], timestamp: ValueSource?, ttl: ValueSource?, condition: Condition?
    ) {
        self.table = table
        self.constants = constants
        self.partitionKey = partitionKey
        self.clusteringKey = clusteringKey
        self.slices = slices
        self.effect = effect
        self.cells = cells.filter { $0.column.kind != .static }.sorted { $0.column.id < $1.column.id }
        staticCells = cells.filter { $0.column.kind == .static }.sorted { $0.column.id < $1.column.id }
        self.timestamp = timestamp
        self.ttl = ttl
        self.condition = condition
        hasSingleKey = (partitionKey + clusteringKey).allSatisfy { $0.sources.count == 1 && !$0.isList }
        needsRead = condition != nil || cells.contains { $0.needsRead }
        addsToCounters = condition == nil && cells.contains { $0.column.type == .counter && $0.needsRead }
    }

    /// Whether this writes heads of partitions, which readers then have to look for.
    var writesHeads: Bool {
        switch effect {
        case .deletePartition, .deleteRange: true
        default: !staticCells.isEmpty
        }
    }
}

/// The times of one mutation.
struct MutationTimes {
    /// Microseconds: the timestamp of every cell.
    let timestamp: Int64
    /// Seconds: from which TTLs count.
    let now: UInt32
    /// 0 is none.
    var ttl: UInt32
    let gcGrace: UInt32

    var expiry: UInt32 { now &+ ttl }
    var purge: UInt32 { now &+ gcGrace }
    var expiringPurge: UInt32 { expiry &+ gcGrace }
}

/// Appends mutations as RocksDB merge records: `0x02`, key, value, each with its length before it.
///
/// It is the format of a WriteBatch's records, so that what concurrent connections append one behind the other is the batch.
struct MutationEncoder {
    let plan: ModificationPlan
    let context: ValueContext
    let arena: ByteArena
    let scratch: ByteArena
    private(set) var records: UInt32 = 0
    /// Where in the arena this statement's records begin.
    private let start: Int

    /// RocksDB's kTypeMerge in the default column family.
    static let mergeTag: UInt8 = 0x02
    /// RocksDB's kTypeValue.
    static let putTag: UInt8 = 0x01
    static let ttlMax: Int64 = 20 * 365 * 24 * 60 * 60
    /// The most bytes that one statement's records may have: lengths have 28 bits, and IN multiplies what a client sent.
    static let bytesMax = 128 << 20

    init(plan: ModificationPlan, context: ValueContext, arena: ByteArena, scratch: ByteArena) {
        self.plan = plan
        self.context = context
        self.arena = arena
        self.scratch = scratch
        start = arena.count
    }

    private func checkLength() throws(CQLError) { try Self.check(length: arena.count - start) }

    static func check(length: Int) throws(CQLError) {
        guard length <= bytesMax else {
            throw .invalid("Mutation of \(length) bytes is too large for the maximum size of \(bytesMax)")
        }
    }

    // MARK: Times

    /// A timestamp that a statement gives; nil for null and unset.
    static func timestamp(_ source: ValueSource, _ context: ValueContext) throws(CQLError) -> Int64? {
        guard let given = try context.integer(source, type: .bigint) else { return nil }
        guard given != .min else { throw .invalid("Out of bound timestamp, must be in [\(Int64.min + 1), \(Int64.max)]") }
        return given
    }

    static func times(_ plan: ModificationPlan, _ context: ValueContext, fallback: Int64, now: UInt32) throws(CQLError) -> MutationTimes {
        var timestamp = fallback
        if let source = plan.timestamp, let given = try Self.timestamp(source, context) { timestamp = given }
        var ttl = Int64(plan.table.defaultTTL)
        if let source = plan.ttl {
            let value = try context.integer(source, type: .int)
            if let value {
                guard value >= 0 else { throw .invalid("A TTL must be greater or equal to 0, but was \(value)") }
                guard value <= ttlMax else { throw .invalid("ttl is too large. requested (\(value)) maximum (\(ttlMax))") }
                ttl = value
            }
        }
        return MutationTimes(timestamp: timestamp, now: now, ttl: UInt32(ttl), gcGrace: plan.table.gcGraceSeconds)
    }

    // MARK: Keys

    private func keyValue(_ part: ModificationPlan.KeyPart, _ source: ValueSource) throws(CQLError) -> UnsafeRawBufferPointer {
        let value = try context.resolve(source, scratch)
        if value.isUnset { throw .invalid("Invalid unset value for column \(part.column.name)") }
        if value.isNull { throw .invalid("Invalid null value in condition for column \(part.column.name)") }
        return value.bytes
    }

    /// The table, token and partition key.
    private func appendPartition(_ next: (ModificationPlan.KeyPart) throws(CQLError) -> UnsafeRawBufferPointer) throws(CQLError) {
        try KeyLayout.appendPartition(plan.table.storageID, count: plan.partitionKey.count, to: arena) { (index) throws(CQLError) in
            let part = plan.partitionKey[index]
            let value = try next(part)
            try part.check.check(value, of: part.column.type)
            return value
        }
    }

    private func beginRecord() -> Int {
        arena.append(Self.mergeTag)
        return arena.reserveVarint()
    }

    private func endPart(_ lengthAt: Int) { arena.patch(varint: arena.count - lengthAt - 4, at: lengthAt) }

    // MARK: Execution

    /// Appends the records of one execution.
    mutating func encode(_ times: MutationTimes) throws(CQLError) {
        if plan.hasSingleKey, plan.slices.isEmpty {
            try encodeSingle(times)
        } else {
            try encodeMany(times)
        }
    }

    @inline(__always)
    private mutating func encodeSingle(_ times: MutationTimes) throws(CQLError) {
        switch plan.effect {
        case .deletePartition: return try encodeMany(times)
        case .deleteRange: return try encodeMany(times)
        default: break
        }
        if !plan.staticCells.isEmpty {
            let key = beginRecord()
            try appendPartition { (part) throws(CQLError) in try keyValue(part, part.sources[0]) }
            arena.append(KeyLayout.head)
            endPart(key)
            let value = arena.reserveVarint()
            try appendRow(times, cells: plan.staticCells, isInsert: false, isHead: true)
            try checkLength()
            endPart(value)
            records += 1
            if plan.cells.isEmpty, plan.clusteringKey.count < plan.table.clusteringKey.count { return }
        }
        let key = beginRecord()
        try appendPartition { (part) throws(CQLError) in try keyValue(part, part.sources[0]) }
        arena.append(KeyLayout.row)
        for part in plan.clusteringKey {
            let start = arena.count
            try part.encoding.encode(try keyValue(part, part.sources[0]), to: arena)
            if part.column.isDescending { arena.complement(from: start) }
        }
        endPart(key)
        let value = arena.reserveVarint()
        try appendEffect(times)
        try checkLength()
        endPart(value)
        records += 1
    }

    private func appendEffect(_ times: MutationTimes) throws(CQLError) {
        switch plan.effect {
        case .cells(let isInsert):
            try appendRow(times, cells: plan.cells, isInsert: isInsert, isHead: false)
        case .deleteRow, .deletePartition, .deleteRange:
            appendDeletion(times, isHead: false)
        }
    }

    private func appendDeletion(_ times: MutationTimes, isHead: Bool) {
        arena.append(UInt8(LEAT_ROW_DELETION | (isHead ? LEAT_ROW_PARTITION : 0)))
        arena.append(little: times.timestamp)
        arena.append(little: times.timestamp)
        arena.append(little: times.purge)
    }

    /// Everything with IN, ranges and heads of partitions: keys are made first, then written out one by one.
    private mutating func encodeMany(_ times: MutationTimes) throws(CQLError) {
        let partitions = try KeyRanges.partitions(plan.table, plan.partitionKey, context, scratch)
        switch plan.effect {
        case .deletePartition:
            for partition in partitions { try appendHead(partition, times, range: nil) }
        case .deleteRange:
            let ranges = try KeyRanges.clustering(
                plan.clusteringKey, slices: plan.slices.map { ($0.part, $0.comparison) }, context, scratch)
            for partition in partitions {
                for range in ranges { try appendHead(partition, times, range: range) }
            }
        case .cells, .deleteRow:
            let rows = try KeyRanges.clustering(plan.clusteringKey, slices: [], context, scratch)
            for partition in partitions {
                if !plan.staticCells.isEmpty {
                    let key = beginRecord()
                    arena.append(partition)
                    arena.append(KeyLayout.head)
                    endPart(key)
                    let value = arena.reserveVarint()
                    try appendRow(times, cells: plan.staticCells, isInsert: false, isHead: true)
                    try checkLength()
                    endPart(value)
                    records += 1
                    if plan.cells.isEmpty { continue }
                }
                for row in rows {
                    let key = beginRecord()
                    arena.append(partition)
                    arena.append(row.start)
                    endPart(key)
                    let value = arena.reserveVarint()
                    try appendEffect(times)
                    try checkLength()
                    endPart(value)
                    records += 1
                }
            }
        }
    }

    private mutating func appendHead(_ partition: [UInt8], _ times: MutationTimes, range: ClusteringRange?) throws(CQLError) {
        let key = beginRecord()
        arena.append(partition)
        arena.append(KeyLayout.head)
        endPart(key)
        let value = arena.reserveVarint()
        if let range {
            arena.append(UInt8(LEAT_ROW_PARTITION | LEAT_ROW_RANGES))
            arena.append(little: times.timestamp)
            arena.append(varint: 1)
            arena.append(little: times.timestamp)
            arena.append(varint: range.start.count)
            arena.append(range.start)
            arena.append(varint: range.end.count)
            arena.append(range.end)
        } else {
            appendDeletion(times, isHead: true)
        }
        try checkLength()
        endPart(value)
        records += 1
    }

    // MARK: Rows

    private func appendRow(_ times: MutationTimes, cells: [ModificationPlan.Cell], isInsert: Bool, isHead: Bool) throws(CQLError) {
        let flagsAt = arena.count
        let expires = times.ttl > 0
        var flags = isInsert ? LEAT_ROW_LIVENESS : 0
        if isInsert, expires { flags |= LEAT_ROW_LIVENESS_EXPIRING }
        if isHead { flags |= LEAT_ROW_PARTITION }
        arena.append(0)
        arena.append(little: times.timestamp)
        if isInsert {
            arena.append(little: times.timestamp)
            if expires { appendExpiry(times) }
        }
        var isPlain = !isHead && !expires
        for cell in cells {
            switch cell.operation {
            case .set:
                let value = try context.resolve(cell.source, scratch)
                if value.isUnset { continue }
                arena.append(varint: Int(cell.column.id))
                if value.isNull {
                    arena.append(UInt8(LEAT_CELL_TOMBSTONE))
                    arena.append(little: times.purge)
                    isPlain = false
                    continue
                }
                try cell.check.check(value.bytes, of: cell.column.type)
                if expires {
                    arena.append(UInt8(LEAT_CELL_EXPIRING))
                    appendExpiry(times)
                } else {
                    arena.append(0)
                }
                arena.append(varint: value.length)
                arena.append(value.bytes)
            default:
                isPlain = false
                try CollectionCells(context: context, arena: arena, scratch: scratch, times: times).append(cell)
            }
        }
        arena.patch(UInt8(flags | (isPlain ? LEAT_ROW_PLAIN : 0)), at: flagsAt)
    }

    private func appendExpiry(_ times: MutationTimes) {
        arena.append(little: times.ttl)
        arena.append(little: times.expiry)
        arena.append(little: times.expiringPurge)
    }
}
