import Testing

@testable import Spark

/// Functions over columns of several rows: what stands around a lambda, rows that are left out, rows that raise.
@Suite struct FunctionKernelTests {
    private let bench: KernelBench

    init() throws {
        func array(_ values: [Int32?]) -> Literal { .array(values.map { $0.map { .integer($0) } ?? .null }, element: .integer) }
        bench = try KernelBench(
            "i INT, a ARRAY<INT>, s STRING, t TIMESTAMP, m DECIMAL(10, 2)",
            [
                [.integer(2), array([1, 2, 3]), .string("b"), .timestamp(1_000_000), .decimal(unscaled: 150, precision: 10, scale: 2)],
                [.integer(0), array([]), .null, .timestamp(-1), .null],
                [.null, .null, .string("z"), .null, .decimal(unscaled: -5, precision: 10, scale: 2)],
                [.integer(-1), array([nil, 5]), .string("a,b"), .timestamp(600_000_000), .decimal(unscaled: 0, precision: 10, scale: 2)],
            ])
    }

    /// Lambdas as a client sends them: variables by name.
    private func evaluate(_ expression: Expression, _ context: EvaluationContext = EvaluationContext(timestampMicros: 0)) throws
        -> [String?]
    {
        let resolved = try Resolver.resolve(expression, in: bench.schema)
        let column = try Evaluator(batch: bench.batch, context: context, stageRows: 4).evaluate(resolved, .all(4))
        return (0..<4).map { column.text($0) }
    }

    private func lambda(_ names: String..., body: Expression) -> Expression { .lambda(parameters: names, body: body) }

    @Test func lambdasSeeTheColumnsAround() throws {
        let sum = Expression.call("+", .lambdaVariable("x"), .attribute(["i"]))
        #expect(try evaluate(.call("transform", .attribute(["a"]), lambda("x", body: sum))) == ["[3, 4, 5]", "[]", nil, "[NULL, 4]"])
        let inner = Expression.call(
            "transform", .attribute(["a"]), lambda("y", body: .call("*", .lambdaVariable("x"), .lambdaVariable("y"))))
        #expect(
            try evaluate(.call("transform", .attribute(["a"]), lambda("x", body: inner)))
                == ["[[1, 2, 3], [2, 4, 6], [3, 6, 9]]", "[]", nil, "[[NULL, NULL], [NULL, 25]]"])
        let merge = lambda("acc", "x", body: .call("+", .lambdaVariable("acc"), .call("*", .lambdaVariable("x"), .attribute(["i"]))))
        #expect(try evaluate(.call("aggregate", .attribute(["a"]), .lit(.integer(10)), merge)) == ["22", "10", nil, nil])
    }

    @Test func lambdasAreNotEvaluatedForRowsLeftOut() throws {
        let division = Expression.call("div", .lit(.integer(10)), .attribute(["i"]))
        let divided = Expression.call("transform", .attribute(["a"]), lambda("x", body: division))
        // The second row's i is 0, and its array is empty: nothing is divided there.
        #expect(try evaluate(divided) == ["[5, 5, 5]", "[]", nil, "[-10, -10]"])
    }

    @Test func triesGiveNullWhereARowRaises() throws {
        #expect(try bench.texts("try_divide(10, i)") == ["5.0", nil, nil, "-10.0"])
        #expect(try bench.texts("try_element_at(a, 2)") == ["2", nil, nil, "5"])
        #expect(bench.error("element_at(a, 2)") == "INVALID_ARRAY_INDEX_IN_ELEMENT_AT")
        #expect(try bench.texts("TRY_CAST(s AS INT)") == [nil, nil, nil, nil])
    }

    @Test func branchesNotTakenRaiseNothing() throws {
        #expect(try bench.texts("CASE WHEN i != 0 THEN a[0] END") == ["1", nil, nil, nil])
        #expect(try bench.texts("IF(size(a) > 1, element_at(a, 2), -1)") == ["2", "-1", "-1", "5"])
        #expect(try bench.texts("coalesce(s, raise_error('none'))").first == "b" || bench.error("coalesce(s, raise_error('none'))") != nil)
    }

    @Test func branchesOfNestedTypesMeet() throws {
        #expect(
            try bench.texts("CASE WHEN i = 2 THEN a ELSE array(i, NULL) END") == ["[1, 2, 3]", "[0, NULL]", "[NULL, NULL]", "[-1, NULL]"])
        #expect(try bench.texts("coalesce(a, array(7))") == ["[1, 2, 3]", "[]", "[7]", "[NULL, 5]"])
        #expect(try bench.texts("map(s, a)[s]").first == "[1, 2, 3]" || bench.error("map(s, a)") == "NULL_MAP_KEY")
        #expect(bench.error("map(s, a)") == "NULL_MAP_KEY")
    }

    @Test func decimalsKeepTheirDigits() throws {
        #expect(try bench.texts("m + 0.005") == ["1.505", nil, "-0.045", "0.005"])
        #expect(try bench.texts("round(m, 1)") == ["1.5", nil, "-0.1", "0.0"])
        #expect(try bench.texts("CAST(m AS INT)") == ["1", nil, "0", "0"])
        #expect(try bench.texts("m = 1.5") == ["true", nil, "false", "false"])
    }

    @Test func windowsHoldTheirMoments() throws {
        #expect(
            try bench.texts("window(t, '5 minutes').start") == ["1970-01-01 00:00:00", "1969-12-31 23:55:00", nil, "1970-01-01 00:10:00"])
        #expect(
            try bench.texts("window_time(window(t, '5 minutes'))")
                == ["1970-01-01 00:04:59.999999", "1969-12-31 23:59:59.999999", nil, "1970-01-01 00:14:59.999999"])
        #expect(try bench.texts("size(sliding_windows(t, '10 minutes', '5 minutes'))") == ["2", "2", nil, "2"])
        #expect(bench.error("window(t, '10 minutes', '5 minutes')") == "UNSUPPORTED_FEATURE")
        #expect(bench.error("window(t, '1 month')") == "UNSUPPORTED_FEATURE")
    }

    @Test func identifiersGoOnFromBatchToBatch() throws {
        var context = EvaluationContext(timestampMicros: 0)
        context.firstRow = 100
        #expect(try evaluate(.call("monotonically_increasing_id"), context) == ["100", "101", "102", "103"])
    }

    @Test func aPatternCannotRunForEver() throws {
        let bench = try KernelBench("s STRING", [[.string(String(repeating: "a", count: 40))]])
        #expect(bench.error("rlike(s, '(a+)+b')") == "UNSUPPORTED_FEATURE")
        #expect(bench.error("rlike(s, '\\\\G')") == "UNSUPPORTED_FEATURE")
    }

    @Test func fieldsAreSetAndDropped() throws {
        let point = Expression.call("named_struct", .lit(.string("x")), .attribute(["i"]), .lit(.string("y")), .attribute(["s"]))
        #expect(try evaluate(.updateField(point, name: "x", value: .lit(.integer(9)))) == ["{9, b}", "{9, NULL}", "{9, z}", "{9, a,b}"])
        #expect(try evaluate(.updateField(point, name: "z", value: .lit(.integer(9)))).first == "{2, b, 9}")
        #expect(try evaluate(.updateField(point, name: "x", value: nil)) == ["{b}", "{NULL}", "{z}", "{a,b}"])
    }
}
