package import IO

/// Settings of the scheduler.
package struct SchedulerConfiguration: Sendable {
    package static let settings: [Setting] = [
        Setting("scheduler.host", .text, default: "127.0.0.1", "the address that the scheduler's API listens on"),
        Setting("scheduler.port", .integer(0...65_535), default: "8080", "its port; 0 takes any free one"),
        Setting("scheduler.advertised", .text, default: "", "the address that others are told; empty means host and bound port"),
        Setting("scheduler.console", .text, default: "", "the console's DAG page, to which a browser is sent on"),
        Setting("scheduler.username", .text, default: "airflow", "the name that logs in, when there is a password"),
        Setting("scheduler.password", .text, default: "", "the password of the API; empty lets everybody in"),
        Setting("scheduler.runs.kept", .integer(1...1_000_000), default: "1000", "runs of a DAG that are kept, with their logs"),
        Setting(
            "scheduler.runs.queued.max", .integer(1...1_000_000), default: "1000",
            "runs of a DAG that may wait; further triggers are refused"),
        Setting(
            "scheduler.interrupted", .choice(["policy", "retry", "fail"]), default: "policy",
            "a try that a crash cut off: counts as a failure (policy), is tried again in any case (retry), or fails (fail); one that an orderly stop cut off goes on with the next start, unless it is to fail"
        ),
        Setting("scheduler.log.bytes.max", .bytes, default: "4MiB", "the most that one try may log; what does not fit is counted"),
        Setting("scheduler.cancel.grace", .duration, default: "10s", "how long a cancelled task may take to end before it is given up"),
        Setting("scheduler.stop.timeout", .duration, default: "10s", "how long a stop waits for tasks and answers under way"),
        Setting(
            "scheduler.stop.write", .duration, default: "5s", "how long a stop waits for a disk that does not take the last changes"),
        Setting("scheduler.commit.retry", .duration, default: "1s", "the pause after a write of the metadata that failed"),
        Setting("scheduler.clock.check", .duration, default: "1m", "the longest sleep before the wall clock is looked at again"),
        Setting("scheduler.connections.max", .integer(1...100_000), default: "1024", "open connections; further ones wait"),
        Setting(
            "scheduler.connections.idle", .duration, default: "60s",
            "how long a connection may be silent between requests before it is closed"),
        Setting("scheduler.request.bytes.max", .bytes, default: "1MiB", "the largest request body"),
        Setting("scheduler.page.max", .integer(1...10_000), default: "1000", "the most entries that a list gives at once"),
    ]

    let host: String
    let port: Int
    let advertised: Endpoint?
    let console: String?
    let username: String
    let password: String?
    let folder: String
    let runsKept: Int
    let queuedRunsMax: Int
    let interruption: RunMachine.InterruptionPolicy
    let logBytesMax: Int
    let cancelGrace: Duration
    let stopTimeout: Duration
    let stopWrite: Duration
    let commitRetry: Duration
    let clockCheck: Duration
    let connectionsMax: Int
    let connectionIdle: Duration
    let requestBytesMax: Int
    let pageMax: Int

    /// - Parameter folder: where metadata and logs are kept.
    /// - Throws: ``InvalidEndpoint`` for a malformed advertised address.
    package init(values: SettingValues, folder: String) throws {
        host = values.text("scheduler.host")
        port = values.integer("scheduler.port")
        advertised = values.isSet("scheduler.advertised") ? try Endpoint(parsing: values.text("scheduler.advertised")) : nil
        console = values.isSet("scheduler.console") ? values.text("scheduler.console") : nil
        username = values.text("scheduler.username")
        password = values.isSet("scheduler.password") ? values.text("scheduler.password") : nil
        self.folder = folder
        runsKept = values.integer("scheduler.runs.kept")
        queuedRunsMax = values.integer("scheduler.runs.queued.max")
        interruption = RunMachine.InterruptionPolicy(rawValue: values.text("scheduler.interrupted")) ?? .policy
        logBytesMax = values.bytes("scheduler.log.bytes.max")
        cancelGrace = values.duration("scheduler.cancel.grace")
        stopTimeout = values.duration("scheduler.stop.timeout")
        stopWrite = values.duration("scheduler.stop.write")
        commitRetry = values.duration("scheduler.commit.retry")
        clockCheck = max(.seconds(1), values.duration("scheduler.clock.check"))
        connectionsMax = values.integer("scheduler.connections.max")
        connectionIdle = values.duration("scheduler.connections.idle")
        requestBytesMax = values.bytes("scheduler.request.bytes.max")
        pageMax = values.integer("scheduler.page.max")
    }
}
