internal import IO
internal import Logging

/// A table of PostgreSQL's, or a query in a table's place, as Spark's options name it.
struct PostgresTable: Sendable {
    struct Limits: Sendable {
        var fetchRows: Int
        var connectTimeout: Duration
    }

    let options: JDBCOptions
    let limits: Limits
    let logger: Logger

    init(_ options: JDBCOptions, limits: Limits, logger: Logger) throws {
        self.options = options
        self.limits = limits
        self.logger = logger
    }

    static func quoted(_ name: String) -> String { "\"" + name.replacing("\"", with: "\"\"") + "\"" }

    func connect() async throws -> PostgresConnection { try await .open(options, timeout: limits.connectTimeout) }

    func missing() -> SparkError {
        SparkError(
            "TABLE_OR_VIEW_NOT_FOUND", sqlState: "42P01",
            "The table \(options.table) cannot be found in \(options.url.prefix { $0 != "?" }).")
    }

    func fields(_ connection: PostgresConnection) async throws -> [PostgresConnection.Field]? {
        try await connection.describe("SELECT * FROM \(options.table) WHERE 1=0")
    }

    func schema() async throws -> StructType {
        guard let fields = try await fields(try await connect()) else { throw missing() }
        return StructType(fields.map { StructField($0.name, PostgresValue(type: $0.type, modifier: $0.modifier).type) })
    }
}

extension QueryLauncher {
    var postgresLimits: PostgresTable.Limits {
        PostgresTable.Limits(
            fetchRows: configuration.values.integer("engine.jdbc.fetch.rows"),
            connectTimeout: configuration.values.duration("engine.jdbc.connect.timeout"))
    }
}

/// `spark.read.format("jdbc")`: the columns that the query uses, through a cursor, so that neither side holds more than a page; while a
/// page is turned into columns the next one is on its way.
///
/// Spark's partitioning options are taken, and the table is read in one go: one connection and one snapshot.
final class PostgresSource: OnceSource {
    private let table: PostgresTable
    private let branch: PhysicalPlan.Branch

    init(_ table: PostgresTable, _ branch: PhysicalPlan.Branch) {
        self.table = table
        self.branch = branch
    }

    var description: String { "JDBCRelation(\(table.options.table))" }

    func read(_ range: SourceRange, firstOrdinal: Int64, _ body: (SourceChunk) async throws -> Void) async throws {
        guard !range.isEmpty else { return }
        let schema = branch.sourceSchema.fields
        let wanted = branch.wanted.sorted()
        let connection = try await table.connect()
        guard let fields = try await table.fields(connection) else { throw table.missing() }
        let values = fields.map { PostgresValue(type: $0.type, modifier: $0.modifier) }
        guard fields.count == schema.count, zip(values, schema).allSatisfy({ $0.type == $1.dataType }) else {
            throw SparkError(
                "FAILED_JDBC.UNCLASSIFIED", sqlState: "HV000", "The table \(table.options.table) has changed since it was looked at.",
                nextStep: "load it again")
        }
        let columns = wanted.map { index in
            let name = PostgresTable.quoted(fields[index].name)
            return values[index] == .foreign ? "CAST(\(name) AS text)" : name
        }
        try await connection.execute("BEGIN TRANSACTION READ ONLY")
        // A query that uses no column still counts rows.
        try await connection.execute(
            "DECLARE leat_rows NO SCROLL CURSOR FOR SELECT \(columns.isEmpty ? "1" : columns.joined(separator: ", ")) FROM \(table.options.table)"
        )
        let count = table.options.fetchSize ?? table.limits.fetchRows
        func page() -> Task<PostgresRows, any Error> { Task { try await connection.fetch("FETCH \(count) FROM leat_rows") } }
        var ordinal = firstOrdinal
        var next: Task<PostgresRows, any Error>? = page()
        defer { next?.cancel() }
        while let fetched = next {
            let rows = try await withTaskCancellationHandler {
                try await fetched.value
            } onCancel: {
                fetched.cancel()
            }
            next = rows.count == count ? page() : nil
            guard rows.count > 0 else { continue }
            var made = [Column?](repeating: nil, count: schema.count)
            for (place, index) in wanted.enumerated() { made[index] = try values[index].column(rows, place) }
            try await body(
                SourceChunk(
                    storage: .batch(ColumnBatch(count: rows.count, columns: made)), ordinalFirst: ordinal, count: rows.count,
                    byteCount: rows.count * 64))
            ordinal += Int64(rows.count)
        }
        try await connection.execute("COMMIT")
    }
}
