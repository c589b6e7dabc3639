/// Character classes and the properties that they are made of.
extension RegexParser {
    mutating func property(isNegated: Bool) throws -> CharacterSet {
        var name = ""
        if take("{") {
            while let next = peek, next != "}" {
                name.unicodeScalars.append(next)
                index += 1
            }
            guard take("}") else { throw failure("unclosed character family") }
        } else if let next = peek {
            name.unicodeScalars.append(next)
            index += 1
        }
        var set = CharacterSet()
        set.isNegated = isNegated
        for prefix in ["Is", "general_category=", "gc="] where name.hasPrefix(prefix) && name.count > prefix.count {
            name.removeFirst(prefix.count)
        }
        switch name {
        case "Lower": set.ranges = [0x61...0x7A]
        case "Upper": set.ranges = [0x41...0x5A]
        case "ASCII": set.ranges = [0...0x7F]
        case "Alpha": set.ranges = [0x41...0x5A, 0x61...0x7A]
        case "Digit": set.ranges = [0x30...0x39]
        case "Alnum": set.ranges = [0x30...0x39, 0x41...0x5A, 0x61...0x7A]
        case "Punct": set.ranges = [0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E]
        case "Graph": set.ranges = [0x21...0x7E]
        case "Print": set.ranges = [0x20...0x7E]
        case "Blank": set.ranges = [0x09...0x09, 0x20...0x20]
        case "Cntrl": set.ranges = [0...0x1F, 0x7F...0x7F]
        case "XDigit": set.ranges = [0x30...0x39, 0x41...0x46, 0x61...0x66]
        case "Space": set.ranges = [0x09...0x0D, 0x20...0x20]
        case "L", "Letter", "Alphabetic": set.properties = [(.letter, false)]
        case "Lu", "Uppercase", "javaUpperCase": set.properties = [(.uppercase, false)]
        case "Ll", "Lowercase", "javaLowerCase": set.properties = [(.lowercase, false)]
        case "N": set.properties = [(.number, false)]
        case "Nd": set.properties = [(.digit, false)]
        case "P", "Punctuation": set.properties = [(.punctuation, false)]
        case "S": set.properties = [(.symbol, false)]
        case "M": set.properties = [(.mark, false)]
        case "Z", "White_Space", "javaWhitespace": set.properties = [(.space, false)]
        case "Cc": set.properties = [(.control, false)]
        case "Latin": set.ranges = [0x41...0x5A, 0x61...0x7A, 0xC0...0xD6, 0xD8...0xF6, 0xF8...0x24F, 0x1E00...0x1EFF]
        case "Greek": set.ranges = [0x370...0x3FF, 0x1F00...0x1FFF]
        case "Cyrillic": set.ranges = [0x400...0x52F]
        case "Han": set.ranges = [0x2E80...0x2FDF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF, 0x20000...0x2FA1F]
        case "Hiragana": set.ranges = [0x3041...0x309F]
        case "Katakana": set.ranges = [0x30A0...0x30FF]
        default: throw unserved("\\p{\(name)}")
        }
        return set
    }

    /// After the opening bracket.
    mutating func characterClass() throws -> CharacterSet {
        depth += 1
        defer { depth -= 1 }
        guard depth < 200 else { throw failure("classes nest deeper than 200") }
        var set = CharacterSet()
        set.ignoresCase = flags.ignoresCase
        set.isNegated = take("^")
        var isFirst = true
        while true {
            guard let scalar = peek else { throw failure("unclosed character class") }
            if scalar == "]", !isFirst {
                index += 1
                return set
            }
            isFirst = false
            if scalar == "[" {
                index += 1
                set.nested.append(try characterClass())
                continue
            }
            if take("&&") {
                var rest = CharacterSet()
                rest.ignoresCase = set.ignoresCase
                if take("[") {
                    rest.nested.append(try characterClass())
                } else {
                    while let next = peek, next != "]", !(next == "&" && index + 1 < scalars.count && scalars[index + 1] == "&") {
                        try member(of: &rest)
                    }
                }
                set.intersections.append(rest)
                continue
            }
            try member(of: &set)
        }
    }

    private mutating func member(of set: inout CharacterSet) throws {
        guard let scalar = peek else { throw failure("unclosed character class") }
        index += 1
        var low = scalar.value
        if scalar == "\\" {
            guard let next = peek else { throw failure("unclosed character class") }
            if let predefined = Self.predefined(next) {
                index += 1
                return set.nested.append(predefined)
            }
            if next == "p" || next == "P" {
                index += 1
                return set.nested.append(try property(isNegated: next == "P"))
            }
            if next == "Q" {
                index += 1
                while index < scalars.count, !take("\\E") {
                    set.ranges.append(scalars[index].value...scalars[index].value)
                    index += 1
                }
                return
            }
            low = try escapedScalar()
        }
        if peek == "-", index + 1 < scalars.count, scalars[index + 1] != "]", scalars[index + 1] != "[" {
            index += 1
            var high = scalars[index].value
            index += 1
            if high == 0x5C { high = try escapedScalar() }
            guard high >= low else { throw failure("illegal character range") }
            return set.ranges.append(low...high)
        }
        set.ranges.append(low...low)
    }
}
