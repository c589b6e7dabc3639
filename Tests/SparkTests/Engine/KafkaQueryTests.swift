import Foundation
import IO
import Kafka
import Logging
import Testing

@testable import Spark

/// A broker on any free port, with a folder of its own.
final class RunningBroker: Sendable {
    let broker: Broker
    let folder: TemporaryFolder
    let endpoint: Endpoint
    let client: KafkaClient

    static let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    init(folder: TemporaryFolder = TemporaryFolder(), port: Int = 0) async throws {
        var values = SettingValues(BrokerConfiguration.settings)
        try values.set("broker.port", to: "\(port)", from: .flag(""))
        try values.set("broker.container.port", to: "0", from: .flag(""))
        self.folder = folder
        broker = try await Broker.start(try BrokerConfiguration(values: values, folder: folder.path + "/broker"), logger: Self.logger)
        endpoint = broker.endpoints[0]
        client = KafkaClient(KafkaClientConfiguration(bootstrap: [endpoint]), logger: Self.logger)
    }

    func stop() async {
        await client.close()
        await broker.stop()
    }

    func produce(_ records: [(key: String?, value: String?)], to topic: String, partition: Int32? = nil) async throws {
        let producer = try KafkaProducer(bootstrap: [endpoint], logger: Self.logger)
        for record in records {
            _ = try await producer.send(
                topic: topic, partition: partition, key: record.key.map { Array($0.utf8) }, value: record.value.map { Array($0.utf8) },
                headers: [("h", Array("1".utf8))])
        }
        await producer.close()
    }

    struct Letter: Hashable {
        var value: String?
        var reason: String
        var source: String
        var query: String
    }

    func letters(_ topic: String) async throws -> [Letter] {
        guard let found = try await client.metadata(topics: [topic]).topic(topic), found.error == nil else { return [] }
        var letters: [Letter] = []
        var position: Int64 = 0
        let partition = TopicPartition(topic: topic, partition: 0)
        let end = try await client.offsets([partition: .latest])[partition] ?? 0
        while position < end {
            let records = try await client.fetch(partition, from: position, maxWait: .milliseconds(50))
            for row in 0..<records.count {
                var headers: [String: String] = [:]
                for header in records.headers(at: row) { headers[header.key] = header.value.map { String(decoding: $0, as: UTF8.self) } }
                letters.append(
                    Letter(
                        value: records.value(at: row).map { String(decoding: $0, as: UTF8.self) }, reason: headers["leat.reason"] ?? "",
                        source: "\(headers["leat.topic"] ?? "")[\(headers["leat.partition"] ?? "")]@\(headers["leat.offset"] ?? "")",
                        query: headers["leat.query"] ?? ""))
            }
            position = records.nextOffset
        }
        return letters
    }
}

@Suite(.serialized) struct KafkaQueryTests {
    private let folder = TemporaryFolder()

    private func engine(_ broker: Endpoint, _ settings: [String: String] = [:]) async throws -> Engine {
        var values = SettingValues(EngineConfiguration.settings)
        try values.set("engine.kafka.bootstrap", to: "\(broker)", from: .flag(""))
        try values.set("engine.kafka.topic.poll", to: "20ms", from: .flag(""))
        try values.set("engine.kafka.metadata", to: "50ms", from: .flag(""))
        try values.set("engine.port", to: "0", from: .flag(""))
        for (key, value) in settings { try values.set(key, to: value, from: .flag(key)) }
        return try await Engine.start(
            try EngineConfiguration(values: values, folder: folder.path + "/engine"), logger: RunningBroker.logger)
    }

    private func read(_ options: [String: String], isStreaming: Bool = true) -> LogicalPlan {
        var options = options
        options["startingOffsets"] = options["startingOffsets"] ?? "earliest"
        return .read(DataSourceRead(format: "kafka", options: Options(options), isStreaming: isStreaming))
    }

    private func users(_ topic: String) throws -> LogicalPlan {
        .project(
            [.column("data.*")],
            .project(
                [.alias(.call("from_json", .column("value"), .lit(.string("id STRING, age INT"))), name: "data")],
                .project([try Expression(selectItem: "CAST(value AS STRING)")], read(["subscribe": topic]))))
    }

    @Test func aTopicThatAppearsLaterIsWaitedForAndReadWhole() async throws {
        let broker = try await RunningBroker()
        let engine = try await engine(broker.endpoint)
        let id = try await engine.start(StreamingQueryDefinition(name: "late", plan: try users("late"), sink: .init(format: "memory")))
        #expect(try await eventually { engine.queries.status(id)?.message == "Waiting for the topic 'late' to be created" })
        try await broker.produce([("a", #"{"id":"a","age":1}"#), ("b", #"{"id":"b","age":2}"#)], to: "late")
        #expect(try await eventually { engine.memoryTable("late")?.rows.count == 2 })
        try await broker.produce([("c", #"{"id":"c"}"#)], to: "late")
        #expect(try await eventually { engine.memoryTable("late")?.rows.count == 3 })
        #expect(engine.memoryTable("late")?.rows == [[.string("a"), .integer(1)], [.string("b"), .integer(2)], [.string("c"), .null]])
        await engine.stop()
        await broker.stop()
    }

    @Test func everyColumnOfTheSourceIsThere() async throws {
        let broker = try await RunningBroker()
        try await broker.produce([("k", "v"), (nil, nil)], to: "all")
        let engine = try await engine(broker.endpoint)
        let (schema, rows) = try await engine.collect(read(["subscribe": "all", "includeHeaders": "true"], isStreaming: false))
        #expect(schema.names == ["key", "value", "topic", "partition", "offset", "timestamp", "timestampType", "headers"])
        #expect(rows.count == 2)
        #expect(rows[0][0..<5] == [.binary([0x6B]), .binary([0x76]), .string("all"), .integer(0), .long(0)])
        #expect(rows[1][0..<5] == [.null, .null, .string("all"), .integer(0), .long(1)])
        if case .timestamp(let micros) = rows[0][5] { #expect(micros > 1_600_000_000_000_000) } else { Issue.record("\(rows[0][5])") }
        let header = StructType([StructField("key", .string), StructField("value", .binary)])
        #expect(rows[0][7] == .array([.structure([.string("h"), .binary([0x31])], header)], element: .structure(header)))
        let some = try await engine.collect(
            .project([.column("offset")], read(["subscribe": "all", "startingOffsets": #"{"all":{"0":1}}"#], isStreaming: false)))
        #expect(some.rows == [[.long(1)]])
        let limited = try await engine.collect(.limit(1, .project([.column("offset")], read(["subscribe": "all"], isStreaming: false))))
        #expect(limited.rows == [[.long(0)]])
        await engine.stop()
        await broker.stop()
    }

    @Test func badRecordsGoToTheDeadLetterTopicOnceAlsoOverACrash() async throws {
        let broker = try await RunningBroker()
        try await broker.produce(
            [("1", #"{"id":"good","age":1}"#), ("2", "no json"), ("3", #"{"id":"old","age":"x"}"#), ("4", #"{"id":"good2","age":2}"#)],
            to: "users")
        func launch(crash: MicroBatchPoint?) async throws -> StreamingQueryHandle {
            let engine = try await engine(broker.endpoint)
            let handle = try await engine.launch(
                StreamingQueryDefinition(
                    name: "users", plan: try users("users"),
                    sink: .init(format: "memory", options: ["deadLetterTopic": "users.dead-letter"]),
                    trigger: .availableNow, checkpointLocation: folder.path + "/checkpoint")
            ) { point in if point == crash { throw InjectedCrash() } }
            #expect(await handle.awaitTermination(timeout: .seconds(30)))
            let rows = engine.memoryTable("users")?.rows ?? []
            #expect(rows == (crash == nil ? [[.string("good"), .integer(1)], [.string("good2"), .integer(2)]] : []))
            await engine.stop()
            return handle
        }
        // The letters are in the topic, the batch is not committed.
        #expect(try await launch(crash: .afterDeadLetters).exception != nil)
        #expect(try await broker.letters("users.dead-letter").count == 2)
        #expect(try await launch(crash: .beforeCommit).exception != nil)
        let handle = try await launch(crash: nil)
        #expect(handle.exception == nil, "\(handle.exception?.message ?? "")")
        let letters = try await broker.letters("users.dead-letter")
        #expect(letters.map(\.value) == ["no json", #"{"id":"old","age":"x"}"#])
        #expect(letters.map(\.source) == ["users[0]@1", "users[0]@2"])
        #expect(letters.allSatisfy { $0.query == "users" })
        #expect(letters[0].reason.hasPrefix("not JSON"))
        #expect(letters[1].reason.contains("field 'age' is wanted as INT"))
        await broker.stop()
    }

    @Test func partitionsThatAreAddedAreReadFromTheirBeginning() async throws {
        let broker = try await RunningBroker()
        try await broker.client.createTopics([NewTopic(name: "grows", partitions: 1)])
        try await broker.produce([("a", "0")], to: "grows", partition: 0)
        let engine = try await engine(broker.endpoint)
        let plan = LogicalPlan.project(
            [try Expression(selectItem: "CAST(value AS STRING)"), .column("partition")], read(["subscribe": "grows"]))
        _ = try await engine.start(StreamingQueryDefinition(name: "grows", plan: plan, sink: .init(format: "memory")))
        #expect(try await eventually { engine.memoryTable("grows")?.rows.count == 1 })
        try await broker.client.createPartitions(topic: "grows", total: 3)
        try await broker.produce([("b", "1")], to: "grows", partition: 2)
        #expect(try await eventually { engine.memoryTable("grows")?.rows.contains([.string("1"), .integer(2)]) == true })
        await engine.stop()
        await broker.stop()
    }

    @Test func maxOffsetsPerTriggerBoundsABatch() async throws {
        let broker = try await RunningBroker()
        try await broker.produce((0..<25).map { ("k", "\($0)") }, to: "many")
        let engine = try await engine(broker.endpoint)
        let query = try await engine.queries.start(
            StreamingQueryDefinition(
                name: "many", plan: read(["subscribe": "many", "maxOffsetsPerTrigger": "10"]), sink: .init(format: "memory"),
                trigger: .availableNow))
        #expect(await query.awaitTermination(timeout: .seconds(30)))
        let rows = try query.recentProgress.map { try JSONValue(parsing: $0)["numInputRows"]?.integerValue }
        #expect(rows == [10, 10, 5])
        #expect(engine.memoryTable("many")?.rows.map { $0[4] } == (0..<25).map { .long($0) })
        let once = try await engine.queries.start(
            StreamingQueryDefinition(
                name: "once", plan: read(["subscribe": "many", "maxOffsetsPerTrigger": "10"]), sink: .init(format: "memory"), trigger: .once
            ))
        #expect(await once.awaitTermination(timeout: .seconds(30)))
        #expect(once.recentProgress.count == 1)
        #expect(engine.memoryTable("once")?.rows.count == 25)
        await engine.stop()
        await broker.stop()
    }

    @Test func aBrokerThatRestartsIsWaitedFor() async throws {
        let folder = TemporaryFolder()
        var first: RunningBroker? = try await RunningBroker(folder: folder)
        let endpoint = try #require(first?.endpoint)
        try await first?.produce([("a", "0")], to: "t")
        let engine = try await engine(endpoint)
        let id = try await engine.start(StreamingQueryDefinition(name: "t", plan: read(["subscribe": "t"]), sink: .init(format: "memory")))
        #expect(try await eventually { engine.memoryTable("t")?.rows.count == 1 })
        await first?.stop()
        first = nil
        let second = try await RunningBroker(folder: folder, port: endpoint.port)
        try await second.produce([("b", "1")], to: "t")
        #expect(try await eventually(.seconds(30)) { engine.memoryTable("t")?.rows.count == 2 })
        #expect(engine.queries.exception(id) == nil)
        await engine.stop()
        await second.stop()
    }

    @Test func dataThatIsGoneStopsTheQueryUnlessToldOtherwise() async throws {
        let broker = try await RunningBroker()
        try await broker.produce([("a", "0"), ("b", "1")], to: "short")
        let engine = try await engine(broker.endpoint)
        func start(_ failOnDataLoss: String) async throws -> StreamingQueryHandle {
            try await engine.queries.start(
                StreamingQueryDefinition(
                    name: "loss\(failOnDataLoss)",
                    plan: read(["subscribe": "short", "startingOffsets": #"{"short":{"0":100}}"#, "failOnDataLoss": failOnDataLoss]),
                    sink: .init(format: "memory")))
        }
        let strict = try await start("true")
        #expect(await strict.awaitTermination(timeout: .seconds(30)))
        #expect(strict.exception?.errorClass == "KAFKA_DATA_LOSS.COULD_NOT_READ_OFFSET_RANGE", "\(strict.exception?.message ?? "")")
        let lenient = try await start("false")
        try await Task.sleep(for: .milliseconds(300))
        try await broker.produce([("c", "2")], to: "short")
        #expect(try await eventually { engine.memoryTable("lossfalse")?.rows.last?[1] == .binary(Array("2".utf8)) })
        #expect(lenient.isActive)
        await engine.stop()
        await broker.stop()
    }

    /// What the noop sink leaves: fetch, checksum, JSON, columns, offsets and commits.
    @Test func rowsReachTheNoopSinkFast() async throws {
        let broker = try await RunningBroker()
        let producer = try KafkaProducer(
            bootstrap: [broker.endpoint], properties: ["linger.ms": "20", "batch.num.messages": "2000"], logger: RunningBroker.logger)
        let count = 60_000
        for index in 0..<count {
            while true {
                do {
                    try producer.enqueue(topic: "u", partition: 0, key: nil, value: Array(HotPathTests.user(index).utf8)) { _ in }
                    break
                } catch {
                    try await producer.untilRoom()
                }
            }
        }
        try await producer.flush(timeout: .seconds(30))
        await producer.close()
        let engine = try await engine(broker.endpoint)
        func processSeconds() -> Double {
            var time = timespec()
            clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
        }
        let start = ContinuousClock.now, cpu = processSeconds()
        let query = try await engine.queries.start(
            StreamingQueryDefinition(
                name: "noop",
                plan: .project(
                    [.column("data.*")],
                    .project(
                        [.alias(.call("from_json", .column("value"), .lit(.string(HotPathTests.userSchema))), name: "data")],
                        .project([try Expression(selectItem: "CAST(value AS STRING)")], read(["subscribe": "u"])))),
                sink: .init(format: "noop"),
                trigger: .availableNow))
        #expect(await query.awaitTermination(timeout: .seconds(60)))
        let seconds = (ContinuousClock.now - start).inSeconds
        let rows = try query.recentProgress.compactMap { try JSONValue(parsing: $0)["numInputRows"]?.integerValue }.reduce(0, +)
        #expect(rows == Int64(count))
        print(
            "noop: \(Int(Double(count) / seconds)) rows/s, \((processSeconds() - cpu) / Double(count) * 1e6) µs of CPU a row, broker included"
        )
        await engine.stop()
        await broker.stop()
    }
}
