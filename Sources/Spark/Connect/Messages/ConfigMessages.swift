/// `KeyValue`: the value is absent for a key that is not set.
struct KeyValue: ProtobufMessage, Hashable {
    var key = ""
    var value: String?

    init(_ key: String, _ value: String?) {
        self.key = key
        self.value = value
    }

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        while let number = try reader.next() {
            switch number {
            case 1: key = try reader.string()
            case 2: value = try reader.string()
            default: break
            }
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        writer.write(1, key)
        writer.write(2, optional: value)
    }
}

/// `ConfigRequest`.
struct ConfigRequest: ProtobufMessage, Hashable {
    enum Operation: Hashable, Sendable {
        /// With `isSilent`, keys that cannot be set come back as warnings instead of an error.
        case set([KeyValue], isSilent: Bool)
        case get([String])
        case getWithDefault([KeyValue])
        case getOption([String])
        case getAll(prefix: String?)
        case unset([String])
        case isModifiable([String])
    }

    var session = SessionReference()
    var operation: Operation?

    init(session: SessionReference, operation: Operation) {
        self.session = session
        self.operation = operation
    }

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        while let number = try reader.next() {
            if number == 3 {
                operation = try Self.operation(reader.message())
            } else {
                try session.read(number, from: &reader, observed: 8)
            }
        }
    }

    private static func operation(_ message: ProtobufReader) throws(ProtobufError) -> Operation? {
        var message = message
        var operation: Operation?
        while let number = try message.next() {
            guard (1...7).contains(number) else { continue }
            var body = try message.message()
            var pairs: [KeyValue] = []
            var keys: [String] = []
            var prefix: String?
            var isSilent = false
            while let field = try body.next() {
                switch (number, field) {
                case (1, 1), (3, 1): pairs.append(try body.message(KeyValue.self))
                case (1, 2): isSilent = try body.bool()
                case (5, 1): prefix = try body.string()
                case (_, 1): keys.append(try body.string())
                default: break
                }
            }
            operation =
                switch number {
                case 1: .set(pairs, isSilent: isSilent)
                case 2: .get(keys)
                case 3: .getWithDefault(pairs)
                case 4: .getOption(keys)
                case 5: .getAll(prefix: prefix)
                case 6: .unset(keys)
                default: .isModifiable(keys)
                }
        }
        return operation
    }

    func encode(into writer: inout ProtobufWriter) {
        session.write(into: &writer, observed: 8)
        writer.write(3) { writer in
            switch operation {
            case .set(let pairs, let isSilent):
                writer.write(1) { body in
                    for pair in pairs { body.write(1, pair) }
                    body.write(2, optional: isSilent)
                }
            case .get(let keys): writer.write(2) { $0.write(1, repeated: keys) }
            case .getWithDefault(let pairs):
                writer.write(3) { body in
                    for pair in pairs { body.write(1, pair) }
                }
            case .getOption(let keys): writer.write(4) { $0.write(1, repeated: keys) }
            case .getAll(let prefix): writer.write(5) { $0.write(1, optional: prefix) }
            case .unset(let keys): writer.write(6) { $0.write(1, repeated: keys) }
            case .isModifiable(let keys): writer.write(7) { $0.write(1, repeated: keys) }
            case nil: break
            }
        }
    }
}

/// `ConfigResponse`.
struct ConfigResponse: ProtobufMessage, Hashable {
    var sessionID = ""
    var pairs: [KeyValue] = []
    var warnings: [String] = []
    var serverSideID = ""

    init(sessionID: String, serverSideID: String) {
        self.sessionID = sessionID
        self.serverSideID = serverSideID
    }

    init(_ reader: inout ProtobufReader) throws(ProtobufError) {
        while let number = try reader.next() {
            switch number {
            case 1: sessionID = try reader.string()
            case 2: pairs.append(try reader.message(KeyValue.self))
            case 3: warnings.append(try reader.string())
            case 4: serverSideID = try reader.string()
            default: break
            }
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        writer.write(1, sessionID)
        for pair in pairs { writer.write(2, pair) }
        writer.write(3, repeated: warnings)
        writer.write(4, serverSideID)
    }
}
