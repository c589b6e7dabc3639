import IO
import Testing

@testable import Spark

/// Evaluates an expression over a few typed rows.
struct KernelBench {
    let schema: StructType
    let rows: [[Literal]]

    init(_ ddl: String, _ rows: [[Literal]]) throws {
        schema = try StructType(ddl: ddl)
        self.rows = rows
    }

    var batch: ColumnBatch {
        ColumnBatch(
            count: rows.count,
            columns: schema.fields.indices.map { index in MemorySource.column(rows.map { $0[index] }, schema.fields[index].dataType) })
    }

    func callAsFunction(_ sql: String, _ context: EvaluationContext = EvaluationContext(timestampMicros: 0)) throws -> [Literal] {
        let resolved = try Resolver.resolve(try Expression(sql: sql), in: schema)
        let column = try Evaluator(batch: batch, context: context, stageRows: rows.count).evaluate(resolved, .all(rows.count))
        return (0..<rows.count).map { column.literal($0) }
    }

    func texts(_ sql: String) throws -> [String?] {
        let resolved = try Resolver.resolve(try Expression(sql: sql), in: schema)
        let column = try Evaluator(batch: batch, context: EvaluationContext(timestampMicros: 0), stageRows: rows.count).evaluate(
            resolved, .all(rows.count))
        return (0..<rows.count).map { column.text($0) }
    }

    func error(_ sql: String) -> String? {
        do {
            _ = try self(sql)
            return nil
        } catch {
            return (error as? SparkError)?.errorClass ?? "\(error)"
        }
    }
}

@Suite struct KernelTests {
    private let numbers: KernelBench
    private let strings: KernelBench

    init() throws {
        numbers = try KernelBench(
            "i INT, l BIGINT, d DOUBLE, b BOOLEAN",
            [
                [.integer(7), .long(10), .double(2.5), .boolean(true)], [.integer(-3), .null, .double(.nan), .boolean(false)],
                [.null, .long(0), .null, .null],
            ])
        strings = try KernelBench(
            "s STRING, t STRING",
            [[.string("Müller"), .string("el")], [.string("  pad "), .null], [.null, .string("x")], [.string(""), .string("")]])
    }

    @Test func arithmeticIsStrictAboutNulls() throws {
        #expect(try numbers("i + l") == [.long(17), .null, .null])
        #expect(try numbers("i * 2 - 1") == [.integer(13), .integer(-7), .null])
        #expect(try numbers("i / 2") == [.double(3.5), .double(-1.5), .null])
        #expect(try numbers("i % 2") == [.integer(1), .integer(-1), .null])
        #expect(try numbers("i DIV 2") == [.long(3), .long(-1), .null])
        #expect(try numbers("-i") == [.integer(-7), .integer(3), .null])
        #expect(try numbers("i << 1") == [.integer(14), .integer(-6), .null])
    }

    @Test func ansiRaisesOnlyForRowsThatAreReached() throws {
        #expect(numbers.error("i / 0") == "DIVIDE_BY_ZERO")
        #expect(numbers.error("l / l") == "DIVIDE_BY_ZERO")
        #expect(try numbers("CASE WHEN l <> 0 THEN 10 / l END") == [.double(1), .null, .null])
        #expect(numbers.error("i + 2147483647") == "ARITHMETIC_OVERFLOW")
        #expect(numbers.error("i % 0") == "REMAINDER_BY_ZERO")
        #expect(numbers.error("CAST(l * 10000000000 AS INT)") == "CAST_OVERFLOW")
        #expect(try numbers("TRY_CAST(l * 10000000000 AS INT)") == [.null, .null, .integer(0)])
        // The right side of AND is not evaluated where the left one decides.
        #expect(try numbers("l <> 0 AND 10 / l > 0") == [.boolean(true), .null, .boolean(false)])
    }

    @Test func logicHasThreeValues() throws {
        #expect(try numbers("b AND NULL") == [.null, .boolean(false), .null])
        #expect(try numbers("b OR NULL") == [.boolean(true), .null, .null])
        #expect(try numbers("NOT b") == [.boolean(false), .boolean(true), .null])
        #expect(try numbers("b IS NULL") == [.boolean(false), .boolean(false), .boolean(true)])
        #expect(try numbers("b IS TRUE") == [.boolean(true), .boolean(false), .boolean(false)])
        #expect(try numbers("i <=> NULL") == [.boolean(false), .boolean(false), .boolean(true)])
        #expect(try numbers("i IN (7, NULL)") == [.boolean(true), .null, .null])
        #expect(try numbers("i NOT IN (7, 8)") == [.boolean(false), .boolean(true), .null])
    }

    @Test func comparisonsPutNaNLast() throws {
        #expect(try numbers("d > 1e300") == [.boolean(false), .boolean(true), .null])
        #expect(try numbers("d = d") == [.boolean(true), .boolean(true), .null])
        #expect(try numbers("isnan(d)") == [.boolean(false), .boolean(true), .boolean(false)])
        #expect(try numbers("greatest(i, l)") == [.long(10), .long(-3), .long(0)])
        #expect(try numbers("coalesce(i, l, 5)") == [.long(7), .long(-3), .long(0)])
        #expect(try numbers("nullif(i, 7)") == [.null, .integer(-3), .null])
        #expect(try numbers("if(b, i, 0)") == [.integer(7), .integer(0), .integer(0)])
    }

    @Test func stringsCountCodePoints() throws {
        #expect(try strings("length(s)") == [.integer(6), .integer(6), .null, .integer(0)])
        #expect(try strings("octet_length(s)") == [.integer(7), .integer(6), .null, .integer(0)])
        #expect(try strings("upper(s)") == [.string("MÜLLER"), .string("  PAD "), .null, .string("")])
        #expect(try strings("trim(s)") == [.string("Müller"), .string("pad"), .null, .string("")])
        #expect(try strings("substring(s, 2, 3)") == [.string("üll"), .string(" pa"), .null, .string("")])
        #expect(try strings("substring(s, -2)") == [.string("er"), .string("d "), .null, .string("")])
        #expect(try strings("concat(s, '-', t)") == [.string("Müller-el"), .null, .null, .string("-")])
        #expect(try strings("concat_ws('-', s, t)") == [.string("Müller-el"), .string("  pad "), .string("x"), .string("-")])
        #expect(try strings("replace(s, 'l', 'LL')") == [.string("MüLLLLer"), .string("  pad "), .null, .string("")])
        #expect(try strings("contains(s, t)") == [.boolean(false), .null, .null, .boolean(true)])
        #expect(try strings("s LIKE 'M_l%r'") == [.boolean(true), .boolean(false), .null, .boolean(false)])
        #expect(try strings("s ILIKE '%ER'") == [.boolean(true), .boolean(false), .null, .boolean(false)])
    }

    @Test func castsReadAndWriteText() throws {
        let bench = try KernelBench("s STRING", [[.string(" 42 ")], [.null]])
        #expect(try bench("CAST(s AS INT)") == [.integer(42), .null])
        #expect(try bench("CAST(s AS DOUBLE)") == [.double(42), .null])
        let bad = try KernelBench("s STRING", [[.string("4x")]])
        #expect(bad.error("CAST(s AS INT)") == "CAST_INVALID_INPUT")
        #expect(try bad("TRY_CAST(s AS INT)") == [.null])
        #expect(try bad("CAST('yes' AS BOOLEAN)") == [.boolean(true)])
        #expect(try bad("CAST('2024-02-29' AS DATE)") == [.date(19_782)])
        #expect(bad.error("CAST('2023-02-29' AS DATE)") == "CAST_INVALID_INPUT")
        #expect(try bad("CAST('2024-02-29T12:30:00.250+01:00' AS TIMESTAMP)") == [.timestamp(1_709_206_200_250_000)])
        #expect(try bad("CAST(CAST('1969-12-31 23:59:59.5' AS TIMESTAMP) AS BIGINT)") == [.long(-1)])
        #expect(try bad("CAST(CAST(-1 AS TIMESTAMP) AS STRING)") == [.string("1969-12-31 23:59:59")])
        #expect(try bad("CAST(CAST('1970-01-01 00:00:00.120' AS TIMESTAMP) AS STRING)") == [.string("1970-01-01 00:00:00.12")])
        #expect(try bad("CAST(1.5 AS DOUBLE) + 1") == [.double(2.5)])
        #expect(try bad("CAST(X'6869' AS STRING)") == [.string("hi")])
        #expect(try bad("CAST(-9223372036854775808L AS STRING)") == [.string("-9223372036854775808")])
    }

    @Test(arguments: [
        (1.0, "1.0"), (0.1, "0.1"), (1e7, "1.0E7"), (12_345_678.9, "1.23456789E7"), (1e-3, "0.001"), (1e-4, "1.0E-4"),
        (-2.5e300, "-2.5E300"), (.infinity, "Infinity"), (100, "100.0"), (123_456.75, "123456.75"),
    ])
    func doublesPrintAsInJava(_ value: Double, _ text: String) {
        #expect(NumberText.text(value) == text)
    }

    @Test func structsGoToJSON() throws {
        let bench = try KernelBench(
            "id STRING, n INT, t TIMESTAMP", [[.string("a\"\n\u{1}"), .integer(1), .timestamp(1_500_000)], [.null, .null, .null]])
        #expect(try bench("to_json(struct(*))") == [.string(#"{"id":"a\"\n\u0001","n":1,"t":"1970-01-01T00:00:01.500Z"}"#), .string("{}")])
        #expect(try bench("struct(n AS x).x") == [.integer(1), .null])
        #expect(try bench("to_json(named_struct('k', n + 1))") == [.string(#"{"k":2}"#), .string("{}")])
    }

    @Test func filtersKeepWhatIsTrue() throws {
        let condition = try Resolver.resolve(try Expression(sql: "i > 0 OR l = 0"), in: numbers.schema)
        let selection = try Evaluator(batch: numbers.batch, context: EvaluationContext(timestampMicros: 0), stageRows: 3).select(
            condition, .all(3))
        guard case .rows(let rows) = selection else {
            Issue.record("all rows were selected")
            return
        }
        #expect(rows == [0, 2])
    }

    @Test func oneInstantForABatch() throws {
        let context = EvaluationContext(timestampMicros: 86_400_000_000)
        #expect(try numbers("current_timestamp()", context).first == .timestamp(86_400_000_000))
        #expect(try numbers("current_date", context).first == .date(1))
        let ids = try numbers("uuid()", context)
        #expect(Set(ids).count == 3)
    }
}
