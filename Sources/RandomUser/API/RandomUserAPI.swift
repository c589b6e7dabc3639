internal import HTTPServing
internal import HTTPTypes
internal import Hummingbird
package import IO
package import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOPosix

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The randomuser.me-compatible API, version 1.4: generated users, or recorded ones, over HTTP.
///
/// It answers at `/`, `/api` and `/api/1.4`. The format is the original's (https://randomuser.me/documentation); the users are
/// Leat's own.
package final class RandomUserAPI: Sendable {
    private let listener: HTTPListener
    private let advertised: Endpoint?
    private let users: UserService

    private init(listener: HTTPListener, advertised: Endpoint?, users: UserService) {
        self.listener = listener
        self.advertised = advertised
        self.users = users
    }

    /// Returns when the listener is bound.
    ///
    /// - Throws: ``ListenerError`` for a port that cannot be bound, or what is wrong with the file of `api.replay`.
    package static func start(_ configuration: RandomUserConfiguration, logger: Logger) async throws -> RandomUserAPI {
        let users = try UserService(configuration)
        let listener = try await HTTPListener.start(
            HTTPListener.Configuration(
                box: "RandomUser API", endpoint: Endpoint(host: configuration.host, port: configuration.port), portFlag: "--api.port",
                connectionsMax: configuration.connectionsMax, connectionIdle: configuration.connectionIdle,
                stopTimeout: configuration.stopTimeout),
            logger: logger
        ) { request in await users.respond(to: request) }
        logger.info("the RandomUser API listens on \(listener.bound)")
        return RandomUserAPI(listener: listener, advertised: configuration.advertised, users: users)
    }

    /// The address really bound.
    package var endpoints: [Endpoint] { [listener.bound] }

    /// Where others reach it: the advertised address, or the bound one.
    package var url: String { "http://\(advertised ?? listener.bound)/api/" }

    package func stop() async { await listener.stop() }
}

/// Answers requests: parameters, faults, then generated or recorded users.
final class UserService: Sendable {
    private let configuration: RandomUserConfiguration
    private let recorded: RecordedResponses?
    private let faults: FaultInjector
    /// Where the next request without a page begins in the recorded responses.
    private let cursor = NIOLockedValueBox(0)

    init(_ configuration: RandomUserConfiguration) throws {
        self.configuration = configuration
        recorded = try configuration.replay.map { try RecordedResponses(path: $0) }
        faults = FaultInjector(
            percent: configuration.faultPercent, kinds: configuration.faultKinds, seed: UInt64.random(in: 0...UInt64.max))
    }

    func respond(to request: Request) async -> Response {
        let response: Response
        do throws(RequestError) {
            response = try await answer(request)
        } catch {
            response = Self.error(error.problem, .badRequest)
        }
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func answer(_ request: Request) async throws(RequestError) -> Response {
        guard request.method == .get || request.method == .head else {
            return Self.error("\(request.method.rawValue) is not answered here; GET is", .methodNotAllowed)
        }
        let path = request.uri.path.split(separator: "/").joined(separator: "/")
        guard ["", "api", "api/1.4"].contains(path) else {
            return Self.error("there is nothing at /\(path); the API is at /api/, its version 1.4 at /api/1.4/", .notFound)
        }
        let query = request.uri.queryParameters.map { (key: String($0.key), value: String($0.value).replacing("+", with: " ")) }
        let parameters = try RequestParameters(query: query, resultsMax: configuration.resultsMax)
        let fault = faults.draw()
        switch fault {
        case .error: return Self.error("a failure was asked for by api.fault.rate", .internalServerError)
        case .throttle:
            let seconds = max(1, Int(configuration.faultRetryAfter.inSeconds.rounded(.up)))
            var response = Self.error("too many requests: a failure was asked for by api.fault.rate", .tooManyRequests)
            response.headers[.retryAfter] = "\(seconds)"
            return response
        case .timeout:
            try? await Task.sleep(for: configuration.faultHold)
            return Self.error("a failure was asked for by api.fault.rate", .gatewayTimeout)
        case .empty:
            return Self.json(ByteBuffer(string: #"{"results":[],"info":{"seed":"","results":0,"page":1,"version":"1.4"}}"#))
        case .malformed, nil: break
        }
        var body = try await document(parameters)
        if fault == .malformed { body.moveWriterIndex(to: body.writerIndex * 2 / 3) }
        return parameters.format == .csv ? Self.response(.ok, "text/csv; charset=utf-8", body) : Self.json(body)
    }

    private func document(_ parameters: RequestParameters) async throws(RequestError) -> ByteBuffer {
        let capacity = parameters.results * (parameters.format == .pretty ? 1_900 : 1_250) + 256
        let empty = ByteBufferAllocator().buffer(capacity: capacity)
        guard let recorded else {
            return UserDocument.write(parameters, seed: parameters.seed ?? Self.freshSeed(), now: Self.now(), into: empty)
        }
        guard parameters.format == .json else {
            throw RequestError("format: recorded responses are served as they are, in json; csv and pretty are for generated users")
        }
        let count = parameters.results
        let first: Int
        if parameters.seed != nil || parameters.page > 1 {
            first = (parameters.page - 1) * count
        } else {
            first = cursor.withLockedValue { cursor in
                defer { cursor = (cursor + count) % recorded.count }
                return cursor
            }
        }
        do {
            return try await NIOThreadPool.singleton.runIfActive {
                var body = empty
                body.writeStaticString("{\"results\":[")
                try recorded.write(count, from: first, into: &body)
                body.writeStaticString("]")
                if parameters.showsInfo {
                    body.writeStaticString(",\"info\":{\"seed\":\"")
                    body.writeJSONEscaped(parameters.seed ?? "replay")
                    body.writeString("\",\"results\":\(count),\"page\":\(parameters.page),\"version\":\"1.4\"}")
                }
                body.writeStaticString("}")
                return body
            }
        } catch {
            throw RequestError("the recorded responses cannot be read: \(error)")
        }
    }

    // MARK: responses

    private static func json(_ body: ByteBuffer) -> Response { response(.ok, "application/json; charset=utf-8", body) }

    private static func error(_ text: String, _ status: HTTPResponse.Status) -> Response {
        var body = ByteBuffer(string: "{\"error\":\"")
        body.writeJSONEscaped(text)
        body.writeStaticString("\"}")
        return response(status, "application/json; charset=utf-8", body)
    }

    private static func response(_ status: HTTPResponse.Status, _ type: String, _ body: ByteBuffer) -> Response {
        var headers = HTTPFields()
        headers[.contentType] = type
        headers[.cacheControl] = "no-cache"
        headers[.accessControlAllowOrigin] = "*"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: body))
    }

    private static func freshSeed() -> String {
        let text = String(UInt64.random(in: 0...UInt64.max), radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }

    private static func now() -> CivilTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return CivilTime(milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }
}
