internal import HTTPTypes
internal import Hummingbird
internal import HummingbirdCore
internal import Logging

/// The registry's routes, gathered resource by resource, so that a path knows all of its methods and answers the others with 405.
struct RegistryRoutes {
    typealias Handler = @Sendable (Request, BasicRequestContext) async throws -> Response

    private var handlers: [String: [HTTPRequest.Method: Handler]] = [:]

    mutating func on(_ method: HTTPRequest.Method, _ path: String, _ handler: @escaping Handler) {
        precondition(handlers[path]?[method] == nil, "\(method) \(path) is declared twice")
        handlers[path, default: [:]][method] = handler
    }

    mutating func get(_ path: String, _ handler: @escaping Handler) { on(.get, path, handler) }

    /// A route of the registry's API that is refused by name.
    mutating func refuse(_ method: HTTPRequest.Method, _ path: String, _ what: String) {
        on(method, path) { _, _ in throw RegistryError.notServed("\(what) (\(method) \(path))") }
    }

    /// All resources of the API.
    ///
    /// - Parameter clusterID: asks the Kafka cluster for its id.
    static func all(clusterID: @escaping @Sendable () async throws -> String) -> RegistryRoutes {
        var routes = RegistryRoutes()
        routes.addRoot()
        routes.addSubjects()
        routes.addSchemas()
        routes.addCompatibility()
        routes.addConfig()
        routes.addMode()
        routes.addServerMetadata(clusterID: clusterID)
        return routes
    }

    var router: Router<BasicRequestContext> {
        let router = Router(context: BasicRequestContext.self)
        router.add(middleware: ErrorForm())
        for (path, methods) in handlers {
            let allowed = methods.keys.sorted { $0.rawValue < $1.rawValue }
            for method in [HTTPRequest.Method.get, .head, .post, .put, .delete, .patch, .options] {
                if let handler = methods[method] ?? (method == .head ? methods[.get] : nil) {
                    router.on(RouterPath(path), method: method, use: handler)
                } else {
                    router.on(RouterPath(path), method: method) { _, _ -> Response in throw RegistryError.methodNotAllowed(allowed) }
                }
            }
        }
        return router
    }
}

/// Puts every error, the router's own among them, into Confluent's form.
private struct ErrorForm: RouterMiddleware {
    typealias Context = BasicRequestContext

    func handle(
        _ request: Request, context: BasicRequestContext, next: (Request, BasicRequestContext) async throws -> Response
    ) async throws -> Response {
        let error: RegistryError
        do {
            return try await next(request, context)
        } catch let thrown as RegistryError {
            error = thrown
        } catch let thrown as HTTPError where thrown.status == .notFound {
            error = .notFound
        } catch let thrown as HTTPError {
            error = RegistryError(code: thrown.status.code, message: thrown.body ?? "HTTP \(thrown.status)")
        } catch {
            context.logger.error("A request failed", metadata: ["path": "\(request.uri.path)", "error": "\(error)"])
            return try RegistryError(code: 50_001, message: "Error in the backend data store")
                .response(from: request, context: context)
        }
        return try error.response(from: request, context: context)
    }
}

extension BasicRequestContext {
    /// A parameter of the path, percent-decoded: subjects may hold any character. What is no encoding stands for itself.
    func text(_ name: String) -> String {
        guard let raw = parameters.get(name) else { return "" }
        var decoded: [UInt8] = []
        var rest = Substring(raw).utf8
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let code = UInt8(String(Substring(rest.prefix(2))), radix: 16), rest.count >= 2 {
                decoded.append(code)
                rest = rest.dropFirst(2)
            } else {
                decoded.append(byte)
            }
        }
        return String(decoding: decoded, as: UTF8.self)
    }
}
