/// Moments between the forms that boxes write and milliseconds since 1970.
enum Timestamp {
    /// Reads `2026-11-24T03:33:20.458843+00:00`, `…Z`, with or without a fraction; nil for anything else.
    static func milliseconds(iso8601 text: String) -> Int64? {
        var rest = Substring(text)
        func number(_ digits: Int) -> Int64? {
            let part = rest.prefix(digits)
            guard part.utf8.count == digits, part.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            rest = rest.dropFirst(digits)
            return Int64(part)
        }
        func take(_ characters: Set<Character>) -> Character? {
            guard let first = rest.first, characters.contains(first) else { return nil }
            rest = rest.dropFirst()
            return first
        }
        guard let year = number(4), take(["-"]) != nil, let month = number(2), (1...12).contains(month), take(["-"]) != nil,
            let day = number(2), (1...31).contains(day), take(["T", " "]) != nil, let hour = number(2), take([":"]) != nil,
            let minute = number(2), take([":"]) != nil, let second = number(2)
        else { return nil }
        var milliseconds: Int64 = 0
        if take([".", ","]) != nil {
            let digits = rest.prefix { $0.isNumber }
            rest = rest.dropFirst(digits.count)
            milliseconds = Int64(digits.prefix(3) + String(repeating: "0", count: max(0, 3 - digits.count))) ?? 0
        }
        var offsetMinutes: Int64 = 0
        if let sign = take(["+", "-"]) {
            guard let hours = number(2) else { return nil }
            _ = take([":"])
            offsetMinutes = (hours * 60 + (number(2) ?? 0)) * (sign == "-" ? -1 : 1)
        } else if take(["Z"]) == nil, !rest.isEmpty {
            return nil
        }
        guard rest.isEmpty else { return nil }
        let days = daysFromCivil(year: year, month: month, day: day)
        return (((days * 24 + hour) * 60 + minute - offsetMinutes) * 60 + second) * 1_000 + milliseconds
    }

    /// Days since 1970-01-01 in the proleptic Gregorian calendar, counted in eras of 400 years that begin on March 1st.
    private static func daysFromCivil(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif
