internal import HTTPServing
internal import HTTPTypes
internal import Hummingbird
internal import IO
internal import NIOCore

/// What the console refuses or cannot give, as the JSON `{"error": {"problem", "nextStep"}}` with a status of its own.
enum ConsoleError: DescribedError, HTTPResponseError, Equatable {
    case notFound(String)
    /// It does not get past the port's guard.
    case refusedAtTheDoor(RequestRefusal)
    case malformed(String)
    case notConfigured(box: String, setting: String)
    case unreachable(box: String, reason: String)
    case refused(box: String, status: Int, reason: String)
    case tooManyListeners(Int)
    case stopping

    var status: HTTPResponse.Status {
        switch self {
        case .notFound, .notConfigured: .notFound
        case .refusedAtTheDoor(let refusal): refusal.status
        case .malformed: .badRequest
        case .unreachable: .badGateway
        case .refused(_, let status, _): (400..<500).contains(status) && status != 401 ? .init(code: status) : .badGateway
        case .tooManyListeners, .stopping: .serviceUnavailable
        }
    }

    var problem: String {
        switch self {
        case .notFound(let what): "there is no \(what)"
        case .refusedAtTheDoor(let refusal): refusal.problem
        case .malformed(let what): what
        case .notConfigured(let box, _): "no \(box) is configured"
        case .unreachable(let box, let reason): "the \(box) does not answer: \(reason)"
        case .refused(let box, let status, let reason): "the \(box) refused with status \(status): \(reason)"
        case .tooManyListeners(let max): "\(max) pages follow the events already"
        case .stopping: "the console is stopping"
        }
    }

    var nextStep: String? {
        switch self {
        case .refusedAtTheDoor(let refusal): refusal.nextStep
        case .notConfigured(_, let setting): "set \(setting)"
        case .tooManyListeners: "close one, or raise console.listeners"
        default: nil
        }
    }

    private struct Body: Encodable {
        struct Inner: Encodable {
            var problem: String
            var nextStep: String?
        }
        var error: Inner
    }

    func response(from request: Request, context: some RequestContext) throws -> Response {
        JSONAnswer.response(Body(error: .init(problem: problem, nextStep: nextStep)), status: status)
    }
}
