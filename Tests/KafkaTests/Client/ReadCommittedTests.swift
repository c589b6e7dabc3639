import IO
import NIOCore
import Testing

@testable import Kafka

/// The client's `isolation.level`: which batches of a fetch become rows.
@Suite(.timeLimit(.minutes(2))) struct ReadCommittedTests {
    @Test func abortedProducersBatchesAreLeftOutUntilTheirMarkers() {
        var aborted = AbortedProducers([
            .init(producerID: 1, firstOffset: 10), .init(producerID: 2, firstOffset: 0), .init(producerID: 1, firstOffset: 30),
        ])
        func ask(_ producer: Int64, _ offset: Int64, transactional: Bool = true, abort: Bool = false) -> Bool {
            aborted.leavesOut(producerID: producer, isTransactional: transactional, isAbort: abort, lastOffset: offset)
        }
        #expect(ask(2, 0) && !ask(1, 5), "the first transaction of producer 1 was committed")
        #expect(!ask(2, 6, transactional: false))
        #expect(ask(1, 10) && ask(2, 11))
        #expect(ask(1, 12, abort: true))
        #expect(!ask(1, 13) && ask(2, 14))
        #expect(ask(2, 15, abort: true))
        #expect(!aborted.isEmpty && !ask(2, 16) && ask(1, 31))
    }

    @Test func committedRecordsAloneBecomeRows() async throws {
        try await ClientBrokerTests.withBroker { client, endpoint in
            try await client.createTopics([NewTopic(name: "t", partitions: 1)])
            let wire = try await WireClient.connect(endpoint)
            var producer = try await TransactionWireTests.Producer.start(wire, "x", isSecondVersion: true)
            for number in 0..<6 {
                _ = try await producer.send("t", "v\(number)")
                _ = try await wire.produce("t", makeBatch(1, value: "plain\(number)", codec: .none))
                try await producer.end(commit: number % 2 == 0)
            }
            _ = try await producer.send("t", "open")
            let place = TopicPartition(topic: "t", partition: 0)
            let reader = KafkaClient(
                KafkaClientConfiguration(bootstrap: [endpoint], isolationLevel: .readCommitted), logger: ClientBrokerTests.logger)
            var values: [String] = []
            let end = try #require(try await reader.offsets([place: .latest])[place])
            #expect(end == 18)
            var next: Int64 = 0
            while next < end {
                let records = try await reader.fetch(place, from: next)
                for index in 0..<records.count { values.append(String(decoding: records.value(at: index) ?? [], as: UTF8.self)) }
                #expect(records.nextOffset > next)
                next = records.nextOffset
            }
            #expect(values == (0..<6).flatMap { $0 % 2 == 0 ? ["v\($0)-0", "plain\($0)-0"] : ["plain\($0)-0"] })
            #expect(try await client.fetch(place, from: 0).count == 13)
            #expect(try await client.offsets([place: .latest])[place] == 19)
            await reader.close()
        }
    }

    @Test func configurationsAndRecordsAreChangedByTheClient() async throws {
        try await ClientBrokerTests.withBroker { client, endpoint in
            try await client.createTopics([NewTopic(name: "t", partitions: 1, configs: ["retention.ms": "5"])])
            try await client.alterTopicConfigs("t", ["max.message.bytes": "77", "retention.ms": nil])
            let configs = try await client.topicConfigs("t")
            #expect(configs.first { $0.name == "max.message.bytes" }?.value == "77")
            #expect(configs.first { $0.name == "retention.ms" }?.isDefault == true)
            let refused = await #expect(throws: KafkaError.self) { try await client.alterTopicConfigs("t", ["retention.ms": "soon"]) }
            #expect(refused?.code == .invalidConfig)
            try await client.alterTopicConfigs("t", ["max.message.bytes": nil])
            let wire = try await WireClient.connect(endpoint)
            _ = try await wire.produce("t", makeBatch(9))
            let place = TopicPartition(topic: "t", partition: 0)
            #expect(try await client.deleteRecords(before: [place: 4]) == [place: 4])
            #expect(try await client.offsets([place: .earliest]) == [place: 4])
        }
    }
}
