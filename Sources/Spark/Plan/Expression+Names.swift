/// The names that Spark gives to columns that have none: the attribute's, or the expression in SQL.
extension Expression {
    package var outputName: String {
        switch self {
        case .alias(_, let name, _): name
        case .attribute(let parts, _): parts.last ?? ""
        case .cast(.attribute(let parts, _), _, _): parts.last ?? ""
        case .cast(.alias(_, let name, _), _, _): name
        case .function(let name, _, _, _) where name.lowercased() == "window": "window"
        default: prettySQL
        }
    }

    private static let binary: [String: String] = [
        "+": "+", "-": "-", "*": "*", "/": "/", "%": "%", "==": "=", "=": "=", "<=>": "<=>", "<": "<", "<=": "<=", ">": ">", ">=": ">=",
        "and": "AND", "or": "OR", "&": "&", "|": "|", "^": "^", "div": "div",
    ]

    package var prettySQL: String {
        switch self {
        case .attribute(let parts, _): parts.joined(separator: ".")
        case .columnRegex(let pattern, _): "`\(pattern)`"
        case .star(let target, _): (target + ["*"]).joined(separator: ".")
        case .literal(let literal): literal.prettySQL
        case .cast(let child, let type, let isTry): "\(isTry ? "TRY_CAST" : "CAST")(\(child.prettySQL) AS \(type.sql))"
        case .alias(let child, let name, _): "\(child.prettySQL) AS \(name)"
        case .multiAlias(let child, let names): "\(child.prettySQL) AS (\(names.joined(separator: ", ")))"
        case .extractValue(let child, .literal(.string(let name))): "\(child.prettySQL).\(name)"
        case .extractValue(let child, let key): "\(child.prettySQL)[\(key.prettySQL)]"
        case .function(let name, let arguments, let isDistinct, let filter):
            Self.prettyCall(name, arguments, isDistinct: isDistinct) + (filter.map { " FILTER (WHERE \($0.prettySQL))" } ?? "")
        case .updateField(let child, let name, let value):
            "update_fields(\(child.prettySQL), \(value.map { "WithField(\(name), \($0.prettySQL))" } ?? "dropfield(\(name))"))"
        case .lambda(let parameters, let body):
            "lambdafunction(\(body.prettySQL), \(parameters.map { _ in "namedlambdavariable()" }.joined(separator: ", ")))"
        case .lambdaVariable: "namedlambdavariable()"
        case .window(let function, let window): "\(function.prettySQL) OVER (\(window.prettySQL))"
        case .sortOrder(let order): order.prettySQL
        case .subquery(let subquery): subquery.prettySQL
        case .parameter(.named(let name)): ":\(name)"
        case .parameter(.positional): "?"
        case .pythonFunction(let function, let arguments): "\(function.name)(\(arguments.map(\.prettySQL).joined(separator: ", ")))"
        case .namedArgument(let name, let value): "\(name) => \(value.prettySQL)"
        }
    }

    private static func prettyCall(_ name: String, _ arguments: [Expression], isDistinct: Bool) -> String {
        let texts = arguments.map(\.prettySQL)
        switch name.lowercased() {
        case let lowered where arguments.count == 2 && binary[lowered] != nil: return "(\(texts[0]) \(binary[lowered]!) \(texts[1]))"
        case "not" where arguments.count == 1: return "(NOT \(texts[0]))"
        case "isnull": return "(\(texts[0]) IS NULL)"
        case "isnotnull": return "(\(texts[0]) IS NOT NULL)"
        case "-" where arguments.count == 1: return "(- \(texts[0]))"
        case "positive" where arguments.count == 1: return "(+ \(texts[0]))"
        case "~" where arguments.count == 1: return "~\(texts[0])"
        case "!=" where arguments.count == 2: return "(NOT (\(texts[0]) = \(texts[1])))"
        case "in": return "(\(texts[0]) IN (\(texts.dropFirst().joined(separator: ", "))))"
        case "when":
            var text = "CASE"
            for index in stride(from: 0, to: texts.count - 1, by: 2) { text += " WHEN \(texts[index]) THEN \(texts[index + 1])" }
            if texts.count % 2 == 1 { text += " ELSE \(texts[texts.count - 1])" }
            return text + " END"
        case "from_json": return "from_json(\(texts[0]))"
        default: return prettyFunction(name, texts, isDistinct: isDistinct)
        }
    }
}

extension Literal {
    package var prettySQL: String {
        switch self {
        case .null: "NULL"
        case .boolean(let value): value ? "true" : "false"
        case .byte(let value): "\(value)"
        case .short(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .long(let value): "\(value)"
        case .float(let value): NumberText.text(value)
        case .double(let value): NumberText.text(value)
        case .decimal(let unscaled, _, let scale): Self.decimalText(unscaled: unscaled, scale: scale)
        case .string(let value): value
        case .binary(let bytes): "X'" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined() + "'"
        case .date(let days): "DATE '\(DateTimeText.text(days: days))'"
        case .timestamp(let micros): "TIMESTAMP '\(DateTimeText.text(micros: micros))'"
        case .timestampNTZ(let micros): "TIMESTAMP_NTZ '\(DateTimeText.text(micros: micros))'"
        case .yearMonthInterval(let months, _): IntervalText.sql(months: months)
        case .dayTimeInterval(let micros, _): IntervalText.sql(micros: micros)
        case .calendarInterval(let months, let days, let micros): IntervalText.sql(months: months, days: days, micros: micros)
        case .array(let elements, _): "ARRAY(\(elements.map(\.prettySQL).joined(separator: ", ")))"
        case .map(let keys, let values, _, _):
            "MAP(\(zip(keys, values).flatMap { [$0.prettySQL, $1.prettySQL] }.joined(separator: ", ")))"
        case .structure(let values, let type):
            "NAMED_STRUCT(\(zip(type.fields, values).flatMap { ["'\($0.name)'", $1.prettySQL] }.joined(separator: ", ")))"
        }
    }

    /// Beyond 38 digits.
    package static let decimalBound: UInt128 = 100_000_000_000_000_000_000_000_000_000_000_000_000

    package static func decimalText(unscaled: Int128, scale: Int) -> String {
        guard scale > 0 else { return String(unscaled) }
        var digits = String(unscaled.magnitude)
        if digits.count <= scale { digits = String(repeating: "0", count: scale - digits.count + 1) + digits }
        return (unscaled < 0 ? "-" : "") + digits.dropLast(scale) + "." + digits.suffix(scale)
    }
}

extension SortOrder {
    package var prettySQL: String {
        "\(expression.prettySQL) \(isAscending ? "ASC" : "DESC") NULLS \(nullsFirst ? "FIRST" : "LAST")"
    }
}

extension WindowSpecification {
    package var prettySQL: String {
        var parts: [String] = []
        if !partition.isEmpty { parts.append("PARTITION BY " + partition.map(\.prettySQL).joined(separator: ", ")) }
        if !order.isEmpty { parts.append("ORDER BY " + order.map(\.prettySQL).joined(separator: ", ")) }
        if let frame {
            parts.append("\(frame.kind == .rows ? "ROWS" : "RANGE") BETWEEN \(Self.sql(frame.lower)) AND \(Self.sql(frame.upper))")
        }
        return parts.joined(separator: " ")
    }

    private static func sql(_ bound: Bound) -> String {
        switch bound {
        case .unboundedPreceding: "UNBOUNDED PRECEDING"
        case .unboundedFollowing: "UNBOUNDED FOLLOWING"
        case .currentRow: "CURRENT ROW"
        case .offset(let distance):
            distance.prettySQL.hasPrefix("-") ? "\(distance.prettySQL.dropFirst()) PRECEDING" : "\(distance.prettySQL) FOLLOWING"
        }
    }
}

extension Subquery {
    package var prettySQL: String {
        switch kind {
        case .scalar: "scalarsubquery()"
        case .exists: "exists()"
        case .isIn(let values): "(\(values.map(\.prettySQL).joined(separator: ", ")) IN (listquery()))"
        }
    }
}
