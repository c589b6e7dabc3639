internal import NIOCore

/// `FetchErrorDetailsRequest`: asked by clients after an error whose details carry an `errorId`.
struct FetchErrorDetailsRequest: ProtobufMessage, Hashable {
    var session = SessionReference()
    var errorID = ""

    init(session: SessionReference, errorID: String) {
        self.session = session
        self.errorID = errorID
    }

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        while let number = try reader.next() {
            if number == 3 {
                errorID = try reader.string()
            } else {
                try session.read(number, from: &reader, observed: 5)
            }
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        session.write(into: &writer, observed: 5)
        writer.write(3, errorID)
    }
}

/// `FetchErrorDetailsResponse`, with the one error at its root. Without a known id it holds none.
struct FetchErrorDetailsResponse: ProtobufMessage, Hashable {
    var sessionID = ""
    var serverSideID = ""
    var classes: [String] = []
    var message: String?
    var errorClass: String?
    var sqlState: String?
    var parameters: [String: String] = [:]

    init(sessionID: String, serverSideID: String, error: ConnectError?) {
        self.sessionID = sessionID
        self.serverSideID = serverSideID
        guard let error else { return }
        classes = error.classes
        message = error.message
        errorClass = error.errorClass
        sqlState = error.sqlState
        parameters = error.parameters
    }

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        while let number = try reader.next() {
            switch number {
            case 2:
                var error = try reader.message()
                while let number = try error.next() {
                    switch number {
                    case 1: classes.append(try error.string())
                    case 2: message = try error.string()
                    case 5:
                        var throwable = try error.message()
                        while let number = try throwable.next() {
                            switch number {
                            case 1: errorClass = try throwable.string()
                            case 2:
                                let entry = try throwable.mapEntry()
                                parameters[entry.key] = entry.value
                            case 4: sqlState = try throwable.string()
                            default: break
                            }
                        }
                    default: break
                    }
                }
            case 3: serverSideID = try reader.string()
            case 4: sessionID = try reader.string()
            default: break
            }
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        if let message {
            writer.write(1, optional: Int64(0))
            writer.write(2) { error in
                error.write(1, repeated: classes)
                error.write(2, message)
                error.write(5) { throwable in
                    throwable.write(1, optional: errorClass)
                    throwable.write(2, map: parameters)
                    throwable.write(4, optional: sqlState)
                }
            }
        }
        writer.write(3, serverSideID)
        writer.write(4, sessionID)
    }
}

/// `google.rpc.Status` with one `google.rpc.ErrorInfo` in its details: the content of `grpc-status-details-bin`.
struct ErrorStatus: ProtobufMessage, Hashable {
    static let detailType = "type.googleapis.com/google.rpc.ErrorInfo"

    var code: Int64 = 0
    var message = ""
    var reason = ""
    var domain = ""
    var metadata: [String: String] = [:]

    init(code: Int, message: String, reason: String, domain: String, metadata: [String: String]) {
        self.code = Int64(code)
        self.message = message
        self.reason = reason
        self.domain = domain
        self.metadata = metadata
    }

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        while let number = try reader.next() {
            switch number {
            case 1: code = try reader.int64()
            case 2: message = try reader.string()
            case 3:
                var detail = try reader.message()
                var type = ""
                var value = ByteBuffer()
                while let number = try detail.next() {
                    switch number {
                    case 1: type = try detail.string()
                    case 2: value = try detail.bytes()
                    default: break
                    }
                }
                if type == Self.detailType { try readInfo(ProtobufReader(value)) }
            default: break
            }
        }
    }

    private mutating func readInfo(_ reader: ProtobufReader) throws(ProtobufError) {
        var reader = reader
        while let number = try reader.next() {
            switch number {
            case 1: reason = try reader.string()
            case 2: domain = try reader.string()
            case 3:
                let entry = try reader.mapEntry()
                metadata[entry.key] = entry.value
            default: break
            }
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        writer.write(1, code)
        writer.write(2, message)
        writer.write(3) { detail in
            detail.write(1, Self.detailType)
            detail.write(2) { info in
                info.write(1, reason)
                info.write(2, domain)
                info.write(3, map: metadata)
            }
        }
    }
}
