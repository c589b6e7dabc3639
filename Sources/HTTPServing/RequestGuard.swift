package import HTTPTypes
package import Hummingbird
package import IO
internal import NIOCore

/// What a port that has no log-in on loopback asks of every request: the right host, and for changes the right origin and form.
///
/// A page of another site must not get at it through the reader's browser. A name that an attacker's DNS points at 127.0.0.1 arrives
/// with that name as its Host and is refused (DNS rebinding); a cross-site POST tells on itself by Sec-Fetch-Site or Origin (Fetch
/// Metadata; RFC 6454), and a form's cannot be application/json. A client that is no browser sends neither header.
package struct RequestGuard: Sendable {
    private let box: String
    /// Names, beside IP addresses and `localhost`, that the box goes by.
    private let names: Set<String>

    /// - Parameter box: the name in messages, and the first part of the settings that they name.
    package init(box: String, host: String, advertised: Endpoint?) {
        self.box = box
        names = Set([host.lowercased(), advertised?.host.lowercased()].compactMap { $0 })
    }

    package func check(_ request: Request) throws(RequestRefusal) {
        let host = Self.host(of: request.head.authority ?? request.headers[.init("Host")!] ?? "")
        guard isIPAddress(host) || host == "localhost" || host.hasSuffix(".localhost") || names.contains(host) else {
            throw .foreignHost(host, box: box)
        }
        guard request.method != .get, request.method != .head else { return }
        if let site = request.headers[.init("Sec-Fetch-Site")!], site != "same-origin" { throw .foreignOrigin(box: box) }
        if let origin = request.headers[.origin] {
            guard let scheme = origin.firstRange(of: "://"), let authority = request.head.authority,
                origin[scheme.upperBound...].lowercased() == authority.lowercased()
            else { throw .foreignOrigin(box: box) }
        }
        guard [.post, .put, .patch].contains(request.method) else { return }
        guard let type = request.headers[.contentType]?.split(separator: ";").first, type.lowercased() == "application/json" else {
            throw .notJSON
        }
    }

    package static func host(of authority: String) -> String {
        if authority.hasPrefix("["), let close = authority.firstIndex(of: "]") {
            return String(authority[authority.index(after: authority.startIndex)..<close]).lowercased()
        }
        return (authority.firstIndex(of: ":").map { String(authority[..<$0]) } ?? authority).lowercased()
    }

    private func isIPAddress(_ host: String) -> Bool { (try? SocketAddress(ipAddress: host, port: 0)) != nil }
}

/// Why a request does not get past a ``RequestGuard``.
package enum RequestRefusal: DescribedError, Equatable {
    case foreignHost(String, box: String)
    case foreignOrigin(box: String)
    case notJSON

    package var status: HTTPResponse.Status {
        switch self {
        case .foreignHost: .misdirectedRequest
        case .foreignOrigin: .forbidden
        case .notJSON: .unsupportedMediaType
        }
    }

    package var problem: String {
        switch self {
        case .foreignHost(let host, let box): "'\(host)' is not a name of this \(box)"
        case .foreignOrigin: "the request comes from another site's page"
        case .notJSON: "the body has to be application/json"
        }
    }

    package var nextStep: String? {
        switch self {
        case .foreignHost(_, let box): "reach it by its IP address, as localhost, or set \(box).advertised to this name and its port"
        case .foreignOrigin(let box): "use the \(box)'s own page, or a client that is no browser"
        case .notJSON: "send the header Content-Type: application/json"
        }
    }
}
