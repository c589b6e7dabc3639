import Cassandra

/// Values as JSON: numbers and booleans as such, what JSON has no form for as text.
extension CQLValue {
    var json: String {
        switch self {
        case .null, .unset: "null"
        case .bigint(let value), .counter(let value): "\(value)"
        case .int(let value): "\(value)"
        case .smallint(let value): "\(value)"
        case .tinyint(let value): "\(value)"
        case .varint(let value): value.description
        case .decimal(let value): value.description
        case .boolean(let value): value ? "true" : "false"
        // JSON has no infinities and no NaN.
        case .double(let value): value.isFinite ? "\(value)" : Self.quoted(description)
        case .float(let value): value.isFinite ? "\(value)" : Self.quoted(description)
        case .list(let values), .set(let values), .tuple(let values): "[" + values.map(\.json).joined(separator: ",") + "]"
        case .map(let entries):
            "{" + entries.map { Self.quoted($0.key.description) + ":" + $0.value.json }.joined(separator: ",") + "}"
        default: Self.quoted(description)
        }
    }

    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case let control where control.value < 0x20:
                let digits = String(control.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}

extension CQLRows {
    /// One JSON object a row.
    func jsonLines() -> [String] {
        let names = columns.map { CQLValue.quoted($0.name) }
        return rows.map { row in "{" + zip(names, row).map { "\($0):\($1.json)" }.joined(separator: ",") + "}" }
    }
}
