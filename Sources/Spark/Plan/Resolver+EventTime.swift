/// `withWatermark`, and the windows that a GROUP BY names (Structured Streaming Programming Guide, "Window Operations on Event Time").
extension Resolver {
    /// A frame that is no stream has no lateness: its watermark says nothing.
    func watermark(_ column: String, _ delay: String, _ child: LogicalPlan) throws -> Relation {
        var relation = try resolve(relation: child)
        let (found, rest) = relation.scope.matches(Expression.nameParts(column))
        guard let index = found.first, rest.isEmpty else { throw relation.scope.unresolved(Expression.nameParts(column)) }
        guard found.count == 1 else { throw relation.scope.ambiguous([column], found) }
        let type = relation.schema.fields[index].dataType
        guard type == .timestamp || type.isTimeWindow else {
            throw SparkError(
                "EVENT_TIME_IS_NOT_ON_TIMESTAMP_TYPE", sqlState: "42K09",
                "The event time `\(column)` has the invalid type \"\(type.sql)\", but expected \"TIMESTAMP\".")
        }
        let micros = try EventTimeInterval.delay(delay)
        if child.isStreaming { relation.plan = .watermark(column: index, delayMicros: micros, relation.plan) }
        return relation
    }

    /// The same aggregate over a frame in which its sliding windows are columns already, one row for each window that a row lies in, and
    /// from which rows without a time are gone, as they lie in none; nil where no key is a window.
    func windowed(_ aggregate: Aggregate, _ child: LogicalPlan) throws -> (Aggregate, LogicalPlan)? {
        func window(_ key: Expression) -> [Expression]? {
            if case .function(let name, let arguments, _, _) = key.unaliased, name.lowercased() == "window" { return arguments }
            return nil
        }
        guard let key = aggregate.keys.first(where: { window($0) != nil }), let arguments = window(key), arguments.count > 1 else {
            return nil
        }
        let isSliding = arguments.count > 2 && arguments[1] != arguments[2]
        let present = Expression.call("isnotnull", arguments[0])
        guard isSliding else {
            if case .filter(present, _) = child { return nil }
            return (aggregate, .filter(present, child))
        }
        guard aggregate.keys.filter({ window($0) != nil && $0.unaliased != key.unaliased }).isEmpty else {
            throw Self.unserved("More than one time window in a GROUP BY")
        }
        let name = "window"
        let column = Expression.attribute([Self.windowQualifier, name])
        let spread = LogicalPlan.generate(
            Generate(
                .call("explode", .function(name: "sliding_windows", arguments: arguments)), qualifier: Self.windowQualifier,
                names: [name]), child)
        let target = key.unaliased
        func replaced(_ expression: Expression) -> Expression {
            expression == target ? column : expression.mapChildren(replaced)
        }
        var spreading = aggregate
        spreading.keys = aggregate.keys.map { $0.unaliased == target && $0 == target ? .alias(column, name: name) : replaced($0) }
        spreading.aggregates = aggregate.aggregates.map { item in
            item == target ? .alias(column, name: name) : replaced(item)
        }
        return (spreading, spread)
    }

    /// Beyond what a script would call a frame.
    private static let windowQualifier = "__leat_sliding"
}

/// Delays and lengths of event time, as texts.
enum EventTimeInterval {
    private static func interval(_ text: String) -> (months: Int32, days: Int32, micros: Int64)? {
        let cast = ResolvedExpression.cast(.literal(.string(text), .string), to: .calendarInterval, isTry: true)
        guard case .calendarInterval(let months, let days, let micros)? = PlanCompiler.fold(cast) else { return nil }
        return (months, days, micros)
    }

    /// Without months, whose length varies.
    static func micros(_ text: String) -> Int64? {
        guard let interval = Self.interval(text), interval.months == 0 else { return nil }
        let (days, overflow) = Int64(interval.days).multipliedReportingOverflow(by: DateTimeText.microsPerDay)
        let (total, overflowed) = days.addingReportingOverflow(interval.micros)
        return overflow || overflowed ? nil : total
    }

    /// A month counts as 31 days, as in Spark.
    static func delay(_ text: String) throws -> Int64 {
        guard let interval = Self.interval(text) else {
            throw SparkError(
                "CANNOT_PARSE_INTERVAL", sqlState: "22006",
                "Unable to parse '\(text)'. Please ensure that the value provided is in a valid format for defining an interval.")
        }
        let days = Int64(interval.months) * 31 + Int64(interval.days)
        let (product, overflow) = days.multipliedReportingOverflow(by: DateTimeText.microsPerDay)
        let (total, overflowed) = product.addingReportingOverflow(interval.micros)
        guard !overflow, !overflowed, total >= 0 else {
            throw SparkError(
                "INVALID_PARAMETER_VALUE.DELAY_THRESHOLD", sqlState: "22023",
                "requirement failed: delay threshold (\(text)) should not be negative.")
        }
        return total
    }
}

extension DataType {
    /// `struct<start: timestamp, end: timestamp>`, as `window` gives it.
    var isTimeWindow: Bool {
        guard case .structure(let type) = self else { return false }
        return type.fields.map(\.name) == ["start", "end"] && type.fields.allSatisfy { $0.dataType == .timestamp }
    }
}
