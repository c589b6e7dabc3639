package import NIOCore

/// One page of a result, decoded. Without columns for DDL and writes.
package struct CQLRows: Sendable {
    package var columns: [ColumnSpecification]
    package var rows: [[CQLValue]]
    /// Hand it to the next query for the next page; nil on the last one.
    package var pagingState: ByteBuffer?
    package var warnings: [String]
    /// What a DDL statement changed.
    package var schemaChange: SchemaChange?
    /// The keyspace that a USE statement chose.
    package var keyspace: String?

    package init(
        columns: [ColumnSpecification] = [], rows: [[CQLValue]] = [], pagingState: ByteBuffer? = nil, warnings: [String] = [],
        schemaChange: SchemaChange? = nil, keyspace: String? = nil
    ) {
        self.columns = columns
        self.rows = rows
        self.pagingState = pagingState
        self.warnings = warnings
        self.schemaChange = schemaChange
        self.keyspace = keyspace
    }

    package func columnIndex(_ name: String) -> Int? { columns.firstIndex { $0.name == name } }

    /// The values of one column, in row order; nil where there is no such column.
    package func column(_ name: String) -> [CQLValue]? { columnIndex(name).map { index in rows.map { $0[index] } } }
}
