internal import NIOCore

/// `Plan`. A relation and the commands that hold one stay bytes here: they are lowered with what the session knows.
enum ConnectPlan: ProtobufMessage, Hashable {
    /// A `Relation`.
    case root(ByteBuffer)
    case command(ConnectCommand)
    /// A packed `Relation` or `Command`.
    case compressed(CompressedOperation)
    /// What is asked for, by its name in Spark's definition.
    case notServed(String)

    struct CompressedOperation: ProtobufMessage, Hashable {
        enum Kind: Hashable, Sendable {
            case relation
            case command
        }

        var data = ByteBuffer()
        var kind: Kind?
        /// `COMPRESSION_CODEC_ZSTD` is the only one.
        var codec: Int32 = 0

        init(_ reader: inout ProtobufReader) throws(ProtobufError) {
            while let number = try reader.next() {
                switch number {
                case 1: data = try reader.bytes()
                case 2: kind = [1: .relation, 2: .command][try reader.int32()]
                case 3: codec = try reader.int32()
                default: break
                }
            }
        }

        func encode(into writer: inout ProtobufWriter) {
            writer.write(1, optional: data)
            writer.write(2, Int64(kind == .relation ? 1 : kind == .command ? 2 : 0))
            writer.write(3, Int64(codec))
        }
    }

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        self = .notServed("an empty Plan")
        while let number = try reader.next() {
            switch number {
            case 1: self = .root(try reader.bytes())
            case 2: self = .command(try reader.message(ConnectCommand.self))
            case 3: self = .compressed(try reader.message(CompressedOperation.self))
            default: break
            }
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        switch self {
        case .root(let relation): writer.write(1, optional: relation)
        case .command(let command): writer.write(2, command)
        case .compressed(let operation): writer.write(3, operation)
        case .notServed: break
        }
    }
}

/// `Command`, as far as it is served.
enum ConnectCommand: ProtobufMessage, Hashable {
    /// A command that holds relations or functions, by its number in `Command.command_type`.
    case lowered(Kind, ByteBuffer)
    case streamingQuery(StreamingQueryCommand)
    case streamingQueries(StreamingQueryManagerCommand)
    /// True when the listener is added, false when it is removed.
    case listenerBus(isAdded: Bool)
    case resources
    /// `ml_command.clean_cache`, which a PySpark process sends when it exits without stopping its session.
    case cleanMLCache
    case notServed(String)

    enum Kind: Int, Hashable, Sendable {
        case registerFunction = 1
        case write = 2
        case createView = 3
        case writeV2 = 4
        case sql = 5
        case startStream = 6
        case checkpoint = 14
        case removeCached = 15
    }

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        self = .notServed("an empty Command")
        while let number = try reader.next() {
            switch number {
            case 7: self = .streamingQuery(try reader.message(StreamingQueryCommand.self))
            case 8: self = .resources
            case 9: self = .streamingQueries(try reader.message(StreamingQueryManagerCommand.self))
            case 11:
                var command = try reader.message()
                while let number = try command.next() { self = .listenerBus(isAdded: number == 1) }
            case 17:
                var command = try reader.message()
                self = .notServed("Command.ml_command")
                while let number = try command.next() {
                    if number == 7 { self = .cleanMLCache }
                }
            default:
                if let kind = Kind(rawValue: number) {
                    self = .lowered(kind, try reader.bytes())
                } else {
                    self = .notServed("Command." + (SparkConnectNames.commands[number] ?? "\(number)"))
                }
            }
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        switch self {
        case .lowered(let kind, let body): writer.write(kind.rawValue, optional: body)
        case .streamingQuery(let command): writer.write(7, command)
        case .streamingQueries(let command): writer.write(9, command)
        case .listenerBus(let isAdded): writer.write(11) { $0.write(isAdded ? 1 : 2, optional: true) }
        case .resources: writer.write(8) { _ in }
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
    /// Whether a batch of rows may come in several responses, and of how many bytes the client would have them.
    var allowsChunks = false
    var chunkBytes: Int64?

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
                    guard number == 1 || number == 2 else { continue }
                    var body = try option.message()
                    while let field = try body.next() {
                        switch (number, field) {
                        case (1, 1): isReattachable = try body.bool()
                        case (2, 1): allowsChunks = try body.bool()
                        case (2, 2): chunkBytes = try body.int64()
                        default: break
                        }
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
        if allowsChunks {
            writer.write(5) { option in
                option.write(2) { body in
                    body.write(1, true)
                    body.write(2, optional: chunkBytes)
                }
            }
        }
        writer.write(6, optional: operationID)
        writer.write(7, repeated: tags)
    }
}

/// `ExecutePlanResponse`.
struct ExecutePlanResponse: ProtobufMessage, Hashable {
    /// A part of a result: an Arrow stream, or a piece of one.
    struct Rows: Hashable, Sendable {
        var count: Int
        /// Of the batch's first row in the result.
        var start: Int
        var data: ByteBuffer
        /// Which of how many pieces; nil for a whole stream.
        var chunk: Chunk?

        struct Chunk: Hashable, Sendable {
            var index: Int
            var count: Int
        }
    }

    enum Content: Hashable, Sendable {
        case schema(StructType)
        case rows(Rows)
        /// What the plan's parts counted: nothing so far, but clients wait for the message.
        case metrics
        case observed(name: String, keys: [String], values: [Literal], planID: Int64)
        /// The relation that stands for a SQL command's result.
        case sqlCommand(ByteBuffer)
        case streamStarted(QueryInstanceID, name: String?, event: String?)
        case streamingQuery(StreamingQueryCommandResult)
        case streamingQueries(StreamingQueryManagerCommandResult)
        case listenerAdded
        case listenerEvents([ListenerEvent])
        case resources
        case checkpoint(relationID: String)
        /// `ml_command_result`: how many models were let go of.
        case modelsCleaned(Int64)
        /// A sign of life while a command runs.
        case progress
        /// The last response of every execution that did not fail.
        case resultComplete
    }

    /// `StreamingQueryListenerEvent`.
    struct ListenerEvent: Hashable, Sendable {
        enum Kind: Int64, Hashable, Sendable {
            case progress = 1
            case terminated = 2
            case idle = 3
        }

        var json: String
        var kind: Kind
    }

    var sessionID = ""
    var serverSideID = ""
    var operationID = ""
    var responseID = ""
    var content: Content?

    init(_ content: Content) {
        self.content = content
    }

    /// About how many bytes it holds on to.
    var byteCount: Int {
        if case .rows(let rows)? = content { return rows.data.readableBytes + 256 }
        return 256
    }

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        while let number = try reader.next() {
            switch number {
            case 1: sessionID = try reader.string()
            case 2: content = .rows(try Self.rows(reader.message()))
            case 4: content = .metrics
            case 5:
                var result = try reader.message()
                while let number = try result.next() {
                    if number == 1 { content = .sqlCommand(try result.bytes()) }
                }
            case 7:
                let body = try reader.message()
                if case .structure(let schema)? = try? DataType(wire: body) { content = .schema(schema) }
            case 8: content = try Self.started(reader.message())
            case 9: content = .streamingQuery(try reader.message(StreamingQueryCommandResult.self))
            case 10: content = .resources
            case 11: content = .streamingQueries(try reader.message(StreamingQueryManagerCommandResult.self))
            case 12: operationID = try reader.string()
            case 13: responseID = try reader.string()
            case 14: content = .resultComplete
            case 15: serverSideID = try reader.string()
            case 16: content = .listenerAdded
            case 18: content = .progress
            default: break
            }
        }
    }

    private static func rows(_ message: ProtobufReader) throws(ProtobufError) -> Rows {
        var message = message
        var rows = Rows(count: 0, start: 0, data: ByteBuffer())
        while let number = try message.next() {
            switch number {
            case 1: rows.count = Int(try message.int64())
            case 2: rows.data = try message.bytes()
            case 3: rows.start = Int(try message.int64())
            case 4: rows.chunk = Rows.Chunk(index: Int(try message.int64()), count: rows.chunk?.count ?? 0)
            case 5: rows.chunk = Rows.Chunk(index: rows.chunk?.index ?? 0, count: Int(try message.int64()))
            default: break
            }
        }
        return rows
    }

    private static func started(_ message: ProtobufReader) throws(ProtobufError) -> Content {
        var message = message
        var id = QueryInstanceID(id: "", runID: "")
        var name: String?, event: String?
        while let number = try message.next() {
            switch number {
            case 1: id = try message.message(QueryInstanceID.self)
            case 2: name = try message.string()
            case 3: event = try message.string()
            default: break
            }
        }
        return .streamStarted(id, name: name, event: event)
    }

    func encode(into writer: inout ProtobufWriter) {
        writer.write(1, sessionID)
        switch content {
        case .schema(let schema): writer.write(7) { DataType.structure(schema).write(wire: &$0) }
        case .rows(let rows):
            writer.write(2) { body in
                body.write(1, Int64(rows.count))
                body.write(2, optional: rows.data)
                body.write(3, optional: Int64(rows.start))
                body.write(4, optional: rows.chunk.map { Int64($0.index) })
                body.write(5, optional: rows.chunk.map { Int64($0.count) })
            }
        case .metrics: writer.write(4) { _ in }
        case .observed(let name, let keys, let values, let planID):
            writer.write(6) { body in
                body.write(1, name)
                for value in values { body.write(2) { value.write(wire: &$0) } }
                body.write(3, repeated: keys)
                body.write(4, planID)
            }
        case .sqlCommand(let relation): writer.write(5) { $0.write(1, optional: relation) }
        case .streamStarted(let id, let name, let event):
            writer.write(8) { body in
                body.write(1, id)
                body.write(2, name ?? "")
                body.write(3, optional: event)
            }
        case .streamingQuery(let result): writer.write(9, result)
        case .streamingQueries(let result): writer.write(11, result)
        case .listenerAdded: writer.write(16) { $0.write(2, optional: true) }
        case .listenerEvents(let events):
            writer.write(16) { body in
                for event in events {
                    body.write(1) { entry in
                        entry.write(1, event.json)
                        entry.write(2, event.kind.rawValue)
                    }
                }
            }
        case .resources: writer.write(10) { _ in }
        case .checkpoint(let id): writer.write(19) { $0.write(1) { $0.write(1, id) } }
        case .modelsCleaned(let count): writer.write(20) { $0.write(1) { $0.write(6, optional: count) } }
        case .progress: writer.write(18) { _ in }
        case .resultComplete: writer.write(14) { _ in }
        case nil: break
        }
        writer.write(12, operationID)
        writer.write(13, responseID)
        writer.write(15, serverSideID)
    }
}
