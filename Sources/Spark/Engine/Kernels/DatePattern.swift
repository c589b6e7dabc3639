/// A pattern of Java's DateTimeFormatter (`yyyy-MM-dd HH:mm:ss`), compiled once and used to write and to read moments.
///
/// Spark's "Datetime patterns" page tells which letters there are; those it forbids are refused, and so are those not served.
struct DatePattern {
    indirect enum Item {
        case literal([UInt8])
        case field(Character, Int)
        case optional([Item])
    }

    let items: [Item]
    private let text: String

    static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
    ]
    static let days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

    init(_ pattern: String) throws {
        text = pattern
        var rest = Substring(pattern)
        items = try Self.items(&rest, pattern, isNested: false)
    }

    private static func unrecognized(_ pattern: String) -> SparkError {
        SparkError(
            "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION", sqlState: "42K0B",
            "Fail to recognize '\(pattern)' pattern in the DateTimeFormatter. See https://spark.apache.org/docs/latest/sql-ref-datetime-pattern.html for the patterns that there are."
        )
    }

    private static func items(_ rest: inout Substring, _ pattern: String, isNested: Bool) throws -> [Item] {
        var items: [Item] = []
        func add(_ text: String) {
            if case .literal(let bytes)? = items.last {
                items[items.count - 1] = .literal(bytes + Array(text.utf8))
            } else {
                items.append(.literal(Array(text.utf8)))
            }
        }
        while let character = rest.popFirst() {
            switch character {
            case "'":
                if rest.first == "'" {
                    rest.removeFirst()
                    add("'")
                    continue
                }
                var text = ""
                while true {
                    guard let next = rest.popFirst() else { throw unrecognized(pattern) }
                    if next == "'" {
                        guard rest.first == "'" else { break }
                        rest.removeFirst()
                    }
                    text.append(next)
                }
                add(text)
            case "[": items.append(.optional(try Self.items(&rest, pattern, isNested: true)))
            case "]":
                guard isNested else { throw unrecognized(pattern) }
                return items
            case "a"..."z", "A"..."Z":
                var count = 1
                while rest.first == character {
                    rest.removeFirst()
                    count += 1
                }
                let most: Int
                switch character {
                case "y": most = 6
                case "M", "L", "E", "Q", "q", "G": most = 4
                case "d", "h", "H", "k", "K", "m", "s": most = 2
                case "D": most = 3
                case "S": most = 9
                case "a", "F": most = 1
                case "V": most = 2
                case "z", "O": most = 4
                case "x", "X", "Z": most = 5
                default: throw unrecognized(pattern)
                }
                guard count <= most, character != "V" || count == 2 else { throw unrecognized(pattern) }
                items.append(.field(character, count))
            case "#", "{", "}": throw unrecognized(pattern)
            default: add(String(character))
            }
        }
        guard !isNested else { throw unrecognized(pattern) }
        return items
    }

    // MARK: Writing

    func write(_ micros: Int64, _ zone: ZoneRules, isLocal: Bool, to out: inout [UInt8]) throws {
        let local = isLocal ? micros : zone.local(micros)
        let moment = Written(local: local, offset: isLocal ? 0 : zone.offset(at: micros), zone: zone.name)
        try write(items, moment, to: &out)
    }

    private struct Written {
        let local: Int64
        let offset: Int64
        let zone: String
        let day: Int32
        let civil: (year: Int, month: Int, day: Int)
        let time: Int64

        init(local: Int64, offset: Int64, zone: String) {
            self.local = local
            self.offset = offset
            self.zone = zone
            day = DateTimeMath.days(local)
            civil = DateTimeText.civil(days: Int(day))
            time = DateTimeMath.timeOfDay(local)
        }
    }

    private func write(_ items: [Item], _ moment: Written, to out: inout [UInt8]) throws {
        func number(_ value: Int, _ width: Int) {
            let digits = String(value.magnitude)
            if value < 0 { out.append(0x2D) }
            for _ in 0..<max(0, width - digits.utf8.count) { out.append(0x30) }
            out += digits.utf8
        }
        let seconds = Int(moment.time / 1_000_000)
        let hour = seconds / 3_600
        for item in items {
            switch item {
            case .literal(let bytes): out += bytes
            case .optional(let items): try write(items, moment, to: &out)
            case .field(let letter, let count):
                switch letter {
                case "y":
                    let year = moment.civil.year > 0 ? moment.civil.year : 1 - moment.civil.year
                    if count == 2 {
                        number(year % 100, 2)
                    } else {
                        if count >= 4, year > 9_999, String(year).count > count { out.append(0x2B) }
                        number(year, count)
                    }
                case "G":
                    out +=
                        (count == 4 ? (moment.civil.year > 0 ? "Anno Domini" : "Before Christ") : moment.civil.year > 0 ? "AD" : "BC").utf8
                case "M", "L":
                    let name = Self.months[moment.civil.month - 1]
                    if count <= 2 { number(moment.civil.month, count) } else { out += (count == 3 ? String(name.prefix(3)) : name).utf8 }
                case "Q", "q":
                    let quarter = (moment.civil.month + 2) / 3
                    switch count {
                    case 1, 2: number(quarter, count)
                    case 3: out += "Q\(quarter)".utf8
                    default: out += ["1st quarter", "2nd quarter", "3rd quarter", "4th quarter"][quarter - 1].utf8
                    }
                case "d": number(moment.civil.day, count)
                case "D": number(DateTimeMath.dayOfYear(moment.day), count)
                case "F": number((moment.civil.day - 1) % 7 + 1, count)
                case "E":
                    let name = Self.days[DateTimeMath.isoWeekday(moment.day) - 1]
                    out += (count <= 3 ? String(name.prefix(3)) : name).utf8
                case "a": out += (hour < 12 ? "AM" : "PM").utf8
                case "h": number(hour % 12 == 0 ? 12 : hour % 12, count)
                case "K": number(hour % 12, count)
                case "k": number(hour == 0 ? 24 : hour, count)
                case "H": number(hour, count)
                case "m": number(seconds / 60 % 60, count)
                case "s": number(seconds % 60, count)
                case "S":
                    let nanos = String(Int(moment.time % 1_000_000) * 1_000 + 1_000_000_000).dropFirst()
                    out += nanos.prefix(count).utf8
                case "V": out += moment.zone.utf8
                case "z": out += (moment.zone == "Z" ? "UTC" : moment.zone).utf8
                default: offset(letter, count, moment.offset, to: &out)
                }
            }
        }
    }

    private func offset(_ letter: Character, _ count: Int, _ seconds: Int64, to out: inout [UInt8]) {
        func two(_ value: Int64) { out += (value < 10 ? "0\(value)" : "\(value)").utf8 }
        if seconds == 0 {
            if letter == "X" { return out.append(0x5A) }
            if letter == "Z", count == 5 { return out.append(0x5A) }
            if letter == "O" || letter == "Z" && count == 4 { return out += "GMT".utf8 }
        }
        if letter == "O" || letter == "Z" && count == 4 { out += "GMT".utf8 }
        out.append(seconds < 0 ? 0x2D : 0x2B)
        let magnitude = Int64(seconds.magnitude)
        let (hours, minutes, rest) = (magnitude / 3_600, magnitude / 60 % 60, magnitude % 60)
        if letter == "O", count == 1 {
            out += "\(hours)".utf8
            if minutes > 0 {
                out.append(0x3A)
                two(minutes)
            }
            return
        }
        two(hours)
        let hasColon = letter == "O" || letter == "Z" && count >= 4 || letter != "Z" && (count == 3 || count == 5)
        if letter != "Z", letter != "O", count == 1, minutes == 0 { return }
        if hasColon { out.append(0x3A) }
        two(minutes)
        if rest > 0, letter != "Z" || count == 5, letter == "Z" || count >= 4 {
            if hasColon { out.append(0x3A) }
            two(rest)
        }
    }
}
