/// Months, days and microseconds that are not added up, each with its own sign: a day may last 23 hours, a month 28 days.
struct CalendarInterval: BitwiseCopyable, Hashable {
    var months: Int32
    var days: Int32
    var micros: Int64
}
