package import Foundation
internal import IO

/// A directed acyclic graph of tasks and when it runs. The words are Airflow's.
package struct DAGDefinition: Sendable {
    package var id: String
    package var schedule: Timetable
    /// Ticks before it are none; intervals count from it. Nil: the moment when the scheduler first sees the DAG.
    package var startDate: Date?
    /// Whether ticks that were missed are all made up for, one run each. Without it at most one is: the last tick that passed while the
    /// scheduler was not running. A DAG that is new or was paused begins with the next tick.
    package var catchup: Bool
    package var description: String
    package var tags: [String]
    package var maxActiveRuns: Int
    /// Tasks of one run that may run at once.
    package var maxActiveTasks: Int
    package var isPausedUponCreation: Bool
    package var tasks: [TaskDefinition]

    package init(
        id: String, schedule: Timetable = .none, startDate: Date? = nil, catchup: Bool = false, description: String = "",
        tags: [String] = [], maxActiveRuns: Int = 16, maxActiveTasks: Int = 16, isPausedUponCreation: Bool = false,
        tasks: [TaskDefinition]
    ) {
        self.id = id
        self.schedule = schedule
        self.startDate = startDate
        self.catchup = catchup
        self.description = description
        self.tags = tags
        self.maxActiveRuns = maxActiveRuns
        self.maxActiveTasks = maxActiveTasks
        self.isPausedUponCreation = isPausedUponCreation
        self.tasks = tasks
    }
}

/// One task of a DAG: a closure, what it waits for, and how patient the scheduler is with it.
package struct TaskDefinition: Sendable {
    package var id: String
    /// Ids of the tasks that it waits for.
    package var upstream: [String]
    package var triggerRule: TriggerRule
    /// Tries after the first.
    package var retries: Int
    package var retryDelay: Duration
    /// Doubles the delay with each try and draws it between half and the whole, so that tasks that failed together return apart.
    package var retryExponentialBackoff: Bool
    package var maxRetryDelay: Duration
    package var executionTimeout: Duration?
    /// The topic that the task fills. A task that succeeds without having counted anything for it is marked "produced nothing".
    package var produces: String?
    package var body: @Sendable (TaskContext) async throws -> Void

    package init(
        id: String, upstream: [String] = [], triggerRule: TriggerRule = .allSuccess, retries: Int = 0,
        retryDelay: Duration = .seconds(300), retryExponentialBackoff: Bool = false, maxRetryDelay: Duration = .seconds(86_400),
        executionTimeout: Duration? = nil, produces: String? = nil, body: @escaping @Sendable (TaskContext) async throws -> Void
    ) {
        self.id = id
        self.upstream = upstream
        self.triggerRule = triggerRule
        self.retries = retries
        self.retryDelay = retryDelay
        self.retryExponentialBackoff = retryExponentialBackoff
        self.maxRetryDelay = maxRetryDelay
        self.executionTimeout = executionTimeout
        self.produces = produces
        self.body = body
    }

    /// The pause before try `tryNumber + 1`.
    func delay(afterTry tryNumber: Int, using random: inout some RandomNumberGenerator) -> Duration {
        guard retryExponentialBackoff else { return min(retryDelay, maxRetryDelay) }
        var ceiling = retryDelay
        for _ in 1..<max(1, tryNumber) where ceiling < maxRetryDelay { ceiling = ceiling * 2 }
        ceiling = min(ceiling, maxRetryDelay)
        return ceiling * Double.random(in: 0.5...1, using: &random)
    }
}

/// What has to be true of the tasks upstream for a task to start (Airflow, "Trigger Rules").
package enum TriggerRule: String, Sendable, CaseIterable {
    case allSuccess = "all_success"
    case allFailed = "all_failed"
    case allDone = "all_done"
    case oneSuccess = "one_success"
    case oneFailed = "one_failed"
    case noneFailed = "none_failed"
    case always

    enum Verdict: Equatable { case wait, start, upstreamFailed, skip }

    func verdict(_ upstream: [TaskState]) -> Verdict {
        let done = upstream.allSatisfy(\.isTerminal)
        let failed = upstream.contains { $0 == .failed || $0 == .upstreamFailed }
        let skipped = upstream.contains { $0 == .skipped }
        switch self {
        case .always: return .start
        case .allSuccess:
            if failed { return .upstreamFailed }
            return skipped ? .skip : done ? .start : .wait
        case .allFailed:
            if upstream.contains(where: { $0 == .success || $0 == .skipped }) { return .skip }
            return done ? .start : .wait
        case .allDone: return done ? .start : .wait
        case .oneSuccess:
            if upstream.contains(.success) { return .start }
            return done ? (failed ? .upstreamFailed : .skip) : .wait
        case .oneFailed: return failed ? .start : done ? .skip : .wait
        case .noneFailed: return failed ? .upstreamFailed : done ? .start : .wait
        }
    }
}
