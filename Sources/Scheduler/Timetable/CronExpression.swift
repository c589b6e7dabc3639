internal import IO

/// A cron expression of five fields: minute, hour, day of month, month, day of week.
///
/// A field is `*`, a number, a name (JAN to DEC, SUN to SAT), a range `a-b`, any of these with a step `/n`, or a list of them.
/// Sunday is 0 and 7. Where both day fields are restricted a day matches when either does (crontab(5)); as in croniter, which
/// Airflow uses, a field counts as restricted unless it is exactly `*`.
struct CronExpression: Sendable, Hashable {
    let text: String
    private(set) var minutes: UInt64 = 0
    private(set) var hours: UInt64 = 0
    private(set) var days: UInt64 = 0
    private(set) var months: UInt64 = 0
    private(set) var weekdays: UInt64 = 0
    private var daysRestricted = false
    private var weekdaysRestricted = false
    /// Whether the hour is left open (`*`, `*/n`), so that ticks follow elapsed time through a change of the clocks.
    private(set) var hourIsOpen = false

    /// - Throws: ``InvalidTimetable`` that names the field and what is wrong with it.
    init(_ text: String) throws(InvalidTimetable) {
        self.text = text
        let fields = text.split(whereSeparator: { $0 == " " || $0 == "\t" })
        guard fields.count == 5 else {
            throw InvalidTimetable(text: text, reason: "it has \(fields.count) fields; cron wants 5: minute hour day month weekday")
        }
        func set(_ index: Int, _ name: String, _ range: ClosedRange<Int>, _ names: [String] = []) throws(InvalidTimetable) -> UInt64 {
            do throws(InvalidField) {
                return try Self.parse(fields[index], range, names)
            } catch {
                throw InvalidTimetable(text: text, reason: "the \(name) '\(fields[index])': \(error.reason)")
            }
        }
        minutes = try set(0, "minute", 0...59)
        hours = try set(1, "hour", 0...23)
        days = try set(2, "day of month", 1...31)
        months = try set(3, "month", 1...12, Self.monthNames)
        weekdays = try set(4, "day of week", 0...7, Self.weekdayNames)
        if weekdays & 1 << 7 != 0 { weekdays = weekdays & ~(1 << 7) | 1 }
        daysRestricted = fields[2] != "*"
        weekdaysRestricted = fields[4] != "*"
        hourIsOpen = fields[1].hasPrefix("*")
        guard weekdaysRestricted || hasAnyDate else { throw InvalidTimetable(text: text, reason: "no month has such a day") }
    }

    private var hasAnyDate: Bool {
        (1...12).contains { month in
            months & 1 << UInt64(month) != 0 && (1...LocalTime.daysInMonth(month, year: 2024)).contains { days & 1 << UInt64($0) != 0 }
        }
    }

    /// The first matching minute of the wall clock after `time`, or at it when `inclusive`; nil when there is none within 8 years of it.
    func next(after time: LocalTime, inclusive: Bool = false) -> LocalTime? {
        var minute = inclusive ? time.minuteCeiling : time.minuteFloor + 1
        let last = minute + 8 * 366 * 1_440 + 1_440
        while minute <= last {
            let (year, month, day) = LocalTime.date(ofDay: minute.floorDivided(by: 1_440))
            if months & 1 << UInt64(month) == 0 {
                let (nextYear, nextMonth) = month == 12 ? (year + 1, 1) : (year, month + 1)
                minute = LocalTime.day(nextYear, nextMonth, 1) * 1_440
                continue
            }
            let midnight = minute.floorDivided(by: 1_440) * 1_440
            guard matches(day: day, weekday: LocalTime.weekday(ofDay: midnight / 1_440)) else {
                minute = midnight + 1_440
                continue
            }
            let hour = (minute - midnight) / 60
            guard let matchingHour = Self.bit(from: hour, in: hours) else {
                minute = midnight + 1_440
                continue
            }
            let from = matchingHour == hour ? (minute - midnight) % 60 : 0
            guard let matchingMinute = Self.bit(from: from, in: minutes) else {
                minute = midnight + (matchingHour + 1) * 60
                continue
            }
            return LocalTime(seconds: (midnight + matchingHour * 60 + matchingMinute) * 60)
        }
        return nil
    }

    private func matches(day: Int, weekday: Int) -> Bool {
        let dayMatches = days & 1 << UInt64(day) != 0
        let weekdayMatches = weekdays & 1 << UInt64(weekday) != 0
        return daysRestricted && weekdaysRestricted ? dayMatches || weekdayMatches : dayMatches && weekdayMatches
    }

    private static func bit(from start: Int, in set: UInt64) -> Int? {
        let rest = start < 64 ? set >> UInt64(start) : 0
        return rest == 0 ? nil : start + rest.trailingZeroBitCount
    }

    // MARK: parsing

    private struct InvalidField: Error { let reason: String }

    private static let monthNames = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
    private static let weekdayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]

    private static func parse(_ field: Substring, _ range: ClosedRange<Int>, _ names: [String]) throws(InvalidField) -> UInt64 {
        var set: UInt64 = 0
        for part in field.split(separator: ",", omittingEmptySubsequences: false) {
            let pieces = part.split(separator: "/", omittingEmptySubsequences: false)
            guard (1...2).contains(pieces.count) else { throw InvalidField(reason: "one '/' at most") }
            var step = 1
            if pieces.count == 2 {
                guard let value = Int(pieces[1]), value > 0 else { throw InvalidField(reason: "'\(pieces[1])' is no step") }
                step = value
            }
            let ends = pieces[0].split(separator: "-", omittingEmptySubsequences: false)
            let low: Int
            var high: Int
            if pieces[0] == "*" {
                (low, high) = (range.lowerBound, names.count == 7 ? 6 : range.upperBound)
            } else if ends.count == 1 {
                low = try value(ends[0], range, names)
                high = pieces.count == 2 ? (names.count == 7 ? 6 : range.upperBound) : low
            } else if ends.count == 2 {
                (low, high) = (try value(ends[0], range, names), try value(ends[1], range, names))
            } else {
                throw InvalidField(reason: "'\(pieces[0])' is no range")
            }
            if low > high, names.count == 7 { high += 7 }
            guard low <= high else { throw InvalidField(reason: "the range \(low)-\(high) runs backwards") }
            for number in stride(from: low, through: high, by: step) {
                set |= 1 << UInt64(names.count == 7 && number > 7 ? number - 7 : number)
            }
        }
        return set
    }

    private static func value(_ text: Substring, _ range: ClosedRange<Int>, _ names: [String]) throws(InvalidField) -> Int {
        if let index = names.firstIndex(of: text.lowercased()) { return index + range.lowerBound }
        guard let number = Int(text), text.allSatisfy(\.isNumber), range.contains(number) else {
            let also = names.isEmpty ? "" : " or \(names[0].uppercased()) to \(names[names.count - 1].uppercased())"
            throw InvalidField(reason: "'\(text)' is no number from \(range.lowerBound) to \(range.upperBound)\(also)")
        }
        return number
    }
}

/// A reading of a wall clock: seconds since 1970 as if the clock showed UTC.
struct LocalTime: Hashable, Comparable {
    var seconds: Int

    static func < (first: LocalTime, second: LocalTime) -> Bool { first.seconds < second.seconds }

    var minuteFloor: Int { seconds.floorDivided(by: 60) }
    var minuteCeiling: Int { (seconds + 59).floorDivided(by: 60) }

    init(seconds: Int) { self.seconds = seconds }

    init(_ year: Int, _ month: Int, _ day: Int, _ hour: Int = 0, _ minute: Int = 0, _ second: Int = 0) {
        seconds = Self.day(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second
    }

    /// Days since 1970 (Howard Hinnant's `days_from_civil`).
    static func day(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let y = month <= 2 ? year - 1 : year
        let era = y.floorDivided(by: 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let yearOfEra = y - era * 400
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    static func date(ofDay day: Int) -> (year: Int, month: Int, day: Int) {
        let z = day + 719_468
        let era = z.floorDivided(by: 146_097)
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    /// 0 is Sunday; 1970 began on a Thursday.
    static func weekday(ofDay day: Int) -> Int { ((day + 4) % 7 + 7) % 7 }

    static func daysInMonth(_ month: Int, year: Int) -> Int {
        month == 12 ? 31 : day(year, month + 1, 1) - day(year, month, 1)
    }
}

extension Int {
    func floorDivided(by divisor: Int) -> Int {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}

/// A schedule that is none, with the reason.
package struct InvalidTimetable: DescribedError {
    package let text: String
    package let reason: String
    package var problem: String { "'\(text)' is no schedule: \(reason)" }
    package var nextStep: String? {
        "write five cron fields such as '0 3 * * MON-FRI', a preset such as @daily, or use Timetable.interval"
    }
}
