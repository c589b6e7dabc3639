internal import NIOConcurrencyHelpers
internal import NIOCore

/// `df.write.format("jdbc")`: one COPY in one transaction, with the table's creation, truncation or replacement in it, so that a write that
/// fails leaves the table as it was. (Spark's writes a transaction for each partition.)
///
/// Like Spark's it takes no streams; a streaming query writes each micro-batch with `foreachBatch`.
final class PostgresSink: StreamSink {
    private struct State {
        var connection: PostgresConnection?
        /// Nothing is written to a table that is there already (mode `ignore`).
        var isIgnored = false
    }

    private let table: PostgresTable
    private let mode: SaveMode
    private let state = NIOLockedValueBox(State())

    init(_ table: PostgresTable, mode: SaveMode) {
        self.table = table
        self.mode = mode
    }

    var description: String { "JDBCRelation(\(table.options.table))" }
    var takesDeadLetters: Bool { false }
    private var name: String { table.options.table }

    func prepare(_ schema: StructType, _ mode: OutputMode) async throws {
        guard !name.hasPrefix("(") else { throw JDBCOptions.invalid("A write needs the option 'dbtable' with a table's name.") }
        if let field = schema.fields.first(where: { !PostgresText.serves($0.dataType) }) {
            throw SparkError(
                "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE", sqlState: "0A000",
                "The JDBC datasource doesn't support the column `\(field.name)` of the type \"\(field.dataType.sql)\".")
        }
        let connection = try await table.connect()
        let found = try await table.fields(connection)
        if found != nil {
            switch self.mode {
            case .errorIfExists:
                throw SparkError(
                    "TABLE_OR_VIEW_ALREADY_EXISTS", sqlState: "42P07",
                    "Cannot create table or view `\(name)` because it already exists.\nChoose a different name, drop or replace the existing object, or add the IF NOT EXISTS clause to tolerate pre-existing objects."
                )
            case .ignore:
                state.withLockedValue { $0.isIgnored = true }
                return
            case .append, .overwrite: break
            }
        }
        try await connection.execute("BEGIN")
        var columns = schema.names
        if let found {
            if self.mode == .overwrite, !table.options.truncates {
                try await connection.execute("DROP TABLE \(name)")
                try await create(schema, connection)
            } else {
                columns = try match(schema, found.map(\.name))
                if self.mode == .overwrite { try await connection.execute("TRUNCATE TABLE \(name)") }
            }
        } else {
            try await create(schema, connection)
        }
        try await connection.beginCopy(
            "COPY \(name) (\(columns.map(PostgresTable.quoted).joined(separator: ", "))) FROM STDIN")
        state.withLockedValue { $0.connection = connection }
    }

    private func create(_ schema: StructType, _ connection: PostgresConnection) async throws {
        let columns = schema.fields.map { field in
            "\(PostgresTable.quoted(field.name)) \(Self.type(field.dataType))\(field.nullable ? "" : " NOT NULL")"
        }
        try await connection.execute("CREATE TABLE \(name) (\(columns.joined(separator: ", "))) \(table.options.createTableOptions)")
    }

    /// As Spark's PostgresDialect names them.
    private static func type(_ type: DataType) -> String {
        switch type {
        case .boolean: "BOOLEAN"
        case .byte, .short: "SMALLINT"
        case .integer: "INTEGER"
        case .long: "BIGINT"
        case .float: "FLOAT4"
        case .double: "FLOAT8"
        case .decimal(let precision, let scale): "NUMERIC(\(precision),\(scale))"
        case .binary: "BYTEA"
        case .date: "DATE"
        case .timestamp: "TIMESTAMP WITH TIME ZONE"
        case .timestampNTZ: "TIMESTAMP"
        case .array(let element, _): self.type(element) + "[]"
        default: "TEXT"
        }
    }

    /// The table's own spelling of the columns.
    private func match(_ schema: StructType, _ names: [String]) throws -> [String] {
        try schema.fields.map { field in
            guard let name = names.first(where: { $0 == field.name }) ?? names.first(where: { $0.equalsIgnoringCase(field.name) }) else {
                throw SparkError(
                    "COLUMN_NOT_DEFINED_IN_TABLE", sqlState: "42703",
                    "\"\(field.dataType.sql)\" column `\(field.name)` is not defined in table `\(self.name)`, defined table columns are: \(names.map { "`\($0)`" }.joined(separator: ", "))."
                )
            }
            return name
        }
    }

    func encode(_ rows: ResultRows, isSingle: Bool) throws -> SinkOutput {
        guard !state.withLockedValue({ $0.isIgnored }), let count = rows.columns.lazy.compactMap({ $0?.count }).first else {
            return SinkOutput(payload: .none, rowCount: 0, refusals: [])
        }
        var buffer = ByteBuffer()
        try PostgresText(rows, count: count).write(rows.selection, to: &buffer)
        return SinkOutput(payload: .text(buffer), rowCount: rows.selection.count, refusals: [])
    }

    func send(_ output: SinkOutput, _ chunk: SourceChunk, branch: Int) async throws {
        guard case .text(let text) = output.payload, let connection = state.withLockedValue({ $0.connection }) else { return }
        try await connection.copy(text)
    }

    func finish() async throws -> [RefusedRows] {
        guard let connection = state.withLockedValue({ $0.connection }) else { return [] }
        try await connection.endCopy()
        try await connection.execute("COMMIT")
        return []
    }

    /// A connection that goes with its transaction open takes that back.
    func stop() async { state.withLockedValue { $0.connection = nil } }
}
