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

/// Intervals as SQL literals (Spark's "ANSI interval" reference), and as words.
package enum IntervalText {
    package static func sql(months: Int32, range: YearMonthField.Range = .yearToMonth) -> String {
        let magnitude = Int64(months).magnitude
        let sign = months < 0 ? "-" : ""
        switch (range.start, range.end) {
        case (.year, .year): return "INTERVAL '\(sign)\(magnitude / 12)' YEAR"
        case (.month, _): return "INTERVAL '\(sign)\(magnitude)' MONTH"
        default: return "INTERVAL '\(sign)\(magnitude / 12)-\(magnitude % 12)' YEAR TO MONTH"
        }
    }

    package static func sql(micros: Int64, range: DayTimeField.Range = .dayToSecond) -> String {
        let magnitude = micros.magnitude
        let seconds = magnitude / 1_000_000
        func two(_ value: UInt64) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let digits = String(magnitude % 1_000_000)
        var fraction = String(repeating: "0", count: 6 - digits.count) + digits
        while fraction.last == "0" { fraction.removeLast() }
        if !fraction.isEmpty { fraction = "." + fraction }
        // The first field is as long as it must be, the others have two digits.
        let units: [UInt64] = [86_400, 3_600, 60, 1]
        var rest = seconds
        var text = ""
        for field in range.start.rawValue...range.end.rawValue {
            let value = rest / units[field]
            rest %= units[field]
            let separator = field == range.start.rawValue ? "" : field == 1 ? " " : ":"
            text += separator + (field == range.start.rawValue ? (field == 0 ? "\(value)" : two(value)) : two(value))
            if field == 3 { text += fraction }
        }
        return "INTERVAL '\(micros < 0 ? "-" : "")\(text)' \(range.simpleString.uppercased())"
    }

    package static func sql(months: Int32, days: Int32, micros: Int64) -> String {
        "INTERVAL '\(words(months: months, days: days, micros: micros))'"
    }

    /// `1 years 2 months 3 days 4 hours 5 minutes 6.5 seconds`, parts that are zero left out: what a cast to string gives.
    package static func words(months: Int32, days: Int32, micros: Int64) -> String {
        var parts: [String] = []
        func add(_ value: Int64, _ unit: String) {
            if value != 0 { parts.append("\(value) \(unit)") }
        }
        add(Int64(months / 12), "years")
        add(Int64(months % 12), "months")
        add(Int64(days), "days")
        add(micros / 3_600_000_000, "hours")
        add(micros % 3_600_000_000 / 60_000_000, "minutes")
        let rest = micros % 60_000_000
        if rest != 0 {
            var text = Literal.decimalText(unscaled: Int128(rest), scale: 6)
            while text.last == "0" { text.removeLast() }
            if text.last == "." { text.removeLast() }
            parts.append("\(text) seconds")
        }
        return parts.isEmpty ? "0 seconds" : parts.joined(separator: " ")
    }
}
