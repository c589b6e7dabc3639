/// A pipeline: what is scheduled, what must exist before it runs, and what is computed from what it produces.
///
///     @main struct Users: Pipeline {
///         let name = "users"
///         var dags: [DAG] { DAG("user_automation", schedule: .daily) { SwiftOperator("fetch") { run in … } } }
///         func queries(_ spark: SparkSession) -> [DataStreamWriter] { spark.readStream. … .writeStream. … }
///     }
///
/// A pipeline runs where it is told to: in `leat up` beside the embedded boxes, or by `leat run` against boxes elsewhere. A type
/// marked `@main` becomes a command of its own, with `leat`'s settings as its flags.
public protocol Pipeline: Sendable {
    /// Pipelines are made by the command that runs them.
    init()

    /// The name by which the command line finds it, and the name of its part of the data folder.
    var name: String { get }

    /// What the scheduler runs. None by default.
    @PipelineBuilder<DAG> var dags: [DAG] { get throws }

    /// Creates the keyspaces, tables and topics that the queries write to. Called before they start, each time; so say IF NOT EXISTS.
    func prepare(_ cassandra: CassandraSession) async throws

    /// The streaming queries that the engine runs. None by default.
    @PipelineBuilder<DataStreamWriter> func queries(_ spark: SparkSession) throws -> [DataStreamWriter]
}

extension Pipeline {
    /// No DAGs.
    public var dags: [DAG] { [] }

    /// Nothing to prepare.
    public func prepare(_ cassandra: CassandraSession) async throws {}

    /// No queries.
    public func queries(_ spark: SparkSession) throws -> [DataStreamWriter] { [] }

    /// The entry point of a type marked `@main`: runs the pipeline as `leat run` does.
    public static func main() async {
        await PipelineMain.run(Self())
    }
}

/// Lists of one kind of thing, written one below the other.
@resultBuilder public enum PipelineBuilder<Element> {
    /// One element.
    public static func buildExpression(_ element: Element) -> [Element] { [element] }
    /// Several at once.
    public static func buildExpression(_ elements: [Element]) -> [Element] { elements }
    /// All that stands in the block.
    public static func buildBlock(_ parts: [Element]...) -> [Element] { parts.flatMap { $0 } }
    /// What an `if` without `else` holds.
    public static func buildOptional(_ part: [Element]?) -> [Element] { part ?? [] }
    /// The first branch.
    public static func buildEither(first: [Element]) -> [Element] { first }
    /// The other branch.
    public static func buildEither(second: [Element]) -> [Element] { second }
    /// What a `for` collects.
    public static func buildArray(_ parts: [[Element]]) -> [Element] { parts.flatMap { $0 } }
}
