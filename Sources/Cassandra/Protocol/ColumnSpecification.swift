/// A column of a result, or a bind marker of a prepared statement: where it lives, its name, its type.
package struct ColumnSpecification: Hashable, Sendable {
    package let keyspace: String
    package let table: String
    package let name: String
    package let type: CQLType

    package init(keyspace: String, table: String, name: String, type: CQLType) {
        self.keyspace = keyspace
        self.table = table
        self.name = name
        self.type = type
    }
}
