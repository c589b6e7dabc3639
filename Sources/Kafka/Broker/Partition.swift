internal import IO
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOPosix

/// When appended records are made durable.
enum FlushMode: Sendable, Equatable {
    /// acks=all waits for an fdatasync, which all that waits shares; the high watermark is the last synced offset.
    case group
    /// Every so often; acks=all answers after the append.
    case interval(Duration)
    /// When the operating system sees fit.
    case os
}

/// Who is told when what it appended has been committed.
protocol AckReceiver: AnyObject, Sendable {
    /// `index` is what the receiver gave with its append. Called on any thread.
    func acknowledged(_ index: Int, _ error: ErrorCode)
}

/// One partition: its log, its high watermark, and those who wait for it.
///
/// Event loops append and look up, a flusher thread syncs; all of it shares one short lock. Under the lock at most one page-cache
/// write is made, nothing waits for a disk.
final class Partition: GroupCommitTarget {
    private struct State {
        var log: PartitionLog
        /// What may be read: the offset, and where its batch begins.
        var highWatermark: Int64
        var highWatermarkPlace: PartitionLog.Place
        var flush = FlushTurn()
        /// A timer will queue the flush, since nobody waits for it.
        var isFlushTimed = false
        var isClosed = false
        /// A sync that failed: what the kernel still holds of the log is unknown, so nothing is appended any more.
        var failure: FileError?
        var acks: [(offset: Int64, receiver: any AckReceiver, index: Int)] = []
        var waiters: [FetchWaiter] = []
        var recoveryPoint: Int64
    }

    enum Outcome {
        case appended(baseOffset: Int64, logAppendTimeMs: Int64)
        /// A transactional batch that belongs to no transaction known to be open here: the transaction coordinator is to be asked, and
        /// the batch to be brought again. Nothing was appended.
        case unverified
        case refused(ErrorCode, String?)
    }

    private enum Flush {
        case none
        case now
        case soon
    }

    let topic: String
    let index: Int32
    let leaderEpoch: Int32 = 0
    private let mode: FlushMode
    /// How long appends that nobody waits for stay unsynced (`group`).
    private let linger: TimeAmount
    private let flusher: GroupCommitFlusher
    private let state: NIOLockedValueBox<State>

    init(topic: String, index: Int32, log: PartitionLog, mode: FlushMode, linger: TimeAmount, flusher: GroupCommitFlusher) {
        self.topic = topic
        self.index = index
        self.mode = mode
        self.linger = linger
        self.flusher = flusher
        state = NIOLockedValueBox(
            State(log: log, highWatermark: log.nextOffset, highWatermarkPlace: log.end, recoveryPoint: log.nextOffset))
    }

    // MARK: Writing

    /// Appends one sound batch.
    ///
    /// - Parameters:
    ///   - waiting: told when the batch is committed (acks=all); nil for acks 0 and 1. It is never called when the append is refused.
    ///   - isFromCoordinator: a transaction's offsets or its end, which the broker writes in a producer's name, without a sequence.
    ///   - hasAsked: the transaction coordinator was asked about this transactional batch.
    func append(
        _ header: RecordBatchHeader, _ bytes: UnsafeRawBufferPointer, nowMs: Int64, waiting: (receiver: any AckReceiver, index: Int)?,
        isFromCoordinator: Bool = false, hasAsked: Bool = false
    ) -> Outcome {
        var committed = false
        var woken: [FetchWaiter] = []
        let (outcome, flush) = state.withLockedValue { state -> (Outcome, Flush) in
            if state.isClosed { return (.refused(.unknownTopicOrPartition, nil), .none) }
            if let failure = state.failure { return (.refused(.kafkaStorageError, failure.description), .none) }
            let base: Int64, last: Int64
            var appendTime: Int64 = -1
            let verdict = state.log.producers.verdict(on: header, isFromCoordinator: isFromCoordinator)
            if header.isTransactional, !header.isControl, !state.log.producers.isInTransaction(header, hasAsked: hasAsked) {
                switch verdict {
                case .duplicate, .refuse(.invalidProducerEpoch), .refuse(.invalidRecord): break
                case .append, .refuse:
                    // Asked before the sequence is judged: batches that wait for the answer may be missing from it.
                    return (hasAsked ? .refused(.invalidTxnState, "the transaction has ended") : .unverified, .none)
                }
            }
            switch verdict {
            case .refuse(let error):
                return (.refused(error, "producer \(header.producerID), sequence \(header.baseSequence)"), .none)
            case .duplicate(let batch):
                (base, last) = (batch.baseOffset, batch.lastOffset)
            case .append:
                do throws(FileError) {
                    let stamped = try state.log.append(header, bytes, leaderEpoch: leaderEpoch, nowMs: nowMs)
                    (base, last) = (stamped.baseOffset, stamped.lastOffset)
                    if state.log.config.stampsLogAppendTime { appendTime = nowMs }
                } catch {
                    return (.refused(.kafkaStorageError, error.description), .none)
                }
            }
            if mode != .group { woken = Self.advance(&state, to: state.log.nextOffset, place: state.log.end) }
            if let waiting {
                if last < state.highWatermark {
                    committed = true
                } else {
                    state.acks.append((last + 1, waiting.receiver, waiting.index))
                }
            }
            var flush = Flush.none
            if mode == .group, !state.flush.isQueued, state.highWatermark < state.log.nextOffset {
                if waiting != nil {
                    flush = .now
                    _ = state.flush.want()
                } else if !state.isFlushTimed {
                    flush = .soon
                    state.isFlushTimed = true
                }
            }
            return (.appended(baseOffset: base, logAppendTimeMs: appendTime), flush)
        }
        switch flush {
        case .none: break
        case .now: flusher.enqueue(self)
        case .soon: MultiThreadedEventLoopGroup.singleton.any().scheduleTask(in: linger) { self.scheduleFlush() }
        }
        if committed, let waiting { waiting.receiver.acknowledged(waiting.index, .none) }
        for waiter in woken { waiter.wake() }
        return outcome
    }

    /// Moves the high watermark; returns the waiting fetches, which look again.
    private static func advance(_ state: inout State, to offset: Int64, place: PartitionLog.Place) -> [FetchWaiter] {
        guard offset > state.highWatermark else { return [] }
        state.highWatermark = offset
        state.highWatermarkPlace = place
        state.log.producers.open.settle(below: offset)
        guard !state.waiters.isEmpty else { return [] }
        defer { state.waiters = [] }
        return state.waiters
    }

    func flush() {
        let work = state.withLockedValue { state -> (offset: Int64, place: PartitionLog.Place, files: [SegmentFile], folder: String?)? in
            guard state.flush.begin() else { return nil }
            var files = state.log.unsynced
            files.append(state.log.segments[state.log.segments.count - 1].file)
            let folder = state.log.isFolderDirty ? state.log.folder : nil
            state.log.isFolderDirty = false
            return (state.log.nextOffset, state.log.end, files, folder)
        }
        guard let work else { return }
        var failure: FileError?
        do throws(FileError) {
            if let folder = work.folder { try DurableFile.syncFolder(of: folder + "/x") }
            for file in work.files { try file.sync() }
        } catch {
            failure = error
        }
        typealias Acks = [(offset: Int64, receiver: any AckReceiver, index: Int)]
        let (acks, woken) = state.withLockedValue { state -> (Acks, [FetchWaiter]) in
            // After a sync that failed none counts, even one that says it succeeded.
            failure = state.failure ?? failure
            if let failure {
                state.failure = failure
                defer { state.acks = [] }
                return (state.acks, [])
            }
            state.log.unsynced.removeAll { file in work.files.contains { $0 === file } }
            state.recoveryPoint = max(state.recoveryPoint, work.offset)
            let woken = Self.advance(&state, to: work.offset, place: work.place)
            let ready = state.acks.prefix { $0.offset <= state.highWatermark }
            state.acks.removeFirst(ready.count)
            return (Array(ready), woken)
        }
        for ack in acks { ack.receiver.acknowledged(ack.index, failure == nil ? .none : .kafkaStorageError) }
        for waiter in woken { waiter.wake() }
        // Only now, so that acknowledgements come in the order of the appends whichever thread is next.
        if state.withLockedValue({ $0.flush.end() }) { flusher.enqueue(self) }
    }

    /// Has the log synced soon, if something was appended since the last time.
    func scheduleFlush() {
        let enqueue = state.withLockedValue { state -> Bool in
            state.isFlushTimed = false
            guard !state.isClosed, state.recoveryPoint < state.log.nextOffset else { return false }
            return state.flush.want()
        }
        if enqueue { flusher.enqueue(self) }
    }

    // MARK: Reading

    struct View: Sendable {
        var location: PartitionLog.Location
        var highWatermark: Int64
        var lastStableOffset: Int64
        var startOffset: Int64
        /// The end of the transactions that concern what `location` reads, when that is known before it is read.
        var abortedBelow: Int64
    }

    /// - Parameter isCommittedOnly: read up to the last stable offset (`isolation.level=read_committed`), not the high watermark.
    func view(from offset: Int64, maxBytes: Int, hotBytes: Int, isCommittedOnly: Bool = false) -> View? {
        state.withLockedValue { state -> View? in
            guard !state.isClosed else { return nil }
            let stable = Self.lastStable(state)
            let limit = isCommittedOnly ? stable : (offset: state.highWatermark, place: state.highWatermarkPlace)
            let location = state.log.locate(offset, maxBytes: maxBytes, below: limit, hotBytes: hotBytes)
            var abortedBelow = limit.offset
            if isCommittedOnly, case .hot(_, let range) = location {
                abortedBelow = min(abortedBelow, state.log.offset(atPosition: range.upperBound))
            }
            return View(
                location: location, highWatermark: state.highWatermark, lastStableOffset: stable.offset,
                startOffset: state.log.startOffset, abortedBelow: abortedBelow)
        }
    }

    /// Up to where all transactions are decided, and their ends durable: the high watermark, or the first offset of the oldest one that
    /// is not.
    private static func lastStable(_ state: State) -> (offset: Int64, place: PartitionLog.Place) {
        guard let first = state.log.producers.open.first, let place = first.place, first.firstOffset < state.highWatermark else {
            return (state.highWatermark, state.highWatermarkPlace)
        }
        return (max(first.firstOffset, state.log.startOffset), place)
    }

    func abortedTransactions(from offset: Int64, below limit: Int64) -> [AbortedTransaction] {
        state.withLockedValue { $0.log.abortedTransactions(from: offset, below: limit) }
    }

    /// Has the waiter woken at the next advance of the high watermark. False when it is beyond `offset` already.
    func wait(_ waiter: FetchWaiter, beyond highWatermark: Int64) -> Bool {
        state.withLockedValue { state in
            guard state.highWatermark <= highWatermark, !state.isClosed else { return false }
            state.waiters.append(waiter)
            return true
        }
    }

    func cancel(_ waiter: FetchWaiter) {
        state.withLockedValue { state in state.waiters.removeAll { $0 === waiter } }
    }

    /// Fetches that wait here.
    var waiterCount: Int { state.withLockedValue { $0.waiters.count } }

    var offsets: (start: Int64, highWatermark: Int64) { state.withLockedValue { ($0.log.startOffset, $0.highWatermark) } }
    var lastStableOffset: Int64 { state.withLockedValue { Self.lastStable($0).offset } }
    var logEndOffset: Int64 { state.withLockedValue { $0.log.nextOffset } }
    var recoveryPoint: Int64 { state.withLockedValue { $0.recoveryPoint } }
    var segmentCount: Int { state.withLockedValue { $0.log.segments.count } }
    var maxTimestamp: Int64 { state.withLockedValue { $0.log.maxTimestamp } }

    func search(for timestamp: Int64) -> PartitionLog.TimeSearch? {
        state.withLockedValue { $0.log.search(for: timestamp, below: ($0.highWatermark, $0.highWatermarkPlace)) }
    }

    // MARK: Producers

    /// A producer may begin a transaction here (``ProducerStates/permit(_:epoch:isForAll:)``). The transaction coordinator alone
    /// calls it, and it alone ends transactions, one after the other.
    func permit(_ producerID: Int64, epoch: Int16, isForAll: Bool) {
        state.withLockedValue { $0.log.producers.permit(producerID, epoch: epoch, isForAll: isForAll) }
    }

    /// The producers that are remembered.
    var producers: [Int64: ProducerStates.Producer] { state.withLockedValue { $0.log.producers.producers } }

    /// The transactions that have no end in the log.
    var openTransactions: [OpenTransactions.Entry] { state.withLockedValue { $0.log.producers.open.entries } }

    var config: TopicConfig { state.withLockedValue { $0.log.config } }

    /// The greatest batch that the topic accepts, read once for each batch.
    var maxMessageBytes: Int { config.maxMessageBytes }

    // MARK: Housekeeping

    /// Deletes the segments that retention no longer keeps. Blocks for the unlinks: on the housekeeping thread.
    func applyRetention(nowMs: Int64) throws(FileError) -> Int {
        let result = state.withLockedValue { state -> Result<[PartitionLog.Segment], FileError> in
            guard !state.isClosed, state.failure == nil else { return .success([]) }
            state.log.producers.expire(nowMs: nowMs)
            do throws(FileError) {
                return .success(try state.log.expireSegments(nowMs: nowMs, below: Self.lastStable(state).offset))
            } catch {
                return .failure(error)
            }
        }
        let removed = try result.get()
        for segment in removed { SegmentFile.unlinkAll(segment.path) }
        return removed.count
    }

    /// Begins a new segment when the active one holds something; returns the log's end.
    func roll() throws(FileError) -> Int64 {
        let result = state.withLockedValue { state -> Result<Int64, FileError> in
            do throws(FileError) {
                if state.log.end.position > 0 { try state.log.roll() }
                return .success(state.log.nextOffset)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Deletes the segments that end at or before an offset, as far as all transactions in them are decided.
    func removeSegments(before offset: Int64) {
        let removed = state.withLockedValue { state in
            state.log.removeSegments(before: min(offset, Self.lastStable(state).offset))
        }
        for segment in removed { SegmentFile.unlinkAll(segment.path) }
    }

    /// Begins the log at `offset`; -1 stands for the high watermark. What lies before it is not readable any more. The caller makes
    /// that durable (``Checkpoints/write(logStarts:)``), and then removes the segments that are left behind.
    ///
    /// - Returns: the log's first offset; nil when the offset is beyond the high watermark.
    func deleteRecords(before offset: Int64) -> Int64? {
        state.withLockedValue { state -> Int64? in
            let wanted = offset == DeleteRecordsRequest.all ? state.highWatermark : offset
            guard (0...state.highWatermark).contains(wanted) else { return nil }
            state.log.deletedBelow = max(state.log.startOffset, wanted)
            return state.log.startOffset
        }
    }

    /// 0 when no record was deleted by request.
    var deletedBelow: Int64 { state.withLockedValue { $0.log.deletedBelow } }

    func reconfigure(_ config: TopicConfig) { state.withLockedValue { $0.log.config = config } }

    /// Ends the partition: waiting produces fail, waiting fetches look again and find it gone. Its files are left as they are.
    func close() {
        let (acks, waiters) = state.withLockedValue { state in
            state.isClosed = true
            defer {
                state.acks = []
                state.waiters = []
            }
            return (state.acks, state.waiters)
        }
        for ack in acks { ack.receiver.acknowledged(ack.index, .unknownTopicOrPartition) }
        for waiter in waiters { waiter.wake() }
    }

    /// Syncs what is left and writes the active segment's indexes. Blocks: when the broker stops.
    func sealForStop() throws(FileError) {
        flush()
        let result = state.withLockedValue { state -> Result<Void, FileError> in
            if let failure = state.failure { return .failure(failure) }
            do throws(FileError) {
                try state.log.index.write(path: state.log.segments[state.log.segments.count - 1].path)
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }
}
