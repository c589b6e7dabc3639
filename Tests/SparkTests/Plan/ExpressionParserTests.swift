import IO
import Testing

@testable import Spark

@Suite struct ExpressionParserTests {
    private func pretty(_ sql: String) throws -> String { try Expression(sql: sql).prettySQL }

    @Test(arguments: [
        ("a + b * 2", "(a + (b * 2))"), ("(a + b) * 2", "((a + b) * 2)"), ("NOT a = 1 AND b OR c", "(((NOT (a = 1)) AND b) OR c)"),
        ("a BETWEEN 1 AND 2 AND b", "(between(a, 1, 2) AND b)"), ("a NOT IN (1, 2)", "(NOT (a IN (1, 2)))"),
        ("a IS NOT NULL", "(a IS NOT NULL)"), ("a IS NULL OR b <=> c", "((a IS NULL) OR (b <=> c))"),
        ("a || 'x' || b", "concat(concat(a, x), b)"),
        ("-a + -1", "((- a) + -1)"), ("CAST(value AS STRING)", "CAST(value AS STRING)"), ("value::int", "CAST(value AS INT)"),
        ("CASE WHEN a THEN 1 WHEN b THEN 2 ELSE 3 END", "CASE WHEN a THEN 1 WHEN b THEN 2 ELSE 3 END"),
        ("CASE a WHEN 1 THEN 'x' END", "CASE WHEN (a = 1) THEN x END"), ("data.id", "data.id"), ("`a.b`.c", "a.b.c"),
        ("a LIKE '%x\\_'", "a LIKE %x\\_"),
        ("a <> 1", "(NOT (a = 1))"), ("7 DIV 2", "(7 div 2)"), ("a -- note\n + 1 /* more */", "(a + 1)"),
    ])
    func parsesWithSparksPrecedence(_ sql: String, _ expected: String) throws {
        #expect(try pretty(sql) == expected)
    }

    @Test func namesParts() throws {
        #expect(try Expression(sql: "`a.b`.c") == .attribute(["a.b", "c"]))
        #expect(try Expression(sql: "data.*") == .star(["data"]))
        #expect(try Expression(selectItem: "upper(a) AS b") == .alias(.call("upper", .attribute(["a"])), name: "b"))
        #expect(try Expression(selectItem: "a b") == .alias(.attribute(["a"]), name: "b"))
        #expect(Expression.column("data.*") == .star(["data"]))
    }

    @Test(arguments: [
        ("1", Literal.integer(1)), ("3000000000", .long(3_000_000_000)), ("1L", .long(1)), ("2S", .short(2)), ("3Y", .byte(3)),
        ("1.5", .decimal(unscaled: 15, precision: 2, scale: 1)),
        ("1e3", .double(1_000)), ("2.5D", .double(2.5)), ("1.5F", .float(1.5)), ("-2147483648", .integer(.min)), ("TRUE", .boolean(true)),
        ("NULL", .null),
        (#"'it''s'"#, .string("it's")), (#"'a\n\t\\\'\u0041'"#, .string("a\n\t\\'A")), (#"r'a\n'"#, .string(#"a\n"#)),
        (#""double""#, .string("double")), ("'a' 'b'", .string("ab")),
        ("X'0aFF'", .binary([0x0A, 0xFF])), ("DATE '1970-01-02'", .date(1)),
    ])
    func readsLiterals(_ sql: String, _ expected: Literal) throws {
        #expect(try Expression(sql: sql) == .literal(expected))
    }

    @Test(arguments: [
        ("a +", 1, 3), ("a = = 1", 1, 4), ("(a", 1, 2), ("a\n + ]", 2, 3), ("CAST(a AS)", 1, 9), ("CASE END", 1, 5), ("a b c", 1, 4),
        ("'open", 1, 0), ("a ? b", 1, 2), ("f(a,)", 1, 4),
    ])
    func saysWhereASyntaxErrorIs(_ sql: String, _ line: Int, _ position: Int) throws {
        let error = #expect(throws: SparkError.self) { try Expression(selectItem: sql) }
        #expect(error?.errorClass == "PARSE_SYNTAX_ERROR")
        #expect(error?.line == line)
        #expect(error?.position == position)
        #expect(error?.description.contains("(line \(line), pos \(position))") == true)
    }

    @Test func readsCallsOfAggregatesWindowsAndLambdas() throws {
        #expect(
            try Expression(sql: "count(DISTINCT a) FILTER (WHERE b)")
                == .function(name: "count", arguments: [.column("a")], isDistinct: true, filter: .column("b")))
        #expect(
            try Expression(sql: "rank() OVER (PARTITION BY b ORDER BY a DESC ROWS 2 PRECEDING)")
                == .window(
                    .call("rank"),
                    WindowSpecification(
                        partition: [.column("b")], order: [SortOrder(.column("a"), isAscending: false)],
                        frame: .init(.rows, from: .offset(.literal(.integer(-2))), to: .currentRow))))
        #expect(
            try Expression(sql: "transform(a, (x, i) -> x.f + i)")
                == .call(
                    "transform", .column("a"),
                    .lambda(
                        parameters: ["x", "i"],
                        body: .call("+", .extractValue(.lambdaVariable("x"), key: .literal(.string("f"))), .lambdaVariable("i")))))
        #expect(
            try Expression(sql: "a IN (SELECT 1)")
                == .subquery(Subquery(.isIn([.column("a")]), .project([.literal(.integer(1))], .oneRow))))
    }

    @Test func readsIntervals() throws {
        #expect(try Expression(sql: "INTERVAL 1 DAY") == .literal(.dayTimeInterval(86_400_000_000, .init(.day, .day))))
        #expect(try Expression(sql: "INTERVAL '-1-2' YEAR TO MONTH") == .literal(.yearMonthInterval(-14, .yearToMonth)))
        #expect(
            try Expression(sql: "INTERVAL 1 HOUR 30 MINUTES") == .literal(.dayTimeInterval(5_400_000_000, .init(.hour, .minute))))
        #expect(try Expression(sql: "INTERVAL '1 day -2 hours'") == .literal(.dayTimeInterval(79_200_000_000, .init(.day, .hour))))
        #expect(try Expression(sql: "interval") == .column("interval"))
    }

    @Test func refusesUnknownTypes() throws {
        let type = #expect(throws: SparkError.self) { try Expression(sql: "CAST(a AS strng)") }
        #expect(type?.errorClass == "UNSUPPORTED_DATATYPE")
        #expect(type?.position == 10)
    }

    @Test func boundsDepth() throws {
        let deep = String(repeating: "(", count: 5_000) + "a" + String(repeating: ")", count: 5_000)
        #expect(throws: SparkError.self) { try Expression(sql: deep) }
        let minus = String(repeating: "- ", count: 5_000) + "a"
        #expect(throws: SparkError.self) { try Expression(sql: minus) }
    }

    @Test func readsDDLSchemas() throws {
        let schema = try StructType(
            ddl: "id STRING, age INT NOT NULL, `a b` struct<x: bigint, y: array<array<double>>>, d DECIMAL(10,2) COMMENT 'money'")
        #expect(schema.names == ["id", "age", "a b", "d"])
        #expect(schema.fields[1] == StructField("age", .integer, nullable: false))
        #expect(schema.fields[2].dataType.simpleString == "struct<x:bigint,y:array<array<double>>>")
        #expect(schema.fields[3].dataType == .decimal(precision: 10, scale: 2))
        #expect(schema.fields[3].metadata == ["comment": "money"])
        #expect(throws: SparkError.self) { try StructType(ddl: "id STRING age INT") }
    }

    @Test func jsonSchemasGoBothWays() throws {
        let schema = try StructType(ddl: "id STRING NOT NULL, n struct<a: array<int>, m: map<string, bigint>>, b BYTE, t TIMESTAMP")
        #expect(try StructType(json: schema.json) == schema)
        #expect(schema.json.hasPrefix(#"{"type":"struct","fields":[{"name":"id","type":"string","nullable":false,"metadata":{}}"#))
        #expect(throws: SparkError.self) { try StructType(ddl: #"{"type":"struct","fields":[{"name":"a"}]}"#) }
    }
}
