package import Foundation
internal import IO

/// When a DAG runs by itself.
///
/// Ticks are instants. A tick of a cron schedule is the run's logical date, and its data interval begins and ends there, as in
/// Airflow since version 3 (`CronTriggerTimetable`).
///
/// Where the clocks change, a schedule whose hour is open (`*`, `*/n`) follows elapsed time: through the hour that is skipped no
/// tick is lost, and in the hour that comes twice it ticks twice. One with fixed hours ticks once for each reading of the wall clock:
/// a reading that is skipped is taken as far after the change as it stood before it (02:30 becomes 03:30), one that comes twice
/// the first time.
package struct Timetable: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        case none
        case once
        case interval(seconds: Double)
        case cron(CronExpression, zone: ZoneRules)
    }

    let kind: Kind
    /// As the user wrote it.
    package let summary: String

    private init(_ kind: Kind, _ summary: String) {
        self.kind = kind
        self.summary = summary
    }

    /// Never by itself: runs are triggered.
    package static let none = Timetable(.none, "None")
    /// One run, at the start date or when the DAG is first seen.
    package static let once = Timetable(.once, "@once")

    package static let hourly = preset("@hourly")
    package static let daily = preset("@daily")
    package static let weekly = preset("@weekly")
    package static let monthly = preset("@monthly")
    package static let yearly = preset("@yearly")

    /// Every so often after the start date (or the moment when the DAG is first seen), at least a millisecond apart.
    package static func interval(_ interval: Duration) -> Timetable {
        precondition(interval >= .milliseconds(1), "an interval is at least a millisecond")
        return Timetable(.interval(seconds: interval.inSeconds), interval.text)
    }

    /// A cron expression of five fields, or a preset, on the wall clock of a time zone.
    ///
    /// - Throws: ``InvalidTimetable``.
    package static func cron(_ text: String, timeZone: String = "UTC") throws(InvalidTimetable) -> Timetable {
        let zone = try ZoneRules(timeZone, for: text)
        switch text {
        case "@once": return .once
        case "@none", "None": return .none
        case "@continuous": throw InvalidTimetable(text: text, reason: "continuous runs are not had here")
        default: break
        }
        if text.hasPrefix("@") {
            guard let expression = presets[text] else {
                throw InvalidTimetable(text: text, reason: "the presets are @once, \(presets.keys.sorted().joined(separator: ", "))")
            }
            return Timetable(.cron(try CronExpression(expression), zone: zone), text)
        }
        return Timetable(.cron(try CronExpression(text), zone: zone), text)
    }

    private static let presets = [
        "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *",
        "@quarterly": "0 0 1 */3 *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
    ]

    private static func preset(_ name: String) -> Timetable {
        do { return try cron(name) } catch { preconditionFailure("\(error)") }
    }

    /// The first tick after `time`. `anchor` is where intervals count from.
    package func next(after time: Date, anchor: Date) -> Date? {
        switch kind {
        case .none: return nil
        case .once: return time < anchor ? anchor : nil
        case .interval(let seconds):
            // In whole microseconds, as ticks are kept: in floating point the next tick could come out as the one before it.
            let first = Moment(anchor).microseconds, now = Moment(time).microseconds
            guard now >= first else { return anchor }
            let step = max(1, Int64((seconds * 1_000_000).rounded()))
            return Moment(microseconds: first + ((now - first) / step + 1) * step).date
        case .cron(let expression, let zone):
            let second = Int(time.timeIntervalSince1970.rounded(.down))
            return zone.next(expression, after: second).map { Date(timeIntervalSince1970: Double($0)) }
        }
    }

    /// The last tick at or before `time` and after `floor`; nil when there is none.
    package func last(upTo time: Date, after floor: Date, anchor: Date) -> Date? {
        // Looks back by windows that grow, so that a dense schedule is not walked from a distant floor.
        for window in [60.0, 3_600, 86_400, 32 * 86_400, 370 * 86_400, .infinity] {
            let start = max(floor, window.isFinite ? time.addingTimeInterval(-window) : floor)
            var found: Date?
            var tick = next(after: start, anchor: anchor)
            while let candidate = tick, candidate <= time {
                found = candidate
                tick = next(after: candidate, anchor: anchor)
            }
            if found != nil || start == floor { return found }
        }
        return nil
    }
}
