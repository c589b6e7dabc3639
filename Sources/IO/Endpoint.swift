/// A host and a port, as people write them: `localhost:9092`, `[::1]:9042`.
package struct Endpoint: Hashable, Sendable, CustomStringConvertible {
    package var host: String
    package var port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads `host:port`, `[v6]:port`, or a bare host when there is a default port.
    ///
    /// - Throws: ``InvalidEndpoint`` that quotes the text and says which part is wrong.
    package init(parsing text: some StringProtocol, defaultPort: Int? = nil) throws {
        let text = text.trimmingSpaces()
        let host: Substring
        let portText: Substring?
        if text.hasPrefix("["), let close = text.firstIndex(of: "]") {
            host = text[text.index(after: text.startIndex)..<close]
            let rest = text[text.index(after: close)...]
            guard rest.isEmpty || rest.hasPrefix(":") else {
                throw InvalidEndpoint(text: String(text), reason: "after ']' only ':port' may follow")
            }
            portText = rest.isEmpty ? nil : rest.dropFirst()
        } else if let colon = text.lastIndex(of: ":") {
            host = text[..<colon]
            portText = text[text.index(after: colon)...]
        } else {
            host = text
            portText = nil
        }
        guard !host.isEmpty else { throw InvalidEndpoint(text: String(text), reason: "the host is empty") }
        if let portText {
            guard let port = Int(portText), (0...65_535).contains(port) else {
                throw InvalidEndpoint(text: String(text), reason: "'\(portText)' is not a port between 0 and 65535")
            }
            self.init(host: String(host), port: port)
        } else if let defaultPort {
            self.init(host: String(host), port: defaultPort)
        } else {
            throw InvalidEndpoint(text: String(text), reason: "the port is missing")
        }
    }

    /// Reads a comma-separated list, as `bootstrap.servers` and contact points are given.
    package static func list(parsing text: String, defaultPort: Int? = nil) throws -> [Endpoint] {
        try text.split(separator: ",").map { try Endpoint(parsing: $0, defaultPort: defaultPort) }
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

package struct InvalidEndpoint: DescribedError {
    package let text: String
    package let reason: String
    package var problem: String { "'\(text)' is not an address: \(reason)" }
    package var nextStep: String? { "write it as host:port, for example 127.0.0.1:9092" }
}

extension StringProtocol {
    func trimmingSpaces() -> Substring {
        var slice = Substring(self)
        while let first = slice.first, first.isWhitespace { slice.removeFirst() }
        while let last = slice.last, last.isWhitespace { slice.removeLast() }
        return slice
    }
}
