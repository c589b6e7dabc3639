import Foundation
import IO
import Kafka
import Testing

@testable import Console

/// An embedded broker for one test.
private func withBroker<R>(_ body: (Endpoint) async throws -> R) async throws -> R {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("leat-console-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    var values = SettingValues(BrokerConfiguration.settings)
    try values.set("broker.port", to: "0", from: .builtIn)
    try values.set("broker.container.port", to: "0", from: .builtIn)
    let broker = try await Broker.start(try BrokerConfiguration(values: values, folder: folder.path), logger: quiet)
    do {
        let result = try await body(broker.endpoints[0])
        await broker.stop()
        return result
    } catch {
        await broker.stop()
        throw error
    }
}

@Suite("The broker through Kafka's protocol", .serialized, .timeLimit(.minutes(1)))
struct KafkaHopTests {
    private func hop(_ broker: Endpoint, _ settings: [String: String] = [:]) throws -> (KafkaHop, KafkaClient) {
        let configuration = try configuration(settings.merging(["kafka": "\(broker)"]) { $1 })
        let client = KafkaClient(KafkaClientConfiguration(bootstrap: configuration.kafka), logger: quiet)
        return (KafkaHop(client: client, configuration: configuration), client)
    }

    private var interest: Interest { Interest(topics: ["users": "users.dead-letter"]) }

    @Test("topics are counted, the newest records shown newest first, and a later look reads on from there")
    func records() async throws {
        try await withBroker { broker in try await records(broker) }
    }

    private func records(_ broker: Endpoint) async throws {
        let (hop, client) = try hop(broker, ["records": "5"])
        try await client.createTopics([NewTopic(name: "users", partitions: 2)])
        let producer = try KafkaProducer(bootstrap: [broker], logger: quiet)
        for index in 0..<30 {
            _ = try await producer.send(
                topic: "users", partition: Int32(index % 2), key: Array("k\(index)".utf8), value: Array("v\(index)".utf8),
                timestamp: Int64(1_000 + index))
        }
        let look = try await hop.look(interest).0
        let topic = try #require(look.topic("users"))
        #expect(topic.records == 30 && topic.endOffset == 30 && topic.partitions == 2)
        #expect(look.endOffsets["users"] == ["0": 15, "1": 15])
        #expect(topic.newest.map(\.value) == ["v29", "v28", "v27", "v26", "v25"])
        #expect(topic.newest.first?.key == "k29" && topic.newest.first?.timestamp == 1_029 && topic.newest.first?.offset == 14)

        _ = try await producer.send(topic: "users", partition: 0, key: nil, value: nil, timestamp: 2_000)
        let again = try await hop.look(interest).0.topic("users")
        #expect(again?.records == 31)
        #expect(again?.newest.map(\.value) == [nil, "v29", "v28", "v27", "v26"])

        let read = try await hop.records("users", .init(partition: 1, offset: 3, limit: 2))
        #expect(read.map(\.offset) == [4, 3] && read.allSatisfy { $0.partition == 1 })
        await #expect(throws: ConsoleError.notFound("topic nothing")) {
            _ = try await hop.records("nothing", .init(limit: 1))
        }
        await producer.close()
        await client.close()
    }

    @Test("a dead letter shows its reason, where it came from, and its value, cut between characters")
    func deadLetters() async throws {
        try await withBroker { broker in try await deadLetters(broker) }
    }

    private func deadLetters(_ broker: Endpoint) async throws {
        let (hop, client) = try hop(broker, ["value.bytes": "5"])
        try await client.createTopics([NewTopic(name: "users", partitions: 1), NewTopic(name: "users.dead-letter", partitions: 1)])
        let producer = try KafkaProducer(bootstrap: [broker], logger: quiet)
        for (index, reason) in ["not JSON", "no id"].enumerated() {
            _ = try await producer.send(
                topic: "users.dead-letter", key: nil, value: Array("ééééé".utf8),
                headers: [
                    ("leat.reason", Array(reason.utf8)), ("leat.topic", Array("users".utf8)), ("leat.partition", Array("0".utf8)),
                    ("leat.offset", Array("\(40 + index)".utf8)), ("leat.query", Array("flow".utf8)), ("leat.query.id", Array("6f1c".utf8)),
                ])
        }
        let drops = try #require(try await hop.look(interest).0.drops["users"])
        #expect(drops.topic == "users.dead-letter" && drops.count == 2)
        #expect(drops.first?.reason == "not JSON" && drops.first?.source == "users[0]@40" && drops.first?.query == "flow")
        #expect(drops.first?.value == "éé")
        #expect(drops.last?.reason == "no id" && drops.last?.offset == 1)
        await producer.close()
        await client.close()
    }

    @Test("a cluster that is not there is down with its address, through the page's API")
    func absent() async throws {
        let closed = try await closedPort()
        try await withConsole(["kafka": "\(closed)", "timeout": "500ms"]) { console in
            let boxes = try await console.ask("/api/boxes").json["list"]?.elements ?? []
            let broker = boxes.first { $0["id"]?.string == "broker" }
            #expect(broker?["state"]?.string == "down")
            #expect(broker?["error"]?.string?.contains("\(closed)") == true)
        }
    }
}
