import Foundation
import IO
import Kafka
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
                                topic: "users_created", key: Array("\(index)".utf8), value: Array(#"{"id":"\#(index)"}"#.utf8))
                            context.count("produced", 1)
                            context.log("user \(index) <produced>")
                        }
                        await producer.close()
                    }
                ])
        ]
    }

    private var query: StreamingQueryDefinition {
        StreamingQueryDefinition(
            name: "users",
            plan: .read(
                DataSourceRead(
                    format: "kafka", options: ["subscribe": "users_created", "startingOffsets": "earliest"], isStreaming: true)),
            sink: .init(format: "noop"))
    }

    @Test("a triggered run is followed from the DAG over the topic to the query, with a dropped record and its reason beside it")
    func flow() async throws {
        try await withEmbeddedBoxes(dags: { users($0) }) { boxes in
            try await withConsole(boxes.settings) { console in
                // Nothing is there yet but boxes that answer.
                let before = try await console.ask("/api/flow").json
                #expect(before["flows"]?.elements.first?["verdict"]?["title"]?.text == "No pipeline yet")
                #expect(before["boxes"]?.elements.filter { $0["state"]?.text == "up" }.count == 5)

                let run = try await console.ask(
                    "/api/dags/user_automation/runs", .POST, headers: [("Content-Type", "application/json")], body: "{}")
                #expect(run.status == 200, "\(run.body)")
                _ = try await boxes.engine.start(query)
                let producer = try KafkaProducer(bootstrap: [boxes.broker], logger: quiet)
                _ = try await producer.send(
                    topic: "users_created.dead-letter", key: nil, value: Array("<b>".utf8),
                    headers: [("leat.reason", Array("not JSON".utf8)), ("leat.topic", Array("users_created".utf8))])
                await producer.close()

                var flow: JSON?
                #expect(
                    try await eventually {
                        flow = try await console.events(1)[0]["flows"]?.elements.first
                        return flow?["query"]?["rows"]?.integer == 5 && flow?["source"]?["fetched"]?.integer == 5
                            && flow?["drops"]?["count"]?.integer == 1 && flow?["dag"]?["runs"]?.elements.first?["state"]?.text == "success"
                    }, "\(flow?.json ?? "no flow")")
                #expect(flow?["id"]?.text == "users")
                #expect(flow?["dag"]?["id"]?.text == "user_automation")
                #expect(flow?["topic"]?["records"]?.integer == 5)
                #expect(flow?["topic"]?["newest"]?.elements.first?["value"]?.text == #"{"id":"4"}"#)
                #expect(flow?["query"]?["lag"]?.integer == 0)
                #expect(flow?["query"]?["batches"]?.elements.reduce(0) { $0 + ($1["rows"]?.integer ?? 0) } == 5)
                #expect(flow?["drops"]?["first"]?["reason"]?.text == "not JSON")
                #expect(flow?["verdict"]?["title"]?.text == "1 record was dropped")

                let id = try #require(try run.json["id"]?.text)
                let path = "/api/dags/user_automation/runs/\(HTTPProbe.part(id))"
                let task = try #require(try await console.ask(path).json["tasks"]?.elements.first)
                #expect(task["state"]?.text == "success" && task["counts"]?["produced"]?.integer == 5)
                let log = try await console.ask(path + "/tasks/stream/log?try=1").json["lines"]?.elements ?? []
                #expect(log.contains { $0["text"]?.text?.contains("user 4 <produced>") == true })
            }
        }
    }

    @Test("a query that stops is shown as ended")
    func ended() async throws {
        try await withEmbeddedBoxes(dags: { users($0) }) { boxes in
            try await withConsole(boxes.settings) { console in
                let id = try await boxes.engine.start(query)
                #expect(
                    try await eventually {
                        try await console.events(1)[0]["flows"]?.elements.first?["query"]?["isActive"] == .boolean(true)
                    })
                await boxes.engine.queries.stop(id)
                var flow: JSON?
                #expect(
                    try await eventually {
                        flow = try await console.events(1)[0]["flows"]?.elements.first
                        return flow?["query"]?["isActive"] == .boolean(false)
                    })
                #expect(flow?["verdict"]?["title"]?.text == "The query users has ended")
            }
        }
    }
}
