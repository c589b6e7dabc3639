internal import Foundation

/// A time zone as cron needs it: offsets from UTC and the instants at which they change.
struct ZoneRules: Sendable, Hashable {
    let identifier: String
    /// Nil for UTC, which needs no table.
    private let zone: TimeZone?

    init(_ identifier: String, for schedule: String) throws(InvalidTimetable) {
        self.identifier = identifier
        if identifier == "UTC" {
            zone = nil
        } else if let zone = TimeZone(identifier: identifier) {
            self.zone = zone
        } else {
            throw InvalidTimetable(text: schedule, reason: "'\(identifier)' is no time zone; write one such as Europe/Berlin")
        }
    }

    func offset(at second: Int) -> Int {
        zone.map { $0.secondsFromGMT(for: Date(timeIntervalSince1970: Double(second))) } ?? 0
    }

    private func transition(after second: Int) -> Int? {
        guard let next = zone?.nextDaylightSavingTimeTransition(after: Date(timeIntervalSince1970: Double(second))) else { return nil }
        let at = Int(next.timeIntervalSince1970.rounded(.up))
        return at > second ? at : nil
    }

    func next(_ expression: CronExpression, after second: Int) -> Int? {
        guard zone != nil else { return expression.next(after: LocalTime(seconds: second))?.seconds }
        return expression.hourIsOpen ? nextElapsed(expression, second) : nextReading(expression, second)
    }

    /// Stretch by stretch of one offset: within each, the wall clock and elapsed time run together.
    private func nextElapsed(_ expression: CronExpression, _ second: Int) -> Int? {
        var from = second
        var inclusive = false
        for _ in 0..<32 {
            let offset = offset(at: from)
            let end = transition(after: from)
            if let match = expression.next(after: LocalTime(seconds: from + offset), inclusive: inclusive) {
                let instant = match.seconds - offset
                if end == nil || instant < end! { return instant }
            } else if end == nil {
                return nil
            }
            from = end!
            inclusive = true
        }
        return nil
    }

    /// Reading by reading of the wall clock. A skipped reading lands after later ones, so that readings of a day around are compared.
    private func nextReading(_ expression: CronExpression, _ second: Int) -> Int? {
        let margin = 25 * 3_600
        var reading = LocalTime(seconds: second + offset(at: second) - margin)
        var best: Int?
        var bestReading = 0
        while let match = expression.next(after: reading) {
            reading = match
            if best != nil, match.seconds > bestReading + margin { break }
            let instant = instant(of: match)
            if instant > second, instant < best ?? .max {
                best = instant
                bestReading = match.seconds
            }
        }
        return best
    }

    /// The first instant at which the wall clock shows `reading`; for a skipped one the instant as if the clocks had not been changed.
    private func instant(of reading: LocalTime) -> Int {
        // Offsets lie within a day of UTC, so that these two are the offsets on both sides of a change near the reading.
        let before = offset(at: reading.seconds - 86_400)
        let candidate = reading.seconds - before
        if offset(at: candidate) == before { return candidate }
        let after = offset(at: reading.seconds + 86_400)
        let later = reading.seconds - after
        return offset(at: later) == after ? later : candidate
    }
}
