internal import Cassandra
internal import NIOCore

/// Which table, and how it is read.
struct CassandraTableOptions: Sendable {
    var keyspace: String
    var table: String
    var consistency: Consistency

    init(_ options: Options) throws {
        guard let keyspace = options["keyspace"], let table = options["table"] else {
            throw SparkError(
                "MISSING_CASSANDRA_OPTION", sqlState: "42000", "A Cassandra table needs the options 'keyspace' and 'table'.",
                nextStep: "write .options(keyspace=\"spark_streams\", table=\"created_users\")")
        }
        self.keyspace = keyspace
        self.table = table
        let text = options["spark.cassandra.input.consistency.level"]?.uppercased() ?? "LOCAL_ONE"
        let levels: [String: Consistency] = [
            "LOCAL_ONE": .localOne, "ONE": .one, "TWO": .two, "THREE": .three, "LOCAL_QUORUM": .localQuorum, "QUORUM": .quorum, "ALL": .all,
        ]
        guard let level = levels[text] else {
            throw SparkError(
                "INVALID_SOURCE_OPTION", sqlState: "42616", "'\(text)' is no consistency level that a Cassandra table is read with.")
        }
        consistency = level
    }

    static func quoted(_ name: String) -> String { "\"" + name.replacing("\"", with: "\"\"") + "\"" }
    var quotedName: String { "\(Self.quoted(keyspace)).\(Self.quoted(table))" }
}

/// `spark.read.format("org.apache.spark.sql.cassandra")`: the columns that the query uses, page by page; while a page is turned into
/// columns the next one is on its way.
///
/// Where the query's first filter fixes the whole partition key, that partition alone is asked for. Types become Spark's as the Spark
/// Cassandra connector maps them (DataTypes, "Reading"): uuids and addresses are strings, decimals have 18 decimals.
final class CassandraSource: OnceSource {
    private let options: CassandraTableOptions
    private let branch: PhysicalPlan.Branch
    private let client: CassandraClient
    private let pageRows: Int32

    init(_ options: CassandraTableOptions, _ branch: PhysicalPlan.Branch, client: CassandraClient, pageRows: Int32) {
        self.options = options
        self.branch = branch
        self.client = client
        self.pageRows = pageRows
    }

    static func schema(_ options: CassandraTableOptions, _ client: CassandraClient) async throws -> StructType {
        guard let metadata = try await client.table(keyspace: options.keyspace, name: options.table) else { throw missing(options) }
        return StructType(
            try metadata.columns.map { column in
                guard let cell = CassandraCell(column.type) else {
                    throw SparkError(
                        "UNSUPPORTED_FEATURE", sqlState: "0A000",
                        "The column '\(column.name)' of \(options.keyspace).\(options.table) has the type \(column.type), which this engine does not read."
                    )
                }
                return StructField(column.name, cell.type)
            })
    }

    static func missing(_ options: CassandraTableOptions) -> SparkError {
        SparkError(
            "TABLE_OR_VIEW_NOT_FOUND", sqlState: "42P01", "The Cassandra table \(options.keyspace).\(options.table) cannot be found.",
            nextStep: "`leat cql` opens a prompt")
    }

    var description: String { "CassandraTable[\(options.keyspace).\(options.table)]" }
    func stop() async { await client.close() }

    func read(_ range: SourceRange, firstOrdinal: Int64, _ body: (SourceChunk) async throws -> Void) async throws {
        guard !range.isEmpty else { return }
        guard let metadata = try await client.table(keyspace: options.keyspace, name: options.table) else {
            throw Self.missing(options)
        }
        let fields = branch.sourceSchema.fields
        // A query that uses no column still counts rows.
        var wanted = branch.wanted.sorted()
        if wanted.isEmpty, let key = metadata.partitionKey.first, let index = fields.firstIndex(where: { $0.name == key.name }) {
            wanted = [index]
        }
        var statement =
            "SELECT \(wanted.map { CassandraTableOptions.quoted(fields[$0].name) }.joined(separator: ", ")) FROM \(options.quotedName)"
        var values = BoundValues.empty
        if let key = partitionKey(metadata) {
            statement += " WHERE " + metadata.partitionKey.map { CassandraTableOptions.quoted($0.name) + " = ?" }.joined(separator: " AND ")
            values = try BoundValues(zip(key, metadata.partitionKey).map { ($0, $1.type) })
        }
        let prepared = try await client.prepare(statement)
        let cells = try prepared.resultColumns.map { column in
            guard let cell = CassandraCell(column.type) else {
                throw SparkError("UNSUPPORTED_FEATURE", sqlState: "0A000", "The column '\(column.name)' has become a \(column.type).")
            }
            return cell
        }
        guard cells.count == wanted.count, zip(cells, wanted).allSatisfy({ $0.type == fields[$1].dataType }) else {
            throw SparkError(
                "CASSANDRA_TABLE_CHANGED", sqlState: "42K09",
                "The table \(options.keyspace).\(options.table) has changed since it was looked at.",
                nextStep: "load it again")
        }
        var ordinal = firstOrdinal
        var next: Task<ResultMessage.Rows?, any Error>? = page(prepared, values, nil)
        defer { next?.cancel() }
        while let page = next {
            guard let rows = try await page.value else { break }
            next = rows.pagingState.map { self.page(prepared, values, $0) }
            guard rows.rowCount > 0 else { continue }
            let made = try CassandraCell.columns(rows, cells)
            var columns = [Column?](repeating: nil, count: fields.count)
            for (column, index) in zip(made, wanted) { columns[index] = column }
            try await body(
                SourceChunk(
                    storage: .batch(ColumnBatch(count: rows.rowCount, columns: columns)), ordinalFirst: ordinal, count: rows.rowCount,
                    byteCount: rows.content.readableBytes))
            ordinal += Int64(rows.rowCount)
        }
    }

    private func page(_ statement: PreparedStatement, _ values: BoundValues, _ state: ByteBuffer?) -> Task<ResultMessage.Rows?, any Error> {
        Task { [client, options, pageRows] in
            let request = StatementRequest(values: values, consistency: options.consistency, pageSize: pageRows, pagingState: state)
            guard case .rows(let rows) = try await client.execute(statement, encoded: request).result else { return nil }
            return rows
        }
    }

    // MARK: Partition key

    /// The values that the query's first filter fixes the partition key to; nil where it leaves some of it open.
    private func partitionKey(_ metadata: TableMetadata) -> [CQLValue]? {
        var fixed: [Int: Literal] = [:]
        for stage in branch.stages {
            guard case .filter(let condition) = stage else { break }
            Self.equalities(condition, into: &fixed)
        }
        var key: [CQLValue] = []
        for column in metadata.partitionKey {
            guard let index = branch.sourceSchema.fields.firstIndex(where: { $0.name == column.name }), let literal = fixed[index],
                let value = Self.value(literal, column.type.unfrozen)
            else { return nil }
            key.append(value)
        }
        return key.isEmpty ? nil : key
    }

    private static func equalities(_ condition: ResolvedExpression, into fixed: inout [Int: Literal]) {
        switch condition {
        case .call(.and, let sides, _): for side in sides { equalities(side, into: &fixed) }
        case .call(.equal, let sides, _):
            switch (sides[0], sides[1]) {
            case (.column(let index, _, _), .literal(let literal, _)), (.literal(let literal, _), .column(let index, _, _)):
                fixed[index] = literal
            default: break
            }
        default: break
        }
    }

    private static func value(_ literal: Literal, _ type: CQLType) -> CQLValue? {
        switch (literal, type) {
        case (.string(let text), .text): .text(text)
        case (.string(let text), .ascii) where text.utf8.allSatisfy { $0 < 0x80 }: .ascii(text)
        case (.string(let text), .uuid): CQLUUID(text).map { .uuid($0) }
        case (.string(let text), .timeuuid): CQLUUID(text).flatMap { $0.version == 1 ? .timeuuid($0) : nil }
        case (.integer(let value), .int): .int(value)
        case (.long(let value), .bigint): .bigint(value)
        case (.short(let value), .smallint): .smallint(value)
        case (.byte(let value), .tinyint): .tinyint(value)
        case (.boolean(let value), .boolean): .boolean(value)
        case (.date(let days), .date): .date(days)
        case (.timestamp(let micros), .timestamp) where micros % 1_000 == 0: .timestamp(micros / 1_000)
        default: nil
        }
    }
}
