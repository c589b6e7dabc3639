import Cassandra
import Foundation
import IO
import Kafka
import NIOHTTP1
import Scheduler
import Spark
import Testing

@testable import Console

@Suite("The console over running boxes", .serialized, .timeLimit(.minutes(1)))
struct ConsoleOverBoxesTests {
    /// A DAG whose task produces five users, and fetches as many as it says.
    private func users(_ broker: Endpoint) -> [DAGDefinition] {
        [
            DAGDefinition(
                id: "user_automation", description: "Five users",
                tasks: [
                    TaskDefinition(id: "stream", produces: "users_created") { context in
                        let producer = try KafkaProducer(bootstrap: [broker], logger: quiet)
                        for index in 0..<5 {
                            context.count("fetched", 1)
                            _ = try await producer.send(
                                topic: "users_created", key: Array("\(index)".utf8),
                                value: Array(#"{"id":"\#(index)","name":"<i>\#(index)</i>"}"#.utf8))
                            context.count("produced", 1)
                            context.log("user \(index) <produced>")
                        }
                        await producer.close()
                    }
                ])
        ]
    }

    private func query() throws -> StreamingQueryDefinition {
        let records = LogicalPlan.read(
            DataSourceRead(format: "kafka", options: ["subscribe": "users_created", "startingOffsets": "earliest"], isStreaming: true))
        let parsed = LogicalPlan.project(
            [try Expression(selectItem: "from_json(CAST(value AS STRING), 'id STRING, name STRING') AS data")], records)
        return StreamingQueryDefinition(
            name: "users", plan: .project([try Expression(selectItem: "data.*")], parsed),
            sink: .init(format: "org.apache.spark.sql.cassandra", options: ["keyspace": "streams", "table": "users"]))
    }

    private func createTable(_ store: Endpoint) async throws {
        let client = CassandraClient(CassandraClientConfiguration(contactPoints: [store]), logger: quiet)
        _ = try await client.query(
            "CREATE KEYSPACE streams WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
        _ = try await client.query("CREATE TABLE streams.users (id text PRIMARY KEY, name text)")
        await client.close()
    }

    @Test("a triggered run is followed from the DAG over the topic to the query, with a dropped record and its reason beside it")
    func flow() async throws {
        try await withEmbeddedBoxes(dags: { users($0) }) { boxes in
            try await createTable(boxes.store)
            try await withConsole(boxes.settings) { console in
                // Nothing is there yet but boxes that answer.
                let before = try await console.ask("/api/flow").json
                #expect(before["flows"]?.elements.first?["verdict"]?["title"]?.string == "No pipeline yet")
                #expect(before["boxes"]?.elements.filter { $0["state"]?.string == "up" }.count == 6)

                let run = try await console.ask(
                    "/api/dags/user_automation/runs", .POST, headers: [("Content-Type", "application/json")], body: "{}")
                #expect(run.status == 200, "\(run.body)")
                let producer = try KafkaProducer(bootstrap: [boxes.broker], logger: quiet)
                _ = try await producer.send(topic: "users_created", key: nil, value: Array("<b>not json".utf8))
                await producer.close()
                _ = try await boxes.engine.start(query())

                var flow: JSON?
                #expect(
                    try await eventually {
                        flow = try await console.events(1)[0]["flows"]?.elements.first
                        return flow?["query"]?["rows"]?.integer == 6 && flow?["source"]?["fetched"]?.integer == 5
                            && flow?["table"]?["rows"]?.integer == 5 && flow?["table"]?["newest"]?.elements.count == 5
                            && flow?["drops"]?["count"]?.integer == 1
                            && flow?["dag"]?["runs"]?.elements.first?["state"]?.string == "success"
                    }, "\(flow?.text ?? "no flow")")
                #expect(flow?["id"]?.string == "users")
                #expect(flow?["dag"]?["id"]?.string == "user_automation")
                #expect(flow?["topic"]?["records"]?.integer == 6)
                #expect(flow?["topic"]?["newest"]?.elements.contains { $0["value"]?.string == "<b>not json" } == true)
                #expect(flow?["title"]?.string == "users_created → streams.users")
                #expect(flow?["table"]?["columns"]?.elements.map(\.shown) == ["id", "name"])
                #expect(flow?["table"]?["newest"]?.elements.allSatisfy { $0["writtenAt"] != nil } == true)
                #expect(flow?["query"]?["lag"]?.integer == 0)
                #expect(flow?["query"]?["batches"]?.elements.reduce(0) { $0 + ($1["rows"]?.integer ?? 0) } == 6)
                #expect(flow?["drops"]?["first"]?["reason"]?.string?.isEmpty == false)
                #expect(flow?["drops"]?["first"]?["value"]?.string == "<b>not json")
                #expect(flow?["drops"]?["first"]?["source"]?.string?.hasPrefix("users_created[0]@") == true)
                #expect(flow?["verdict"]?["title"]?.string == "1 record was dropped")

                let id = try #require(try run.json["id"]?.string)
                let path = "/api/dags/user_automation/runs/\(HTTPProbe.part(id))"
                let task = try #require(try await console.ask(path).json["tasks"]?.elements.first)
                #expect(task["state"]?.string == "success" && task["counts"]?["produced"]?.integer == 5)
                let log = try await console.ask(path + "/tasks/stream/log?try=1").json["lines"]?.elements ?? []
                #expect(log.contains { $0["text"]?.string?.contains("user 4 <produced>") == true })
            }
        }
    }

    @Test("a query that died before the console came is shown with its reason")
    func diedUnseen() async throws {
        try await withEmbeddedBoxes(dags: { users($0) }) { boxes in
            await #expect(throws: (any Error).self, "there is no table") { try await boxes.engine.start(query()) }
            try await withConsole(boxes.settings) { console in
                var flow: JSON?
                let isShown = try await eventually {
                    flow = try await console.events(1)[0]["flows"]?.elements.first { $0["query"]?["name"]?.string == "users" }
                    return flow?["query"]?["isActive"] == .bool(false)
                }
                #expect(isShown)
                #expect(flow?["query"]?["exception"]?.string?.isEmpty == false)
            }
        }
    }

    @Test("a query that stops is shown as ended")
    func ended() async throws {
        try await withEmbeddedBoxes(dags: { users($0) }) { boxes in
            try await createTable(boxes.store)
            try await withConsole(boxes.settings) { console in
                let id = try await boxes.engine.start(query())
                #expect(
                    try await eventually {
                        try await console.events(1)[0]["flows"]?.elements.first?["query"]?["isActive"] == .bool(true)
                    })
                await boxes.engine.queries.stop(id)
                var flow: JSON?
                #expect(
                    try await eventually {
                        flow = try await console.events(1)[0]["flows"]?.elements.first
                        return flow?["query"]?["isActive"] == .bool(false)
                    })
                #expect(flow?["verdict"]?["title"]?.string == "The query users has ended")
            }
        }
    }
}
