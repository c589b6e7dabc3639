internal import IO
internal import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore

/// Drives the transactions: one event loop owns all of them, keeps their time, writes their records to `__transaction_state` and
/// their ends into the partitions, and sends the answers.
///
/// It shares its loop with the ``GroupCoordinator``, so that the offsets of a transaction and its end are dealt with in one order.
final class TransactionCoordinator: Sendable {
    /// Called on the coordinator's loop.
    typealias Completion = @Sendable (ErrorCode, Transaction.Identity) -> Void

    struct State {
        var transactions: [String: Transaction] = [:]
        var owed: [Transaction.Token: Completion] = [:]
        var tokens: Transaction.Token = 0
        var timers: [String: Scheduled<Void>] = [:]
        var isRewriting = false
        var waitingForTopic: [@Sendable (ErrorCode) -> Void] = []
    }

    let loop: any EventLoop
    let state: NIOLoopBoundBox<State>
    private let unowned: GroupCoordinator.UnownedNode
    private let nowMs: @Sendable () -> Int64
    private let timeoutMaxMs: Int64
    private let idsMax: Int

    var node: BrokerNode { unowned.node }
    var logger: Logger { node.logger }
    var now: Int64 { nowMs() }

    init(node: BrokerNode, loop: any EventLoop, nowMs: @escaping @Sendable () -> Int64 = { WallClock.nowMs }) {
        self.loop = loop
        unowned = GroupCoordinator.UnownedNode(node: node)
        self.nowMs = nowMs
        timeoutMaxMs = Int64(node.configuration.values.duration("broker.transaction.timeout.max").inMilliseconds)
        idsMax = node.configuration.values.integer("broker.transactional.ids.max")
        state = .makeBoxSendingValue(State(), eventLoop: loop)
    }

    /// Runs `body` on the loop, at once when it is called there.
    func perform(_ body: @escaping @Sendable (TransactionCoordinator) -> Void) {
        if loop.inEventLoop { body(self) } else { loop.execute { body(self) } }
    }

    /// Returns when the loop has done what was passed to it so far: at the end of a stop, before the node goes.
    func stop() async {
        try? await loop.submit { [self] in
            for timer in state.value.timers.values { timer.cancel() }
            state.value.timers = [:]
        }.get()
    }

    // MARK: What requests ask for

    /// - Parameter expected: the identity that the producer has and wants raised; nil for a new instance.
    func initialise(_ id: String, timeoutMs: Int32, expected: Transaction.Identity?, _ completion: @escaping Completion) {
        perform { coordinator in
            guard timeoutMs > 0, Int64(timeoutMs) <= coordinator.timeoutMaxMs else {
                return completion(.invalidTransactionTimeout, .none)
            }
            if coordinator.state.value.transactions[id] == nil {
                guard coordinator.state.value.transactions.count < coordinator.idsMax else {
                    coordinator.logger.warning("a transactional id was refused: there are broker.transactional.ids.max already")
                    return completion(.policyViolation, .none)
                }
                coordinator.state.value.transactions[id] = Transaction(id: id, nowMs: coordinator.now)
            }
            coordinator.handle(id, .initialise(timeoutMs: timeoutMs, expected: expected), completion)
        }
    }

    /// Adds partitions to the producer's transaction, beginning one where none is open.
    func add(
        _ id: String, _ identity: Transaction.Identity, _ partitions: Set<TopicPartition>, clientVersion: Int16,
        _ completion: @escaping Completion
    ) {
        perform { coordinator in
            coordinator.handle(id, .add(identity, partitions, clientVersion: clientVersion)) { error, answered in
                // Clients of before KIP-890 name a partition before they write to it.
                if error == .none { coordinator.permit(identity, partitions, isForAll: clientVersion < 2) }
                completion(error, answered)
            }
        }
    }

    /// Whether the partitions are in the producer's open transaction.
    func verify(
        _ id: String, _ identity: Transaction.Identity, _ partitions: Set<TopicPartition>, _ completion: @escaping Completion
    ) {
        perform { coordinator in
            coordinator.handle(id, .verify(identity, partitions)) { error, answered in
                if error == .none { coordinator.permit(identity, partitions, isForAll: false) }
                completion(error, answered)
            }
        }
    }

    func end(
        _ id: String, _ identity: Transaction.Identity, isCommit: Bool, raisesEpoch: Bool, _ completion: @escaping Completion
    ) {
        perform { coordinator in
            coordinator.handle(id, .end(identity, isCommit: isCommit, raisesEpoch: raisesEpoch), completion)
        }
    }

    private func permit(_ identity: Transaction.Identity, _ partitions: Set<TopicPartition>, isForAll: Bool) {
        for partition in partitions {
            node.topics.partition(partition.topic, partition.partition)?.permit(
                identity.producerID, epoch: identity.epoch, isForAll: isForAll)
        }
    }

    // MARK: The machine's events and actions

    private func handle(_ id: String, _ request: Transaction.Request, _ completion: @escaping Completion) {
        guard state.value.transactions[id] != nil else { return completion(.invalidProducerIDMapping, .none) }
        state.value.tokens += 1
        let token = state.value.tokens
        state.value.owed[token] = completion
        change(id) { transaction, now in transaction.handle(request, token: token, nowMs: now) }
    }

    func change(_ id: String, _ body: (inout Transaction, Int64) -> [Transaction.Action]) {
        // Taken out, so that the change does not copy it.
        guard var transaction = state.value.transactions.removeValue(forKey: id) else { return }
        let before = transaction.record.state
        let actions = body(&transaction, now)
        if transaction.record.state != before {
            logger.debug("a transaction changed", metadata: ["id": "\(id)", "state": "\(transaction.record.state)"])
        }
        state.value.timers.removeValue(forKey: id)?.cancel()
        if let deadline = transaction.deadlineMs {
            state.value.timers[id] = loop.scheduleTask(in: .milliseconds(max(1, deadline - now))) { [weak self] in
                self?.expire(id)
            }
        }
        state.value.transactions[id] = transaction
        for action in actions { carryOut(action, id) }
    }

    private func expire(_ id: String) {
        change(id) { transaction, now in
            let actions = transaction.tick(nowMs: now)
            if !actions.isEmpty {
                logger.info(
                    "a transaction was open for longer than its time-out and is aborted",
                    metadata: ["id": "\(id)", "timeout": "\(transaction.record.timeoutMs) ms"])
            }
            return actions
        }
    }

    private func carryOut(_ action: Transaction.Action, _ id: String) {
        switch action {
        case .log(let record, let isAwaited):
            append([(id, record)]) { [weak self] error in
                if isAwaited { self?.change(id) { transaction, now in transaction.logged(error, nowMs: now) } }
            }
        case .mark(let kind, let identity, let partitions):
            mark(kind, identity, partitions) { [weak self] error in
                self?.change(id) { transaction, now in transaction.marked(error, nowMs: now) }
            }
        case .allocateProducerID:
            let node = self.node
            let loop = self.loop
            let allocated: @Sendable (Int64?) -> Void = { [weak self] producerID in
                self?.change(id) { transaction, now in transaction.allocated(producerID, nowMs: now) }
            }
            node.administer {
                let producerID = Self.newProducerID(node)
                loop.execute { allocated(producerID) }
            }
        case .answer(let token, let error, let identity):
            state.value.owed.removeValue(forKey: token)?(error, identity)
        }
    }

    private static func newProducerID(_ node: BrokerNode) -> Int64? {
        do {
            return try node.producerIDs.next()
        } catch {
            node.logger.error("producer ids cannot be reserved", metadata: ["error": "\(error)"])
            return nil
        }
    }

    // MARK: Markers

    /// Writes a transaction's end into its partitions; `completion` is called on the loop when all hold it durably.
    func mark(
        _ kind: ControlRecord.Kind, _ identity: Transaction.Identity, _ partitions: Set<TopicPartition>,
        _ completion: @escaping @Sendable (ErrorCode) -> Void
    ) {
        let nowMs = self.now
        let batch = ControlRecord(kind: kind).batch(producerID: identity.producerID, producerEpoch: identity.epoch, timestamp: nowMs)
        let loop = self.loop
        let unowned = self.unowned
        let receiver = AcknowledgementCount { error in
            loop.execute {
                if error == .none { unowned.node.coordinator.endTransaction(identity.producerID, kind) }
                completion(error)
            }
        }
        for place in partitions {
            // A partition that was deleted has nothing to decide.
            guard let partition = node.topics.partition(place.topic, place.partition) else { continue }
            receiver.expect()
            let outcome = batch.withUnsafeReadableBytes { bytes in
                partition.append(RecordBatchHeader(bytes)!, bytes, nowMs: nowMs, waiting: (receiver, 0), isFromCoordinator: true)
            }
            guard case .refused(let error, let reason) = outcome else { continue }
            switch error {
            case .unknownTopicOrPartition:
                receiver.acknowledged(0, .none)
            case .invalidProducerEpoch:
                // A later transaction of the producer has ended here: so has this one.
                logger.warning("a transaction's end was passed over for a later one", metadata: ["partition": "\(place)"])
                receiver.acknowledged(0, .none)
            default:
                logger.error(
                    "a transaction's end cannot be written",
                    metadata: ["partition": "\(place)", "error": "\(error)", "reason": "\(reason ?? "")"])
                receiver.acknowledged(0, error)
            }
        }
        receiver.acknowledged(0, .none)
    }
}

/// Passes on when as many acknowledgements have come as were expected, with the first error among them.
private final class AcknowledgementCount: AckReceiver {
    /// One more than appends, until all are made. A deleted partition is no error.
    private let state = NIOLockedValueBox((pending: 1, error: ErrorCode.none))
    private let body: @Sendable (ErrorCode) -> Void

    init(_ body: @escaping @Sendable (ErrorCode) -> Void) { self.body = body }

    func expect() { state.withLockedValue { $0.pending += 1 } }

    func acknowledged(_ index: Int, _ error: ErrorCode) {
        let result = state.withLockedValue { state -> ErrorCode? in
            if error != .none, error != .unknownTopicOrPartition, state.error == .none { state.error = error }
            state.pending -= 1
            return state.pending == 0 ? state.error : nil
        }
        if let result { body(result) }
    }
}
