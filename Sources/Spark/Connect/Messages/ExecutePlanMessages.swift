/// `Plan`, as far as it is served.
enum ConnectPlan: ProtobufMessage, Hashable {
    case command(ConnectCommand)
    /// What is asked for, by its name in Spark's definition.
    case notServed(String)

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        self = .notServed("an empty Plan")
        while let number = try reader.next() {
            switch number {
            case 1: self = .notServed("Relation." + (try Self.relationName(reader.message())))
            case 2: self = .command(try reader.message(ConnectCommand.self))
            case 3: self = .notServed("Plan.compressed_operation")
            default: break
            }
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        if case .command(let command) = self { writer.write(2, command) }
    }

    private static func relationName(_ message: ProtobufReader) throws(ProtobufError) -> String {
        var message = message
        var name = "unknown"
        while let number = try message.next() {
            if let known = SparkConnectNames.relations[number] { name = known }
        }
        return name
    }
}

/// `Command`, as far as it is served.
enum ConnectCommand: ProtobufMessage, Hashable {
    case streamingQuery(StreamingQueryCommand)
    case streamingQueries(StreamingQueryManagerCommand)
    /// `ml_command.clean_cache`, which a PySpark process sends when it exits without stopping its session.
    case cleanMLCache
    case notServed(String)

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        self = .notServed("an empty Command")
        while let number = try reader.next() {
            switch number {
            case 7: self = .streamingQuery(try reader.message(StreamingQueryCommand.self))
            case 9: self = .streamingQueries(try reader.message(StreamingQueryManagerCommand.self))
            case 17:
                var command = try reader.message()
                self = .notServed("Command.ml_command")
                while let number = try command.next() {
                    if number == 7 { self = .cleanMLCache }
                }
            default: self = .notServed("Command." + (SparkConnectNames.commands[number] ?? "\(number)"))
            }
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        switch self {
        case .streamingQuery(let command): writer.write(7, command)
        case .streamingQueries(let command): writer.write(9, command)
        case .cleanMLCache: writer.write(17) { $0.write(7) { _ in } }
        case .notServed: break
        }
    }
}

/// `ExecutePlanRequest`.
struct ExecutePlanRequest: ProtobufMessage, Hashable {
    var session = SessionReference()
    var plan: ConnectPlan?
    var operationID: String?
    var tags: [String] = []
    var isReattachable = false

    init(session: SessionReference, plan: ConnectPlan, operationID: String? = nil, tags: [String] = [], isReattachable: Bool = false) {
        self.session = session
        self.plan = plan
        self.operationID = operationID
        self.tags = tags
        self.isReattachable = isReattachable
    }

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        while let number = try reader.next() {
            switch number {
            case 3: plan = try reader.message(ConnectPlan.self)
            case 5:
                var option = try reader.message()
                while let number = try option.next() {
                    guard number == 1 else { continue }
                    var reattach = try option.message()
                    while let number = try reattach.next() {
                        if number == 1 { isReattachable = try reattach.bool() }
                    }
                }
            case 6: operationID = try reader.string()
            case 7: tags.append(try reader.string())
            default: try session.read(number, from: &reader, observed: 8)
            }
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        session.write(into: &writer, observed: 8)
        writer.write(3, plan)
        if isReattachable { writer.write(5) { $0.write(1) { $0.write(1, true) } } }
        writer.write(6, optional: operationID)
        writer.write(7, repeated: tags)
    }
}

/// `ExecutePlanResponse`.
struct ExecutePlanResponse: ProtobufMessage, Hashable {
    enum Content: Hashable, Sendable {
        case streamingQuery(StreamingQueryCommandResult)
        case streamingQueries(StreamingQueryManagerCommandResult)
        /// A sign of life while a command runs.
        case progress
        /// The last response of every execution that did not fail.
        case resultComplete
    }

    var sessionID = ""
    var serverSideID = ""
    var operationID = ""
    var responseID = ""
    var content: Content?

    init(_ content: Content) {
        self.content = content
    }

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        while let number = try reader.next() {
            switch number {
            case 1: sessionID = try reader.string()
            case 9: content = .streamingQuery(try reader.message(StreamingQueryCommandResult.self))
            case 11: content = .streamingQueries(try reader.message(StreamingQueryManagerCommandResult.self))
            case 12: operationID = try reader.string()
            case 13: responseID = try reader.string()
            case 14: content = .resultComplete
            case 15: serverSideID = try reader.string()
            case 18: content = .progress
            default: break
            }
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        writer.write(1, sessionID)
        switch content {
        case .streamingQuery(let result): writer.write(9, result)
        case .streamingQueries(let result): writer.write(11, result)
        case .progress: writer.write(18) { _ in }
        case .resultComplete: writer.write(14) { _ in }
        case nil: break
        }
        writer.write(12, operationID)
        writer.write(13, responseID)
        writer.write(15, serverSideID)
    }
}
