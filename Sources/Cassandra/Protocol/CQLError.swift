internal import IO

/// An error of the CQL native protocol: its code (v5, section 9), a message, and what some codes carry besides.
///
/// Server and client share it: the server writes it into an ERROR message, the client reads it from one and throws it (inside
/// ``CassandraClientError``, which names the host and the statement).
package struct CQLError: Error, Hashable, Sendable {
    package struct Code: Hashable, Sendable, RawRepresentable {
        package let rawValue: Int32
        package init(rawValue: Int32) { self.rawValue = rawValue }

        package static let serverError = Code(rawValue: 0x0000)
        package static let protocolError = Code(rawValue: 0x000A)
        package static let badCredentials = Code(rawValue: 0x0100)
        package static let unavailable = Code(rawValue: 0x1000)
        package static let overloaded = Code(rawValue: 0x1001)
        package static let isBootstrapping = Code(rawValue: 0x1002)
        package static let truncateError = Code(rawValue: 0x1003)
        package static let writeTimeout = Code(rawValue: 0x1100)
        package static let readTimeout = Code(rawValue: 0x1200)
        package static let readFailure = Code(rawValue: 0x1300)
        package static let functionFailure = Code(rawValue: 0x1400)
        package static let writeFailure = Code(rawValue: 0x1500)
        package static let syntaxError = Code(rawValue: 0x2000)
        package static let unauthorized = Code(rawValue: 0x2100)
        package static let invalid = Code(rawValue: 0x2200)
        package static let configError = Code(rawValue: 0x2300)
        package static let alreadyExists = Code(rawValue: 0x2400)
        package static let unprepared = Code(rawValue: 0x2500)
    }

    /// What an ERROR carries after its message.
    package enum Details: Hashable, Sendable {
        case none
        /// Keyspace and table; the table is empty when a keyspace exists already.
        case alreadyExists(keyspace: String, table: String)
        case unprepared(id: [UInt8])
        case unavailable(Consistency, required: Int32, alive: Int32)
        case writeTimeout(Consistency, received: Int32, blockFor: Int32, writeType: String)
        case readTimeout(Consistency, received: Int32, blockFor: Int32, dataPresent: Bool)
        case writeFailure(Consistency, received: Int32, blockFor: Int32, failures: Int32, writeType: String)
        case readFailure(Consistency, received: Int32, blockFor: Int32, failures: Int32, dataPresent: Bool)
    }

    package let code: Code
    package let message: String
    package let details: Details

    package init(_ code: Code, _ message: String, details: Details = .none) {
        self.code = code
        self.message = message
        self.details = details
    }

    package static func serverError(_ message: String) -> CQLError { CQLError(.serverError, message) }
    package static func protocolError(_ message: String) -> CQLError { CQLError(.protocolError, message) }
    package static func badCredentials(_ message: String) -> CQLError { CQLError(.badCredentials, message) }
    package static func overloaded(_ message: String) -> CQLError { CQLError(.overloaded, message) }
    package static func truncateError(_ message: String) -> CQLError { CQLError(.truncateError, message) }
    package static func syntaxError(_ message: String) -> CQLError { CQLError(.syntaxError, message) }
    package static func unauthorized(_ message: String) -> CQLError { CQLError(.unauthorized, message) }
    package static func invalid(_ message: String) -> CQLError { CQLError(.invalid, message) }
    package static func configError(_ message: String) -> CQLError { CQLError(.configError, message) }

    package static func writeTimeout(_ message: String, consistency: Consistency, writeType: String = "SIMPLE") -> CQLError {
        CQLError(.writeTimeout, message, details: .writeTimeout(consistency, received: 0, blockFor: 1, writeType: writeType))
    }

    package static func readTimeout(_ message: String, consistency: Consistency) -> CQLError {
        CQLError(.readTimeout, message, details: .readTimeout(consistency, received: 0, blockFor: 1, dataPresent: false))
    }

    package static func alreadyExists(keyspace: String, table: String = "") -> CQLError {
        let message =
            table.isEmpty
            ? "Cannot add existing keyspace \"\(keyspace)\"" : "Cannot add already existing table \"\(table)\" to keyspace \"\(keyspace)\""
        return CQLError(.alreadyExists, message, details: .alreadyExists(keyspace: keyspace, table: table))
    }

    package static func unprepared(id: [UInt8]) -> CQLError {
        let text = id.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
        let message = "Prepared query with ID \(text) not found (either the query was not prepared on this host or it has been evicted)"
        return CQLError(.unprepared, message, details: .unprepared(id: id))
    }
}

extension CQLError.Code: CustomStringConvertible {
    /// The name that the specification gives the code.
    package var description: String {
        switch self {
        case .serverError: "Server error"
        case .protocolError: "Protocol error"
        case .badCredentials: "Bad credentials"
        case .unavailable: "Unavailable"
        case .overloaded: "Overloaded"
        case .isBootstrapping: "Is bootstrapping"
        case .truncateError: "Truncate error"
        case .writeTimeout: "Write timeout"
        case .readTimeout: "Read timeout"
        case .readFailure: "Read failure"
        case .functionFailure: "Function failure"
        case .writeFailure: "Write failure"
        case .syntaxError: "Syntax error"
        case .unauthorized: "Unauthorized"
        case .invalid: "Invalid"
        case .configError: "Config error"
        case .alreadyExists: "Already exists"
        case .unprepared: "Unprepared"
        default: "Error 0x" + String(rawValue, radix: 16)
        }
    }
}

extension CQLError: DescribedError {
    package var problem: String { "\(code): \(message)" }

    package var nextStep: String? {
        switch code {
        case .overloaded: "slow down or retry later"
        case .badCredentials: "give the user name and password that the server knows"
        default: nil
        }
    }
}
