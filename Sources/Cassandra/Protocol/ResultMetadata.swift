package import NIOCore

/// The columns of a result, with their wire form made once: a plan shares one among all its results.
///
/// Immutable, hence `Sendable` by its parts.
package final class ResultMetadata: Sendable {
    package let columns: [ColumnSpecification]
    /// Whether all columns are of one table, which is then sent once ("Global_tables_spec").
    package let hasGlobalTable: Bool
    /// v5's result metadata id: clients send it with EXECUTE and are told when it has changed.
    package let id: [UInt8]
    /// Table and columns as they follow the flags, count, paging state and id; by version, as types differ.
    private let encoded: [ByteBuffer]

    package init(_ columns: [ColumnSpecification]) {
        self.columns = columns
        let hasGlobalTable =
            !columns.isEmpty && columns.allSatisfy { $0.keyspace == columns[0].keyspace && $0.table == columns[0].table }
        self.hasGlobalTable = hasGlobalTable
        encoded = ProtocolVersion.allCases.map { version in
            var buffer = ByteBuffer()
            Self.write(columns, hasGlobalTable: hasGlobalTable, to: &buffer, version: version)
            return buffer
        }
        var digest = MD5()
        for column in columns {
            digest.update(column.name)
            digest.update("\u{0}\(column.type)\u{0}")
        }
        id = digest.finished()
    }

    package static let empty = ResultMetadata([])

    package func encoded(_ version: ProtocolVersion) -> ByteBuffer { encoded[Int(version.rawValue - ProtocolVersion.v3.rawValue)] }

    static func write(
        _ columns: [ColumnSpecification], hasGlobalTable: Bool, to buffer: inout ByteBuffer, version: ProtocolVersion
    ) {
        if hasGlobalTable {
            buffer.writeCQLString(columns[0].keyspace)
            buffer.writeCQLString(columns[0].table)
        }
        for column in columns {
            if !hasGlobalTable {
                buffer.writeCQLString(column.keyspace)
                buffer.writeCQLString(column.table)
            }
            buffer.writeCQLString(column.name)
            column.type.write(to: &buffer, version: version)
        }
    }

    static func readColumns(
        count: Int, hasGlobalTable: Bool, from buffer: inout ByteBuffer
    ) throws(CQLError) -> [ColumnSpecification] {
        var keyspace = "", table = ""
        if hasGlobalTable {
            keyspace = try buffer.readCQLString("keyspace")
            table = try buffer.readCQLString("table")
        }
        var columns: [ColumnSpecification] = []
        for _ in 0..<count {
            if !hasGlobalTable {
                keyspace = try buffer.readCQLString("keyspace")
                table = try buffer.readCQLString("table")
            }
            let name = try buffer.readCQLString("column name")
            columns.append(ColumnSpecification(keyspace: keyspace, table: table, name: name, type: try CQLType.read(from: &buffer)))
        }
        return columns
    }
}
