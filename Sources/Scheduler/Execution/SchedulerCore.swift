internal import Foundation
internal import IO
internal import Logging
internal import NIOConcurrencyHelpers

/// The scheduler's one owner of state: timetables, active runs, and the order in which things become durable.
///
/// Whatever happens (a tick, a task's end, a request) is a message. Messages that arrive together are handled together: applied to the
/// state machines, written in one transaction, and only when that has reached the disk are their effects carried out: tasks
/// started, answers given. Nothing polls: the only timer stands at the next tick or retry.
actor SchedulerCore {
    typealias Message = @Sendable (isolated SchedulerCore, inout Batch, Moment) -> Void

    /// What one round writes, and what it does afterwards.
    struct Batch {
        var changes: [RowChange] = []
        var effects: [Effect] = []

        /// - Parameter run: the run without which there is nothing to do.
        mutating func afterwards(_ run: RunKey? = nil, _ body: @escaping @Sendable () -> Void) {
            effects.append(Effect(run: run, isOwner: false, done: body, refused: { _ in }))
        }
    }

    /// Something that waits for a round's transaction.
    struct Effect: Sendable {
        /// The run whose rows have to be on disk; nil where it is any of the batch's.
        let run: RunKey?
        /// Whether this one asked for the run, and is told why it cannot be.
        let isOwner: Bool
        let done: @Sendable () -> Void
        /// Called instead of `done` when it will never be on disk.
        let refused: @Sendable (CommandError) -> Void
    }

    nonisolated let executor = SchedulerExecutor()
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    nonisolated let store: MetadataStore
    nonisolated let logs: TaskLogFolder
    nonisolated let graphs: [String: DAGGraph]
    nonisolated let configuration: SchedulerConfiguration
    let logger: Logger

    var dags: [String: DAGRow] = [:]
    var machines: [RunKey: RunMachine] = [:]
    /// Runs that have not begun, in the order in which they were queued.
    var waiting: [String: [DAGRun]] = [:]
    private var activeCounts: [String: Int] = [:]
    private var retries: [RunKey: Moment] = [:]
    var handles: [TaskKey: RunningTask] = [:]
    /// What the ended tries of tasks that may be tried again have counted.
    private var counts: [TaskKey: [String: JSON]] = [:]
    private var random = SystemRandomNumberGenerator()
    private var isStopping = false
    private var idleWaiters: [CheckedContinuation<Void, Never>] = []

    /// Messages not yet handled, and whether a round is under way to handle them.
    private nonisolated let mailbox = NIOLockedValueBox<(messages: [Message], isScheduled: Bool)>(([], false))
    /// What a transaction that failed was to write: it is tried again with the next round.
    private var held = Batch()
    private(set) var commitFailure: String?
    /// The stop has waited long enough for the disk: what cannot be written is told so at once.
    private var hasGivenUp = false

    private var timer: Task<Void, Never>?
    private var timerAt: Moment?

    init(store: MetadataStore, graphs: [String: DAGGraph], configuration: SchedulerConfiguration, logger: Logger) {
        self.store = store
        self.graphs = graphs
        self.configuration = configuration
        self.logger = logger
        logs = TaskLogFolder(path: configuration.folder + "/logs", bytesMax: configuration.logBytesMax)
    }

    // MARK: messages

    nonisolated func post(_ message: @escaping Message) {
        let start = mailbox.withLockedValue { mailbox in
            mailbox.messages.append(message)
            defer { mailbox.isScheduled = true }
            return !mailbox.isScheduled
        }
        if start { Task { await round() } }
    }

    /// Carries out `body` in a round, and returns what it returned when that round's transaction is on disk.
    ///
    /// - Parameters:
    ///   - run: the run that the result speaks of.
    ///   - refused: what to return when the changes can never be written.
    nonisolated func perform<R: Sendable>(
        run: @escaping @Sendable (R) -> RunKey? = { _ in nil }, refused: @escaping @Sendable (CommandError) -> R,
        _ body: @escaping @Sendable (isolated SchedulerCore, inout Batch, Moment) -> R
    ) async -> R {
        await withCheckedContinuation { continuation in
            post { core, batch, now in
                let result = body(core, &batch, now)
                batch.effects.append(
                    Effect(
                        run: run(result), isOwner: true, done: { continuation.resume(returning: result) },
                        refused: { continuation.resume(returning: refused($0)) }))
            }
        }
    }

    private func round() {
        while true {
            let messages = mailbox.withLockedValue { mailbox in
                defer { mailbox.messages = [] }
                if mailbox.messages.isEmpty { mailbox.isScheduled = false }
                return mailbox.messages
            }
            if messages.isEmpty { return }
            let now = Moment.now()
            var batch = held
            held = Batch()
            for message in messages { message(self, &batch, now) }
            if !isStopping {
                tick(now, &batch)
                retry(now, &batch)
                admit(now, &batch)
            }
            commit(batch)
            armTimer(now)
        }
    }

    private func commit(_ batch: Batch) {
        var batch = batch
        // A change that the schema forbids is forbidden for ever: it goes alone, and each turn takes at least one out of the batch.
        while true {
            do {
                if !batch.changes.isEmpty { try store.write(batch.changes) }
                commitFailure = nil
                break
            } catch let refused as RefusedChange {
                drop(refused, from: &batch)
            } catch {
                return hold(batch, "\(error)")
            }
        }
        for effect in batch.effects { effect.done() }
    }

    /// Nothing has been done yet that is not on disk: the whole batch waits until the disk takes it.
    private func hold(_ batch: Batch, _ reason: String) {
        if commitFailure == nil { logger.error("the scheduler cannot write its metadata: \(reason)") }
        commitFailure = reason
        guard !hasGivenUp else { return refuse(batch, reason) }
        held = batch
        let pause = configuration.commitRetry
        Task { [weak self] in
            try? await Task.sleep(for: pause)
            self?.post { _, _, _ in }
        }
    }

    private func refuse(_ batch: Batch, _ reason: String) {
        for effect in batch.effects { effect.refused(.storage(reason)) }
    }

    /// Takes one change out of a batch, and what depends on it out of the batch and of memory.
    private func drop(_ refused: RefusedChange, from batch: inout Batch) {
        let change = batch.changes.remove(at: refused.index)
        logger.error("a change of the scheduler's metadata is dropped, since its schema forbids it: \(refused.reason)")
        guard case .insertRun(let run) = change else { return }
        let key = RunKey(dagID: run.dagID, runID: run.runID)
        func isIt(_ other: DAGRun) -> Bool {
            other.runID == run.runID && other.queuedAt == run.queuedAt && other.logicalDate == run.logicalDate
        }
        waiting[run.dagID]?.removeAll(where: isIt)
        // A run of this id that is on disk is another one, and goes on.
        let hasBegun = machines[key].map { isIt($0.run) } ?? false
        if hasBegun {
            machines[key] = nil
            retries[key] = nil
            activeCounts[run.dagID, default: 1] -= 1
            for task in handles.keys where task.run == key { handles[task] = nil }
            batch.changes.removeAll { $0.run == key }
        }
        let orphans = batch.effects.filter { $0.run == key && ($0.isOwner || hasBegun) }
        batch.effects.removeAll { $0.run == key && ($0.isOwner || hasBegun) }
        for effect in orphans { effect.refused(.conflict(dagID: run.dagID, runID: run.runID, reason: refused.reason)) }
    }

    // MARK: start and stop

    /// Takes up what the last scheduler left: new DAGs, missed ticks, runs that were under way.
    func recover(_ batch: inout Batch, _ now: Moment) throws {
        let known = Dictionary(try store.dags().map { ($0.dagID, $0) }) { first, _ in first }
        for (id, graph) in graphs {
            let definition = graph.definition
            var row =
                known[id]
                ?? DAGRow(dagID: id, isPaused: definition.isPausedUponCreation, firstSeen: now, nextTick: nil, timetable: "")
            let signature = definition.signature
            if row.timetable != signature {
                row.timetable = signature
                row.nextTick = firstTick(definition, row, now)
                batch.changes.append(.dag(row))
            }
            dags[id] = row
        }
        for run in try store.unfinishedRuns() {
            guard let graph = graphs[run.dagID] else {
                var ended = run
                ended.state = .failed
                ended.endDate = now
                ended.note = "its DAG is no longer there"
                batch.changes.append(.updateRun(ended))
                continue
            }
            if run.state == .queued {
                waiting[run.dagID, default: []].append(run)
                continue
            }
            let key = RunKey(dagID: run.dagID, runID: run.runID)
            var machine = RunMachine(
                graph: graph, run: run, tasks: try store.tasks(dagID: run.dagID, runID: run.runID),
                interruption: configuration.interruption,
                id: Self.newID)
            activeCounts[run.dagID, default: 0] += 1
            let reason = "interrupted: the scheduler's process ended while it ran"
            var events = machine.tasks.filter { $0.state == .running }.map {
                RunMachine.Event.finished(task: $0.taskID, tryNumber: $0.tryNumber, .interrupted(reason: reason))
            }
            events.append(.begin)
            var actions: [RunMachine.Action] = []
            for event in events { actions += machine.handle(event, at: now, using: &random) }
            carryOut(actions, key, machine, &batch, now)
        }
    }

    /// Cancels what runs, waits for it up to the stop's time-out, and leaves every task in a state to go on from. A disk that takes
    /// nothing does not hold it up for longer than `scheduler.stop.write`.
    nonisolated func stop() async {
        await drain()
        store.close()
    }

    /// As ``stop()``, but the metadata stays open, so that the API still answers.
    nonisolated func drain() async {
        let (tasksMay, diskMay) = (configuration.stopTimeout, configuration.stopWrite)
        let impatience = Task {
            guard (try? await Task.sleep(for: tasksMay)) != nil else { return }
            await abandonAll()
        }
        post { core, _, _ in
            core.isStopping = true
            core.timer?.cancel()
            for key in core.machines.keys { core.machines[key]?.isDraining = true }
            for handle in core.handles.values { handle.cancel(.stop) }
        }
        await waitUntilIdle()
        impatience.cancel()
        let despair = Task {
            guard (try? await Task.sleep(for: diskMay)) != nil else { return }
            await giveUp()
        }
        // The last outcomes are on disk when a round after them is.
        await perform(refused: { _ in }) { _, _, _ in }
        despair.cancel()
    }

    /// Returns when no try is under way; the message before it has been handled, since messages are handled in order.
    private nonisolated func waitUntilIdle() async {
        await withCheckedContinuation { continuation in
            post { core, _, _ in
                if core.handles.isEmpty { continuation.resume() } else { core.idleWaiters.append(continuation) }
            }
        }
    }

    /// What waits for the disk is told that it waits in vain.
    private func giveUp() {
        hasGivenUp = true
        let batch = held
        held = Batch()
        refuse(batch, commitFailure ?? "the scheduler stopped")
    }

    private func abandonAll() {
        for handle in handles.values { handle.abandon(report(for: handle.key, handle.tryNumber, handle.output)) }
    }

    // MARK: ticks

    private func firstTick(_ definition: DAGDefinition, _ row: DAGRow, _ now: Moment) -> Moment? {
        let anchor = definition.startDate ?? row.firstSeen.date
        if definition.schedule == .once { return Moment(anchor) }
        let after = definition.catchup ? anchor.addingTimeInterval(-0.001) : max(now.date, anchor.addingTimeInterval(-0.001))
        return definition.schedule.next(after: after, anchor: anchor).map(Moment.init)
    }

    /// Makes the runs that are due.
    private func tick(_ now: Moment, _ batch: inout Batch) {
        for (id, row) in dags where row.nextTick.map({ $0 <= now }) == true && mayMakeRun(row) {
            makeDueRuns(id, row, now, &batch)
        }
    }

    /// A DAG whose runs are as many as may be active makes no further ones: its ticks stand until one has ended.
    private func mayMakeRun(_ row: DAGRow) -> Bool {
        guard !row.isPaused, let graph = graphs[row.dagID] else { return false }
        return activeCounts[row.dagID, default: 0] + waiting[row.dagID, default: []].count < graph.definition.maxActiveRuns
    }

    private func makeDueRuns(_ id: String, _ row: DAGRow, _ now: Moment, _ batch: inout Batch) {
        guard let definition = graphs[id]?.definition else { return }
        let anchor = definition.startDate ?? row.firstSeen.date
        var row = row
        while let due = row.nextTick, due <= now, mayMakeRun(row) {
            // Without catch-up only the last of the ticks that have passed makes a run.
            var tick = due
            if !definition.catchup, let last = definition.schedule.last(upTo: now.date, after: due.date, anchor: anchor) {
                tick = Moment(last)
            }
            row.nextTick = definition.schedule.next(after: tick.date, anchor: anchor).map(Moment.init)
            precondition(row.nextTick.map { $0 > tick } ?? true, "a timetable goes forward")
            let runID = RunType.scheduled.prefix + tick.offsetText
            let queued = waiting[id, default: []]
            let taken = (try? store.run(dagID: id, logicalDate: tick)) != nil || queued.contains { $0.logicalDate == tick }
            guard !taken else { continue }
            if (try? isTaken(id, runID, queued)) == true {
                logger.warning("the tick \(tick.text) of \(id) makes no run: the id \(runID) is taken by another one")
                continue
            }
            let run = DAGRun(
                dagID: id, runID: runID, type: .scheduled, logicalDate: tick, dataIntervalStart: tick, dataIntervalEnd: tick,
                runAfter: tick, queuedAt: now)
            batch.changes.append(.insertRun(run))
            waiting[id, default: []].append(run)
        }
        dags[id] = row
        batch.changes.append(.dag(row))
    }

    private func retry(_ now: Moment, _ batch: inout Batch) {
        for (key, at) in retries where at <= now {
            guard var machine = machines[key] else { continue }
            let actions = machine.handle(.tick, at: now, using: &random)
            carryOut(actions, key, machine, &batch, now)
        }
    }

    /// Begins waiting runs, as many as each DAG may have active.
    private func admit(_ now: Moment, _ batch: inout Batch) {
        for (id, runs) in waiting {
            guard let graph = graphs[id], dags[id]?.isPaused == false else { continue }
            var rest: [DAGRun] = []
            for run in runs {
                guard activeCounts[id, default: 0] < graph.definition.maxActiveRuns, run.runAfter <= now,
                    machines[RunKey(dagID: id, runID: run.runID)] == nil, isItself(run)
                else {
                    rest.append(run)
                    continue
                }
                activeCounts[id, default: 0] += 1
                var machine = RunMachine(graph: graph, run: run, interruption: configuration.interruption, id: Self.newID)
                let actions = machine.handle(.begin, at: now, using: &random)
                carryOut(actions, RunKey(dagID: id, runID: run.runID), machine, &batch, now)
            }
            waiting[id] = rest.isEmpty ? nil : rest
        }
    }

    /// Whether no other run of its id is on disk: such a one's rows must not be mixed with this one's, which the commit will refuse.
    private func isItself(_ run: DAGRun) -> Bool {
        guard let stored = try? store.run(dagID: run.dagID, runID: run.runID) else { return true }
        return stored.queuedAt == run.queuedAt
    }

    private func armTimer(_ now: Moment) {
        guard !isStopping else { return }
        var at: Moment? = retries.values.min()
        for row in dags.values where row.nextTick != nil && mayMakeRun(row) { at = min(at ?? row.nextTick!, row.nextTick!) }
        for (id, runs) in waiting where dags[id]?.isPaused == false {
            for run in runs where run.runAfter > now { at = min(at ?? run.runAfter, run.runAfter) }
        }
        guard at != timerAt || timer == nil else { return }
        timer?.cancel()
        timer = nil
        timerAt = at
        guard let at else { return }
        // The wall clock may be set while this sleeps: a long way off, it is looked at again on the way.
        let pause = min(max(.zero, at - .now()), configuration.clockCheck)
        timer = Task { [weak self] in
            guard (try? await Task.sleep(for: pause)) != nil else { return }
            self?.post { core, _, _ in core.timer = nil }
        }
    }

    // MARK: runs

    /// Hands an event to a run's machine.
    func handle(_ event: RunMachine.Event, _ key: RunKey, _ batch: inout Batch, _ now: Moment) {
        guard var machine = machines[key] else { return }
        machine.isDraining = isStopping
        let actions = machine.handle(event, at: now, using: &random)
        carryOut(actions, key, machine, &batch, now)
    }

    private func carryOut(_ actions: [RunMachine.Action], _ key: RunKey, _ machine: RunMachine, _ batch: inout Batch, _ now: Moment) {
        var machine = machine
        let changes = machine.takeChanges()
        if let run = changes.run { batch.changes.append(.updateRun(run)) }
        for task in changes.tasks { batch.changes.append(.task(dagID: key.dagID, runID: key.runID, task)) }
        for row in changes.tries { batch.changes.append(.taskTry(dagID: key.dagID, runID: key.runID, row)) }
        machines[key] = machine
        retries[key] = machine.wakeAt
        for action in actions {
            switch action {
            case .start(let task, let tryNumber): start(TaskKey(run: key, taskID: task), tryNumber, machine, &batch)
            case .cancel(let task):
                if let handle = handles[TaskKey(run: key, taskID: task)] { batch.afterwards(key) { handle.cancel(.override) } }
            case .ended:
                machines[key] = nil
                retries[key] = nil
                for task in machine.tasks { counts[TaskKey(run: key, taskID: task.taskID)] = nil }
                activeCounts[key.dagID, default: 1] -= 1
                prune(key.dagID, &batch)
            }
        }
    }

    private func start(_ key: TaskKey, _ tryNumber: Int, _ machine: RunMachine, _ batch: inout Batch) {
        guard let index = machine.graph.index(of: key.taskID) else { return }
        let definition = machine.graph.definition.tasks[index]
        let output = TaskOutput(log: logs.log(key, tryNumber: tryNumber), before: tryNumber > 1 ? countsBefore(key) : [:])
        let handle = RunningTask(key: key, tryNumber: tryNumber, output: output)
        handles[key] = handle
        let context = TaskContext(machine.run, taskID: key.taskID, tryNumber: tryNumber, output: output)
        let grace = configuration.cancelGrace
        let report = report(for: key, tryNumber, output)
        batch.afterwards(key.run) { handle.start(definition, context, grace: grace, report: report) }
    }

    /// From memory, where the last try's are before they are on disk; after a restart from the store.
    private func countsBefore(_ key: TaskKey) -> [String: JSON] {
        if let counts = counts[key] { return counts }
        let rows = try? store.xcoms(dagID: key.run.dagID, runID: key.run.runID, taskID: key.taskID)
        return Dictionary((rows ?? []).map { ($0.key, $0.value) }) { $1 }
    }

    private nonisolated func report(for key: TaskKey, _ tryNumber: Int, _ output: TaskOutput) -> @Sendable (RunMachine.Outcome) -> Void {
        { [weak self] outcome in
            self?.post { core, batch, now in
                for (name, value) in output.entries {
                    batch.changes.append(
                        .xcom(
                            XComRow(
                                dagID: key.run.dagID, runID: key.run.runID, taskID: key.taskID, key: name, value: value, timestamp: now)))
                }
                if core.machines[key.run] != nil { core.counts[key] = core.countsBefore(key).merging(output.entries) { $1 } }
                if core.handles[key]?.tryNumber == tryNumber { core.handles[key] = nil }
                core.handle(.finished(task: key.taskID, tryNumber: tryNumber, outcome), key.run, &batch, now)
                if core.handles.isEmpty {
                    for waiter in core.idleWaiters { waiter.resume() }
                    core.idleWaiters = []
                }
            }
        }
    }

    /// Forgets the oldest ended runs of a DAG, and their logs, beyond the number that is kept.
    private func prune(_ dagID: String, _ batch: inout Batch) {
        guard let old = try? store.runsBeyond(configuration.runsKept, dagID: dagID) else { return }
        let logs = logs
        for runID in old {
            batch.changes.append(.deleteRun(dagID: dagID, runID: runID))
            batch.afterwards { logs.remove(RunKey(dagID: dagID, runID: runID)) }
        }
    }

    static func newID() -> String { UUID().uuidString.lowercased() }
}

extension DAGDefinition {
    /// Changes when the next tick has to be worked out anew.
    var signature: String {
        var text = schedule.summary + (catchup ? " catchup" : "")
        if case .cron(_, let zone) = schedule.kind { text += " " + zone.identifier }
        if let startDate { text += " from " + Moment(startDate).text }
        return text
    }
}
