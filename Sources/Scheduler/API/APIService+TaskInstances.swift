internal import Foundation
internal import IO
internal import NIOCore

/// `dags/{dag_id}/dagRuns/{run_id}/taskInstances` and what lies below: tries, logs, XComs.
extension APIService {
    func listTaskInstances(_ dagID: String, _ runID: String, _ request: APIRequest) async throws(APIError) -> APIAnswer {
        let limit = try request.integer("limit", default: 50, in: 0...configuration.pageMax)
        let offset = try request.integer("offset", default: 0, in: 0...Int.max)
        let states = request.values("state")
        let run = try await storedRun(dagID, runID)
        let stored = try await read { try $0.tasks(dagID: dagID, runID: runID) }
        // In the DAG's order, upstream first; tasks that the DAG no longer has come last.
        let order = core.graphs[dagID].map { graph in
            Dictionary(graph.order.enumerated().map { (graph.definition.tasks[$0.element].id, $0.offset) }) { first, _ in first }
        }
        let matching = stored.filter { states.isEmpty || states.contains($0.state == .none ? "null" : $0.state.rawValue) }
            .sorted { (order?[$0.taskID] ?? .max, $0.taskID) < (order?[$1.taskID] ?? .max, $1.taskID) }
        let row = await core.dagRow(dagID)
        let page = matching.dropFirst(offset).prefix(limit).map { JSON.object(APIShapes.taskInstance($0, run, row)) }
        return .json(["task_instances": .array(Array(page)), "total_entries": .integer(Int64(matching.count))])
    }

    private func stored(_ dagID: String, _ runID: String, _ taskID: String) async throws(APIError) -> (DAGRun, TaskInstance) {
        let found = try await read { store -> (DAGRun, TaskInstance)? in
            guard let run = try store.run(dagID: dagID, runID: runID) else { return nil }
            return try store.tasks(dagID: dagID, runID: runID).first { $0.taskID == taskID }.map { (run, $0) }
        }
        guard let found else { throw .noSuchTaskInstance(dagID, runID, taskID) }
        return found
    }

    func taskInstance(_ dagID: String, _ runID: String, _ taskID: String) async throws(APIError) -> APIAnswer {
        let (run, task) = try await stored(dagID, runID, taskID)
        return .json(.object(APIShapes.taskInstance(task, run, await core.dagRow(dagID))))
    }

    func tries(_ dagID: String, _ runID: String, _ taskID: String) async throws(APIError) -> APIAnswer {
        let (run, task) = try await stored(dagID, runID, taskID)
        let tries = try await read { try $0.tries(dagID: dagID, runID: runID, taskID: taskID) }
        let row = await core.dagRow(dagID)
        return .json([
            "task_instances": .array(tries.map { .object(APIShapes.taskTry($0, task, run, row)) }),
            "total_entries": .integer(Int64(tries.count)),
        ])
    }

    func oneTry(_ dagID: String, _ runID: String, _ taskID: String, _ number: String) async throws(APIError) -> APIAnswer {
        let (run, task) = try await stored(dagID, runID, taskID)
        let tries = try await read { try $0.tries(dagID: dagID, runID: runID, taskID: taskID) }
        guard let found = tries.first(where: { "\($0.tryNumber)" == number }) else { throw .noSuchTaskInstance(dagID, runID, taskID) }
        return .json(.object(APIShapes.taskTry(found, task, run, await core.dagRow(dagID))))
    }

    /// The log of one try, whole: as `{"content": [...]}`, or a line each where the client accepts that.
    func log(_ dagID: String, _ runID: String, _ taskID: String, _ number: String, _ request: APIRequest) async throws(APIError)
        -> APIAnswer
    {
        let (_, task) = try await stored(dagID, runID, taskID)
        guard let tryNumber = Int(number), tryNumber > 0 else {
            throw .validation(type: "greater_than", location: ["path", "try_number"], message: "Input should be greater than 0")
        }
        guard tryNumber <= task.tryNumber else {
            throw APIError(404, .string("TaskInstance not found: task `\(taskID)` of run `\(runID)` has no try \(tryNumber)"))
        }
        let path = core.logs.file(TaskKey(run: RunKey(dagID: dagID, runID: runID), taskID: taskID), tryNumber: tryNumber)
        // A task that has just been started may have no file yet.
        let lines = try await read { _ in FileManager.default.contents(atPath: path) ?? Data() }
        // A line that is being written now ends without its line feed, and is left for the next look.
        let whole = lines[..<(lines.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? lines.startIndex)]
        var body = ByteBuffer()
        if request.accept.contains("application/x-ndjson") {
            body.writeBytes(whole)
            return APIAnswer(contentType: "application/x-ndjson", body: body)
        }
        body.reserveCapacity(whole.count + 64)
        body.writeStaticString("{\"content\":[")
        for (index, line) in whole.split(separator: UInt8(ascii: "\n")).enumerated() {
            if index > 0 { body.writeStaticString(",") }
            body.writeBytes(line)
        }
        body.writeStaticString("],\"continuation_token\":null}")
        return APIAnswer(body: body)
    }

    // MARK: XComs

    /// What the task's ended tries have left, and over it what a try that runs now has counted so far.
    private func entries(_ dagID: String, _ runID: String, _ taskID: String) async throws(APIError) -> (DAGRun, [XComRow]) {
        let (run, _) = try await stored(dagID, runID, taskID)
        var rows = try await read { try $0.xcoms(dagID: dagID, runID: runID, taskID: taskID) }
        if let live = await core.liveEntries(TaskKey(run: RunKey(dagID: dagID, runID: runID), taskID: taskID)) {
            let now = Moment.now()
            rows.removeAll { live[$0.key] != nil }
            rows += live.map { XComRow(dagID: dagID, runID: runID, taskID: taskID, key: $0.key, value: $0.value, timestamp: now) }
            rows.sort { $0.key < $1.key }
        }
        return (run, rows)
    }

    func xcoms(_ dagID: String, _ runID: String, _ taskID: String, _ request: APIRequest) async throws(APIError) -> APIAnswer {
        let limit = try request.integer("limit", default: 50, in: 0...configuration.pageMax)
        let offset = try request.integer("offset", default: 0, in: 0...Int.max)
        let (run, rows) = try await entries(dagID, runID, taskID)
        let page = rows.dropFirst(offset).prefix(limit).map { APIShapes.xcom($0, run, withValue: false) }
        return .json(["xcom_entries": .array(Array(page)), "total_entries": .integer(Int64(rows.count))])
    }

    func xcom(_ dagID: String, _ runID: String, _ taskID: String, _ key: String) async throws(APIError) -> APIAnswer {
        let (run, rows) = try await entries(dagID, runID, taskID)
        guard let row = rows.first(where: { $0.key == key }) else {
            throw APIError(404, .string("XCom entry with key: `\(key)` not found"))
        }
        return .json(APIShapes.xcom(row, run, withValue: true))
    }
}
