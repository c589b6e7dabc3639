import Foundation
import IO
import Logging
import NIOCore
import Testing

@testable import Kafka

/// Client and producer against Leat's own broker, over TCP.
@Suite(.timeLimit(.minutes(2))) struct ClientBrokerTests {
    static let logger = MockClusterSuites.MockClusterTests.logger

    /// A broker on any free port, in a folder of its own, gone with the test.
    static func withBroker(
        _ settings: [String: String] = [:], _ body: (_ client: KafkaClient, _ endpoint: Endpoint) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "leat-client-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var values = SettingValues(BrokerConfiguration.settings)
        try values.set("broker.port", to: "0", from: .builtIn)
        try values.set("broker.container.port", to: "0", from: .builtIn)
        for (key, value) in settings { try values.set(key, to: value, from: .builtIn) }
        let broker = try await Broker.start(BrokerConfiguration(values: values, folder: folder), logger: logger)
        let endpoint = broker.endpoints[0]
        let client = KafkaClient(
            KafkaClientConfiguration(
                bootstrap: [endpoint], retry: Backoff(initial: .milliseconds(5), maximum: .milliseconds(50)), retryTimeout: .seconds(10)),
            logger: logger)
        do {
            try await body(client, endpoint)
        } catch {
            await client.close()
            await broker.stop()
            throw error
        }
        await client.close()
        await broker.stop()
    }

    @Test func topicsAreCreatedDescribedGrownAndDeleted() async throws {
        try await Self.withBroker { client, _ in
            try await client.createTopics([NewTopic(name: "orders", partitions: 2, configs: ["retention.ms": "3600000"])])
            #expect(try await client.metadata(topics: ["orders"]).topic("orders")?.partitions.count == 2)
            let retention = try await client.topicConfigs("orders").first { $0.name == "retention.ms" }
            #expect(retention?.value == "3600000")
            #expect(retention?.isDefault == false)
            try await client.createPartitions(topic: "orders", total: 5)
            #expect(try await client.metadata(topics: nil).topic("orders")?.partitions.count == 5)
            let again = await #expect(throws: KafkaError.self) { try await client.createTopics([NewTopic(name: "orders")]) }
            #expect(again?.code == .topicAlreadyExists)
            try await client.deleteTopics(["orders"])
            #expect(try await client.metadata(topics: nil).topic("orders") == nil)
            let gone = await #expect(throws: KafkaError.self) { try await client.deleteTopics(["orders"]) }
            #expect(gone?.code == .unknownTopicOrPartition)
        }
    }

    @Test(arguments: ["none", "gzip", "snappy", "lz4", "zstd"])
    func whatTheProducerSendsIsFetchedWhole(codec: String) async throws {
        try await Self.withBroker { client, endpoint in
            try await client.createTopics([NewTopic(name: "users", partitions: 1)])
            let producer = try KafkaProducer(
                bootstrap: [endpoint], properties: ["compression.type": codec, "linger.ms": "20"], logger: Self.logger)
            try await withThrowingTaskGroup(of: Int64.self) { group in
                for index in 0..<500 {
                    group.addTask {
                        try await producer.send(
                            topic: "users", key: [UInt8]("\(index)".utf8), value: [UInt8]("a user with the number \(index)".utf8),
                            headers: [("n", [UInt8(truncatingIfNeeded: index)])], timestamp: 1_700_000_000_000 + Int64(index)
                        ).offset
                    }
                }
                var offsets: Set<Int64> = []
                for try await offset in group { offsets.insert(offset) }
                #expect(offsets == Set(0..<500))
            }
            await producer.close()
            let partition = TopicPartition(topic: "users", partition: 0)
            let ends = try await client.offsets([partition: .latest])
            #expect(ends[partition] == 500)
            var next: Int64 = 0
            var values: Set<String> = []
            while next < 500 {
                let records = try await client.fetch(partition, from: next)
                for index in 0..<records.count {
                    let number = String(decoding: try #require(records.key(at: index)), as: UTF8.self)
                    values.insert(String(decoding: try #require(records.value(at: index)), as: UTF8.self))
                    let sent = try #require(Int(number))
                    #expect(records.timestamps[index] == 1_700_000_000_000 + Int64(sent))
                    #expect(records.headers(at: index).first?.value == [UInt8(truncatingIfNeeded: sent)])
                }
                #expect(records.nextOffset > next)
                next = records.nextOffset
            }
            #expect(values == Set((0..<500).map { "a user with the number \($0)" }))
        }
    }

    @Test func timesAndEndsBecomeOffsets() async throws {
        try await Self.withBroker { client, endpoint in
            try await client.createTopics([NewTopic(name: "users", partitions: 1)])
            let producer = try KafkaProducer(bootstrap: [endpoint], logger: Self.logger)
            for index in 0..<3 as Range<Int64> {
                _ = try await producer.send(topic: "users", partition: 0, key: nil, value: [1], timestamp: 1_000 + index * 1_000)
            }
            await producer.close()
            let partition = TopicPartition(topic: "users", partition: 0)
            for (spec, expected) in [
                (OffsetSpec.earliest, 0), (.latest, 3), (.timestamp(0), 0), (.timestamp(1_001), 1), (.timestamp(3_000), 2),
                (.timestamp(3_001), 3),
            ] as [(OffsetSpec, Int64)] {
                let found = try await client.offsets([partition: spec])
                #expect(found == [partition: expected], "\(spec)")
            }
        }
    }

    @Test func anOffsetBeyondTheLogIsRefusedWithWhatThereIs() async throws {
        try await Self.withBroker { client, _ in
            try await client.createTopics([NewTopic(name: "users", partitions: 1)])
            let error = await #expect(throws: KafkaError.self) {
                try await client.fetch(TopicPartition(topic: "users", partition: 0), from: 99, maxWait: .zero)
            }
            #expect(error?.code == .offsetOutOfRange)
            #expect(error?.description.contains("offset 99 was asked for; the partition holds 0 to 0") == true)
        }
    }

    @Test func anUnknownTopicIsNamedWithTheNearestOneAndIsNotCreated() async throws {
        try await Self.withBroker { client, _ in
            try await client.createTopics([NewTopic(name: "users_created", partitions: 1)])
            let error = await #expect(throws: KafkaError.self) {
                try await client.fetch(TopicPartition(topic: "user_created", partition: 0), from: 0)
            }
            #expect(error?.description.contains("did you mean 'users_created'?") == true)
            #expect(try await client.metadata(topics: nil).topics.map(\.name) == ["users_created"])
        }
    }

    @Test func aFetchIsWokenByWhatArrives() async throws {
        try await Self.withBroker { client, endpoint in
            try await client.createTopics([NewTopic(name: "users", partitions: 1)])
            let start = ContinuousClock.now
            async let waiting = client.fetch(TopicPartition(topic: "users", partition: 0), from: 0, maxWait: .seconds(20))
            let producer = try KafkaProducer(bootstrap: [endpoint], logger: Self.logger)
            _ = try await producer.send(topic: "users", key: nil, value: [7])
            let records = try await waiting
            #expect(records.value(at: 0) == [7])
            #expect(ContinuousClock.now - start < .seconds(15))
            await producer.close()
        }
    }

    @Test func manyWaitingFetchesShareTheBroker() async throws {
        try await Self.withBroker { client, _ in
            try await client.createTopics([NewTopic(name: "users", partitions: 40)])
            // More than there are connections: the rest wait their turn.
            try await withThrowingTaskGroup(of: Int.self) { group in
                for partition in 0..<40 as Range<Int32> {
                    group.addTask {
                        try await client.fetch(TopicPartition(topic: "users", partition: partition), from: 0, maxWait: .milliseconds(50))
                            .count
                    }
                }
                let count = try await group.reduce(0, +)
                #expect(count == 0)
            }
        }
    }

    @Test func encodedBatchesAreAppendedAndReadBack() async throws {
        try await Self.withBroker { client, _ in
            try await client.createTopics([NewTopic(name: "load", partitions: 1)])
            let batch = LoadBatch.filled(recordBytes: 100, batchBytes: 16_384)
            #expect(batch.bytes.readableBytes <= 16_384)
            #expect(batch.recordCount > 100)
            let partition = TopicPartition(topic: "load", partition: 0)
            #expect(try await client.append(batch.bytes, to: partition) == 0)
            #expect(try await client.append(batch.bytes, to: partition, acks: 1) == Int64(batch.recordCount))
            // What acks=1 acknowledged is seen when it is synced.
            var count = 0
            var next: Int64 = 0
            while next < Int64(batch.recordCount * 2) {
                let records = try await client.fetch(partition, from: next)
                #expect(records.valueLengths.allSatisfy { $0 == 100 })
                count += records.count
                next = records.nextOffset
            }
            #expect(count == batch.recordCount * 2)
        }
    }

    @Test func aGroupWithoutCommitsHasNoOffsets() async throws {
        try await Self.withBroker { client, _ in
            let groups = try await client.listGroups()
            #expect(groups.isEmpty)
            let offsets = try await client.committedOffsets(group: "nobody")
            #expect(offsets.isEmpty)
        }
    }
}
