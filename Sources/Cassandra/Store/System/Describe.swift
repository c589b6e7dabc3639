/// DESCRIBE, which cqlsh 6 sends to the server: rows of names and of CREATE statements that make the thing again.
struct Describe {
    let schema: Schema
    let node: NodeDescription
    /// Of the connection's USE.
    let keyspace: String?

    private static func metadata(_ columns: [(String, CQLType)]) -> ResultMetadata {
        ResultMetadata(columns.map { ColumnSpecification(keyspace: "system", table: "describe", name: $0.0, type: $0.1) })
    }

    private struct Element {
        let keyspace: String
        let kind: String
        let name: String
        var statement = ""
    }

    func result(_ what: DescribeStatement) throws(CQLError) -> StatementResult {
        switch what {
        case .keyspaces:
            return try names(
                schema.allKeyspaces.map { Element(keyspace: Self.quoted($0.name), kind: "keyspace", name: Self.quoted($0.name)) })
        case .tables:
            let keyspaces = try keyspace.map { (name) throws(CQLError) in [try find(name)] } ?? schema.allKeyspaces
            return try names(
                keyspaces.flatMap { keyspace in
                    Self.sorted(keyspace).map {
                        Element(keyspace: Self.quoted(keyspace.name), kind: "table", name: Self.quoted($0.name))
                    }
                })
        case .types, .functions, .aggregates: return try names([])
        case .cluster: return try cluster()
        case .schema(let isFull):
            return try statements((isFull ? schema.allKeyspaces : schema.userKeyspaces).flatMap { elements($0, isOnly: false) })
        case .keyspace(let name, let isOnly):
            guard let name = name ?? keyspace else { throw .invalid("No keyspace specified and no current keyspace") }
            return try statements(elements(try find(name), isOnly: isOnly))
        case .table(let name):
            guard let found = try table(name) else {
                throw .invalid("Table '\(name.name)' not found in keyspace '\(name.keyspace ?? keyspace ?? "")'")
            }
            return try statements([element(found)])
        case .absent(let kind, let name):
            throw .invalid(
                "\(kind.prefix(1).uppercased() + kind.dropFirst()) '\(name.name)' not found in keyspace '\(name.keyspace ?? keyspace ?? "")'"
            )
        case .any(let name):
            if name.keyspace == nil, let keyspace = schema.keyspaces[name.name] { return try statements(elements(keyspace, isOnly: false)) }
            if name.keyspace != nil || keyspace != nil, let found = try table(name) { return try statements([element(found)]) }
            throw .invalid("'\(name.name)' not found in keyspace '\(name.keyspace ?? keyspace ?? "")'")
        }
    }

    private func find(_ name: String) throws(CQLError) -> Schema.Keyspace {
        guard let keyspace = schema.keyspaces[name] else { throw .invalid("'\(name)' not found in keyspaces") }
        return keyspace
    }

    private func table(_ name: TableName) throws(CQLError) -> Table? {
        guard let keyspace = name.keyspace ?? keyspace else { throw .invalid("No keyspace specified and no current keyspace") }
        return try find(keyspace).tables[name.name]
    }

    private static func sorted(_ keyspace: Schema.Keyspace) -> [Table] { keyspace.tables.values.sorted { $0.name < $1.name } }

    // MARK: Results

    private func names(_ elements: [Element]) throws(CQLError) -> StatementResult {
        var writer = RowsWriter()
        for element in elements {
            try writer.append(.text(element.keyspace), type: .text)
            try writer.append(.text(element.kind), type: .text)
            try writer.append(.text(element.name), type: .text)
            writer.endRow()
        }
        return .rows(writer.rows(Self.metadata([("keyspace_name", .text), ("type", .text), ("name", .text)])))
    }

    private func statements(_ elements: [Element]) throws(CQLError) -> StatementResult {
        var writer = RowsWriter()
        for element in elements {
            try writer.append(.text(element.keyspace), type: .text)
            try writer.append(.text(element.kind), type: .text)
            try writer.append(.text(element.name), type: .text)
            try writer.append(.text(element.statement), type: .text)
            writer.endRow()
        }
        return .rows(
            writer.rows(Self.metadata([("keyspace_name", .text), ("type", .text), ("name", .text), ("create_statement", .text)])))
    }

    private func cluster() throws(CQLError) -> StatementResult {
        var columns: [(String, CQLType)] = [("cluster", .text), ("partitioner", .text), ("snitch", .text)]
        var writer = RowsWriter()
        try writer.append(.text(node.cluster), type: .text)
        try writer.append(.text(NodeDescription.partitioner.split(separator: ".").last.map(String.init) ?? ""), type: .text)
        try writer.append(.text("SimpleSnitch"), type: .text)
        if keyspace != nil {
            let type = CQLType.map(.text, .list(.text))
            columns.append(("range_ownership", type))
            let ranges = CQLValue.map([.init(.text(NodeDescription.token), .list([.text("\(node.address):7000")]))])
            try writer.append(ranges, type: type)
        }
        writer.endRow()
        return .rows(writer.rows(Self.metadata(columns)))
    }

    // MARK: Statements

    private func elements(_ keyspace: Schema.Keyspace, isOnly: Bool) -> [Element] {
        let name = Self.quoted(keyspace.name)
        var text = ""
        if keyspace.isVirtual {
            text =
                "/*\nWarning: Keyspace \(name) is a virtual keyspace and cannot be recreated with CQL.\nStructure, for reference:*/\n// VIRTUAL KEYSPACE \(name);"
        } else {
            text =
                "CREATE KEYSPACE \(name) WITH replication = \(Self.replication(keyspace.replication))  AND durable_writes = \(keyspace.isDurable);"
        }
        let own = Element(keyspace: name, kind: "keyspace", name: name, statement: text)
        return isOnly ? [own] : [own] + Self.sorted(keyspace).map(element)
    }

    private static func replication(_ map: [String: String]) -> String {
        var map = map
        let prefix = "org.apache.cassandra.locator."
        if let name = map["class"], name.hasPrefix(prefix) { map["class"] = String(name.dropFirst(prefix.count)) }
        return literal(map)
    }

    private static func literal(_ map: [String: String]) -> String {
        let keys = map.keys.sorted { ($0 == "class" ? "" : $0) < ($1 == "class" ? "" : $1) }
        return "{" + keys.map { "\(CQLValue.text($0).literal): \(CQLValue.text(map[$0] ?? "").literal)" }.joined(separator: ", ") + "}"
    }

    private func element(_ table: Table) -> Element {
        Element(keyspace: Self.quoted(table.keyspace), kind: "table", name: Self.quoted(table.name), statement: Self.statement(table))
    }

    static func statement(_ table: Table) -> String {
        let hasShortKey = table.partitionKey.count == 1 && table.clusteringKey.isEmpty
        var lines = table.columns.map { column in
            var line = "    \(quoted(column.name)) \(column.type)"
            if column.kind == .static { line += " static" }
            if hasShortKey, column.kind == .partitionKey { line += " PRIMARY KEY" }
            return line
        }
        if !hasShortKey {
            let partition = table.partitionKey.map { quoted($0.name) }
            let key = partition.count == 1 ? partition[0] : "(" + partition.joined(separator: ", ") + ")"
            lines.append("    PRIMARY KEY (\(([key] + table.clusteringKey.map { quoted($0.name) }).joined(separator: ", ")))")
        }
        var properties: [String] = []
        if !table.clusteringKey.isEmpty {
            let order = table.clusteringKey.map { "\(quoted($0.name)) \($0.isDescending ? "DESC" : "ASC")" }
            properties.append("CLUSTERING ORDER BY (\(order.joined(separator: ", ")))")
        }
        for (name, kind, _) in TableProperties.known {
            let value = TableProperties.value(name, of: table)
            switch kind {
            case .text: properties.append("\(name) = \(CQLValue.text(value.text ?? "").literal)")
            case .map: properties.append("\(name) = \(sortedLiteral(value.map ?? [:]))")
            default: properties.append("\(name) = \(value.text ?? "")")
            }
        }
        var text = "CREATE TABLE \(quoted(table.keyspace)).\(quoted(table.name)) (\n" + lines.joined(separator: ",\n") + "\n) WITH "
        text += properties.joined(separator: "\n    AND ") + ";"
        guard table.virtual != nil else { return text }
        return
            "/*\nWarning: Table \(quoted(table.keyspace)).\(quoted(table.name)) is a virtual table and cannot be recreated with CQL.\nStructure, for reference:\n"
            + text + "\n*/"
    }

    private static func sortedLiteral(_ map: [String: String]) -> String {
        "{"
            + map.sorted { $0.key < $1.key }.map { "\(CQLValue.text($0.key).literal): \(CQLValue.text($0.value).literal)" }.joined(
                separator: ", ")
            + "}"
    }

    /// As CQL wants the name written: bare where it is lower-case and no keyword.
    static func quoted(_ name: String) -> String {
        let isBare =
            name.first.map { $0.isASCII && $0.isLowercase } ?? false
            && name.utf8.allSatisfy { $0 == 0x5F || $0 >= 0x30 && $0 <= 0x39 || $0 >= 0x61 && $0 <= 0x7A }
            && !CQLParser.reserved.contains(name)
        return isBare ? name : "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}
