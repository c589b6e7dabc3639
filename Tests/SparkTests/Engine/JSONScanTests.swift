import IO
import Testing

@testable import Spark

@Suite struct JSONScanTests {
    private func scan(_ documents: [String?], _ ddl: String, mode: String? = nil) throws -> (
        rows: [[Literal]], isNull: [Bool], problems: [(Int, String)]
    ) {
        let bench = try KernelBench("v STRING", documents.map { [$0.map { .string($0) } ?? .null] })
        let options = mode.map { ", map('mode', '\($0)')" } ?? ""
        let context = EvaluationContext(timestampMicros: 0)
        let resolved = try Resolver.resolve(try Expression(sql: "from_json(v, '\(ddl)'\(options))"), in: bench.schema)
        let column = try Evaluator(batch: bench.batch, context: context, stageRows: documents.count).evaluate(
            resolved, .all(documents.count))
        guard case .structure(let children) = column.values else { return ([], [], []) }
        return (
            documents.indices.map { row in children.map { $0?.literal(row) ?? .null } }, documents.indices.map { column.isNull($0) },
            context.problems.all.map { ($0.row, $0.reason) }
        )
    }

    @Test func readsEveryTypeOfField() throws {
        let document =
            #"{"s":"x","i":-5,"l":9007199254740993,"d":1.5,"f":2,"b":true,"t":"2024-01-01T00:00:00Z","da":"2024-01-02","y":1,"n":{"a":{"b":"deep"}},"extra":[1,{"s":"no"}]}"#
        let (rows, _, problems) = try scan(
            [document], "s STRING, i INT, l BIGINT, d DOUBLE, f FLOAT, b BOOLEAN, t TIMESTAMP, da DATE, y TINYINT")
        #expect(problems.isEmpty)
        #expect(
            rows[0] == [
                .string("x"), .integer(-5), .long(9_007_199_254_740_993), .double(1.5), .float(2), .boolean(true),
                .timestamp(1_704_067_200_000_000), .date(19_724), .byte(1),
            ])
    }

    @Test func nestedStructsAreColumnsToo() throws {
        let bench = try KernelBench(
            "v STRING", [[.string(#"{"n":{"a":{"b":"deep","c":2}}}"#)], [.string(#"{"n":null}"#)], [.string(#"{"n":5}"#)]])
        #expect(try bench("from_json(v, 'n STRUCT<a: STRUCT<b: STRING, c: INT>>').n.a.b") == [.string("deep"), .null, .null])
        #expect(try bench("from_json(v, 'n STRUCT<a: STRUCT<b: STRING, c: INT>>').n.a.c") == [.integer(2), .null, .null])
    }

    @Test func otherValuesBecomeTextInAStringField() throws {
        let (rows, _, problems) = try scan(
            [#"{"a":12.50,"b":true,"c":{"x": [1, 2]},"d":[ "q" ],"e":null}"#], "a STRING, b STRING, c STRING, d STRING, e STRING")
        #expect(problems.isEmpty)
        #expect(rows[0] == [.string("12.50"), .string("true"), .string(#"{"x": [1, 2]}"#), .string(#"[ "q" ]"#), .null])
    }

    @Test func unescapesTextAndKeys() throws {
        let (rows, _, problems) = try scan(
            [#"{"a":"tab\t \"q\" \u00e9 \ud83d\ude00","\u0062":"key"}"#, #"{"a":"plain é","b":"\\"}"#], "a STRING, b STRING")
        #expect(problems.isEmpty)
        #expect(rows[0] == [.string("tab\t \"q\" é 😀"), .string("key")])
        #expect(rows[1] == [.string("plain é"), .string("\\")])
    }

    @Test func theLastOfTwoEqualNamesStands() throws {
        let (rows, _, _) = try scan([#"{"a":1,"a":2}"#, #"{"a":1,"a":null}"#], "a INT")
        #expect(rows == [[.integer(2)], [.null]])
    }

    @Test(arguments: ["not json", #"{"a":1"#, #"{"a" 1}"#, #"{"a":tru}"#, #"{"a":"open}"#, #"{"a":1} x"#, "{", #"{"a":01}"#, "nul"])
    func whatIsNotJSONGivesNullsAndAReason(_ text: String) throws {
        let (rows, isNull, problems) = try scan([#"{"a":"before"}"#, text, #"{"a":"after"}"#], "a STRING, b INT")
        #expect(rows[1] == [.null, .null])
        #expect(!isNull[1])
        #expect(problems.map(\.0) == [1])
        #expect(problems.first?.1.hasPrefix("not JSON") == true, "\(problems)")
        // The records beside it are read.
        #expect(rows[0][0] == .string("before") && rows[2][0] == .string("after"))
    }

    @Test func anotherRootIsNoObject() throws {
        let (rows, _, problems) = try scan(["[1,2]", "\"text\"", "12"], "a INT")
        #expect(rows == [[.null], [.null], [.null]])
        #expect(problems.map(\.1).allSatisfy { $0.contains("not a JSON object") })
    }

    @Test func aFieldOfAnotherTypeIsNullAndTheOthersStay() throws {
        let (rows, _, problems) = try scan(
            [
                #"{"id":"x","age":"old","n":1}"#, #"{"id":"y","age":3.7}"#, #"{"id":"z","age":300000000000}"#,
                #"{"id":"w","at":"yesterday"}"#,
            ], "id STRING, age INT, n INT, at TIMESTAMP")
        #expect(rows[0] == [.string("x"), .null, .integer(1), .null])
        #expect(rows[1][0] == .string("y") && rows[1][1] == .null)
        #expect(problems.map(\.0) == [0, 1, 2, 3])
        #expect(problems[0].1.contains("field 'age' is wanted as INT at byte 16, found \"old\""), "\(problems[0].1)")
        #expect(problems[3].1.contains("field 'at' is wanted as TIMESTAMP"))
    }

    @Test func nullAndEmptyTextsAreNullStructs() throws {
        let (_, isNull, problems) = try scan([nil, "", "  ", "{}"], "a INT")
        #expect(isNull == [true, true, true, false])
        #expect(problems.isEmpty)
    }

    @Test func numbersForTimestampsAreSeconds() throws {
        let (rows, _, problems) = try scan([#"{"t":12}"#, #"{"t":"1970"}"#], "t TIMESTAMP")
        #expect(rows == [[.timestamp(12_000_000)], [.timestamp(0)]])
        #expect(problems.isEmpty)
    }

    @Test func failFastRaises() throws {
        let error = #expect(throws: SparkError.self) { try scan(["oops"], "a INT", mode: "FAILFAST") }
        #expect(error?.errorClass == "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION")
        #expect(throws: SparkError.self) { try scan(["{}"], "a INT", mode: "DROPMALFORMED") }
    }

    @Test func manyProblemsAreAllReported() throws {
        let documents = (0..<1_000).map { $0 % 2 == 0 ? "bad \($0)" : #"{"a":"\u0041\#($0)"}"# }
        let (rows, _, problems) = try scan(documents, "a STRING")
        #expect(problems.count == 500)
        #expect(rows[999] == [.string("A999")])
    }

    @Test func absentFieldsAreNullWithoutAReason() throws {
        let (rows, _, problems) = try scan([#"{"b":1}"#], "a INT, b INT")
        #expect(rows == [[.null, .integer(1)]])
        #expect(problems.isEmpty)
    }
}
