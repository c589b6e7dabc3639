/// A UTC time in milliseconds since 1970, and its calendar form: proleptic Gregorian, by Howard Hinnant's day-count algorithm.
struct CivilTime: Sendable, Hashable {
    var milliseconds: Int64

    static let millisecondsPerDay: Int64 = 86_400_000

    init(milliseconds: Int64) { self.milliseconds = milliseconds }

    init(year: Int, month: Int, day: Int) {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        milliseconds = Int64(era * 146_097 + dayOfEra - 719_468) * Self.millisecondsPerDay
    }

    var date: (year: Int, month: Int, day: Int) {
        let z = Int((Double(milliseconds) / Double(Self.millisecondsPerDay)).rounded(.down)) + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    /// Whole years from this time to a later one.
    func years(until later: CivilTime) -> Int {
        let from = date, to = later.date
        let before = (to.month, to.day) < (from.month, from.day)
        return max(0, to.year - from.year - (before ? 1 : 0))
    }

    /// `1992-03-08T15:13:16.688Z`, 24 bytes.
    var text: String {
        let (year, month, day) = date
        var rest = Int(milliseconds % Self.millisecondsPerDay)
        if rest < 0 { rest += Int(Self.millisecondsPerDay) }
        return String(unsafeUninitializedCapacity: 24) { bytes in
            func put(_ value: Int, at: Int, width: Int) {
                var value = value
                for index in stride(from: at + width - 1, through: at, by: -1) {
                    bytes[index] = UInt8(48 + value % 10)
                    value /= 10
                }
            }
            put(year, at: 0, width: 4)
            bytes[4] = UInt8(ascii: "-")
            put(month, at: 5, width: 2)
            bytes[7] = UInt8(ascii: "-")
            put(day, at: 8, width: 2)
            bytes[10] = UInt8(ascii: "T")
            put(rest / 3_600_000, at: 11, width: 2)
            bytes[13] = UInt8(ascii: ":")
            put(rest / 60_000 % 60, at: 14, width: 2)
            bytes[16] = UInt8(ascii: ":")
            put(rest / 1_000 % 60, at: 17, width: 2)
            bytes[19] = UInt8(ascii: ".")
            put(rest % 1_000, at: 20, width: 3)
            bytes[23] = UInt8(ascii: "Z")
            return 24
        }
    }
}
