import Cassandra
import Foundation
import IO
import Kafka
import Logging
import NIOConcurrencyHelpers
import Testing

@testable import Spark

/// A store on any free port.
final class RunningStore: Sendable {
    let store: Store
    let endpoint: Endpoint
    let client: CassandraClient
    let folder: TemporaryFolder

    init(folder: TemporaryFolder = TemporaryFolder(), port: Int = 0) async throws {
        var values = SettingValues(StoreConfiguration.settings)
        try values.set("store.port", to: "\(port)", from: .flag(""))
        self.folder = folder
        store = try await Store.start(try StoreConfiguration(values: values, folder: folder.path + "/store"), logger: RunningBroker.logger)
        endpoint = store.endpoints[0]
        client = CassandraClient(CassandraClientConfiguration(contactPoints: [endpoint]), logger: RunningBroker.logger)
    }

    func stop() async {
        await client.close()
        await store.stop()
    }

    func run(_ cql: String) async throws { _ = try await client.query(cql) }

    func createUsers() async throws {
        try await run("CREATE KEYSPACE IF NOT EXISTS ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
        try await run("CREATE TABLE IF NOT EXISTS ks.users (id uuid PRIMARY KEY, name text, age int, at timestamp, extra text)")
    }
}

@Suite(.serialized) struct CassandraQueryTests {
    private let folder = TemporaryFolder()
    private static let ids = (0..<10).map { "a1b2c3d4-0000-4000-8000-00000000000\($0)" }

    private func engine(_ broker: Endpoint, _ store: Endpoint, _ settings: [String: String] = [:]) async throws -> Engine {
        var values = SettingValues(EngineConfiguration.settings)
        try values.set("engine.kafka.bootstrap", to: "\(broker)", from: .flag(""))
        try values.set("engine.cassandra.contact", to: "\(store)", from: .flag(""))
        try values.set("engine.port", to: "0", from: .flag(""))
        for (key, value) in settings { try values.set(key, to: value, from: .flag(key)) }
        return try await Engine.start(
            try EngineConfiguration(values: values, folder: folder.path + "/engine"), logger: RunningBroker.logger)
    }

    private func query(
        _ topic: String = "users", ddl: String = "id STRING, name STRING, age INT, at TIMESTAMP", table: String = "users",
        trigger: Trigger = .availableNow
    ) throws -> StreamingQueryDefinition {
        let read = LogicalPlan.read(
            DataSourceRead(format: "kafka", options: ["subscribe": topic, "startingOffsets": "earliest"], isStreaming: true))
        let plan = LogicalPlan.project(
            [.column("data.*")],
            .project(
                [.alias(.call("from_json", .column("value"), .lit(.string(ddl))), name: "data")],
                .project([try Expression(selectItem: "CAST(value AS STRING)")], read)))
        return StreamingQueryDefinition(
            name: "users", plan: plan, sink: .init(format: "org.apache.spark.sql.cassandra", options: ["keyspace": "ks", "table": table]),
            trigger: trigger)
    }

    private func rows(_ store: RunningStore) async throws -> [String: [CQLValue]] {
        let result = try await store.client.query("SELECT id, name, age, at, extra, writetime(name) FROM ks.users")
        return Dictionary(uniqueKeysWithValues: result.rows.map { ($0[0].description, Array($0.dropFirst())) })
    }

    @Test func recordsBecomeRowsAndBadOnesDeadLetters() async throws {
        let broker = try await RunningBroker(), store = try await RunningStore()
        try await store.createUsers()
        try await store.run("INSERT INTO ks.users (id, extra) VALUES (\(Self.ids[0]), 'kept')")
        try await broker.produce(
            [
                ("0", #"{"id":"\#(Self.ids[0])","name":"Ann","age":30,"at":"2024-01-01T00:00:00.250Z"}"#),
                ("1", #"{"id":"\#(Self.ids[1])","name":"B\u00e9a","age":null}"#),
                ("2", #"{"name":"no key"}"#), ("3", "garbage"), ("4", #"{"id":"not-a-uuid","name":"x"}"#),
                ("5", #"{"id":"\#(Self.ids[2])","age":"old"}"#), ("6", nil),
                ("7", #"{"id":"\#(Self.ids[0])","name":"Ann again","age":31}"#),
            ], to: "users")
        let engine = try await engine(broker.endpoint, store.endpoint)
        let handle = try await engine.queries.start(try query())
        #expect(await handle.awaitTermination(timeout: .seconds(30)))
        #expect(handle.exception == nil, "\(handle.exception?.message ?? "")")

        let rows = try await rows(store)
        #expect(Set(rows.keys) == [Self.ids[0], Self.ids[1]])
        #expect(rows[Self.ids[0]].map { Array($0[0...1]) } == [.text("Ann again"), .int(31)])
        #expect(rows[Self.ids[0]]?[3] == .text("kept"), "a column that the query lacks stays as it is")
        #expect(rows[Self.ids[1]].map { Array($0[0...1]) } == [.text("Béa"), .null])

        // They are produced together, and librdkafka may send them in more than one order.
        let letters = try await broker.letters("users.dead-letter").sorted { $0.source < $1.source }
        #expect(letters.map(\.source) == ["users[0]@2", "users[0]@3", "users[0]@4", "users[0]@5", "users[0]@6"])
        #expect(letters[0].reason == "the key column 'id' is null")
        #expect(letters[1].reason.hasPrefix("not JSON"))
        #expect(letters[2].reason.contains("'not-a-uuid' is no uuid"))
        #expect(letters[3].reason.contains("field 'age' is wanted as INT"))
        #expect(letters[4].value == nil)
        let progress = try #require(handle.lastProgress.map { try JSON(parsing: $0) })
        #expect(progress["observedMetrics"]?["leat"]?["deadLettersTotal"] == .integer(5))
        #expect(progress["observedMetrics"]?["leat"]?["deadLetterTopic"] == .string("users.dead-letter"))
        #expect(progress["sink"]?["description"] == .string("CassandraTable[ks.users]"))
        await engine.stop()
        await store.stop()
        await broker.stop()
    }

    @Test(arguments: [MicroBatchPoint.afterLog, .afterChunk, .afterDeadLetters, .beforeCommit])
    func aReplayWritesTheSameTimestamps(_ point: MicroBatchPoint) async throws {
        let broker = try await RunningBroker(), store = try await RunningStore()
        try await store.createUsers()
        try await broker.produce(
            Self.ids.enumerated().map { ("\($0)", #"{"id":"\#($1)","name":"n\#($0)"}"#) } + [
                ("bad", "oops"), ("last", #"{"id":"\#(Self.ids[3])","name":"later"}"#),
            ],
            to: "users")
        let crashed = try await engine(broker.endpoint, store.endpoint)
        let first = try await crashed.launch(try query()) { if $0 == point { throw InjectedCrash() } }
        #expect(await first.awaitTermination(timeout: .seconds(30)))
        #expect(first.exception != nil)
        await crashed.stop()
        let logged = try CheckpointStore(path: folder.path + "/engine/checkpoints.db")
        let batch = try #require(try logged.last(first.id))
        #expect(!batch.isCommitted)
        logged.close()
        let engine = try await engine(broker.endpoint, store.endpoint)
        let second = try await engine.queries.start(try query())
        #expect(second.id == first.id)
        #expect(await second.awaitTermination(timeout: .seconds(30)))
        #expect(second.exception == nil, "\(second.exception?.message ?? "")")
        let rows = try await rows(store)
        #expect(rows.count == 10)
        for (index, id) in Self.ids.enumerated() {
            let offset = index == 3 ? 11 : index
            #expect(rows[id]?[0] == .text(index == 3 ? "later" : "n\(index)"))
            #expect(rows[id]?[4] == .bigint(batch.batch.baseTimestamp + Int64(offset)))
        }
        #expect(try await broker.letters("users.dead-letter").map(\.source) == ["users[0]@10"])
        await engine.stop()
        await store.stop()
        await broker.stop()
    }

    @Test func aTableThatDoesNotFitIsRefusedBeforeTheStart() async throws {
        let broker = try await RunningBroker(), store = try await RunningStore()
        try await store.createUsers()
        let engine = try await engine(broker.endpoint, store.endpoint)
        func failure(_ definition: StreamingQueryDefinition) async -> SparkError? {
            do {
                _ = try await engine.start(definition)
                return nil
            } catch {
                return error as? SparkError
            }
        }
        let column = await failure(try query(ddl: "id STRING, nam STRING"))
        #expect(column?.errorClass == "CASSANDRA_COLUMN_NOT_FOUND")
        #expect(column?.nextStep?.contains("'name'") == true)
        #expect(await failure(try query(ddl: "name STRING"))?.errorClass == "CASSANDRA_KEY_MISSING")
        #expect(await failure(try query(ddl: "id INT"))?.errorClass == "CASSANDRA_TYPE_MISMATCH")
        #expect(await failure(try query(table: "none"))?.errorClass == "TABLE_OR_VIEW_NOT_FOUND")
        #expect(engine.queries.active().isEmpty)
        await engine.stop()
        await store.stop()
        await broker.stop()
    }

    @Test func aStoreThatRestartsIsWaitedFor() async throws {
        let storeFolder = TemporaryFolder()
        let broker = try await RunningBroker()
        var first: RunningStore? = try await RunningStore(folder: storeFolder)
        try await first?.createUsers()
        let endpoint = try #require(first?.endpoint)
        let engine = try await engine(broker.endpoint, endpoint)
        let handle = try await engine.queries.start(try query(trigger: .asSoonAsPossible))
        await first?.stop()
        first = nil
        try await broker.produce([("0", #"{"id":"\#(Self.ids[0])","name":"Ann"}"#)], to: "users")
        #expect(try await eventually { handle.status.message.hasPrefix("Waiting for Cassandra") })
        let second = try await RunningStore(folder: storeFolder, port: endpoint.port)
        #expect(try await eventually(.seconds(30)) { try await rows(second).count == 1 })
        #expect(handle.isActive)
        // A table that is dropped ends the query, with the reason.
        try await second.run("DROP TABLE ks.users")
        try await broker.produce([("1", #"{"id":"\#(Self.ids[1])","name":"Bob"}"#)], to: "users")
        #expect(await handle.awaitTermination(timeout: .seconds(30)))
        #expect(handle.exception?.message.contains("users") == true, "\(handle.exception?.message ?? "")")
        await engine.stop()
        await second.stop()
        await broker.stop()
    }

    @Test func conversionsOfTheConnector() async throws {
        let broker = try await RunningBroker(), store = try await RunningStore()
        try await store.createUsers()
        try await store.run(
            "CREATE TABLE ks.types (k text PRIMARY KEY, i int, l bigint, s smallint, t tinyint, f float, d double, b boolean, ts timestamp, da date, u timeuuid, bl blob, tx text)"
        )
        try await broker.produce(
            [
                (
                    "0",
                    #"{"k":"a","i":"42","l":7,"s":3,"t":"4","f":1.5,"d":"2.5","b":"true","ts":"2024-01-01T00:00:00.123Z","da":"1969-12-31","u":"50554d6e-29bb-11e5-b345-feff819cdc9f","bl":"hi","tx":9}"#
                ),
                ("1", #"{"k":"b","i":"4x"}"#),
            ], to: "types")
        let engine = try await engine(broker.endpoint, store.endpoint)
        let handle = try await engine.queries.start(
            try query(
                "types",
                ddl:
                    "k STRING, i STRING, l INT, s BIGINT, t STRING, f DOUBLE, d STRING, b STRING, ts STRING, da STRING, u STRING, bl STRING, tx INT",
                table: "types"))
        #expect(await handle.awaitTermination(timeout: .seconds(30)))
        #expect(handle.exception == nil, "\(handle.exception?.message ?? "")")
        let result = try await store.client.query("SELECT k, i, l, s, t, f, d, b, ts, u, bl, tx FROM ks.types")
        #expect(
            result.rows.map { $0.map(\.description) } == [
                [
                    "a", "42", "7", "3", "4", "1.5", "2.5", "True", CQLValue.timestamp(1_704_067_200_123).description,
                    "50554d6e-29bb-11e5-b345-feff819cdc9f", "0x6869", "9",
                ]
            ])
        let days = try await store.client.query("SELECT k FROM ks.types WHERE da = '1969-12-31' ALLOW FILTERING")
        #expect(days.rows.count == 1)
        #expect(try await broker.letters("types.dead-letter").map(\.reason) == ["column 'i': '4x' is no int"])
        await engine.stop()
        await store.stop()
        await broker.stop()
    }

    /// From before the send to the row seen by another connection; and what a batch of one record costs, broker and store and test included.
    @Test func oneRecordIsARowWithinMilliseconds() async throws {
        let broker = try await RunningBroker(), store = try await RunningStore()
        try await store.createUsers()
        let engine = try await engine(broker.endpoint, store.endpoint)
        let handle = try await engine.queries.start(try query(trigger: .asSoonAsPossible))
        let producer = try KafkaProducer(bootstrap: [broker.endpoint], properties: ["linger.ms": "0"], logger: RunningBroker.logger)
        let statement = try await store.client.prepare("SELECT age FROM ks.users WHERE id = ?")
        let id = try #require(CQLUUID(Self.ids[0]))
        var times: [Double] = []
        var cpu = 0.0
        for round in 0..<120 {
            if round == 20 {
                times = []
                cpu = Self.processSeconds()
            }
            let start = ContinuousClock.now
            _ = try await producer.send(topic: "users", key: nil, value: Array(#"{"id":"\#(Self.ids[0])","age":\#(round)}"#.utf8))
            #expect(
                try await eventually {
                    try await store.client.execute(statement, values: [.uuid(id)]).rows.first?.first == .int(Int32(round))
                })
            times.append((ContinuousClock.now - start).inMilliseconds)
        }
        let each = (Self.processSeconds() - cpu) / Double(times.count) * 1_000
        times.sort()
        print(
            "one record: p50 \(times[times.count / 2]) ms, p99 \(times[times.count * 99 / 100]) ms (looked for every 5 ms), \(each) ms of CPU each"
        )
        #expect(handle.isActive)
        await producer.close()
        await engine.stop()
        await store.stop()
        await broker.stop()
    }

    private static func processSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    @Test func usersReachTheTableFast() async throws {
        let broker = try await RunningBroker(), store = try await RunningStore()
        try await store.createUsers()
        let fields = [
            "first_name", "last_name", "gender", "address", "post_code", "email", "username", "dob", "registered_date", "phone", "picture",
        ]
        try await store.run("CREATE TABLE ks.created (id uuid PRIMARY KEY, \(fields.map { $0 + " text" }.joined(separator: ", ")))")
        let producer = try KafkaProducer(
            bootstrap: [broker.endpoint], properties: ["linger.ms": "20", "batch.num.messages": "2000"], logger: RunningBroker.logger)
        let count = 50_000
        for index in 0..<count {
            while true {
                do {
                    try producer.enqueue(topic: "created", partition: 0, key: nil, value: Array(HotPathTests.user(index).utf8)) { _ in }
                    break
                } catch {
                    try await producer.untilRoom()
                }
            }
        }
        try await producer.flush(timeout: .seconds(30))
        await producer.close()
        let engine = try await engine(broker.endpoint, store.endpoint)
        let start = ContinuousClock.now, cpu = Self.processSeconds()
        let handle = try await engine.queries.start(try query("created", ddl: HotPathTests.userSchema, table: "created"))
        #expect(await handle.awaitTermination(timeout: .seconds(60)))
        let seconds = (ContinuousClock.now - start).inSeconds
        print(
            "table: \(Int(Double(count) / seconds)) rows/s, \((Self.processSeconds() - cpu) / Double(count) * 1e6) µs of CPU a row, broker and store included"
        )
        let counted = try await store.client.query("SELECT count(*) FROM ks.created")
        #expect(counted.rows[0][0] == .bigint(Int64(count)))
        await engine.stop()
        await store.stop()
        await broker.stop()
    }
}
