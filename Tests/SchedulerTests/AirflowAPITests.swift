import IO
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

@testable import Scheduler

/// Airflow's shapes and error forms, byte for byte where clients look.
@Suite("Airflow's API") struct AirflowAPITests {
    private var dag: DAGDefinition {
        DAGDefinition(
            id: "user_automation", schedule: .daily, description: "users", tags: ["users"],
            tasks: [
                TaskDefinition(id: "fetch", retries: 3, retryDelay: .seconds(90_061)) { $0.log("hello") },
                TaskDefinition(id: "check", upstream: ["fetch"]) { _ in },
            ])
    }

    private func json(_ answer: (status: Int, body: String, headers: HTTPHeaders)) throws -> JSON { try JSON(parsing: answer.body) }

    @Test func errorsHaveAirflowsForm() async throws {
        try await SchedulerHarness.with([dag]) { harness in
            let cases: [(String, String, String?, Int, String)] = [
                ("GET", "/api/v2/dags/nope", nil, 404, "The Dag with ID: `nope` was not found"),
                ("GET", "/api/v2/dags/nope/dagRuns", nil, 404, "The Dag with ID: `nope` was not found"),
                (
                    "GET", "/api/v2/dags/user_automation/dagRuns/x", nil, 404,
                    "The DagRun with dag_id: `user_automation` and run_id: `x` was not found"
                ),
                ("POST", "/api/v2/dags/nope/dagRuns", #"{"logical_date":null}"#, 404, "The Dag with ID: `nope` was not found"),
                ("GET", "/api/v2/variables", nil, 404, "GET /api/v2/variables is not served by this scheduler"),
                ("DELETE", "/api/v2/dags/user_automation", nil, 404, "DELETE /api/v2/dags/user_automation is not served by this scheduler"),
                ("GET", "/nowhere", nil, 404, "GET /nowhere is not served by this scheduler"),
                (
                    "GET", "/api/v2/dags/user_automation/dagRuns?order_by=color", nil, 400,
                    "Ordering with 'color' is disallowed or the attribute does not exist on the model"
                ),
            ]
            for (method, path, body, status, detail) in cases {
                let answer = try await harness.raw(method, path, body)
                let found = try json(answer)["detail"]?.string
                #expect(answer.status == status && found == detail, "\(path): \(answer.body)")
            }
        }
    }

    @Test func bodiesAreValidatedAsFastAPIDoes() async throws {
        try await SchedulerHarness.with([dag]) { harness in
            let runs = "/api/v2/dags/user_automation/dagRuns"
            let cases: [(String, String, String, String, JSON)] = [
                ("POST", runs, "{}", "missing", ["body", "logical_date"]),
                ("POST", runs, #"{"logical_date":"x"}"#, "datetime_from_date_parsing", ["body", "logical_date"]),
                ("POST", runs, #"{"logical_date":null,"conf":[]}"#, "dict_type", ["body", "conf"]),
                ("POST", runs, #"{"logical_date":null,"dag_run_id":5}"#, "string_type", ["body", "dag_run_id"]),
                ("POST", runs, #"{"logical_date":null,"data_interval_start":"2026-01-01"}"#, "value_error", ["body"]),
                ("POST", runs, "[1]", "model_attributes_type", ["body"]), ("POST", runs, "{", "json_invalid", ["body", 1]),
                ("PATCH", "/api/v2/dags/user_automation", #"{"is_paused":"yes"}"#, "bool_type", ["body", "is_paused"]),
                ("GET", runs + "?limit=x", "", "int_parsing", ["query", "limit"]),
                ("GET", runs + "?state=green", "", "enum", ["query", "state"]),
            ]
            for (method, path, body, type, location) in cases {
                let answer = try await harness.raw(method, path, body)
                let first = try json(answer)["detail"]?.array?.first
                #expect(answer.status == 422 && first?["type"]?.string == type && first?["loc"] == location, "\(body): \(answer.body)")
            }
            #expect(try await harness.client.runs().isEmpty)
        }
    }

    @Test(arguments: ["scheduled__2026-01-01T00:00:00+00:00", "backfill__x", "asset_triggered__x"])
    func anIDThatIsTheSchedulersOwnIsRefused(id: String) async throws {
        try await SchedulerHarness.with([DAGDefinition(id: "d", tasks: [TaskDefinition(id: "t") { _ in }])]) { harness in
            let answer = try await harness.raw(
                "POST", "/api/v2/dags/d/dagRuns", "{\"logical_date\": null, \"dag_run_id\": \"\(id)\"}")
            #expect(answer.status == 400)
            let detail = try JSON(parsing: answer.body.utf8)["detail"]?.string
            #expect(detail?.hasPrefix("A manual DAG run cannot use ID '\(id)' since it is reserved for ") == true)
        }
    }

    @Test func anotherSitesPageCannotTriggerRuns() async throws {
        try await SchedulerHarness.with([DAGDefinition(id: "d", tasks: [TaskDefinition(id: "t") { _ in }])]) { harness in
            let path = "/api/v2/dags/d/dagRuns", body = "{\"logical_date\": null}"
            func status(_ headers: [(String, String)]) async throws -> Int {
                try await harness.raw("POST", path, body, headers: headers).status
            }
            // What a form or a fetch without a preflight can send.
            let form = try await status([("Content-Type", "text/plain")])
            #expect(form == 415)
            #expect(try await status([("Origin", "http://evil.example")]) == 403)
            #expect(try await status([("Sec-Fetch-Site", "cross-site")]) == 403)
            #expect(try await harness.raw("GET", "/api/v2/dags", headers: [("Host", "evil.example")]).status == 421)
            #expect(try await harness.client.runs("d").isEmpty)
            #expect(try await status([("Origin", harness.server.url)]) == 200)
        }
    }

    @Test func silentConnectionsDoNotBlockThePort() async throws {
        let settings = ["scheduler.connections.max": "1", "scheduler.connections.idle": "100ms"]
        try await SchedulerHarness.with([DAGDefinition(id: "d", tasks: [TaskDefinition(id: "t") { _ in }])], settings: settings) {
            harness in
            let port = harness.server.endpoints[0].port
            let silent = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(host: "127.0.0.1", port: port)
                .get()
            #expect(try await harness.raw("GET", "/api/v2/version").status == 200)
            try? await silent.close()
        }
    }

    @Test func hugeBodiesAreRefused() async throws {
        try await SchedulerHarness.with([dag], settings: ["scheduler.request.bytes.max": "1KiB"]) { (harness) async throws in
            let body = #"{"logical_date":null,"note":""# + String(repeating: "x", count: 5_000) + #""}"#
            #expect(try await harness.raw("POST", "/api/v2/dags/user_automation/dagRuns", body).status == 413)
            #expect(try await harness.raw("GET", "/api/v2/version").status == 200)
        }
    }

    @Test func dagsAndTasks() async throws {
        try await SchedulerHarness.with([dag]) { harness in
            let list = try json(try await harness.raw("GET", "/api/v2/dags"))
            #expect(list["total_entries"] == 1)
            let first = try #require(list["dags"]?.array?.first)
            #expect(first["dag_id"] == "user_automation" && first["is_paused"] == false && first["timetable_summary"] == "@daily")
            #expect(first["timetable_description"] == "At 00:00" && first["next_dagrun_run_after"]?.string?.hasSuffix("T00:00:00Z") == true)
            let details = try json(try await harness.raw("GET", "/api/v2/dags/user_automation/details"))
            #expect(details["catchup"] == false && details["timezone"] == "UTC" && details["latest_dag_version"]?["version_number"] == 1)
            let tasks = try json(try await harness.raw("GET", "/api/v2/dags/user_automation/tasks"))["tasks"]?.array
            #expect(tasks?.map { $0["task_id"] } == ["fetch", "check"])
            #expect(tasks?[0]["downstream_task_ids"] == ["check"])
            #expect(tasks?[0]["retry_delay"] == ["__type": "TimeDelta", "days": 1, "seconds": 3_661, "microseconds": 0])
            #expect(try json(try await harness.raw("GET", "/api/v2/importErrors")) == ["import_errors": [], "total_entries": 0])
            let health = try await harness.client.health()
            #expect(health["scheduler"]?["status"] == "healthy" && health["metadatabase"]?["status"] == "healthy")
        }
    }

    @Test func runsAreListedFilteredAndOrdered() async throws {
        try await SchedulerHarness.with([dag]) { harness in
            for day in 1...5 {
                let body = #"{"logical_date":"2026-01-0\#(day)T00:00:00Z"}"#
                let run = try AirflowRun(required: json(try await harness.raw("POST", "/api/v2/dags/user_automation/dagRuns", body)))
                #expect(run.runID == "manual__2026-01-0\(day)T00:00:00+00:00")
                _ = try await harness.ended(run)
            }
            func ids(_ query: String) async throws -> [String] {
                try json(try await harness.raw("GET", "/api/v2/dags/~/dagRuns?\(query)"))["dag_runs"]?.array?
                    .compactMap { $0["logical_date"]?.string.map { String($0.prefix(10).suffix(2)) } } ?? []
            }
            #expect(try await ids("order_by=-logical_date&limit=2") == ["05", "04"])
            #expect(try await ids("order_by=logical_date&limit=2&offset=3") == ["04", "05"])
            #expect(try await ids("logical_date_gte=2026-01-02T00:00:00%2B00:00&logical_date_lt=2026-01-04") == ["02", "03"])
            #expect(try await ids("state=failed&state=queued") == [])
            let stats = try json(try await harness.raw("GET", "/api/v2/dagStats"))["dags"]?.array?.first
            #expect(stats?["stats"]?.array?.contains(["state": "success", "count": 5]) == true)
        }
    }

    @Test func aRunCanBeEndedAndNoted() async throws {
        let gate = Gate()
        let slow = DAGDefinition(
            id: "slow",
            tasks: [
                TaskDefinition(id: "t") { _ in
                    try await withTaskCancellationHandler {
                        try await Task.sleep(for: .seconds(60))
                    } onCancel: {
                        gate.open()
                    }
                }
            ])
        try await SchedulerHarness.with([slow]) { harness in
            let run = try await harness.client.trigger("slow")
            _ = try await eventually { try await harness.client.taskInstances("slow", run.runID).first?.state == .running ? true : nil }
            let path = "/api/v2/dags/slow/dagRuns/\(encoded(run.runID))"
            let answer = try json(try await harness.raw("PATCH", path, #"{"state":"failed","note":"by hand"}"#))
            #expect(answer["state"] == "failed" && answer["note"] == "by hand")
            await gate.wait()
            #expect(try await harness.client.taskInstances("slow", run.runID)[0].state == .failed)
            #expect(try await harness.raw("PATCH", path, #"{"state":"running"}"#).status == 422)
        }
    }

    @Test func logsComeAsContentOrLines() async throws {
        try await SchedulerHarness.with([dag]) { harness in
            let run = try await harness.ended(harness.client.trigger("user_automation"))
            let path = "/api/v2/dags/user_automation/dagRuns/\(encoded(run.runID))/taskInstances/fetch/logs/"
            let content = try json(try await harness.raw("GET", path + "1"))
            #expect(content["content"]?.array?.first?["event"] == "hello" && content["continuation_token"] == .null)
            let lines = try await harness.raw("GET", path + "1", headers: [("Accept", "application/x-ndjson")])
            #expect(lines.headers["content-type"] == ["application/x-ndjson"])
            #expect(try JSON(parsing: lines.body.split(separator: "\n")[0].utf8)["level"] == "info")
            #expect(try await harness.raw("GET", path + "2").status == 404)
            #expect(try await harness.raw("GET", path + "0").status == 422)
        }
    }

    @Test func passwordsAreAskedForWhenThereIsOne() async throws {
        try await SchedulerHarness.with([dag], settings: ["scheduler.password": "secret"]) { harness in
            let refused = try await harness.raw("GET", "/api/v2/dags")
            #expect(refused.status == 401 && refused.body == #"{"detail":"Not authenticated"}"#)
            #expect(try await harness.raw("POST", "/auth/token", #"{"username":"airflow","password":"wrong"}"#).status == 401)
            #expect(try await harness.raw("POST", "/auth/token", #"{"username":"airflow","password":"secret"}"#).status == 201)
            // The client logs in by itself.
            #expect(try await harness.client.dags().count == 1)
            #expect(try await harness.raw("GET", "/api/v2/monitor/health").status == 200)
        }
    }

    @Test func browsersAreSentToTheConsole() async throws {
        try await SchedulerHarness.with([dag], settings: ["scheduler.console": "http://127.0.0.1:9021/dags"]) { harness in
            for path in ["/", "/home", "/dags/user_automation"] {
                let answer = try await harness.raw("GET", path)
                #expect(answer.status == 307 && answer.headers["location"] == ["http://127.0.0.1:9021/dags"])
            }
        }
        try await SchedulerHarness.with([dag]) { (harness) async throws in
            #expect(try await harness.raw("GET", "/home").body.contains("Airflow's REST API v2"))
            #expect(try await harness.raw("GET", "/auth/token").status == 201)
        }
    }

    @Test func anUnreachableSchedulerIsNamed() async throws {
        let client = AirflowClient(AirflowClientConfiguration(url: "http://127.0.0.1:1/"), logger: SchedulerHarness.logger)
        let error = await #expect(throws: AirflowClientError.self) { try await client.dags() }
        #expect(error?.description.hasPrefix("http://127.0.0.1:1: GET /api/v2/dags") == true)
        await client.close()
    }
}
