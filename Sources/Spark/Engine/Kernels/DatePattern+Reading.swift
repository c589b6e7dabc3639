extension DatePattern {
    /// What was read of a moment; what was not has the first value that there is.
    private struct Fields {
        var year: Int?
        var era = 1
        var month: Int?
        var day: Int?
        var dayOfYear: Int?
        var quarter: Int?
        var weekday: Int?
        var hour: Int?
        var hour12: Int?
        var isAfternoon: Bool?
        var minute = 0
        var second = 0
        var micros: Int64 = 0
        var offset: Int64?
        var region: ZoneRules?
    }

    /// The moment that a text writes in this pattern, nil where it does not: microseconds since 1970, of the local clock when `isLocal`.
    func read(_ bytes: UnsafeBufferPointer<UInt8>, _ zone: ZoneRules, isLocal: Bool) -> Int64? {
        var fields = Fields()
        guard let end = read(items[...], bytes, 0, &fields), end == bytes.count else { return nil }
        let year = fields.era == 0 ? 1 - (fields.year ?? 1970) : fields.year ?? 1970
        let date: Int
        if let dayOfYear = fields.dayOfYear {
            guard dayOfYear >= 1, dayOfYear <= (DateTimeText.isLeap(year) ? 366 : 365) else { return nil }
            date = DateTimeText.days(year: year, month: 1, day: 1) + dayOfYear - 1
        } else {
            let month = fields.month ?? fields.quarter.map { $0 * 3 - 2 } ?? 1
            let day = fields.day ?? 1
            guard (1...12).contains(month), day >= 1, day <= DateTimeText.daysInMonth(year: year, month: month) else { return nil }
            date = DateTimeText.days(year: year, month: month, day: day)
        }
        if let weekday = fields.weekday, weekday != DateTimeMath.isoWeekday(Int32(truncatingIfNeeded: date)) { return nil }
        var hour = fields.hour ?? 0
        if let half = fields.hour12 {
            guard half < 12 else { return nil }
            hour = half + (fields.isAfternoon == true ? 12 : 0)
        }
        guard hour < 24, fields.minute < 60, fields.second < 60 else { return nil }
        let local =
            Int64(date) * DateTimeText.microsPerDay + Int64(hour * 3_600 + fields.minute * 60 + fields.second) * 1_000_000 + fields.micros
        if isLocal { return local }
        if let offset = fields.offset { return local - offset * 1_000_000 }
        return (fields.region ?? zone).instant(local)
    }

    /// The fewest and most digits of a numeric field; nil for texts.
    private func digits(_ letter: Character, _ count: Int) -> (Int, Int)? {
        switch letter {
        case "y": return count == 2 ? (2, 2) : (count, max(count, count < 4 ? 7 : 7))
        case "M", "L", "Q", "q": return count <= 2 ? (count, 2) : nil
        case "d", "h", "H", "k", "K", "m", "s": return (count, 2)
        case "D": return (count, 3)
        case "S": return (1, count)
        case "F": return (1, 1)
        default: return nil
        }
    }

    private func read(_ items: ArraySlice<Item>, _ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ fields: inout Fields) -> Int? {
        var at = start
        for index in items.indices {
            switch items[index] {
            case .literal(let text):
                guard at + text.count <= bytes.count,
                    zip(text, bytes[at...]).allSatisfy({ $0 == $1 || $0 & 0xDF &- 0x41 < 26 && $0 ^ $1 == 0x20 })
                else { return nil }
                at += text.count
            case .optional(let inner):
                var tried = fields
                if let end = read(inner[...], bytes, at, &tried) {
                    fields = tried
                    at = end
                }
            case .field(let letter, let count):
                if let (least, most) = digits(letter, count) {
                    // Fixed fields that follow at once keep their digits from this one.
                    var reserved = 0
                    for following in items[(index + 1)...] {
                        guard case .field(let next, let width) = following, let (fixed, _) = digits(next, width), width > 1 || next == "S"
                        else { break }
                        reserved += fixed
                    }
                    var run = 0
                    while at + run < bytes.count, bytes[at + run] &- 0x30 < 10 { run += 1 }
                    let isAdjacent = reserved > 0
                    let taken = min(most, isAdjacent ? max(least, run - reserved) : run)
                    guard taken >= least, taken <= run else { return nil }
                    var value = 0
                    for offset in 0..<taken { value = value * 10 + Int(bytes[at + offset] - 0x30) }
                    at += taken
                    guard set(letter, count, value, taken, &fields) else { return nil }
                } else {
                    guard let end = text(letter, count, bytes, at, &fields) else { return nil }
                    at = end
                }
            }
        }
        return at
    }

    private func set(_ letter: Character, _ count: Int, _ value: Int, _ width: Int, _ fields: inout Fields) -> Bool {
        switch letter {
        case "y": fields.year = count == 2 ? 2_000 + value : value
        case "M", "L": fields.month = value
        case "Q", "q":
            guard (1...4).contains(value) else { return false }
            fields.quarter = value
        case "d": fields.day = value
        case "D": fields.dayOfYear = value
        case "H": fields.hour = value
        case "k":
            guard (1...24).contains(value) else { return false }
            fields.hour = value % 24
        case "h":
            guard (1...12).contains(value) else { return false }
            fields.hour12 = value % 12
        case "K": fields.hour12 = value
        case "m": fields.minute = value
        case "s": fields.second = value
        case "S":
            var micros = Int64(value)
            for _ in width..<9 { micros *= 10 }
            fields.micros = micros / 1_000
        default: break
        }
        return true
    }

    private func text(_ letter: Character, _ count: Int, _ bytes: UnsafeBufferPointer<UInt8>, _ at: Int, _ fields: inout Fields) -> Int? {
        func one(of names: [String]) -> (Int, Int)? {
            for (index, name) in names.enumerated() {
                let wanted = Array(name.utf8)
                guard at + wanted.count <= bytes.count else { continue }
                if zip(wanted, bytes[at...]).allSatisfy({ $0 | 0x20 == $1 | 0x20 }) { return (index, at + wanted.count) }
            }
            return nil
        }
        switch letter {
        case "M", "L":
            guard let (index, end) = one(of: count == 3 ? Self.months.map { String($0.prefix(3)) } : Self.months) else { return nil }
            fields.month = index + 1
            return end
        case "E":
            guard let (index, end) = one(of: count <= 3 ? Self.days.map { String($0.prefix(3)) } : Self.days) else { return nil }
            fields.weekday = index + 1
            return end
        case "a":
            guard let (index, end) = one(of: ["AM", "PM"]) else { return nil }
            fields.isAfternoon = index == 1
            return end
        case "G":
            guard let (index, end) = one(of: ["BC", "AD"]) else { return nil }
            fields.era = index
            return end
        case "V", "z":
            var end = at
            while end < bytes.count, bytes[end] > 0x20, bytes[end] < 0x7F { end += 1 }
            guard let region = try? ZoneRules.named(String(decoding: bytes[at..<end], as: UTF8.self)) else { return nil }
            fields.region = region
            return end
        case "X", "x", "Z", "O":
            if at < bytes.count, bytes[at] == 0x5A, letter == "X" || letter == "Z" {
                fields.offset = 0
                return at + 1
            }
            var start = at
            if letter == "O" || letter == "Z" && count == 4 {
                guard let (_, end) = one(of: ["GMT"]) else { return nil }
                start = end
                if start == bytes.count || bytes[start] != 0x2B && bytes[start] != 0x2D {
                    fields.offset = 0
                    return start
                }
            }
            var end = start
            while end < bytes.count, bytes[end] &- 0x30 < 10 || [0x2B, 0x2D, 0x3A].contains(bytes[end]) { end += 1 }
            guard end > start, let zone = try? ZoneRules.named(String(decoding: bytes[start..<end], as: UTF8.self)) else { return nil }
            fields.offset = zone.offset(at: 0)
            return end
        default: return nil
        }
    }
}
