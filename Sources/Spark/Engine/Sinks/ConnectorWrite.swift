internal import Cassandra
internal import IO
internal import Kafka
internal import Logging

/// A write that runs once into another server: `df.write.format("kafka" | "jdbc" | "org.apache.spark.sql.cassandra").mode(…).save()`.
struct ConnectorWrite: Sendable {
    var format: String
    var mode: SaveMode
    var options: Options
    /// The session's settings, where addresses may be.
    var settings: Options

    static func serves(_ format: String) -> Bool {
        let format = format.lowercased()
        return format == "kafka" || RemoteTables.serves(format)
    }
}

extension Engine {
    func write(_ plan: LogicalPlan, _ write: ConnectorWrite, in session: SessionState) async throws {
        if RemoteTables.isCassandra(write.format) {
            try await launcher.clearCassandraTable(write)
        } else if write.format.equalsIgnoringCase("kafka"), write.mode == .overwrite || write.mode == .ignore {
            throw SparkError(
                "UNSUPPORTED_KAFKA_SAVE_MODE", sqlState: "0A000",
                "Save mode \(write.mode.name) not allowed for Kafka. Allowed save modes are Append and ErrorIfExists (default).")
        }
        try await self.write(plan, format: write.format, in: session) { [launcher] isStopped in
            if RemoteTables.isJDBC(write.format) {
                return PostgresSink(
                    try PostgresTable(try JDBCOptions(write.options), limits: launcher.postgresLimits, logger: launcher.logger),
                    mode: write.mode)
            }
            let definition = StreamingQueryDefinition(
                plan: plan, sink: .init(format: write.format, options: write.options), options: write.settings)
            return try launcher.sink(definition, name: nil, isStopped: isStopped, status: { _ in })
        }
    }
}

extension QueryLauncher {
    func kafkaSink(
        _ options: Options, query: StreamingQueryID?, status: @escaping @Sendable (String?) -> Void,
        isStopped: @escaping @Sendable () -> Bool
    ) throws -> KafkaSink {
        let sink = try KafkaSinkOptions(options, logger: logger)
        let bootstrap = sink.bootstrap ?? configuration.kafkaBootstrap
        return KafkaSink(
            options: sink, query: query,
            settings: KafkaSink.Settings(
                bootstrap: bootstrap, transactionTimeout: configuration.values.duration("engine.kafka.transaction.timeout"),
                retry: configuration.retry),
            client: kafkaClient(bootstrap, [:]), logger: logger, status: status, isStopped: isStopped)
    }

    /// What the mode asks for before rows are inserted, as the Spark Cassandra connector has it.
    func clearCassandraTable(_ write: ConnectorWrite) async throws {
        switch write.mode {
        case .append: return
        case .errorIfExists, .ignore:
            throw SparkError(
                "UNSUPPORTED_DATA_SOURCE_SAVE_MODE", sqlState: "0A000",
                "The data source \"\(write.format)\" cannot be written in the \"\(write.mode.name)\" mode. Please use either the \"Append\" or \"Overwrite\" mode instead."
            )
        case .overwrite: break
        }
        guard write.options["confirm.truncate"]?.equalsIgnoringCase("true") == true else {
            throw SparkError(
                "CASSANDRA_TRUNCATE_NOT_CONFIRMED", sqlState: "0A000",
                "You are attempting to use overwrite mode which will truncate this table prior to inserting data. If you would merely like to change data already in the table use the \"Append\" mode. To actually truncate please pass in true value to the option \"confirm.truncate\" or set that value to true in the session.conf when saving."
            )
        }
        let table = try CassandraTableOptions(write.options)
        let client = try cassandraClient(write.options, write.settings)
        do {
            guard try await client.table(keyspace: table.keyspace, name: table.table) != nil else { throw CassandraSource.missing(table) }
            _ = try await client.query("TRUNCATE \(table.quotedName)", isIdempotent: true)
            await client.close()
        } catch {
            await client.close()
            throw error
        }
    }
}
