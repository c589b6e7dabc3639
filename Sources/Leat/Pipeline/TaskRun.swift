internal import IO
internal import Logging
internal import RandomUser
internal import Scheduler
internal import Stack

/// What a task's closure is given: where it runs, what it may reach, and where its words go.
public struct TaskRun: Sendable {
    /// The DAG's id.
    public var dagID: String { context.dagID }
    /// The task's id.
    public var taskID: String { context.taskID }
    /// The run's id, as Airflow writes it: `manual__2026-11-24T03:33:20+00:00`.
    public var runID: String { context.runID }
    /// 1 for the first try.
    public var tryNumber: Int { context.tryNumber }
    /// The pipeline's own settings.
    public let settings: PipelineSettings
    /// Sends records. All of them are acknowledged before the task counts as succeeded.
    public let kafka: KafkaSender
    let context: TaskContext
    private let userClient: RandomUserClient

    init(context: TaskContext, settings: PipelineSettings, kafka: KafkaSender, userClient: RandomUserClient) {
        self.context = context
        self.settings = settings
        self.kafka = kafka
        self.userClient = userClient
    }

    /// Writes a line to the task's log.
    public func log(_ line: String) { context.log(line) }

    /// Random users from the configured API, `pipeline.rate` a second for `pipeline.for`, open loop.
    ///
    /// An HTTP error, a time-out, an empty answer or a 429 is retried with back-off, counted, and told in the task's log.
    public func randomUsers() -> RandomUsers {
        RandomUsers(client: userClient, rate: settings.rate, duration: settings.duration, context: context)
    }
}

/// The pipeline's own settings.
public struct PipelineSettings: Sendable, Hashable {
    /// The address of the API that serves users: `http://127.0.0.1:8088/api/`, `https://randomuser.me/api/`.
    public let api: String
    /// Users a second.
    public let rate: Int
    /// How long one run fetches.
    public let duration: Duration
}
