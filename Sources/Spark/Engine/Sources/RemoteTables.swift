internal import Cassandra
internal import IO

/// Tables of other servers, read as a whole by a batch query: Cassandra's, and PostgreSQL's through `jdbc`.
///
/// What columns such a table has only its server knows. A plan is resolved without waiting, so ``QueryLauncher/learnSchemas(_:_:)`` asks
/// for the tables of a plan before it is resolved, and the answers are kept for the plans of views, which it does not see.
enum RemoteTables {
    static func serves(_ format: String) -> Bool { isCassandra(format) || isJDBC(format) }
    static func isCassandra(_ format: String) -> Bool { ["org.apache.spark.sql.cassandra", "cassandra"].contains(format.lowercased()) }
    static func isJDBC(_ format: String) -> Bool { format.equalsIgnoringCase("jdbc") }
}

extension QueryLauncher {
    /// Asks the servers of the plan's tables, and of its views', what columns they have.
    ///
    /// - Parameter inside: the views that the plan stands in: a view that replaced another one of its name still names that one.
    func learnSchemas(_ plan: LogicalPlan, _ session: SessionState, inside: Set<String> = []) async throws {
        switch plan {
        case .read(let read) where RemoteTables.serves(read.format) && !read.isStreaming: remember(try await askSchema(read), of: read)
        case .table(let table):
            let name = table.name.joined(separator: ".").lowercased()
            guard !inside.contains(name), let view = session.view(name) else { return }
            try await learnSchemas(view, session, inside: inside.union([name]))
        default:
            _ = try await plan.mapChildren { child in
                try await learnSchemas(child, session, inside: inside)
                return child
            }
        }
    }

    private func askSchema(_ read: DataSourceRead) async throws -> StructType {
        guard read.schema == nil else {
            throw SparkError(
                "UNSUPPORTED_FEATURE", sqlState: "0A000", "\(read.format) does not allow user-specified schemas.")
        }
        if RemoteTables.isJDBC(read.format) {
            return try await PostgresTable(try JDBCOptions(read.options), limits: postgresLimits, logger: logger).schema()
        }
        let table = try CassandraTableOptions(read.options)
        let client = try cassandraClient(read.options, Options())
        do {
            let schema = try await CassandraSource.schema(table, client)
            await client.close()
            return schema
        } catch {
            await client.close()
            throw error
        }
    }

    func remoteTableSchema(_ read: DataSourceRead) throws -> StructType {
        guard !read.isStreaming else { throw Self.unservedStreamedReading(read.format) }
        guard let schema = remoteSchema(read) else {
            throw SparkError(
                "UNSUPPORTED_FEATURE", sqlState: "0A000", "A read of \(read.format) inside a subquery is not served by this engine.",
                nextStep: "make a view of it first")
        }
        return schema
    }

    func remoteTable(_ branch: PhysicalPlan.Branch) throws -> any StreamSource {
        let read = branch.source
        if RemoteTables.isJDBC(read.format) {
            return PostgresSource(try PostgresTable(try JDBCOptions(read.options), limits: postgresLimits, logger: logger), branch)
        }
        var rows = configuration.values.integer("engine.cassandra.fetch.rows")
        if let text = read.options["spark.cassandra.input.fetch.sizeInRows"] ?? read.options["spark.cassandra.input.fetch.size_in_rows"] {
            guard let value = Int(text), (1...1_000_000).contains(value) else {
                throw SparkError(
                    "INVALID_SOURCE_OPTION", sqlState: "42616",
                    "'\(text)' is no number of rows (spark.cassandra.input.fetch.sizeInRows).")
            }
            rows = value
        }
        return CassandraSource(
            try CassandraTableOptions(read.options), branch, client: try cassandraClient(read.options, Options()), pageRows: Int32(rows))
    }

    static func unservedStreamedReading(_ format: String) -> SparkError {
        SparkError("UNSUPPORTED_STREAMING_SOURCE", sqlState: "0A000", "Data source \(format) does not support streamed reading")
    }

    static func unservedStreamedWriting(_ format: String) -> SparkError {
        SparkError(
            "UNSUPPORTED_STREAMING_SINK", sqlState: "0A000", "Data source \(format) does not support streamed writing",
            nextStep: "write each micro-batch with foreachBatch")
    }
}
