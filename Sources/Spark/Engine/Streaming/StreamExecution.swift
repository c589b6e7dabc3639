internal import Logging
internal import NIOConcurrencyHelpers
internal import NIOPosix

/// The points between two steps of a micro-batch where a test can stop the query as a crash would.
enum MicroBatchPoint: CaseIterable, Sendable {
    case beforeLog, afterLog, afterChunk, beforeDeadLetters, afterDeadLetters, beforeCommit, afterCommit
}

/// Runs one streaming query: performs what ``MicroBatchSteps`` says, until it is stopped, fails, or has read all that it was to read.
///
/// One task a query and no thread of its own: columns are made on the engine's worker threads, all else waits without holding one.
final class StreamExecution: Sendable {
    struct Branch: Sendable {
        var source: any StreamSource
        var pipeline: Pipeline
    }

    let handle: StreamingQueryHandle
    let branches: [Branch]
    /// For a plan that is more than branches: it runs what the branches' sources read.
    let stateful: StatefulQuery?
    let sink: any StreamSink
    let deadLetters: (any DeadLetterLog)?
    let checkpoint: CheckpointStore
    /// The folder that stands for the checkpoint; nil for one that goes with the query.
    let location: String?
    let trigger: Trigger
    let workers: NIOThreadPool
    /// Where the plan calls a client's functions: chunks are then made on threads that may wait for them.
    let python: PythonContext?
    let signal: SourceSignal
    let logger: Logger
    let clock: @Sendable () -> Int64
    let observe: @Sendable (MicroBatchPoint) async throws -> Void
    private let totals = NIOLockedValueBox(Totals())
    /// The topics' ids that the checkpoint holds.
    private let identities = NIOLockedValueBox<[[String: String]]>([])

    private struct Totals {
        var deadLetters = 0
        var lastReason: String?
        var lastOffset: String?
        var lastTriggerMicros: Int64?
    }

    init(
        handle: StreamingQueryHandle, branches: [Branch], stateful: StatefulQuery? = nil, sink: any StreamSink,
        deadLetters: (any DeadLetterLog)?,
        checkpoint: CheckpointStore, location: String? = nil,
        trigger: Trigger, workers: NIOThreadPool, python: PythonContext? = nil, signal: SourceSignal, logger: Logger,
        clock: @escaping @Sendable () -> Int64,
        observe: @escaping @Sendable (MicroBatchPoint) async throws -> Void = { _ in }
    ) {
        self.handle = handle
        self.branches = branches
        self.stateful = stateful
        self.sink = sink
        self.deadLetters = deadLetters
        self.checkpoint = checkpoint
        self.location = location
        self.trigger = trigger
        self.workers = workers
        self.python = python
        self.signal = signal
        self.logger = logger
        self.clock = clock
        self.observe = observe
    }

    /// Never throws: how the query ended is in its handle.
    func run() async {
        var failure: StreamingQueryException?
        do {
            try await loop()
        } catch is CancellationError where handle.isStopRequested || Task.isCancelled {
            logger.info("the query \(handle.name ?? handle.id.text) stopped")
        } catch {
            if !handle.isStopRequested {
                let error = described(error)
                failure = Self.exception(error, query: handle)
                logger.error("the query \(handle.name ?? handle.id.text) failed: \(error)")
            }
        }
        for branch in branches { await branch.source.stop() }
        await sink.stop()
        await deadLetters?.stop()
        handle.finish(failure)
    }

    /// An error about the offsets says where they are kept.
    private func described(_ error: any Error) -> any Error {
        guard let loss = error as? SparkError, loss.errorClass.hasPrefix("KAFKA_DATA_LOSS"), let location else { return error }
        return SparkError(
            loss.errorClass, sqlState: loss.sqlState, loss.message + " The query's checkpoint is the folder \(location).",
            nextStep: loss.nextStep)
    }

    private static func exception(_ error: any Error, query: StreamingQueryHandle) -> StreamingQueryException {
        let name = query.name.map { " [name = \($0)]" } ?? ""
        return StreamingQueryException(
            message: "[STREAM_FAILED] Query\(name) [id = \(query.id), runId = \(query.runID)] terminated with exception: \(error)",
            errorClass: (error as? SparkError)?.errorClass ?? "STREAM_FAILED", stackTrace: "\(error)")
    }

    // MARK: The loop

    private func loop() async throws {
        var steps: MicroBatchSteps
        let last = try await onWorker { [checkpoint, handle] in try checkpoint.last(handle.id) }
        try await deadLetters?.open()
        if let last {
            guard last.batch.ranges.count == branches.count else {
                throw SparkError(
                    "STREAMING_CHECKPOINT_MISMATCH", sqlState: "55019",
                    "The checkpoint has \(last.batch.ranges.count) sources, the query has \(branches.count).",
                    nextStep: "give the changed query its own checkpointLocation")
            }
            steps = MicroBatchSteps(last: last.batch, isCommitted: last.isCommitted, note: last.note)
            let watermark = last.isCommitted ? last.note.watermark : last.batch.eventTime?.watermark
            try await onWorker { [stateful] in try stateful?.open(watermark: watermark) }
            try await begin(at: last.batch.ranges.map { last.isCommitted ? $0.end : $0.start }, batch: steps.batch)
        } else {
            let offsets = try await initialOffsets()
            steps = MicroBatchSteps(offsets: offsets)
            try await onWorker { [stateful] in try stateful?.open(watermark: nil) }
            try await begin(at: offsets, batch: steps.batch)
        }
        var bound: [SourceOffset]?
        if trigger == .availableNow || trigger == .once {
            var ends: [SourceOffset] = []
            for branch in branches { ends.append(try await branch.source.latest()) }
            bound = ends
        }
        var executed: Executed?
        var previous = last.flatMap { $0.isCommitted ? $0.batch : nil }
        while true {
            try Task.checkCancellation()
            switch steps.action {
            case .plan(_, let after):
                let isEvicting = stateful?.canEvict(after: previous) ?? false
                guard let ranges = try await plan(after, bound: bound, isEvicting: isEvicting) else { return }
                steps.handle(
                    .planned(
                        ranges, nowMicros: clock(), deadLetterEnds: deadLetters?.ends ?? SourceOffset(),
                        eventTime: stateful?.mark(after: previous)))
            case .log(let batch):
                try await observe(.beforeLog)
                try await noteIdentities()
                try await onWorker { [checkpoint, handle] in try checkpoint.log(batch, of: handle.id) }
                try await observe(.afterLog)
                steps.handle(.logged)
            case .execute(let batch, let isReplay):
                let done = try await execute(batch, isReplay: isReplay)
                executed = done
                previous = batch
                // What is waiting already is logged with this batch's commit: one synced write for both.
                let next = trigger == .asSoonAsPossible ? try waiting(after: batch.ranges.map(\.end)) : nil
                steps.handle(
                    .executed(
                        next: next, nowMicros: clock(), deadLetterEnds: deadLetters?.ends ?? SourceOffset(),
                        eventTime: stateful?.mark(after: batch), note: done.note))
            case .commit(let id, let next):
                try await observe(.beforeCommit)
                let start = clock()
                if next != nil { try await noteIdentities() }
                let note = executed?.note ?? CommitNote()
                try await onWorker { [checkpoint, handle, stateful] in
                    try checkpoint.commit(id, next: next, of: handle.id, note: note) { stateful?.write(into: $0) }
                    stateful?.settle()
                }
                await sink.committed(id)
                if let executed { report(executed, commitMicros: clock() - start) }
                try await observe(.afterCommit)
                steps.handle(.committed)
            }
        }
    }

    /// Where the sources began when the query was first started: written down before anything is read, so that a start that is cut off
    /// before the first batch does not move what `latest` means.
    private func initialOffsets() async throws -> [SourceOffset] {
        if let known = try await onWorker({ [checkpoint, handle] in try checkpoint.initialOffsets(handle.id) }),
            known.count == branches.count
        {
            return known
        }
        var offsets: [SourceOffset] = []
        for branch in branches { offsets.append(try await branch.source.initialOffset()) }
        let found = offsets, identities = branches.map(\.source.identities)
        try await onWorker { [checkpoint, handle] in
            try checkpoint.setInitialOffsets(found, identities: identities, of: handle.id)
        }
        return offsets
    }

    /// Starts the sources, and tells where they stand before there is a batch to tell of.
    private func begin(at offsets: [SourceOffset], batch: Int64) async throws {
        let known = try await onWorker { [checkpoint, handle] in try checkpoint.identities(handle.id) }
        identities.withLockedValue { $0 = known }
        handle.reportStart(
            StreamingQueryProgress(
                id: handle.id, runID: handle.runID, name: handle.name, startMicros: clock(), batchID: batch, rows: 0, intervalSeconds: 0,
                durationSeconds: 0, durations: [],
                sources: zip(branches, offsets).map { branch, offset in
                    .init(description: branch.source.description, start: offset, end: offset, latest: nil, rows: 0)
                },
                sinkDescription: sink.description, outputRows: 0, deadLetters: 0, deadLettersTotal: 0, deadLetterTopic: nil))
        for (index, branch) in branches.enumerated() {
            try await branch.source.start(at: offsets[index], identities: index < known.count ? known[index] : [:])
        }
    }

    /// Writes down which topics the offsets that are logged next speak of, where that is news.
    private func noteIdentities() async throws {
        let now = branches.map(\.source.identities)
        guard identities.withLockedValue({ $0 != now }) else { return }
        try await onWorker { [checkpoint, handle] in try checkpoint.setIdentities(now, of: handle.id) }
        identities.withLockedValue { $0 = now }
    }

    func onWorker<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
        try await workers.runIfActive(body)
    }

    /// What to read next: waits for data, and for the trigger's tick; nil when the query has read all that it was to read.
    private func plan(_ after: [SourceOffset], bound: [SourceOffset]?, isEvicting: Bool) async throws -> [SourceRange]? {
        if let bound { return try await planBounded(after, bound, isEvicting: isEvicting) }
        if case .processingTime(let interval) = trigger { try await tick(interval) }
        while true {
            if let ranges = try waiting(after: after) { return ranges }
            // The watermark has moved: a batch without rows ends what it passed.
            if isEvicting { return after.map { SourceRange(start: $0, end: $0) } }
            let reason = branches.lazy.compactMap(\.source.waitingReason).first
            handle.update(reason ?? "Waiting for data to arrive", isDataAvailable: false, isTriggerActive: false)
            await signal.wait()
            try Task.checkCancellation()
        }
    }

    private func planBounded(_ after: [SourceOffset], _ bound: [SourceOffset], isEvicting: Bool) async throws -> [SourceRange]? {
        while true {
            let open = zip(after, bound).map { SourceRange(start: $0, end: $1) }
            if open.allSatisfy(\.isEmpty) {
                return isEvicting && trigger != .once ? after.map { SourceRange(start: $0, end: $0) } : nil
            }
            if trigger == .once { return open }
            if let ranges = try waiting(after: after) {
                let clipped = zip(ranges, bound).map { range, bound in
                    var range = range
                    for (partition, end) in range.end.positions {
                        let start = range.start.positions[partition] ?? 0
                        range.end.positions[partition] = min(end, max(start, bound.positions[partition] ?? start))
                    }
                    return range
                }
                if !clipped.allSatisfy(\.isEmpty) { return clipped }
            }
            handle.update("Waiting for data to arrive", isDataAvailable: false, isTriggerActive: false)
            await signal.wait()
            try Task.checkCancellation()
        }
    }

    /// Ticks fall on multiples of the interval, as in Spark.
    private func tick(_ interval: Duration) async throws {
        let micros = Int64(interval.components.seconds) * 1_000_000 + interval.components.attoseconds / 1_000_000_000_000
        guard micros > 0, let last = totals.withLockedValue({ $0.lastTriggerMicros }) else { return }
        let next = (last / micros + 1) * micros
        let now = clock()
        if next > now { try await Task.sleep(for: .microseconds(next - now)) }
    }

    /// Ranges with data in at least one source; never waits.
    private func waiting(after: [SourceOffset]) throws -> [SourceRange]? {
        var isAny = false
        var ranges: [SourceRange] = []
        for (branch, start) in zip(branches, after) {
            let range = try branch.source.waiting(after: start)
            if range != nil { isAny = true }
            ranges.append(range ?? SourceRange(start: start, end: start))
        }
        return isAny ? ranges : nil
    }

    // MARK: One micro-batch

    struct Executed {
        var batch: MicroBatch
        var startMicros: Int64
        var endMicros: Int64
        var rows: [Int]
        var outputRows = 0
        var deadLetters = 0
        var note = CommitNote()

        /// Rows had timestamps up to before this one. There may be more of them than offsets: of files the files are counted.
        mutating func wrote(until end: Int64) {
            if end > batch.timestampEnd { note.timestampEnd = end }
        }
    }

    private struct Processed: Sendable {
        var output: SinkOutput
        var letters: [DeadLetter]
    }

    private func execute(_ batch: MicroBatch, isReplay: Bool) async throws -> Executed {
        handle.update("Processing new data", isDataAvailable: true, isTriggerActive: true)
        var executed = Executed(batch: batch, startMicros: clock(), endMicros: 0, rows: branches.map { _ in 0 })
        if isReplay {
            logger.info("replaying batch \(batch.id) of \(handle.name ?? handle.id.text), which was logged but not committed")
            try await deadLetters?.recall(since: batch.deadLetterEnds)
        }
        try await sink.begin(batch)
        if let stateful {
            try await execute(batch, stateful, &executed)
            executed.endMicros = clock()
            return executed
        }
        var ordinal = batch.baseTimestamp
        var sentLetters = 0
        for (index, branch) in branches.enumerated() {
            let range = batch.ranges[index]
            try await branch.source.read(range, firstOrdinal: ordinal) { chunk in
                executed.rows[index] += chunk.count
                let processed = try await processed(chunk, branch.pipeline, batch, rows: nil)
                executed.outputRows += processed.output.rowCount
                try await sink.send(processed.output, chunk, branch: index)
                if !processed.letters.isEmpty { sentLetters += try await send(processed.letters) }
                try await observe(.afterChunk)
            }
            ordinal += max(range.span, Int64(executed.rows[index]))
        }
        executed.wrote(until: ordinal)
        for refused in try await sink.finish() {
            let letters = try await sendOneByOne(refused, batch)
            executed.outputRows -= letters.count
            sentLetters += try await send(letters)
        }
        executed.deadLetters = sentLetters
        executed.endMicros = clock()
        return executed
    }

    private func processed(_ chunk: SourceChunk, _ pipeline: Pipeline, _ batch: MicroBatch, rows: Selection?) async throws -> Processed {
        guard let python, pipeline.callsPython else {
            return try await onWorker { [self] in try process(chunk, pipeline, batch, rows: rows) }
        }
        return try await python.workers.run { [self] cancellation in
            try process(chunk, pipeline, batch, rows: rows) { try python.evaluate($0, $1, $2, cancellation) }
        }
    }

    /// Runs the stages over a chunk and encodes the result, on a thread of the caller's, while the chunk's memory is lent.
    private func process(
        _ chunk: SourceChunk, _ pipeline: Pipeline, _ batch: MicroBatch, rows: Selection?, python: Pipeline.PythonEvaluation? = nil
    ) throws -> Processed {
        try chunk.withColumns(pipeline.wanted, width: pipeline.width) { source in
            let context = EvaluationContext(timestampMicros: batch.plannedMicros)
            var (columns, selection) = try pipeline.run(source, context, rows: rows, python: python)
            var reasons: [Int: String] = [:]
            if deadLetters != nil {
                for problem in context.problems.all where reasons[problem.row] == nil { reasons[problem.row] = problem.reason }
                if !reasons.isEmpty { selection = selection.filter { reasons[$0] == nil } }
            }
            let result = ResultRows(schema: pipeline.schema, columns: columns.columns, selection: selection, timestamp: chunk.ordinal)
            columns.columns = []
            let output = try sink.encode(result, isSingle: rows != nil)
            for refusal in output.refusals { reasons[refusal.row] = refusal.reason }
            if deadLetters == nil, let refusal = output.refusals.first {
                throw Self.withoutTopic(refusal)
            }
            let letters = reasons.sorted { $0.key < $1.key }.map { DeadLetter(record: chunk.record($0.key), reason: $0.value) }
            return Processed(output: output, letters: letters)
        }
    }

    static func withoutTopic(_ refusal: SinkOutput.Refusal) -> SparkError {
        SparkError(
            "DEAD_LETTER_TOPIC_MISSING", sqlState: "22000",
            "A row cannot be written and there is no dead-letter topic for it: \(refusal.reason).",
            nextStep: "name one with the option deadLetterTopic")
    }

    func send(_ letters: [DeadLetter]) async throws -> Int {
        guard let deadLetters, let last = letters.last else { return 0 }
        try await observe(.beforeDeadLetters)
        let new = try await deadLetters.send(letters)
        try await observe(.afterDeadLetters)
        totals.withLockedValue {
            $0.deadLetters += new
            $0.lastReason = last.reason
            $0.lastOffset = "\(last.record.partition.topic)[\(last.record.partition.partition)]@\(last.record.offset)"
        }
        return new
    }

    /// A request of several rows was refused: each row alone, and those that are refused alone are dead letters.
    private func sendOneByOne(_ refused: RefusedRows, _ batch: MicroBatch) async throws -> [DeadLetter] {
        let pipeline = branches[refused.branch].pipeline
        if refused.rows.count == 1 { return [DeadLetter(record: refused.chunk.record(Int(refused.rows[0])), reason: refused.reason)] }
        let processed = try await processed(refused.chunk, pipeline, batch, rows: .rows(refused.rows))
        try await sink.send(processed.output, refused.chunk, branch: refused.branch)
        return try await sink.finish().flatMap { single in
            single.rows.map { DeadLetter(record: single.chunk.record(Int($0)), reason: single.reason) }
        }
    }

    private func report(_ executed: Executed, commitMicros: Int64) {
        let batch = executed.batch
        let (totalLetters, reason, offset, lastTrigger) = totals.withLockedValue { totals in
            defer { totals.lastTriggerMicros = executed.startMicros }
            return (totals.deadLetters, totals.lastReason, totals.lastOffset, totals.lastTriggerMicros)
        }
        let addBatch = (executed.endMicros - executed.startMicros) / 1_000
        let total = executed.endMicros - executed.startMicros + commitMicros
        handle.report(
            StreamingQueryProgress(
                id: handle.id, runID: handle.runID, name: handle.name, startMicros: executed.startMicros, batchID: batch.id,
                rows: executed.rows.reduce(0, +), intervalSeconds: lastTrigger.map { Double(executed.startMicros - $0) / 1e6 } ?? 0,
                durationSeconds: Double(total) / 1e6,
                durations: [("addBatch", addBatch), ("triggerExecution", total / 1_000), ("walCommit", commitMicros / 1_000)],
                sources: branches.indices.map { index in
                    .init(
                        description: branches[index].source.description, start: batch.ranges[index].start, end: batch.ranges[index].end,
                        latest: branches[index].source.newest(), rows: executed.rows[index])
                },
                sinkDescription: sink.description, outputRows: executed.outputRows, deadLetters: executed.deadLetters,
                deadLettersTotal: totalLetters, lastDeadLetterReason: reason, lastDeadLetterOffset: offset,
                deadLetterTopic: deadLetters?.topic, stateOperators: stateful?.reports(batch, commitMicros: commitMicros) ?? [],
                eventTime: stateful?.eventTimeReport(batch)))
    }
}
