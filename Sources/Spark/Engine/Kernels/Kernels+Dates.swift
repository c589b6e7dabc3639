extension Kernels {
    @inline(__always)
    private static func field(_ body: @escaping @Sendable (Int32) -> Int) -> Kernel {
        Kernel { call in
            let days = call.int32(0)
            return call.int32s { Int32(truncatingIfNeeded: body(days[$0])) }
        }
    }

    private static func civil(_ days: Int32) -> (year: Int, month: Int, day: Int) { DateTimeText.civil(days: Int(days)) }

    static let dates: [String: Kernel] = [
        "year": field { civil($0).year }, "quarter": field { (civil($0).month + 2) / 3 }, "month": field { civil($0).month },
        "day": field { civil($0).day }, "dayofyear": field { DateTimeMath.dayOfYear($0) },
        // Sunday is 1; for weekday Monday is 0.
        "dayofweek": field { DateTimeMath.isoWeekday($0) % 7 + 1 }, "weekday": field { DateTimeMath.isoWeekday($0) - 1 },
        "weekofyear": field { DateTimeMath.isoWeek($0).week }, "yearofweek": field { DateTimeMath.isoWeek($0).year },
        "dayname": Kernel { call in
            let days = call.int32(0)
            return call.strings { String(DatePattern.days[DateTimeMath.isoWeekday(days[$0]) - 1].prefix(3)) }
        },
        "monthname": Kernel { call in
            let days = call.int32(0)
            return call.strings { String(DatePattern.months[civil(days[$0]).month - 1].prefix(3)) }
        },
        "date_add": Kernel { call in
            let (days, count) = (call.int32(0), call.int32(1))
            return try call.int32s { try checked(days[$0].addingReportingOverflow(count[$0]), .date) }
        },
        "date_sub": Kernel { call in
            let (days, count) = (call.int32(0), call.int32(1))
            return try call.int32s { try checked(days[$0].subtractingReportingOverflow(count[$0]), .date) }
        },
        "datediff": Kernel { call in
            let (end, start) = (call.int32(0), call.int32(1))
            return call.int32s { end[$0] &- start[$0] }
        },
        "add_months": Kernel { call in
            let (days, months) = (call.int32(0), call.int32(1))
            return call.int32s { DateTimeMath.adding(months: Int(months[$0]), to: days[$0]) }
        },
        "months_between": Kernel { call in
            let (first, second) = (call.int64(0), call.int64(1))
            let rounds = call.columns.count > 2 ? call.bool(2) : nil
            let zone = call.zone
            return call.float64s { row in monthsBetween(zone.local(first[row]), zone.local(second[row]), rounds: rounds?[row] ?? true) }
        },
        "last_day": Kernel { call in
            let days = call.int32(0)
            return call.int32s { row in
                let (year, month, day) = civil(days[row])
                return days[row] + Int32(DateTimeText.daysInMonth(year: year, month: month) - day)
            }
        },
        "next_day": Kernel { call in
            let (days, name) = (call.int32(0), call.text(1))
            return try call.int32s { row in
                let wanted = name[row].string.uppercased()
                guard
                    let index = DatePattern.days.firstIndex(where: { day in
                        let full = day.uppercased()
                        return wanted == full || wanted == full.prefix(3) || wanted == full.prefix(2)
                    })
                else {
                    throw SparkError(
                        "ILLEGAL_DAY_OF_WEEK", sqlState: "22009", "Illegal input for day of week: \(name[row].string).")
                }
                let distance = (index + 1 - DateTimeMath.isoWeekday(days[row]) + 6) % 7 + 1
                return days[row] + Int32(distance)
            }
        },
        "trunc": Kernel { call in
            let (days, level) = (call.int32(0), call.text(1))
            return call.int32s { truncated(days[$0], level[$0].string.uppercased()) }
        },
        "make_date": Kernel { call in
            let (year, month, day) = (call.int32(0), call.int32(1), call.int32(2))
            return try call.int32s { try date(Int(year[$0]), Int(month[$0]), Int(day[$0])) }
        },
        "date_from_unix_date": Kernel { call in call.columns[0].retyped(.date) },
        "unix_date": Kernel { call in call.columns[0].retyped(.integer) },
        "date_difference": Kernel { call in
            let (left, right) = (call.int32(0), call.int32(1))
            return call.int64s { (Int64(left[$0]) - Int64(right[$0])) * DateTimeText.microsPerDay }
        },
        "date_add_months": Kernel { call in
            let (days, months) = (call.int32(0), call.int32(1))
            return call.int32s { DateTimeMath.adding(months: Int(months[$0]), to: days[$0]) }
        },
        "date_add_days": Kernel { call in
            let (days, micros) = (call.int32(0), call.int64(1))
            return call.int32s { days[$0] &+ Int32(truncatingIfNeeded: micros[$0] / DateTimeText.microsPerDay) }
        },
        "date_add_calendar": Kernel { call in
            let (days, interval) = (call.int32(0), call.interval(1))
            return try call.int32s { row in
                let moved = interval[row]
                guard moved.micros == 0 else {
                    throw SparkError(
                        "INVALID_INTERVAL_WITH_MICROSECONDS_ADDITION", sqlState: "22006",
                        "Cannot add an interval to a date because its microseconds part is not 0. If necessary set \"spark.sql.ansi.enabled\" to \"false\" to bypass this error."
                    )
                }
                return DateTimeMath.adding(months: Int(moved.months), to: days[row]) &+ moved.days
            }
        },
    ]

    static func checked<T: FixedWidthInteger>(_ result: (partialValue: T, overflow: Bool), _ type: DataType) throws -> T {
        if result.overflow { throw Evaluator.overflow(type) }
        return result.partialValue
    }

    static func date(_ year: Int, _ month: Int, _ day: Int) throws -> Int32 {
        guard (1...12).contains(month), day >= 1, day <= DateTimeText.daysInMonth(year: year, month: month), abs(year) <= 999_999 else {
            throw SparkError(
                "DATETIME_FIELD_OUT_OF_BOUNDS.WITHOUT_SUGGESTION", sqlState: "22023",
                "Invalid value for a date's fields: year \(year), month \(month), day \(day). "
            )
        }
        return Int32(truncatingIfNeeded: DateTimeText.days(year: year, month: month, day: day))
    }

    /// The first day of a year, quarter, month or week; nil for other levels.
    static func truncated(_ days: Int32, _ level: String) -> Int32? {
        let (year, month, day) = civil(days)
        switch level {
        case "YEAR", "YYYY", "YY": return Int32(DateTimeText.days(year: year, month: 1, day: 1))
        case "QUARTER": return Int32(DateTimeText.days(year: year, month: (month - 1) / 3 * 3 + 1, day: 1))
        case "MONTH", "MM", "MON": return days - Int32(day - 1)
        case "WEEK": return days - Int32(DateTimeMath.isoWeekday(days) - 1)
        default: return nil
        }
    }

    private static func monthsBetween(_ first: Int64, _ second: Int64, rounds: Bool) -> Double {
        let (a, b) = (civil(DateTimeMath.days(first)), civil(DateTimeMath.days(second)))
        let months = Double((a.year * 12 + a.month) - (b.year * 12 + b.month))
        let lastOfBoth =
            a.day == DateTimeText.daysInMonth(year: a.year, month: a.month)
            && b.day == DateTimeText.daysInMonth(year: b.year, month: b.month)
        if a.day == b.day || lastOfBoth { return months }
        let seconds = DateTimeMath.timeOfDay(first) / 1_000_000 - DateTimeMath.timeOfDay(second) / 1_000_000
        // Months of 31 days.
        let result = months + Double(Int64(a.day - b.day) * 86_400 + seconds) / (31 * 86_400)
        return rounds ? (result * 1e8).rounded(.toNearestOrAwayFromZero) / 1e8 : result
    }
}
