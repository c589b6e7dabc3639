/// A compiled zone file (RFC 8536): its transitions, and those that its rule for later years gives.
enum ZoneFile {
    /// Beyond this year the last offset stays.
    private static let yearEnd = 2_200

    static func periods(_ bytes: [UInt8]) -> (starts: [Int64], offsets: [Int64])? {
        func number(_ at: Int, _ width: Int) -> Int64? {
            guard at >= 0, at + width <= bytes.count else { return nil }
            var value: UInt64 = 0
            for index in at..<at + width { value = value << 8 | UInt64(bytes[index]) }
            return width == 4 ? Int64(Int32(truncatingIfNeeded: value)) : Int64(bitPattern: value)
        }
        func counts(_ at: Int) -> [Int]? {
            guard at + 44 <= bytes.count, bytes[at..<at + 4].elementsEqual("TZif".utf8) else { return nil }
            return (0..<6).compactMap { number(at + 20 + $0 * 4, 4).map { Int($0) } }
        }
        // Six counts: UT indicators, standard indicators, leap seconds, transitions, types, characters.
        guard let first = counts(0), bytes[4] >= 0x32 else { return nil }
        let second = 44 + first[3] * 5 + first[4] * 6 + first[5] + first[2] * 8 + first[1] + first[0]
        guard let sizes = counts(second) else { return nil }
        let (times, types) = (sizes[3], sizes[4])
        let base = second + 44
        let typesAt = base + times * 9
        let footerAt = typesAt + types * 6 + sizes[5] + sizes[2] * 12 + sizes[1] + sizes[0]
        guard types > 0, footerAt <= bytes.count, let firstOffset = number(typesAt, 4) else { return nil }
        var starts: [Int64] = [.min]
        var offsets: [Int64] = [firstOffset]
        for index in 0..<times {
            guard let start = number(base + index * 8, 8) else { return nil }
            let type = Int(bytes[base + times * 8 + index])
            guard type < types, let offset = number(typesAt + type * 6, 4) else { return nil }
            if offset != offsets[offsets.count - 1] {
                starts.append(start)
                offsets.append(offset)
            }
        }
        let footer = bytes[footerAt...].dropFirst().prefix { $0 != 0x0A }
        if let rule = PosixRule(String(decoding: footer, as: UTF8.self)) {
            let last = times > 0 ? number(base + (times - 1) * 8, 8) ?? 0 : 0
            for (start, offset) in rule.transitions(from: 1970, to: yearEnd) where start > last && offset != offsets[offsets.count - 1] {
                starts.append(start)
                offsets.append(offset)
            }
        }
        return (starts, offsets)
    }

    /// `CET-1CEST,M3.5.0,M10.5.0/3`: POSIX's TZ variable, of the form with a daylight-saving time.
    struct PosixRule {
        private let standard: Int64
        private let daylight: Int64
        private let start: Moment
        private let end: Moment

        private enum Day {
            case monthWeekDay(month: Int, week: Int, day: Int)
            case julian(Int)
            case zeroBased(Int)
        }

        private struct Moment {
            var day: Day
            var seconds: Int64
        }

        init?(_ text: String) {
            let parts = text.split(separator: ",")
            guard parts.count == 3 else { return nil }
            var rest = parts[0]
            func name() {
                if rest.first == "<" {
                    rest = rest.drop { $0 != ">" }.dropFirst()
                } else {
                    rest = rest.drop(while: \.isLetter)
                }
            }
            func time(_ text: inout Substring) -> Int64? {
                var sign: Int64 = 1
                if text.first == "-" || text.first == "+" { sign = text.removeFirst() == "-" ? -1 : 1 }
                let digits = text.prefix { $0.isNumber || $0 == ":" }
                text = text.dropFirst(digits.count)
                let numbers = digits.split(separator: ":").compactMap { Int64($0) }
                guard !numbers.isEmpty, numbers.count <= 3 else { return nil }
                return sign * (numbers[0] * 3_600 + (numbers.count > 1 ? numbers[1] * 60 : 0) + (numbers.count > 2 ? numbers[2] : 0))
            }
            name()
            guard let west = time(&rest) else { return nil }
            standard = -west
            name()
            if rest.isEmpty {
                daylight = standard + 3_600
            } else {
                guard let west = time(&rest) else { return nil }
                daylight = -west
            }
            func moment(_ text: Substring) -> Moment? {
                var halves = text.split(separator: "/", maxSplits: 1)
                var seconds: Int64 = 7_200
                if halves.count == 2 {
                    guard let value = time(&halves[1]) else { return nil }
                    seconds = value
                }
                if halves[0].first == "M" {
                    let numbers = halves[0].dropFirst().split(separator: ".").compactMap { Int($0) }
                    guard numbers.count == 3 else { return nil }
                    return Moment(day: .monthWeekDay(month: numbers[0], week: numbers[1], day: numbers[2]), seconds: seconds)
                }
                if halves[0].first == "J" { return Int(halves[0].dropFirst()).map { Moment(day: .julian($0), seconds: seconds) } }
                return Int(halves[0]).map { Moment(day: .zeroBased($0), seconds: seconds) }
            }
            guard let start = moment(parts[1]), let end = moment(parts[2]) else { return nil }
            self.start = start
            self.end = end
        }

        private static func second(_ moment: Moment, _ year: Int) -> Int64 {
            let days: Int
            switch moment.day {
            case .monthWeekDay(let month, let week, let day):
                let first = DateTimeText.days(year: year, month: month, day: 1)
                // 1970-01-01 was a Thursday.
                let weekday = ((first + 4) % 7 + 7) % 7
                var date = first + (day - weekday + 7) % 7 + (week - 1) * 7
                if date >= first + DateTimeText.daysInMonth(year: year, month: month) { date -= 7 }
                days = date
            case .julian(let day):
                days = DateTimeText.days(year: year, month: 1, day: 1) + day - 1 + (DateTimeText.isLeap(year) && day >= 60 ? 1 : 0)
            case .zeroBased(let day): days = DateTimeText.days(year: year, month: 1, day: 1) + day
            }
            return Int64(days) * 86_400 + moment.seconds
        }

        func transitions(from first: Int, to last: Int) -> [(Int64, Int64)] {
            (first..<last).flatMap { year in
                [(Self.second(start, year) - standard, daylight), (Self.second(end, year) - daylight, standard)]
            }.sorted { $0.0 < $1.0 }
        }
    }
}
