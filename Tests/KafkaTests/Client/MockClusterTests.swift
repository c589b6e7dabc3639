import CRdkafka
import IO
import Logging
import NIOCore
import Testing

@testable import Kafka

extension MockClusterSuites {
    /// Client and producer against librdkafka's mock cluster: what one broker on one machine never does.
    @Suite struct MockClusterTests {
        static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

        static func client(_ cluster: MockCluster, retryTimeout: Duration = .seconds(20)) throws -> KafkaClient {
            KafkaClient(
                KafkaClientConfiguration(
                    bootstrap: try cluster.endpoints, requestTimeout: .seconds(5),
                    retry: Backoff(initial: .milliseconds(5), maximum: .milliseconds(50)), retryTimeout: retryTimeout),
                logger: logger)
        }

        static func producer(_ cluster: MockCluster, _ properties: [String: String] = [:]) throws -> KafkaProducer {
            try KafkaProducer(
                bootstrap: try cluster.endpoints, properties: properties.merging(["linger.ms": "0"]) { own, _ in own }, logger: logger)
        }

        static func produce(_ cluster: MockCluster, _ topic: String, _ partition: Int32, _ values: [String], codec: String = "none")
            async throws
        {
            let producer = try producer(cluster, ["compression.type": codec, "linger.ms": "20"])
            // Queued one after the other, so that the partition has them in this order.
            let acknowledgements = try values.map { value in
                let acknowledgement = Completion<RecordMetadata>()
                try producer.enqueue(topic: topic, partition: partition, key: [UInt8]("k".utf8), value: [UInt8](value.utf8)) {
                    acknowledgement.settle($0)
                }
                return acknowledgement
            }
            for acknowledgement in acknowledgements { _ = try await acknowledgement.value() }
            await producer.close()
        }

        /// All records from an offset up to the high watermark.
        static func readAll(_ client: KafkaClient, _ partition: TopicPartition, from offset: Int64 = 0) async throws -> [String] {
            var values: [String] = []
            var next = offset
            while true {
                let records = try await client.fetch(partition, from: next, maxWait: .milliseconds(50))
                values += (0..<records.count).map { String(decoding: records.value(at: $0) ?? [], as: UTF8.self) }
                next = records.nextOffset
                if next >= records.highWatermark { return values }
            }
        }

        @Test func metadataNamesBrokersTopicsAndLeaders() async throws {
            let cluster = try MockCluster(brokers: 3)
            cluster.createTopic("users", partitions: 4, replicas: 3)
            cluster.setLeader("users", 2, to: 3)
            let client = try Self.client(cluster)
            let metadata = try await client.metadata(topics: nil)
            #expect(metadata.brokers.count == 3)
            #expect(metadata.topic("users")?.partitions.map(\.index) == [0, 1, 2, 3])
            #expect(metadata.topic("users")?.partitions[2].leader == 3)
            await client.close()
        }

        @Test(arguments: ["none", "gzip", "snappy", "lz4", "zstd"])
        func whatLibrdkafkaCompressesIsRead(codec: String) async throws {
            let cluster = try MockCluster(brokers: 1)
            cluster.createTopic("users", partitions: 1)
            let values = (0..<200).map { "{\"id\": \($0), \"first_name\": \"name name name name\"}" }
            try await Self.produce(cluster, "users", 0, values, codec: codec)
            let client = try Self.client(cluster)
            let read = try await Self.readAll(client, TopicPartition(topic: "users", partition: 0))
            #expect(Set(read) == Set(values))
            #expect(read.count == values.count)
            await client.close()
        }

        @Test func offsetsOfBothEndsComeFromTheirLeaders() async throws {
            let cluster = try MockCluster(brokers: 3)
            cluster.createTopic("users", partitions: 3)
            for partition in 0..<3 { cluster.setLeader("users", Int32(partition), to: Int32(partition) + 1) }
            try await Self.produce(cluster, "users", 1, ["a", "b", "c"])
            let client = try Self.client(cluster)
            let partitions = (0..<3).map { TopicPartition(topic: "users", partition: $0) }
            let latest = try await client.offsets(Dictionary(uniqueKeysWithValues: partitions.map { ($0, OffsetSpec.latest) }))
            #expect(partitions.map { latest[$0] } == [0, 3, 0])
            let earliest = try await client.offsets([partitions[1]: .earliest])
            #expect(earliest == [partitions[1]: 0])
            await client.close()
        }

        @Test func aFetchFollowsItsLeader() async throws {
            let cluster = try MockCluster(brokers: 3)
            cluster.createTopic("users", partitions: 1, replicas: 3)
            cluster.setLeader("users", 0, to: 1)
            try await Self.produce(cluster, "users", 0, ["a", "b"])
            let client = try Self.client(cluster)
            let partition = TopicPartition(topic: "users", partition: 0)
            #expect(try await Self.readAll(client, partition) == ["a", "b"])
            for broker: Int32 in [2, 3, 1] {
                cluster.setLeader("users", 0, to: broker)
                #expect(try await Self.readAll(client, partition) == ["a", "b"])
                #expect(try await client.offsets([partition: .latest]) == [partition: 2])
            }
            await client.close()
        }

        @Test func errorsThatPassAreWaitedOut() async throws {
            let cluster = try MockCluster(brokers: 1)
            cluster.createTopic("users", partitions: 1)
            try await Self.produce(cluster, "users", 0, ["a"])
            let client = try Self.client(cluster)
            let partition = TopicPartition(topic: "users", partition: 0)
            cluster.push(
                [
                    RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
                    RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
                    RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
                ], apiKey: APIKey.fetch.rawValue)
            #expect(try await Self.readAll(client, partition) == ["a"])
            cluster.push(
                [RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART], apiKey: APIKey.listOffsets.rawValue)
            #expect(try await client.offsets([partition: .latest]) == [partition: 1])
            await client.close()
        }

        @Test func anErrorThatStaysEndsWithTheBrokersOwnWordAndTheAttempts() async throws {
            let cluster = try MockCluster(brokers: 1)
            cluster.createTopic("users", partitions: 1)
            let client = try Self.client(cluster, retryTimeout: .seconds(1))
            cluster.push(Array(repeating: RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, count: 10_000), apiKey: APIKey.fetch.rawValue)
            let error = await #expect(throws: KafkaError.self) {
                try await client.fetch(TopicPartition(topic: "users", partition: 0), from: 0)
            }
            #expect(error?.code == .notLeaderOrFollower)
            #expect(error?.description.contains("NOT_LEADER_OR_FOLLOWER") == true)
            #expect(error?.description.contains("users[0]") == true)
            #expect(error?.description.contains("attempts") == true)
            await client.close()
        }

        @Test func aBrokerThatComesBackIsDialledAgain() async throws {
            let cluster = try MockCluster(brokers: 1)
            cluster.createTopic("users", partitions: 1)
            try await Self.produce(cluster, "users", 0, ["a"])
            let client = try Self.client(cluster)
            let partition = TopicPartition(topic: "users", partition: 0)
            #expect(try await Self.readAll(client, partition) == ["a"])
            cluster.setDown(1)
            async let read = Self.readAll(client, partition)
            try await Task.sleep(for: .milliseconds(200))
            cluster.setUp(1)
            #expect(try await read == ["a"])
            await client.close()
        }

        @Test func aWaitingFetchHoldsUpNothingElse() async throws {
            let cluster = try MockCluster(brokers: 1)
            cluster.createTopic("users", partitions: 2)
            try await Self.produce(cluster, "users", 1, ["a"])
            let client = try Self.client(cluster)
            let start = ContinuousClock.now
            async let waiting = client.fetch(TopicPartition(topic: "users", partition: 0), from: 0, maxWait: .seconds(3))
            for _ in 0..<5 {
                #expect(try await client.metadata(topics: ["users"]).topics.count == 1)
                #expect(
                    try await client.fetch(TopicPartition(topic: "users", partition: 1), from: 0, maxWait: .milliseconds(10)).count == 1)
            }
            #expect(ContinuousClock.now - start < .seconds(2))
            #expect(try await waiting.count == 0)
            await client.close()
        }

        @Test func aCancelledFetchReturnsAtOnceAndItsConnectionServesOn() async throws {
            let cluster = try MockCluster(brokers: 1)
            cluster.createTopic("users", partitions: 1)
            let client = try Self.client(cluster)
            let partition = TopicPartition(topic: "users", partition: 0)
            let start = ContinuousClock.now
            let waiting = Task { try await client.fetch(partition, from: 0, maxWait: .seconds(4)) }
            try await Task.sleep(for: .milliseconds(100))
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
            #expect(ContinuousClock.now - start < .seconds(2))
            #expect(try await client.fetch(partition, from: 0, maxWait: .milliseconds(10)).count == 0)
            await client.close()
        }

        @Test func anUnknownTopicIsNamedWithTheNearestOne() async throws {
            let cluster = try MockCluster(brokers: 1)
            cluster.createTopic("users_created", partitions: 1)
            let client = try Self.client(cluster)
            // The mock creates what is asked for, unless it is told to refuse.
            cluster.push(Array(repeating: RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, count: 500), apiKey: APIKey.fetch.rawValue)
            let known = try await client.metadata(topics: nil)
            #expect(known.nearestTopic(to: "user_created") == "users_created")
            #expect(known.nearestTopic(to: "orders") == nil)
            let error = KafkaError.unknownTopic("user_created", nearest: known.nearestTopic(to: "user_created"))
            #expect(error.description.contains("did you mean 'users_created'?"))
            await client.close()
        }

        @Test func aPartitionThatTheTopicDoesNotHaveIsRefused() async throws {
            let cluster = try MockCluster(brokers: 1)
            cluster.createTopic("users", partitions: 2)
            let client = try Self.client(cluster)
            let error = await #expect(throws: KafkaError.self) {
                try await client.fetch(TopicPartition(topic: "users", partition: 5), from: 0)
            }
            #expect(error?.description.contains("has no partition 5: it has 2") == true)
            await client.close()
        }

        @Test func aRequestWithoutAnswerTimesOutAndNamesTheBroker() async throws {
            let cluster = try MockCluster(brokers: 1)
            let endpoint = try cluster.endpoints[0]
            let client = KafkaClient(
                KafkaClientConfiguration(bootstrap: [endpoint], requestTimeout: .milliseconds(200), retryTimeout: .milliseconds(1)),
                logger: Self.logger)
            _ = try await client.metadata(topics: nil)
            cluster.setDelay(1, milliseconds: 3_000)
            let error = await #expect(throws: KafkaError.self) { try await client.metadata(topics: nil) }
            #expect(error?.description.contains("broker \(endpoint) did not answer Metadata within 200ms") == true)
            await client.close()
        }

        @Test func nobodyListeningIsSaidAtOnce() async throws {
            // Port 1 belongs to nobody here.
            let client = KafkaClient(
                KafkaClientConfiguration(bootstrap: [Endpoint(host: "127.0.0.1", port: 1)], retryTimeout: .milliseconds(1)),
                logger: Self.logger)
            let error = await #expect(throws: KafkaError.self) { try await client.metadata(topics: nil) }
            #expect(error?.description.contains("no connection to Kafka at 127.0.0.1:1: nothing listens there") == true)
            await client.close()
        }

        @Test func aClosedClientSaysSo() async throws {
            let cluster = try MockCluster(brokers: 1)
            let client = try Self.client(cluster)
            _ = try await client.metadata(topics: nil)
            await client.close()
            let error = await #expect(throws: KafkaError.self) { try await client.metadata(topics: nil) }
            #expect(error?.problem == "the Kafka client is closed")
        }

        @Test func groupsAreReachedThroughTheirCoordinator() async throws {
            let cluster = try MockCluster(brokers: 3)
            let client = try Self.client(cluster)
            #expect(try await client.committedOffsets(group: "none").isEmpty)
            await client.close()
        }
    }
}
