/// Numbers and values written by a pattern.
extension Kernels {
    static let formats: [String: Kernel] = [
        "format_number": Kernel { call in
            if call.columns[1].type == .string { return try formatted(call) }
            let digits = call.int32(1)
            return call.strings { row in
                if digits[row] < 0 { return nil }
                return grouped(call.columns[0], row, decimals: Int(digits[row]))
            }
        },
        "format_string": Kernel(.own) { call in
            let format = call.text(0)
            return try call.strings { row in
                if call.columns[0].isNull(row) { return nil }
                return try Printf.text(format[row].string, call.columns.dropFirst().map { $0 }, row)
            }
        },
    ]

    /// The number's decimal digits at a scale, halves to even as Java's DecimalFormat rounds, with commas between thousands.
    private static func grouped(_ column: Column, _ row: Int, decimals: Int) -> String? {
        let (digits, scale): (Int128, Int)
        switch column.literal(row) {
        case .byte(let value): (digits, scale) = (Int128(value), 0)
        case .short(let value): (digits, scale) = (Int128(value), 0)
        case .integer(let value): (digits, scale) = (Int128(value), 0)
        case .long(let value): (digits, scale) = (Int128(value), 0)
        case .decimal(let value, _, let places): (digits, scale) = (value, places)
        case .float(let value):
            if value.isNaN { return "NaN" }
            if value.isInfinite { return value < 0 ? "-∞" : "∞" }
            // Formatted as the double that it is.
            var text = "\(Double(value))"
            guard let parsed = text.withUTF8({ DecimalMath.parse($0) }) else { return nil }
            (digits, scale) = parsed
        case .double(let value):
            if value.isNaN { return "NaN" }
            if value.isInfinite { return value < 0 ? "-∞" : "∞" }
            var text = "\(value)"
            guard let parsed = text.withUTF8({ DecimalMath.parse($0) }) else { return nil }
            (digits, scale) = parsed
        default: return nil
        }
        return NumberPattern(decimalsLeast: decimals, decimalsMost: decimals, integralLeast: 1, groups: 3).text(digits, scale)
    }

    private static func formatted(_ call: KernelCall) throws -> Column {
        let pattern = call.text(1)
        var known: (String, NumberPattern)?
        return try call.strings { row in
            let text = pattern[row].string
            if text.isEmpty { return grouped(call.columns[0], row, decimals: 0) }
            if known?.0 != text { known = (text, try NumberPattern(text)) }
            guard let pattern = known?.1 else { return nil }
            switch call.columns[0].literal(row) {
            case .decimal(let value, _, let scale): return pattern.text(value, scale)
            case .float(let value) where !value.isFinite: return value.isNaN ? "NaN" : "∞"
            case .double(let value) where !value.isFinite: return value.isNaN ? "NaN" : "∞"
            default:
                var digits = call.columns[0].text(row) ?? ""
                return digits.withUTF8 { DecimalMath.parse($0) }.map { pattern.text($0.digits, $0.scale) }
            }
        }
    }
}

/// A pattern of Java's DecimalFormat: `#,##0.00`.
struct NumberPattern {
    var decimalsLeast: Int
    var decimalsMost: Int
    var integralLeast: Int
    var groups: Int
    var prefix = ""
    var suffix = ""

    init(decimalsLeast: Int, decimalsMost: Int, integralLeast: Int, groups: Int) {
        self.decimalsLeast = decimalsLeast
        self.decimalsMost = decimalsMost
        self.integralLeast = integralLeast
        self.groups = groups
    }

    init(_ pattern: String) throws {
        let body = pattern.split(separator: ";", omittingEmptySubsequences: false)[0]
        let symbols: Set<Character> = ["#", "0", ",", "."]
        prefix = String(body.prefix { !symbols.contains($0) })
        let number = body.dropFirst(prefix.count).prefix { symbols.contains($0) }
        suffix = String(body.dropFirst(prefix.count + number.count))
        guard !number.isEmpty, !suffix.contains(where: { symbols.contains($0) || $0 == "%" || $0 == "E" }) else {
            throw SparkError(
                "UNSUPPORTED_FEATURE", sqlState: "0A000", "The number pattern '\(pattern)' is not served by this engine.")
        }
        let halves = number.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let fraction = halves.count > 1 ? halves[1] : ""
        decimalsLeast = fraction.filter { $0 == "0" }.count
        decimalsMost = fraction.filter { $0 != "," }.count
        integralLeast = halves[0].filter { $0 == "0" }.count
        groups = halves[0].lastIndex(of: ",").map { halves[0].distance(from: $0, to: halves[0].endIndex) - 1 } ?? 0
    }

    func text(_ digits: Int128, _ scale: Int) -> String {
        var value = digits.magnitude
        var places = scale
        if places > decimalsMost {
            if places - decimalsMost > 38 {
                value = 0
            } else {
                let unit = DecimalMath.powers[places - decimalsMost].magnitude
                let (quotient, rest) = value.quotientAndRemainder(dividingBy: unit)
                value = quotient + (rest * 2 > unit || rest * 2 == unit && quotient % 2 == 1 ? 1 : 0)
            }
            places = decimalsMost
        }
        var text = String(value)
        if places < 0 {
            if value != 0 { text += String(repeating: "0", count: -places) }
            places = 0
        }
        if text.count <= places { text = String(repeating: "0", count: places - text.count + 1) + text }
        var fraction = String(text.suffix(places))
        var integral = String(text.dropLast(places))
        while fraction.count > decimalsLeast, fraction.last == "0" { fraction.removeLast() }
        while fraction.count < decimalsLeast { fraction += "0" }
        if integral == "0", integralLeast == 0, !fraction.isEmpty { integral = "" }
        while integral.count < integralLeast { integral = "0" + integral }
        if groups > 0 {
            var grouped = ""
            for (index, digit) in integral.enumerated() {
                if index > 0, (integral.count - index) % groups == 0 { grouped += "," }
                grouped.append(digit)
            }
            integral = grouped
        }
        let isNegative = digits < 0
        return (isNegative ? "-" : "") + prefix + integral + (fraction.isEmpty ? "" : "." + fraction) + suffix
    }
}

/// Java's `String.format` for the conversions that fit SQL's values.
enum Printf {
    static func text(_ format: String, _ arguments: [Column], _ row: Int) throws -> String {
        var out = ""
        var rest = Substring(format)
        var next = 0
        while let percent = rest.firstIndex(of: "%") {
            out += rest[..<percent]
            rest = rest[rest.index(after: percent)...]
            var specification = String(rest.prefix { "-#+ 0,(".contains($0) || $0.isNumber || $0 == "." || $0 == "$" })
            rest = rest.dropFirst(specification.count)
            guard let conversion = rest.popFirst() else { throw malformed(format) }
            if conversion == "%" || conversion == "n" {
                out += conversion == "%" ? pad("%", specification) : "\n"
                continue
            }
            var index = next
            if let dollar = specification.firstIndex(of: "$"), let place = Int(specification[..<dollar]) {
                index = place - 1
                specification = String(specification[specification.index(after: dollar)...])
            } else {
                next += 1
            }
            guard arguments.indices.contains(index) else { throw malformed(format) }
            out += try one(conversion, specification, arguments[index], row, format)
        }
        return out + rest
    }

    private static func malformed(_ format: String) -> SparkError {
        SparkError("INTERNAL_ERROR", sqlState: "XX000", "The format '\(format)' does not fit its arguments.")
    }

    private static func pad(_ text: String, _ specification: String) -> String {
        let flags = specification.prefix { "-#+ 0,(".contains($0) }
        let width = Int(specification.dropFirst(flags.count).prefix { $0.isNumber }) ?? 0
        guard text.count < width else { return text }
        let spaces = String(repeating: " ", count: width - text.count)
        return flags.contains("-") ? text + spaces : spaces + text
    }

    private static func one(_ conversion: Character, _ specification: String, _ column: Column, _ row: Int, _ format: String) throws
        -> String
    {
        let flags = Set(specification.prefix { "-#+ 0,(".contains($0) })
        let numbers = specification.dropFirst(specification.prefix { "-#+ 0,(".contains($0) }.count).split(
            separator: ".", omittingEmptySubsequences: false)
        let width = numbers.first.flatMap { Int($0) } ?? 0
        let precision = numbers.count > 1 ? Int(numbers[1]) : nil
        if column.isNull(row) {
            let text = conversion == "b" || conversion == "B" ? "false" : "null"
            return pad(conversion.isUppercase ? text.uppercased() : text, specification)
        }
        func signed(_ magnitude: String, _ isNegative: Bool) -> String {
            var digits = magnitude
            if flags.contains(",") {
                let point = digits.firstIndex(of: ".") ?? digits.endIndex
                let integral = digits[..<point]
                var grouped = ""
                for (index, digit) in integral.enumerated() {
                    if index > 0, (integral.count - index) % 3 == 0 { grouped += "," }
                    grouped.append(digit)
                }
                digits = grouped + digits[point...]
            }
            let open = isNegative ? (flags.contains("(") ? "(" : "-") : flags.contains("+") ? "+" : flags.contains(" ") ? " " : ""
            let close = isNegative && flags.contains("(") ? ")" : ""
            if flags.contains("0"), digits.count + open.count + close.count < width {
                digits = String(repeating: "0", count: width - digits.count - open.count - close.count) + digits
            }
            return pad(open + digits + close, specification)
        }
        let literal = column.literal(row)
        switch conversion {
        case "s", "S":
            var text: String
            switch literal {
            case .double(let value): text = NumberText.text(value)
            default: text = column.text(row) ?? "null"
            }
            if let precision { text = String(text.prefix(precision)) }
            return pad(conversion == "S" ? text.uppercased() : text, specification)
        case "d", "x", "X", "o":
            let (value, bits): (Int64, UInt64)
            switch literal {
            case .byte(let x): (value, bits) = (Int64(x), UInt64(UInt8(bitPattern: x)))
            case .short(let x): (value, bits) = (Int64(x), UInt64(UInt16(bitPattern: x)))
            case .integer(let x): (value, bits) = (Int64(x), UInt64(UInt32(bitPattern: x)))
            case .long(let x): (value, bits) = (x, UInt64(bitPattern: x))
            default: throw malformed(format)
            }
            if conversion == "d" { return signed(String(value.magnitude), value < 0) }
            var digits = String(bits, radix: conversion == "o" ? 8 : 16, uppercase: conversion == "X")
            if flags.contains("#") { digits = (conversion == "o" ? "0" : "0x") + digits }
            if flags.contains("0"), digits.count < width { digits = String(repeating: "0", count: width - digits.count) + digits }
            return pad(digits, specification)
        case "f", "e", "E":
            let text: String
            switch literal {
            case .float(let x): text = "\(x)"
            case .double(let x): text = "\(x)"
            case .decimal(let unscaled, _, let scale): text = Literal.decimalText(unscaled: unscaled, scale: scale)
            default: throw malformed(format)
            }
            if text.hasSuffix("nan") { return pad("NaN", specification) }
            if text.hasSuffix("inf") { return pad(text.hasPrefix("-") ? "-Infinity" : "Infinity", specification) }
            var copy = text
            guard let parsed = copy.withUTF8({ DecimalMath.parse($0) }) else { throw malformed(format) }
            let places = precision ?? 6
            let isNegative = parsed.digits < 0 || text.hasPrefix("-")
            if conversion == "f" {
                guard let value = DecimalMath.rescaled(parsed.digits, from: parsed.scale, to: places) else { throw malformed(format) }
                return signed(Literal.decimalText(unscaled: Int128(value.magnitude), scale: places), isNegative)
            }
            var digits = String(parsed.digits.magnitude)
            var exponent = digits.count - 1 - parsed.scale
            if digits.count > places + 1 {
                let cut = DecimalMath.divided(Int128(parsed.digits.magnitude), DecimalMath.powers[digits.count - places - 1])
                let rounded = String(cut)
                if rounded.count > places + 1 { exponent += 1 }
                digits = String(rounded.prefix(places + 1))
            }
            if parsed.digits == 0 { exponent = 0 }
            digits += String(repeating: "0", count: places + 1 - digits.count)
            let mantissa = String(digits.prefix(1)) + (places > 0 ? "." + digits.dropFirst() : "")
            let power = "e" + (exponent < 0 ? "-" : "+") + (abs(exponent) < 10 ? "0" : "") + String(abs(exponent))
            return signed(mantissa + (conversion == "E" ? power.uppercased() : power), isNegative)
        case "c":
            switch literal {
            case .integer(let x): return pad(Unicode.Scalar(UInt32(bitPattern: x)).map { String(Character($0)) } ?? "?", specification)
            case .byte(let x): return pad(String(Character(Unicode.Scalar(UInt8(bitPattern: x)))), specification)
            default: throw malformed(format)
            }
        case "b", "B":
            let text = if case .boolean(let x) = literal { x ? "true" : "false" } else { "true" }
            return pad(conversion == "B" ? text.uppercased() : text, specification)
        default: throw malformed(format)
        }
    }
}
