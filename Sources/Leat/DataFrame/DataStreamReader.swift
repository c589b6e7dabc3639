internal import Spark

/// Says what a stream is read from: `spark.readStream.format("kafka").option("subscribe", "users").load()`.
public struct DataStreamReader: Sendable {
    private var source: SourceDescription

    init(session: SparkSession) {
        source = SourceDescription(session: session, isStreaming: true)
    }

    /// The kind of source: `kafka`, `rate`, `memory`.
    public func format(_ source: String) -> DataStreamReader { with { $0.format = source } }

    /// One option of the source, as Spark documents it; names compare without regard to case.
    public func option(_ name: String, _ value: String) -> DataStreamReader { with { $0.options[name] = value } }
    /// One option of the source.
    public func option(_ name: String, _ value: Bool) -> DataStreamReader { option(name, value ? "true" : "false") }
    /// One option of the source.
    public func option(_ name: String, _ value: Int) -> DataStreamReader { option(name, "\(value)") }
    /// One option of the source.
    public func option(_ name: String, _ value: Double) -> DataStreamReader { option(name, "\(value)") }

    /// Several options of the source.
    public func options(_ options: [String: String]) -> DataStreamReader {
        with { source in
            for (name, value) in options { source.options[name] = value }
        }
    }

    /// The schema, for sources that do not bring their own.
    public func schema(_ schema: StructType) -> DataStreamReader { with { $0.schema = schema } }

    /// The schema in Spark's DDL or JSON form.
    public func schema(_ text: String) -> DataStreamReader { schema(StructType(text)) }

    /// The frame. Nothing is read yet.
    public func load() -> DataFrame { source.load() }

    /// The frame over a path, for sources that read files.
    public func load(_ path: String) -> DataFrame { option("path", path).load() }

    private func with(_ change: (inout SourceDescription) -> Void) -> DataStreamReader {
        var reader = self
        change(&reader.source)
        return reader
    }
}

/// Says what a batch is read from: `spark.read.format("kafka").option("subscribe", "users").load()`.
public struct DataFrameReader: Sendable {
    private var source: SourceDescription

    init(session: SparkSession) {
        source = SourceDescription(session: session, isStreaming: false)
    }

    /// The kind of source: `kafka`, `rate`, `memory`.
    public func format(_ source: String) -> DataFrameReader { with { $0.format = source } }

    /// One option of the source, as Spark documents it; names compare without regard to case.
    public func option(_ name: String, _ value: String) -> DataFrameReader { with { $0.options[name] = value } }
    /// One option of the source.
    public func option(_ name: String, _ value: Bool) -> DataFrameReader { option(name, value ? "true" : "false") }
    /// One option of the source.
    public func option(_ name: String, _ value: Int) -> DataFrameReader { option(name, "\(value)") }
    /// One option of the source.
    public func option(_ name: String, _ value: Double) -> DataFrameReader { option(name, "\(value)") }

    /// Several options of the source.
    public func options(_ options: [String: String]) -> DataFrameReader {
        with { source in
            for (name, value) in options { source.options[name] = value }
        }
    }

    /// The schema, for sources that do not bring their own.
    public func schema(_ schema: StructType) -> DataFrameReader { with { $0.schema = schema } }

    /// The schema in Spark's DDL or JSON form.
    public func schema(_ text: String) -> DataFrameReader { schema(StructType(text)) }

    /// The frame. Nothing is read yet.
    public func load() -> DataFrame { source.load() }

    /// The frame over a path, for sources that read files.
    public func load(_ path: String) -> DataFrame { option("path", path).load() }

    private func with(_ change: (inout SourceDescription) -> Void) -> DataFrameReader {
        var reader = self
        change(&reader.source)
        return reader
    }
}

/// What both readers gather.
struct SourceDescription: Sendable {
    let session: SparkSession
    let isStreaming: Bool
    var format: String?
    var options = Options()
    var schema: StructType?

    func load() -> DataFrame {
        DataFrame(
            session: session,
            plan: .building {
                guard let format else {
                    throw SparkError(
                        "DATA_SOURCE_NOT_FOUND", sqlState: "42K02", "The source has no format.",
                        nextStep: "name one before load(), for example .format(\"kafka\")")
                }
                return .read(DataSourceRead(format: format, options: options, schema: try schema?.plan, isStreaming: isStreaming))
            })
    }
}
