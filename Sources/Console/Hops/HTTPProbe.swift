internal import AsyncHTTPClient
internal import IO
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// Asks a box that speaks HTTP, within a time and up to a size.
struct HTTPProbe: Sendable {
    let box: String
    /// The box's address as a URL, without a slash at its end where it has no path.
    let base: String
    let client: HTTPClient
    let timeout: Duration
    let answerBytesMax: Int

    struct Answer: Sendable {
        var status: Int
        var body: String
    }

    /// - Throws: ``ConsoleError``: unreachable with the reason in words, or refused with the box's own.
    func answer(
        _ path: String, method: HTTPMethod = .GET, headers: [(String, String)] = [], body: String? = nil
    ) async throws(ConsoleError) -> Answer {
        var request = HTTPClientRequest(url: base + path)
        request.method = method
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body {
            request.headers.replaceOrAdd(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(string: body))
        }
        do {
            let response = try await client.execute(request, timeout: TimeAmount(timeout))
            let body = try await response.body.collect(upTo: answerBytesMax)
            return Answer(status: Int(response.status.code), body: String(buffer: body))
        } catch {
            throw .unreachable(box: box, reason: "\(base): \(Self.words(error))")
        }
    }

    /// The answer's JSON; a status other than 2xx is refused with the answer's `detail`, `message` or `error`.
    func json(
        _ path: String, method: HTTPMethod = .GET, headers: [(String, String)] = [], body: String? = nil
    ) async throws(ConsoleError) -> JSON {
        let answer = try await answer(path, method: method, headers: headers, body: body)
        let json = try? JSON(parsing: answer.body)
        guard (200..<300).contains(answer.status) else {
            let reason = ["detail", "message", "error"].lazy.compactMap { json?[$0] }.first?.shown
            throw .refused(box: box, status: answer.status, reason: reason ?? String(answer.body.prefix(200)))
        }
        guard let json else { throw .unreachable(box: box, reason: "\(base)\(path) did not answer in JSON") }
        return json
    }

    static func words(_ error: any Error) -> String {
        switch error {
        case let error as HTTPClientError where error == .connectTimeout || error == .deadlineExceeded || error == .readTimeout:
            "no answer in time"
        case let error as HTTPClientError where error == .remoteConnectionClosed: "it closed the connection"
        case let error as NIOConnectionError: ConnectionFailure.words(error)
        case let error as IOError: ConnectionFailure.words(error)
        case is NIOTooManyBytesError: "the answer is larger than console.answer.bytes allows"
        default: "\(error)"
        }
    }

    /// Percent-encoded for one part of a path (RFC 3986, unreserved characters stay).
    static func part(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            let scalar = Unicode.Scalar(byte)
            if byte < 0x80, scalar.properties.isAlphabetic || (0x30...0x39).contains(byte) || "-._~".utf8.contains(byte) {
                encoded.unicodeScalars.append(scalar)
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                encoded += "%" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return encoded
    }

    /// The text of a percent-encoded part of a path; nil where the encoding is broken or the bytes are no UTF-8.
    static func decoded(part: String) -> String? {
        var bytes: [UInt8] = []
        var rest = Substring(part).utf8
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = rest.prefix(2)
            guard digits.count == 2, let value = UInt8(Substring(digits), radix: 16) else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
