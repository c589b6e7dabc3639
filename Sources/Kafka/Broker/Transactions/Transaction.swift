/// One transactional id, as a value: each request, each answer of the log and each passing of time is a function that changes it and
/// returns what is to be done. It knows no clock, no socket and no log; `nowMs` is a time that the caller gives.
///
///     Empty ──first partition──► Ongoing ──EndTxn──► PrepareCommit ──all markers durable──► CompleteCommit ─┐
///       ▲                          ▲  │                                                                     │
///       │                          │  └─EndTxn, time-out, a new instance──► PrepareAbort ──► CompleteAbort ─┤
///       └── InitProducerId ────────┼────────────────────────────────────────────────────────────────────────┤
///                                  └──────────────────────── first partition ───────────────────────────────┘
///
/// States, checks and error codes are those of Kafka's transaction coordinator (KIP-98; KIP-360 for a producer that asks for a new
/// epoch; KIP-890 for the epoch that every end raises). A change takes effect when its record is durable in `__transaction_state`;
/// the outcome of a transaction is fixed by its Prepare record, and markers follow that. One change is made at a time: what comes
/// meanwhile waits here, where Kafka answers CONCURRENT_TRANSACTIONS and has the client ask again, and is so answered only when
/// more than a bound wait.
struct Transaction: Sendable {
    enum State: Int8, Sendable, CaseIterable, CustomStringConvertible {
        case empty = 0
        case ongoing = 1
        case prepareCommit = 2
        case prepareAbort = 3
        case completeCommit = 4
        case completeAbort = 5

        /// Kafka's name for it.
        var description: String {
            switch self {
            case .empty: "Empty"
            case .ongoing: "Ongoing"
            case .prepareCommit: "PrepareCommit"
            case .prepareAbort: "PrepareAbort"
            case .completeCommit: "CompleteCommit"
            case .completeAbort: "CompleteAbort"
            }
        }

        var isPrepared: Bool { self == .prepareCommit || self == .prepareAbort }
        var isComplete: Bool { self == .completeCommit || self == .completeAbort }
    }

    /// Under what a producer writes.
    struct Identity: Sendable, Equatable {
        var producerID: Int64
        var epoch: Int16

        static let none = Identity(producerID: -1, epoch: -1)
        /// Kafka keeps the greatest epoch for fencing.
        var isExhausted: Bool { epoch >= .max - 1 }
    }

    /// What the log keeps of it.
    struct Record: Sendable, Equatable {
        var identity = Identity.none
        /// The id before the last change of it, by which a request that is sent again is recognised.
        var previousProducerID: Int64 = -1
        /// The id that the producer goes on with after this transaction, whose epochs are used up.
        var nextProducerID: Int64 = -1
        var timeoutMs: Int32
        var state = State.empty
        var partitions: Set<TopicPartition> = []
        var lastUpdateMs: Int64
        /// -1: there was no transaction yet.
        var startMs: Int64 = -1
        /// The greatest `transaction.version` that its client has shown (2: KIP-890's second part).
        var clientVersion: Int16 = 0
    }

    /// Names an answer that is owed: the caller keeps what it needs to send it under this number.
    typealias Token = UInt64

    enum Request: Sendable {
        /// - `expected`: the identity that the producer had, which asks for a new epoch (KIP-360).
        case initialise(timeoutMs: Int32, expected: Identity?)
        /// - `clientVersion`: 2 when a write adds the partition by itself.
        case add(Identity, Set<TopicPartition>, clientVersion: Int16)
        /// Whether the partitions are in the open transaction.
        case verify(Identity, Set<TopicPartition>)
        case end(Identity, isCommit: Bool, raisesEpoch: Bool)
    }

    enum Action: Sendable, Equatable {
        /// Append a record to the log; ``logged(_:nowMs:)`` is to be called when it is durable, if it `isAwaited`.
        case log(Record, isAwaited: Bool)
        /// Write the transaction's end into the partitions; ``marked(_:nowMs:)`` is to be called when all are durable.
        case mark(ControlRecord.Kind, Identity, Set<TopicPartition>)
        /// ``allocated(_:nowMs:)`` is to be called with a new producer id.
        case allocateProducerID
        case answer(Token, ErrorCode, Identity)
    }

    /// What follows a change.
    private enum Next: Sendable {
        case nothing
        case answer(Token)
        case perform(Token, Request)
    }

    private enum Step: Sendable {
        case idle
        case logging(Record, Next)
        case marking(Next)
        case allocating(Token, Request)
        /// A partition took no marker: the outcome stands in the log, and the next start of the broker carries it out.
        case failed
    }

    static let waitingMax = 100

    let id: String
    private(set) var record: Record
    /// The epoch before the last that InitProducerId gave, so that an InitProducerId which is sent again gets the same answer.
    private var lastEpoch: Int16 = -1
    private var step = Step.idle
    private var waiting: [(Token, Request)] = []
    private var spareProducerID: Int64?
    /// Before then nothing is tried again that the log refused.
    private var retryMs: Int64 = 0
    private static let retryPauseMs: Int64 = 1_000

    init(id: String, record: Record) {
        self.id = id
        self.record = record
    }

    init(id: String, nowMs: Int64) {
        self.init(id: id, record: Record(timeoutMs: 0, lastUpdateMs: nowMs))
    }

    var isIdle: Bool { if case .idle = step { true } else { false } }

    /// The record as it will be when what is under way has been done: what a copy of the log has to hold.
    var newestRecord: Record { if case .logging(let record, _) = step { record } else { record } }

    /// When ``tick(nowMs:)`` has something to do.
    var deadlineMs: Int64? {
        guard isIdle, record.state == .ongoing else { return nil }
        return max(record.startMs + Int64(record.timeoutMs), retryMs)
    }

    // MARK: Events

    mutating func handle(_ request: Request, token: Token, nowMs: Int64) -> [Action] {
        switch step {
        case .idle:
            return perform(request, token, nowMs)
        case .failed:
            return [.answer(token, .coordinatorNotAvailable, .none)]
        case .logging, .marking, .allocating:
            guard waiting.count < Self.waitingMax else { return [.answer(token, .concurrentTransactions, .none)] }
            waiting.append((token, request))
            return []
        }
    }

    /// The awaited record is durable, or could not be written.
    mutating func logged(_ error: ErrorCode, nowMs: Int64) -> [Action] {
        guard case .logging(let new, let next) = step else { return [] }
        step = .idle
        guard error == .none else {
            retryMs = nowMs + Self.retryPauseMs
            return refuse(next) + drain(nowMs)
        }
        record = new
        if record.state.isPrepared { return mark(next) }
        return proceed(next, nowMs) + drain(nowMs)
    }

    /// All partitions hold the transaction's end durably.
    mutating func marked(_ error: ErrorCode, nowMs: Int64) -> [Action] {
        guard case .marking(let next) = step else { return [] }
        guard error == .none else {
            step = .failed
            let actions = refuse(next) + waiting.map { .answer($0.0, .coordinatorNotAvailable, .none) }
            waiting = []
            return actions
        }
        step = .idle
        record.state = record.state == .prepareCommit ? .completeCommit : .completeAbort
        record.partitions = []
        record.lastUpdateMs = nowMs
        if record.nextProducerID >= 0 {
            record.previousProducerID = record.identity.producerID
            record.identity = Identity(producerID: record.nextProducerID, epoch: 0)
            record.nextProducerID = -1
        }
        // Nobody waits for this record: without it the markers are written once more at the next start, before anything that
        // would come behind it in the log.
        return [.log(record, isAwaited: false)] + proceed(next, nowMs) + drain(nowMs)
    }

    /// nil: there is none to be had.
    mutating func allocated(_ producerID: Int64?, nowMs: Int64) -> [Action] {
        guard case .allocating(let token, let request) = step else { return [] }
        step = .idle
        guard let producerID else { return [.answer(token, .coordinatorNotAvailable, .none)] + drain(nowMs) }
        spareProducerID = producerID
        return perform(request, token, nowMs) + drain(nowMs)
    }

    /// Aborts a transaction that has been open for longer than its time-out; its producer is fenced.
    mutating func tick(nowMs: Int64) -> [Action] {
        guard let deadlineMs, deadlineMs <= nowMs else { return [] }
        return fence(.nothing, nowMs)
    }

    /// After a start: what was prepared is carried out.
    mutating func resume() -> [Action] {
        guard isIdle, record.state.isPrepared else { return [] }
        return mark(.nothing)
    }

    // MARK: Steps

    private mutating func drain(_ nowMs: Int64) -> [Action] {
        var actions: [Action] = []
        while isIdle, !waiting.isEmpty {
            let (token, request) = waiting.removeFirst()
            actions += perform(request, token, nowMs)
        }
        return actions
    }

    private mutating func proceed(_ next: Next, _ nowMs: Int64) -> [Action] {
        switch next {
        case .nothing: []
        case .answer(let token): [.answer(token, .none, record.identity)]
        case .perform(let token, let request): perform(request, token, nowMs)
        }
    }

    /// Whoever waits for what could not be done.
    private func refuse(_ next: Next) -> [Action] {
        switch next {
        case .nothing: []
        case .answer(let token), .perform(let token, _): [.answer(token, .coordinatorNotAvailable, .none)]
        }
    }

    private mutating func log(_ new: Record, _ next: Next, _ nowMs: Int64) -> [Action] {
        var new = new
        new.lastUpdateMs = nowMs
        step = .logging(new, next)
        return [.log(new, isAwaited: true)]
    }

    private mutating func mark(_ next: Next) -> [Action] {
        step = .marking(next)
        return [.mark(record.state == .prepareCommit ? .commit : .abort, record.identity, record.partitions)]
    }

    private mutating func perform(_ request: Request, _ token: Token, _ nowMs: Int64) -> [Action] {
        switch request {
        case .initialise(let timeoutMs, let expected): initialise(timeoutMs, expected, token, nowMs)
        case .add(let identity, let partitions, let clientVersion): add(identity, partitions, clientVersion, token, nowMs)
        case .verify(let identity, let partitions): verify(identity, partitions, token)
        case .end(let identity, let isCommit, let raisesEpoch): end(identity, isCommit, raisesEpoch, token, nowMs)
        }
    }

    // MARK: InitProducerId

    private mutating func initialise(_ timeoutMs: Int32, _ expected: Identity?, _ token: Token, _ nowMs: Int64) -> [Action] {
        let current = record.identity
        if let expected, current.epoch >= 0 {
            let isOfThisID = expected.producerID == current.producerID
            let isOfPreviousID = expected.producerID == record.previousProducerID && expected.isExhausted
            guard isOfThisID || isOfPreviousID else { return [.answer(token, .producerFenced, .none)] }
            if expected.epoch == lastEpoch, expected.epoch != current.epoch, record.state == .empty {
                // The answer to its request was lost.
                return [.answer(token, .none, current)]
            }
            guard isOfThisID, expected.epoch == current.epoch else { return [.answer(token, .producerFenced, .none)] }
        }
        if record.state == .ongoing {
            // What the earlier instance left open ends first; its epoch is raised, so that it writes nothing behind that end.
            return fence(.perform(token, .initialise(timeoutMs: timeoutMs, expected: nil)), nowMs)
        }
        var new = record
        if current.producerID < 0 || current.isExhausted {
            guard let producerID = spareProducerID.take() else {
                return allocate(token, .initialise(timeoutMs: timeoutMs, expected: expected))
            }
            new.previousProducerID = current.producerID
            new.identity = Identity(producerID: producerID, epoch: 0)
        } else {
            new.identity.epoch += 1
        }
        lastEpoch = expected == nil ? -1 : current.epoch
        new.timeoutMs = timeoutMs
        new.state = .empty
        new.partitions = []
        new.startMs = -1
        return log(new, .answer(token), nowMs)
    }

    private mutating func allocate(_ token: Token, _ request: Request) -> [Action] {
        step = .allocating(token, request)
        return [.allocateProducerID]
    }

    /// Aborts the open transaction under an epoch that the producer does not have.
    private mutating func fence(_ next: Next, _ nowMs: Int64) -> [Action] {
        var new = record
        new.state = .prepareAbort
        new.identity.epoch = min(.max - 1, new.identity.epoch) + 1
        lastEpoch = -1
        return log(new, next, nowMs)
    }

    // MARK: Partitions

    private func check(_ identity: Identity) -> ErrorCode {
        guard identity.producerID == record.identity.producerID else { return .invalidProducerIDMapping }
        return identity.epoch == record.identity.epoch ? .none : .producerFenced
    }

    private mutating func add(
        _ identity: Identity, _ partitions: Set<TopicPartition>, _ clientVersion: Int16, _ token: Token, _ nowMs: Int64
    ) -> [Action] {
        let error = check(identity)
        guard error == .none else { return [.answer(token, error, .none)] }
        var new = record
        if record.state == .ongoing {
            if partitions.isSubset(of: record.partitions) { return [.answer(token, .none, identity)] }
        } else {
            new.state = .ongoing
            new.partitions = []
            new.startMs = nowMs
        }
        new.partitions.formUnion(partitions)
        new.clientVersion = clientVersion
        return log(new, .answer(token), nowMs)
    }

    private func verify(_ identity: Identity, _ partitions: Set<TopicPartition>, _ token: Token) -> [Action] {
        var error = check(identity)
        if error == .none, record.state != .ongoing || !partitions.isSubset(of: record.partitions) { error = .transactionAbortable }
        return [.answer(token, error, identity)]
    }

    // MARK: EndTxn

    private mutating func end(_ identity: Identity, _ isCommit: Bool, _ raisesEpoch: Bool, _ token: Token, _ nowMs: Int64) -> [Action] {
        let isRepeated = raisesEpoch && record.state.isComplete && isIdentityBeforeLastEnd(identity)
        if !isRepeated {
            let error = check(identity)
            guard error == .none else { return [.answer(token, error, .none)] }
        }
        let isOutcome = record.state == (isCommit ? .completeCommit : .completeAbort)
        switch record.state {
        case .ongoing:
            break
        case .completeCommit, .completeAbort:
            // Without raised epochs a repeated request cannot be told from a second one, and both are answered alike.
            if isOutcome, isRepeated || !raisesEpoch { return [.answer(token, .none, record.identity)] }
            fallthrough
        case .empty:
            // Nothing was written: an abort still raises the epoch of a producer that fears that something was.
            guard raisesEpoch, !isCommit, !isRepeated else { return [.answer(token, .invalidTxnState, .none)] }
        case .prepareCommit, .prepareAbort:
            return [.answer(token, .concurrentTransactions, .none)]
        }
        var new = record
        if record.state != .ongoing { new.startMs = nowMs }
        new.state = isCommit ? .prepareCommit : .prepareAbort
        if raisesEpoch {
            if identity.isExhausted {
                guard let producerID = spareProducerID.take() else {
                    return allocate(token, .end(identity, isCommit: isCommit, raisesEpoch: true))
                }
                new.nextProducerID = producerID
            }
            new.identity.epoch = min(.max - 1, identity.epoch) + 1
            new.clientVersion = 2
        }
        return log(new, .answer(token), nowMs)
    }

    /// Whether the last end raised this identity's epoch.
    private func isIdentityBeforeLastEnd(_ identity: Identity) -> Bool {
        if identity.producerID == record.identity.producerID {
            return Int32(identity.epoch) + 1 == Int32(record.identity.epoch)
        }
        return identity.producerID == record.previousProducerID && identity.isExhausted && record.identity.epoch == 0
    }
}
