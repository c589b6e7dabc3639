import IO
import Testing

@testable import Spark

@Suite struct ResolverTests {
    private let schema = StructType([
        StructField("id", .string), StructField("age", .integer),
        StructField("data", .structure(StructType([StructField("Name", .string), StructField("n", .long)]))),
    ])

    private func resolve(_ sql: String) throws -> ResolvedExpression { try Resolver.resolve(try Expression(sql: sql), in: schema) }

    private func error(_ sql: String) -> SparkError? { #expect(throws: SparkError.self) { try resolve(sql) } }

    @Test func namesAreFoundWithoutRegardToCase() throws {
        #expect(try resolve("ID") == .column(0, .string, nullable: true))
        #expect(try resolve("data.name") == .field(.column(2, schema.fields[2].dataType, nullable: true), index: 0, .string))
    }

    @Test func unknownColumnsComeWithSuggestions() {
        let error = error("idd")
        #expect(error?.errorClass == "UNRESOLVED_COLUMN.WITH_SUGGESTION")
        #expect(error?.message.contains("`idd` cannot be resolved. Did you mean one of the following? [`id`,") == true)
        #expect(self.error("data.x")?.errorClass == "FIELD_NOT_FOUND")
        #expect(self.error("age.x")?.errorClass == "INVALID_EXTRACT_BASE_FIELD_TYPE")
    }

    @Test func unknownFunctionsNameTheNearest() {
        let error = error("uper(id)")
        #expect(error?.errorClass == "UNRESOLVED_ROUTINE")
        #expect(error?.nextStep?.contains("'upper'") == true)
        #expect(self.error("upper(id, id)")?.errorClass == "WRONG_NUM_ARGS.WITHOUT_SUGGESTION")
        #expect(self.error("age AND true")?.errorClass == "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE")
        #expect(self.error("data = 1")?.errorClass == "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES")
        #expect(self.error("CAST(data AS INT)")?.errorClass == "DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION")
    }

    @Test func operandsMeetInTheAnsiType() throws {
        #expect(try resolve("age + 1L").dataType == .long)
        #expect(try resolve("age + 1.5F").dataType == .double)
        #expect(try resolve("age / 2").dataType == .double)
        #expect(try resolve("'1' + age").dataType == .long)
        #expect(try resolve("coalesce(age, 1L)").dataType == .long)
        #expect(try resolve("CASE WHEN age > 1 THEN 1 ELSE 2L END").dataType == .long)
    }

    private func compile(_ plan: LogicalPlan) throws -> PhysicalPlan {
        try PlanCompiler.compile(plan) { _ in KafkaChunk.schema(includeHeaders: false) }
    }

    private var users: LogicalPlan {
        get throws {
            let read = LogicalPlan.read(DataSourceRead(format: "kafka", options: ["subscribe": "u"], isStreaming: true))
            let text = LogicalPlan.project(
                [try Expression(selectItem: "CAST(value AS STRING)"), try Expression(selectItem: "partition")], read)
            return .project(
                [
                    .alias(.call("from_json", .column("value"), .lit(.string("id STRING, age INT, name STRING"))), name: "data"),
                    .column("partition"),
                ], text)
        }
    }

    @Test func castsOfAColumnKeepItsName() throws {
        #expect(try compile(.project([.column("data.*")], users)).schema.names == ["id", "age", "name"])
    }

    @Test func onlyTheFieldsThatAreUsedAreParsed() throws {
        let plan = try compile(.project([.column("data.age")], users))
        let branch = plan.branches[0]
        #expect(branch.wanted == [1])
        guard case .project(let columns) = branch.stages[1], case .fromJSON(_, let scan) = columns[0]?.expression else {
            Issue.record("no scan in \(branch.stages)")
            return
        }
        #expect(scan.wanted == [1])
        #expect(columns[1] == nil)
    }

    @Test func predicatesThatNeedNoParseGoBeforeIt() throws {
        let plan = try compile(.filter(try Expression(sql: "partition = 1 AND data.age > 2"), users))
        let stages = plan.branches[0].stages
        guard case .filter(let first) = stages[0], case .filter(let last) = stages[3] else {
            Issue.record("unexpected stages \(stages)")
            return
        }
        #expect(!first.parsesJSON && first.columns == [3])
        #expect(last.columns == [0])
        #expect(plan.branches[0].wanted == [1, 3])
    }

    @Test func twoLooksAtOneTextParseOnce() throws {
        let read = LogicalPlan.read(DataSourceRead(format: "kafka", options: ["subscribe": "u"], isStreaming: true))
        let plan = try compile(
            .project(
                [
                    try Expression(selectItem: "from_json(CAST(value AS STRING), 'a INT, b INT').a"),
                    try Expression(selectItem: "from_json(CAST(value AS STRING), 'a INT, b INT').b"),
                ], read))
        guard case .project(let columns) = plan.branches[0].stages[0], case .field(let a, _, _) = columns[0]?.expression,
            case .field(let b, _, _) = columns[1]?.expression
        else {
            Issue.record("unexpected \(plan)")
            return
        }
        #expect(a == b)
    }

    @Test func constantsAreFolded() throws {
        let plan = try compile(
            .project(
                [
                    try Expression(selectItem: "1 + 2 * 3 AS x"), try Expression(selectItem: "upper(concat('a', 'b')) AS y"),
                    try Expression(selectItem: "1 / 0 AS z"),
                ], users))
        guard case .project(let columns) = plan.branches[0].stages.last else { return }
        #expect(columns[0]?.expression == .literal(.integer(7), .integer))
        #expect(columns[1]?.expression == .literal(.string("AB"), .string))
        // What raises waits for a row.
        if case .literal = columns[2]?.expression { Issue.record("1 / 0 was folded") }
    }

    @Test func withColumnReplacesInPlace() throws {
        let plan = try compile(
            .drop(
                ["data"],
                .withColumns(
                    [
                        NamedExpression("Partition", .call("+", .column("partition"), .lit(.integer(1)))),
                        NamedExpression("c", .lit(.integer(1))),
                    ], users)))
        #expect(plan.schema.names == ["Partition", "c"])
        let renamed = try compile(.renamed(["PARTITION": "p"], users))
        #expect(renamed.schema.names == ["data", "p"])
    }

    @Test func limitsBelowOtherOperatorsAreRefused() throws {
        let error = #expect(throws: SparkError.self) { try compile(.filter(.lit(.boolean(true)), .limit(1, users))) }
        #expect(error?.errorClass == "UNSUPPORTED_FEATURE")
        let type = #expect(throws: SparkError.self) { try compile(.filter(.column("partition"), users)) }
        #expect(type?.errorClass == "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN")
    }
}
