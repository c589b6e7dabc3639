/// Dates and timestamps to and from text, as Spark's casts read and print them (UTC; the proleptic Gregorian calendar).
package enum DateTimeText {
    package static let microsPerSecond: Int64 = 1_000_000
    package static let microsPerDay: Int64 = 86_400 * microsPerSecond

    package static func date(_ text: String) -> Int32? {
        var text = text
        return text.withUTF8 { date($0) }
    }

    package static func timestamp(_ text: String) -> Int64? {
        var text = text
        return text.withUTF8 { timestamp($0) }
    }

    /// `yyyy`, `yyyy-[m]m`, `yyyy-[m]m-[d]d`, the last also followed by a space or `T` and anything.
    package static func date(_ bytes: UnsafeBufferPointer<UInt8>) -> Int32? {
        var reader = Reader(bytes)
        guard let days = reader.date() else { return nil }
        guard reader.isAtEnd || reader.hasDay && (reader.peek == 0x20 || reader.peek == 0x54) else { return nil }
        return days
    }

    /// What a text says of a moment: the local time, and where it is; the zone of the session where nothing is said.
    package struct Moment {
        package enum Zone {
            case none
            /// Seconds east of UTC.
            case offset(Int64)
            case region(String)
        }

        /// Microseconds of the local clock since 1970.
        package var micros: Int64
        package var zone: Zone
        /// Without a date: the time of today.
        package var isTimeAlone = false
    }

    /// A date as above, then optionally `[h]h:[m]m[:[s]s[.fraction]]` after a space or `T`, then optionally a zone: `Z`, `UTC`, `GMT`,
    /// `±h[h][:mm]`, a region.
    package static func moment(_ bytes: UnsafeBufferPointer<UInt8>) -> Moment? {
        var reader = Reader(bytes)
        guard let days = reader.date() else { return nil }
        var moment = Moment(micros: Int64(days) &* microsPerDay, zone: .none)
        if reader.isAtEnd { return moment }
        guard reader.hasDay, reader.take(0x20) || reader.take(0x54) else { return nil }
        if reader.isAtEnd { return moment }
        guard let time = reader.time() else { return nil }
        moment.micros += time
        if reader.isAtEnd { return moment }
        let mark = reader.index
        if let offset = reader.zone(), reader.isAtEnd {
            moment.zone = .offset(offset)
            return moment
        }
        let name = String(decoding: reader.bytes[mark...], as: UTF8.self).drop { $0 == " " }
        guard let first = name.first, first.isLetter || first == "+" || first == "-" else { return nil }
        moment.zone = .region(String(name))
        return moment
    }

    /// As above, in UTC where the text says nothing else; nil for a region.
    package static func timestamp(_ bytes: UnsafeBufferPointer<UInt8>) -> Int64? {
        guard let moment = moment(bytes) else { return nil }
        switch moment.zone {
        case .none: return moment.micros
        case .offset(let seconds): return moment.micros - seconds * microsPerSecond
        case .region: return nil
        }
    }

    private struct Reader {
        var bytes: UnsafeBufferPointer<UInt8>
        var index = 0
        var hasDay = false

        init(_ bytes: UnsafeBufferPointer<UInt8>) {
            var start = 0, end = bytes.count
            while start < end, bytes[start] <= 0x20 { start += 1 }
            while end > start, bytes[end - 1] <= 0x20 { end -= 1 }
            self.bytes = UnsafeBufferPointer(rebasing: bytes[start..<end])
        }

        var isAtEnd: Bool { index == bytes.count }
        var peek: UInt8 { index < bytes.count ? bytes[index] : 0 }

        mutating func take(_ byte: UInt8) -> Bool {
            guard peek == byte, !isAtEnd else { return false }
            index += 1
            return true
        }

        mutating func digits(_ range: ClosedRange<Int>) -> Int? {
            var value = 0, count = 0
            while index < bytes.count, bytes[index] &- 0x30 < 10, count < range.upperBound {
                value = value * 10 + Int(bytes[index] &- 0x30)
                index += 1
                count += 1
            }
            return count >= range.lowerBound ? value : nil
        }

        mutating func date() -> Int32? {
            let isNegative = take(0x2D)
            if !isNegative { _ = take(0x2B) }
            guard let year = digits(4...7) else { return nil }
            var month = 1, day = 1
            if take(0x2D) {
                guard let value = digits(1...2) else { return nil }
                month = value
                if take(0x2D) {
                    guard let value = digits(1...2) else { return nil }
                    day = value
                    hasDay = true
                }
            }
            let signed = isNegative ? -year : year
            guard (1...12).contains(month), day >= 1, day <= DateTimeText.daysInMonth(year: signed, month: month) else { return nil }
            return Int32(truncatingIfNeeded: DateTimeText.days(year: signed, month: month, day: day))
        }

        mutating func time() -> Int64? {
            guard let hour = digits(1...2), hour < 24 else { return nil }
            var minute = 0, second = 0, fraction: Int64 = 0
            if take(0x3A) {
                guard let value = digits(1...2), value < 60 else { return nil }
                minute = value
                if take(0x3A) {
                    guard let value = digits(1...2), value < 60 else { return nil }
                    second = value
                    if take(0x2E) {
                        var scale: Int64 = 100_000
                        while peek &- 0x30 < 10, !isAtEnd {
                            fraction += Int64(peek &- 0x30) * scale
                            scale /= 10
                            index += 1
                        }
                    }
                }
            } else {
                return nil
            }
            return Int64(hour * 3_600 + minute * 60 + second) * DateTimeText.microsPerSecond + fraction
        }

        /// Seconds east of UTC.
        mutating func zone() -> Int64? {
            _ = take(0x20)
            if isAtEnd || take(0x5A) { return 0 }
            for name in ["UTC", "GMT"] as [StaticString] where bytes.count - index >= 3 {
                let matches = (0..<3).allSatisfy { bytes[index + $0] == name.utf8Start[$0] }
                if matches {
                    index += 3
                    if isAtEnd { return 0 }
                    break
                }
            }
            let isWest = take(0x2D)
            guard isWest || take(0x2B), let hour = digits(1...2), hour <= 18 else { return nil }
            var minute = 0
            if !isAtEnd {
                _ = take(0x3A)
                guard let value = digits(2...2), value < 60 else { return nil }
                minute = value
            }
            let seconds = Int64(hour * 3_600 + minute * 60)
            return isWest ? -seconds : seconds
        }
    }

    static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    static func daysInMonth(year: Int, month: Int) -> Int {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days from 1970-01-01, by counting in eras of 400 years that begin in March.
    package static func days(year: Int, month: Int, day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    package static func civil(days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    /// Writes `yyyy-MM-dd` and returns the number of bytes; at most 16.
    package static func write(days: Int, to out: UnsafeMutablePointer<UInt8>) -> Int {
        let (year, month, day) = civil(days: days)
        var count = 0
        if year < 0 {
            out[0] = 0x2D
            count = 1
        }
        let magnitude = Int(year.magnitude)
        let width = magnitude > 9_999 ? String(magnitude).utf8.count : 4
        if magnitude > 9_999, year > 0 {
            out[0] = 0x2B
            count = 1
        }
        count += put(magnitude, width: width, to: out + count)
        out[count] = 0x2D
        count += 1 + put(month, width: 2, to: out + count + 1)
        out[count] = 0x2D
        return count + 1 + put(day, width: 2, to: out + count + 1)
    }

    /// Writes `yyyy-MM-dd HH:mm:ss[.fraction without trailing zeros]`, and returns the number of bytes; at most 40.
    package static func write(micros: Int64, separator: UInt8 = 0x20, to out: UnsafeMutablePointer<UInt8>) -> Int {
        var day = Int(micros / microsPerDay)
        var rest = micros % microsPerDay
        if rest < 0 {
            day -= 1
            rest += microsPerDay
        }
        var count = write(days: day, to: out)
        let seconds = Int(rest / microsPerSecond)
        out[count] = separator
        count += 1 + put(seconds / 3_600, width: 2, to: out + count + 1)
        out[count] = 0x3A
        count += 1 + put(seconds / 60 % 60, width: 2, to: out + count + 1)
        out[count] = 0x3A
        count += 1 + put(seconds % 60, width: 2, to: out + count + 1)
        let fraction = Int(rest % microsPerSecond)
        guard fraction > 0 else { return count }
        out[count] = 0x2E
        count += 1 + put(fraction, width: 6, to: out + count + 1)
        while out[count - 1] == 0x30 { count -= 1 }
        return count
    }

    private static func put(_ value: Int, width: Int, to out: UnsafeMutablePointer<UInt8>) -> Int {
        var value = value
        for index in stride(from: width - 1, through: 0, by: -1) {
            out[index] = UInt8(0x30 + value % 10)
            value /= 10
        }
        return width
    }

    package static func text(days: Int32) -> String {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 48) { out in
            let count = write(days: Int(days), to: out.baseAddress!)
            return String(decoding: UnsafeBufferPointer(start: out.baseAddress!, count: count), as: UTF8.self)
        }
    }

    package static func text(micros: Int64, separator: UInt8 = 0x20) -> String {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { out in
            let count = write(micros: micros, separator: separator, to: out.baseAddress!)
            return String(decoding: UnsafeBufferPointer(start: out.baseAddress!, count: count), as: UTF8.self)
        }
    }

    /// `2024-05-01T12:00:00.000Z`, always with milliseconds, as Spark's progress and JSON write it.
    package static func isoMillis(micros: Int64) -> String {
        let millis = (micros % microsPerSecond + microsPerSecond) % microsPerSecond / 1_000
        let whole = text(micros: micros - (micros % microsPerSecond + microsPerSecond) % microsPerSecond, separator: 0x54)
        let digits = String(millis)
        return whole + "." + String(repeating: "0", count: 3 - digits.count) + digits + "Z"
    }
}
