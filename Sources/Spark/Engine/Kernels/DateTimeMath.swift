/// Days, months and fields of moments, in the proleptic Gregorian calendar.
enum DateTimeMath {
    @inline(__always) static func floor(_ value: Int64, _ divisor: Int64) -> Int64 {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }

    /// The day of a local moment.
    @inline(__always) static func days(_ micros: Int64) -> Int32 { Int32(truncatingIfNeeded: floor(micros, DateTimeText.microsPerDay)) }

    /// Microseconds since the local day began.
    @inline(__always) static func timeOfDay(_ micros: Int64) -> Int64 {
        micros - floor(micros, DateTimeText.microsPerDay) * DateTimeText.microsPerDay
    }

    static func micros(of field: DayTimeField) -> Int64 {
        switch field {
        case .day: DateTimeText.microsPerDay
        case .hour: 3_600_000_000
        case .minute: 60_000_000
        case .second: 1_000_000
        }
    }

    /// The same day of another month, or its last when it is shorter.
    static func adding(months: Int, to days: Int32) -> Int32 {
        let (year, month, day) = DateTimeText.civil(days: Int(days))
        let total = year * 12 + month - 1 + months
        let newYear = total >= 0 ? total / 12 : (total - 11) / 12
        let newMonth = total - newYear * 12 + 1
        return Int32(
            truncatingIfNeeded: DateTimeText.days(
                year: newYear, month: newMonth, day: min(day, DateTimeText.daysInMonth(year: newYear, month: newMonth))))
    }

    /// A moment moved by an interval in a zone: months and days move the local date, microseconds the instant.
    static func adding(_ interval: CalendarInterval, to micros: Int64, _ zone: ZoneRules) -> Int64 {
        var instant = micros
        if interval.months != 0 || interval.days != 0 {
            let local = zone.local(micros)
            let date = adding(months: Int(interval.months), to: days(local)) &+ interval.days
            instant = zone.instant(Int64(date) * DateTimeText.microsPerDay + timeOfDay(local))
        }
        return instant &+ interval.micros
    }

    /// 1 for Monday to 7 for Sunday.
    @inline(__always) static func isoWeekday(_ days: Int32) -> Int {
        // 1970-01-01 was a Thursday.
        let weekday = (Int(days) + 3) % 7
        return (weekday < 0 ? weekday + 7 : weekday) + 1
    }

    static func dayOfYear(_ days: Int32) -> Int {
        let year = DateTimeText.civil(days: Int(days)).year
        return Int(days) - DateTimeText.days(year: year, month: 1, day: 1) + 1
    }

    /// Year and number of the ISO week: the week of a year's first Thursday is its first.
    static func isoWeek(_ days: Int32) -> (year: Int, week: Int) {
        let thursday = Int(days) - isoWeekday(days) + 4
        let year = DateTimeText.civil(days: thursday).year
        return (year, (thursday - DateTimeText.days(year: year, month: 1, day: 1)) / 7 + 1)
    }
}

/// Texts of moments in a zone.
enum TimestampText {
    static func instant(_ moment: DateTimeText.Moment, in zone: ZoneRules) -> Int64? {
        switch moment.zone {
        case .none: return zone.instant(moment.micros)
        case .offset(let seconds): return moment.micros - seconds * DateTimeText.microsPerSecond
        case .region(let name): return (try? ZoneRules.named(name))?.instant(moment.micros)
        }
    }
}
