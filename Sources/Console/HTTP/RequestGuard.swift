internal import HTTPTypes
internal import Hummingbird
internal import IO
internal import Logging
internal import NIOCore

/// What every request passes: the right host, and for changes the right origin; and what every answer carries.
///
/// The console has no login on loopback, so a page of another site must not get at it through the reader's browser. A name that an
/// attacker's DNS points at 127.0.0.1 arrives with that name as its Host and is refused (DNS rebinding); a cross-site POST tells on
/// itself by Sec-Fetch-Site or Origin (Fetch Metadata; RFC 6454) and is refused. A client that is no browser sends neither header.
struct RequestGuard<Context: RequestContext>: RouterMiddleware {
    /// Names, beside IP addresses and `localhost`, that the console goes by.
    let names: Set<String>

    init(host: String, advertised: Endpoint?) {
        names = Set([host.lowercased(), advertised?.host.lowercased()].compactMap { $0 })
    }

    func handle(_ request: Request, context: Context, next: (Request, Context) async throws -> Response) async throws -> Response {
        var response: Response
        do {
            try checkHost(request)
            if request.method != .get, request.method != .head { try checkOrigin(request) }
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

    private func checkHost(_ request: Request) throws(ConsoleError) {
        let authority = request.head.authority ?? request.headers[.init("Host")!] ?? ""
        let host = Self.host(of: authority)
        guard isIPAddress(host) || host == "localhost" || host.hasSuffix(".localhost") || names.contains(host) else {
            throw .foreignHost(host)
        }
    }

    private func checkOrigin(_ request: Request) throws(ConsoleError) {
        if let site = request.headers[.init("Sec-Fetch-Site")!], site != "same-origin" { throw .foreignOrigin }
        if let origin = request.headers[.origin] {
            guard let scheme = origin.firstRange(of: "://"), let authority = request.head.authority,
                origin[scheme.upperBound...].lowercased() == authority.lowercased()
            else { throw .foreignOrigin }
        }
        guard let type = request.headers[.contentType]?.split(separator: ";").first, type.lowercased() == "application/json" else {
            throw .notJSON
        }
    }

    static func host(of authority: String) -> String {
        if authority.hasPrefix("["), let close = authority.firstIndex(of: "]") {
            return String(authority[authority.index(after: authority.startIndex)..<close]).lowercased()
        }
        return (authority.firstIndex(of: ":").map { String(authority[..<$0]) } ?? authority).lowercased()
    }

    private func isIPAddress(_ host: String) -> Bool { (try? SocketAddress(ipAddress: host, port: 0)) != nil }

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
