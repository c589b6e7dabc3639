import CRdkafka
import IO
import Logging
import NIOConcurrencyHelpers
import Testing

@testable import Kafka

extension MockClusterSuites {
    @Suite struct KafkaProducerTests {
        @Test func anAcknowledgementCarriesPartitionAndOffset() async throws {
            let cluster = try MockCluster(brokers: 1)
            cluster.createTopic("users", partitions: 2)
            let producer = try MockClusterSuites.MockClusterTests.producer(cluster)
            for expected in 0..<5 as Range<Int64> {
                let metadata = try await producer.send(topic: "users", partition: 1, key: nil, value: [1])
                #expect(metadata == RecordMetadata(topic: "users", partition: 1, offset: expected))
            }
            await producer.close()
        }

        @Test func keysNullsHeadersAndTimestampsArriveAsSent() async throws {
            let cluster = try MockCluster(brokers: 1)
            cluster.createTopic("users", partitions: 1)
            let producer = try MockClusterSuites.MockClusterTests.producer(cluster)
            _ = try await producer.send(
                topic: "users", key: [UInt8]("id".utf8), value: nil, headers: [("reason", [1, 2]), ("empty", []), ("null", nil)],
                timestamp: 1_234)
            _ = try await producer.send(topic: "users", key: [], value: [])
            _ = try await producer.send(topic: "users", key: nil, value: [9])
            await producer.close()
            let client = try MockClusterSuites.MockClusterTests.client(cluster)
            var records: [FetchedRecords] = []
            for offset in 0..<3 as Range<Int64> {
                let fetched = try await client.fetch(TopicPartition(topic: "users", partition: 0), from: offset)
                try #require(fetched.offsets.first == offset)
                records.append(fetched)
            }
            #expect(records.map { $0.key(at: 0) } == [[UInt8]("id".utf8), [], nil])
            #expect(records.map { $0.value(at: 0) } == [nil, [], [9]])
            #expect(records[0].timestamps[0] == 1_234)
            #expect(records[1].timestamps[0] > 1_600_000_000_000)
            let headers = records[0].headers(at: 0)
            #expect(headers.map(\.key) == ["reason", "empty", "null"])
            #expect(headers.map(\.value) == [[1, 2], [], nil])
            await client.close()
        }

        @Test func everyEnqueuedRecordIsReportedOnceAndFlushWaitsForThem() async throws {
            let cluster = try MockCluster(brokers: 3)
            cluster.createTopic("users", partitions: 6)
            let producer = try MockClusterSuites.MockClusterTests.producer(cluster, ["linger.ms": "1000"])
            let reports = NIOLockedValueBox<[Int]>(Array(repeating: 0, count: 20_000))
            for index in 0..<20_000 {
                try producer.enqueue(topic: "users", key: withUnsafeBytes(of: index) { [UInt8]($0) }, value: [1, 2, 3]) { result in
                    guard case .success = result else { return }
                    reports.withLockedValue { $0[index] += 1 }
                }
            }
            let start = ContinuousClock.now
            try await producer.flush(timeout: .seconds(20))
            // It does not linger.
            #expect(ContinuousClock.now - start < .seconds(10))
            #expect(producer.pendingCount == 0)
            #expect(reports.withLockedValue { $0.allSatisfy { $0 == 1 } })
            await producer.close()
        }

        @Test func aFullQueuePushesBackAndLetsGo() async throws {
            let cluster = try MockCluster(brokers: 1)
            cluster.createTopic("users", partitions: 1)
            cluster.setDelay(1, milliseconds: 300)
            let producer = try MockClusterSuites.MockClusterTests.producer(
                cluster, ["queue.buffering.max.messages": "10", "linger.ms": "0"])
            var refused = false
            for _ in 0..<200 where !refused {
                do {
                    try producer.enqueue(topic: "users", key: nil, value: [1]) { _ in }
                } catch ProducerError.queueFull(let topic) {
                    #expect(topic == "users")
                    refused = true
                }
            }
            #expect(refused)
            try await producer.untilRoom()
            cluster.setDelay(1, milliseconds: 0)
            // `send` waits for room by itself.
            try await withThrowingTaskGroup(of: Int64.self) { group in
                for _ in 0..<100 { group.addTask { try await producer.send(topic: "users", key: nil, value: [2]).offset } }
                var offsets: Set<Int64> = []
                for try await offset in group { offsets.insert(offset) }
                #expect(offsets.count == 100)
            }
            await producer.close()
        }

        @Test func aPropertyThatLibrdkafkaRefusesIsNamed() {
            let error = #expect(throws: ProducerError.self) {
                try KafkaProducer(
                    bootstrap: [Endpoint(host: "127.0.0.1", port: 1)], properties: ["linger.msec": "1"],
                    logger: MockClusterSuites.MockClusterTests.logger)
            }
            #expect(error?.problem.contains("'linger.msec'") == true)
        }

        @Test func recordsThatAreNotAcknowledgedFailWithTheirTopic() async throws {
            let producer = try KafkaProducer(
                bootstrap: [Endpoint(host: "127.0.0.1", port: 1)], properties: ["message.timeout.ms": "300"],
                logger: MockClusterSuites.MockClusterTests.logger)
            let error = await #expect(throws: ProducerError.self) { try await producer.send(topic: "users", key: nil, value: [1]) }
            #expect(error?.description.contains("topic users was not acknowledged") == true)
            await producer.close(timeout: .zero)
        }

        @Test func closingReportsWhatIsStillQueued() async throws {
            let producer = try KafkaProducer(
                bootstrap: [Endpoint(host: "127.0.0.1", port: 1)], properties: [:], logger: MockClusterSuites.MockClusterTests.logger)
            let failures = NIOLockedValueBox(0)
            for _ in 0..<100 {
                try producer.enqueue(topic: "users", key: nil, value: [1]) { result in
                    if case .failure = result { failures.withLockedValue { $0 += 1 } }
                }
            }
            await #expect(throws: ProducerError.self) { try await producer.flush(timeout: .milliseconds(50)) }
            await producer.close(timeout: .milliseconds(10))
            #expect(failures.withLockedValue { $0 } == 100)
            #expect(throws: ProducerError.closed) { try producer.enqueue(topic: "users", key: nil, value: nil) { _ in } }
            await producer.close()
        }

        @Test func aCancelledSendReturnsAtOnce() async throws {
            let producer = try KafkaProducer(
                bootstrap: [Endpoint(host: "127.0.0.1", port: 1)], logger: MockClusterSuites.MockClusterTests.logger)
            let send = Task { try await producer.send(topic: "users", key: nil, value: [1]) }
            while producer.pendingCount == 0 { await Task.yield() }
            send.cancel()
            await #expect(throws: CancellationError.self) { try await send.value }
            await producer.close(timeout: .zero)
        }

        @Test func aProducerThatIsLetGoEndsItsThreadAndItsRecords() async throws {
            final class Witness: Sendable {}
            weak var witness: Witness?
            do {
                let held = Witness()
                witness = held
                let producer = try KafkaProducer(
                    bootstrap: [Endpoint(host: "127.0.0.1", port: 1)], logger: MockClusterSuites.MockClusterTests.logger)
                try producer.enqueue(topic: "users", key: nil, value: [1]) { [held] _ in _ = held }
            }
            let deadline = ContinuousClock.now + .seconds(10)
            while witness != nil, ContinuousClock.now < deadline { await Task.yield() }
            #expect(witness == nil)
        }
    }
}
