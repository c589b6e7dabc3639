import CRdkafka
import Dispatch
import IO
import Kafka
import Testing

@testable import Console

/// librdkafka's mock cluster: brokers on real sockets that are not ours.
private final class ForeignCluster: @unchecked Sendable {
    // Unchecked: the handles are thread-safe.
    private let handle: OpaquePointer
    private let cluster: OpaquePointer

    init() {
        var reason = [CChar](repeating: 0, count: 256)
        handle = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), &reason, reason.count)
        cluster = rd_kafka_mock_cluster_new(handle, 1)
    }

    deinit {
        nonisolated(unsafe) let cluster = cluster
        nonisolated(unsafe) let handle = handle
        DispatchQueue.global().async {
            rd_kafka_mock_cluster_destroy(cluster)
            rd_kafka_destroy(handle)
        }
    }

    var bootstrap: String { String(cString: rd_kafka_mock_cluster_bootstraps(cluster)) }

    func createTopic(_ name: String, partitions: Int32) { rd_kafka_mock_topic_create(cluster, name, partitions, 1) }
}

@Suite("The broker through Kafka's protocol", .serialized, .timeLimit(.minutes(1)))
struct KafkaHopTests {
    private func hop(_ cluster: ForeignCluster, _ settings: [String: String] = [:]) throws -> (KafkaHop, KafkaClient) {
        let configuration = try configuration(settings.merging(["kafka": cluster.bootstrap]) { $1 })
        let client = KafkaClient(KafkaClientConfiguration(bootstrap: configuration.kafka), logger: quiet)
        return (KafkaHop(client: client, configuration: configuration), client)
    }

    private var interest: Interest { Interest(topics: ["users": "users.dead-letter"]) }

    @Test("topics are counted, the newest records shown newest first, and a later look reads on from there")
    func records() async throws {
        let cluster = ForeignCluster()
        cluster.createTopic("users", partitions: 2)
        let producer = try KafkaProducer(bootstrap: try Endpoint.list(parsing: cluster.bootstrap), logger: quiet)
        for index in 0..<30 {
            _ = try await producer.send(
                topic: "users", partition: Int32(index % 2), key: Array("k\(index)".utf8), value: Array("v\(index)".utf8),
                timestamp: Int64(1_000 + index))
        }
        let (hop, client) = try hop(cluster, ["records": "5"])
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
        let cluster = ForeignCluster()
        cluster.createTopic("users", partitions: 1)
        cluster.createTopic("users.dead-letter", partitions: 1)
        let producer = try KafkaProducer(bootstrap: try Endpoint.list(parsing: cluster.bootstrap), logger: quiet)
        for (index, reason) in ["not JSON", "no id"].enumerated() {
            _ = try await producer.send(
                topic: "users.dead-letter", key: nil, value: Array("ééééé".utf8),
                headers: [
                    ("leat.reason", Array(reason.utf8)), ("leat.topic", Array("users".utf8)), ("leat.partition", Array("0".utf8)),
                    ("leat.offset", Array("\(40 + index)".utf8)), ("leat.query", Array("flow".utf8)), ("leat.query.id", Array("6f1c".utf8)),
                ])
        }
        let (hop, client) = try hop(cluster, ["value.bytes": "5"])
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
            let broker = boxes.first { $0["id"]?.text == "broker" }
            #expect(broker?["state"]?.text == "down")
            #expect(broker?["error"]?.text?.contains("\(closed)") == true)
        }
    }
}
