internal import IO
internal import NIOCore

/// A request as the API's routes see it: the path's decoded segments, the query, the body.
struct APIRequest: Sendable {
    let method: String
    /// As sent, for messages.
    let path: String
    let segments: [String]
    let query: [(key: String, value: String)]
    let accept: String
    let authorization: String
    let body: ByteBuffer

    init(method: String, target: String, accept: String, authorization: String, body: ByteBuffer) {
        self.method = method
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = String(parts.first ?? "/")
        segments = path.split(separator: "/").map { Self.decoded($0, plusIsSpace: false) }
        query = (parts.count > 1 ? parts[1] : "").split(separator: "&").map { pair in
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (Self.decoded(sides[0], plusIsSpace: true), sides.count > 1 ? Self.decoded(sides[1], plusIsSpace: true) : "")
        }
        self.accept = accept
        self.authorization = authorization
        self.body = body
    }

    func value(_ key: String) -> String? { query.first { $0.key == key }?.value }
    func values(_ key: String) -> [String] { query.filter { $0.key == key }.map(\.value) }

    /// The body as a JSON object.
    ///
    /// - Throws: ``APIError`` 422 in Airflow's form.
    func object() throws(APIError) -> JSON.Members {
        let json: JSON
        do throws(MalformedJSON) {
            json = try JSON(parsing: body.readableBytesView)
        } catch {
            throw .validation(
                type: "json_invalid", location: ["body", .integer(Int64(error.offset))], message: "JSON decode error: \(error)")
        }
        guard let object = json.object else {
            throw .validation(type: "model_attributes_type", location: ["body"], message: "Input should be a valid dictionary")
        }
        return object
    }

    func integer(_ key: String, default defaultValue: Int, in range: ClosedRange<Int>) throws(APIError) -> Int {
        guard let text = value(key) else { return defaultValue }
        guard let number = Int(text) else {
            throw .validation(
                type: "int_parsing", location: ["query", .string(key)],
                message: "Input should be a valid integer, unable to parse string as an integer")
        }
        guard number >= range.lowerBound else {
            throw .validation(
                type: "greater_than_equal", location: ["query", .string(key)],
                message: "Input should be greater than or equal to \(range.lowerBound)")
        }
        return min(number, range.upperBound)
    }

    private static func decoded(_ text: Substring, plusIsSpace: Bool) -> String {
        guard text.utf8.contains(where: { $0 == UInt8(ascii: "%") || (plusIsSpace && $0 == UInt8(ascii: "+")) }) else {
            return String(text)
        }
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// An answer of the API.
struct APIAnswer: Sendable {
    var status = 200
    var contentType = "application/json"
    var body = ByteBuffer()
    var location: String?

    static func json(_ value: JSON, status: Int = 200) -> APIAnswer { APIAnswer(status: status, body: ByteBuffer(string: value.text)) }

    static func redirect(to location: String) -> APIAnswer { APIAnswer(status: 307, location: location) }

    static func text(_ text: String, status: Int = 200) -> APIAnswer {
        APIAnswer(status: status, contentType: "text/plain; charset=utf-8", body: ByteBuffer(string: text))
    }
}

/// An error in Airflow's form: `{"detail": …}`.
struct APIError: Error {
    let status: Int
    let detail: JSON

    init(_ status: Int, _ detail: JSON) {
        self.status = status
        self.detail = detail
    }

    /// 422 with a list, as FastAPI gives it.
    static func validation(type: String, location: [JSON], message: String) -> APIError {
        APIError(422, [["type": .string(type), "loc": .array(location), "msg": .string(message)]])
    }

    static func noSuchDAG(_ id: String) -> APIError { APIError(404, .string("The Dag with ID: `\(id)` was not found")) }

    static func noSuchRun(_ dagID: String, _ runID: String) -> APIError {
        APIError(404, .string("The DagRun with dag_id: `\(dagID)` and run_id: `\(runID)` was not found"))
    }

    static func noSuchTaskInstance(_ dagID: String, _ runID: String, _ taskID: String) -> APIError {
        APIError(404, .string("The Task Instance with dag_id: `\(dagID)`, run_id: `\(runID)` and task_id: `\(taskID)` was not found"))
    }

    init(_ error: CommandError) {
        switch error {
        case .noSuchDAG(let id): self = .noSuchDAG(id)
        case .noSuchRun(let dagID, let runID): self = .noSuchRun(dagID, runID)
        case .exists(let dagID, let runID):
            self.init(409, .string("A DagRun of `\(dagID)` with the run_id `\(runID)` or that logical date exists already"))
        case .tooManyQueued(let dagID, let limit):
            self.init(409, .string("`\(dagID)` has \(limit) runs waiting, as many as scheduler.runs.queued.max allows"))
        case .reserved(let runID, let type):
            self.init(400, .string("A manual DAG run cannot use ID '\(runID)' since it is reserved for \(type.rawValue) runs."))
        case .conflict(let dagID, let runID, let reason):
            self.init(409, .string("The run `\(runID)` of `\(dagID)` is refused by the metadata: \(reason)"))
        case .storage(let reason): self.init(500, .string("the metadata cannot be read or written: \(reason)"))
        }
    }
}
