import Cassandra
import IO
import Testing

@testable import Spark

/// Cassandra's tables as batch sources and targets.
@Suite(.serialized) struct CassandraTableTests {
    private let folder = TemporaryFolder()

    private func engine(_ store: Endpoint) async throws -> Engine {
        var values = SettingValues(EngineConfiguration.settings)
        try values.set("engine.cassandra.contact", to: "\(store)", from: .flag(""))
        try values.set("engine.cassandra.fetch.rows", to: "3", from: .flag(""))
        try values.set("engine.port", to: "0", from: .flag(""))
        return try await Engine.start(
            try EngineConfiguration(values: values, folder: folder.path + "/engine"), logger: RunningBroker.logger)
    }

    private func read(_ table: String) -> LogicalPlan {
        .read(
            DataSourceRead(
                format: "org.apache.spark.sql.cassandra", options: ["keyspace": "ks", "table": table], isStreaming: false))
    }

    @Test func everyTypeIsReadAndWrittenBack() async throws {
        let store = try await RunningStore()
        try await store.createUsers()
        let columns =
            "id uuid PRIMARY KEY, a ascii, b bigint, c blob, d boolean, e date, f decimal, g double, h float, i inet, j int, k smallint, l text, m time, n timestamp, o timeuuid, p tinyint, q varint, r list<int>, s set<text>, t map<text, bigint>, u frozen<list<frozen<map<int, text>>>>"
        for table in ["types", "copy"] { try await store.run("CREATE TABLE ks.\(table) (\(columns))") }
        try await store.run(
            """
            INSERT INTO ks.types (id, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u) VALUES
            (a1b2c3d4-0000-4000-8000-000000000001, 'asc', -5, 0xff00, true, '2024-02-29', -12.345, 1.5, -2.5, '10.0.0.1', 7, -3, 'grüße',
            '08:12:54.123456789', '2024-01-01T00:00:00.250Z', 50554d6e-29bb-11e5-b345-feff819cdc9f, -1, -170141183460469231731687303715,
            [1, 2], {'x', 'y'}, {'k': 9}, [{1: 'one'}])
            """)
        try await store.run("INSERT INTO ks.types (id) VALUES (a1b2c3d4-0000-4000-8000-000000000002)")
        let engine = try await engine(store.endpoint)
        let (schema, rows) = try await engine.collect(read("types"))
        #expect(
            schema.fields.map(\.dataType.simpleString) == [
                "string", "string", "bigint", "binary", "boolean", "date", "decimal(38,18)", "double", "float", "string", "int", "smallint",
                "string", "bigint", "timestamp", "string", "tinyint", "decimal(38,0)", "array<int>", "array<string>", "map<string,bigint>",
                "array<map<int,string>>",
            ])
        let full = try #require(rows.first { $0[1] != .null })
        #expect(full[0] == .string("a1b2c3d4-0000-4000-8000-000000000001") && full[2] == .long(-5) && full[3] == .binary([0xFF, 0]))
        #expect(full[5] == .date(19_782) && full[6] == .decimal(unscaled: -12_345 * 1_000_000_000_000_000, precision: 38, scale: 18))
        #expect(full[9] == .string("10.0.0.1") && full[12] == .string("grüße") && full[13] == .long(29_574_123_456_789))
        #expect(full[14] == .timestamp(1_704_067_200_250_000) && full[15] == .string("50554d6e-29bb-11e5-b345-feff819cdc9f"))
        #expect(full[17] == .decimal(unscaled: -170_141_183_460_469_231_731_687_303_715, precision: 38, scale: 0))
        #expect(full[18] == .array([.integer(1), .integer(2)], element: .integer))
        try await engine.write(
            read("types"),
            ConnectorWrite(
                format: "org.apache.spark.sql.cassandra", mode: .append, options: ["keyspace": "ks", "table": "copy"], settings: [:]),
            in: SessionState())
        let copied = try await store.client.query("SELECT * FROM ks.copy")
        let original = try await store.client.query("SELECT * FROM ks.types")
        // The connector's decimals have 18 places.
        func plain(_ rows: CQLRows) -> Set<String> {
            Set(rows.rows.map { row in zip(rows.columns, row).map { $0.name == "f" ? "" : "\($1)" }.joined(separator: "|") })
        }
        #expect(plain(copied) == plain(original))
        await engine.stop()
        await store.stop()
    }

    @Test func pagesColumnsAndPartitionsAreReadAsTheyAreAskedFor() async throws {
        let store = try await RunningStore()
        try await store.createUsers()
        try await store.run("CREATE TABLE ks.events (city text, at int, n int, PRIMARY KEY (city, at))")
        for row in 0..<20 { try await store.run("INSERT INTO ks.events (city, at, n) VALUES ('c\(row % 4)', \(row), \(row * 10))") }
        let engine = try await engine(store.endpoint)
        #expect(try await engine.collect(read("events")).rows.count == 20)
        let some = try await engine.collect(
            .project([.column("n")], .filter(try Expression(sql: "city = 'c1' AND at > 4"), read("events"))))
        #expect(some.rows.map { $0[0] } == [5, 9, 13, 17].map { .integer($0 * 10) })
        let session = SessionState()
        _ = session.setView("events", read("events"), replace: true)
        guard case .query(let plan) = try await engine.sql("SELECT count(*) FROM events", in: session) else {
            Issue.record("no query")
            return
        }
        var counts: [Literal] = []
        try await engine.run(plan, in: session, onSchema: { _ in }) { counts.append($0.columns[0].literal(0)) }
        #expect(counts == [.long(20)])
        let missing = await #expect(throws: SparkError.self) { try await engine.collect(read("nothing")) }
        #expect(missing?.errorClass == "TABLE_OR_VIEW_NOT_FOUND")
        await engine.stop()
        await store.stop()
    }

    @Test func aTableIsOverwrittenOnlyWhenThatIsConfirmed() async throws {
        let store = try await RunningStore()
        try await store.createUsers()
        try await store.run("INSERT INTO ks.users (id, name) VALUES (a1b2c3d4-0000-4000-8000-000000000001, 'old')")
        let engine = try await engine(store.endpoint)
        func write(_ mode: SaveMode, _ confirmed: String?) async throws {
            guard
                case .query(let plan) = try await engine.sql(
                    "SELECT 'a1b2c3d4-0000-4000-8000-000000000002' AS id, 'new' AS name", in: SessionState())
            else { return }
            var options: Options = ["keyspace": "ks", "table": "users"]
            options["confirm.truncate"] = confirmed
            try await engine.write(
                plan, ConnectorWrite(format: "org.apache.spark.sql.cassandra", mode: mode, options: options, settings: [:]),
                in: SessionState())
        }
        let unconfirmed = await #expect(throws: SparkError.self) { try await write(.overwrite, nil) }
        #expect(unconfirmed?.message.contains("confirm.truncate") == true)
        let mode = await #expect(throws: SparkError.self) { try await write(.errorIfExists, nil) }
        #expect(mode?.errorClass == "UNSUPPORTED_DATA_SOURCE_SAVE_MODE")
        #expect(try await store.client.query("SELECT name FROM ks.users").rows == [[.text("old")]])
        try await write(.overwrite, "true")
        #expect(try await store.client.query("SELECT name FROM ks.users").rows == [[.text("new")]])
        await engine.stop()
        await store.stop()
    }
}
