internal import NIOCore

/// Constants of a CQL text as values of a column's type, with Cassandra's messages where they are none.
enum Literals {
    static func value(_ constant: Term.Constant, _ receiver: ColumnSpecification) throws(CQLError) -> CQLValue {
        let text = constant.text
        let kind = constant.kind
        func mismatch() -> CQLError {
            .invalid("Invalid \(kind.rawValue) constant (\(text)) for \"\(receiver.name)\" of type \(receiver.type)")
        }
        func integer<T: FixedWidthInteger>(_ type: T.Type) throws(CQLError) -> T {
            guard kind == .integer else { throw mismatch() }
            guard let value = T(text) else { throw .invalid("Unable to make \(receiver.type) from '\(text)'") }
            return value
        }
        switch receiver.type.unfrozen {
        case .text:
            guard kind == .string else { throw mismatch() }
            return .text(text)
        case .ascii:
            guard kind == .string else { throw mismatch() }
            guard text.utf8.allSatisfy({ $0 < 0x80 }) else { throw .invalid("Invalid ASCII character in string literal") }
            return .ascii(text)
        case .bigint, .counter: return .bigint(try integer(Int64.self))
        case .int: return .int(try integer(Int32.self))
        case .smallint: return .smallint(try integer(Int16.self))
        case .tinyint: return .tinyint(try integer(Int8.self))
        case .varint:
            guard kind == .integer, let value = CQLVarint(text) else { throw mismatch() }
            return .varint(value)
        case .decimal:
            guard kind == .integer || kind == .float, let value = CQLDecimal(text) else { throw mismatch() }
            return .decimal(value)
        case .double, .float:
            guard kind == .integer || kind == .float, let value = double(text) else { throw mismatch() }
            return receiver.type.unfrozen == .double ? .double(value) : .float(Float(value))
        case .boolean:
            guard kind == .boolean else { throw mismatch() }
            return .boolean(text == "true")
        case .uuid, .timeuuid:
            guard kind == .uuid, let value = CQLUUID(text) else { throw mismatch() }
            if receiver.type.unfrozen == .uuid { return .uuid(value) }
            guard value.version == 1 else { throw .invalid("Invalid version for TimeUUID type.") }
            return .timeuuid(value)
        case .blob:
            guard kind == .hexadecimal, let bytes = hexadecimal(text) else { throw mismatch() }
            return .blob(bytes)
        case .inet:
            guard kind == .string else { throw mismatch() }
            guard let address = InternetAddress(text) else { throw .invalid("Unable to make inet address from '\(text)'") }
            return .inet(address)
        case .timestamp:
            if kind == .integer { return .timestamp(try integer(Int64.self)) }
            guard kind == .string else { throw mismatch() }
            guard let value = timestamp(text) else { throw .invalid("Unable to parse a date/time from '\(text)'") }
            return .timestamp(value)
        case .date:
            if kind == .integer {
                guard let days = UInt32(text) else { throw .invalid("Unable to make date from '\(text)'") }
                return .date(Int32(truncatingIfNeeded: Int64(days) - 0x8000_0000))
            }
            guard kind == .string else { throw mismatch() }
            guard let days = date(text) else { throw .invalid("Unable to coerce '\(text)' to a formatted date (long)") }
            return .date(days)
        case .time:
            if kind == .integer { return .time(try integer(Int64.self)) }
            guard kind == .string else { throw mismatch() }
            guard let value = time(text) else {
                throw .invalid("Unable to coerce '\(text)' to a formatted time (long)")
            }
            return .time(value)
        case .duration:
            guard kind == .duration, let value = CQLDuration(text) else { throw mismatch() }
            return .duration(value)
        default: throw mismatch()
        }
    }

    static func double(_ text: String) -> Double? {
        switch text {
        case "nan", "-nan": .nan
        case "infinity": .infinity
        case "-infinity": -.infinity
        default: Double(text.hasSuffix(".") ? text + "0" : text)
        }
    }

    static func hexadecimal(_ text: String) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count % 2 == 0 else { return nil }
        func value(_ digit: UInt8) -> UInt8 { digit <= 0x39 ? digit - 0x30 : (digit | 0x20) - 0x57 }
        return stride(from: 0, to: digits.count, by: 2).map { value(digits[$0]) << 4 | value(digits[$0 + 1]) }
    }

    /// Days since 1970 of `2026-01-31`.
    static func date(_ text: some StringProtocol) -> Int32? {
        let isNegative = text.first == "-"
        let parts = (isNegative ? text.dropFirst() : text[...]).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, let year = Int64(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]),
            let date = CivilDate(year: isNegative ? -year : year, month: month, day: day)
        else { return nil }
        return Int32(exactly: date.days)
    }

    /// Nanoseconds of `12:34[:56[.789]]`.
    static func time(_ text: some StringProtocol) -> Int64? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2 || parts.count == 3, let hours = Int64(parts[0]), let minutes = Int64(parts[1]), (0..<24).contains(hours),
            (0..<60).contains(minutes)
        else { return nil }
        var nanoseconds = (hours * 60 + minutes) * 60_000_000_000
        guard parts.count == 3 else { return nanoseconds }
        let seconds = parts[2].split(separator: ".", omittingEmptySubsequences: false)
        guard seconds.count <= 2, let whole = Int64(seconds[0]), (0..<60).contains(whole) else { return nil }
        nanoseconds += whole * 1_000_000_000
        if seconds.count == 2 {
            guard (1...9).contains(seconds[1].count), seconds[1].allSatisfy({ $0.isASCII && $0.isNumber }), var fraction = Int64(seconds[1])
            else { return nil }
            for _ in seconds[1].count..<9 { fraction *= 10 }
            nanoseconds += fraction
        }
        return nanoseconds
    }

    /// Milliseconds since 1970 of `2026-01-31[(T| )12:34[:56[.789]]][Z|+0100|+01:00]`, UTC where no zone is given.
    static func timestamp(_ text: String) -> Int64? {
        var rest = Substring(text)
        var offsetMinutes: Int64 = 0
        if rest.last == "Z" || rest.last == "z" {
            rest.removeLast()
        } else if rest.count > 10, let sign = rest.lastIndex(where: { $0 == "+" || $0 == "-" }),
            rest.distance(from: rest.startIndex, to: sign) >= 10
        {
            let zone = rest[rest.index(after: sign)...].filter { $0 != ":" }
            guard zone.count == 4 || zone.count == 2, let number = Int64(zone) else { return nil }
            let minutes = zone.count == 4 ? number / 100 * 60 + number % 100 : number * 60
            offsetMinutes = rest[sign] == "-" ? -minutes : minutes
            rest = rest[..<sign]
        }
        while rest.last == " " { rest.removeLast() }
        let separator = rest.firstIndex { $0 == "T" || $0 == " " }
        guard let days = date(rest[..<(separator ?? rest.endIndex)]) else { return nil }
        var milliseconds = Int64(days) * 86_400_000
        if let separator {
            guard let ofDay = time(rest[rest.index(after: separator)...]) else { return nil }
            milliseconds += ofDay / 1_000_000
        }
        return milliseconds - offsetMinutes * 60_000
    }
}
