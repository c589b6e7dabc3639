internal import CRocksDB
internal import IO
internal import Logging
internal import NIOCore
internal import Synchronization

/// CQL over RocksDB: parses, plans and executes statements. Knows no sockets.
///
/// ## One row on its way in
/// The connection's thread resolves the prepared statement, checks the bound bytes by type and appends key and row to the open group under
/// a short lock (about a microsecond, no allocation, nothing looked up by name). The writer thread writes the group as one WriteBatch
/// and one log record, syncs once, and completes every request of it. Threads crossed: connection, writer, connection.
///
/// ## One row on its way out
/// The connection's thread makes the key and asks RocksDB for what it has in memory (memtable, block cache); a hit is answered at once.
/// Only a read that would touch the disk goes to the read threads. Scans and aggregates run on threads of their own, a page at a time.
///
/// ## Layout
/// One RocksDB key a row (``KeyLayout``), one value a row (CRocksDB.h): cells with timestamps, expiry and tombstones, folded by a merge
/// operator, so that writes never read.
final class CQLEngine: Sendable {
    typealias Completion = @Sendable (Result<StatementResult, CQLError>) -> Void

    let database: RocksDatabase
    let writer: GroupWriter
    private let readers: ReadPool
    private let scanners: ReadPool
    private let shared: Mutex<Schema>
    /// ``Schema/generation`` of the schema in force, to be looked at without the lock.
    private let generation: Atomic<UInt64>
    private let isClosed = Atomic<Bool>(false)
    let configuration: StorageConfiguration
    let clock = StoreClock()
    private let memoryHits = MemoryHits()
    /// Rows that wait to be folded: a few at a time.
    private let foldsPending = PendingCount()
    /// Told of every change of the schema that is on disk.
    private let listener = Mutex<(@Sendable (SchemaChange) -> Void)?>(nil)
    /// Kept open, and locked, for as long as the engine is.
    private let folder: DataFolder?

    convenience init(folder: DataFolder, configuration: StoreConfiguration, logger: Logger) throws {
        try self.init(path: folder.path, configuration: StorageConfiguration(configuration), folder: folder, logger: logger)
    }

    init(path: String, configuration: StorageConfiguration, folder: DataFolder? = nil, logger: Logger? = nil) throws {
        let database = try RocksDatabase(
            path: path + "/rocksdb", memtableBytes: configuration.memtableBytes, cacheBytes: configuration.cacheBytes)
        var configuration = configuration
        let schema: Schema
        do throws(CQLError) {
            configuration.node.hostID = try SchemaStorage.hostID(database)
            schema = try SchemaStorage.load(database, node: configuration.node)
        } catch {
            database.close()
            throw StorageError(path: path, reason: error.message)
        }
        self.folder = folder
        self.database = database
        self.configuration = configuration
        shared = Mutex(schema)
        generation = Atomic(schema.generation)
        writer = GroupWriter(
            database, isGrouped: configuration.isGrouped, syncPeriod: configuration.syncPeriod, bytesMax: configuration.writeQueueBytes)
        readers = ReadPool(name: "store-read", threads: configuration.readThreads, queueMax: configuration.readQueue)
        scanners = ReadPool(name: "store-scan", threads: configuration.scanThreads, queueMax: configuration.readQueue)
        database.onHotRow { [weak writer, foldsPending] key in writer?.fold(key, pending: foldsPending) }
        logger?.debug("storage open", metadata: ["path": "\(path)", "keyspaces": "\(schema.userKeyspaces.count)"])
    }

    /// Finishes what is queued and closes RocksDB. Idempotent; no call may follow.
    func close() {
        guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
        writer.close()
        readers.close()
        scanners.close()
        database.onHotRow(nil)
        database.close()
    }

    var schema: Schema { shared.withLock { $0 } }

    /// Called by the writer's thread, when the change is on its way to disk.
    func publish(_ schema: Schema) {
        shared.withLock { $0 = schema }
        generation.store(schema.generation, ordering: .releasing)
    }

    var schemaGeneration: UInt64 { generation.load(ordering: .acquiring) }

    /// Whether the client that asked for a change is still there to hear of it or not, everybody else is told.
    func onSchemaChange(_ body: @escaping @Sendable (SchemaChange) -> Void) { listener.withLock { $0 = body } }

    func announce(_ change: SchemaChange) { listener.withLock { $0 }?(change) }

    /// The gate of a queue that is full; nil while there is room in all.
    var closedGate: FlowGate? {
        if writer.gate.isClosed { return writer.gate }
        if readers.gate.isClosed { return readers.gate }
        return scanners.gate.isClosed ? scanners.gate : nil
    }

    /// How many bytes the answer may have that is made on one of the store's threads.
    enum AnswerSize {
        case small
        /// One row.
        case row
        case upTo(Int)
    }

    func answerSize(_ statement: PlannedStatement, _ request: StatementRequest) -> AnswerSize {
        guard case .select(let plan) = statement.plan, !plan.isAggregate, plan.table.virtual == nil else { return .small }
        if plan.isPoint { return .row }
        return .upTo(request.pageSize == nil ? configuration.limits.resultBytes : configuration.limits.pageBytes)
    }

    // MARK: Statements

    /// Parses and resolves a statement.
    ///
    /// - Throws: ``CQLError`` with Cassandra's code and words.
    func prepare(_ cql: String, keyspace: String?) throws(CQLError) -> PlannedStatement {
        try Planner(schema: schema, keyspace: keyspace).plan(cql)
    }

    /// The statement as of the schema in force: itself, unless the schema has changed since it was planned.
    private func current(_ statement: PlannedStatement) throws(CQLError) -> PlannedStatement {
        if statement.generation == generation.load(ordering: .acquiring) { return statement }
        return try prepare(statement.cql, keyspace: statement.keyspace)
    }

    /// Executes one statement. `completion` is called once: at once for what is answered from memory or refused, otherwise by one of the
    /// store's threads.
    func execute(_ statement: PlannedStatement, _ request: StatementRequest, completion: @escaping Completion) {
        do throws(CQLError) {
            let statement = try current(statement)
            guard request.values.count == statement.bindColumns.count else {
                throw .invalid("there were \(statement.bindColumns.count) markers(?) in CQL but \(request.values.count) bound variables")
            }
            var request = request
            if statement.ordersValues { request.values = try statement.ordered(request.values) }
            switch statement.plan {
            case .modification(let plan):
                if plan.addsToCounters {
                    try count([(plan, request.values)], completion)
                } else if plan.needsRead {
                    try conditional(plan, request, completion)
                } else {
                    try write(request, completion) { (writing) throws(CQLError) in
                        try writing.append(plan, request.values, batchTimestamp: nil)
                    }
                }
            case .select(let plan): try select(plan, request, completion)
            case .batch(let plan) where plan.addsToCounters:
                try count(plan.statements.map { ($0, request.values) }, completion)
            case .batch(let plan):
                try write(request, completion) { (writing) throws(CQLError) in
                    let timestamp = try plan.timestamp.map { (source) throws(CQLError) in
                        try writing.timestamp(source, request.values, plan.constants)
                    }
                    for statement in plan.statements {
                        try writing.append(statement, request.values, batchTimestamp: timestamp ?? nil)
                    }
                }
            case .use(let name):
                _ = try schema.keyspace(name)
                completion(.success(.setKeyspace(name)))
            case .schema(let change): try alter(change, keyspace: statement.keyspace ?? request.keyspace, completion)
            case .describe(let what):
                completion(.success(try Describe(schema: schema, node: configuration.node, keyspace: statement.keyspace).result(what)))
            }
        } catch {
            completion(.failure(error))
        }
    }

    /// Executes a BATCH of the protocol: all of it or nothing.
    func execute(
        batch: [(PlannedStatement, BoundValues)], kind: BatchKind = .logged, _ request: StatementRequest, completion: @escaping Completion
    ) {
        do throws(CQLError) {
            guard let first = batch.first else { return completion(.success(.void)) }
            let (firstPlan, _) = try modification(first.0, first.1)
            if firstPlan.addsToCounters {
                var updates: [(plan: ModificationPlan, values: BoundValues)] = []
                for (given, values) in batch {
                    let (plan, values) = try modification(given, values)
                    try kind.check(plan, first: firstPlan)
                    updates.append((plan, values))
                }
                return try count(updates, completion)
            }
            try write(request, completion) { (writing) throws(CQLError) in
                var last: (given: PlannedStatement, current: PlannedStatement)?
                for (given, values) in batch {
                    let statement: PlannedStatement
                    if let last, last.given === given {
                        statement = last.current
                    } else {
                        statement = try current(given)
                        last = (given, statement)
                    }
                    let (plan, values) = try Self.modification(statement, values)
                    try kind.check(plan, first: firstPlan)
                    try writing.append(plan, values, batchTimestamp: nil)
                }
            }
        } catch {
            completion(.failure(error))
        }
    }

    private func modification(_ given: PlannedStatement, _ values: BoundValues) throws(CQLError) -> (ModificationPlan, BoundValues) {
        try Self.modification(try current(given), values)
    }

    @inline(__always)
    private static func modification(
        _ statement: PlannedStatement, _ values: BoundValues
    ) throws(CQLError) -> (ModificationPlan, BoundValues) {
        guard values.count == statement.bindColumns.count else {
            throw .invalid("there were \(statement.bindColumns.count) markers(?) in CQL but \(values.count) bound variables")
        }
        guard case .modification(let plan) = statement.plan else {
            throw .invalid("Invalid statement in batch: only UPDATE, INSERT and DELETE statements are allowed.")
        }
        return (plan, try statement.ordered(values))
    }

    // MARK: Writing

    /// What encodes the mutations of one request.
    struct Writing {
        let arena: ByteArena
        let scratch: ByteArena
        /// Microseconds: the request's default timestamp, or the store's.
        let timestamp: Int64
        /// The store's, which alone counts for deletions of counters: their totals are written by it.
        let storeTimestamp: Int64
        let microseconds: Int64
        let now: UInt32
        var records: UInt32 = 0

        mutating func append(_ plan: ModificationPlan, _ values: BoundValues, batchTimestamp: Int64?) throws(CQLError) {
            let fallback = plan.table.isCounter ? storeTimestamp : batchTimestamp ?? timestamp
            let (arena, scratch, microseconds, now) = (arena, scratch, microseconds, now)
            records += try values.withUnsafeBytes { (bound) throws(CQLError) -> UInt32 in
                let context = ValueContext(values: values, bound: bound, constants: plan.constants, now: microseconds)
                var encoder = MutationEncoder(plan: plan, context: context, arena: arena, scratch: scratch)
                try encoder.encode(try MutationEncoder.times(plan, context, fallback: fallback, now: now))
                return encoder.records
            }
            if plan.writesHeads, !plan.table.hasStatics {
                SchemaStorage.appendHeadsMark(plan.table, to: arena)
                records += 1
            }
        }

        func timestamp(_ source: ValueSource, _ values: BoundValues, _ constants: PlanConstants) throws(CQLError) -> Int64? {
            let microseconds = microseconds
            return try values.withUnsafeBytes { (bound) throws(CQLError) -> Int64? in
                let context = ValueContext(values: values, bound: bound, constants: constants, now: microseconds)
                return try MutationEncoder.timestamp(source, context)
            }
        }
    }

    @inline(__always)
    private func write(
        _ request: StatementRequest, _ completion: @escaping Completion, _ body: (inout Writing) throws(CQLError) -> Void
    ) throws(CQLError) {
        let microseconds = clock.microseconds()
        let now = request.nowInSeconds.map { UInt32(bitPattern: $0) } ?? UInt32(truncatingIfNeeded: microseconds / 1_000_000)
        try writer.append(now: microseconds, completion: completion) { (arena, scratch, timestamp) throws(CQLError) -> UInt32 in
            var writing = Writing(
                arena: arena, scratch: scratch, timestamp: request.defaultTimestamp ?? timestamp, storeTimestamp: timestamp,
                microseconds: microseconds, now: now)
            try body(&writing)
            return writing.records
        }
    }

    // MARK: Reading

    private func execution(_ plan: SelectPlan, _ request: StatementRequest) -> SelectExecution {
        SelectExecution(
            plan: plan, request: request, database: database, schema: plan.table.virtual == nil ? Schema() : schema, clock: clock,
            limits: configuration.limits)
    }

    private func select(_ plan: SelectPlan, _ request: StatementRequest, _ completion: @escaping Completion) throws(CQLError) {
        let execution = execution(plan, request)
        if plan.isPoint {
            if memoryHits.isWorthAsking {
                let result = try execution.point(inMemory: true)
                memoryHits.count(isHit: result != nil)
                if let result { return completion(.success(result)) }
            }
            try readers.submit {
                completion(Self.result { () throws(CQLError) in try execution.point(inMemory: false) ?? .void })
            }
            return
        }
        if plan.table.virtual != nil { return completion(.success(try execution.page())) }
        try scanners.submit { completion(Self.result { () throws(CQLError) in try execution.page() }) }
    }

    private static func result(_ body: () throws(CQLError) -> StatementResult) -> Result<StatementResult, CQLError> {
        do throws(CQLError) { return .success(try body()) } catch { return .failure(error) }
    }
}
