internal import HTTPTypes
internal import Hummingbird
internal import IO
internal import NIOCore

/// What the console refuses or cannot give, as the JSON `{"error": {"problem", "nextStep"}}` with a status of its own.
enum ConsoleError: DescribedError, HTTPResponseError, Equatable {
    case notFound(String)
    case foreignHost(String)
    case foreignOrigin
    case notJSON
    case malformed(String)
    case notConfigured(box: String, setting: String)
    case unreachable(box: String, reason: String)
    case refused(box: String, status: Int, reason: String)
    case tooManyListeners(Int)
    case stopping

    var status: HTTPResponse.Status {
        switch self {
        case .notFound, .notConfigured: .notFound
        case .foreignHost: .misdirectedRequest
        case .foreignOrigin: .forbidden
        case .notJSON: .unsupportedMediaType
        case .malformed: .badRequest
        case .unreachable: .badGateway
        case .refused(_, let status, _): (400..<500).contains(status) && status != 401 ? .init(code: status) : .badGateway
        case .tooManyListeners, .stopping: .serviceUnavailable
        }
    }

    var problem: String {
        switch self {
        case .notFound(let what): "there is no \(what)"
        case .foreignHost(let host): "'\(host)' is not a name of this console"
        case .foreignOrigin: "the request comes from another site's page"
        case .notJSON: "the body has to be application/json"
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
        case .foreignHost: "open it by its IP address, as localhost, or set console.advertised to this name"
        case .foreignOrigin: "use the console's own page, or a client that is no browser"
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
