internal import IO

/// `dags/{dag_id}/dagRuns` and `dags/{dag_id}/dagRuns/{run_id}`; `~` stands for every DAG in lists.
extension APIService {
    func listRuns(_ dagID: String, _ request: APIRequest) async throws(APIError) -> APIAnswer {
        if dagID != "~" { _ = try graph(dagID) }
        var filter = RunFilter(dagID: dagID == "~" ? nil : dagID)
        filter.limit = try request.integer("limit", default: 50, in: 0...configuration.pageMax)
        filter.offset = try request.integer("offset", default: 0, in: 0...Int.max)
        for text in request.values("state") {
            guard let state = RunState(rawValue: text) else {
                throw .validation(
                    type: "enum", location: ["query", "state"], message: "Input should be 'queued', 'running', 'success' or 'failed'")
            }
            filter.states.append(state)
        }
        filter.types = request.values("run_type")
        for column in ["run_after", "logical_date", "start_date", "end_date"] {
            for (suffix, comparison) in [("gte", ">="), ("gt", ">"), ("lte", "<="), ("lt", "<")] {
                let key = "\(column)_\(suffix)"
                guard let text = request.value(key) else { continue }
                filter.bounds.append((column, comparison, try Self.moment(.string(text), ["query", .string(key)])))
            }
        }
        if var order = request.value("order_by"), !order.isEmpty {
            if order.hasPrefix("-") {
                filter.descending = true
                order.removeFirst()
            }
            let columns = [
                "id": "sequence", "dag_id": "dag_id", "dag_run_id": "run_id", "run_id": "run_id", "state": "state",
                "run_after": "run_after",
                "logical_date": "logical_date", "start_date": "start_date", "end_date": "end_date", "queued_at": "queued_at",
            ]
            guard let column = columns[order] else {
                throw APIError(400, .string("Ordering with '\(order)' is disallowed or the attribute does not exist on the model"))
            }
            filter.orderBy = column
        }
        let wanted = filter
        let (runs, total) = try await read { try $0.runs(wanted) }
        let rows = await core.dagRows()
        return .json([
            "dag_runs": .array(runs.map { .object(APIShapes.run($0, rows[$0.dagID])) }), "total_entries": .integer(Int64(total)),
        ])
    }

    func trigger(_ dagID: String, _ request: APIRequest) async throws(APIError) -> APIAnswer {
        _ = try graph(dagID)
        let body = try request.object()
        // Null is a value here; leaving it out is not.
        guard let logicalDate = body["logical_date"] else {
            throw .validation(type: "missing", location: ["body", "logical_date"], message: "Field required")
        }
        var trigger = TriggerRequest(dagID: dagID)
        trigger.logicalDate = try Self.optionalMoment(logicalDate, "logical_date")
        trigger.runID = try Self.optionalText(body["dag_run_id"], "dag_run_id")
        trigger.note = try Self.optionalText(body["note"], "note")
        trigger.dataIntervalStart = try Self.optionalMoment(body["data_interval_start"], "data_interval_start")
        trigger.dataIntervalEnd = try Self.optionalMoment(body["data_interval_end"], "data_interval_end")
        trigger.runAfter = try Self.optionalMoment(body["run_after"], "run_after")
        trigger.user = configuration.password == nil ? nil : configuration.username
        if let conf = body["conf"], !conf.isNull {
            guard let object = conf.object else {
                throw .validation(type: "dict_type", location: ["body", "conf"], message: "Input should be a valid dictionary")
            }
            trigger.conf = object
        }
        guard (trigger.dataIntervalStart == nil) == (trigger.dataIntervalEnd == nil) else {
            throw .validation(
                type: "value_error", location: ["body"],
                message: "Value error, Either both data_interval_start and data_interval_end must be provided or both must be None")
        }
        if let id = trigger.runID, id.isEmpty || id.utf8.count > 250 {
            throw .validation(type: "string_too_long", location: ["body", "dag_run_id"], message: "String should have 1 to 250 characters")
        }
        switch await core.trigger(trigger) {
        case .success(let run): return .json(.object(APIShapes.run(run, await core.dagRow(dagID))))
        case .failure(let error): throw APIError(error)
        }
    }

    func storedRun(_ dagID: String, _ runID: String) async throws(APIError) -> DAGRun {
        guard let run = try await read({ try $0.run(dagID: dagID, runID: runID) }) else { throw .noSuchRun(dagID, runID) }
        return run
    }

    func run(_ dagID: String, _ runID: String) async throws(APIError) -> APIAnswer {
        let run = try await storedRun(dagID, runID)
        return .json(.object(APIShapes.run(run, await core.dagRow(dagID))))
    }

    func patchRun(_ dagID: String, _ runID: String, _ request: APIRequest) async throws(APIError) -> APIAnswer {
        let body = try request.object()
        var state: RunState?
        if let value = body["state"], !value.isNull {
            state = value.string.flatMap(RunState.init)
            guard let state, state.isTerminal else {
                throw .validation(type: "enum", location: ["body", "state"], message: "Input should be 'success' or 'failed'")
            }
        }
        let note: String?? = try body["note"].map { value throws(APIError) in try Self.optionalText(value, "note") }
        if case .failure(let error) = await core.patchRun(dagID, runID, state: state, note: note) { throw APIError(error) }
        return try await run(dagID, runID)
    }

    // MARK: values of bodies

    private static func optionalText(_ value: JSON?, _ key: String) throws(APIError) -> String? {
        guard let value, !value.isNull else { return nil }
        guard let text = value.string else {
            throw .validation(type: "string_type", location: ["body", .string(key)], message: "Input should be a valid string")
        }
        return text
    }

    private static func optionalMoment(_ value: JSON?, _ key: String) throws(APIError) -> Moment? {
        guard let value, !value.isNull else { return nil }
        return try moment(value, ["body", .string(key)])
    }

    private static func moment(_ value: JSON, _ location: [JSON]) throws(APIError) -> Moment {
        guard let moment = value.string.flatMap({ Moment(parsing: $0) }) else {
            throw .validation(type: "datetime_from_date_parsing", location: location, message: "Input should be a valid datetime")
        }
        return moment
    }
}
