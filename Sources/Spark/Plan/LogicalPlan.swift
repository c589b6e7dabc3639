/// The only description of a query: unresolved, built by the DataFrame API, by SQL, or from a Spark Connect message.
package indirect enum LogicalPlan: Hashable, Sendable {
    case read(DataSourceRead)
    case project([Expression], LogicalPlan)
    /// `withColumn`, `withColumns`: replaces columns of these names where they stand, adds the others at the end.
    case withColumns([NamedExpression], LogicalPlan)
    /// `withColumnRenamed`, `withColumnsRenamed`; names that are absent change nothing, as in Spark.
    case renamed([String: String], LogicalPlan)
    /// `drop`; names that are absent change nothing, as in Spark.
    case drop([String], LogicalPlan)
    case filter(Expression, LogicalPlan)
    case limit(Int, LogicalPlan)
    case union(LogicalPlan, LogicalPlan)

    package var children: [LogicalPlan] {
        switch self {
        case .read: []
        case .project(_, let child), .withColumns(_, let child), .renamed(_, let child), .drop(_, let child), .filter(_, let child),
            .limit(_, let child):
            [child]
        case .union(let left, let right): [left, right]
        }
    }

    package var isStreaming: Bool {
        if case .read(let read) = self { return read.isStreaming }
        return children.contains(where: \.isStreaming)
    }
}

package struct NamedExpression: Hashable, Sendable {
    package var name: String
    package var expression: Expression

    package init(_ name: String, _ expression: Expression) {
        self.name = name
        self.expression = expression
    }
}

/// `spark.read` / `spark.readStream` `.format(…).option(…).schema(…).load()`.
package struct DataSourceRead: Hashable, Sendable {
    package var format: String
    package var options: Options
    package var schema: StructType?
    package var isStreaming: Bool

    package init(format: String, options: Options = Options(), schema: StructType? = nil, isStreaming: Bool) {
        self.format = format
        self.options = options
        self.schema = schema
        self.isStreaming = isStreaming
    }
}

/// Options of a source, a sink or a query. Spark compares their names without regard to case and keeps the spelling.
package struct Options: Hashable, Sendable, ExpressibleByDictionaryLiteral {
    private var values: [String: Option] = [:]

    private struct Option: Hashable, Sendable {
        var name: String
        var value: String
    }

    package init() {}

    package init(_ pairs: [String: String]) {
        for (name, value) in pairs { self[name] = value }
    }

    package init(dictionaryLiteral elements: (String, String)...) {
        for (name, value) in elements { self[name] = value }
    }

    package subscript(name: String) -> String? {
        get { values[name.lowercased()]?.value }
        set { values[name.lowercased()] = newValue.map { Option(name: name, value: $0) } }
    }

    /// As spelt by the caller, ordered by name.
    package var pairs: [(name: String, value: String)] {
        values.sorted { $0.key < $1.key }.map { ($0.value.name, $0.value.value) }
    }

    package var isEmpty: Bool { values.isEmpty }
}

package enum OutputMode: String, Hashable, Sendable {
    case append
    case update
    case complete
}

package enum Trigger: Hashable, Sendable {
    /// The next micro-batch starts as soon as there is data.
    case asSoonAsPossible
    case processingTime(Duration)
    /// All that is there at the start, in as many batches as the limits ask for, then the query ends.
    case availableNow
    /// All that is there at the start in one batch.
    case once
}

/// `df.writeStream. … .start()`.
package struct StreamingQueryDefinition: Sendable {
    package var name: String?
    package var plan: LogicalPlan
    package var sink: Sink
    package var outputMode: OutputMode
    package var trigger: Trigger
    package var checkpointLocation: String?
    /// Options for the query beside the sink's (`deadLetterTopic`); read where the sink's own do not name them.
    package var options: Options

    package struct Sink: Hashable, Sendable {
        /// `org.apache.spark.sql.cassandra`, `console`, `memory`, `noop`.
        package var format: String
        package var options: Options
        /// The table that `toTable` named, for sinks that take it so.
        package var table: String?

        package init(format: String, options: Options = Options(), table: String? = nil) {
            self.format = format
            self.options = options
            self.table = table
        }
    }

    package init(
        name: String? = nil, plan: LogicalPlan, sink: Sink, outputMode: OutputMode = .append, trigger: Trigger = .asSoonAsPossible,
        checkpointLocation: String? = nil, options: Options = Options()
    ) {
        self.name = name
        self.plan = plan
        self.sink = sink
        self.outputMode = outputMode
        self.trigger = trigger
        self.checkpointLocation = checkpointLocation
        self.options = options
    }
}
