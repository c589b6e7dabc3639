package import Foundation
package import IO
package import Logging
internal import NIOConcurrencyHelpers

/// What a task's closure is given: which run it belongs to, and where its lines, counts and values go.
package struct TaskContext: Sendable {
    package let dagID: String
    package let taskID: String
    package let runID: String
    /// 1 for the first try.
    package let tryNumber: Int
    /// The run's logical date; for a run triggered without one, the time from which it could run.
    package let logicalDate: Date
    package let dataIntervalStart: Date
    package let dataIntervalEnd: Date
    /// What the run was triggered with.
    package let conf: JSON.Members
    /// Writes into the task's log.
    package let logger: Logger
    private let output: TaskOutput

    init(_ run: DAGRun, taskID: String, tryNumber: Int, output: TaskOutput) {
        dagID = run.dagID
        self.taskID = taskID
        runID = run.runID
        self.tryNumber = tryNumber
        let logical = run.logicalDate ?? run.runAfter
        logicalDate = logical.date
        dataIntervalStart = (run.dataIntervalStart ?? logical).date
        dataIntervalEnd = (run.dataIntervalEnd ?? logical).date
        conf = run.conf
        self.output = output
        var logger = Logger(label: taskID) { TaskLogHandler(label: $0, log: output.log) }
        logger.logLevel = .debug
        self.logger = logger
    }

    package func log(_ line: String, level: Logger.Level = .info) { output.log.write(line, level: level, logger: taskID) }

    /// Adds to a count of what the task has put out, for example the records produced. Counts are XComs of the task, current while it
    /// runs; a task that `produces` a topic counts under the topic's name or with ``countProduced(_:)``.
    package func count(_ name: String, _ n: Int) { output.count(name, n) }

    package func countProduced(_ n: Int) { output.count(TaskOutput.produced, n) }

    /// Keeps a value for others to read (an XCom).
    package func push(_ key: String, _ value: JSON) { output.push(key, value) }
}

/// Thrown by a task that has nothing to do: it ends as skipped, and what waits for its success is skipped too.
package struct TaskSkipped: Error {
    package let reason: String
    package init(_ reason: String) { self.reason = reason }
}

/// What one try puts out.
final class TaskOutput: Sendable {
    static let produced = "produced"
    /// XComs of one task beyond these are refused in the log.
    static let entriesMax = 1_000

    let log: TaskLog
    /// What the tries before have counted: what was produced then has been produced.
    private let before: [String: JSON]
    private let values = NIOLockedValueBox<[String: JSON]>([:])

    init(log: TaskLog, before: [String: JSON] = [:]) {
        self.log = log
        self.before = before
    }

    var entries: [String: JSON] { values.withLockedValue { $0 } }

    func count(_ name: String, _ n: Int) {
        let earlier = before[name]?.integer ?? 0
        push(name) { .integer(($0?.integer ?? earlier) + Int64(n)) }
    }

    func push(_ key: String, _ value: JSON) { push(key) { _ in value } }

    private func push(_ key: String, _ change: (JSON?) -> JSON) {
        let fits = values.withLockedValue { values in
            guard values[key] != nil || values.count < Self.entriesMax else { return false }
            values[key] = change(values[key])
            return true
        }
        if !fits {
            log.write("the XCom '\(key)' is not kept: a task has \(Self.entriesMax) at most", level: .error, logger: "leat.scheduler")
        }
    }

    /// What a person should be told of a success that may be none.
    func remark(produces topic: String?) -> String? {
        var remarks: [String] = []
        if let topic {
            // Of all tries: a retry after the last record was sent has nothing left to send.
            let entries = before.merging(entries) { $1 }
            let count = (entries[topic]?.integer ?? 0) + (topic == Self.produced ? 0 : entries[Self.produced]?.integer ?? 0)
            if count == 0 { remarks.append("produced nothing: no record was counted for '\(topic)'") }
        }
        if log.errorCount > 0 { remarks.append(log.errorCount == 1 ? "its log has an error" : "its log has \(log.errorCount) errors") }
        return remarks.isEmpty ? nil : remarks.joined(separator: "; ")
    }
}

/// swift-log into a task's log; metadata follows the line.
private struct TaskLogHandler: LogHandler {
    let label: String
    let log: TaskLog
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.debug

    init(label: String, log: TaskLog) {
        self.label = label
        self.log = log
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        let suffix = all.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        log.write("\(event.message)\(suffix)", level: event.level, logger: label)
    }
}
