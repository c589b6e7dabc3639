internal import IO

/// One active run as a value: events go in, actions come out, the clock and the randomness are arguments.
///
/// It decides which tasks start, which are tried again and when, which fail because of others, and how the run ends. It neither
/// starts nor stores anything: the scheduler commits ``takeChanges()`` first and performs the actions afterwards, so that
/// what has started is always on disk.
struct RunMachine: Sendable {
    enum Event: Sendable {
        /// The run has been admitted.
        case begin
        case finished(task: String, tryNumber: Int, Outcome)
        /// Time has passed; retries may be due.
        case tick
        /// The run is to end in this state now, whatever its tasks do.
        case override(RunState)
    }

    enum Outcome: Sendable, Equatable {
        case success(note: String?)
        case failed(reason: String)
        case timedOut(reason: String)
        case skipped(reason: String)
        /// The try ended without a word of its own: the process died.
        case interrupted(reason: String)
        /// The scheduler was told to stop, and cut the try off.
        case stopped(reason: String)
    }

    enum Action: Equatable, Sendable {
        case start(task: String, tryNumber: Int)
        case cancel(task: String)
        /// The run has ended.
        case ended(RunState)
    }

    /// What a try that was interrupted counts as.
    enum InterruptionPolicy: String, Sendable, CaseIterable {
        /// A try like any other: retried while retries are left.
        case policy
        /// Always tried again, as an additional try.
        case retry
        case fail
    }

    let graph: DAGGraph
    private(set) var run: DAGRun
    /// In the order of the DAG's tasks.
    private(set) var tasks: [TaskInstance]
    /// Set while the scheduler stops: tasks that could start stay scheduled, for the next scheduler to start.
    var isDraining = false
    private let interruption: InterruptionPolicy
    private var changed: Set<Int> = []
    /// Tries that have ended since the last call of ``takeChanges()``; their tasks may be in the next one already.
    private var ended: [TaskTry] = []
    private var runChanged = false

    /// A new run, or one read back from the store (tasks that the DAG has gained since are added).
    init(graph: DAGGraph, run: DAGRun, tasks: [TaskInstance] = [], interruption: InterruptionPolicy = .policy, id: () -> String) {
        self.graph = graph
        self.run = run
        self.interruption = interruption
        let known = Dictionary(tasks.map { ($0.taskID, $0) }) { first, _ in first }
        self.tasks = []
        for (index, task) in graph.definition.tasks.enumerated() {
            if let instance = known[task.id] {
                self.tasks.append(instance)
            } else {
                self.tasks.append(TaskInstance(taskID: task.id, id: id(), maxTries: task.retries))
                changed.insert(index)
            }
        }
    }

    /// The earliest time at which a retry is due.
    var wakeAt: Moment? { tasks.compactMap { $0.state == .upForRetry ? $0.retryAt : nil }.min() }

    /// What differs from the store since the last call.
    mutating func takeChanges() -> (run: DAGRun?, tasks: [TaskInstance], tries: [TaskTry]) {
        defer {
            changed = []
            ended = []
            runChanged = false
        }
        let moved = changed.sorted().map { tasks[$0] }
        let begun = moved.filter { $0.state == .running }.map { TaskTry($0, state: .running) }
        return (runChanged ? run : nil, moved, ended + begun)
    }

    mutating func handle(_ event: Event, at now: Moment, using random: inout some RandomNumberGenerator) -> [Action] {
        guard !run.state.isTerminal else { return [] }
        switch event {
        case .begin:
            guard run.state == .queued else { return advance(now) }
            run.state = .running
            run.startDate = now
            runChanged = true
        case .tick:
            guard run.state == .running else { return [] }
        case .finished(let task, let tryNumber, let outcome):
            // A try that was given up (timed out, cancelled) may still report later.
            guard let index = graph.index(of: task), tasks[index].state == .running, tasks[index].tryNumber == tryNumber else { return [] }
            finish(index, outcome, now, &random)
        case .override(let state):
            return override(state, now)
        }
        return advance(now)
    }

    /// The store has been told already.
    mutating func setNote(_ note: String?) { run.note = note }

    // MARK: steps

    private mutating func finish(_ index: Int, _ outcome: Outcome, _ now: Moment, _ random: inout some RandomNumberGenerator) {
        changed.insert(index)
        tasks[index].endDate = now
        defer {
            let state = tasks[index].state
            ended.append(TaskTry(tasks[index], state: state.isTerminal ? state : .failed))
        }
        switch outcome {
        case .success(let note):
            tasks[index].state = .success
            tasks[index].note = note
        case .skipped(let reason):
            tasks[index].state = .skipped
            tasks[index].note = reason
        case .failed(let reason), .timedOut(let reason):
            retryOrFail(index, reason, now, &random)
        case .interrupted(let reason):
            switch interruption {
            case .policy: retryOrFail(index, reason, now, &random)
            case .fail:
                tasks[index].state = .failed
                tasks[index].note = reason
            case .retry:
                tasks[index].maxTries = max(tasks[index].maxTries, tasks[index].tryNumber)
                tasks[index].state = .upForRetry
                tasks[index].retryAt = now
                tasks[index].note = reason
            }
        case .stopped(let reason):
            tasks[index].note = reason
            guard interruption != .fail else {
                tasks[index].state = .failed
                return
            }
            // Nothing went wrong: it starts again with the scheduler, and has as many tries left as before.
            tasks[index].maxTries += 1
            tasks[index].state = .scheduled
            tasks[index].scheduledAt = now
        }
    }

    private mutating func retryOrFail(_ index: Int, _ reason: String, _ now: Moment, _ random: inout some RandomNumberGenerator) {
        tasks[index].note = reason
        guard tasks[index].tryNumber <= tasks[index].maxTries else {
            tasks[index].state = .failed
            return
        }
        tasks[index].state = .upForRetry
        tasks[index].retryAt = now + graph.definition.tasks[index].delay(afterTry: tasks[index].tryNumber, using: &random)
    }

    /// Moves every task as far as it can go, and the run with them.
    private mutating func advance(_ now: Moment) -> [Action] {
        var actions: [Action] = []
        var running = tasks.count { $0.state == .running }
        // In topological order, so that one pass carries a failure or a skip all the way down.
        for index in graph.order {
            switch tasks[index].state {
            case .none:
                switch graph.definition.tasks[index].triggerRule.verdict(graph.upstream[index].map { tasks[$0].state }) {
                case .wait: continue
                case .start:
                    tasks[index].state = .scheduled
                    tasks[index].scheduledAt = now
                case .upstreamFailed: settle(index, .upstreamFailed, now)
                case .skip: settle(index, .skipped, now)
                }
                changed.insert(index)
            case .upForRetry:
                guard let at = tasks[index].retryAt, at <= now else { continue }
                tasks[index].state = .scheduled
                tasks[index].scheduledAt = now
                tasks[index].retryAt = nil
                changed.insert(index)
            case .scheduled: break
            default: continue
            }
            guard tasks[index].state == .scheduled, !isDraining, running < graph.definition.maxActiveTasks else { continue }
            running += 1
            tasks[index].state = .running
            tasks[index].tryNumber += 1
            tasks[index].queuedAt = now
            tasks[index].startDate = now
            tasks[index].endDate = nil
            tasks[index].note = nil
            changed.insert(index)
            actions.append(.start(task: tasks[index].taskID, tryNumber: tasks[index].tryNumber))
        }
        if tasks.allSatisfy(\.state.isTerminal) {
            // The leaves decide, as in Airflow: a failure that a later task was to handle does not fail the run.
            let leaves = tasks.indices.filter { graph.downstream[$0].isEmpty }
            let failed = leaves.contains { tasks[$0].state == .failed || tasks[$0].state == .upstreamFailed }
            end(failed ? .failed : .success, now)
            actions.append(.ended(run.state))
        }
        return actions
    }

    private mutating func settle(_ index: Int, _ state: TaskState, _ now: Moment) {
        tasks[index].state = state
        tasks[index].startDate = now
        tasks[index].endDate = now
    }

    private mutating func override(_ state: RunState, _ now: Moment) -> [Action] {
        var actions: [Action] = []
        for index in tasks.indices where !tasks[index].state.isTerminal {
            if tasks[index].state == .running {
                actions.append(.cancel(task: tasks[index].taskID))
                tasks[index].state = .failed
                tasks[index].endDate = now
                tasks[index].note = "the run was marked \(state.rawValue) while it ran"
                ended.append(TaskTry(tasks[index], state: .failed))
            } else {
                tasks[index].state = .skipped
            }
            tasks[index].endDate = now
            changed.insert(index)
        }
        if run.startDate == nil { run.startDate = now }
        end(state, now)
        return actions + [.ended(state)]
    }

    private mutating func end(_ state: RunState, _ now: Moment) {
        run.state = state
        run.endDate = now
        runChanged = true
    }
}

extension TaskTry {
    init(_ task: TaskInstance, state: TaskState) {
        self.init(
            taskID: task.taskID, tryNumber: task.tryNumber, state: state, startDate: task.startDate,
            endDate: state == .running ? nil : task.endDate, note: task.note)
    }
}
