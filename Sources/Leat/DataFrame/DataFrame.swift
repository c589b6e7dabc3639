internal import Spark

/// A table that is computed from sources, batch or streaming; nothing is read until a query over it is started.
///
/// Its methods give new frames and change none. What is wrong with a frame (a text that does not parse, a column that is not there)
/// is thrown when its schema is asked for or a query over it is started.
public struct DataFrame: Sendable {
    let session: SparkSession
    /// The plan, or why it could not be built.
    let plan: Deferred<LogicalPlan>

    init(session: SparkSession, plan: Deferred<LogicalPlan>) {
        self.session = session
        self.plan = plan
    }

    private func map(_ body: (LogicalPlan) throws -> LogicalPlan) -> DataFrame {
        DataFrame(session: session, plan: .building { try body(try plan.get()) })
    }

    // MARK: Columns

    /// The columns given.
    public func select(_ columns: Column...) -> DataFrame { select(columns) }

    /// The columns given.
    public func select(_ columns: [Column]) -> DataFrame { map { .project(try columns.map { try $0.expression.get() }, $0) } }

    /// The columns of these names; `"*"` stands for all, `"data.*"` for all fields of a struct.
    public func select(_ names: String...) -> DataFrame { select(names.map(Column.init)) }

    /// SQL expressions, each with an alias or without: `selectExpr("CAST(value AS STRING) AS text", "*")`.
    public func selectExpr(_ expressions: String...) -> DataFrame { select(expressions.map(expr)) }

    /// The frame with a column added, or replaced where one has that name.
    public func withColumn(_ name: String, _ column: Column) -> DataFrame {
        map { .withColumns([NamedExpression(name, try column.expression.get())], $0) }
    }

    /// The frame with several columns added or replaced, all computed from the frame as it is.
    public func withColumns(_ columns: KeyValuePairs<String, Column>) -> DataFrame {
        map { .withColumns(try columns.map { NamedExpression($0.key, try $0.value.expression.get()) }, $0) }
    }

    /// The frame with a column renamed; a name that is absent changes nothing.
    public func withColumnRenamed(_ name: String, _ newName: String) -> DataFrame { map { .renamed([name: newName], $0) } }

    /// The frame with columns renamed, old names to new ones; names that are absent change nothing.
    public func withColumnsRenamed(_ names: [String: String]) -> DataFrame { map { .renamed(names, $0) } }

    /// The frame without these columns; names that are absent change nothing.
    public func drop(_ names: String...) -> DataFrame { map { .drop(names, $0) } }

    // MARK: Rows

    /// The rows for which the condition holds.
    public func filter(_ condition: Column) -> DataFrame { map { .filter(try condition.expression.get(), $0) } }

    /// The rows for which a SQL condition holds: `filter("age >= 18")`.
    public func filter(_ condition: String) -> DataFrame { map { .filter(try Spark.Expression(sql: condition), $0) } }

    /// As ``filter(_:)-(Column)``.
    public func `where`(_ condition: Column) -> DataFrame { filter(condition) }

    /// As ``filter(_:)-(String)``.
    public func `where`(_ condition: String) -> DataFrame { filter(condition) }

    /// The first `count` rows; of a stream, of each micro-batch as far as the engine serves it.
    public func limit(_ count: Int) -> DataFrame { map { .limit(count, $0) } }

    /// The rows of both frames, columns by their position.
    public func union(_ other: DataFrame) -> DataFrame { map { .union($0, try other.plan.get()) } }

    // MARK: About the frame

    /// Whether a source of the frame is a stream, so that it is to be written with ``writeStream``.
    public var isStreaming: Bool { (try? plan.get().isStreaming) ?? false }

    /// The columns with their types.
    ///
    /// - Throws: Spark's error for what cannot be resolved, with the names that are near; or one that says that the session has no engine.
    public var schema: StructType {
        get throws { StructType(try session.executor().schema(try plan.get())) }
    }

    /// The columns' names.
    public var columns: [String] {
        get throws { try schema.fieldNames }
    }

    /// Prints the schema as a tree.
    public func printSchema() throws { print(try schema.treeString) }

    /// Where the frame is to be written, and how, as a streaming query.
    public var writeStream: DataStreamWriter { DataStreamWriter(self) }
}
