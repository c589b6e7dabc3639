/// The only description of a query: unresolved, built by the DataFrame API, by SQL, or from a Spark Connect message.
///
/// What the resolver does not serve it refuses by name, so a front end may build every case.
package indirect enum LogicalPlan: Hashable, Sendable {
    case read(DataSourceRead)
    /// A view or table by its name: what the session's catalog knows it as.
    case table(UnresolvedTable)
    /// Rows that came with the query.
    case local(LocalRelation)
    /// `spark.range`: longs from `start` to before `end`.
    case range(start: Int64, end: Int64, step: Int64)
    /// One row without columns: the FROM of a SELECT that has none.
    case oneRow
    case project([Expression], LogicalPlan)
    /// `withColumn`, `withColumns`: replaces columns of these names where they stand, adds the others at the end.
    case withColumns([NamedExpression], LogicalPlan)
    /// `withColumnRenamed`, `withColumnsRenamed`; names that are absent change nothing, as in Spark.
    case renamed([String: String], LogicalPlan)
    /// `toDF("a", "b")`: one name a column.
    case toDF([String], LogicalPlan)
    /// `to(schema)`: columns by name, in the schema's order, cast where that loses nothing.
    case toSchema(StructType, LogicalPlan)
    /// `drop`; names that are absent change nothing, as in Spark.
    case drop([String], LogicalPlan)
    /// `drop(df.a)`.
    case dropColumns([Expression], LogicalPlan)
    case filter(Expression, LogicalPlan)
    case limit(Int, LogicalPlan)
    case offset(Int, LogicalPlan)
    /// The last rows.
    case tail(Int, LogicalPlan)
    /// LIMIT and OFFSET of SQL, which may be expressions of constants.
    case limitExpression(Expression, LogicalPlan)
    case offsetExpression(Expression, LogicalPlan)
    /// Rows in order; `isGlobal` is false for `sortWithinPartitions`.
    case sort([SortOrder], isGlobal: Bool, LogicalPlan)
    case setOperation(SetOperation, LogicalPlan, LogicalPlan)
    case join(Join, LogicalPlan, LogicalPlan)
    case aggregate(Aggregate, LogicalPlan)
    /// SQL's HAVING: sees the aggregate's output and, beyond it, aggregates of its input.
    case having(Expression, LogicalPlan)
    /// `distinct()` (no names: all columns) or `dropDuplicates(names)`.
    case deduplicate([String], withinWatermark: Bool, LogicalPlan)
    case sample(Sample, LogicalPlan)
    /// `df.alias("a")`, `… AS a`, `… AS a(x, y)`.
    case alias(String, columns: [String], LogicalPlan)
    /// A frame with the number that its columns name it by (``Expression/attribute(_:planID:)``).
    case identified(Int64, LogicalPlan)
    /// `withWatermark(column, "10 minutes")`.
    case watermark(column: String, delay: String, LogicalPlan)
    /// `explode(…)` and its kin beside the child's columns: `LATERAL VIEW [OUTER] f(x) t AS a, b`.
    case generate(Generate, LogicalPlan)
    case unpivot(Unpivot, LogicalPlan)
    case transpose(indexColumns: [Expression], LogicalPlan)
    /// Rows stay the same and so does their order: executors are threads here.
    case repartition(Int?, by: [Expression], LogicalPlan)
    /// A hint changes no result.
    case hint(String, LogicalPlan)
    case fillNulls(columns: [String], values: [Literal], LogicalPlan)
    /// `minNonNulls` nil: every column.
    case dropNulls(columns: [String], minNonNulls: Int?, LogicalPlan)
    case replaceValues(columns: [String], [Replacement], LogicalPlan)
    case statistics(Statistics, LogicalPlan)
    /// `WITH a AS (…), b AS (…) …`; later ones see earlier ones.
    case with([CommonTable], isRecursive: Bool, LogicalPlan)
    /// `mapInPandas`, `mapInArrow`: a Python function over the frame's batches.
    case mapPartitions(PythonFunction, LogicalPlan)
    /// `groupBy(…).applyInPandas`.
    case mapGroups(PythonFunction, by: [Expression], LogicalPlan)
    /// `df.observe(name, …)`.
    case observe(name: String, [Expression], LogicalPlan)
    /// `spark.read.json(frame of strings)`, `csv` likewise.
    case parse(format: String, options: Options, schema: StructType?, LogicalPlan)
    /// Text that a row's values are shown as: what `show()` asks the server for.
    case showString(rows: Int, truncate: Int, isVertical: Bool, LogicalPlan)
    case htmlString(rows: Int, truncate: Int, LogicalPlan)
    /// A frame that the server holds for the client (`foreachBatch`'s, a checkpoint's).
    case cached(String)
    /// A plan of the client's that has no place here yet, by Spark's own name for it; the resolver refuses it.
    case notServed(String)

    package static func union(_ left: LogicalPlan, _ right: LogicalPlan) -> LogicalPlan {
        .setOperation(SetOperation(.union, isAll: true), left, right)
    }

    package var children: [LogicalPlan] {
        switch self {
        case .read, .table, .local, .range, .oneRow, .cached, .notServed: []
        case .project(_, let child), .withColumns(_, let child), .renamed(_, let child), .toDF(_, let child), .toSchema(_, let child),
            .drop(_, let child), .dropColumns(_, let child), .filter(_, let child), .limit(_, let child), .offset(_, let child),
            .tail(_, let child), .limitExpression(_, let child), .offsetExpression(_, let child), .sort(_, _, let child),
            .aggregate(_, let child), .having(_, let child), .deduplicate(_, _, let child), .sample(_, let child),
            .alias(_, _, let child), .identified(_, let child), .watermark(_, _, let child), .generate(_, let child),
            .unpivot(_, let child), .transpose(_, let child), .repartition(_, _, let child), .hint(_, let child),
            .fillNulls(_, _, let child), .dropNulls(_, _, let child), .replaceValues(_, _, let child), .statistics(_, let child),
            .mapPartitions(_, let child), .mapGroups(_, _, let child), .observe(_, _, let child), .parse(_, _, _, let child),
            .showString(_, _, _, let child), .htmlString(_, _, let child):
            [child]
        case .with(let tables, _, let child): tables.map(\.plan) + [child]
        case .setOperation(_, let left, let right), .join(_, let left, let right): [left, right]
        }
    }

    /// The case's name, as a refusal gives it.
    package var operatorName: String {
        if case .notServed(let name) = self { return name }
        return Mirror(reflecting: self).children.first?.label ?? "\(self)"
    }

    /// Whether the plan reads the table of this name.
    package func mentions(_ name: String) -> Bool {
        if case .table(let table) = self, table.name[table.name.count - 1].equalsIgnoringCase(name) { return true }
        return children.contains { $0.mentions(name) }
    }

    package var isStreaming: Bool {
        switch self {
        case .read(let read): read.isStreaming
        case .table(let table): table.isStreaming
        default: children.contains(where: \.isStreaming)
        }
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
        /// What `foreachBatch` or `foreach` was given, instead of a format.
        package var function: PythonSinkFunction?
        /// Columns whose values name the folders of a file sink (`partitionBy`).
        package var partitionColumns: [String] = []

        package init(format: String, options: Options = Options(), table: String? = nil, function: PythonSinkFunction? = nil) {
            self.format = format
            self.options = options
            self.table = table
            self.function = function
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
