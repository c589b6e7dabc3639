/// `ReattachExecuteRequest`: go on with an execution after the last response that arrived.
struct ReattachExecuteRequest: ProtobufMessage, Hashable {
    var session = SessionReference()
    var operationID = ""
    var lastResponseID: String?

    init(session: SessionReference, operationID: String, lastResponseID: String?) {
        self.session = session
        self.operationID = operationID
        self.lastResponseID = lastResponseID
    }

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        while let number = try reader.next() {
            switch number {
            case 3: operationID = try reader.string()
            case 5: lastResponseID = try reader.string()
            default: try session.read(number, from: &reader, observed: 6)
            }
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        session.write(into: &writer, observed: 6)
        writer.write(3, operationID)
        writer.write(5, optional: lastResponseID)
    }
}

/// `ReleaseExecuteRequest`: the client needs an execution's responses no more, all of them or up to one.
struct ReleaseExecuteRequest: ProtobufMessage, Hashable {
    var session = SessionReference()
    var operationID = ""
    /// Nil releases the whole execution.
    var untilResponseID: String?

    init(session: SessionReference, operationID: String, untilResponseID: String?) {
        self.session = session
        self.operationID = operationID
        self.untilResponseID = untilResponseID
    }

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        while let number = try reader.next() {
            switch number {
            case 3: operationID = try reader.string()
            case 6:
                var until = try reader.message()
                untilResponseID = ""
                while let number = try until.next() {
                    if number == 1 { untilResponseID = try until.string() }
                }
            default: try session.read(number, from: &reader, observed: 7)
            }
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        session.write(into: &writer, observed: 7)
        writer.write(3, operationID)
        if let untilResponseID {
            writer.write(6) { $0.write(1, untilResponseID) }
        } else {
            writer.write(5) { _ in }
        }
    }
}

/// `ReleaseExecuteResponse`.
struct ReleaseExecuteResponse: ProtobufMessage, Hashable {
    var sessionID = ""
    /// Absent when there was no such execution.
    var operationID: String?
    var serverSideID = ""

    init(sessionID: String, operationID: String?, serverSideID: String) {
        self.sessionID = sessionID
        self.operationID = operationID
        self.serverSideID = serverSideID
    }

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        while let number = try reader.next() {
            switch number {
            case 1: sessionID = try reader.string()
            case 2: operationID = try reader.string()
            case 3: serverSideID = try reader.string()
            default: break
            }
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        writer.write(1, sessionID)
        writer.write(2, optional: operationID)
        writer.write(3, serverSideID)
    }
}

/// `InterruptRequest`.
struct InterruptRequest: ProtobufMessage, Hashable {
    enum Target: Hashable, Sendable {
        case all
        case tag(String)
        case operation(id: String)
    }

    var session = SessionReference()
    private var type: Int32 = 0
    private var tag = ""
    private var operationID = ""

    init(session: SessionReference, target: Target) {
        self.session = session
        switch target {
        case .all: type = 1
        case .tag(let tag): (type, self.tag) = (2, tag)
        case .operation(let id): (type, operationID) = (3, id)
        }
    }

    /// Nil for a type that Spark's definition does not name.
    var target: Target? {
        switch type {
        case 1: .all
        case 2: .tag(tag)
        case 3: .operation(id: operationID)
        default: nil
        }
    }

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        while let number = try reader.next() {
            switch number {
            case 4: type = try reader.int32()
            case 5: tag = try reader.string()
            case 6: operationID = try reader.string()
            default: try session.read(number, from: &reader, observed: 7)
            }
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        session.write(into: &writer, observed: 7)
        writer.write(4, Int64(type))
        writer.write(5, tag)
        writer.write(6, operationID)
    }
}

/// `InterruptResponse`.
struct InterruptResponse: ProtobufMessage, Hashable {
    var sessionID = ""
    var interruptedIDs: [String] = []
    var serverSideID = ""

    init(sessionID: String, interruptedIDs: [String], serverSideID: String) {
        self.sessionID = sessionID
        self.interruptedIDs = interruptedIDs
        self.serverSideID = serverSideID
    }

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        while let number = try reader.next() {
            switch number {
            case 1: sessionID = try reader.string()
            case 2: interruptedIDs.append(try reader.string())
            case 3: serverSideID = try reader.string()
            default: break
            }
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        writer.write(1, sessionID)
        writer.write(2, repeated: interruptedIDs)
        writer.write(3, serverSideID)
    }
}

/// `ReleaseSessionRequest`.
struct ReleaseSessionRequest: ProtobufMessage, Hashable {
    var session = SessionReference()
    /// The client may come back with the same session id.
    var mayReconnect = false

    init(session: SessionReference, mayReconnect: Bool = false) {
        self.session = session
        self.mayReconnect = mayReconnect
    }

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        while let number = try reader.next() {
            if number == 4 {
                mayReconnect = try reader.bool()
            } else {
                try session.read(number, from: &reader)
            }
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        session.write(into: &writer)
        writer.write(4, mayReconnect)
    }
}

/// `ReleaseSessionResponse`.
struct ReleaseSessionResponse: ProtobufMessage, Hashable {
    var sessionID = ""
    /// Empty when there was no such session.
    var serverSideID = ""

    init(sessionID: String, serverSideID: String) {
        self.sessionID = sessionID
        self.serverSideID = serverSideID
    }

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        while let number = try reader.next() {
            switch number {
            case 1: sessionID = try reader.string()
            case 2: serverSideID = try reader.string()
            default: break
            }
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        writer.write(1, sessionID)
        writer.write(2, serverSideID)
    }
}
