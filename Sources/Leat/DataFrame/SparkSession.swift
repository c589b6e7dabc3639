internal import NIOConcurrencyHelpers
package import Spark

/// Where frames come from: readers, configuration, and the engine that runs the queries.
///
/// A ``Pipeline`` is handed one; it builds its queries from it.
public struct SparkSession: Sendable {
    /// What the session's engine does; nil in a session that only describes queries.
    struct Executor: Sendable {
        let start: @Sendable (StreamingQueryDefinition) async throws -> any StreamingQueryView
        let schema: @Sendable (LogicalPlan) throws -> Spark.StructType
    }

    private let engine: Executor?

    /// The session's configuration: defaults for the sources and sinks of its queries (`spark.cassandra.connection.host`).
    public let conf: RuntimeConf

    /// A session whose queries run on an engine of this process.
    package init(engine: Engine) {
        self.engine = Executor(start: { try await engine.queries.start($0) }, schema: { try engine.schema(of: $0) })
        conf = RuntimeConf()
    }

    /// A session whose queries run on another Spark.
    package init(remote: RemoteSpark) {
        engine = Executor(
            start: { try await remote.start($0) },
            schema: { _ in
                throw SparkError(
                    "UNSUPPORTED_FEATURE", sqlState: "0A000", "A frame's schema is known to the Spark at \(remote.endpoint) alone.",
                    nextStep: "start the query there, or ask for the schema with the embedded engine")
            })
        conf = RuntimeConf()
    }

    private init() {
        engine = nil
        conf = RuntimeConf()
    }

    /// A session without an engine: queries can be built and looked at, and starting one is an error.
    package static var unbound: SparkSession { SparkSession() }

    /// The version of Spark whose behaviour the engine follows.
    public var version: String { ConnectServer.sparkVersion }

    /// Reads a stream.
    public var readStream: DataStreamReader { DataStreamReader(session: self) }

    /// Reads a batch.
    public var read: DataFrameReader { DataFrameReader(session: self) }

    /// A frame from a SQL text; not served yet.
    ///
    /// - Throws: Always, an error that says so.
    public func sql(_ text: String) throws -> DataFrame {
        throw SparkError(
            "UNSUPPORTED_FEATURE", sqlState: "0A000", "spark.sql is not served by this engine yet.",
            nextStep: "build the query with readStream, select, selectExpr and filter")
    }

    func executor() throws -> Executor {
        if let engine { return engine }
        throw SparkError(
            "NO_ACTIVE_SESSION", sqlState: "08003", "This session has no engine: it only describes queries.",
            nextStep: "start the query in the pipeline's own process, with leat up, leat run or leat engine --pipeline")
    }
}

/// A session's configuration by key.
public final class RuntimeConf: Sendable {
    private let values = NIOLockedValueBox(Options())

    init() {}

    /// Sets a key. Unknown ones are kept: sources and sinks read their own.
    public func set(_ key: String, _ value: String) { values.withLockedValue { $0[key] = value } }

    /// A key's value, or nil when it is not set.
    public func get(_ key: String) -> String? { values.withLockedValue { $0[key] } }

    /// A key's value, or another when it is not set.
    public func get(_ key: String, _ defaultValue: String) -> String { get(key) ?? defaultValue }

    /// Forgets a key.
    public func unset(_ key: String) { values.withLockedValue { $0[key] = nil } }

    var options: Options { values.withLockedValue { $0 } }
}
