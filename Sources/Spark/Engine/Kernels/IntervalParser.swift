/// Intervals from text: `1-2`, `1 02:03:04.5`, `INTERVAL '…' DAY TO SECOND`, and for calendar intervals `1 month 2 days`.
enum IntervalParser {
    /// The words between the quotes of an `INTERVAL '…' FIELDS` text, or the text itself; and the sign before the quotes.
    private static func body(_ bytes: UnsafeBufferPointer<UInt8>) -> (text: String, isNegative: Bool)? {
        var text = Substring(String(decoding: TextNumbers.trimmed(bytes), as: UTF8.self))
        guard text.lowercased().hasPrefix("interval") else { return (String(text), false) }
        text = text.dropFirst(8).drop { $0 == " " }
        var isNegative = false
        if text.first == "-" || text.first == "+" { isNegative = text.removeFirst() == "-" }
        guard text.first == "'", let end = text.lastIndex(of: "'"), end > text.startIndex else { return nil }
        return (String(text[text.index(after: text.startIndex)..<end]), isNegative)
    }

    static func yearMonth(_ bytes: UnsafeBufferPointer<UInt8>, _ range: YearMonthField.Range) -> Int32? {
        guard var (text, isNegative) = body(bytes) else { return nil }
        if text.first == "-" || text.first == "+" { if text.removeFirst() == "-" { isNegative.toggle() } }
        let numbers = text.split(separator: "-", omittingEmptySubsequences: false).map { Int64($0) }
        var months: Int64
        switch (range.start, range.end, numbers.count) {
        case (.year, .month, 2):
            guard let years = numbers[0], let rest = numbers[1], rest < 12 else { return nil }
            months = years * 12 + rest
        case (.year, .year, 1):
            guard let years = numbers[0] else { return nil }
            months = years * 12
        case (.month, .month, 1):
            guard let rest = numbers[0] else { return nil }
            months = rest
        default: return nil
        }
        if isNegative { months = -months }
        return Int32(exactly: months)
    }

    static func dayTime(_ bytes: UnsafeBufferPointer<UInt8>, _ range: DayTimeField.Range) -> Int64? {
        guard var (text, isNegative) = body(bytes) else { return nil }
        if text.first == "-" || text.first == "+" { if text.removeFirst() == "-" { isNegative.toggle() } }
        let parts = text.split(whereSeparator: { $0 == " " || $0 == ":" }).map(String.init)
        let fields = Array(range.start.rawValue...range.end.rawValue)
        guard parts.count == fields.count else { return nil }
        var micros: Int64 = 0
        for (part, field) in zip(parts, fields) {
            guard let field = DayTimeField(rawValue: field) else { return nil }
            if field == .second {
                guard var parsed = (part as String?).flatMap({ seconds($0) }) else { return nil }
                if range.start != .second, parsed >= 60_000_000 { return nil }
                swap(&micros, &parsed)
                micros += parsed
            } else {
                guard let value = Int64(part), value >= 0 else { return nil }
                let (product, overflow) = value.multipliedReportingOverflow(by: DateTimeMath.micros(of: field))
                if overflow { return nil }
                micros += product
            }
        }
        return isNegative ? -micros : micros
    }

    private static func seconds(_ text: String) -> Int64? {
        let halves = text.split(separator: ".", omittingEmptySubsequences: false)
        guard halves.count <= 2, let whole = halves[0].isEmpty ? 0 : Int64(halves[0]) else { return nil }
        guard halves.count == 2 else { return whole * 1_000_000 }
        let digits = halves[1].prefix(6)
        guard let fraction = digits.isEmpty ? 0 : Int64(digits + String(repeating: "0", count: 6 - digits.count)), halves[1].count <= 9
        else { return nil }
        return whole * 1_000_000 + fraction
    }

    private static let units: [String: (months: Int64, days: Int64, micros: Int64)] = [
        "year": (12, 0, 0), "month": (1, 0, 0), "week": (0, 7, 0), "day": (0, 1, 0), "hour": (0, 0, 3_600_000_000),
        "minute": (0, 0, 60_000_000),
        "second": (0, 0, 1_000_000), "millisecond": (0, 0, 1_000), "microsecond": (0, 0, 1), "nanosecond": (0, 0, 0),
    ]

    static func calendar(_ bytes: UnsafeBufferPointer<UInt8>) -> CalendarInterval? {
        calendar(String(decoding: TextNumbers.trimmed(bytes), as: UTF8.self))
    }

    /// `[interval] 1 year -2 days 3.5 seconds`.
    static func calendar(_ text: String) -> CalendarInterval? {
        var words = text.lowercased().split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\n" }).map(String.init)
        if words.first == "interval" { words.removeFirst() }
        guard !words.isEmpty, words.count % 2 == 0 else { return nil }
        var months: Int64 = 0, days: Int64 = 0, micros: Int64 = 0
        for index in stride(from: 0, to: words.count, by: 2) {
            var unit = words[index + 1]
            if unit.hasSuffix("s") { unit.removeLast() }
            guard let size = units[unit] else { return nil }
            var number = words[index]
            if number.contains("."), unit == "second" {
                let isNegative = number.hasPrefix("-")
                if isNegative || number.hasPrefix("+") { number.removeFirst() }
                guard let value = seconds(number) else { return nil }
                micros += isNegative ? -value : value
                continue
            }
            guard let value = Int64(number.hasPrefix("+") ? String(number.dropFirst()) : number) else { return nil }
            months += value * size.months
            days += value * size.days
            let (product, overflow) = value.multipliedReportingOverflow(by: size.micros)
            if overflow { return nil }
            micros += product
        }
        guard let m = Int32(exactly: months), let d = Int32(exactly: days) else { return nil }
        return CalendarInterval(months: m, days: d, micros: micros)
    }
}
