import Cassandra
import IO

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
        case .double(let value): value.isFinite ? "\(value)" : JSON.quoted(description)
        case .float(let value): value.isFinite ? "\(value)" : JSON.quoted(description)
        case .list(let values), .set(let values), .tuple(let values): "[" + values.map(\.json).joined(separator: ",") + "]"
        case .map(let entries):
            "{" + entries.map { JSON.quoted($0.key.description) + ":" + $0.value.json }.joined(separator: ",") + "}"
        default: JSON.quoted(description)
        }
    }
}

extension CQLRows {
    /// One JSON object a row.
    func jsonLines() -> [String] {
        let names = columns.map { JSON.quoted($0.name) }
        return rows.map { row in "{" + zip(names, row).map { "\($0):\($1.json)" }.joined(separator: ",") + "}" }
    }
}
