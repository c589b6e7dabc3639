internal import HTTPTypes
internal import Hummingbird
internal import IO

/// An answer in Confluent's error form, `{"error_code": 40401, "message": "Subject 'x' not found."}`: the first three digits
/// of the code are the HTTP status, and clients tell cases apart by the rest.
/// (Schema Registry API reference, "Errors".)
struct RegistryError: Error, HTTPResponseError, Equatable {
    let code: Int
    let message: String
    /// For 405: the methods that the path does take.
    var allowed: [HTTPRequest.Method] = []

    var status: HTTPResponse.Status { HTTPResponse.Status(code: code > 999 ? code / 100 : code) }

    static func subjectNotFound(_ subject: String) -> RegistryError {
        RegistryError(code: 40_401, message: "Subject '\(subject)' not found.")
    }

    static func schemaNotFound(_ id: Int) -> RegistryError {
        RegistryError(code: 40_403, message: "Schema \(id) not found")
    }

    static func noSubjectCompatibility(_ subject: String) -> RegistryError {
        RegistryError(code: 40_408, message: "Subject '\(subject)' does not have subject-level compatibility configured")
    }

    static func noSubjectMode(_ subject: String) -> RegistryError {
        RegistryError(code: 40_409, message: "Subject '\(subject)' does not have subject-level mode configured")
    }

    static func notServed(_ what: String) -> RegistryError {
        RegistryError(code: 501, message: "\(what) is not served yet by Leat's schema registry; nothing was stored or changed.")
    }

    static let notFound = RegistryError(code: 404, message: "HTTP 404 Not Found")

    static func methodNotAllowed(_ allowed: [HTTPRequest.Method]) -> RegistryError {
        RegistryError(code: 405, message: "HTTP 405 Method Not Allowed", allowed: allowed)
    }

    func response(from request: Request, context: some RequestContext) throws -> Response {
        var response = RegistryJSON.response(["error_code": .integer(Int64(code)), "message": .string(message)], status: status)
        if !allowed.isEmpty { response.headers[.allow] = allowed.map(\.rawValue).joined(separator: ",") }
        return response
    }
}
