import Foundation
import IO
import Logging
import Testing

@testable import Spark

/// SQL over whole engines: results as Spark gives them.
@Suite struct RelationalTests {
    private let folder = TemporaryFolder()

    private func engine(_ settings: [String: String] = [:]) async throws -> Engine {
        var values = SettingValues(EngineConfiguration.settings)
        try values.set("engine.port", to: "0", from: .flag(""))
        for (key, value) in settings { try values.set(key, to: value, from: .flag(key)) }
        return try await Engine.start(
            try EngineConfiguration(values: values, folder: folder.path),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    private func session(_ engine: Engine) async throws -> SessionState {
        let session = SessionState()
        for view in RelationalGold.views {
            _ = try await engine.sql("CREATE OR REPLACE TEMP VIEW \(view.name) AS \(view.sql)", in: session)
        }
        return session
    }

    private func rows(_ sql: String, _ engine: Engine, _ session: SessionState) async throws -> (names: [String], rows: [String]) {
        switch try await engine.sql(sql, in: session) {
        case .query(let plan): return try await rows(plan, engine, session)
        case .rows(let schema, let batches):
            return (
                schema.names,
                batches.flatMap { batch in
                    (0..<batch.count).map { row in batch.columns.map { $0.text(row) ?? "NULL" }.joined(separator: "|") }
                }
            )
        }
    }

    private func rows(_ plan: LogicalPlan, _ engine: Engine, _ session: SessionState) async throws -> (names: [String], rows: [String]) {
        var names: [String] = []
        var rows: [String] = []
        try await engine.run(plan, in: session, onSchema: { names = $0.names }) { batch in
            for row in 0..<batch.count { rows.append(batch.columns.map { $0.text(row) ?? "NULL" }.joined(separator: "|")) }
        }
        return (names, rows)
    }

    /// Spark spells the defaults of these out in the names of columns, or leaves arguments away; the engine names them as they were written.
    private static let namedAsWritten = [
        "FILTER", "percentile", "WITHIN", "IGNORE NULLS", "last(pay, true)", "array_agg", "lag(", "INTERVAL",
    ]

    /// Spark takes a null before IN for false where the test stands in a select list; the engine keeps SQL's unknown.
    private static let unknownInSelect = "SELECT id, dept IN (SELECT dept FROM dept WHERE dept IS NOT NULL) AS k FROM emp"

    @Test func aNullBeforeInIsUnknown() async throws {
        let engine = try await engine()
        let found = try await rows(Self.unknownInSelect, engine, try await session(engine)).rows
        #expect(found == ["1|true", "2|true", "3|true", "4|true", "5|NULL", "6|false"])
        await engine.stop()
    }

    /// Batches of three rows, so that every operator sees several.
    @Test func queriesGiveSparksRows() async throws {
        for batchRows in ["20000", "3"] {
            let engine = try await engine(["engine.batch.rows": batchRows])
            let session = try await session(engine)
            for gold in RelationalGold.cases where gold.sql != Self.unknownInSelect {
                do {
                    let (names, rows) = try await rows(gold.sql, engine, session)
                    let isOrdered = gold.sql.contains("ORDER BY") && !gold.sql.contains("OVER") && !gold.sql.contains("WITHIN")
                    #expect((isOrdered ? rows : rows.sorted()) == (isOrdered ? gold.rows : gold.rows.sorted()), "\(gold.sql)")
                    if !Self.namedAsWritten.contains(where: gold.sql.contains) {
                        #expect(names.joined(separator: "|") == gold.names, "\(gold.sql)")
                    }
                } catch {
                    Issue.record("\(gold.sql): \(error)")
                }
            }
            await engine.stop()
        }
    }

    @Test func refusalsCarrySparksClasses() async throws {
        let engine = try await engine()
        let session = try await session(engine)
        for refusal in RelationalGold.refusals {
            do {
                _ = try await rows(refusal.sql, engine, session)
                Issue.record("\(refusal.sql) was not refused")
            } catch let error as SparkError {
                #expect(error.errorClass == refusal.errorClass, "\(refusal.sql): \(error.message)")
            }
        }
        await engine.stop()
    }

    @Test func whatIsNotServedIsRefusedByName() async throws {
        let engine = try await engine()
        let session = SessionState()
        for (sql, name) in [
            ("INSERT INTO t VALUES (1)", "INSERT"), ("CREATE TABLE t (a INT)", "CREATE TABLE"), ("MERGE INTO t USING s ON true", "MERGE"),
            ("WITH RECURSIVE r AS (SELECT 1) SELECT * FROM r", "WITH RECURSIVE"),
        ] {
            await #expect(throws: SparkError.self) { try await engine.sql(sql, in: session) }
            do { _ = try await engine.sql(sql, in: session) } catch let error as SparkError {
                #expect(error.errorClass == "UNSUPPORTED_FEATURE" && error.message.contains(name), "\(error)")
            }
        }
        await engine.stop()
    }

    @Test func syntaxErrorsTellLineAndPosition() async throws {
        let engine = try await engine()
        do {
            _ = try await engine.sql("SELECT 1\nFROM t WHERE >", in: SessionState())
            Issue.record("no error")
        } catch let error as SparkError {
            #expect(error.errorClass == "PARSE_SYNTAX_ERROR" && error.line == 2 && error.position == 13, "\(error)")
        }
        await engine.stop()
    }

    @Test func commandsWorkOnTheSession() async throws {
        let engine = try await engine()
        let session = try await session(engine)
        #expect(try await rows("SHOW TABLES", engine, session).rows == ["|dept|true", "|emp|true", "|nested|true", "|nums|true"])
        #expect(try await rows("SHOW DATABASES", engine, session).rows == ["default"])
        #expect(try await rows("SHOW COLUMNS IN dept", engine, session).rows == ["dept", "title", "rank"])
        #expect(try await rows("DESCRIBE nums", engine, session).rows == ["a|int|NULL", "x|double|NULL", "b|boolean|NULL"])
        #expect(try await rows("SET spark.sql.shuffle.partitions = 4", engine, session).rows == ["spark.sql.shuffle.partitions|4"])
        #expect(session.setting("spark.sql.shuffle.partitions") == "4")
        #expect(try await rows("CREATE OR REPLACE TEMP VIEW emp AS SELECT id FROM emp WHERE id < 3", engine, session).rows.isEmpty)
        #expect(try await rows("SELECT * FROM emp", engine, session).rows == ["1", "2"])
        _ = try await engine.sql("DROP VIEW emp", in: session)
        await #expect(throws: SparkError.self) { try await engine.sql("SELECT * FROM emp", in: session) }
        await #expect(throws: SparkError.self) { try await engine.sql("DROP VIEW emp", in: session) }
        _ = try await engine.sql("DROP VIEW IF EXISTS emp", in: session)
        let plan = try await rows("EXPLAIN EXTENDED SELECT dept FROM dept WHERE rank > 1", engine, session).rows[0]
        for part in [
            "== Parsed Logical Plan ==", "== Analyzed Logical Plan ==", "== Optimized Logical Plan ==", "== Physical Plan ==",
            "Filter (rank > 1)",
        ] {
            #expect(plan.contains(part), "\(plan)")
        }
        await engine.stop()
    }

    @Test func parametersStandForValues() async throws {
        let engine = try await engine()
        let session = try await session(engine)
        func rows(_ sql: String, _ parameters: SQLParameters) async throws -> [String] {
            guard case .query(let plan) = try await engine.sql(sql, parameters: parameters, in: session) else { return [] }
            return try await self.rows(plan, engine, session).rows
        }
        #expect(try await rows("SELECT name FROM emp WHERE id = :id", SQLParameters(named: ["id": .literal(.integer(2))])) == ["bob"])
        #expect(
            try await rows(
                "SELECT name FROM emp WHERE id > ? AND pay < ?", SQLParameters(positional: [.literal(.integer(2)), .literal(.integer(90))]))
                == ["cid", "dee"])
        await #expect(throws: SparkError.self) { _ = try await rows("SELECT :nope", SQLParameters()) }
        await engine.stop()
    }

    // MARK: What frames send

    private var emp: LogicalPlan { .table(UnresolvedTable(["emp"])) }

    @Test func framesTellTheirColumnsApart() async throws {
        let engine = try await engine()
        let session = try await session(engine)
        let left = LogicalPlan.identified(1, .table(UnresolvedTable(["emp"])))
        let right = LogicalPlan.identified(2, .table(UnresolvedTable(["dept"])))
        let joined = LogicalPlan.identified(
            3, .join(Join(.inner, .on(.call("==", .attribute(["dept"], planID: 1), .attribute(["dept"], planID: 2)))), left, right))
        let plan = LogicalPlan.sort(
            [SortOrder(.attribute(["id"]))], isGlobal: true,
            .project([.attribute(["id"], planID: 1), .attribute(["dept"], planID: 2), .attribute(["title"])], joined))
        #expect(try await rows(plan, engine, session).rows == ["1|eng|Engines", "2|eng|Engines", "3|ops|Operations", "4|ops|Operations"])
        await #expect(throws: SparkError.self) { try await engine.schema(of: .project([.attribute(["dept"])], joined), in: session) }
        #expect(
            try await rows(.dropColumns([.attribute(["dept"], planID: 2)], joined), engine, session).names == [
                "id", "name", "dept", "pay", "boss", "title", "rank",
            ])
        await engine.stop()
    }

    @Test func showPrintsAsSparkDoes() async throws {
        let engine = try await engine()
        let session = SessionState()
        guard
            case .query(let plan) = try await engine.sql(
                "SELECT 1 AS a, 'x\\ny' AS b, CAST(NULL AS INT) c UNION ALL SELECT 22222, 'some long text that is cut off here', 3",
                in: session)
        else { return }
        let table = """
            +-----+--------------------+----+
            |    a|                   b|   c|
            +-----+--------------------+----+
            |    1|                x\\ny|NULL|
            |22222|some long text th...|   3|
            +-----+--------------------+----+

            """
        #expect(try await rows(.showString(rows: 20, truncate: 20, isVertical: false, plan), engine, session).rows == [table])
        let first = """
            +---+----+----+
            |a  |b   |c   |
            +---+----+----+
            |1  |x\\ny|NULL|
            +---+----+----+
            only showing top 1 row

            """
        #expect(try await rows(.showString(rows: 1, truncate: 0, isVertical: false, plan), engine, session).rows == [first])
        let vertical = try await rows(.showString(rows: 20, truncate: 20, isVertical: true, plan), engine, session).rows[0]
        #expect(
            vertical.hasPrefix("-RECORD 0-------------------\n a   | 1                    \n b   | x\\ny                 \n"), "\(vertical)"
        )
        await engine.stop()
    }

    @Test func framesOfNullsAndStatistics() async throws {
        let engine = try await engine()
        let session = try await session(engine)
        #expect(
            try await rows(.dropNulls(columns: [], minNonNulls: nil, emp), engine, session).rows == [
                "2|bob|eng|80|1", "3|cid|ops|60|1", "4|dee|ops|60|3",
            ])
        #expect(try await rows(.dropNulls(columns: [], minNonNulls: 4, emp), engine, session).rows.count == 6)
        #expect(try await rows(.fillNulls(columns: [], values: [.long(0)], emp), engine, session).rows[0] == "1|ann|eng|100|0")
        #expect(
            try await rows(.fillNulls(columns: ["dept"], values: [.string("-")], emp), engine, session).rows[4] == "5|eve|-|90|1")
        #expect(
            try await rows(.replaceValues(columns: ["pay"], [Replacement(.double(60), .double(61))], emp), engine, session).rows[2]
                == "3|cid|ops|61|1")
        #expect(
            try await rows(.statistics(.describe(columns: []), emp), engine, session).rows == [
                "count|6|6|5|5|5", "mean|3.5|NULL|NULL|78.0|1.6",
                "stddev|1.8708286933869707|NULL|NULL|17.88854381999832|0.8944271909999159",
                "min|1|ann|eng|60|1", "max|6|fay|ops|100|3",
            ])
        #expect(
            try await rows(.statistics(.summary(statistics: ["25%", "50%", "75%"]), emp), engine, session).rows == [
                "25%|2|NULL|NULL|60|1", "50%|3|NULL|NULL|80|1", "75%|5|NULL|NULL|90|2",
            ])
        #expect(
            try await rows(.statistics(.crosstab("dept", "boss"), emp), engine, session).rows.sorted() == [
                "eng|1|0|0|1", "hr|0|1|0|0", "null|1|0|0|0", "ops|1|0|1|0",
            ])
        let pivoted = LogicalPlan.aggregate(
            Aggregate(
                [.attribute(["dept"])], [.call("sum", .attribute(["pay"]))], pivot: Aggregate.Pivot(.attribute(["boss"]), values: [])), emp)
        let pivot = try await rows(pivoted, engine, session)
        #expect(pivot.names == ["dept", "null", "1", "2", "3"])
        #expect(pivot.rows.sorted() == ["NULL|NULL|90|NULL|NULL", "eng|100|80|NULL|NULL", "hr|NULL|NULL|NULL|NULL", "ops|NULL|60|NULL|60"])
        await engine.stop()
    }

    @Test func aQueryThatNeedsMoreMemoryThanItMaySaysSo() async throws {
        let engine = try await engine(["engine.query.memory": "64KiB"])
        let session = SessionState()
        for sql in [
            "SELECT id FROM range(100000) ORDER BY -id", "SELECT id, count(*) FROM range(100000) GROUP BY id",
            "SELECT a.id FROM range(10) a JOIN range(100000) b ON a.id = b.id",
        ] {
            do {
                _ = try await rows(sql, engine, session)
                Issue.record("\(sql) was not refused")
            } catch let error as SparkError {
                #expect(error.errorClass == "QUERY_MEMORY_EXCEEDED")
                #expect(error.nextStep?.contains("engine.query.memory") == true)
            }
        }
        // The first rows of an order hold only as many.
        #expect(try await rows("SELECT id FROM range(100000) ORDER BY id DESC LIMIT 2", engine, session).rows == ["99999", "99998"])
        await engine.stop()
    }

    @Test func aCancelledQueryEnds() async throws {
        let engine = try await engine()
        let session = SessionState()
        let task = Task {
            try await rows("SELECT count(*) FROM range(100000000000)", engine, session)
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        await engine.stop()
    }

    @Test func memoryTablesAreRead() async throws {
        let engine = try await engine()
        let stream = MemoryStream(schema: try StructType(ddl: "id BIGINT, name STRING"))
        engine.register(stream, as: "in")
        stream.add([[.long(1), .string("a")], [.long(2), .null]])
        let query = try await engine.queries.start(
            StreamingQueryDefinition(
                name: "out", plan: .read(DataSourceRead(format: "memory", options: ["table": "in"], isStreaming: true)),
                sink: .init(format: "memory"), trigger: .availableNow))
        #expect(await query.awaitTermination(timeout: .seconds(20)))
        #expect(try await rows("SELECT name, id + 1 FROM out ORDER BY id", engine, SessionState()).rows == ["a|2", "NULL|3"])
        let batch = LogicalPlan.read(DataSourceRead(format: "memory", options: ["table": "in"], isStreaming: false))
        #expect(
            try await rows(.filter(.call(">", .attribute(["id"]), .literal(.integer(1))), batch), engine, SessionState()).rows == ["2|NULL"]
        )
        await engine.stop()
    }
}
