internal import IO

/// What is written down before a micro-batch runs, so that a replay reads the same offsets and writes the same timestamps.
struct MicroBatch: Hashable, Sendable {
    var id: Int64
    /// One for each source of the plan, in the plan's order.
    var ranges: [SourceRange]
    /// Microseconds; row n of the batch is written with this plus n. Beyond every timestamp of the batches before.
    var baseTimestamp: Int64
    /// The clock when the batch was planned, which `current_timestamp` gives.
    var plannedMicros: Int64
    /// Where the dead-letter topics ended, at the latest, before the batch: a replay looks from there for what it has already sent.
    var deadLetterEnds: SourceOffset
    /// nil for a query without watermarks.
    var eventTime: EventTimeMark?

    var span: Int64 { ranges.reduce(0) { $0 + $1.span } }
    /// The least base timestamp of the next batch.
    var timestampEnd: Int64 { baseTimestamp + span }

    var json: JSON {
        var members: JSON.Members = [
            "batch": .integer(id), "baseTimestamp": .integer(baseTimestamp), "planned": .integer(plannedMicros),
            "sources": .array(ranges.map { ["start": $0.start.json, "end": $0.end.json] }), "deadLetterEnds": deadLetterEnds.json,
        ]
        if let eventTime {
            members["watermark"] = .integer(eventTime.watermark)
            members["lateWatermark"] = .integer(eventTime.late)
        }
        return .object(members)
    }

    init?(json: JSON) {
        guard let id = json["batch"]?.integer, let base = json["baseTimestamp"]?.integer,
            let planned = json["planned"]?.integer, let sources = json["sources"]?.array
        else { return nil }
        var ranges: [SourceRange] = []
        for source in sources {
            guard let start = source["start"].flatMap(SourceOffset.init(json:)), let end = source["end"].flatMap(SourceOffset.init(json:))
            else { return nil }
            ranges.append(SourceRange(start: start, end: end))
        }
        guard let ends = SourceOffset(json: json["deadLetterEnds"] ?? [:]) else { return nil }
        let eventTime = json["watermark"]?.integer.map { EventTimeMark(watermark: $0, late: json["lateWatermark"]?.integer ?? $0) }
        self.init(
            id: id, ranges: ranges, baseTimestamp: base, plannedMicros: planned, deadLetterEnds: ends, eventTime: eventTime)
    }

    init(
        id: Int64, ranges: [SourceRange], baseTimestamp: Int64, plannedMicros: Int64, deadLetterEnds: SourceOffset,
        eventTime: EventTimeMark? = nil
    ) {
        self.id = id
        self.ranges = ranges
        self.baseTimestamp = baseTimestamp
        self.plannedMicros = plannedMicros
        self.deadLetterEnds = deadLetterEnds
        self.eventTime = eventTime
    }
}

/// How far the event time of a query has come, in microseconds: the same at each replay of a batch.
struct EventTimeMark: Hashable, Sendable {
    /// State up to here is done when the batch ends.
    var watermark: Int64
    /// Rows up to here come too late: the watermark of the batch before, whose state is gone already.
    var late: Int64

    /// Spark's watermark before any row was seen.
    static let beginning = EventTimeMark(watermark: 0, late: 0)

    /// What the next batch has.
    func next(watermark: Int64) -> EventTimeMark { EventTimeMark(watermark: max(self.watermark, watermark), late: self.watermark) }
}

/// What is written down with a commit, for the batch after it.
struct CommitNote: Hashable, Sendable {
    /// The watermark that the batch's rows gave.
    var watermark: Int64?
    /// Beyond the timestamp of every row that the batch wrote, where it wrote more rows than it read.
    var timestampEnd: Int64?

    var json: JSON {
        var members: JSON.Members = [:]
        if let watermark { members["nextWatermark"] = .integer(watermark) }
        if let timestampEnd { members["timestampEnd"] = .integer(timestampEnd) }
        return .object(members)
    }

    init(watermark: Int64? = nil, timestampEnd: Int64? = nil) {
        self.watermark = watermark
        self.timestampEnd = timestampEnd
    }

    init(json: JSON) {
        self.init(watermark: json["nextWatermark"]?.integer, timestampEnd: json["timestampEnd"]?.integer)
    }
}

/// The steps of a query's micro-batches as a value: plan, log, execute, commit; told what happened, it says what to do next.
///
///     waiting ──planned──► logging ──logged──► executing ──executed──► committing ──committed──► waiting
///                                                  ▲                        │ data is waiting already: commit and
///     recovered with an uncommitted batch ─────────┘◄───────────────────────┘ the next batch's offsets in one write
///
/// Exactly-once rests on two rules that it keeps: a batch runs only when its offsets are on disk, and once they are, nothing but a
/// commit of that batch lets another one run.
struct MicroBatchSteps {
    enum Action: Hashable {
        /// Find out what there is to read after these offsets.
        case plan(batch: Int64, after: [SourceOffset])
        case log(MicroBatch)
        case execute(MicroBatch, isReplay: Bool)
        /// Commit, and log the next batch in the same write when there is one.
        case commit(Int64, next: MicroBatch?)
    }

    enum Event: Hashable {
        /// Ranges to read; all empty when the source only moved.
        case planned([SourceRange], nowMicros: Int64, deadLetterEnds: SourceOffset, eventTime: EventTimeMark? = nil)
        case logged
        /// The batch is in the sink; what is waiting already becomes the next batch.
        case executed(
            next: [SourceRange]?, nowMicros: Int64, deadLetterEnds: SourceOffset, eventTime: EventTimeMark? = nil,
            note: CommitNote = CommitNote())
        case committed
    }

    private enum State: Hashable {
        case waiting
        case logging(MicroBatch)
        case executing(MicroBatch, isReplay: Bool)
        case committing(next: MicroBatch?)
    }

    private var state: State
    private var batchNext: Int64
    private var offsets: [SourceOffset]
    private var timestampNext: Int64

    /// A query that has never run.
    init(offsets: [SourceOffset]) {
        state = .waiting
        batchNext = 0
        self.offsets = offsets
        timestampNext = 0
    }

    /// A query that finds its last batch in the log.
    init(last: MicroBatch, isCommitted: Bool, note: CommitNote = CommitNote()) {
        state = isCommitted ? .waiting : .executing(last, isReplay: true)
        batchNext = last.id + 1
        offsets = last.ranges.map(\.end)
        timestampNext = max(last.timestampEnd, note.timestampEnd ?? 0)
    }

    /// The batch that is next to be committed, or to be planned.
    var batch: Int64 {
        switch state {
        case .waiting: batchNext
        case .logging(let batch), .executing(let batch, _): batch.id
        case .committing(let next): next.map { $0.id - 1 } ?? batchNext - 1
        }
    }

    var action: Action {
        switch state {
        case .waiting: .plan(batch: batchNext, after: offsets)
        case .logging(let batch): .log(batch)
        case .executing(let batch, let isReplay): .execute(batch, isReplay: isReplay)
        case .committing(let next): .commit(next.map { $0.id - 1 } ?? batchNext - 1, next: next)
        }
    }

    mutating func handle(_ event: Event) {
        switch (state, event) {
        case (.waiting, .planned(let ranges, let now, let ends, let eventTime)):
            state = .logging(take(ranges, now, ends, eventTime))
        case (.logging(let batch), .logged):
            state = .executing(batch, isReplay: false)
        case (.executing, .executed(let ranges, let now, let ends, let eventTime, let note)):
            timestampNext = max(timestampNext, note.timestampEnd ?? 0)
            state = .committing(next: ranges.map { take($0, now, ends, eventTime) })
        case (.committing(let next), .committed):
            state = next.map { .executing($0, isReplay: false) } ?? .waiting
        case (.waiting, _), (.logging, _), (.executing, _), (.committing, _):
            preconditionFailure("a micro-batch that is \(state) was told \(event)")
        }
    }

    private mutating func take(_ ranges: [SourceRange], _ now: Int64, _ ends: SourceOffset, _ eventTime: EventTimeMark?) -> MicroBatch {
        let batch = MicroBatch(
            id: batchNext, ranges: ranges, baseTimestamp: max(now, timestampNext), plannedMicros: now, deadLetterEnds: ends,
            eventTime: eventTime)
        batchNext += 1
        offsets = ranges.map(\.end)
        timestampNext = batch.timestampEnd
        return batch
    }
}
