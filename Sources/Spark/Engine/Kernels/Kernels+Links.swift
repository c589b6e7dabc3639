/// URLs and their parts.
extension Kernels {
    static let links: [String: Kernel] = [
        "url_encode": Kernel { call in
            let text = call.text(0)
            return call.texts { row, out in
                for byte in text[row].bytes {
                    switch byte {
                    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x2A: out.append(byte)
                    case 0x20: out.append(0x2B)
                    default:
                        out.append(0x25)
                        for digit in [byte >> 4, byte & 15] { out.append(digit < 10 ? 0x30 + digit : 0x37 + digit) }
                    }
                }
                return true
            }
        },
        "url_decode": Kernel { call in
            let text = call.text(0)
            return try call.texts { row, out in
                guard decoded(text[row].bytes, to: &out) else {
                    throw SparkError(
                        "CANNOT_DECODE_URL", sqlState: "22546",
                        "The provided URL cannot be decoded: \(text[row].string). Please ensure that the URL is properly formatted and try again."
                    )
                }
                return true
            }
        },
        "try_url_decode": Kernel { call in
            let text = call.text(0)
            return call.texts { row, out in decoded(text[row].bytes, to: &out) }
        },
        "parse_url": Kernel { call in try parsedURL(call, isTry: false) },
        "try_parse_url": Kernel { call in try parsedURL(call, isTry: true) },
    ]

    private static func decoded(_ bytes: UnsafeBufferPointer<UInt8>, to out: inout [UInt8]) -> Bool {
        var index = 0
        while index < bytes.count {
            switch bytes[index] {
            case 0x2B: out.append(0x20)
            case 0x25:
                guard index + 2 < bytes.count, unhex(UnsafeBufferPointer(rebasing: bytes[(index + 1)...(index + 2)]), to: &out) else {
                    return false
                }
                index += 2
            default: out.append(bytes[index])
            }
            index += 1
        }
        return true
    }

    private static func parsedURL(_ call: KernelCall, isTry: Bool) throws -> Column {
        let (text, part) = (call.text(0), call.text(1))
        let key = call.columns.count > 2 ? call.text(2) : nil
        return try call.strings { row in
            guard let url = URLParts(text[row].string) else {
                if isTry { return nil }
                throw SparkError(
                    "INVALID_URL", sqlState: "22P02",
                    "The url is invalid: \(text[row].string). Use `try_parse_url` to tolerate invalid URL and return NULL instead.")
            }
            let name = part[row].string
            guard let key else { return url[name] }
            guard name == "QUERY", let query = url.query else { return nil }
            let wanted = key[row].string + "="
            return query.split(separator: "&", omittingEmptySubsequences: false).first { $0.hasPrefix(wanted) }.map {
                String($0.dropFirst(wanted.count))
            }
        }
    }
}

/// The parts of an absolute or relative URL as RFC 3986 parts them and `parse_url` names them.
struct URLParts {
    var scheme: String?
    var authority: String?
    var path: String
    var query: String?
    var fragment: String?

    init?(_ text: String) {
        guard text.unicodeScalars.allSatisfy({ $0.value > 0x20 && !"<>\"{}|\\^`".unicodeScalars.contains($0) && $0.value != 0x7F }) else {
            return nil
        }
        let bytes = Array(text.utf8)
        for (index, byte) in bytes.enumerated() where byte == 0x25 {
            guard index + 2 < bytes.count, [bytes[index + 1], bytes[index + 2]].allSatisfy({ $0 &- 0x30 < 10 || $0 & 0xDF &- 0x41 < 6 })
            else { return nil }
        }
        var rest = Substring(text)
        if let hash = rest.firstIndex(of: "#") {
            fragment = String(rest[rest.index(after: hash)...])
            rest = rest[..<hash]
        }
        if let mark = rest.firstIndex(of: "?") {
            query = String(rest[rest.index(after: mark)...])
            rest = rest[..<mark]
        }
        if let colon = rest.firstIndex(of: ":"), let first = rest.first, first.isLetter,
            rest[..<colon].allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) })
        {
            scheme = String(rest[..<colon])
            rest = rest[rest.index(after: colon)...]
            if rest.isEmpty { return nil }
        }
        if rest.hasPrefix("//") {
            rest = rest.dropFirst(2)
            let end = rest.firstIndex(of: "/") ?? rest.endIndex
            authority = String(rest[..<end])
            rest = rest[end...]
        }
        path = String(rest)
    }

    subscript(part: String) -> String? {
        switch part {
        case "PROTOCOL": return scheme
        case "AUTHORITY": return authority.flatMap { $0.isEmpty ? nil : $0 }
        case "USERINFO": return authority.flatMap { text in text.firstIndex(of: "@").map { String(text[..<$0]) } }
        case "HOST":
            guard let authority, !authority.isEmpty else { return nil }
            let host = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? ""
            if host.hasPrefix("[") { return String(host.prefix { $0 != "]" }) + "]" }
            return String(host.prefix { $0 != ":" })
        case "PATH": return path
        case "QUERY": return query
        case "REF": return fragment
        case "FILE": return path + (query.map { "?\($0)" } ?? "")
        default: return nil
        }
    }
}
