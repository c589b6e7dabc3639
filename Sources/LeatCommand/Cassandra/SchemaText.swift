import Cassandra

/// Keyspaces and tables as the CQL that makes them, read from `system_schema`: what DESCRIBE prints, on any server.
struct SchemaText {
    let client: CassandraClient

    func keyspaces() async throws -> [String] {
        try await texts("SELECT keyspace_name FROM system_schema.keyspaces", [], "keyspace_name").sorted()
    }

    /// Tables by keyspace.
    func tables() async throws -> [(keyspace: String, names: [String])] {
        var byKeyspace: [String: [String]] = [:]
        for row in try await all("SELECT keyspace_name, table_name FROM system_schema.tables") {
            byKeyspace[row["keyspace_name"]?.description ?? "", default: []].append(row["table_name"]?.description ?? "")
        }
        return byKeyspace.sorted { $0.key < $1.key }.map { ($0.key, $0.value.sorted()) }
    }

    func keyspace(_ name: String) async throws -> String? {
        let rows = try await all("SELECT * FROM system_schema.keyspaces WHERE keyspace_name = ?", [.text(name)])
        guard let row = rows.first else { return nil }
        var text = "CREATE KEYSPACE \(Self.identifier(name)) WITH replication = \(row["replication"]?.literal ?? "{}")"
        if case .boolean(let isDurable)? = row["durable_writes"] { text += " AND durable_writes = \(isDurable)" }
        text += ";"
        for table in try await texts("SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?", [.text(name)], "table_name")
            .sorted()
        {
            if let definition = try await self.table(keyspace: name, name: table) { text += "\n\n" + definition }
        }
        return text
    }

    func table(keyspace: String, name: String) async throws -> String? {
        guard let table = try await client.table(keyspace: keyspace, name: name) else { return nil }
        var lines = table.columns.map { column in
            "    \(Self.identifier(column.name)) \(column.type)" + (column.kind == .static ? " static" : "")
        }
        let partition = table.partitionKey.map { Self.identifier($0.name) }
        let clustering = table.clusteringKey.map { Self.identifier($0.name) }
        let key = partition.count == 1 ? partition[0] : "(" + partition.joined(separator: ", ") + ")"
        lines.append("    PRIMARY KEY (" + ([key] + clustering).joined(separator: ", ") + ")")
        var text = "CREATE TABLE \(Self.identifier(keyspace)).\(Self.identifier(name)) (\n" + lines.joined(separator: ",\n") + "\n)"
        var options: [String] = []
        if !table.clusteringKey.isEmpty {
            let order = table.clusteringKey.map { "\(Self.identifier($0.name)) \($0.isDescending ? "DESC" : "ASC")" }
            options.append("CLUSTERING ORDER BY (\(order.joined(separator: ", ")))")
        }
        let rows = try await all(
            "SELECT * FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?", [.text(keyspace), .text(name)])
        if let row = rows.first {
            for option in ["comment", "default_time_to_live", "gc_grace_seconds"] {
                if let value = row[option], !value.isNull { options.append("\(option) = \(value.literal)") }
            }
        }
        if !options.isEmpty { text += " WITH " + options.joined(separator: "\n    AND ") }
        return text + ";"
    }

    /// As CQL writes a name: bare where it is lower case and no other characters, else quoted.
    static func identifier(_ name: String) -> String {
        let isPlain =
            name.first.map { $0.isASCII && $0.isLowercase } ?? false
            && name.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "_") }
            && !Keywords.reserved.contains(name.uppercased())
        return isPlain ? name : "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    private func texts(_ cql: String, _ values: [CQLValue], _ column: String) async throws -> [String] {
        try await all(cql, values).compactMap { $0[column]?.description }
    }

    /// All rows of all pages.
    private func all(_ cql: String, _ values: [CQLValue] = []) async throws -> [[String: CQLValue]] {
        var found: [[String: CQLValue]] = []
        var page = try await client.query(cql, values: values, consistency: .one)
        while true {
            for row in page.rows { found.append(Dictionary(zip(page.columns.map(\.name), row), uniquingKeysWith: { first, _ in first })) }
            guard let state = page.pagingState else { return found }
            page = try await client.query(cql, values: values, pagingState: state, consistency: .one)
        }
    }
}

/// CQL's words, for completion and quoting.
enum Keywords {
    static let reserved: Set<String> = [
        "ADD", "ALLOW", "ALTER", "AND", "APPLY", "ASC", "AUTHORIZE", "BATCH", "BEGIN", "BY", "COLUMNFAMILY", "CREATE", "DELETE", "DESC",
        "DESCRIBE", "DROP", "ENTRIES", "EXECUTE", "FROM", "FULL", "GRANT", "IF", "IN", "INDEX", "INFINITY", "INSERT", "INTO", "IS",
        "KEYSPACE", "LIMIT", "MATERIALIZED", "MODIFY", "NAN", "NORECURSIVE", "NOT", "NULL", "OF", "ON", "OR", "ORDER", "PRIMARY", "RENAME",
        "REPLACE", "REVOKE", "SCHEMA", "SELECT", "SET", "TABLE", "TO", "TOKEN", "TRUNCATE", "UNLOGGED", "UPDATE", "USE", "USING", "VIEW",
        "WHERE", "WITH",
    ]

    static let completed: [String] =
        (reserved.union([
            "ALLOW FILTERING", "AS", "CLUSTERING", "CONTAINS", "COUNT", "DISTINCT", "EXISTS", "FILTERING", "GROUP BY", "JSON", "KEY",
            "PER PARTITION",
            "PRIMARY KEY", "REPLICATION", "STATIC", "TIMESTAMP", "TTL", "TYPE", "VALUES", "WRITETIME", "CONSISTENCY", "EXIT", "HELP",
            "KEYSPACES", "PAGING", "SOURCE", "TABLES", "TIMING",
        ])).sorted()
}
