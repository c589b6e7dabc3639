/// `StreamingQueryInstanceId`.
struct QueryInstanceID: ProtobufMessage, Hashable {
    var id = ""
    var runID = ""

    init(id: String, runID: String) {
        self.id = id
        self.runID = runID
    }

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        while let number = try reader.next() {
            switch number {
            case 1: id = try reader.string()
            case 2: runID = try reader.string()
            default: break
            }
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        writer.write(1, id)
        writer.write(2, runID)
    }
}

/// `StreamingQueryCommand`.
struct StreamingQueryCommand: ProtobufMessage, Hashable {
    enum Action: Hashable, Sendable {
        case status
        case lastProgress
        case recentProgress
        case stop
        case processAllAvailable
        case explain(isExtended: Bool)
        case exception
        case awaitTermination(timeoutMilliseconds: Int64?)
    }

    var query = QueryInstanceID(id: "", runID: "")
    var action: Action?

    init(query: QueryInstanceID, _ action: Action) {
        self.query = query
        self.action = action
    }

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        while let number = try reader.next() {
            switch number {
            case 1: query = try reader.message(QueryInstanceID.self)
            case 2: action = .status
            case 3: action = .lastProgress
            case 4: action = .recentProgress
            case 5: action = .stop
            case 6: action = .processAllAvailable
            case 7:
                var explain = try reader.message()
                var isExtended = false
                while let number = try explain.next() {
                    if number == 1 { isExtended = try explain.bool() }
                }
                action = .explain(isExtended: isExtended)
            case 8: action = .exception
            case 9:
                var wait = try reader.message()
                var timeout: Int64?
                while let number = try wait.next() {
                    if number == 2 { timeout = try wait.int64() }
                }
                action = .awaitTermination(timeoutMilliseconds: timeout)
            default: break
            }
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        writer.write(1, query)
        switch action {
        case .status: writer.write(2, optional: true)
        case .lastProgress: writer.write(3, optional: true)
        case .recentProgress: writer.write(4, optional: true)
        case .stop: writer.write(5, optional: true)
        case .processAllAvailable: writer.write(6, optional: true)
        case .explain(let isExtended): writer.write(7) { $0.write(1, isExtended) }
        case .exception: writer.write(8, optional: true)
        case .awaitTermination(let timeout): writer.write(9) { $0.write(2, optional: timeout) }
        case nil: break
        }
    }
}

/// `StreamingQueryCommandResult`. Some commands (stop, exception of a healthy query) are answered with the query's id alone.
struct StreamingQueryCommandResult: ProtobufMessage, Hashable {
    enum Content: Hashable, Sendable {
        case status(StreamingQueryStatus)
        case recentProgress([String])
        case explain(String)
        case exception(message: String?, errorClass: String?, stackTrace: String?)
        case awaitTermination(isTerminated: Bool)
    }

    var query = QueryInstanceID(id: "", runID: "")
    var content: Content?

    init(query: QueryInstanceID, _ content: Content? = nil) {
        self.query = query
        self.content = content
    }

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        while let number = try reader.next() {
            switch number {
            case 1: query = try reader.message(QueryInstanceID.self)
            case 2: content = .status(try Self.status(reader.message()))
            case 3:
                var body = try reader.message()
                var progress: [String] = []
                while let number = try body.next() {
                    if number == 5 { progress.append(try body.string()) }
                }
                content = .recentProgress(progress)
            case 4:
                var body = try reader.message()
                var text = ""
                while let number = try body.next() {
                    if number == 1 { text = try body.string() }
                }
                content = .explain(text)
            case 5: content = try Self.exception(reader.message())
            case 6:
                var body = try reader.message()
                var isTerminated = false
                while let number = try body.next() {
                    if number == 1 { isTerminated = try body.bool() }
                }
                content = .awaitTermination(isTerminated: isTerminated)
            default: break
            }
        }
    }

    private static func status(_ body: ProtobufReader) throws(ProtobufError) -> StreamingQueryStatus {
        var body = body
        var status = StreamingQueryStatus(message: "", isDataAvailable: false, isTriggerActive: false, isActive: false)
        while let number = try body.next() {
            switch number {
            case 1: status.message = try body.string()
            case 2: status.isDataAvailable = try body.bool()
            case 3: status.isTriggerActive = try body.bool()
            case 4: status.isActive = try body.bool()
            default: break
            }
        }
        return status
    }

    private static func exception(_ body: ProtobufReader) throws(ProtobufError) -> Content {
        var body = body
        var message: String?, errorClass: String?, stackTrace: String?
        while let number = try body.next() {
            switch number {
            case 1: message = try body.string()
            case 2: errorClass = try body.string()
            case 3: stackTrace = try body.string()
            default: break
            }
        }
        return .exception(message: message, errorClass: errorClass, stackTrace: stackTrace)
    }

    func encode(into writer: inout ProtobufWriter) {
        writer.write(1, query)
        switch content {
        case .status(let status):
            writer.write(2) { body in
                body.write(1, status.message)
                body.write(2, status.isDataAvailable)
                body.write(3, status.isTriggerActive)
                body.write(4, status.isActive)
            }
        case .recentProgress(let progress): writer.write(3) { $0.write(5, repeated: progress) }
        case .explain(let text): writer.write(4) { $0.write(1, text) }
        case .exception(let message, let errorClass, let stackTrace):
            writer.write(5) { body in
                body.write(1, optional: message)
                body.write(2, optional: errorClass)
                body.write(3, optional: stackTrace)
            }
        case .awaitTermination(let isTerminated): writer.write(6) { $0.write(1, isTerminated) }
        case nil: break
        }
    }
}

/// `StreamingQueryManagerCommand`, as far as it is served.
enum StreamingQueryManagerCommand: ProtobufMessage, Hashable {
    case active
    case getQuery(id: String)
    case awaitAnyTermination(timeoutMilliseconds: Int64?)
    case resetTerminated
    case listListeners
    case notServed(String)

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        self = .notServed("an empty StreamingQueryManagerCommand")
        while let number = try reader.next() {
            switch number {
            case 1: self = .active
            case 2: self = .getQuery(id: try reader.string())
            case 3:
                var wait = try reader.message()
                var timeout: Int64?
                while let number = try wait.next() {
                    if number == 1 { timeout = try wait.int64() }
                }
                self = .awaitAnyTermination(timeoutMilliseconds: timeout)
            case 4: self = .resetTerminated
            case 7: self = .listListeners
            default:
                let names = [5: "add_listener", 6: "remove_listener"]
                self = .notServed("StreamingQueryManagerCommand." + (names[number] ?? "\(number)"))
            }
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        switch self {
        case .active: writer.write(1, optional: true)
        case .getQuery(let id): writer.write(2, optional: id)
        case .awaitAnyTermination(let timeout): writer.write(3) { $0.write(1, optional: timeout) }
        case .resetTerminated: writer.write(4, optional: true)
        case .listListeners: writer.write(7, optional: true)
        case .notServed: break
        }
    }
}

/// `StreamingQueryManagerCommandResult`.
enum StreamingQueryManagerCommandResult: ProtobufMessage, Hashable {
    case active([ConnectStreamingQuery])
    /// Empty when there is no such query.
    case query(ConnectStreamingQuery?)
    case awaitAnyTermination(isTerminated: Bool)
    case resetTerminated
    /// Listeners that run on the server: PySpark's run on the client, so there are none.
    case listeners

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        self = .query(nil)
        while let number = try reader.next() {
            switch number {
            case 1:
                var body = try reader.message()
                var queries: [ConnectStreamingQuery] = []
                while let number = try body.next() {
                    if number == 1 { queries.append(try body.message(ConnectStreamingQuery.self)) }
                }
                self = .active(queries)
            case 2: self = .query(try reader.message(ConnectStreamingQuery.self))
            case 3:
                var body = try reader.message()
                var isTerminated = false
                while let number = try body.next() {
                    if number == 1 { isTerminated = try body.bool() }
                }
                self = .awaitAnyTermination(isTerminated: isTerminated)
            case 4: self = .resetTerminated
            case 7: self = .listeners
            default: break
            }
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        switch self {
        case .active(let queries):
            writer.write(1) { body in
                for query in queries { body.write(1, query) }
            }
        case .query(let query): writer.write(2, query)
        case .awaitAnyTermination(let isTerminated): writer.write(3) { $0.write(1, isTerminated) }
        case .resetTerminated: writer.write(4, optional: true)
        case .listeners: writer.write(7) { _ in }
        }
    }
}

/// A query that runs no more, and why where it did not end by itself.
package struct EndedStreamingQuery: Hashable, Sendable {
    package var query: ConnectStreamingQuery
    package var exception: String?
}

/// A streaming query as Spark Connect names it (`StreamingQueryInstance`).
package struct ConnectStreamingQuery: ProtobufMessage, Hashable {
    /// Stays the same over restarts from one checkpoint.
    package var id: String
    /// New at each start.
    package var runID: String
    package var name: String?

    package init(id: String, runID: String, name: String?) {
        self.id = id
        self.runID = runID
        self.name = name
    }

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        self.init(id: "", runID: "", name: nil)
        while let number = try reader.next() {
            switch number {
            case 1:
                let instance = try reader.message(QueryInstanceID.self)
                (id, runID) = (instance.id, instance.runID)
            case 2: name = try reader.string()
            default: break
            }
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        writer.write(1, QueryInstanceID(id: id, runID: runID))
        writer.write(2, optional: name)
    }
}
