/// The fields of a year-month interval, numbered as Spark numbers them.
package enum YearMonthField: Int, Hashable, Sendable {
    case year = 0
    case month = 1

    package struct Range: Hashable, Sendable {
        package var start: YearMonthField
        package var end: YearMonthField

        package init(_ start: YearMonthField, _ end: YearMonthField) {
            self.start = start
            self.end = end
        }

        package static let yearToMonth = Range(.year, .month)

        /// `year to month`, `month`.
        package var simpleString: String { start == end ? "\(start)" : "\(start) to \(end)" }
    }
}

/// The fields of a day-time interval, numbered as Spark numbers them.
package enum DayTimeField: Int, Hashable, Sendable {
    case day = 0
    case hour = 1
    case minute = 2
    case second = 3

    package struct Range: Hashable, Sendable {
        package var start: DayTimeField
        package var end: DayTimeField

        package init(_ start: DayTimeField, _ end: DayTimeField) {
            self.start = start
            self.end = end
        }

        package static let dayToSecond = Range(.day, .second)

        /// `day to second`, `hour`.
        package var simpleString: String { start == end ? "\(start)" : "\(start) to \(end)" }
    }
}

/// Intervals as SQL literals (Spark's "ANSI interval" reference).
package enum IntervalText {
    package static func sql(months: Int32) -> String {
        let magnitude = Int64(months).magnitude
        return "INTERVAL '\(months < 0 ? "-" : "")\(magnitude / 12)-\(magnitude % 12)' YEAR TO MONTH"
    }

    package static func sql(micros: Int64) -> String {
        let magnitude = micros.magnitude
        let seconds = magnitude / 1_000_000
        func two(_ value: UInt64) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let digits = String(magnitude % 1_000_000)
        var fraction = String(repeating: "0", count: 6 - digits.count) + digits
        while fraction.last == "0" { fraction.removeLast() }
        return
            "INTERVAL '\(micros < 0 ? "-" : "")\(seconds / 86_400) \(two(seconds / 3_600 % 24)):\(two(seconds / 60 % 60)):\(two(seconds % 60))\(fraction.isEmpty ? "" : ".\(fraction)")' DAY TO SECOND"
    }

    package static func sql(months: Int32, days: Int32, micros: Int64) -> String {
        "INTERVAL '\(months) months \(days) days \(micros) microseconds'"
    }
}
