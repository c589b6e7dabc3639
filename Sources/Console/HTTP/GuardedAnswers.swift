internal import HTTPServing
internal import HTTPTypes
internal import Hummingbird
internal import IO
internal import Logging

/// Lets through what passes the ``RequestGuard``, and gives every answer the headers that shut other sites out.
struct GuardedAnswers<Context: RequestContext>: RouterMiddleware {
    private let guardian: RequestGuard

    init(host: String, advertised: Endpoint?) {
        guardian = RequestGuard(box: "console", host: host, advertised: advertised)
    }

    func handle(_ request: Request, context: Context, next: (Request, Context) async throws -> Response) async throws -> Response {
        var response: Response
        do {
            do throws(RequestRefusal) { try guardian.check(request) } catch { throw ConsoleError.refusedAtTheDoor(error) }
            response = try await next(request, context)
        } catch let error as any HTTPResponseError {
            response = try error.response(from: request, context: context)
        } catch {
            context.logger.error("A request failed", metadata: ["path": "\(request.uri.path)", "error": "\(error)"])
            response = try ConsoleError.unreachable(box: "console", reason: "\(error)").response(from: request, context: context)
        }
        for (name, value) in securityHeaders { response.headers[name] = value }
        return response
    }

    private var securityHeaders: [(HTTPField.Name, String)] {
        [
            (
                .contentSecurityPolicy,
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
                    + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            ),
            (.xContentTypeOptions, "nosniff"), (.init("Referrer-Policy")!, "no-referrer"),
            (.init("Cross-Origin-Opener-Policy")!, "same-origin"), (.init("Cross-Origin-Resource-Policy")!, "same-origin"),
        ]
    }
}
