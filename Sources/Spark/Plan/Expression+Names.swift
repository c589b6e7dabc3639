/// The names that Spark gives to columns that have none: the attribute's, or the expression in SQL.
extension Expression {
    package var outputName: String {
        switch self {
        case .alias(_, let name): name
        case .attribute(let parts): parts.last ?? ""
        case .cast(.attribute(let parts), _, _): parts.last ?? ""
        case .cast(.alias(_, let name), _, _): name
        case .extractValue(_, .literal(.string(let name))): name
        default: prettySQL
        }
    }

    private static let binary: [String: String] = [
        "+": "+", "-": "-", "*": "*", "/": "/", "%": "%", "==": "=", "=": "=", "<=>": "<=>", "<": "<", "<=": "<=", ">": ">", ">=": ">=",
        "and": "AND", "or": "OR", "&": "&", "|": "|", "^": "^", "div": "div", "like": "LIKE", "!=": "!=",
    ]

    package var prettySQL: String {
        switch self {
        case .attribute(let parts): parts.joined(separator: ".")
        case .star(let target): (target + ["*"]).joined(separator: ".")
        case .literal(let literal): literal.prettySQL
        case .cast(let child, let type, let isTry): "\(isTry ? "TRY_CAST" : "CAST")(\(child.prettySQL) AS \(type.sql))"
        case .alias(let child, let name): "\(child.prettySQL) AS \(name)"
        case .extractValue(let child, .literal(.string(let name))): "\(child.prettySQL).\(name)"
        case .extractValue(let child, let key): "\(child.prettySQL)[\(key.prettySQL)]"
        case .function(let name, let arguments): Self.prettyCall(name, arguments)
        }
    }

    private static func prettyCall(_ name: String, _ arguments: [Expression]) -> String {
        let texts = arguments.map(\.prettySQL)
        switch name.lowercased() {
        case let lowered where arguments.count == 2 && binary[lowered] != nil: return "(\(texts[0]) \(binary[lowered]!) \(texts[1]))"
        case "not" where arguments.count == 1: return "(NOT \(texts[0]))"
        case "isnull": return "(\(texts[0]) IS NULL)"
        case "isnotnull": return "(\(texts[0]) IS NOT NULL)"
        case "negative": return "(- \(texts[0]))"
        case "in": return "(\(texts[0]) IN (\(texts.dropFirst().joined(separator: ", "))))"
        case "when":
            var text = "CASE"
            for index in stride(from: 0, to: texts.count - 1, by: 2) { text += " WHEN \(texts[index]) THEN \(texts[index + 1])" }
            if texts.count % 2 == 1 { text += " ELSE \(texts[texts.count - 1])" }
            return text + " END"
        case "from_json": return "from_json(\(texts[0]))"
        default: return "\(name)(\(texts.joined(separator: ", ")))"
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
        case .float(let value): "\(value)"
        case .double(let value): "\(value)"
        case .decimal(let unscaled, _, let scale): Self.decimalText(unscaled: unscaled, scale: scale)
        case .string(let value): value
        case .binary(let bytes): "X'" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined() + "'"
        case .date(let days): "DATE '\(DateTimeText.text(days: days))'"
        case .timestamp(let micros): "TIMESTAMP '\(DateTimeText.text(micros: micros))'"
        case .timestampNTZ(let micros): "TIMESTAMP_NTZ '\(DateTimeText.text(micros: micros))'"
        }
    }

    package static func decimalText(unscaled: Int64, scale: Int) -> String {
        guard scale > 0 else { return String(unscaled) }
        var digits = String(unscaled.magnitude)
        if digits.count <= scale { digits = String(repeating: "0", count: scale - digits.count + 1) + digits }
        return (unscaled < 0 ? "-" : "") + digits.dropLast(scale) + "." + digits.suffix(scale)
    }
}
