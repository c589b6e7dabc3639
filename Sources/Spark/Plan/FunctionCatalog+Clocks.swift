/// Timestamps, their texts and their numbers.
extension FunctionCatalog {
    static let clocks: [FunctionDefinition] = [
        parsedTimestamp("to_timestamp", .timestamp), parsedTimestamp("to_timestamp_ltz", .timestamp),
        parsedTimestamp("to_timestamp_ntz", .timestampNTZ),
        .custom("date_format", arity: 2...2) { call in
            if call.types[0] != .timestampNTZ { try call.want(0, .timestamp) }
            try call.want(1, .string)
            return .call(.named("date_format"), call.arguments, .string)
        },
        .custom("date_trunc", arity: 2...2) { call in
            try call.want(0, .string)
            try call.want(1, .timestamp)
            return .call(.named("date_trunc"), call.arguments, call.types[1])
        },
        .custom("unix_timestamp", arity: 0...2) { call in
            if call.arguments.isEmpty { return .call(.named("unix_now"), [], .long) }
            return try seconds(&call)
        },
        .custom("to_unix_timestamp", arity: 1...2) { try seconds(&$0) },
        .custom("from_unixtime", arity: 1...2) { call in
            try call.want(0, .long)
            if call.arguments.count == 1 { call.arguments.append(.literal(.string("yyyy-MM-dd HH:mm:ss"), .string)) }
            try call.want(1, .string)
            return .call(.named("from_unixtime"), call.arguments, .string)
        },
        .plain("from_utc_timestamp", takes: [.timestamp, .string], gives: .timestamp),
        .plain("to_utc_timestamp", takes: [.timestamp, .string], gives: .timestamp),
        .custom("convert_timezone", arity: 2...3) { call in
            if call.arguments.count == 2 { call.arguments.insert(.call(.named("current_timezone"), [], .string), at: 0) }
            for index in 0...1 { try call.want(index, .string) }
            try call.want(2, .timestampNTZ)
            return .call(.named("convert_timezone"), call.arguments, .timestampNTZ)
        },
        .custom("timestamp_seconds", arity: 1...1) { call in
            try Parameter.numeric.check(0, &call)
            if call.types[0].isIntegral {
                try call.want(0, .long)
            } else if case .decimal = call.types[0] {
            } else {
                try call.want(0, .double)
            }
            return .call(.named("timestamp_seconds"), call.arguments, .timestamp)
        },
        .plain("timestamp_millis", takes: [.long], gives: .timestamp), .plain("timestamp_micros", takes: [.long], gives: .timestamp),
        .plain("unix_seconds", takes: [.timestamp], gives: .long), .plain("unix_millis", takes: [.timestamp], gives: .long),
        .plain("unix_micros", takes: [.timestamp], gives: .long),
        made("make_timestamp", .timestamp, zone: true), made("make_timestamp_ltz", .timestamp, zone: true),
        made("make_timestamp_ntz", .timestampNTZ, zone: false), .plain("localtimestamp", takes: [], gives: .timestampNTZ),
        .plain("current_timezone", takes: [], gives: .string),
        .custom("timestampadd", "timestamp_add", arity: 3...3) { call in
            let unit = try unit(call)
            try call.want(1, .long)
            if call.types[2] != .timestampNTZ { try call.want(2, .timestamp) }
            return .call(.named("timestampadd"), [.literal(.string(unit), .string), call.arguments[1], call.arguments[2]], call.types[2])
        },
        .custom("timestampdiff", "timestamp_diff", arity: 3...3) { call in
            let unit = try unit(call)
            for index in 1...2 where call.types[index] != .timestampNTZ { try call.want(index, .timestamp) }
            return .call(.named("timestampdiff"), [.literal(.string(unit), .string), call.arguments[1], call.arguments[2]], .long)
        },
        .custom("window", arity: 2...4) { call in
            guard let slide = try windowTexts(&call) else { return try windowed(&call, "window") }
            throw SparkError(
                "UNSUPPORTED_FEATURE", sqlState: "0A000",
                "A sliding window (every \(slide)) beside columns that are not grouped by it is not served by this engine.",
                nextStep: "group by the window, or explode(sliding_windows(…))")
        },
        // A row lies in several sliding windows: the array of them, for the frame that groups by the window to explode.
        .custom("sliding_windows", arity: 2...4) { call in
            _ = try windowTexts(&call)
            let one = try windowed(&call, "sliding_windows")
            guard case .call(let op, let arguments, let type) = one else { return one }
            return .call(op, arguments, .array(type, containsNull: false))
        },
        .custom("window_time", arity: 1...1) { call in
            guard case .structure(let type) = call.types[0], type.fields.count == 2, type.fields[1].dataType.isMoment else {
                throw call.mismatch(0, wanted: "STRUCT<start: TIMESTAMP, end: TIMESTAMP>")
            }
            return .call(.named("window_time"), [.field(call.arguments[0], index: 1, type.fields[1].dataType)], type.fields[1].dataType)
        },
    ]

    private static func parsedTimestamp(_ name: String, _ type: DataType) -> FunctionDefinition {
        FunctionDefinition(name, arity: 1...2) { call in
            if call.arguments.count == 1 || call.types[0].isMoment { return try explicitCast(call.arguments[0], to: type, isTry: false) }
            for index in 0...1 { try call.want(index, .string) }
            return .call(.named("parse_timestamp"), call.arguments, type)
        }
    }

    private static func seconds(_ call: inout FunctionCall) throws -> ResolvedExpression {
        if call.types[0].isMoment {
            try call.cast(0, to: .timestamp)
            return .call(.named("unix_seconds"), [call.arguments[0]], .long)
        }
        if call.arguments.count == 1 { call.arguments.append(.literal(.string("yyyy-MM-dd HH:mm:ss"), .string)) }
        for index in 0...1 { try call.want(index, .string) }
        return .call(.named("unix_timestamp"), call.arguments, .long)
    }

    private static func made(_ name: String, _ type: DataType, zone: Bool) -> FunctionDefinition {
        FunctionDefinition(name, arity: 6...(zone ? 7 : 6)) { call in
            for index in 0...4 { try call.want(index, .integer) }
            try call.want(5, .decimal(precision: 16, scale: 6))
            if call.arguments.count == 7 { try call.want(6, .string) }
            return .call(.named("make_timestamp"), call.arguments, type)
        }
    }

    /// A unit comes as a word in SQL and as a text from clients.
    private static func unit(_ call: FunctionCall) throws -> String {
        switch call.unresolved.first {
        case .literal(.string(let text))?: return text.uppercased()
        case .attribute(let parts, _)? where parts.count == 1: return parts[0].uppercased()
        default: throw call.notFoldable(0, "STRING")
        }
    }

    /// The constants of a window; the slide where it is not as long as the window.
    private static func windowTexts(_ call: inout FunctionCall) throws -> String? {
        if call.types[0] != .timestampNTZ { try call.want(0, .timestamp) }
        var texts: [String] = []
        for index in 1..<call.arguments.count {
            guard case .literal(.string(let text), _) = call.arguments[index] else { throw call.notFoldable(index, "STRING") }
            texts.append(text)
        }
        while texts.count < 3 { texts.append(texts.count == 1 ? texts[0] : "0 seconds") }
        call.arguments = [call.arguments[0]] + texts.map { .literal(.string($0), .string) }
        return texts[1] == texts[0] ? nil : texts[1]
    }

    private static func windowed(_ call: inout FunctionCall, _ name: String) throws -> ResolvedExpression {
        let moment = call.types[0]
        let type = DataType.structure(StructType([StructField("start", moment), StructField("end", moment)]))
        return .call(.named(name), call.arguments, type)
    }

    static let intervals: [FunctionDefinition] = [
        .custom("make_interval", arity: 0...7) { call in
            while call.arguments.count < 6 { call.arguments.append(.literal(.integer(0), .integer)) }
            if call.arguments.count < 7 { call.arguments.append(.literal(.integer(0), .integer)) }
            for index in 0...5 { try call.want(index, .integer) }
            try call.want(6, .decimal(precision: 18, scale: 6))
            return .call(.named("make_interval"), call.arguments, .calendarInterval)
        },
        .custom("make_dt_interval", arity: 0...4) { call in
            while call.arguments.count < 4 { call.arguments.append(.literal(.integer(0), .integer)) }
            for index in 0...2 { try call.want(index, .integer) }
            try call.want(3, .decimal(precision: 18, scale: 6))
            return .call(.named("make_dt_interval"), call.arguments, .dayTimeInterval(.dayToSecond))
        },
        .custom("make_ym_interval", arity: 0...2) { call in
            while call.arguments.count < 2 { call.arguments.append(.literal(.integer(0), .integer)) }
            for index in 0...1 { try call.want(index, .integer) }
            return .call(.named("make_ym_interval"), call.arguments, .yearMonthInterval(.yearToMonth))
        },
    ]
}
