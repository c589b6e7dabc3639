/// Values as people read them (``description``) and as CQL writes them (``literal``).
extension CQLValue: CustomStringConvertible {
    /// As cqlsh shows it: texts bare, collections with quoted texts.
    package var description: String {
        switch self {
        case .null: "null"
        case .unset: "unset"
        case .ascii(let text), .text(let text): text
        default: literal
        }
    }

    /// A CQL literal that gives the value back.
    package var literal: String {
        switch self {
        case .null, .unset: "null"
        case .ascii(let text), .text(let text): Self.quoted(text)
        case .bigint(let value), .counter(let value): "\(value)"
        case .blob(let bytes), .custom(let bytes): "0x" + Self.hexadecimal(bytes)
        case .boolean(let flag): flag ? "True" : "False"
        case .date(let days): CivilDate(days: Int64(days)).description
        case .decimal(let value): value.description
        case .double(let value): Self.number(value.description)
        case .duration(let value): value.description
        case .float(let value): Self.number(value.description)
        case .inet(let address): address.description
        case .int(let value): "\(value)"
        case .smallint(let value): "\(value)"
        case .time(let nanoseconds): Self.timeOfDay(nanoseconds)
        case .timestamp(let milliseconds): Self.timestampText(milliseconds)
        case .timeuuid(let value), .uuid(let value): value.description
        case .tinyint(let value): "\(value)"
        case .varint(let value): value.description
        case .list(let values): "[" + values.map(\.literal).joined(separator: ", ") + "]"
        case .set(let values): "{" + values.map(\.literal).joined(separator: ", ") + "}"
        case .map(let entries): "{" + entries.map { "\($0.key.literal): \($0.value.literal)" }.joined(separator: ", ") + "}"
        case .tuple(let values): "(" + values.map(\.literal).joined(separator: ", ") + ")"
        }
    }

    private static func quoted(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
    }

    private static func number(_ text: String) -> String {
        switch text {
        case "inf": "Infinity"
        case "-inf": "-Infinity"
        case "nan": "NaN"
        default: text
        }
    }

    static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    static func padded(_ number: some BinaryInteger, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }

    /// `01:02:03.000000004`
    package static func timeOfDay(_ nanoseconds: Int64) -> String {
        let seconds = nanoseconds / 1_000_000_000
        return padded(seconds / 3_600, 2) + ":" + padded(seconds / 60 % 60, 2) + ":" + padded(seconds % 60, 2) + "."
            + padded(nanoseconds % 1_000_000_000, 9)
    }

    /// `2026-01-31 12:00:00.000000+0000`, as cqlsh shows it.
    package static func timestampText(_ milliseconds: Int64) -> String {
        let (day, rest) = milliseconds.quotientAndRemainder(dividingBy: 86_400_000)
        let days = rest < 0 ? day - 1 : day
        let ofDay = rest < 0 ? rest + 86_400_000 : rest
        let seconds = ofDay / 1_000
        return CivilDate(days: days).description + " " + padded(seconds / 3_600, 2) + ":" + padded(seconds / 60 % 60, 2) + ":"
            + padded(seconds % 60, 2) + "." + padded(ofDay % 1_000 * 1_000, 6) + "+0000"
    }
}

/// A day of the proleptic Gregorian calendar.
package struct CivilDate: Hashable, Sendable, CustomStringConvertible {
    package let year: Int64
    package let month: Int
    package let day: Int

    /// - Parameter days: since 1970-01-01.
    package init(days: Int64) {
        // Counting from 1 March of year 0, in eras of 400 years, so that the leap day is the last of its year.
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = Int(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
        month = Int(shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9)
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// Nil where there is no such day.
    package init?(year: Int64, month: Int, day: Int) {
        guard (1...12).contains(month), day >= 1, day <= 31, abs(year) < 10_000_000 else { return nil }
        self.year = year
        self.month = month
        self.day = day
        guard CivilDate(days: days) == self else { return nil }
    }

    /// Days since 1970-01-01.
    package var days: Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = Int64((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1)
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    package var description: String {
        let text = CQLValue.padded(abs(year), 4) + "-" + CQLValue.padded(month, 2) + "-" + CQLValue.padded(day, 2)
        return year < 0 ? "-" + text : text
    }
}
