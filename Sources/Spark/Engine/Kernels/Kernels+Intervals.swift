extension Kernels {
    /// Values of an interval as months and as microseconds: one of them is nil.
    private static func each(
        _ call: KernelCall, months: (ValueReader<Int32>, Int) throws -> Int32?, micros: (ValueReader<Int64>, Int) throws -> Int64?,
        calendar: (ValueReader<CalendarInterval>, Int) throws -> CalendarInterval?
    ) rethrows -> Column {
        switch call.columns[0].values {
        case .integer:
            let x = call.int32(0)
            return try call.int32s { try months(x, $0) }
        case .interval:
            let x = call.interval(0)
            return try call.intervals { try calendar(x, $0) }
        default:
            let x = call.int64(0)
            return try call.int64s { try micros(x, $0) }
        }
    }

    private static let overflow = SparkError(
        "INTERVAL_ARITHMETIC_OVERFLOW.WITHOUT_SUGGESTION", sqlState: "22015", "Integer overflow while operating with intervals.")

    private static func fitting<T: FixedWidthInteger>(_ result: (partialValue: T, overflow: Bool)) throws -> T {
        if result.overflow { throw overflow }
        return result.partialValue
    }

    private static func rounded<T: FixedWidthInteger>(_ value: Double) throws -> T {
        guard value.isFinite, let whole = T(exactly: value.rounded(.toNearestOrAwayFromZero)) else { throw overflow }
        return whole
    }

    static let intervals: [String: Kernel] = [
        "negate_interval": Kernel { call in
            try each(
                call, months: { try fitting(Int32(0).subtractingReportingOverflow($0[$1])) },
                micros: { try fitting(Int64(0).subtractingReportingOverflow($0[$1])) },
                calendar: { CalendarInterval(months: 0 &- $0[$1].months, days: 0 &- $0[$1].days, micros: 0 &- $0[$1].micros) })
        },
        "absolute_interval": Kernel { call in
            try each(
                call, months: { $0[$1] < 0 ? try fitting(Int32(0).subtractingReportingOverflow($0[$1])) : $0[$1] },
                micros: { $0[$1] < 0 ? try fitting(Int64(0).subtractingReportingOverflow($0[$1])) : $0[$1] }, calendar: { $0[$1] })
        },
        "sign_interval": Kernel { call in
            if case .integer = call.columns[0].values {
                let x = call.int32(0)
                return call.float64s { Double(x[$0].signum()) }
            }
            let x = call.int64(0)
            return call.float64s { Double(x[$0].signum()) }
        },
        "add_intervals": Kernel { call in
            let (months, micros, calendars) = (call.int32(1), call.int64(1), call.interval(1))
            return try each(
                call, months: { try fitting($0[$1].addingReportingOverflow(months[$1])) },
                micros: { try fitting($0[$1].addingReportingOverflow(micros[$1])) },
                calendar: {
                    let (a, b) = ($0[$1], calendars[$1])
                    return CalendarInterval(
                        months: try fitting(a.months.addingReportingOverflow(b.months)),
                        days: try fitting(a.days.addingReportingOverflow(b.days)),
                        micros: try fitting(a.micros.addingReportingOverflow(b.micros)))
                })
        },
        "subtract_intervals": Kernel { call in
            let (months, micros, calendars) = (call.int32(1), call.int64(1), call.interval(1))
            return try each(
                call, months: { try fitting($0[$1].subtractingReportingOverflow(months[$1])) },
                micros: { try fitting($0[$1].subtractingReportingOverflow(micros[$1])) },
                calendar: {
                    let (a, b) = ($0[$1], calendars[$1])
                    return CalendarInterval(
                        months: try fitting(a.months.subtractingReportingOverflow(b.months)),
                        days: try fitting(a.days.subtractingReportingOverflow(b.days)),
                        micros: try fitting(a.micros.subtractingReportingOverflow(b.micros)))
                })
        },
        "multiply_interval": Kernel { call in
            let (whole, fraction) = (call.int64(1), call.float64(1))
            let isWhole = if case .long = call.columns[1].values { true } else { false }
            func factor(_ row: Int) -> Double { isWhole ? Double(whole[row]) : fraction[row] }
            return try each(
                call, months: { isWhole ? try rounded(Double($0[$1]) * Double(whole[$1])) : try rounded(Double($0[$1]) * fraction[$1]) },
                micros: {
                    isWhole ? try fitting($0[$1].multipliedReportingOverflow(by: whole[$1])) : try rounded(Double($0[$1]) * fraction[$1])
                },
                calendar: { try scaled($0[$1], factor($1)) })
        },
        "divide_interval": Kernel { call in
            let (whole, fraction) = (call.int64(1), call.float64(1))
            let isWhole = if case .long = call.columns[1].values { true } else { false }
            func divisor(_ row: Int) throws -> Double {
                let value = isWhole ? Double(whole[row]) : fraction[row]
                if value == 0 {
                    throw SparkError(
                        "INTERVAL_DIVIDED_BY_ZERO", sqlState: "22012",
                        "Division by zero. Use `try_divide` to tolerate divisor being 0 and return NULL instead.")
                }
                return value
            }
            return try each(
                call, months: { try rounded(Double($0[$1]) / (try divisor($1))) },
                micros: { try rounded(Double($0[$1]) / (try divisor($1))) },
                calendar: { try scaled($0[$1], 1 / (try divisor($1))) })
        },
        "divide_intervals": Kernel { call in
            if case .integer = call.columns[0].values {
                let (a, b) = (call.int32(0), call.int32(1))
                return try call.int64s { row in
                    if b[row] == 0 { throw Evaluator.divideByZero }
                    return Int64(a[row]) / Int64(b[row])
                }
            }
            let (a, b) = (call.int64(0), call.int64(1))
            return try call.int64s { row in
                if b[row] == 0 { throw Evaluator.divideByZero }
                return a[row] / b[row]
            }
        },
        "timestamp_add": Kernel { call in
            let micros = call.int64(0)
            let zone: ZoneRules = call.columns[0].type == .timestampNTZ ? .utc : call.zone
            switch call.columns[1].values {
            case .integer:
                let months = call.int32(1)
                return call.int64s { DateTimeMath.adding(CalendarInterval(months: months[$0], days: 0, micros: 0), to: micros[$0], zone) }
            case .interval:
                let interval = call.interval(1)
                return call.int64s { DateTimeMath.adding(interval[$0], to: micros[$0], zone) }
            default:
                let added = call.int64(1)
                // Whole days move the local date, the rest the instant.
                return call.int64s { row in
                    let days = added[row] / DateTimeText.microsPerDay
                    return DateTimeMath.adding(
                        CalendarInterval(
                            months: 0, days: Int32(truncatingIfNeeded: days), micros: added[row] - days * DateTimeText.microsPerDay),
                        to: micros[row], zone)
                }
            }
        },
        "timestamp_difference": Kernel { call in
            let (left, right) = (call.int64(0), call.int64(1))
            let zone: ZoneRules = call.columns[0].type == .timestampNTZ ? .utc : call.zone
            // Between local times, so that a day is a day.
            return call.int64s { zone.local(left[$0]) - zone.local(right[$0]) }
        },
    ]

    private static func scaled(_ interval: CalendarInterval, _ factor: Double) throws -> CalendarInterval {
        let (months, days) = (Double(interval.months) * factor, Double(interval.days) * factor)
        let wholeMonths = months.rounded(.towardZero)
        let wholeDays = days.rounded(.towardZero)
        return CalendarInterval(
            months: try rounded(wholeMonths), days: try rounded(wholeDays),
            micros: try rounded(Double(interval.micros) * factor + (days - wholeDays) * Double(DateTimeText.microsPerDay)))
    }

    static let calendars: [String: Kernel] = [
        "make_interval": Kernel { call in
            let parts = (0...5).map { call.int32($0) }
            let seconds = call.decimal(6)
            return try call.intervals { row in
                let months = Int64(parts[0][row]) * 12 + Int64(parts[1][row])
                let days = Int64(parts[2][row]) * 7 + Int64(parts[3][row])
                let micros = Int128(parts[4][row]) * 3_600_000_000 + Int128(parts[5][row]) * 60_000_000 + seconds[row]
                guard let m = Int32(exactly: months), let d = Int32(exactly: days), let u = Int64(exactly: micros) else { throw overflow }
                return CalendarInterval(months: m, days: d, micros: u)
            }
        },
        "make_dt_interval": Kernel { call in
            let (days, hours, minutes, seconds) = (call.int32(0), call.int32(1), call.int32(2), call.decimal(3))
            return try call.int64s { row in
                let whole = Int128(days[row]) * 86_400_000_000 + Int128(hours[row]) * 3_600_000_000 + Int128(minutes[row]) * 60_000_000
                guard let micros = Int64(exactly: whole + seconds[row]) else { throw overflow }
                return micros
            }
        },
        "make_ym_interval": Kernel { call in
            let (years, months) = (call.int32(0), call.int32(1))
            return try call.int32s { row in
                guard let total = Int32(exactly: Int64(years[row]) * 12 + Int64(months[row])) else { throw overflow }
                return total
            }
        },
        "interval_year": Kernel { call in
            if case .integer = call.columns[0].values {
                let months = call.int32(0)
                return call.int32s { months[$0] / 12 }
            }
            let value = call.interval(0)
            return call.int32s { value[$0].months / 12 }
        },
        "interval_month": Kernel { call in
            let (months, value) = (call.int32(0), call.interval(0))
            let isYearMonth = if case .integer = call.columns[0].values { true } else { false }
            func month(_ row: Int) -> Int32 { (isYearMonth ? months[row] : value[row].months) % 12 }
            return call.type == .byte ? call.make({ .byte($0) }) { Int8(month($0)) } : call.int32s { month($0) }
        },
        "interval_day": Kernel { call in
            if case .interval = call.columns[0].values {
                let value = call.interval(0)
                return call.int32s { value[$0].days }
            }
            let micros = call.int64(0)
            return call.int32s { Int32(truncatingIfNeeded: micros[$0] / DateTimeText.microsPerDay) }
        },
        "interval_hour": Kernel { call in
            let micros = timePart(call)
            return call.make({ .byte($0) }) { Int8(truncatingIfNeeded: micros($0) / 3_600_000_000) }
        },
        "interval_minute": Kernel { call in
            let micros = timePart(call)
            return call.make({ .byte($0) }) { Int8(truncatingIfNeeded: micros($0) / 60_000_000 % 60) }
        },
        "interval_second": Kernel { call in
            let micros = timePart(call)
            return call.decimals { Int128(micros($0) % 60_000_000) }
        },
    ]

    private static func timePart(_ call: KernelCall) -> (Int) -> Int64 {
        if case .interval = call.columns[0].values {
            let value = call.interval(0)
            return { value[$0].micros }
        }
        let micros = call.int64(0)
        return { micros[$0] % DateTimeText.microsPerDay }
    }
}
