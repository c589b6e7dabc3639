/// `CloneSessionRequest`.
struct CloneSessionRequest: ProtobufMessage, Hashable {
    var session = SessionReference()
    var newSessionID: String?

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        while let number = try reader.next() {
            if number == 4 { newSessionID = try reader.string() } else { try session.read(number, from: &reader, observed: 5) }
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        session.write(into: &writer, observed: 5)
        writer.write(4, optional: newSessionID)
    }
}

/// `CloneSessionResponse`.
struct CloneSessionResponse: ProtobufMessage, Hashable {
    var sessionID = ""
    var serverSideID = ""
    var newSessionID = ""
    var newServerSideID = ""

    init(sessionID: String, serverSideID: String, newSessionID: String, newServerSideID: String) {
        self.sessionID = sessionID
        self.serverSideID = serverSideID
        self.newSessionID = newSessionID
        self.newServerSideID = newServerSideID
    }

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        while let number = try reader.next() {
            switch number {
            case 1: sessionID = try reader.string()
            case 2: serverSideID = try reader.string()
            case 3: newSessionID = try reader.string()
            case 4: newServerSideID = try reader.string()
            default: break
            }
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        writer.write(1, sessionID)
        writer.write(2, serverSideID)
        writer.write(3, newSessionID)
        writer.write(4, newServerSideID)
    }
}

/// `GetStatusRequest`: how far operations are, all of the session where none is named.
struct GetStatusRequest: ProtobufMessage, Hashable {
    var session = SessionReference()
    /// nil: nothing is asked about operations.
    var operationIDs: [String]?

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        while let number = try reader.next() {
            guard number == 5 else {
                try session.read(number, from: &reader, observed: 4)
                continue
            }
            var body = try reader.message()
            var ids: [String] = []
            while let number = try body.next() {
                if number == 1 { ids.append(try body.string()) }
            }
            operationIDs = ids
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        session.write(into: &writer, observed: 4)
        if let operationIDs { writer.write(5) { $0.write(1, repeated: operationIDs) } }
    }
}

/// `GetStatusResponse`.
struct GetStatusResponse: ProtobufMessage, Hashable {
    enum State: Int64, Hashable, Sendable {
        case unknown = 1
        case running = 2
        case terminating = 3
        case succeeded = 4
        case failed = 5
        case cancelled = 6
    }

    var sessionID: String
    var serverSideID: String
    var states: [(id: String, state: State)]

    static func == (first: GetStatusResponse, second: GetStatusResponse) -> Bool { first.encoded == second.encoded }
    func hash(into hasher: inout Hasher) { hasher.combine(encoded) }

    init(sessionID: String, serverSideID: String, states: [(id: String, state: State)]) {
        self.sessionID = sessionID
        self.serverSideID = serverSideID
        self.states = states
    }

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        self.init(sessionID: "", serverSideID: "", states: [])
        while try reader.next() != nil {}
    }

    func encode(into writer: inout ProtobufWriter) {
        writer.write(1, sessionID)
        writer.write(2, serverSideID)
        for (id, state) in states {
            writer.write(3) { body in
                body.write(1, id)
                body.write(2, state.rawValue)
            }
        }
    }
}
