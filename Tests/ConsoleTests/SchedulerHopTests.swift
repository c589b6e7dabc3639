import HTTPTypes
import Hummingbird
import IO
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import Testing

@testable import Console

/// The scheduler's side over the wire, against answers in Airflow 3's form.
@Suite("The scheduler through Airflow's API")
struct SchedulerHopTests {
    private func json(_ text: String, _ status: HTTPResponse.Status = .ok) -> Response {
        Response(status: status, headers: [.contentType: "application/json"], body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    private func airflow(token: String? = nil, bodies: NIOLockedValueBox<[String]> = NIOLockedValueBox([])) -> Router<BasicRequestContext> {
        let router = Router()
        let api = router.group("api/v2")
        @Sendable func guarded(_ request: Request, _ text: String) -> Response {
            if let token, request.headers[.authorization] != "Bearer \(token)" {
                return json(#"{"detail":"Not authenticated"}"#, .unauthorized)
            }
            return json(text)
        }
        let run =
            #""dag_run_id":"manual__2026-11-24T03:33:20+00:00","dag_id":"users","run_type":"manual","start_date":"2026-11-24T03:33:20Z""#
        api.get("dags") { request, _ in
            guarded(
                request,
                #"{"dags":[{"dag_id":"users","description":"Polls","is_paused":false,"timetable_summary":"@daily","tags":[{"name":"a"}],"next_dagrun_run_after":"2026-11-25T00:00:00Z"}],"total_entries":1}"#
            )
        }
        api.get("dags/users/dagRuns") { request, _ in
            guarded(request, "{\"dag_runs\":[{\(run),\"state\":\"running\",\"end_date\":null}],\"total_entries\":1}")
        }
        api.post("dags/users/dagRuns") { request, _ in
            let body = String(buffer: try await request.body.collect(upTo: 1 << 16))
            bodies.withLockedValue { $0.append(body) }
            return guarded(request, "{\(run),\"state\":\"queued\"}")
        }
        api.post("dags/nope/dagRuns") { _, _ in json(#"{"detail":"The Dag with ID: `nope` was not found"}"#, .notFound) }
        api.get("dags/users/dagRuns/:run/taskInstances") { request, _ in
            guarded(
                request,
                #"{"task_instances":[{"task_id":"stream","map_index":-1,"state":"running","try_number":2,"max_tries":3,"start_date":"2026-11-24T03:33:21Z","duration":1.5}],"total_entries":1}"#
            )
        }
        api.get("dags/users/dagRuns/:run/taskInstances/stream/xcomEntries") { request, _ in
            guarded(request, #"{"xcom_entries":[{"key":"fetched"},{"key":"note"}],"total_entries":2}"#)
        }
        api.get("dags/users/dagRuns/:run/taskInstances/stream/xcomEntries/fetched") { request, _ in
            guarded(request, #"{"key":"fetched","value":60}"#)
        }
        api.get("dags/users/dagRuns/:run/taskInstances/stream/xcomEntries/note") { request, _ in
            guarded(request, #"{"key":"note","value":"x"}"#)
        }
        api.get("dags/users/dagRuns/:run/taskInstances/stream/logs/2") { request, _ in
            guarded(
                request,
                #"{"content":[{"event":"::group::x"},{"timestamp":"2026-11-24T03:33:21Z","event":"<b>hi</b>","level":"info"}],"continuation_token":null}"#
            )
        }
        router.post("auth/token") { request, _ in
            let body = String(buffer: try await request.body.collect(upTo: 1 << 16))
            return try JSON(parsing: body) == ["username": "me", "password": "p\"w"]
                ? json("{\"access_token\":\"\(token ?? "")\"}", .created) : json("{}", .unauthorized)
        }
        return router
    }

    private func withAirflow(
        _ router: Router<BasicRequestContext>, _ settings: [String: String] = [:], _ body: (RunningConsole) async throws -> Void
    ) async throws {
        let box = try await ForeignBox(router)
        do {
            try await withConsole(settings.merging(["scheduler": "\(box.endpoint)"]) { $1 }, body)
            await box.stop()
        } catch {
            await box.stop()
            throw error
        }
    }

    @Test("DAGs, runs, tasks with their counts, and a log are read")
    func reads() async throws {
        try await withAirflow(airflow()) { console in
            let dag = try #require(try await console.ask("/api/dags").json["dags"]?.elements.first)
            #expect(dag["schedule"]?.string == "@daily" && dag["tags"]?.elements.map(\.shown) == ["a"])
            let run = try #require(dag["runs"]?.elements.first)
            #expect(run["id"]?.string == "manual__2026-11-24T03:33:20+00:00" && run["state"]?.string == "running")
            #expect(dag["counts"]?["fetched"]?.integer == 60)
            let path = "/api/dags/users/runs/manual__2026-11-24T03%3A33%3A20%2B00%3A00"
            let task = try #require(try await console.ask(path).json["tasks"]?.elements.first)
            #expect(task["tryNumber"]?.integer == 2 && task["counts"]?["fetched"]?.integer == 60 && task["counts"]?["note"] == nil)
            let lines = try await console.ask(path + "/tasks/stream/log?try=2").json["lines"]?.elements ?? []
            #expect(lines.map { $0["text"]?.string } == ["<b>hi</b>"])
            #expect(lines.first?["time"]?.integer == 1_795_491_201_000)
            let source = try await console.ask("/api/flow").json["flows"]?.elements.first?["source"]
            #expect(source?["fetched"]?.integer == 60)
        }
    }

    @Test("a trigger sends the logical date that Airflow demands and the conf, and hands on a refusal's own words")
    func triggers() async throws {
        let bodies = NIOLockedValueBox<[String]>([])
        try await withAirflow(airflow(bodies: bodies)) { console in
            let json = [("Content-Type", "application/json")]
            let run = try await console.ask("/api/dags/users/runs", .POST, headers: json, body: #"{"conf":{"rate":5}}"#)
            #expect(run.status == 200)
            #expect(try run.json["state"]?.string == "queued")
            _ = try await console.ask("/api/dags/users/runs", .POST, headers: json, body: "")
            #expect(bodies.withLockedValue { $0 } == [#"{"logical_date":null,"conf":{"rate":5}}"#, #"{"logical_date":null}"#])
            let refused = try await console.ask("/api/dags/nope/runs", .POST, headers: json, body: "{}")
            #expect(refused.status == 404)
            #expect(try refused.json["error"]?["problem"]?.string?.contains("The Dag with ID: `nope` was not found") == true)
        }
    }

    @Test("an Airflow that wants a login gets one")
    func login() async throws {
        let settings = ["scheduler.username": "me", "scheduler.password": "p\"w"]
        try await withAirflow(airflow(token: "secret"), settings) { console in
            let answer = try await console.ask("/api/dags")
            #expect(try answer.json["dags"]?.elements.count == 1)
            #expect(!answer.body.contains("secret"))
        }
        try await withAirflow(airflow(token: "secret")) { console in
            let problem = try await console.ask("/api/dags").json["problem"]?.string
            #expect(problem?.contains("refused") == true)
        }
    }
}
