internal import NIOConcurrencyHelpers

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A time zone as a table of its offsets, read once from the system's zone files (RFC 8536), so that a kernel converts without a call.
///
/// A local time that a gap leaves out moves forward by the gap; one that comes twice is the earlier instant, as in Java.
final class ZoneRules: Sendable {
    let name: String
    /// Where each period begins, in seconds since 1970 UTC; the first begins with time.
    private let starts: [Int64]
    /// Seconds east of UTC in each period.
    private let offsets: [Int64]
    /// The least local second that belongs to each period: after a gap its end, after an overlap the end of the earlier period.
    private let localStarts: [Int64]

    static let utc = ZoneRules(name: "UTC", starts: [.min], offsets: [0])

    private init(name: String, starts: [Int64], offsets: [Int64]) {
        self.name = name
        self.starts = starts
        self.offsets = offsets
        localStarts = starts.indices.map { $0 == 0 ? .min : starts[$0] + max(offsets[$0 - 1], offsets[$0]) }
    }

    private static func period(_ table: [Int64], _ second: Int64) -> Int {
        var low = 0, high = table.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if table[middle] <= second { low = middle } else { high = middle }
        }
        return low
    }

    @inline(__always) private static func floorSeconds(_ micros: Int64) -> Int64 {
        micros >= 0 ? micros / 1_000_000 : (micros - 999_999) / 1_000_000
    }

    /// Seconds east of UTC at an instant.
    func offset(at micros: Int64) -> Int64 {
        offsets.count == 1 ? offsets[0] : offsets[Self.period(starts, Self.floorSeconds(micros))]
    }

    /// Microseconds of the local clock at an instant.
    @inline(__always) func local(_ micros: Int64) -> Int64 { micros &+ offset(at: micros) &* 1_000_000 }

    /// The instant at which the local clock shows `micros`.
    func instant(_ micros: Int64) -> Int64 {
        if offsets.count == 1 { return micros &- offsets[0] &* 1_000_000 }
        let second = Self.floorSeconds(micros)
        let period = Self.period(localStarts, second)
        // In the gap before the next period, the offset before it moves the time forward.
        return micros &- offsets[period] &* 1_000_000
    }

    // MARK: Names

    private static let known = NIOLockedValueBox<[String: ZoneRules]>(["UTC": utc, "Z": utc, "GMT": utc, "Etc/UTC": utc])
    /// Names that clients may send are many; the files are few.
    private static let knownMax = 2_000

    private static let shortNames: [String: String] = [
        "EST": "-05:00", "MST": "-07:00", "HST": "-10:00", "ACT": "Australia/Darwin", "AET": "Australia/Sydney",
        "AGT": "America/Argentina/Buenos_Aires", "ART": "Africa/Cairo", "AST": "America/Anchorage", "BET": "America/Sao_Paulo",
        "BST": "Asia/Dhaka", "CAT": "Africa/Harare", "CNT": "America/St_Johns", "CST": "America/Chicago", "CTT": "Asia/Shanghai",
        "EAT": "Africa/Addis_Ababa", "ECT": "Europe/Paris", "IET": "America/Indiana/Indianapolis", "IST": "Asia/Kolkata",
        "JST": "Asia/Tokyo", "MIT": "Pacific/Apia", "NET": "Asia/Yerevan", "NST": "Pacific/Auckland", "PLT": "Asia/Karachi",
        "PNT": "America/Phoenix", "PRT": "America/Puerto_Rico", "PST": "America/Los_Angeles", "SST": "Pacific/Guadalcanal",
        "VST": "Asia/Ho_Chi_Minh",
    ]

    /// A zone by its region (`Europe/Berlin`), its offset (`+02:00`, `GMT+2`) or a short name of Java's.
    static func named(_ name: String) throws -> ZoneRules {
        if let rules = known.withLockedValue({ $0[name] }) { return rules }
        guard let rules = load(shortNames[name] ?? name, as: name) else {
            throw SparkError(
                "INVALID_TIMEZONE", sqlState: "22009",
                "The timezone: \(name) is invalid. The timezone must be either a region-based zone ID or a zone offset. Region IDs must have the form 'area/city', such as 'America/Los_Angeles'. Zone offsets must be in the format '(+|-)HH', '(+|-)HH:mm' or '(+|-)HH:mm:ss', e.g '-08' , '+01:00' or '-13:33:33', and must be in the range from -18:00 to +18:00. 'Z' and 'UTC' are accepted as synonyms for '+00:00'.",
                nextStep: "region names are read from /usr/share/zoneinfo (the package tzdata)")
        }
        known.withLockedValue { if $0.count < knownMax { $0[name] = rules } }
        return rules
    }

    private static func load(_ name: String, as alias: String) -> ZoneRules? {
        var offset = Substring(name)
        for prefix in ["UTC", "GMT", "UT"] where offset.hasPrefix(prefix) {
            offset = offset.dropFirst(prefix.count)
            break
        }
        if offset.isEmpty || offset == "Z" { return ZoneRules(name: alias, starts: [.min], offsets: [0]) }
        if let seconds = seconds(offset) { return ZoneRules(name: alias, starts: [.min], offsets: [seconds]) }
        guard name.utf8.count < 64, name.utf8.allSatisfy({ $0 >= 0x2B && $0 < 0x7B }), !name.contains(".."), name.utf8.first != 0x2F,
            let bytes = contents("/usr/share/zoneinfo/\(name)"), let (starts, offsets) = ZoneFile.periods(bytes)
        else { return nil }
        return ZoneRules(name: alias, starts: starts, offsets: offsets)
    }

    private static func seconds(_ text: Substring) -> Int64? {
        guard let sign = text.first, sign == "+" || sign == "-" else { return nil }
        var parts = text.dropFirst().split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        if parts.count == 1, parts[0].count > 2 {
            guard parts[0].count % 2 == 0 else { return nil }
            let digits = Array(parts[0])
            parts = stride(from: 0, to: digits.count, by: 2).map { String(digits[$0...$0 + 1]) }
        }
        let numbers = parts.compactMap { Int64($0) }
        guard numbers.count == parts.count, (1...3).contains(numbers.count), parts.allSatisfy({ (1...2).contains($0.count) }),
            numbers.dropFirst().allSatisfy({ $0 < 60 })
        else { return nil }
        let total = numbers.reduce(0) { $0 * 60 + $1 } * (numbers.count == 1 ? 3_600 : numbers.count == 2 ? 60 : 1)
        return total <= 18 * 3_600 ? (sign == "-" ? -total : total) : nil
    }

    private static func contents(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        var used = 0
        while used < bytes.count {
            let got = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress! + used, $0.count - used) }
            if got <= 0 { break }
            used += got
        }
        return Array(bytes.prefix(used))
    }
}
