internal import IO

/// The state of a DAG run, in Airflow's words.
package enum RunState: String, Sendable, CaseIterable {
    case queued, running, success, failed

    package var isTerminal: Bool { self == .success || self == .failed }
}

/// The state of a task instance, in Airflow's words. `none` is shown as null: nothing has been decided yet.
package enum TaskState: String, Sendable, CaseIterable {
    case none, removed, scheduled, queued, running, success, restarting, failed
    case upForRetry = "up_for_retry"
    case upForReschedule = "up_for_reschedule"
    case upstreamFailed = "upstream_failed"
    case skipped, deferred

    package var isTerminal: Bool {
        switch self {
        case .success, .failed, .upstreamFailed, .skipped, .removed: true
        default: false
        }
    }
}

/// What started a run.
package enum RunType: String, Sendable, CaseIterable {
    case scheduled, manual, backfill
    case assetTriggered = "asset_triggered"

    /// What the ids of such runs begin with.
    var prefix: String { rawValue + "__" }

    /// The type whose runs alone have ids of this form, so that nobody else may give one; nil for an id that is free.
    static func reserving(_ runID: String) -> RunType? { allCases.first { $0 != .manual && runID.hasPrefix($0.prefix) } }
}

/// One run of a DAG.
struct DAGRun: Sendable, Equatable {
    var dagID: String
    var runID: String
    var type: RunType
    var state = RunState.queued
    var logicalDate: Moment?
    var dataIntervalStart: Moment?
    var dataIntervalEnd: Moment?
    var runAfter: Moment
    var queuedAt: Moment
    var startDate: Moment?
    var endDate: Moment?
    var conf: JSON.Members = [:]
    var note: String?
    /// Airflow's `triggered_by`: rest_api, timetable, backfill.
    var triggeredBy = "timetable"
    var triggeringUser: String?
    /// The row's number: runs are admitted in its order.
    var sequence: Int64 = 0
}

/// One task in one run.
struct TaskInstance: Sendable, Equatable {
    var taskID: String
    /// The row's UUID, which Airflow shows as `id`.
    var id: String
    var state = TaskState.none
    /// 0 before the first try.
    var tryNumber = 0
    /// Tries after the first that the task was allowed when the run was made.
    var maxTries: Int
    var scheduledAt: Moment?
    var queuedAt: Moment?
    var startDate: Moment?
    var endDate: Moment?
    /// When an `up_for_retry` task is tried again.
    var retryAt: Moment?
    /// What a person should know of a state that looks like any other: "produced nothing: …".
    var note: String?
}

/// A UTC time in microseconds since 1970, as stored and compared.
package struct Moment: Sendable, Hashable, Comparable {
    package var microseconds: Int64

    package init(microseconds: Int64) { self.microseconds = microseconds }

    package static func < (first: Moment, second: Moment) -> Bool { first.microseconds < second.microseconds }

    package static func + (moment: Moment, duration: Duration) -> Moment {
        let parts = duration.components
        let (seconds, overflow) = parts.seconds.multipliedReportingOverflow(by: 1_000_000)
        return Moment(microseconds: overflow ? .max : moment.microseconds &+ seconds &+ parts.attoseconds / 1_000_000_000_000)
    }

    package static func - (first: Moment, second: Moment) -> Duration { .microseconds(first.microseconds - second.microseconds) }

    /// `2026-11-24T03:33:20.458843`; the fraction is left out when it is zero, as Python's isoformat does.
    private var plain: String {
        let second = Int(microseconds).floorDivided(by: 1_000_000)
        let fraction = Int(microseconds) - second * 1_000_000
        let day = second.floorDivided(by: 86_400)
        let (year, month, dayOfMonth) = LocalTime.date(ofDay: day)
        let rest = second - day * 86_400
        func padded(_ number: Int, _ width: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(dayOfMonth, 2))T\(padded(rest / 3_600, 2)):\(padded(rest / 60 % 60, 2)):"
            + padded(rest % 60, 2) + (fraction == 0 ? "" : "." + padded(fraction, 6))
    }

    /// The form of the API's fields.
    package var text: String { plain + "Z" }
    /// The form in run ids.
    package var offsetText: String { plain + "+00:00" }

    /// Reads RFC 3339: a date and a time with `Z` or an offset; without either the time is UTC.
    package init?(parsing text: String) {
        let bytes = Array(text.utf8)
        func digits(_ range: Range<Int>) -> Int? {
            guard range.upperBound <= bytes.count, bytes[range].allSatisfy({ (48...57).contains($0) }) else { return nil }
            return bytes[range].reduce(0) { $0 * 10 + Int($1) - 48 }
        }
        guard let year = digits(0..<4), let month = digits(5..<7), let day = digits(8..<10), bytes[4] == 45, bytes[7] == 45,
            (1...12).contains(month), (1...LocalTime.daysInMonth(month, year: year)).contains(day)
        else { return nil }
        var time = LocalTime(year, month, day).seconds
        var fraction = 0
        var at = 10
        if at < bytes.count {
            guard [84, 116, 32].contains(bytes[at]), let hour = digits(11..<13), let minute = digits(14..<16), bytes[13] == 58,
                hour < 24, minute < 60
            else { return nil }
            time += hour * 3_600 + minute * 60
            at = 16
            if at < bytes.count, bytes[at] == 58 {
                guard let second = digits(17..<19), second < 60 else { return nil }
                time += second
                at = 19
            }
            if at < bytes.count, bytes[at] == 46 {
                let end = bytes[(at + 1)...].firstIndex { !(48...57).contains($0) } ?? bytes.count
                guard end > at + 1 else { return nil }
                let six = Array((bytes[(at + 1)..<end] + [48, 48, 48, 48, 48, 48]).prefix(6))
                fraction = six.reduce(0) { $0 * 10 + Int($1) - 48 }
                at = end
            }
            switch bytes.count - at {
            case 0: break
            case 1: guard bytes[at] == 90 || bytes[at] == 122 else { return nil }
            default:
                guard bytes[at] == 43 || bytes[at] == 45, let hours = digits(at + 1..<at + 3), hours < 24 else { return nil }
                let colon = at + 3 < bytes.count && bytes[at + 3] == 58
                let minuteStart = at + (colon ? 4 : 3)
                guard minuteStart == bytes.count || minuteStart + 2 == bytes.count else { return nil }
                let minutes = minuteStart == bytes.count ? 0 : digits(minuteStart..<minuteStart + 2) ?? 60
                guard minutes < 60 else { return nil }
                time -= (bytes[at] == 43 ? 1 : -1) * (hours * 3_600 + minutes * 60)
            }
        }
        microseconds = Int64(time) * 1_000_000 + Int64(fraction)
    }
}
