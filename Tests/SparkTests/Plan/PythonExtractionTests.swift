import IO
import Testing

@testable import Spark

/// Which operators calls of clients' functions become.
@Suite struct PythonExtractionTests {
    private let schema = StructType([StructField("a", .integer), StructField("b", .integer)])

    private func function(_ name: String, evalType: Int = 101, _ type: DataType = .integer, isDeterministic: Bool = true) -> PythonFunction
    {
        PythonFunction(
            evalType: evalType, name: name, isDeterministic: isDeterministic, output: type, command: Array(name.utf8), pythonVersion: "3.11"
        )
    }

    private func call(_ function: PythonFunction, _ arguments: Expression...) -> Expression {
        .pythonFunction(function, arguments: arguments)
    }

    private var rows: LogicalPlan { .local(LocalRelation(.literals([]), schema: schema)) }

    private func settled(_ plan: LogicalPlan) throws -> ResolvedPlan {
        try PythonExtraction.settle(try Resolver { _ in schema }.resolve(plan))
    }

    /// The calls of each operator, from the top.
    private func calls(_ plan: ResolvedPlan) -> [[PythonCall]] {
        var own: [[PythonCall]] = []
        if case .python(.evaluate(let calls), _) = plan { own = [calls] }
        return own + plan.children.flatMap(calls)
    }

    @Test func callsOfOneKindAreMadeTogetherAndEachOnce() throws {
        let (f, g) = (function("f"), function("g"))
        let plan = try settled(
            .project([call(f, .column("a")), .call("+", call(f, .column("a")), call(g, .column("b")))], rows))
        #expect(calls(plan).map { $0.map(\.name) } == [["f", "g"]])
        guard case .project(let columns, _) = plan else {
            Issue.record("no projection: \(plan)")
            return
        }
        #expect(columns[0].expression == .column(2, .integer, nullable: true))
        #expect(columns[1].expression.columns == [2, 3])
    }

    @Test func aChainIsOneCall() throws {
        let (f, g) = (function("f"), function("g"))
        let plan = try settled(.project([call(f, call(g, call(g, .column("a"))))], rows))
        #expect(calls(plan).map { $0.map { $0.functions.map(\.name) } } == [[["g", "g", "f"]]])
        #expect(calls(plan)[0][0].arguments == [.column(0, .integer, nullable: true)])
    }

    @Test func aCallOverAnotherAndMoreComesAboveIt() throws {
        let (f, g) = (function("f"), function("g"))
        let plan = try settled(.project([call(f, call(g, .column("a")), .column("b"))], rows))
        #expect(calls(plan).map { $0.map(\.name) } == [["f"], ["g"]])
        #expect(calls(plan)[0][0].arguments == [.column(2, .integer, nullable: true), .column(1, .integer, nullable: true)])
    }

    @Test func kindsAreNotMixed() throws {
        let plan = try settled(
            .project(
                [
                    call(function("f"), .column("a")), call(function("p", evalType: 200), .column("a")),
                    call(function("i", evalType: 204), .column("a")), call(function("j", evalType: 204), .column("b")),
                    call(function("outer"), call(function("inner", evalType: 200), .column("a"))),
                ], rows))
        #expect(calls(plan).map { $0.map(\.name) } == [["outer"], ["j"], ["i"], ["p", "inner"], ["f"]])
    }

    @Test func callsThatMayDifferAreEachMade() throws {
        let chance = function("chance", isDeterministic: false)
        let plan = try settled(.project([call(chance, .column("a")), call(chance, .column("a"))], rows))
        #expect(calls(plan).map(\.count) == [2])
    }

    @Test func aFilterLooksAtItsPlainConditionsFirst() throws {
        let test = function("test", .boolean)
        let plan = try settled(.filter(.call("and", call(test, .column("a")), .call("isNotNull", .column("b"))), rows))
        #expect(plan.schema.names == schema.names)
        guard case .project(_, .filter(_, .python(.evaluate, .filter(let first, .values)))) = plan else {
            Issue.record("unexpected \(plan)")
            return
        }
        #expect(!first.callsPython && first.columns == [1])
    }

    @Test func operatorsKeepTheirColumns() throws {
        let f = function("f")
        let sorted = try settled(.sort([SortOrder(call(f, .column("a")))], isGlobal: true, rows))
        #expect(sorted.schema.names == ["a", "b"])
        let other = LogicalPlan.toDF(["c", "d"], rows)
        let joined = try settled(
            .join(Join(.leftOuter, .on(.call("==", call(f, .column("a")), call(f, .column("d"))))), rows, other))
        #expect(joined.schema.names == ["a", "b", "c", "d"])
        guard case .project(let columns, .join(let join, .python, .python)) = joined else {
            Issue.record("unexpected \(joined)")
            return
        }
        #expect(columns.map { $0.expression.columns } == [[0], [1], [3], [4]])
        #expect(join.keys.map { $0.left.columns.union($0.right.columns) } == [[2]])
    }

    @Test func aConditionOverBothSidesIsAnInnerJoinsFilterOnly() throws {
        let test = function("test", .boolean)
        let other = LogicalPlan.toDF(["c", "d"], rows)
        func plan(_ kind: Join.Kind) throws -> ResolvedPlan {
            try settled(.join(Join(kind, .on(call(test, .column("a"), .column("c")))), rows, other))
        }
        guard case .project(_, .filter(_, .python(.evaluate, .join))) = try plan(.inner) else {
            Issue.record("unexpected \(try plan(.inner))")
            return
        }
        #expect(throws: SparkError.self) { try plan(.leftOuter) }
    }

    @Test func aStreamCallsWhatSomebodyReadsOnly() throws {
        let (f, g) = (function("f"), function("g"))
        let read = LogicalPlan.read(DataSourceRead(format: "rate", isStreaming: true))
        let wide = LogicalPlan.project(
            [.column("a"), .alias(call(f, .column("a")), name: "f"), .alias(call(g, .column("b")), name: "g")], read)
        let plan = try PlanCompiler.compile(.project([.column("f")], wide)) { _ in schema }
        guard case .python(let calls, let width) = plan.branches[0].stages[0] else {
            Issue.record("unexpected \(plan)")
            return
        }
        #expect(width == 2 && calls.map { $0?.name } == ["f", nil])
        #expect(plan.branches[0].wanted == [0])
    }

    @Test func whatAFunctionGivesComesBackToItsRows() throws {
        let (f, test) = (function("f"), function("test", .boolean))
        let read = LogicalPlan.read(DataSourceRead(format: "rate", isStreaming: true))
        let plan = try PlanCompiler.compile(
            .project([.column("b"), .alias(call(f, .column("a"), .column("b")), name: "f")], .filter(call(test, .column("a")), read))
        ) { _ in schema }
        let pipeline = Pipeline(plan.branches[0], schema: plan.schema)
        let columns = [
            Column(.integer, count: 4, values: .integer(Buffer([1, 2, 3, 4]))),
            Column(.integer, count: 4, values: .integer(Buffer([10, 20, 30, 40]))),
        ]
        var given: [Int] = []
        let (batch, selection) = try pipeline.run(
            ColumnBatch(count: 4, columns: columns), EvaluationContext(timestampMicros: 0),
            python: { calls, _, inputs in
                given.append(inputs.count)
                return calls.map { call in
                    let builder = ColumnBuilder(call.dataType)
                    for row in 0..<inputs.count {
                        let value = inputs.columns.reduce(Int32(0)) { sum, column in
                            guard case .integer(let number) = column.literal(row) else { return sum }
                            return sum + number
                        }
                        builder.append(call.name == "test" ? .boolean(value % 2 == 0) : .integer(value))
                    }
                    return builder.finish()
                }
            })
        #expect(given == [4, 2])
        var seen: [[Literal]] = []
        selection.eachRow { row in seen.append(batch.columns.map { $0?.literal(row) ?? .null }) }
        #expect(seen == [[.integer(20), .integer(22)], [.integer(40), .integer(44)]])
    }

    @Test func aProgramSaysWhichColumnsItsFunctionsTake() throws {
        let (f, g) = (function("f"), function("g"))
        let (a, b) = (ResolvedExpression.column(0, .integer, nullable: true), ResolvedExpression.column(1, .integer, nullable: true))
        let inputs = PythonInputs([([b, a], [nil, "x"]), ([b], [nil])])
        let program = PythonProgram(
            evalType: 101, calls: [inputs.function([g, f], [b, a], [nil, "x"]), inputs.function([f], [b], [nil])], input: inputs.schema,
            settings: ["spark.sql.session.timeZone": "UTC"], groups: [2, 3])
        #expect(inputs.expressions == [b, a] && program.functions == [g, f])
        let lines = String(decoding: program.header([7, 9]), as: UTF8.self).split(separator: "\n")
        let head = try JSON(parsing: String(lines[0]))
        #expect(lines[1] == "2,3")
        #expect(head["udfs"] == [["ids": [7, 9], "args": [0], "kwargs": [["x", 1]]], ["ids": [9], "args": [0], "kwargs": []]])
        #expect(head["conf"] == [["spark.sql.session.timeZone", "UTC"]])
    }

    @Test func registeredFunctionsAreFoundInTexts() throws {
        let f = function("f")
        let item = try Expression(selectItem: "upper(f(a)) AS x", functions: { $0.equalsIgnoringCase("F") ? f : nil })
        #expect(item == .alias(.call("upper", call(f, .column("a"))), name: "x"))
    }

    @Test func placesWithoutFunctionsRefuseThem() throws {
        let f = function("f"), mean = function("mean", evalType: 202, .double)
        func condition(_ plan: LogicalPlan) -> String? { #expect(throws: SparkError.self) { try settled(plan) }?.errorClass }
        #expect(
            condition(.aggregate(Aggregate([], [call(mean, .column("a")), .call("sum", .column("a"))]), rows))
                == "INVALID_PANDAS_UDF_PLACEMENT")
        #expect(condition(.filter(.call(">", call(mean, .column("a")), .lit(.double(1))), rows)) != nil)
        #expect(
            condition(
                .project(
                    [.call("transform", .call("array", .column("a")), .lambda(parameters: ["x"], body: call(f, .lambdaVariable("x"))))],
                    rows))
                == "UNSUPPORTED_FEATURE.LAMBDA_FUNCTION_WITH_PYTHON_UDF")
        #expect(condition(.mapPartitions(function("m", evalType: 205), rows)) == "INVALID_RETURN_TYPE")
    }
}
