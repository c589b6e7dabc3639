import IO
import Kafka
import Testing

@testable import Spark

@Suite(.serialized) struct KafkaSourceOptionsTests {
    private let folder = TemporaryFolder()

    @Test(
        arguments: [
            (
                [:],
                "One of the following options must be specified for Kafka source: subscribe, subscribepattern, assign. See the docs for more details."
            ),
            (
                ["subscribe": "a", "assign": "{}"],
                "Only one of the following options can be specified for Kafka source: subscribe, subscribepattern, assign. See the docs for more details."
            ),
            (["assign": "a"], "No topicpartitions to assign to as specified value for option 'assign' is 'a'"),
            (["assign": #"{"a":"0"}"#], #"Expected e.g. {"topicA":[0,1],"topicB":[0,1]}, got {"a":"0"}"#),
            (["subscribe": "a", "startingOffsets": "soon"], #"Expected e.g. {"topicA":{"0":23,"1":-1},"topicB":{"0":-2}}, got soon"#),
            (["subscribe": "a", "startingTimestamp": "x"], "Expected a single long value, got x"),
            (["subscribe": "a", "endingOffsets": "latest"], "ending offset not valid in streaming queries"),
            (["subscribe": "a", "endingTimestamp": "1"], "ending timestamp not valid in streaming queries"),
            (
                ["subscribe": "a", "minOffsetsPerTrigger": "5", "maxOffsetsPerTrigger": "4"],
                "The value of minOffsetPerTrigger(5) is higher than the maxOffsetsPerTrigger(4)."
            ),
            (
                ["subscribe": "a", "kafka.enable.auto.commit": "true"],
                "Kafka option 'enable.auto.commit' is not supported as the Kafka source doesn't commit any offset."
            ),
        ] as [([String: String], String)])
    func whatIsWrongIsSaidInSparksWords(options: [String: String], message: String) {
        let error = #expect(throws: SparkError.self) { try KafkaSourceOptions(Options(options), isStreaming: true) }
        #expect(error?.message == message)
    }

    @Test(
        arguments: [
            (["startingOffsets": "latest"], "starting offset can't be latest for batch queries on Kafka"),
            (["endingOffsets": "earliest"], "ending offset can't be earliest for batch queries on Kafka"),
            (["startingOffsets": #"{"a":{"0":-1}}"#], "startingOffsets for a-0 can't be latest for batch queries on Kafka"),
            (["endingOffsets": #"{"a":{"0":-2}}"#], "ending offset for a-0 can't be earliest for batch queries on Kafka"),
        ] as [([String: String], String)])
    func aBatchHasABeginningAndAnEnd(options: [String: String], message: String) {
        let error = #expect(throws: SparkError.self) {
            try KafkaSourceOptions(Options(options.merging(["subscribe": "a"]) { $1 }), isStreaming: false)
        }
        #expect(error?.message == message)
    }

    @Test func whatIsReadIsChosenByNamePatternPartitionOffsetAndTime() async throws {
        let broker = try await RunningBroker()
        for topic in ["orders-eu", "orders-us", "users", "orders-eu.dead-letter"] {
            try await broker.client.createTopics([NewTopic(name: topic, partitions: 2)])
        }
        func produce(_ topic: String, _ partition: Int32, _ values: [(String, Int64)]) async throws {
            let producer = try KafkaProducer(bootstrap: [broker.endpoint], logger: RunningBroker.logger)
            for (value, time) in values {
                _ = try await producer.send(topic: topic, partition: partition, key: nil, value: Array(value.utf8), timestamp: time)
            }
            await producer.close()
        }
        let base: Int64 = 1_700_000_000_000
        try await produce("orders-eu", 0, [("e0", base), ("e1", base + 1_000), ("e2", base + 2_000)])
        try await produce("orders-eu", 1, [("f0", base)])
        try await produce("orders-us", 0, [("u0", base + 500)])
        try await produce("users", 0, [("x", base)])
        try await produce("orders-eu.dead-letter", 0, [("bad", base)])
        var values = SettingValues(EngineConfiguration.settings)
        try values.set("engine.kafka.bootstrap", to: "\(broker.endpoint)", from: .flag(""))
        try values.set("engine.port", to: "0", from: .flag(""))
        let engine = try await Engine.start(
            try EngineConfiguration(values: values, folder: folder.path + "/engine"), logger: RunningBroker.logger)
        func read(_ options: Options) async throws -> [String] {
            let read = LogicalPlan.read(DataSourceRead(format: "kafka", options: options, isStreaming: false))
            let rows = try await engine.collect(.project([try Expression(selectItem: "CAST(value AS STRING)")], read)).rows
            return rows.compactMap { if case .string(let text) = $0[0] { text } else { nil } }.sorted()
        }
        #expect(try await read(["subscribePattern": "orders-.*"]) == ["e0", "e1", "e2", "f0", "u0"])
        #expect(try await read(["subscribePattern": "orders-(eu|us)|users"]) == ["e0", "e1", "e2", "f0", "u0", "x"])
        #expect(try await read(["subscribePattern": "user"]) == [], "the whole name must match")
        #expect(try await read(["assign": #"{"orders-eu":[1],"users":[0]}"#]) == ["f0", "x"])
        #expect(
            try await read([
                "subscribe": "orders-eu", "startingOffsets": #"{"orders-eu":{"0":1,"1":-2}}"#,
                "endingOffsets": #"{"orders-eu":{"0":2,"1":-1}}"#,
            ])
                == ["e1", "f0"])
        #expect(try await read(["assign": #"{"orders-eu":[0]}"#, "startingTimestamp": "\(base + 1)"]) == ["e1", "e2"])
        #expect(try await read(["assign": #"{"orders-eu":[0]}"#, "endingTimestamp": "\(base + 1_500)"]) == ["e0", "e1"])
        #expect(
            try await read(["assign": #"{"orders-eu":[0]}"#, "startingOffsetsByTimestamp": #"{"orders-eu":{"0":\#(base + 2_000)}}"#]) == [
                "e2"
            ])
        let unmatched: Options = ["subscribe": "orders-eu", "startingTimestamp": "\(base + 1_000)"]
        let error = await #expect(throws: SparkError.self) { try await read(unmatched) }
        #expect(error?.message == "No offset matched from request of topic-partition orders-eu-1 and timestamp \(base + 1_000).")
        var lenient = unmatched
        lenient["startingOffsetsByTimestampStrategy"] = "latest"
        #expect(try await read(lenient) == ["e1", "e2"])
        let partial = await #expect(throws: SparkError.self) {
            try await read(["subscribe": "orders-eu", "startingOffsets": #"{"orders-eu":{"0":1}}"#])
        }
        #expect(partial?.errorClass == "KAFKA_START_OFFSET_DOES_NOT_MATCH_ASSIGNED")
        await engine.stop()
        await broker.stop()
    }

    @Test func abortedRecordsAreLeftOutForReadersOfCommittedOnes() async throws {
        let broker = try await RunningBroker()
        try await broker.client.createTopics([NewTopic(name: "t", partitions: 1)])
        let producer = try TransactionalProducer(
            bootstrap: [broker.endpoint], transactionalID: "test", timeout: .seconds(30), logger: RunningBroker.logger)
        try await producer.takeOver()
        for (value, commits) in [("kept", true), ("given up", false), ("kept too", true)] {
            try await producer.begin()
            try Array(value.utf8).withUnsafeBytes { try producer.producer.enqueue(topic: "t", partition: 0, keyBytes: nil, valueBytes: $0) }
            try await producer.producer.flush(timeout: .seconds(20))
            if commits { try await producer.commit() } else { try await producer.abort() }
        }
        await producer.close()
        var values = SettingValues(EngineConfiguration.settings)
        try values.set("engine.kafka.bootstrap", to: "\(broker.endpoint)", from: .flag(""))
        try values.set("engine.port", to: "0", from: .flag(""))
        let engine = try await Engine.start(
            try EngineConfiguration(values: values, folder: folder.path + "/engine"), logger: RunningBroker.logger)
        func count(_ level: String) async throws -> Int {
            let read = LogicalPlan.read(
                DataSourceRead(format: "kafka", options: ["subscribe": "t", "kafka.isolation.level": level], isStreaming: false))
            return try await engine.collect(read).rows.count
        }
        #expect(try await count("read_committed") == 2)
        #expect(try await count("read_uncommitted") == 3)
        await engine.stop()
        await broker.stop()
    }
}
