/// Patterns that a batch has compiled: mostly one, since patterns are mostly constants.
final class RegexCache {
    private var matchers: [String: RegexMatcher] = [:]
    private var last: (text: [UInt8], matcher: RegexMatcher)?
    private static let keptMax = 64

    func matcher(_ pattern: ByteView) throws -> RegexMatcher {
        if let last, last.text.count == pattern.length, last.text.elementsEqual(pattern.bytes) { return last.matcher }
        let matcher = try matcher(pattern.string)
        last = (Array(pattern.bytes), matcher)
        return matcher
    }

    func matcher(_ pattern: String) throws -> RegexMatcher {
        if let matcher = matchers[pattern] { return matcher }
        let matcher = RegexMatcher(try JavaRegex(pattern))
        if matchers.count >= Self.keptMax { matchers.removeAll() }
        matchers[pattern] = matcher
        return matcher
    }

    /// As Java splits: an empty match at the start gives no part; at most `limit` parts, or all with the empty ones at the end.
    func split(_ text: ByteView, by pattern: String, limit: Int) throws -> [ByteView] {
        try split(text, try matcher(pattern), limit: limit)
    }

    func split(_ text: ByteView, _ matcher: RegexMatcher, limit: Int) throws -> [ByteView] {
        var parts: [ByteView] = []
        var start = 0, from = 0
        func part(_ end: Int) -> ByteView { ByteView(start: text.start.map { $0 + start }, length: end - start) }
        while limit <= 0 || parts.count < limit - 1, from <= text.length, let match = try matcher.find(text, from: from) {
            if match.isEmpty {
                if match.lowerBound >= text.length { break }
                from = match.upperBound + 1
                while from < text.length, text.bytes[from] & 0xC0 == 0x80 { from += 1 }
                if match.lowerBound == 0 { continue }
            } else {
                from = match.upperBound
                if match.lowerBound == 0, match.upperBound == 0 { continue }
            }
            parts.append(part(match.lowerBound))
            start = match.upperBound
        }
        parts.append(part(text.length))
        return parts
    }
}
