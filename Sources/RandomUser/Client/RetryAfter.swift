#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The header Retry-After (RFC 9110, 10.2.3): whole seconds, or the date from which to ask again.
enum RetryAfter {
    /// How long to wait; nil for what is neither form.
    static func pause(_ text: String, now: Int = time(nil)) -> Duration? {
        if let seconds = Int(text) { return seconds >= 0 ? .seconds(seconds) : nil }
        return date(text).map { .seconds(max(0, $0 - now)) }
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// `Sun, 06 Nov 1994 08:49:37 GMT` in seconds since 1970: the one form that servers may send (RFC 9110, 5.6.7).
    private static func date(_ text: String) -> Int? {
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[0].hasSuffix(","), parts[5] == "GMT", let day = Int(parts[1]), (1...31).contains(day),
            let month = months.firstIndex(of: String(parts[2])), let year = Int(parts[3]), (1970...9_999).contains(year)
        else { return nil }
        let clock = parts[4].split(separator: ":").map { Int($0) ?? -1 }
        guard clock.count == 3, (0...23).contains(clock[0]), (0...59).contains(clock[1]), (0...60).contains(clock[2]) else { return nil }
        let midnight = Int(CivilTime(year: year, month: month + 1, day: day).milliseconds / 1_000)
        return midnight + clock[0] * 3_600 + clock[1] * 60 + clock[2]
    }
}
