#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// A directed acyclic graph of tasks with a schedule, in Airflow's words.
public struct DAG: Sendable {
    /// Letters, digits, `_`, `-` and `.`; the name in the console and in the API.
    public let id: String
    /// When it runs by itself.
    public let schedule: Schedule
    /// There are no ticks before it, and the intervals of ``Schedule/every(_:)`` count from it; nil: when the scheduler first sees the DAG.
    public let startDate: Date?
    /// Whether the intervals between `startDate` and now that have passed without a run are run when the DAG is deployed.
    public let catchup: Bool
    /// A line for people.
    public let description: String
    /// Words to find it by.
    public let tags: [String]
    /// Runs of this DAG that may be under way at once.
    public let maxActiveRuns: Int
    /// The tasks, in the order in which they are written.
    public let operators: [SwiftOperator]

    /// A DAG of these tasks.
    ///
    /// - Parameters:
    ///   - id: letters, digits, `_`, `-` and `.`; the name in the console and in the API.
    ///   - operators: the tasks; one that names no `after` starts at once.
    public init(
        _ id: String, schedule: Schedule, startDate: Date? = nil, catchup: Bool = false, description: String = "", tags: [String] = [],
        maxActiveRuns: Int = 16, @PipelineBuilder<SwiftOperator> _ operators: () -> [SwiftOperator]
    ) {
        self.id = id
        self.schedule = schedule
        self.startDate = startDate
        self.catchup = catchup
        self.description = description
        self.tags = tags
        self.maxActiveRuns = maxActiveRuns
        self.operators = operators()
    }
}

/// When a DAG runs by itself.
public enum Schedule: Sendable, Hashable {
    /// Only when it is triggered.
    case none
    /// Once, when it is first deployed.
    case once
    /// A cron expression of five fields, or a preset such as `@daily`, in a time zone by its IANA name.
    case cron(String, timeZone: String = "UTC")
    /// Every so often from the start date on.
    case every(Duration)

    /// At the beginning of each hour.
    public static let hourly = Schedule.cron("@hourly")
    /// At midnight.
    public static let daily = Schedule.cron("@daily")
    /// At midnight of each Sunday.
    public static let weekly = Schedule.cron("@weekly")
    /// At midnight of each month's first day.
    public static let monthly = Schedule.cron("@monthly")
    /// At midnight of each year's first day.
    public static let yearly = Schedule.cron("@yearly")
}

/// A task whose work is a Swift closure, as Airflow's PythonOperator's is a Python function.
public struct SwiftOperator: Sendable {
    /// The task's name within its DAG.
    public let id: String
    /// The ids of the tasks that must have succeeded before this one starts.
    public let upstream: [String]
    /// How often a failed try is repeated.
    public let retries: Int
    /// The wait before the first retry; it doubles with each one when `retryExponentialBackoff` is on.
    public let retryDelay: Duration
    /// Whether the wait doubles with each retry.
    public let retryExponentialBackoff: Bool
    /// How long one try may take before it is cancelled and counts as failed; nil for no limit.
    public let executionTimeout: Duration?
    /// The topic that the task is to produce to: a run that succeeds and has sent nothing is marked so.
    public let produces: String?
    let body: @Sendable (TaskRun) async throws -> Void

    /// A task that runs `body`; a try that throws has failed.
    public init(
        _ id: String, after upstream: [String] = [], retries: Int = 0, retryDelay: Duration = .seconds(300),
        retryExponentialBackoff: Bool = true, executionTimeout: Duration? = nil, produces: String? = nil,
        _ body: @escaping @Sendable (TaskRun) async throws -> Void
    ) {
        self.id = id
        self.upstream = upstream
        self.retries = retries
        self.retryDelay = retryDelay
        self.retryExponentialBackoff = retryExponentialBackoff
        self.executionTimeout = executionTimeout
        self.produces = produces
        self.body = body
    }
}
