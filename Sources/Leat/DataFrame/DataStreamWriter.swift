package import Spark

/// Says where a streaming query writes to, and how: format, options, output mode, trigger, name; ``start()`` runs it.
///
/// In a ``Pipeline``, the writer is returned from `queries` and started where the pipeline runs.
public struct DataStreamWriter: Sendable {
    private let frame: DataFrame
    private var format: String?
    private var options = Options()
    private var mode: Deferred<Spark.OutputMode> = .success(.append)
    private var trigger: Deferred<Spark.Trigger> = .success(.asSoonAsPossible)
    private var name: String?
    private var table: String?

    init(_ frame: DataFrame) {
        self.frame = frame
    }

    /// The kind of sink: `org.apache.spark.sql.cassandra`, `console`, `memory`, `noop`.
    public func format(_ sink: String) -> DataStreamWriter { with { $0.format = sink } }

    /// One option of the sink or of the query (`checkpointLocation`); names compare without regard to case.
    public func option(_ name: String, _ value: String) -> DataStreamWriter { with { $0.options[name] = value } }
    /// One option of the sink or of the query.
    public func option(_ name: String, _ value: Bool) -> DataStreamWriter { option(name, value ? "true" : "false") }
    /// One option of the sink or of the query.
    public func option(_ name: String, _ value: Int) -> DataStreamWriter { option(name, "\(value)") }
    /// One option of the sink or of the query.
    public func option(_ name: String, _ value: Double) -> DataStreamWriter { option(name, "\(value)") }

    /// Several options of the sink or of the query.
    public func options(_ options: [String: String]) -> DataStreamWriter {
        with { writer in
            for (name, value) in options { writer.options[name] = value }
        }
    }

    /// Which rows are written after a micro-batch.
    public func outputMode(_ mode: OutputMode) -> DataStreamWriter { with { $0.mode = .success(mode.plan) } }

    /// As ``outputMode(_:)-(OutputMode)`` by name: `append`, `update`, `complete`.
    public func outputMode(_ mode: String) -> DataStreamWriter {
        with { writer in
            writer.mode = .building {
                guard let mode = Spark.OutputMode(rawValue: mode.lowercased()) else {
                    throw SparkError(
                        "STREAMING_OUTPUT_MODE.INVALID", sqlState: "42KDE", "Invalid streaming output mode: \(mode).",
                        nextStep: "write append, update or complete")
                }
                return mode
            }
        }
    }

    /// When a micro-batch starts; without it, as soon as there is data.
    public func trigger(_ trigger: Trigger) -> DataStreamWriter { with { $0.trigger = .building { try trigger.plan } } }

    /// The query's name: in the console, in status and progress, and for its checkpoint where no location is given.
    public func queryName(_ name: String) -> DataStreamWriter { with { $0.name = name } }

    /// Starts the query.
    ///
    /// - Returns: The running query. A sink or source that cannot be reached is waited for and does not fail the start.
    /// - Throws: Spark's error for a plan that does not resolve, an unknown format or option value, or a name that is in use.
    public func start() async throws -> StreamingQuery {
        let executor = try frame.session.executor()
        return StreamingQuery(try await executor.start(try definition))
    }

    /// Starts the query with a path, for sinks that write files.
    public func start(_ path: String) async throws -> StreamingQuery { try await option("path", path).start() }

    /// Starts the query into a table.
    public func toTable(_ table: String) async throws -> StreamingQuery { try await with { $0.table = table }.start() }

    /// What is to be run, as the engine takes it.
    ///
    /// - Throws: What was wrong with a text that the query was built from.
    package var definition: StreamingQueryDefinition {
        get throws {
            guard let format else {
                throw SparkError(
                    "DATA_SOURCE_NOT_FOUND", sqlState: "42K02", "The sink has no format.",
                    nextStep: "name one before start(), for example .format(\"org.apache.spark.sql.cassandra\")")
            }
            let plan = try frame.plan.get()
            guard plan.isStreaming else {
                throw SparkError(
                    "WRITE_STREAM_NOT_ALLOWED", sqlState: "42601", "`writeStream` can be called only on a streaming frame.",
                    nextStep: "read it with spark.readStream")
            }
            let conf = frame.session.conf.options
            return StreamingQueryDefinition(
                name: name, plan: plan, sink: .init(format: format, options: options, table: table), outputMode: try mode.get(),
                trigger: try trigger.get(), checkpointLocation: options["checkpointLocation"], options: conf)
        }
    }

    private func with(_ change: (inout DataStreamWriter) -> Void) -> DataStreamWriter {
        var writer = self
        change(&writer)
        return writer
    }
}
