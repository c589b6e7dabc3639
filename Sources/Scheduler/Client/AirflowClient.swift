internal import AsyncHTTPClient
package import IO
package import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// Where the API is, and how patiently it is asked.
package struct AirflowClientConfiguration: Sendable {
    /// For example `http://127.0.0.1:8080`, without `/api/v2`.
    package var url: String
    package var username: String?
    package var password: String?
    package var requestTimeout: Duration = .seconds(10)
    package var connectTimeout: Duration = .seconds(5)
    package var responseBytesMax = 16 << 20

    package init(url: String) { self.url = url.hasSuffix("/") ? String(url.dropLast()) : url }
}

/// A thin client of Airflow's REST API v2: the embedded scheduler or a real Airflow.
///
/// It logs in on its own: with name and password when it has them, else by asking for a token, else without. Answers are the
/// API's JSON; the types below read the fields that Leat's own parts want.
package final class AirflowClient: Sendable {
    private let configuration: AirflowClientConfiguration
    private let http: HTTPClient
    private let token = NIOLockedValueBox<String?>(nil)

    package init(_ configuration: AirflowClientConfiguration, logger: Logger) {
        self.configuration = configuration
        var options = HTTPClient.Configuration()
        options.timeout.connect = .nanoseconds(Int64(configuration.connectTimeout.inSeconds * 1e9))
        options.connectionPool.retryConnectionEstablishment = false
        http = HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: options)
    }

    /// Closes the connections. The client cannot be used afterwards.
    package func close() async { try? await http.shutdown() }

    // MARK: the API

    package func health() async throws -> JSON { try await get("monitor/health") }
    package func version() async throws -> String { try await get("version")["version"]?.string ?? "" }

    package func dags(limit: Int = 100, offset: Int = 0) async throws -> [AirflowDAG] {
        try await get("dags?limit=\(limit)&offset=\(offset)")["dags"]?.array?.compactMap(AirflowDAG.init) ?? []
    }

    package func dag(_ dagID: String) async throws -> AirflowDAG { try AirflowDAG(required: await get("dags/\(Self.encoded(dagID))")) }

    package func tasks(_ dagID: String) async throws -> [JSON] {
        try await get("dags/\(Self.encoded(dagID))/tasks")["tasks"]?.array ?? []
    }

    package func setPaused(_ dagID: String, _ isPaused: Bool) async throws {
        _ = try await send("PATCH", "dags/\(Self.encoded(dagID))", ["is_paused": .bool(isPaused)])
    }

    /// - Returns: the new run, usually `queued`.
    package func trigger(_ dagID: String, runID: String? = nil, conf: JSON.Members = [:], note: String? = nil) async throws -> AirflowRun {
        var body: JSON.Members = ["logical_date": .null, "conf": .object(conf)]
        if let runID { body["dag_run_id"] = .string(runID) }
        if let note { body["note"] = .string(note) }
        return try AirflowRun(required: await send("POST", "dags/\(Self.encoded(dagID))/dagRuns", .object(body)))
    }

    /// The latest runs first; `~` for those of all DAGs.
    package func runs(_ dagID: String = "~", states: [RunState] = [], limit: Int = 50) async throws -> [AirflowRun] {
        let filter = states.map { "&state=\($0.rawValue)" }.joined()
        return try await get("dags/\(Self.encoded(dagID))/dagRuns?limit=\(limit)&order_by=-run_after\(filter)")["dag_runs"]?.array?
            .compactMap(AirflowRun.init) ?? []
    }

    package func run(_ dagID: String, _ runID: String) async throws -> AirflowRun {
        try AirflowRun(required: await get(Self.path(dagID, runID)))
    }

    /// Ends a run as `success` or `failed`.
    package func end(_ dagID: String, _ runID: String, as state: RunState) async throws {
        _ = try await send("PATCH", Self.path(dagID, runID), ["state": .string(state.rawValue)])
    }

    package func taskInstances(_ dagID: String, _ runID: String) async throws -> [AirflowTaskInstance] {
        try await get(Self.path(dagID, runID) + "/taskInstances?limit=1000")["task_instances"]?.array?.compactMap(AirflowTaskInstance.init)
            ?? []
    }

    /// The log's lines, oldest first.
    package func log(_ dagID: String, _ runID: String, _ taskID: String, tryNumber: Int) async throws -> [AirflowLogLine] {
        let path = Self.path(dagID, runID) + "/taskInstances/\(Self.encoded(taskID))/logs/\(tryNumber)?full_content=true"
        return try await get(path)["content"]?.array?.map(AirflowLogLine.init) ?? []
    }

    /// All values that the task has left, by key.
    package func xcoms(_ dagID: String, _ runID: String, _ taskID: String) async throws -> [String: JSON] {
        let base = Self.path(dagID, runID) + "/taskInstances/\(Self.encoded(taskID))/xcomEntries"
        var values: [String: JSON] = [:]
        for entry in try await get(base + "?limit=1000")["xcom_entries"]?.array ?? [] {
            guard let key = entry["key"]?.string else { continue }
            values[key] = try await get("\(base)/\(Self.encoded(key))")["value"] ?? .null
        }
        return values
    }

    // MARK: requests

    private static func path(_ dagID: String, _ runID: String) -> String { "dags/\(encoded(dagID))/dagRuns/\(encoded(runID))" }

    /// Percent-encodes all but what RFC 3986 calls unreserved: run ids hold colons and plus signs.
    private static func encoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case 48...57, 65...90, 97...122, 0x2D, 0x2E, 0x5F, 0x7E: result.unicodeScalars.append(UnicodeScalar(byte))
            default: result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return result
    }

    private func get(_ path: String) async throws -> JSON { try await send("GET", path, nil) }

    private func send(_ method: String, _ path: String, _ body: JSON?) async throws -> JSON {
        var (status, answer) = try await exchange(method, "/api/v2/" + path, body)
        if status == 401 {
            try await logIn()
            (status, answer) = try await exchange(method, "/api/v2/" + path, body)
        }
        guard (200..<300).contains(status) else {
            throw AirflowClientError(url: configuration.url, request: "\(method) \(path)", status: status, reason: Self.reason(answer))
        }
        return answer
    }

    private func logIn() async throws {
        let credentials = configuration.password.map { password -> JSON in
            ["username": .string(configuration.username ?? "airflow"), "password": .string(password)]
        }
        let (status, answer) = try await exchange(credentials == nil ? "GET" : "POST", "/auth/token", credentials)
        guard let fresh = answer["access_token"]?.string else {
            throw AirflowClientError(url: configuration.url, request: "log-in", status: status, reason: Self.reason(answer))
        }
        token.withLockedValue { $0 = fresh }
    }

    private func exchange(_ method: String, _ path: String, _ body: JSON?) async throws -> (status: Int, answer: JSON) {
        do {
            var request = HTTPClientRequest(url: configuration.url + path)
            request.method = HTTPMethod(rawValue: method)
            request.headers.add(name: "Accept", value: "application/json")
            if let token = token.withLockedValue({ $0 }) { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
            if let body {
                request.headers.add(name: "Content-Type", value: "application/json")
                request.body = .bytes(ByteBuffer(string: body.text))
            }
            let deadline = NIODeadline.now() + .nanoseconds(Int64(configuration.requestTimeout.inSeconds * 1e9))
            let response = try await http.execute(request, deadline: deadline)
            let bytes = try await response.body.collect(upTo: configuration.responseBytesMax)
            return (Int(response.status.code), bytes.readableBytes == 0 ? .null : try JSON(parsing: bytes.readableBytesView))
        } catch {
            throw AirflowClientError(url: configuration.url, request: "\(method) \(path)", status: nil, reason: "\(error)")
        }
    }

    private static func reason(_ answer: JSON) -> String {
        guard let detail = answer["detail"] else { return answer.text }
        return detail.string ?? detail.array?.first?["msg"]?.string ?? detail.text
    }
}

/// A request that failed or was refused.
package struct AirflowClientError: DescribedError {
    package let url: String
    package let request: String
    /// Nil when no answer came.
    package let status: Int?
    package let reason: String

    package var place: String? { url }
    package var problem: String {
        status.map { "\(request) was answered by \($0): \(reason)" } ?? "\(request) got no answer: \(reason)"
    }
    package var nextStep: String? {
        switch status {
        case nil: "see that the scheduler runs there; scheduler.use names another address"
        case 401, 403: "give the name and password that the scheduler asks for"
        default: nil
        }
    }
}
