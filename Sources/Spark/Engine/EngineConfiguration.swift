package import IO

/// The engine's settings.
package struct EngineConfiguration: Sendable {
    package static let settings: [Setting] = ownSettings + fileSettings + ConnectConfiguration.settings

    private static let ownSettings: [Setting] = [
        Setting("engine.host", .text, default: "127.0.0.1", "the address that Spark Connect listens on"),
        Setting("engine.port", .integer(0...65_535), default: "15002", "Spark Connect's port; 0 takes any free one"),
        Setting("engine.advertised", .text, default: "", "the address that clients are told, host:port; empty: host and port as bound"),
        Setting("engine.workers", .integer(0...1_024), default: "0", "threads that make columns; 0: one for each core"),
        Setting("engine.batch.rows", .integer(1...10_000_000), default: "20000", "rows of one micro-batch at most"),
        Setting("engine.fetch.bytes", .bytes, default: "1MiB", "bytes asked for in one fetch of a partition"),
        Setting("engine.fetch.wait", .duration, default: "500ms", "how long a fetch waits at the broker for data"),
        Setting("engine.fetch.buffered", .bytes, default: "2MiB", "bytes read ahead of the query for each partition"),
        Setting("engine.kafka.metadata", .duration, default: "10s", "how often new partitions are looked for"),
        Setting("engine.kafka.topic.poll", .duration, default: "200ms", "how often a topic that does not exist yet is looked for"),
        Setting(
            "engine.kafka.loss.patience", .duration, default: "5s",
            "how long a topic may end before an offset that was read from it until that counts as data loss"),
        Setting(
            "engine.kafka.transaction.timeout", .duration, default: "60s",
            "how long a transaction of the kafka sink may stay open before the broker aborts it"),
        Setting("engine.kafka.bootstrap", .text, default: "127.0.0.1:9092", "brokers where a query names none"),
        Setting("engine.cassandra.contact", .text, default: "127.0.0.1:9042", "Cassandra nodes where a query names none"),
        Setting("engine.cassandra.rows", .integer(1...1_000), default: "32", "rows of one insert request at most"),
        Setting("engine.cassandra.bytes", .bytes, default: "32KiB", "bytes of one insert request, about; Cassandra refuses 50 KiB"),
        Setting("engine.cassandra.inflight", .integer(1...4_096), default: "64", "insert requests on their way at a time"),
        Setting("engine.cassandra.timeout", .duration, default: "12s", "how long an insert request waits for its answer"),
        Setting("engine.cassandra.fetch.rows", .integer(1...1_000_000), default: "5000", "rows of one page of a table that is read"),
        Setting(
            "engine.jdbc.fetch.rows", .integer(1...1_000_000), default: "10000",
            "rows that are fetched at a time from a PostgreSQL table, where the option fetchsize does not say"),
        Setting("engine.jdbc.connect.timeout", .duration, default: "10s", "how long a connection to PostgreSQL may take"),
        Setting("engine.socket.lines", .integer(1...100_000_000), default: "1000000", "lines of a socket source that wait for the query"),
        Setting("engine.retry.initial", .duration, default: "50ms", "the first pause before a source or a sink that fails is tried again"),
        Setting("engine.retry.maximum", .duration, default: "5s", "the longest pause before a source or a sink that fails is tried again"),
        Setting(
            "engine.query.memory", .bytes, default: "1GiB", "what the sorts, joins, groups and windows of one batch query may hold together"
        ),
        Setting(
            "engine.state.memory", .bytes, default: "512MiB",
            "what the state of all streaming queries may hold in memory together; the rest is read from disk when it is needed"),
        Setting(
            "engine.state.memtable", .bytes, default: "16MiB",
            "state that is gathered in memory before it is written into a file; the log that a start replays is twice as long"),
        Setting("engine.pivot.values", .integer(1...1_000_000), default: "10000", "columns that a pivot without values may make"),
        Setting(
            "engine.python", .text, default: "",
            "the interpreter that runs clients' Python functions where a session names none (spark.pyspark.python)"),
        Setting("engine.python.timeout", .duration, default: "10m", "how long one call of a Python function may take; 0s: for ever"),
        Setting(
            "engine.python.retries", .integer(0...100), default: "1", "how often a call is made again when the Python worker died or hung"),
        Setting("engine.python.threads", .integer(1...256), default: "4", "threads that wait for Python functions over columns"),
        Setting(
            "engine.python.batches", .integer(1...1_024), default: "32", "foreachBatch and foreach functions that run at a time"),
        Setting(
            "engine.python.processes", .integer(1...4_096), default: "64", "Python processes of one interpreter at a time"),
        Setting("engine.python.idle", .integer(0...1_024), default: "4", "Python processes kept for the next call"),
        Setting(
            "engine.python.functions", .integer(16...1_000_000), default: "1000", "functions that Python processes remember"),
        Setting(
            "engine.python.replay", .bytes, default: "64MiB",
            "input kept for a function over batches (mapInPandas), so that it can be run again when the Python process died"),
        Setting("engine.progress.kept", .integer(1...10_000), default: "100", "progress reports kept for each query"),
    ]

    package var values: SettingValues
    package var folder: String
    package var kafkaBootstrap: [Endpoint]
    package var cassandraContactPoints: [Endpoint]
    package var workers: Int
    package var retry: Backoff

    package init(values: SettingValues, folder: String) throws {
        self.values = values
        self.folder = folder
        kafkaBootstrap = try Endpoint.list(parsing: values.text("engine.kafka.bootstrap"), defaultPort: 9_092)
        cassandraContactPoints = try Endpoint.list(parsing: values.text("engine.cassandra.contact"), defaultPort: 9_042)
        workers = values.integer("engine.workers")
        // Nothing could be read with room for nothing.
        for key in ["engine.fetch.bytes", "engine.fetch.buffered"] where values.bytes(key) < 1 {
            throw SettingError.malformed(
                key: key, text: values.text(key), complaint: "at least 1 byte is wanted", origin: values.origin(of: key))
        }
        let initial = values.duration("engine.retry.initial")
        retry = Backoff(initial: max(initial, .milliseconds(1)), maximum: max(values.duration("engine.retry.maximum"), initial))
    }
}
