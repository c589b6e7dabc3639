/// Parses a pattern of `java.util.regex.Pattern`.
struct RegexParser {
    struct Flags {
        var ignoresCase = false
        var dotMatchesNewline = false
        var isMultiline = false
        var allowsComments = false
    }

    private let pattern: String
    let scalars: [Unicode.Scalar]
    var index = 0
    var flags = Flags()
    var depth = 0
    private(set) var groupCount = 0
    private(set) var groupNames: [String: Int] = [:]

    init(_ pattern: String) {
        self.pattern = pattern
        scalars = Array(pattern.unicodeScalars)
    }

    var peek: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

    mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard peek == scalar else { return false }
        index += 1
        return true
    }

    mutating func take(_ text: String) -> Bool {
        let wanted = Array(text.unicodeScalars)
        guard index + wanted.count <= scalars.count, scalars[index..<index + wanted.count].elementsEqual(wanted) else { return false }
        index += wanted.count
        return true
    }

    func failure(_ reason: String) -> SparkError {
        SparkError(
            "INVALID_PARAMETER_VALUE.PATTERN", sqlState: "22023",
            "The value of parameter(s) `regexp` is invalid: '\(pattern)' (\(reason) near index \(index)).")
    }

    func unserved(_ what: String) -> SparkError {
        SparkError("UNSUPPORTED_FEATURE", sqlState: "0A000", "\(what) in the regular expression '\(pattern)' is not served by this engine.")
    }

    mutating func parse() throws -> JavaRegex.Node {
        let node = try alternatives()
        guard index == scalars.count else { throw failure("unmatched closing ')'") }
        return node
    }

    private mutating func alternatives() throws -> JavaRegex.Node {
        depth += 1
        defer { depth -= 1 }
        guard depth < 200 else { throw failure("groups nest deeper than 200") }
        let outer = flags
        defer { flags = outer }
        var branches = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        return branches.count == 1 ? branches[0] : .alternatives(branches)
    }

    private mutating func sequence() throws -> JavaRegex.Node {
        var nodes: [JavaRegex.Node] = []
        while let scalar = peek, scalar != "|", scalar != ")" {
            if flags.allowsComments {
                if scalar.properties.isWhitespace {
                    index += 1
                    continue
                }
                if scalar == "#" {
                    while let next = peek, next != "\n" {
                        _ = next
                        index += 1
                    }
                    continue
                }
            }
            if let atom = try atom() { nodes.append(try quantified(atom)) }
        }
        return nodes.count == 1 ? nodes[0] : nodes.isEmpty ? .empty : .sequence(nodes)
    }

    private mutating func quantified(_ node: JavaRegex.Node) throws -> JavaRegex.Node {
        var node = node
        while let scalar = peek {
            let bounds: (Int, Int)
            switch scalar {
            case "*": bounds = (0, Int.max)
            case "+": bounds = (1, Int.max)
            case "?": bounds = (0, 1)
            case "{":
                index += 1
                guard let least = number() else { throw failure("illegal repetition") }
                var most = least
                if take(",") { most = number() ?? Int.max }
                guard peek == "}", most >= least, least <= 1_000, most == Int.max || most <= 100_000 else {
                    throw failure("illegal repetition range")
                }
                bounds = (least, most)
            default: return node
            }
            index += 1
            let greed: JavaRegex.Greed = take("?") ? .lazy : take("+") ? .possessive : .greedy
            node = .repetition(node, least: bounds.0, most: bounds.1, greed)
        }
        return node
    }

    private mutating func number() -> Int? {
        var value: Int?
        while let scalar = peek, let digit = Int(String(scalar)), scalar.isASCII, (value ?? 0) < 1_000_000 {
            value = (value ?? 0) * 10 + digit
            index += 1
        }
        return value
    }

    /// nil where flags were set and nothing is to be matched.
    private mutating func atom() throws -> JavaRegex.Node? {
        guard let scalar = peek else { return .empty }
        index += 1
        switch scalar {
        case ".": return .any(matchesNewline: flags.dotMatchesNewline)
        case "^": return .lineStart(isMultiline: flags.isMultiline)
        case "$": return .lineEnd(isMultiline: flags.isMultiline)
        case "[": return .set(try characterClass())
        case "(": return try group()
        case "*", "+", "?": throw failure("dangling meta character '\(scalar)'")
        case "\\": return try escape()
        default: return literal(scalar.value)
        }
    }

    private func literal(_ value: UInt32) -> JavaRegex.Node {
        guard flags.ignoresCase, JavaRegex.swappedCase(value) != value else { return .scalar(value) }
        var set = CharacterSet()
        set.ranges = [value...value]
        set.ignoresCase = true
        return .set(set)
    }

    private mutating func group() throws -> JavaRegex.Node? {
        func closed(_ node: JavaRegex.Node) throws -> JavaRegex.Node {
            guard take(")") else { throw failure("unclosed group") }
            return node
        }
        guard take("?") else {
            groupCount += 1
            let number = groupCount
            return try closed(.group(try alternatives(), number: number))
        }
        if take(":") { return try closed(try alternatives()) }
        if take("=") { return try closed(.look(try alternatives(), isAhead: true, isNegated: false)) }
        if take("!") { return try closed(.look(try alternatives(), isAhead: true, isNegated: true)) }
        if take("<=") { return try closed(.look(try alternatives(), isAhead: false, isNegated: false)) }
        if take("<!") { return try closed(.look(try alternatives(), isAhead: false, isNegated: true)) }
        if take(">") { return try closed(.atomic(try alternatives())) }
        if take("<") {
            var name = ""
            while let scalar = peek, scalar != ">" {
                name.unicodeScalars.append(scalar)
                index += 1
            }
            guard take(">"), !name.isEmpty else { throw failure("named capturing group is missing trailing '>'") }
            groupCount += 1
            let number = groupCount
            groupNames[name] = number
            return try closed(.group(try alternatives(), number: number))
        }
        let outer = flags
        var isOn = true
        while let scalar = peek {
            index += 1
            switch scalar {
            case "i": flags.ignoresCase = isOn
            case "s": flags.dotMatchesNewline = isOn
            case "m": flags.isMultiline = isOn
            case "x": flags.allowsComments = isOn
            case "u": break
            case "-": isOn = false
            case ")": return nil
            case ":":
                let node = try alternatives()
                flags = outer
                return try closed(node)
            default: throw unserved("The inline flag '\(scalar)'")
            }
        }
        throw failure("unclosed group")
    }

    static func predefined(_ letter: Unicode.Scalar) -> CharacterSet? {
        var set = CharacterSet()
        switch letter {
        case "d", "D": set.ranges = [0x30...0x39]
        case "w", "W": set.ranges = [0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A]
        case "s", "S": set.ranges = [0x09...0x0D, 0x20...0x20]
        case "h", "H":
            set.ranges = [0x09...0x09, 0x20...0x20, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A, 0x202F...0x202F, 0x3000...0x3000]
        case "v", "V": set.ranges = [0x0A...0x0D, 0x85...0x85, 0x2028...0x2029]
        default: return nil
        }
        set.isNegated = letter.value < 0x61
        return set
    }

    private mutating func escape() throws -> JavaRegex.Node {
        guard let scalar = peek else { throw failure("a backslash at the end") }
        if scalar == "Q" {
            index += 1
            var nodes: [JavaRegex.Node] = []
            while index < scalars.count, !take("\\E") {
                nodes.append(literal(scalars[index].value))
                index += 1
            }
            return .sequence(nodes)
        }
        if let set = Self.predefined(scalar) {
            index += 1
            return .set(set)
        }
        switch scalar {
        case "b", "B":
            index += 1
            return .wordBoundary(isNegated: scalar == "B")
        case "A":
            index += 1
            return .textStart
        case "z":
            index += 1
            return .textEnd
        case "Z":
            index += 1
            return .lineEnd(isMultiline: false)
        case "p", "P":
            index += 1
            return .set(try property(isNegated: scalar == "P"))
        case "R":
            index += 1
            var line = CharacterSet()
            line.ranges = [0x0A...0x0D, 0x85...0x85, 0x2028...0x2029]
            return .alternatives([.sequence([.scalar(0x0D), .scalar(0x0A)]), .set(line)])
        case "k":
            index += 1
            guard take("<") else { throw failure("\\k is not followed by '<' for a named group") }
            var name = ""
            while let next = peek, next != ">" {
                name.unicodeScalars.append(next)
                index += 1
            }
            guard take(">"), let number = groupNames[name] else { throw failure("named group <\(name)> does not exist") }
            return .backReference(number, ignoresCase: flags.ignoresCase)
        case "1"..."9":
            let number = number() ?? 0
            guard number <= groupCount else { throw failure("there is no group \(number)") }
            return .backReference(number, ignoresCase: flags.ignoresCase)
        case "G", "X", "N": throw unserved("\\\(scalar)")
        default: return literal(try escapedScalar())
        }
    }

    /// The code point that an escape stands for, after the backslash.
    mutating func escapedScalar() throws -> UInt32 {
        guard let scalar = peek else { throw failure("a backslash at the end") }
        index += 1
        func hexadecimal(_ count: Int) throws -> UInt32 {
            let digits = scalars[index..<min(scalars.count, index + count)]
            var text = ""
            text.unicodeScalars.append(contentsOf: digits)
            guard digits.count == count, let value = UInt32(text, radix: 16) else { throw failure("illegal hexadecimal escape sequence") }
            index += count
            return value
        }
        switch scalar {
        case "t": return 9
        case "n": return 10
        case "r": return 13
        case "f": return 12
        case "a": return 7
        case "e": return 27
        case "0":
            var value: UInt32 = 0
            var digits = 0
            while let next = peek, let digit = UInt32(String(next)), digit < 8, digits < 3, next.isASCII {
                value = value * 8 + digit
                digits += 1
                index += 1
            }
            return value
        case "x":
            if take("{") {
                var text = ""
                while let next = peek, next != "}" {
                    text.unicodeScalars.append(next)
                    index += 1
                }
                guard take("}"), let value = UInt32(text, radix: 16) else { throw failure("illegal hexadecimal escape sequence") }
                return value
            }
            return try hexadecimal(2)
        case "u":
            let high = try hexadecimal(4)
            if (0xD800..<0xDC00).contains(high), take("\\u") {
                let low = try hexadecimal(4)
                return 0x10000 + (high - 0xD800) << 10 + (low &- 0xDC00)
            }
            return high
        case "c":
            guard let next = peek else { throw failure("illegal control escape sequence") }
            index += 1
            return next.value ^ 64
        default:
            guard !(scalar.isASCII && scalar.properties.isAlphabetic) else { throw failure("illegal/unsupported escape sequence") }
            return scalar.value
        }
    }
}
