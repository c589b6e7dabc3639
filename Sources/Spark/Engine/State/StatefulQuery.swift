internal import NIOConcurrencyHelpers

/// A streaming plan that is more than filters and projections: joins with tables, aggregates, duplicates, limits.
///
/// For every micro-batch the plan is made into steps as a plan that runs once is (``BatchPlanner``): its streams are leaves that read the
/// batch's ranges, its tables are read anew, and stateful steps are given the state that lives here as long as the query.
final class StatefulQuery: @unchecked Sendable {
    // Unchecked: the query's loop runs one step of one micro-batch at a time; what others ask for is under the lock.
    let plan: ResolvedPlan
    let mode: OutputMode
    let inputs: [StreamInput]
    private let make: @Sendable (BatchRun) -> BatchPlanner
    private let settings: Settings
    private let store: CheckpointStore
    private let id: StreamingQueryID
    private let budget: StateBudget
    private(set) var tables: [StateTable] = []
    private(set) var trackers: [EventTimeTracker] = []
    /// The watermark that the batches so far give; it never falls.
    private(set) var watermark: Int64 = 0
    /// Whether a group or a key is ever forgotten because of the watermark.
    private var isEvicting = false

    struct Settings: Sendable {
        var batchRows: Int
        var memoryMax: Int
        var zone: ZoneRules
        var python: PythonContext
    }

    init(
        _ plan: ResolvedPlan, mode: OutputMode, inputs: [StreamInput], settings: Settings, store: CheckpointStore, id: StreamingQueryID,
        budget: StateBudget, planner: @escaping @Sendable (BatchRun) -> BatchPlanner
    ) {
        self.plan = plan
        self.mode = mode
        self.inputs = inputs
        self.settings = settings
        self.store = store
        self.id = id
        self.budget = budget
        make = planner
    }

    var schema: StructType { plan.schema }
    var hasWatermark: Bool { !trackers.isEmpty }

    /// Lays out the operators, and reads what the store has of their state.
    func open(watermark: Int64?) throws {
        let nothing = MicroBatch(
            id: 0, ranges: inputs.map { _ in SourceRange(start: SourceOffset(), end: SourceOffset()) }, baseTimestamp: 0, plannedMicros: 0,
            deadLetterEnds: SourceOffset(), eventTime: .beginning)
        _ = try steps(of: nothing, hooks: StreamHooks(takesRefused: false, read: { _, _ in }, refuse: { _ in }, afterChunk: {}))
        for table in tables { try table.open() }
        self.watermark = max(self.watermark, watermark ?? 0)
    }

    private func batchRun(_ batch: MicroBatch) -> BatchRun {
        BatchRun(
            batchRows: settings.batchRows, timestampMicros: batch.plannedMicros, zone: settings.zone, memoryMax: settings.memoryMax,
            python: settings.python)
    }

    private func steps(of batch: MicroBatch, hooks: StreamHooks) throws -> any BatchOperator {
        let run = batchRun(batch)
        var planner = make(run)
        planner.stream = StreamPlanning(self, batch, run, hooks)
        return try planner.plan(plan)
    }

    func run(_ batch: MicroBatch, hooks: StreamHooks, _ emit: (ResultBatch) async throws -> Void) async throws {
        for tracker in trackers { tracker.begin() }
        for table in tables {
            table.metrics = StateMetrics()
            table.batch = batch.id
        }
        try await steps(of: batch, hooks: hooks).run(emit)
        // Of several watermarks the slowest counts (spark.sql.streaming.multipleWatermarkPolicy: min); one that has seen nothing yet holds
        // it back.
        if let slowest = trackers.map({ $0.watermark ?? 0 }).min() { watermark = max(watermark, slowest, batch.eventTime?.watermark ?? 0) }
    }

    /// What the batch after this one has.
    func mark(after batch: MicroBatch?) -> EventTimeMark? {
        guard hasWatermark else { return nil }
        return (batch?.eventTime ?? .beginning).next(watermark: watermark)
    }

    /// Whether a batch without rows would end state that is there.
    func canEvict(after batch: MicroBatch?) -> Bool {
        guard isEvicting, hasWatermark, watermark > (batch?.eventTime?.watermark ?? 0) else { return false }
        return tables.contains { $0.hasExpired(watermark) }
    }

    func write(into writes: StateWrites) {
        for table in tables { table.write(into: writes) }
    }

    func settle() {
        for table in tables { table.settle() }
    }

    // MARK: What steps ask for, by their place in the plan

    fileprivate func table(_ number: Int, _ name: String, _ accumulators: @escaping () throws -> [any Accumulator]) throws -> StateTable {
        if number < tables.count { return tables[number] }
        guard number < 255 else {
            throw SparkError("UNSUPPORTED_FEATURE", sqlState: "0A000", "A query with more than 255 stateful operators is not served.")
        }
        let table = StateTable(
            name, scope: StateScope(id, number: UInt8(number)), store: store, budget: budget, accumulators: accumulators)
        tables.append(table)
        return table
    }

    fileprivate func tracker(_ number: Int, delayMicros: Int64) -> EventTimeTracker {
        if number < trackers.count { return trackers[number] }
        let tracker = EventTimeTracker(delayMicros: delayMicros)
        trackers.append(tracker)
        return tracker
    }

    fileprivate func noteEviction() { isEvicting = true }
}

/// Makes the steps of one micro-batch that a plan which runs once does not have. It is asked in the plan's order, and so gives each stateful
/// step the same state every time.
final class StreamPlanning {
    private let query: StatefulQuery
    private let batch: MicroBatch
    private let run: BatchRun
    private let hooks: StreamHooks
    private var inputNext = 0
    private var tableNext = 0
    private var trackerNext = 0
    private var ordinal: Int64

    init(_ query: StatefulQuery, _ batch: MicroBatch, _ run: BatchRun, _ hooks: StreamHooks) {
        self.query = query
        self.batch = batch
        self.run = run
        self.hooks = hooks
        ordinal = batch.baseTimestamp
    }

    private var mark: EventTimeMark { batch.eventTime ?? .beginning }

    private func table(_ name: String, _ accumulators: @escaping () throws -> [any Accumulator]) throws -> StateTable {
        defer { tableNext += 1 }
        return try query.table(tableNext, name, accumulators)
    }

    /// The step for this node; nil where it is one like any other.
    func step(_ plan: ResolvedPlan, _ planner: BatchPlanner) throws -> (any BatchOperator)? {
        guard plan.readsStream else { return nil }
        if BatchPlanner.isScan(plan) {
            let input = query.inputs[inputNext]
            let range = batch.ranges[inputNext]
            inputNext += 1
            defer { ordinal += range.span }
            return StreamScanOperator(input, range, firstOrdinal: ordinal, run: run, hooks: hooks)
        }
        switch plan {
        case .watermark(let column, let delay, let child):
            let below = try planner.plan(child)
            defer { trackerNext += 1 }
            return WatermarkOperator(below, column: column, tracker: query.tracker(trackerNext, delayMicros: delay))
        case .aggregate(let aggregate, let child):
            let below = try planner.plan(child)
            let times = plan.eventTimes
            let key = aggregate.keys.indices.first { times[$0] != nil }
            if key != nil, query.mode != .complete { query.noteEviction() }
            return StreamingAggregateOperator(
                below, aggregate, eventTime: key.flatMap { key in times[key].map { (key, $0) } },
                state: try table("stateStoreSave") { try aggregate.calls.map(Accumulators.make) }, mode: query.mode, mark: mark, run: run)
        case .deduplicate(let keys, let child):
            let below = try planner.plan(child)
            let times = child.eventTimes
            let key = keys.first { times[$0] != nil }
            if key != nil { query.noteEviction() }
            let column = key ?? times.keys.min()
            return StreamingDeduplicateOperator(
                below, keys: keys, eventTime: column.map { ($0, key != nil) }, state: try table("dedupe") { [] }, mark: mark, run: run)
        case .deduplicateWithin(let keys, let child):
            let below = try planner.plan(child)
            guard let (column, time) = child.eventTimes.min(by: { $0.key < $1.key }) else { return nil }
            query.noteEviction()
            return StreamingDeduplicateWithinOperator(
                below, keys: keys, eventTime: (column, time), state: try table("dedupeWithinWatermark") { [NumberState()] }, mark: mark,
                run: run)
        case .limit(let count, let child) where query.mode == .append:
            return StreamingLimitOperator(try planner.plan(child), count: count, state: try table("globalLimit") { [NumberState()] })
        default: return nil
        }
    }
}

extension ResolvedPlan {
    /// The streams of the plan, each with the filters and projections right over it, in the order in which steps are made.
    var streamScans: [ResolvedPlan] {
        guard readsStream else { return [] }
        return BatchPlanner.isScan(self) ? [self] : children.flatMap(\.streamScans)
    }
}
