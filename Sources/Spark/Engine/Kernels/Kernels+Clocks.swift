/// Timestamps: the instant is UTC, its fields are those of the session's zone; a timestamp without zone is its own local time.
extension Kernels {
    private static func local(_ call: KernelCall, _ index: Int) -> ZoneRules {
        call.columns[index].type == .timestampNTZ ? .utc : call.zone
    }

    private static func timeField(_ unit: Int64, _ modulus: Int64) -> Kernel {
        Kernel { call in
            let (micros, zone) = (call.int64(0), local(call, 0))
            return call.int32s { Int32(DateTimeMath.timeOfDay(zone.local(micros[$0])) / unit % modulus) }
        }
    }

    static let clocks: [String: Kernel] = [
        "hour": timeField(3_600_000_000, 24), "minute": timeField(60_000_000, 60), "second": timeField(1_000_000, 60),
        "second_fraction": Kernel { call in
            let (micros, zone) = (call.int64(0), local(call, 0))
            return call.decimals { Int128(DateTimeMath.timeOfDay(zone.local(micros[$0])) % 60_000_000) }
        },
        "parse_timestamp": Kernel { call in
            let text = call.text(0)
            let isLocal = call.type == .timestampNTZ
            return try patterned(call, 1) { row, pattern in
                guard let micros = pattern.read(text[row].bytes, call.zone, isLocal: isLocal) else { throw unparsable(text[row].string) }
                return micros
            }
        },
        "parse_date": Kernel { call in
            let text = call.text(0)
            let cache = PatternCache()
            let pattern = call.text(1)
            return try call.int32s { row in
                guard let micros = try cache.pattern(pattern[row]).read(text[row].bytes, .utc, isLocal: true) else {
                    throw unparsable(text[row].string)
                }
                return DateTimeMath.days(micros)
            }
        },
        "unix_timestamp": Kernel { call in
            let text = call.text(0)
            return try patterned(call, 1) { row, pattern in
                guard let micros = pattern.read(text[row].bytes, call.zone, isLocal: false) else { throw unparsable(text[row].string) }
                return DateTimeMath.floor(micros, 1_000_000)
            }
        },
        "unix_now": Kernel(.own) { call in
            Column.constant(.long(DateTimeMath.floor(call.context.timestampMicros, 1_000_000)), type: .long, count: call.count)
        },
        "date_format": Kernel { call in
            let (micros, pattern) = (call.int64(0), call.text(1))
            let isLocal = call.columns[0].type == .timestampNTZ
            let cache = PatternCache()
            return try call.texts { row, out in
                try cache.pattern(pattern[row]).write(micros[row], call.zone, isLocal: isLocal, to: &out)
                return true
            }
        },
        "from_unixtime": Kernel { call in
            let (seconds, pattern) = (call.int64(0), call.text(1))
            let cache = PatternCache()
            return try call.texts { row, out in
                try cache.pattern(pattern[row]).write(seconds[row] &* 1_000_000, call.zone, isLocal: false, to: &out)
                return true
            }
        },
        "date_trunc": Kernel { call in
            let (level, micros, zone) = (call.text(0), call.int64(1), local(call, 1))
            return call.int64s { row in
                let name = level[row].string.uppercased()
                let instant = micros[row]
                let unit: Int64
                switch name {
                case "MICROSECOND": return instant
                case "MILLISECOND": unit = 1_000
                case "SECOND": unit = 1_000_000
                case "MINUTE": unit = 60_000_000
                case "HOUR": unit = 3_600_000_000
                default:
                    let day = DateTimeMath.days(zone.local(instant))
                    guard let first = ["DAY", "DD"].contains(name) ? day : truncated(day, name) else { return nil }
                    return zone.instant(Int64(first) * DateTimeText.microsPerDay)
                }
                let offset = zone.offset(at: instant) * 1_000_000
                return DateTimeMath.floor(instant + offset, unit) * unit - offset
            }
        },
        "from_utc_timestamp": Kernel { call in
            let (micros, name) = (call.int64(0), call.text(1))
            return try call.int64s { row in try ZoneRules.named(name[row].string).local(micros[row]) }
        },
        "to_utc_timestamp": Kernel { call in
            let (micros, name) = (call.int64(0), call.text(1))
            return try call.int64s { row in try ZoneRules.named(name[row].string).instant(micros[row]) }
        },
        "convert_timezone": Kernel { call in
            let (from, to, micros) = (call.text(0), call.text(1), call.int64(2))
            return try call.int64s { row in
                try ZoneRules.named(to[row].string).local(try ZoneRules.named(from[row].string).instant(micros[row]))
            }
        },
        "timestamp_seconds": Kernel { call in
            switch call.columns[0].values {
            case .decimal:
                let (value, scale) = (call.decimal(0), call.scale(0))
                return try call.int64s { row in
                    guard scale <= 6 || value[row] % DecimalMath.powers[scale - 6] == 0,
                        let micros = DecimalMath.rescaled(value[row], from: scale, to: 6).flatMap({ Int64(exactly: $0) })
                    else { throw Evaluator.overflow(.long) }
                    return micros
                }
            case .double:
                let seconds = call.float64(0)
                return call.int64s { row in seconds[row].isFinite ? Int64(exactly: (seconds[row] * 1e6).rounded(.towardZero)) : nil }
            default:
                let seconds = call.int64(0)
                return try call.int64s { try checked(seconds[$0].multipliedReportingOverflow(by: 1_000_000), .long) }
            }
        },
        "timestamp_millis": Kernel { call in
            let millis = call.int64(0)
            return try call.int64s { try checked(millis[$0].multipliedReportingOverflow(by: 1_000), .long) }
        },
        "timestamp_micros": Kernel { call in call.columns[0].retyped(.timestamp) },
        "unix_seconds": Kernel { call in
            let micros = call.int64(0)
            return call.int64s { DateTimeMath.floor(micros[$0], 1_000_000) }
        },
        "unix_millis": Kernel { call in
            let micros = call.int64(0)
            return call.int64s { DateTimeMath.floor(micros[$0], 1_000) }
        },
        "unix_micros": Kernel { call in call.columns[0].retyped(.long) },
        "make_timestamp": Kernel { call in
            let parts = (0...4).map { call.int32($0) }
            let seconds = call.decimal(5)
            let zoneName = call.columns.count > 6 ? call.text(6) : nil
            return try call.int64s { row in
                let day = try date(Int(parts[0][row]), Int(parts[1][row]), Int(parts[2][row]))
                let (hour, minute, second) = (Int64(parts[3][row]), Int64(parts[4][row]), Int64(truncatingIfNeeded: seconds[row]))
                guard (0..<24).contains(hour), (0..<60).contains(minute), (0..<60_000_000).contains(second) || second == 60_000_000 else {
                    throw SparkError(
                        "DATETIME_FIELD_OUT_OF_BOUNDS.WITHOUT_SUGGESTION",
                        sqlState: "22023",
                        "Invalid value for a time's fields: hour \(hour), minute \(minute), microseconds \(second). If necessary set \"spark.sql.ansi.enabled\" to \"false\" to bypass this error."
                    )
                }
                let micros = Int64(day) * DateTimeText.microsPerDay + hour * 3_600_000_000 + minute * 60_000_000 + second
                if call.type == .timestampNTZ { return micros }
                return try (zoneName.map { try ZoneRules.named($0[row].string) } ?? call.zone).instant(micros)
            }
        },
        "localtimestamp": Kernel(.own) { call in
            Column.constant(.timestampNTZ(call.zone.local(call.context.timestampMicros)), type: .timestampNTZ, count: call.count)
        },
        "current_timezone": Kernel(.own) { call in Column.constant(.string(call.zone.name), type: .string, count: call.count) },
        "window_time": Kernel { call in
            let end = call.int64(0)
            return call.int64s { end[$0] - 1 }
        },
        "window": Kernel { call in
            let (micros, window) = (call.int64(0), try WindowLengths(call))
            func bound(_ offset: Int64) -> Column {
                KernelCall(
                    evaluator: call.evaluator, name: call.name, columns: call.columns, type: call.columns[0].type, validity: call.validity,
                    selection: call.selection
                ).int64s { window.start(micros[$0]) + offset }
            }
            return Column(call.type, count: call.count, values: .structure([bound(0), bound(window.length)]), validity: call.validity)
        },
        "sliding_windows": Kernel { call in
            let (micros, window) = (call.int64(0), try WindowLengths(call))
            var starts: [Int64] = []
            let (offsets, _, bits) = call.lists { row, indices in
                var start = window.start(micros[row])
                while start + window.length > micros[row] {
                    indices.append(Int32(starts.count))
                    starts.append(start)
                    start -= window.slide
                }
                return true
            }
            let type = call.columns[0].type
            let count = starts.count
            let elements = Column(
                call.type.element ?? .null, count: count,
                values: .structure([
                    Column(type, count: count, values: .long(Buffer(starts))),
                    Column(type, count: count, values: .long(Buffer(starts.map { $0 + window.length }))),
                ]))
            return Column(call.type, count: call.count, values: .array(offsets: offsets, elements), validity: bits)
        },
        "timestampadd": Kernel { call in
            let (unit, count, micros, zone) = (call.text(0), call.int64(1), call.int64(2), local(call, 2))
            return try call.int64s { row in
                guard let interval = TimeUnits.interval(unit[row].string, count[row]) else { throw TimeUnits.unknown(unit[row].string) }
                return DateTimeMath.adding(interval, to: micros[row], zone)
            }
        },
        "timestampdiff": Kernel { call in
            let (unit, start, end, zone) = (call.text(0), call.int64(1), call.int64(2), local(call, 1))
            return try call.int64s { row in
                guard let difference = TimeUnits.difference(unit[row].string, zone.local(start[row]), zone.local(end[row])) else {
                    throw TimeUnits.unknown(unit[row].string)
                }
                return difference
            }
        },
    ]

    private static func patterned(_ call: KernelCall, _ index: Int, _ body: (Int, DatePattern) throws -> Int64) throws -> Column {
        let pattern = call.text(index)
        let cache = PatternCache()
        return try call.int64s { try body($0, try cache.pattern(pattern[$0])) }
    }

    private static func unparsable(_ text: String) -> SparkError {
        SparkError(
            "CANNOT_PARSE_TIMESTAMP", sqlState: "22007",
            "Text '\(text)' could not be parsed. Use `try_to_timestamp` to tolerate invalid input string and return NULL instead.")
    }
}

/// Patterns of one batch, compiled once each.
final class PatternCache {
    private var last: (text: [UInt8], pattern: DatePattern)?

    func pattern(_ view: ByteView) throws -> DatePattern {
        if let last, last.text.count == view.length, last.text.elementsEqual(view.bytes) { return last.pattern }
        let pattern = try DatePattern(view.string)
        last = (Array(view.bytes), pattern)
        return pattern
    }
}

/// The lengths of a window, in microseconds, from the texts of its call.
struct WindowLengths {
    let length: Int64
    let slide: Int64
    private let origin: Int64

    init(_ call: KernelCall) throws {
        func micros(_ index: Int) throws -> Int64 {
            let text = call.constantText(index) ?? ""
            guard let interval = IntervalParser.calendar(text) else {
                throw SparkError(
                    "CANNOT_PARSE_INTERVAL", sqlState: "22006",
                    "Unable to parse '\(text)'. Please ensure that the value provided is in a valid format for defining an interval.")
            }
            guard interval.months == 0 else {
                throw SparkError(
                    "UNSUPPORTED_FEATURE", sqlState: "0A000", "Intervals greater than a month are not supported in a window (\(text)).")
            }
            return Int64(interval.days) * DateTimeText.microsPerDay + interval.micros
        }
        length = try micros(1)
        slide = try micros(2)
        origin = try micros(3)
        guard length > 0, slide > 0, slide <= length, abs(origin) < slide else {
            throw SparkError(
                "DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION", sqlState: "42K09",
                "The window's duration (\(length) µs) and slide (\(slide) µs) must be positive, the slide no longer than the duration, and its start within the slide."
            )
        }
    }

    /// The start of the last window that holds the moment.
    @inline(__always) func start(_ micros: Int64) -> Int64 {
        let rest = (micros - origin) % slide
        return micros - (rest < 0 ? rest + slide : rest)
    }
}

enum TimeUnits {
    static func unknown(_ unit: String) -> SparkError {
        SparkError(
            "INVALID_PARAMETER_VALUE.DATETIME_UNIT", sqlState: "22023",
            "The value of parameter(s) `unit` is invalid: expects one of the units without quotes YEAR, QUARTER, MONTH, WEEK, DAY, DAYOFYEAR, HOUR, MINUTE, SECOND, MILLISECOND, MICROSECOND, but got '\(unit)'."
        )
    }

    private static let micros: [String: Int64] = [
        "MICROSECOND": 1, "MILLISECOND": 1_000, "SECOND": 1_000_000, "MINUTE": 60_000_000, "HOUR": 3_600_000_000,
    ]
    private static let days: [String: Int64] = ["DAY": 1, "DAYOFYEAR": 1, "WEEK": 7]
    private static let months: [String: Int64] = ["MONTH": 1, "QUARTER": 3, "YEAR": 12]

    static func interval(_ unit: String, _ count: Int64) -> CalendarInterval? {
        if let size = micros[unit] { return CalendarInterval(months: 0, days: 0, micros: count &* size) }
        if let size = days[unit] { return CalendarInterval(months: 0, days: Int32(truncatingIfNeeded: count &* size), micros: 0) }
        return months[unit].map { CalendarInterval(months: Int32(truncatingIfNeeded: count &* $0), days: 0, micros: 0) }
    }

    /// Whole units between two local moments.
    static func difference(_ unit: String, _ start: Int64, _ end: Int64) -> Int64? {
        if let size = micros[unit] { return (end - start) / size }
        if let size = days[unit] { return (end - start) / (size * DateTimeText.microsPerDay) }
        guard let size = months[unit] else { return nil }
        let (a, b) = (DateTimeText.civil(days: Int(DateTimeMath.days(start))), DateTimeText.civil(days: Int(DateTimeMath.days(end))))
        var whole = Int64((b.year - a.year) * 12 + b.month - a.month)
        let (restA, restB) = (
            Int64(a.day) * DateTimeText.microsPerDay + DateTimeMath.timeOfDay(start),
            Int64(b.day) * DateTimeText.microsPerDay + DateTimeMath.timeOfDay(end)
        )
        if whole > 0, restB < restA { whole -= 1 }
        if whole < 0, restB > restA { whole += 1 }
        return whole / size
    }
}
