/// Dates, and the fields of dates, timestamps and intervals.
extension FunctionCatalog {
    static let dates: [FunctionDefinition] =
        ["year", "quarter", "month", "dayofweek", "weekday", "dayofyear", "weekofyear"].map { name in
            FunctionDefinition(name, arity: 1...1) { call in
                try call.want(0, .date)
                return .call(.named(name), call.arguments, .integer)
            }
        } + [
            .plain("day", "dayofmonth", takes: [.date], gives: .integer), .plain("dayname", takes: [.date], gives: .string),
            .plain("monthname", takes: [.date], gives: .string), time("hour"), time("minute"), time("second"),
            .custom("date_part", "datepart", "extract", arity: 2...2) { call in
                guard case .literal(.string(let field), _) = call.arguments[0] else { throw call.notFoldable(0, "STRING") }
                return try part(field, of: call.arguments[1], call)
            },
            .custom("date_add", "dateadd", arity: 2...3) { call in
                if call.arguments.count == 3 { return try resolve("timestampadd", call.arguments, unresolved: call.unresolved) }
                return try shifted(&call, "date_add")
            },
            .custom("date_sub", arity: 2...2) { try shifted(&$0, "date_sub") },
            .custom("datediff", "date_diff", arity: 2...3) { call in
                if call.arguments.count == 3 { return try resolve("timestampdiff", call.arguments, unresolved: call.unresolved) }
                for index in 0...1 { try call.want(index, .date) }
                return .call(.named("datediff"), call.arguments, .integer)
            },
            .plain("add_months", takes: [.date, .int], gives: .date),
            .plain("months_between", takes: [.timestamp, .timestamp, .boolean], optional: 1, gives: .double),
            .plain("last_day", takes: [.date], gives: .date), .plain("next_day", takes: [.date, .string], gives: .date),
            .plain("trunc", takes: [.date, .string], gives: .date), .plain("make_date", takes: [.int, .int, .int], gives: .date),
            .plain("date_from_unix_date", takes: [.int], gives: .date), .plain("unix_date", takes: [.date], gives: .integer),
            .custom("to_date", arity: 1...2) { call in
                if call.arguments.count == 1 { return try explicitCast(call.arguments[0], to: .date, isTry: false) }
                if call.types[0] == .date { return call.arguments[0] }
                if call.types[0] != .string, call.types[0].isMoment { return try explicitCast(call.arguments[0], to: .date, isTry: false) }
                for index in 0...1 { try call.want(index, .string) }
                return .call(.named("parse_date"), call.arguments, .date)
            },
        ]

    private static func time(_ name: String) -> FunctionDefinition {
        FunctionDefinition(name, arity: 1...1) { call in
            if call.types[0] != .timestampNTZ { try call.want(0, .timestamp) }
            return .call(.named(name), call.arguments, .integer)
        }
    }

    private static func shifted(_ call: inout FunctionCall, _ name: String) throws -> ResolvedExpression {
        try call.want(0, .date)
        switch call.types[1] {
        case .byte, .short, .integer, .null: try call.want(1, .integer)
        case .string: try call.want(1, .integer)
        default: throw call.mismatch(1, wanted: "(INT or SMALLINT or TINYINT)")
        }
        return .call(.named(name), call.arguments, .date)
    }

    private static func part(_ field: String, of source: ResolvedExpression, _ call: FunctionCall) throws -> ResolvedExpression {
        let name = field.uppercased()
        func unknown() -> SparkError {
            SparkError(
                "INVALID_EXTRACT_FIELD", sqlState: "42601", "Cannot extract `\(field)` from a value of type \"\(source.dataType.sql)\".")
        }
        if source.dataType.isInterval {
            let fields: [String: (String, DataType)] = [
                "YEAR": ("interval_year", .integer), "MONTH": ("interval_month", .integer), "DAY": ("interval_day", .integer),
                "HOUR": ("interval_hour", .byte), "MINUTE": ("interval_minute", .byte),
                "SECOND": ("interval_second", .decimal(precision: 8, scale: 6)),
            ]
            let aliases = [
                "YEARS": "YEAR", "Y": "YEAR", "YR": "YEAR", "MON": "MONTH", "MONTHS": "MONTH", "MONS": "MONTH", "DAYS": "DAY", "D": "DAY",
                "HOURS": "HOUR", "H": "HOUR", "HR": "HOUR", "MIN": "MINUTE", "MINUTES": "MINUTE", "M": "MINUTE", "MINS": "MINUTE",
                "SEC": "SECOND",
                "SECONDS": "SECOND", "S": "SECOND", "SECS": "SECOND",
            ]
            guard let (function, type) = fields[aliases[name] ?? name] else { throw unknown() }
            if case .yearMonthInterval = source.dataType, !function.hasSuffix("year"), !function.hasSuffix("month") { throw unknown() }
            if case .dayTimeInterval = source.dataType, function.hasSuffix("year") || function.hasSuffix("month") { throw unknown() }
            let isMonth = function == "interval_month"
            return .call(.named(function), [source], isMonth ? .byte : type)
        }
        switch name {
        case "YEAR", "Y", "YEARS", "YR", "YRS": return try Self.call("year", source)
        case "YEAROFWEEK":
            var date = FunctionCall(name: "extract", arguments: [source], unresolved: [], lambdaResolver: call.lambdaResolver)
            try date.want(0, .date)
            return .call(.named("yearofweek"), date.arguments, .integer)
        case "QUARTER", "QTR": return try Self.call("quarter", source)
        case "MONTH", "MON", "MONS", "MONTHS": return try Self.call("month", source)
        case "WEEK", "W", "WEEKS": return try Self.call("weekofyear", source)
        case "DAY", "D", "DAYS": return try Self.call("day", source)
        case "DAYOFWEEK", "DOW": return try Self.call("dayofweek", source)
        case "DAYOFWEEK_ISO", "DOW_ISO":
            return try Self.call("+", try Self.call("weekday", source), .literal(.integer(1), .integer))
        case "DOY": return try Self.call("dayofyear", source)
        case "HOUR", "H", "HOURS", "HR", "HRS": return try Self.call("hour", source)
        case "MINUTE", "M", "MIN", "MINS", "MINUTES": return try Self.call("minute", source)
        case "SECOND", "S", "SEC", "SECONDS", "SECS":
            var time = FunctionCall(name: "extract", arguments: [source], unresolved: [], lambdaResolver: call.lambdaResolver)
            if source.dataType != .timestampNTZ { try time.want(0, .timestamp) }
            return .call(.named("second_fraction"), time.arguments, .decimal(precision: 8, scale: 6))
        default: throw unknown()
        }
    }
}
