import Foundation
import IO
import Kafka
import Logging
import Testing

@testable import Spark

/// The kafka sink over a broker: what readers of committed records see, also over a crash at every point of a micro-batch.
@Suite(.serialized) struct KafkaSinkTests {
    private let folder = TemporaryFolder()

    private func engine(_ broker: Endpoint) async throws -> Engine {
        var values = SettingValues(EngineConfiguration.settings)
        try values.set("engine.kafka.bootstrap", to: "\(broker)", from: .flag(""))
        try values.set("engine.kafka.topic.poll", to: "20ms", from: .flag(""))
        try values.set("engine.port", to: "0", from: .flag(""))
        return try await Engine.start(
            try EngineConfiguration(values: values, folder: folder.path + "/engine"), logger: RunningBroker.logger)
    }

    private func committed(_ broker: RunningBroker, _ topic: String) async throws -> [String?] {
        let client = KafkaClient(
            KafkaClientConfiguration(bootstrap: [broker.endpoint], isolationLevel: .readCommitted), logger: RunningBroker.logger)
        var values: [String?] = []
        for partition in try await client.metadata(topics: [topic]).topic(topic)?.partitions ?? [] {
            let place = TopicPartition(topic: topic, partition: partition.index)
            let end = try await client.offsets([place: .latest])[place] ?? 0
            var position: Int64 = 0
            while position < end {
                let records = try await client.fetch(place, from: position, maxWait: .milliseconds(50))
                for row in 0..<records.count { values.append(records.value(at: row).map { String(decoding: $0, as: UTF8.self) }) }
                guard records.nextOffset > position else { break }
                position = records.nextOffset
            }
        }
        await client.close()
        return values
    }

    private func query(_ options: Options = ["topic": "out"]) throws -> StreamingQueryDefinition {
        let read = LogicalPlan.read(
            DataSourceRead(
                format: "kafka", options: ["subscribe": "in", "startingOffsets": "earliest", "maxOffsetsPerTrigger": "7"], isStreaming: true
            ))
        return StreamingQueryDefinition(
            plan: .project([.column("key"), .column("value")], read), sink: .init(format: "kafka", options: options),
            trigger: .availableNow, checkpointLocation: folder.path + "/checkpoint")
    }

    @Test(arguments: MicroBatchPoint.allCases)
    func aBatchIsThereOnceWhereverItIsCutOff(point: MicroBatchPoint) async throws {
        let broker = try await RunningBroker()
        try await broker.client.createTopics([NewTopic(name: "out", partitions: 2)])
        try await broker.produce((0..<20).map { ("k\($0)", "v\($0)") }, to: "in")
        for crash in [point, point, nil] {
            let engine = try await engine(broker.endpoint)
            let handle = try await engine.launch(try query()) { reached in if reached == crash { throw InjectedCrash() } }
            #expect(await handle.awaitTermination(timeout: .seconds(60)))
            if crash == nil { #expect(handle.exception == nil, "\(handle.exception?.message ?? "")") }
            await engine.stop()
        }
        let values = try await committed(broker, "out").compactMap { $0 }.sorted()
        #expect(values == (0..<20).map { "v\($0)" }.sorted())
        await broker.stop()
    }

    @Test func columnsAreCheckedBeforeTheStart() async throws {
        let broker = try await RunningBroker()
        try await broker.produce([("k", "v")], to: "in")
        let engine = try await engine(broker.endpoint)
        let read = LogicalPlan.read(DataSourceRead(format: "kafka", options: ["subscribe": "in"], isStreaming: true))
        func message(_ plan: LogicalPlan, _ options: Options) async -> String? {
            do {
                _ = try await engine.queries.start(
                    StreamingQueryDefinition(
                        plan: plan, sink: .init(format: "kafka", options: options), checkpointLocation: folder.path + "/c"))
                return nil
            } catch {
                return (error as? SparkError)?.message
            }
        }
        #expect(
            await message(.project([.column("value")], read), [:])
                == "topic option required when no 'topic' attribute is present. Use the topic option for setting a topic.")
        #expect(await message(.project([.column("key")], read), ["topic": "out"]) == "Required attribute 'value' not found")
        #expect(
            await message(.project([.alias(.column("offset"), name: "value")], read), ["topic": "out"])
                == "value attribute unsupported type bigint. value must be a(n) string or binary")
        #expect(
            await message(read, ["topic": "out", "kafka.key.serializer": "x"])
                == "Kafka option 'key.serializer' is not supported as keys are serialized with ByteArraySerializer.")
        #expect(
            await message(read, ["topic": "out", "kafka.acks": "some"])?.hasPrefix("the option 'kafka.acks':") == true)
        await engine.stop()
        await broker.stop()
    }

    @Test func aBatchWriteIsOneTransactionWithTopicPartitionAndHeaders() async throws {
        let broker = try await RunningBroker()
        try await broker.client.createTopics([NewTopic(name: "a", partitions: 3), NewTopic(name: "b", partitions: 1)])
        let engine = try await engine(broker.endpoint)
        func rows(_ sql: String) async throws -> LogicalPlan {
            guard case .query(let plan) = try await engine.sql(sql, in: SessionState()) else { throw InjectedCrash() }
            return plan
        }
        func write(_ sql: String, mode: SaveMode = .append) async throws {
            try await engine.write(
                try await rows(sql), ConnectorWrite(format: "kafka", mode: mode, options: [:], settings: [:]), in: SessionState())
        }
        try await write(
            """
            SELECT 'a' AS topic, 'k' AS key, 'one' AS value, 2 AS partition, array(named_struct('key', 'h', 'value', cast('x' AS binary))) AS headers
            UNION ALL SELECT 'b', NULL, 'two', NULL, NULL
            """)
        let place = TopicPartition(topic: "a", partition: 2)
        let records = try await broker.client.fetch(place, from: 0)
        #expect(records.count == 1 && records.key(at: 0).map { Array($0) } == Array("k".utf8))
        #expect(records.headers(at: 0).first?.key == "h")
        #expect(try await committed(broker, "b") == ["two"])
        // What fails leaves nothing that readers of committed records see.
        let failure = await #expect(throws: SparkError.self) {
            try await write("SELECT if(id < 5, 'b', NULL) AS topic, cast(id AS string) AS value FROM range(10)")
        }
        #expect(failure?.errorClass == "KAFKA_NULL_TOPIC_IN_DATA")
        #expect(try await committed(broker, "b") == ["two"])
        let mode = await #expect(throws: SparkError.self) { try await write("SELECT 'b' AS topic, 'x' AS value", mode: .overwrite) }
        #expect(mode?.message.hasPrefix("Save mode Overwrite not allowed for Kafka.") == true)
        await engine.stop()
        await broker.stop()
    }

    @Test func aBrokerThatIsAwayWhileABatchIsWrittenIsWaitedFor() async throws {
        let brokerFolder = TemporaryFolder()
        let running = Replaceable(try await RunningBroker(folder: brokerFolder))
        let endpoint = try #require(running.broker?.endpoint)
        try await running.broker?.client.createTopics([NewTopic(name: "out", partitions: 1)])
        try await running.broker?.produce((0..<20).map { ("k\($0)", "v\($0)") }, to: "in")
        let engine = try await engine(endpoint)
        let handle = try await engine.launch(try query()) { point in
            // Records of the second batch are in an open transaction.
            guard point == .afterChunk, running.count() == 2 else { return }
            await running.broker?.stop()
            // Its folder is free when nothing holds it any more.
            running.broker = nil
            running.broker = try await RunningBroker(folder: brokerFolder, port: endpoint.port)
        }
        #expect(await handle.awaitTermination(timeout: .seconds(90)))
        #expect(handle.exception == nil, "\(handle.exception?.message ?? "")")
        await engine.stop()
        let again = try #require(running.broker)
        #expect(try await committed(again, "out").compactMap { $0 }.sorted() == (0..<20).map { "v\($0)" }.sorted())
        await again.stop()
    }
}

/// A broker that another takes the place of, and a count of the moments at which it might.
private final class Replaceable: @unchecked Sendable {
    // Unchecked: touched by the test before the query starts and after it has ended, and by the query's one task in between.
    var broker: RunningBroker?
    private var calls = 0

    init(_ broker: RunningBroker) { self.broker = broker }

    func count() -> Int {
        calls += 1
        return calls
    }
}
