/// A session's configuration: what the client set, over the defaults that clients ask for.
///
/// A key that Spark would fix at start-up is refused: `spark.sql.*` ones as static, core ones (`spark.jars.packages`,
/// `spark.driver.memory`) as Spark configuration. Every other key is kept, whether known or not, since sources and sinks read
/// theirs from here (`spark.cassandra.connection.host`). (Spark, `RuntimeConfigImpl.requireNonStaticConf`.)
struct SessionConfiguration: Sendable {
    private var values: [String: String] = [:]
    /// What was set and unset since it was last taken, in order; nil where a key was unset.
    private var changes: [(key: String, value: String?)] = []

    /// What is set now: SQL's SET and RESET change it too.
    mutating func adopt(_ settings: [String: String]) { values = settings }

    mutating func takeChanges() -> [(key: String, value: String?)] {
        defer { changes = [] }
        return changes
    }

    /// - Returns: Warnings, for keys that could not be set when `isSilent`.
    mutating func set(_ pairs: [KeyValue], isSilent: Bool) throws(ConnectError) -> [String] {
        var warnings: [String] = []
        for pair in pairs {
            guard let value = pair.value else {
                throw ConnectError(
                    classes: ["java.lang.IllegalArgumentException"], message: "The value of '\(pair.key)' is missing.")
            }
            if let refusal = Self.refusal(of: pair.key) {
                guard isSilent else { throw refusal }
                warnings.append("Failed to set \(pair.key) to \(value): \(refusal.message)")
            } else {
                values[pair.key] = value
                changes.append((pair.key, value))
            }
        }
        return warnings
    }

    mutating func unset(_ keys: [String]) throws(ConnectError) {
        for key in keys {
            if let refusal = Self.refusal(of: key) { throw refusal }
            values[key] = nil
            changes.append((key, nil))
        }
    }

    func value(of key: String) -> String? { values[key] ?? Self.defaults[key] }

    /// - Throws: SQL_CONF_NOT_FOUND for a key that is not set and has no default.
    func required(_ key: String) throws(ConnectError) -> String {
        if let value = value(of: key) { return value }
        throw ConnectError(
            classes: ["org.apache.spark.SparkNoSuchElementException", "java.util.NoSuchElementException", "java.lang.Exception"],
            message:
                "[SQL_CONF_NOT_FOUND] The SQL config \"\(key)\" cannot be found. Please verify that the config exists. SQLSTATE: 42K0I",
            errorClass: "SQL_CONF_NOT_FOUND", sqlState: "42K0I", parameters: ["sqlConf": "\"\(key)\""])
    }

    /// What was set, of the keys that begin with `prefix`, which is taken off.
    func all(prefix: String?) -> [KeyValue] {
        let prefix = prefix ?? ""
        return values.filter { $0.key.hasPrefix(prefix) }.sorted { $0.key < $1.key }
            .map { KeyValue(String($0.key.dropFirst(prefix.count)), $0.value) }
    }

    static func isModifiable(_ key: String) -> Bool { refusal(of: key) == nil }

    private static func refusal(of key: String) -> ConnectError? {
        if staticKeys.contains(key) {
            return ConnectError(
                classes: ConnectError.analysisClasses,
                message: "[CANNOT_MODIFY_STATIC_CONFIG] Cannot modify the value of the static Spark config: \"\(key)\". SQLSTATE: 46110",
                errorClass: "CANNOT_MODIFY_STATIC_CONFIG", sqlState: "46110", parameters: ["key": "\"\(key)\""])
        }
        guard coreKeys.contains(key) || corePrefixes.contains(where: key.hasPrefix) else { return nil }
        return ConnectError(
            classes: ConnectError.analysisClasses,
            message: "[CANNOT_MODIFY_CONFIG] Cannot modify the value of the Spark config: \"\(key)\". "
                + "Leat needs no jars and sizes itself; the setting has no effect. SQLSTATE: 46110",
            errorClass: "CANNOT_MODIFY_CONFIG", sqlState: "46110", parameters: ["key": "\"\(key)\"", "docroot": ""])
    }

    private static let staticKeys: Set<String> = [
        "spark.sql.warehouse.dir", "spark.sql.extensions", "spark.sql.catalogImplementation", "spark.sql.globalTempDatabase",
        "spark.sql.streaming.streamingQueryListeners", "spark.sql.queryExecutionListeners", "spark.sql.cache.serializer",
        "spark.sql.sources.schemaStringLengthThreshold", "spark.sql.codegen.cache.maxEntries", "spark.sql.event.truncate.length",
        "spark.sql.legacy.sessionInitWithConfigDefaults", "spark.sql.defaultUrlStreamHandlerFactory.enabled",
        "spark.sql.streaming.ui.enabled", "spark.sql.ui.retainedExecutions",
    ]

    private static let coreKeys: Set<String> = [
        "spark.master", "spark.jars", "spark.files", "spark.archives", "spark.local.dir", "spark.plugins", "spark.serializer",
        "spark.extraListeners", "spark.default.parallelism", "spark.cores.max", "spark.task.cpus", "spark.python.worker.memory",
    ]

    private static let corePrefixes = [
        "spark.jars.", "spark.driver.", "spark.executor.", "spark.submit.", "spark.network.", "spark.ui.", "spark.memory.",
        "spark.shuffle.", "spark.eventLog.", "spark.dynamicAllocation.", "spark.kryo", "spark.rpc.", "spark.authenticate",
        "spark.scheduler.", "spark.deploy.", "spark.history.", "spark.broadcast.", "spark.storage.", "spark.locality.",
    ]

    /// Spark 4's defaults for the keys that PySpark reads, and a few that people look at.
    private static let defaults: [String: String] = [
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.timestampType": "TIMESTAMP_LTZ",
        "spark.sql.ansi.enabled": "true",
        "spark.sql.caseSensitive": "false",
        "spark.sql.shuffle.partitions": "200",
        "spark.sql.repl.eagerEval.enabled": "false",
        "spark.sql.repl.eagerEval.maxNumRows": "20",
        "spark.sql.repl.eagerEval.truncate": "20",
        "spark.sql.session.localRelationCacheThreshold": "1048576",
        "spark.sql.session.localRelationChunkSizeRows": "10000",
        "spark.sql.session.localRelationChunkSizeBytes": "16777216",
        "spark.sql.session.localRelationBatchOfChunksSizeBytes": "1073741824",
        "spark.sql.session.localRelationSizeLimit": "3221225472",
        "spark.sql.pyspark.inferNestedDictAsStruct.enabled": "false",
        "spark.sql.pyspark.legacy.inferArrayTypeFromFirstElement.enabled": "false",
        "spark.sql.pyspark.legacy.inferMapTypeFromFirstPair.enabled": "false",
        "spark.sql.pyspark.jvmStacktrace.enabled": "false",
        "spark.sql.execution.pandas.inferPandasDictAsMap": "false",
        "spark.sql.execution.pandas.convertToArrowArraySafely": "false",
        "spark.sql.execution.pandas.structHandlingMode": "legacy",
        "spark.sql.execution.pyspark.binaryAsBytes": "true",
        "spark.sql.execution.arrow.useLargeVarTypes": "false",
        "spark.sql.execution.arrow.pyspark.selfDestruct.enabled": "false",
        "spark.sql.execution.pythonUDF.arrow.enabled": "true",
        "spark.sql.execution.pythonUDTF.arrow.enabled": "true",
        "spark.sql.connect.serverStacktrace.enabled": "false",
        "spark.python.sql.dataFrameDebugging.enabled": "true",
        "spark.sql.streaming.numRecentProgressUpdates": "100",
        "spark.connect.session.planCompression.threshold": "10485760",
        "spark.connect.session.planCompression.defaultAlgorithm": "ZSTD",
        "spark.sql.execution.arrow.compression.codec": "none",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "10000",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.sources.default": "parquet",
        "spark.sql.warehouse.dir": "spark-warehouse",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.globalTempDatabase": "global_temp",
    ]
}
