internal import IO
internal import NIOConcurrencyHelpers
internal import NIOHTTP1

/// The scheduler by Airflow's REST API v2 (prefix `/api/v2`): DAGs, their last runs, tasks, logs, and the trigger.
final class SchedulerHop: Sendable {
    private let probe: HTTPProbe
    private let credentials: ConsoleConfiguration.Credentials?
    private let dagsMax: Int
    private let runsMax: Int

    private struct State {
        var token: String?
        /// Tasks of runs that are over do not change (a cleared run is running again, and is then read anew).
        var tasks: [RunKey: [TaskSnapshot]] = [:]
    }

    private struct RunKey: Hashable {
        var dag: String
        var run: String
        var endedAt: Int64?
    }

    private let state = NIOLockedValueBox(State())

    init(probe: HTTPProbe, credentials: ConsoleConfiguration.Credentials?, dagsMax: Int, runsMax: Int) {
        self.probe = probe
        self.credentials = credentials
        self.dagsMax = dagsMax
        self.runsMax = runsMax
    }

    var address: String { probe.base }

    func look(_: Interest) async throws -> (SchedulerLook, detail: String) {
        let answer = try await json("/dags?limit=\(dagsMax)")
        var dags = (answer["dags"]?.elements ?? []).compactMap(Self.dag)
        await withTaskGroup(of: (Int, DAGSnapshot).self) { group in
            for (index, dag) in dags.enumerated() {
                group.addTask { (index, await self.filled(dag)) }
            }
            for await (index, dag) in group { dags[index] = dag }
        }
        let known = Set(dags.flatMap { dag in dag.runs.map { RunKey(dag: dag.id, run: $0.id, endedAt: $0.endedAt) } })
        state.withLockedValue { $0.tasks = $0.tasks.filter { known.contains($0.key) } }
        return (SchedulerLook(dags: dags), detail: dags.count == 1 ? "1 DAG" : "\(dags.count) DAGs")
    }

    private func filled(_ dag: DAGSnapshot) async -> DAGSnapshot {
        var dag = dag
        do {
            let answer = try await json("/dags/\(HTTPProbe.part(dag.id))/dagRuns?limit=\(runsMax)&order_by=-run_after")
            dag.runs = (answer["dag_runs"]?.elements ?? []).compactMap(Self.run)
            for (index, run) in dag.runs.enumerated() {
                let tasks = try await cachedTasks(dag: dag.id, run: run)
                if index == 0 { dag.tasks = tasks }
                for task in tasks { dag.counts.merge(task.counts, uniquingKeysWith: +) }
            }
        } catch {
            dag.problem = error.problem
        }
        return dag
    }

    private func cachedTasks(dag: String, run: DAGRunSnapshot) async throws(ConsoleError) -> [TaskSnapshot] {
        let key = RunKey(dag: dag, run: run.id, endedAt: run.endedAt)
        if run.isOver, let tasks = state.withLockedValue({ $0.tasks[key] }) { return tasks }
        let tasks = try await tasks(dag: dag, run: run.id)
        if run.isOver { state.withLockedValue { $0.tasks[key] = tasks } }
        return tasks
    }

    func tasks(dag: String, run: String) async throws(ConsoleError) -> [TaskSnapshot] {
        let path = "/dags/\(HTTPProbe.part(dag))/dagRuns/\(HTTPProbe.part(run))/taskInstances"
        let answer = try await json(path + "?limit=100")
        var tasks = (answer["task_instances"]?.elements ?? []).compactMap(Self.task)
        for index in tasks.indices where tasks[index].tryNumber > 0 {
            tasks[index].counts = try await counts("\(path)/\(HTTPProbe.part(tasks[index].id))", mapIndex: tasks[index].mapIndex)
        }
        return tasks
    }

    /// The whole numbers among a task's XComs. Airflow lists them without values, one more question each; a few suffice.
    private func counts(_ path: String, mapIndex: Int) async throws(ConsoleError) -> [String: Int64] {
        let listing: JSON
        do {
            listing = try await json("\(path)/xcomEntries?limit=10&map_index=\(mapIndex)")
        } catch {
            // A scheduler without XComs is no reason to show no tasks.
            if case .refused = error { return [:] }
            throw error
        }
        var counts: [String: Int64] = [:]
        for entry in (listing["xcom_entries"]?.elements ?? []).prefix(10) {
            guard let key = entry["key"]?.string else { continue }
            var value = entry["value"]
            if value == nil { value = try? await json("\(path)/xcomEntries/\(HTTPProbe.part(key))?map_index=\(mapIndex)")["value"] }
            if let number = value?.wholeNumber { counts[key] = number }
        }
        return counts
    }

    func log(dag: String, run: String, task: String, tryNumber: Int) async throws(ConsoleError) -> [LogLine] {
        let path = "/dags/\(HTTPProbe.part(dag))/dagRuns/\(HTTPProbe.part(run))/taskInstances/\(HTTPProbe.part(task))/logs/\(tryNumber)"
        let answer = try await json(path + "?full_content=true")
        return (answer["content"]?.elements ?? []).compactMap { line in
            if let text = line.string { return LogLine(text: text) }
            guard let text = line["event"]?.string, !text.hasPrefix("::group::"), !text.hasPrefix("::endgroup::") else { return nil }
            return LogLine(
                time: line["timestamp"]?.string.flatMap(Timestamp.milliseconds(iso8601:)), level: line["level"]?.string, text: text)
        }
    }

    /// - Throws: ``ConsoleError`` with Airflow's own words where it refuses.
    func trigger(dag: String, conf: JSON?) async throws(ConsoleError) -> DAGRunSnapshot {
        // `logical_date` has to be there and may be null.
        var body: JSON.Members = ["logical_date": nil]
        body["conf"] = conf
        let answer = try await json("/dags/\(HTTPProbe.part(dag))/dagRuns", method: .POST, body: JSON.object(body).text)
        guard let run = Self.run(answer) else { throw .unreachable(box: probe.box, reason: "its answer holds no run") }
        return run
    }

    // MARK: Asking

    private func json(_ path: String, method: HTTPMethod = .GET, body: String? = nil) async throws(ConsoleError) -> JSON {
        do {
            return try await probe.json("/api/v2" + path, method: method, headers: authorization(), body: body)
        } catch {
            guard case .refused(_, 401, _) = error else { throw error }
            try await login()
            return try await probe.json("/api/v2" + path, method: method, headers: authorization(), body: body)
        }
    }

    private func authorization() -> [(String, String)] {
        let accept = [("Accept", "application/json")]
        return state.withLockedValue { $0.token }.map { accept + [("Authorization", "Bearer \($0)")] } ?? accept
    }

    /// `POST /auth/token` with a name and a password; without them `GET`, which an Airflow that trusts everybody answers.
    private func login() async throws(ConsoleError) {
        let answer: JSON
        if let credentials {
            let body: JSON = ["username": .string(credentials.username), "password": .string(credentials.password)]
            answer = try await probe.json("/auth/token", method: .POST, body: body.text)
        } else {
            answer = try await probe.json("/auth/token")
        }
        guard let token = answer["access_token"]?.string else {
            throw .refused(box: probe.box, status: 401, reason: "it wants a login; set console.scheduler.username and .password")
        }
        state.withLockedValue { $0.token = token }
    }

    // MARK: Reading

    private static func time(_ json: JSON?) -> Int64? { json?.string.flatMap(Timestamp.milliseconds(iso8601:)) }

    private static func dag(_ json: JSON) -> DAGSnapshot? {
        guard let id = json["dag_id"]?.string else { return nil }
        return DAGSnapshot(
            id: id, description: json["description"]?.string, schedule: json["timetable_summary"]?.string,
            isPaused: json["is_paused"]?.bool ?? false, nextRunAt: time(json["next_dagrun_run_after"]),
            tags: (json["tags"]?.elements ?? []).compactMap { $0["name"]?.string ?? $0.string })
    }

    private static func run(_ json: JSON) -> DAGRunSnapshot? {
        guard let id = json["dag_run_id"]?.string else { return nil }
        let started = time(json["start_date"]), ended = time(json["end_date"])
        return DAGRunSnapshot(
            id: id, state: json["state"]?.string ?? "unknown", runType: json["run_type"]?.string, logicalDate: time(json["logical_date"]),
            startedAt: started, endedAt: ended, durationSeconds: json["duration"]?.number ?? seconds(from: started, to: ended))
    }

    private static func task(_ json: JSON) -> TaskSnapshot? {
        guard let id = json["task_id"]?.string else { return nil }
        return TaskSnapshot(
            id: id, mapIndex: Int(json["map_index"]?.wholeNumber ?? -1), state: json["state"]?.string,
            tryNumber: Int(json["try_number"]?.wholeNumber ?? 0), maxTries: Int(json["max_tries"]?.wholeNumber ?? 0),
            startedAt: time(json["start_date"]), durationSeconds: json["duration"]?.number,
            note: json["note"]?.string)
    }

    private static func seconds(from start: Int64?, to end: Int64?) -> Double? {
        guard let start, let end else { return nil }
        return Double(end - start) / 1_000
    }
}
