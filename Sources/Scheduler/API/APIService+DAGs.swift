internal import IO

/// `dags`, `dags/{dag_id}`, `dags/{dag_id}/details`, `dags/{dag_id}/tasks`, `dagStats`.
extension APIService {
    func graph(_ dagID: String) throws(APIError) -> DAGGraph {
        guard let graph = core.graphs[dagID] else { throw .noSuchDAG(dagID) }
        return graph
    }

    private func row(_ dagID: String) async throws(APIError) -> (DAGGraph, DAGRow) {
        guard let graph = core.graphs[dagID], let row = await core.dagRow(dagID) else { throw .noSuchDAG(dagID) }
        return (graph, row)
    }

    func listDAGs(_ request: APIRequest) async throws(APIError) -> APIAnswer {
        let limit = try request.integer("limit", default: 50, in: 0...configuration.pageMax)
        let offset = try request.integer("offset", default: 0, in: 0...Int.max)
        let paused = request.value("paused").map { $0 == "true" || $0 == "True" }
        let pattern = request.value("dag_id_pattern").map { String($0.filter { $0 != "%" }) }
        let tags = request.values("tags")
        let rows = await core.dagRows()
        let matching = core.graphs.values.compactMap { graph in rows[graph.definition.id].map { (graph, $0) } }
            .filter { graph, row in
                (paused == nil || row.isPaused == paused) && (pattern == nil || row.dagID.lowercased().contains(pattern!.lowercased()))
                    && (tags.isEmpty || tags.contains { graph.definition.tags.contains($0) })
            }
            .sorted { $0.1.dagID < $1.1.dagID }
        let ordered = request.value("order_by") == "-dag_id" ? matching.reversed() : matching
        let page = ordered.dropFirst(offset).prefix(limit).map { JSON.object(APIShapes.dag($0.0, $0.1)) }
        return .json(["dags": .array(Array(page)), "total_entries": .integer(Int64(matching.count))])
    }

    func dag(_ dagID: String) async throws(APIError) -> APIAnswer {
        let (graph, row) = try await row(dagID)
        return .json(.object(APIShapes.dag(graph, row)))
    }

    func dagDetails(_ dagID: String) async throws(APIError) -> APIAnswer {
        let (graph, row) = try await row(dagID)
        let active = try await read { try $0.runs(RunFilter(dagID: dagID, states: [.running], limit: 0)).total }
        return .json(.object(APIShapes.dagDetails(graph, row, activeRuns: active)))
    }

    func patchDAG(_ dagID: String, _ request: APIRequest) async throws(APIError) -> APIAnswer {
        let graph = try graph(dagID)
        guard let value = try request.object()["is_paused"] else {
            throw .validation(type: "missing", location: ["body", "is_paused"], message: "Field required")
        }
        guard let isPaused = value.bool else {
            throw .validation(type: "bool_type", location: ["body", "is_paused"], message: "Input should be a valid boolean")
        }
        switch await core.setPaused(dagID, isPaused) {
        case .success(let row): return .json(.object(APIShapes.dag(graph, row)))
        case .failure(let error): throw APIError(error)
        }
    }

    func tasks(_ dagID: String) throws(APIError) -> APIAnswer {
        let graph = try graph(dagID)
        let tasks = graph.order.map { JSON.object(APIShapes.task(graph, $0)) }
        return .json(["tasks": .array(tasks), "total_entries": .integer(Int64(tasks.count))])
    }

    func task(_ dagID: String, _ taskID: String) throws(APIError) -> APIAnswer {
        let graph = try graph(dagID)
        guard let index = graph.index(of: taskID) else { throw APIError(404, .string("Task with id \(taskID) was not found")) }
        return .json(.object(APIShapes.task(graph, index)))
    }

    func dagStats(_ request: APIRequest) async throws(APIError) -> APIAnswer {
        let wanted = request.values("dag_ids")
        let counts = try await read { try $0.stateCounts().map { ["\($0.dagID)", $0.state.rawValue, "\($0.count)"] } }
        let dags = core.graphs.keys.filter { wanted.isEmpty || wanted.contains($0) }.sorted().map { id -> JSON in
            let stats = RunState.allCases.map { state -> JSON in
                let count = counts.first { $0[0] == id && $0[1] == state.rawValue }.flatMap { Int64($0[2]) } ?? 0
                return ["state": .string(state.rawValue), "count": .integer(count)]
            }
            return ["dag_id": .string(id), "dag_display_name": .string(id), "stats": .array(stats)]
        }
        return .json(["dags": .array(dags), "total_entries": .integer(Int64(dags.count))])
    }
}
