/// Numbers, dates, times, bytes and intervals.
extension SQLParser {
    func number(_ text: String, at token: SQLToken) throws -> Literal {
        let digits = text.prefix { $0.isNumber || "+-.".contains($0) }
        var body = String(digits)
        var suffix = text.dropFirst(body.count)
        if suffix.first == "e" || suffix.first == "E", suffix.dropFirst().first.map({ $0.isNumber || $0 == "-" || $0 == "+" }) == true {
            let exponent = suffix.dropFirst().prefix { $0.isNumber || $0 == "-" || $0 == "+" }
            body += "e" + exponent
            suffix = suffix.dropFirst(exponent.count + 1)
        }
        func outOfRange(_ type: String) -> SparkError {
            SparkError(
                "INVALID_NUMERIC_LITERAL_RANGE", sqlState: "22003", "Numeric literal \(text) is outside the valid range for \(type).",
                line: token.line, position: token.position)
        }
        let isWhole = !body.contains(".") && !body.contains("e")
        switch suffix.uppercased() {
        case "" where isWhole:
            if let value = Int32(body) { return .integer(value) }
            if let value = Int64(body) { return .long(value) }
            return try decimal(body, at: token)
        case "" where !body.contains("e"), "BD": return try decimal(body, at: token)
        case "", "D":
            guard let value = Double(body) else { throw failure("a number is wanted", at: token) }
            return .double(value)
        case "F":
            guard let value = Float(body) else { throw failure("a number is wanted", at: token) }
            return .float(value)
        case "L" where isWhole:
            guard let value = Int64(body) else { throw outOfRange("bigint") }
            return .long(value)
        case "S" where isWhole:
            guard let value = Int16(body) else { throw outOfRange("smallint") }
            return .short(value)
        case "Y" where isWhole:
            guard let value = Int8(body) else { throw outOfRange("tinyint") }
            return .byte(value)
        default: throw failure("'\(text)' is no number", at: token)
        }
    }

    func decimal(_ text: String, at token: SQLToken) throws -> Literal {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let fraction = parts.count > 1 ? parts[1] : ""
        guard parts.count <= 2, let unscaled = Int128(String(parts[0] + fraction)), unscaled.magnitude < Literal.decimalBound else {
            throw SparkError(
                "UNSUPPORTED_FEATURE", sqlState: "0A000",
                "The decimal literal \(text) has more than 38 digits.",
                line: token.line, position: token.position)
        }
        let digits = String(unscaled.magnitude).count
        return .decimal(unscaled: unscaled, precision: max(digits, fraction.count), scale: fraction.count)
    }

    func typedLiteral(_ type: String, _ text: String, at token: SQLToken) throws -> Expression {
        let value: Literal? =
            switch type {
            case "date": DateTimeText.date(text).map { .date($0) }
            case "timestamp_ntz": DateTimeText.timestamp(text).map { .timestampNTZ($0) }
            default: DateTimeText.timestamp(text).map { .timestamp($0) }
            }
        // Without a zone of its own, the time is the session's.
        if type == "timestamp" || type == "timestamp_ltz" { return .cast(.literal(.string(text)), to: .timestamp, isTry: false) }
        guard let value else {
            throw SparkError(
                "INVALID_TYPED_LITERAL", sqlState: "42604",
                "The value of the typed literal \"\(type.uppercased())\" is invalid: '\(text)'.",
                line: token.line, position: token.position)
        }
        return .literal(value)
    }

    func hexadecimal(_ text: String) -> [UInt8]? {
        let digits = Array((text.count % 2 == 1 ? "0" : "") + text)
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let byte = UInt8(String(digits[index...index + 1]), radix: 16) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    // MARK: Intervals

    private static let yearMonthUnits: [String: YearMonthField] = ["year": .year, "month": .month]
    private static let dayTimeUnits: [String: (field: DayTimeField, micros: Int64)] = [
        "week": (.day, 604_800_000_000), "day": (.day, 86_400_000_000), "hour": (.hour, 3_600_000_000), "minute": (.minute, 60_000_000),
        "second": (.second, 1_000_000), "millisecond": (.second, 1_000), "microsecond": (.second, 1),
    ]

    private static func unit(_ word: String) -> String? {
        var name = word.lowercased()
        if name.hasSuffix("s") { name.removeLast() }
        return yearMonthUnits[name] != nil || dayTimeUnits[name] != nil ? name : nil
    }

    /// `INTERVAL DAY TO SECOND` as a type; without fields, the interval of months, days and microseconds.
    mutating func intervalType() throws -> DataType {
        guard case .word(let word) = token.kind, let first = Self.unit(word) else { return .calendarInterval }
        advance()
        var last = first
        if takeWord("TO") {
            guard case .word(let word) = token.kind, let unit = Self.unit(word) else { throw failure("a unit is wanted") }
            advance()
            last = unit
        }
        if let a = Self.yearMonthUnits[first], let b = Self.yearMonthUnits[last] { return .yearMonthInterval(.init(a, b)) }
        if let a = Self.dayTimeUnits[first], let b = Self.dayTimeUnits[last] { return .dayTimeInterval(.init(a.field, b.field)) }
        throw failure("fields of one kind are wanted")
    }

    /// `INTERVAL '1' DAY`, `INTERVAL 1 YEAR 2 MONTHS`, `INTERVAL '1 02:03:04' DAY TO SECOND`, `INTERVAL '1 day 2 hours'`; nil where the word is
    /// a column's name.
    mutating func interval() throws -> Expression? {
        let saved = index
        let start = token
        advance()
        var sign = ""
        if isSymbol("-") || isSymbol("+") {
            sign = isSymbol("-") ? "-" : ""
            advance()
        }
        var parts: [(value: String, unit: String)] = []
        while true {
            let text: String
            switch token.kind {
            case .string(let value): text = value
            case .number(let value): text = value
            default:
                guard parts.isEmpty else { return .literal(try interval(parts, at: start)) }
                index = saved
                return nil
            }
            advance()
            guard case .word(let word) = token.kind, let unit = Self.unit(word) else {
                guard parts.isEmpty, let words = Self.words(text) else { throw invalidInterval(text, at: start) }
                return .literal(try interval(words.map { (sign + $0.value, $0.unit) }, at: start))
            }
            advance()
            if parts.isEmpty, takeWord("TO") {
                guard case .word(let word) = token.kind, let end = Self.unit(word) else { throw failure("a unit is wanted") }
                advance()
                return .literal(try range(sign + text, from: unit, to: end, at: start))
            }
            parts.append((sign + text.trimmingSpaces, unit))
            sign = ""
            if isSymbol("-"), case .number = token(ahead: 1).kind, case .word(let word) = token(ahead: 2).kind, Self.unit(word) != nil {
                sign = "-"
                advance()
                continue
            }
            // Another part follows only as a value with its unit.
            switch token.kind {
            case .number, .string:
                guard case .word(let word) = token(ahead: 1).kind, Self.unit(word) != nil else {
                    return .literal(try interval(parts, at: start))
                }
            default: return .literal(try interval(parts, at: start))
            }
        }
    }

    /// `1 day -2 hours` in one text.
    private static func words(_ text: String) -> [(value: String, unit: String)]? {
        var words = text.lowercased().split(whereSeparator: \.isWhitespace).map(String.init)
        if words.first == "interval" { words.removeFirst() }
        var result: [(value: String, unit: String)] = []
        var index = 0
        while index < words.count {
            var value = words[index]
            index += 1
            if value == "-" || value == "+", index < words.count {
                value = (value == "-" ? "-" : "") + words[index]
                index += 1
            }
            guard index < words.count, let unit = unit(words[index]) else { return nil }
            index += 1
            result.append((value, unit))
        }
        return result.isEmpty ? nil : result
    }

    private func invalidInterval(_ text: String, at token: SQLToken) -> SparkError {
        SparkError(
            "INVALID_INTERVAL_FORMAT.INVALID_VALUE", sqlState: "22006", "Error parsing '\(text)' to interval.", line: token.line,
            position: token.position)
    }

    private func interval(_ parts: [(value: String, unit: String)], at token: SQLToken) throws -> Literal {
        var months: Int64 = 0
        var micros: Int64 = 0
        var yearMonth: [YearMonthField] = []
        var dayTime: [DayTimeField] = []
        for part in parts {
            if let field = Self.yearMonthUnits[part.unit] {
                guard let value = Int64(part.value) else { throw invalidInterval(part.value, at: token) }
                yearMonth.append(field)
                months += value * (field == .year ? 12 : 1)
            } else if let unit = Self.dayTimeUnits[part.unit] {
                dayTime.append(unit.field)
                guard let value = Self.micros(part.value, of: unit.micros) else { throw invalidInterval(part.value, at: token) }
                micros += value
            }
        }
        guard let value = Int32(exactly: months) else { throw invalidInterval("\(months) months", at: token) }
        if dayTime.isEmpty {
            return .yearMonthInterval(
                value, .init(yearMonth.contains(.year) ? .year : .month, yearMonth.contains(.month) ? .month : .year))
        }
        guard yearMonth.isEmpty else {
            throw SparkError(
                "UNSUPPORTED_FEATURE", sqlState: "0A000",
                "Cannot mix year-month and day-time fields in one interval.", line: token.line, position: token.position)
        }
        let order = dayTime.sorted { $0.rawValue < $1.rawValue }
        return .dayTimeInterval(micros, .init(order[0], order[order.count - 1]))
    }

    /// Whole, or with a fraction for seconds.
    private static func micros(_ text: String, of unit: Int64) -> Int64? {
        if let whole = Int64(text) { return whole.multipliedReportingOverflow(by: unit).overflow ? nil : whole * unit }
        guard unit == 1_000_000, let point = text.firstIndex(of: ".") else { return nil }
        let isNegative = text.hasPrefix("-")
        let fraction = text[text.index(after: point)...].prefix(6)
        guard let seconds = Int64(text[..<point].isEmpty || text[..<point] == "-" ? "0" : String(text[..<point])),
            let parts = Int64(fraction.isEmpty ? "0" : String(fraction))
        else { return nil }
        let scaled = (0..<(6 - fraction.count)).reduce(parts) { value, _ in value * 10 }
        return seconds * 1_000_000 + (isNegative ? -scaled : scaled)
    }

    /// `'1-2' YEAR TO MONTH`, `'1 02:03:04.5' DAY TO SECOND` and the ranges within.
    private func range(_ text: String, from start: String, to end: String, at token: SQLToken) throws -> Literal {
        var body = text.trimmingSpaces
        let isNegative = body.hasPrefix("-")
        if isNegative || body.hasPrefix("+") { body.removeFirst() }
        if start == "year", end == "month" {
            let parts = body.split(separator: "-").compactMap { Int32($0) }
            guard parts.count == 2, (0...11).contains(parts[1]) else { throw invalidInterval(text, at: token) }
            let months = parts[0] * 12 + parts[1]
            return .yearMonthInterval(isNegative ? -months : months, .yearToMonth)
        }
        guard let first = Self.dayTimeUnits[start]?.field, let last = Self.dayTimeUnits[end]?.field, first.rawValue < last.rawValue else {
            throw invalidInterval(text, at: token)
        }
        let fields = body.split { $0 == " " || $0 == ":" }.map(String.init)
        guard fields.count == last.rawValue - first.rawValue + 1 else { throw invalidInterval(text, at: token) }
        let units: [Int64] = [86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000]
        var total: Int64 = 0
        for (offset, field) in fields.enumerated() {
            guard let value = Self.micros(field, of: units[first.rawValue + offset]) else { throw invalidInterval(text, at: token) }
            total += value
        }
        return .dayTimeInterval(isNegative ? -total : total, .init(first, last))
    }
}

extension String {
    fileprivate var trimmingSpaces: String {
        var text = Substring(self)
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
