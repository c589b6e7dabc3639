internal import Cassandra
internal import IO

/// The SELECTs that show a table's rows with the time of their writing, and how their answers are read.
struct RowSelection: Sendable {
    let columns: [String]
    let rowsMax: Int
    let byKey: String
    private let prefix: String
    private let keyColumns: [TableMetadata.Column]
    private let valueBytesMax: Int

    /// Columns whose `writetime` is asked for: a null one has none, so a few are.
    private static let timedMax = 4

    init(metadata: TableMetadata, rowsMax: Int, valueBytesMax: Int) {
        self.rowsMax = rowsMax
        self.valueBytesMax = valueBytesMax
        columns = metadata.columns.map(\.name)
        keyColumns = metadata.partitionKey + metadata.clusteringKey
        // CQL, "Selection": writetime is for columns that are neither part of the key nor collections that are not frozen.
        let timed = metadata.columns.filter { column in
            guard column.kind == .regular else { return false }
            switch column.type {
            case .list, .set, .map, .counter, .userDefined: return false
            default: return true
            }
        }.prefix(Self.timedMax)
        let selected = columns.map(Self.quoted) + timed.map { "writetime(\(Self.quoted($0.name)))" }
        prefix = "SELECT \(selected.joined(separator: ", ")) FROM \(Self.quoted(metadata.keyspace)).\(Self.quoted(metadata.name))"
        byKey = prefix + " WHERE " + keyColumns.map { "\(Self.quoted($0.name)) = ?" }.joined(separator: " AND ")
    }

    func some(_ limit: Int32) -> String { "\(prefix) LIMIT \(limit)" }

    /// The row's key out of a record that is a JSON object with a member for each key column.
    func key(in record: RecordSnapshot) -> [CQLValue]? {
        guard let value = record.value, value.utf8.count == record.valueSize, let json = try? JSON(parsing: value) else { return nil }
        var key: [CQLValue] = []
        for column in keyColumns {
            guard let member = json[column.name], let value = Self.value(member, column.type) else { return nil }
            key.append(value)
        }
        return key
    }

    private static func value(_ json: JSON, _ type: CQLType) -> CQLValue? {
        switch type {
        case .text, .ascii: json.string.map { .text($0) }
        case .uuid, .timeuuid: json.string.flatMap { CQLUUID($0) }.map { .uuid($0) }
        case .bigint, .int, .smallint, .tinyint: json.wholeNumber.map { .bigint($0) }
        case .boolean: json.bool.map { .boolean($0) }
        default: nil
        }
    }

    func row(_ values: [CQLValue]) -> RowSnapshot {
        let shown = zip(columns, values).map { $1.isNull ? nil : text($1) }
        let writtenAt = values.dropFirst(columns.count).compactMap(\.integer).max()
        return RowSnapshot(
            key: shown.prefix(keyColumns.count).map { $0 ?? "" }.joined(separator: "\u{1f}"), writtenAt: writtenAt.map { $0 / 1_000 },
            values: shown)
    }

    private func text(_ value: CQLValue) -> String {
        let text = value.description
        guard text.utf8.count > valueBytesMax else { return text }
        return String(decoding: text.utf8.prefix(valueBytesMax), as: UTF8.self) + "…"
    }

    /// A name as CQL reads it whatever it holds.
    static func quoted(_ name: String) -> String {
        "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}
