internal import NIOCore

/// The opening of a connection, from STARTUP to the first request: v5, section 4.1.1 to 4.1.3 and 4.2.
///
/// READY or AUTHENTICATE ends the plain framing in v5: what follows, in both directions, is in segments.
struct ClientHandshake {
    enum Action {
        case send(Opcode, ByteBuffer, beginsSegments: Bool)
        case finish(beginsSegments: Bool)
        case fail(CQLError)
    }

    private enum State {
        case startingUp, authenticating, choosingKeyspace, finished
    }

    private var state = State.startingUp
    private let version: ProtocolVersion
    private let keyspace: String?
    private let credentials: (user: String, password: String)?

    init(version: ProtocolVersion, keyspace: String?, credentials: (user: String, password: String)?) {
        self.version = version
        self.keyspace = keyspace
        self.credentials = credentials
    }

    var isFinished: Bool { state == .finished }

    func startup() -> ByteBuffer {
        var body = ByteBuffer()
        Startup(options: ["CQL_VERSION": "3.0.0", "DRIVER_NAME": "Leat", "DRIVER_VERSION": "1"]).write(to: &body)
        return body
    }

    mutating func received(_ frame: Frame) -> Action {
        do throws(CQLError) {
            var frame = frame
            _ = try frame.readWarnings()
            switch (state, frame.header.opcode) {
            case (_, .error):
                return .fail(try CQLError(from: &frame.body, version: frame.header.version))
            case (.startingUp, .ready):
                return chooseKeyspace(beginsSegments: version >= .v5)
            case (.startingUp, .authenticate):
                let authenticator = try Authentication.readAuthenticator(from: &frame.body)
                guard let credentials else {
                    return .fail(.badCredentials("the server asks for a user name and password (\(authenticator)), and none are set"))
                }
                state = .authenticating
                var body = ByteBuffer()
                Authentication.writePlainResponse(user: credentials.user, password: credentials.password, to: &body)
                return .send(.authResponse, body, beginsSegments: version >= .v5)
            case (.authenticating, .authSuccess):
                return chooseKeyspace(beginsSegments: false)
            case (.authenticating, .authChallenge):
                return .fail(.badCredentials("the server asks for more than a user name and password"))
            case (.choosingKeyspace, .result):
                state = .finished
                return .finish(beginsSegments: false)
            default:
                return .fail(.protocolError("\(frame.header.opcode.name) during the handshake"))
            }
        } catch {
            return .fail(error)
        }
    }

    private mutating func chooseKeyspace(beginsSegments: Bool) -> Action {
        guard let keyspace else {
            state = .finished
            return .finish(beginsSegments: beginsSegments)
        }
        state = .choosingKeyspace
        var body = ByteBuffer()
        let name = keyspace.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
        Query(statement: "USE \"\(name)\"", parameters: QueryParameters(request: StatementRequest())).write(to: &body, version: version)
        return .send(.query, body, beginsSegments: beginsSegments)
    }
}
