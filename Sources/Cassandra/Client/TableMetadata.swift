/// A table as `system_schema.columns` describes it.
package struct TableMetadata: Hashable, Sendable {
    package struct Column: Hashable, Sendable {
        package enum Kind: String, Hashable, Sendable {
            case partitionKey = "partition_key"
            case clustering
            case regular
            case `static`
        }

        package let name: String
        package let type: CQLType
        package let kind: Kind
        /// Within its kind; -1 for regular and static columns.
        package let position: Int
        /// Of a clustering column.
        package let isDescending: Bool
    }

    package let keyspace: String
    package let name: String
    /// Partition key, clustering, static, regular; keys by position, the others by name.
    package let columns: [Column]

    package var partitionKey: [Column] { columns.filter { $0.kind == .partitionKey } }
    package var clusteringKey: [Column] { columns.filter { $0.kind == .clustering } }

    /// Nil when there are no columns, that is, no such table.
    init?(keyspace: String, name: String, columns rows: CQLRows) throws(CQLError) {
        guard let names = rows.column("column_name"), let types = rows.column("type"), let kinds = rows.column("kind"),
            let positions = rows.column("position"), !rows.rows.isEmpty
        else { return nil }
        let orders = rows.column("clustering_order")
        var columns: [Column] = []
        for index in rows.rows.indices {
            guard let kind = Column.Kind(rawValue: kinds[index].description) else { continue }
            columns.append(
                Column(
                    name: names[index].description, type: try CQLType(parsing: types[index].description), kind: kind,
                    position: positions[index].integer.map { Int($0) } ?? -1,
                    isDescending: orders.map { $0[index].description.lowercased() == "desc" } ?? false))
        }
        let order: [Column.Kind] = [.partitionKey, .clustering, .static, .regular]
        self.keyspace = keyspace
        self.name = name
        self.columns = columns.sorted { left, right in
            let (first, second) = (order.firstIndex(of: left.kind) ?? 0, order.firstIndex(of: right.kind) ?? 0)
            return (first, left.position, left.name) < (second, right.position, right.name)
        }
    }
}
