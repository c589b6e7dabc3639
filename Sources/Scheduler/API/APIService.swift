internal import IO
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOPosix

/// Airflow's REST API v2 over the scheduler: the routes, and who may use them.
///
/// The shapes and error forms are those of Airflow 3 (https://airflow.apache.org/docs/apache-airflow/stable/stable-rest-api-ref.html),
/// so that its generated clients work unchanged. A path that is not served is answered by 404 naming it.
final class APIService: Sendable {
    let core: SchedulerCore
    let configuration: SchedulerConfiguration
    private let token = APIService.freshToken()

    init(core: SchedulerCore) {
        self.core = core
        configuration = core.configuration
    }

    func answer(_ request: APIRequest) async -> APIAnswer {
        do throws(APIError) {
            return try await route(request)
        } catch {
            return .json(["detail": error.detail], status: error.status)
        }
    }

    private func route(_ request: APIRequest) async throws(APIError) -> APIAnswer {
        let segments = request.segments
        switch (request.method, segments.first, segments.dropFirst().first) {
        case ("GET", nil, _), ("GET", "home", nil), ("GET", "dags", _): return page()
        case (_, "auth", "token"): return try logIn(request)
        case (_, "api", "v2"): return try await api(request, Array(segments.dropFirst(2)))
        default: throw unknown(request)
        }
    }

    private func api(_ request: APIRequest, _ path: [String]) async throws(APIError) -> APIAnswer {
        if path == ["monitor", "health"] || path == ["version"] {
            guard request.method == "GET" else { throw APIError(405, "Method Not Allowed") }
            return path == ["version"] ? .json(["version": "3.3.2", "git_version": nil]) : await health()
        }
        guard configuration.password == nil || request.authorization == "Bearer \(token)" else {
            throw APIError(401, "Not authenticated")
        }
        switch path.first {
        case "importErrors" where path.count == 1: return .json(["import_errors": [], "total_entries": 0])
        case "dagStats" where path.count == 1: return try await dagStats(request)
        case "dags": return try await dags(request, Array(path.dropFirst()))
        default: throw unknown(request)
        }
    }

    private func dags(_ request: APIRequest, _ path: [String]) async throws(APIError) -> APIAnswer {
        switch (request.method, path.count, path.dropFirst().first) {
        case ("GET", 0, _): return try await listDAGs(request)
        case ("GET", 1, _): return try await dag(path[0])
        case ("PATCH", 1, _): return try await patchDAG(path[0], request)
        case ("GET", 2, "details"): return try await dagDetails(path[0])
        case ("GET", 2, "tasks"): return try tasks(path[0])
        case ("GET", 3, "tasks"): return try task(path[0], path[2])
        case ("GET", 2, "dagRuns"): return try await listRuns(path[0], request)
        case ("POST", 2, "dagRuns"): return try await trigger(path[0], request)
        case ("GET", 3, "dagRuns"): return try await run(path[0], path[2])
        case ("PATCH", 3, "dagRuns"): return try await patchRun(path[0], path[2], request)
        case (_, 4..., "dagRuns") where path[3] == "taskInstances":
            return try await taskInstances(request, path[0], path[2], Array(path.dropFirst(4)))
        default: throw unknown(request)
        }
    }

    private func taskInstances(_ request: APIRequest, _ dagID: String, _ runID: String, _ path: [String]) async throws(APIError)
        -> APIAnswer
    {
        guard request.method == "GET" else { throw unknown(request) }
        switch (path.count, path.dropFirst().first) {
        case (0, _): return try await listTaskInstances(dagID, runID, request)
        case (1, _): return try await taskInstance(dagID, runID, path[0])
        case (2, "tries"): return try await tries(dagID, runID, path[0])
        case (3, "tries"): return try await oneTry(dagID, runID, path[0], path[2])
        case (3, "logs"): return try await log(dagID, runID, path[0], path[2], request)
        case (2, "xcomEntries"): return try await xcoms(dagID, runID, path[0], request)
        case (3, "xcomEntries"): return try await xcom(dagID, runID, path[0], path[2])
        default: throw unknown(request)
        }
    }

    func unknown(_ request: APIRequest) -> APIError {
        APIError(404, .string("\(request.method) \(request.path) is not served by this scheduler"))
    }

    // MARK: pages, log-in, health

    private func page() -> APIAnswer {
        if let console = configuration.console { return .redirect(to: console) }
        return .text(
            """
            This is Leat's scheduler. It answers Airflow's REST API v2 at /api/v2 (try /api/v2/dags).
            Its DAGs are shown by the console; the setting scheduler.console names the page to go to from here.

            """)
    }

    private func logIn(_ request: APIRequest) throws(APIError) -> APIAnswer {
        guard let password = configuration.password else { return .json(["access_token": .string(token)], status: 201) }
        guard request.method == "POST" else { throw APIError(401, "Invalid credentials") }
        let body = try request.object()
        for key in ["username", "password"] where body[key]?.string == nil {
            throw .validation(type: "missing", location: ["body", .string(key)], message: "Field required")
        }
        guard body["username"]?.string == configuration.username, body["password"]?.string == password else {
            throw APIError(401, "Invalid credentials")
        }
        return .json(["access_token": .string(token)], status: 201)
    }

    private func health() async -> APIAnswer {
        let failure = await core.commitFailure
        let now = JSON.string(Moment.now().offsetText)
        return .json([
            "metadatabase": ["status": failure == nil ? "healthy" : "unhealthy"],
            "scheduler": ["status": failure == nil ? "healthy" : "unhealthy", "latest_scheduler_heartbeat": now],
            "triggerer": ["status": nil, "latest_triggerer_heartbeat": nil],
            "dag_processor": ["status": "healthy", "latest_dag_processor_heartbeat": now],
        ])
    }

    private static func freshToken() -> String {
        (0..<4).map { _ in String(UInt64.random(in: 0...UInt64.max), radix: 36) }.joined()
    }

    /// Reads the store on a thread of its own: a query must not hold up the event loops.
    func read<R: Sendable>(_ body: @escaping @Sendable (MetadataStore) throws -> R) async throws(APIError) -> R {
        let store = core.store
        do {
            return try await NIOThreadPool.singleton.runIfActive { try body(store) }
        } catch {
            throw APIError(500, .string("the metadata cannot be read: \(error)"))
        }
    }
}
