package import IO

/// A request that failed, with the host and the statement it was for.
package struct CassandraClientError: DescribedError {
    package enum Kind: Sendable, Hashable {
        /// The server's own error.
        case server(CQLError)
        case cannotConnect(String)
        /// The connection ended before the answer came: the request may or may not have been carried out.
        case connectionLost(String)
        case timedOut(Duration)
        /// Too many requests wait for a stream of the connection.
        case tooManyWaiting(Int)
        /// The server's answer is none.
        case badAnswer(CQLError)
        /// A value does not fit its column; nothing was sent.
        case badValue(CQLError)
        case closed
    }

    package let kind: Kind
    package var host: Endpoint?
    package var statement: String?

    package init(_ kind: Kind, host: Endpoint? = nil, statement: String? = nil) {
        self.kind = kind
        self.host = host
        self.statement = statement
    }

    /// The server's error, where it is one.
    package var serverError: CQLError? { if case .server(let error) = kind { error } else { nil } }

    package var place: String? { host?.description }

    package var problem: String {
        let what =
            switch kind {
            case .server(let error): error.problem
            case .cannotConnect(let reason): "cannot connect to the Cassandra server: \(reason)"
            case .connectionLost(let reason): "the connection ended before the answer: \(reason)"
            case .timedOut(let limit): "no answer within \(limit.text)"
            case .tooManyWaiting(let count): "\(count) requests wait for the connection already"
            case .badAnswer(let error): "the server's answer cannot be read: \(error.message)"
            case .badValue(let error): error.message
            case .closed: "the client is closed"
            }
        guard let statement else { return what }
        return what + " (in: \(Self.shortened(statement)))"
    }

    package var nextStep: String? {
        switch kind {
        case .server(let error): error.nextStep
        case .cannotConnect: "check that a store or Cassandra listens there (`leat store` starts one)"
        case .tooManyWaiting: "send less at a time, or raise the client's inFlightMax"
        default: nil
        }
    }

    /// Whether another attempt can help, when carrying the request out twice does no harm.
    var isTransient: Bool {
        switch kind {
        case .cannotConnect, .connectionLost, .timedOut, .tooManyWaiting: true
        case .server(let error):
            switch error.code {
            case .overloaded, .isBootstrapping, .unavailable, .writeTimeout, .readTimeout, .unprepared: true
            default: false
            }
        case .badAnswer, .badValue, .closed: false
        }
    }

    /// Whether the host, not the statement, failed.
    var isOfHost: Bool {
        switch kind {
        case .cannotConnect, .connectionLost, .timedOut: true
        default: false
        }
    }

    static func shortened(_ statement: String) -> String {
        let line = statement.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return line.count > 120 ? line.prefix(119) + "…" : line
    }
}
