/// Operators between dates, timestamps, intervals and numbers.
extension FunctionCatalog {
    static func temporal(_ op: ScalarOperator, _ call: inout FunctionCall) throws -> ResolvedExpression {
        let (left, right) = (call.types[0], call.types[1])
        func made(_ name: String, _ type: DataType, swapped: Bool = false) -> ResolvedExpression {
            .call(.named(name), swapped ? call.arguments.reversed() : call.arguments, type)
        }
        switch (op, left, right) {
        case (.add, .date, _) where right.isIntegral: return try Self.call("date_add", call.arguments[0], call.arguments[1])
        case (.add, _, .date) where left.isIntegral: return try Self.call("date_add", call.arguments[1], call.arguments[0])
        case (.subtract, .date, _) where right.isIntegral: return try Self.call("date_sub", call.arguments[0], call.arguments[1])
        case (.subtract, _, _) where left.isMoment && (right.isMoment || right == .string), (.subtract, .string, _) where right.isMoment:
            if left == .date, right == .date { return made("date_difference", .dayTimeInterval(.init(.day, .day))) }
            let type: DataType = left == .timestampNTZ || right == .timestampNTZ ? .timestampNTZ : .timestamp
            try call.want(0, type)
            try call.want(1, type)
            return made("timestamp_difference", .dayTimeInterval(.dayToSecond))
        case (.add, .string, _) where right.isInterval, (.add, _, .string) where left.isInterval,
            (.subtract, .string, _) where right.isInterval:
            let index = left == .string ? 0 : 1
            if case .calendarInterval = call.types[1 - index] {
                try call.want(index, .timestamp)
            } else {
                try call.cast(index, to: call.types[1 - index])
            }
            return try temporal(op, &call)
        case (.add, _, _) where left.isInterval && right.isMoment:
            call.arguments.reverse()
            return try moved(op, &call)
        case (.add, _, _) where left.isMoment && right.isInterval, (.subtract, _, _) where left.isMoment && right.isInterval:
            return try moved(op, &call)
        case (.add, _, _) where left.isInterval && right.isInterval, (.subtract, _, _) where left.isInterval && right.isInterval:
            if let type = TypeCoercion.common(left, right) { return made(op == .add ? "add_intervals" : "subtract_intervals", type) }
        case (.multiply, _, _) where left.isInterval && (right.isNumeric || right == .string),
            (.multiply, _, _) where right.isInterval && (left.isNumeric || left == .string):
            if right.isInterval { call.arguments.reverse() }
            if !call.types[1].isIntegral { try call.want(1, .double) } else { try call.want(1, .long) }
            return .call(.named("multiply_interval"), call.arguments, widened(call.types[0]))
        case (.divide, _, _) where left.isInterval && (right.isNumeric || right == .string):
            if !right.isIntegral { try call.want(1, .double) } else { try call.want(1, .long) }
            return .call(.named("divide_interval"), call.arguments, widened(left))
        case (.integralDivide, .yearMonthInterval, .yearMonthInterval), (.integralDivide, .dayTimeInterval, .dayTimeInterval):
            return made("divide_intervals", .long)
        case (_, .null, _) where op == .add || op == .subtract: return .literal(.null, right)
        case (_, _, .null) where op == .add || op == .subtract: return .literal(.null, left)
        default: break
        }
        throw SparkError(
            "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES", sqlState: "42K09",
            "Cannot resolve \"\(call.name)\" due to data type mismatch: the left and right operands of the binary operator have incompatible types (\"\(left.sql)\" and \"\(right.sql)\")."
        )
    }

    private static func widened(_ type: DataType) -> DataType {
        switch type {
        case .yearMonthInterval: .yearMonthInterval(.yearToMonth)
        case .dayTimeInterval: .dayTimeInterval(.dayToSecond)
        default: type
        }
    }

    /// A moment and an interval.
    private static func moved(_ op: ScalarOperator, _ call: inout FunctionCall) throws -> ResolvedExpression {
        let (moment, interval) = (call.types[0], call.types[1])
        let negated: ResolvedExpression =
            op == .subtract ? .call(.named("negate_interval"), [call.arguments[1]], interval) : call.arguments[1]
        switch (moment, interval) {
        case (.date, .yearMonthInterval): return .call(.named("date_add_months"), [call.arguments[0], negated], .date)
        case (.date, .dayTimeInterval(let range)) where range.start == .day && range.end == .day:
            return .call(.named("date_add_days"), [call.arguments[0], negated], .date)
        case (.date, .calendarInterval): return .call(.named("date_add_calendar"), [call.arguments[0], negated], .date)
        case (.date, _):
            try call.cast(0, to: .timestamp)
            return .call(.named("timestamp_add"), [call.arguments[0], negated], .timestamp)
        default: return .call(.named("timestamp_add"), [call.arguments[0], negated], moment)
        }
    }
}
