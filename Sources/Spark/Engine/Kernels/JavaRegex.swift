/// A regular expression in Java's syntax, compiled to instructions that a backtracking matcher runs over UTF-8 bytes.
///
/// Served: literals and escapes, classes with ranges, negation and the usual predefined ones, `\p{…}` of the common properties, anchors and
/// word boundaries, capturing, named, plain and flagged groups, alternatives, greedy, lazy and possessive quantifiers, back references,
/// lookahead and lookbehind, the flags i, s, m, x and u, and `\Q…\E`. What is not served is refused by name when the pattern is compiled.
/// A match takes at most ``stepsMax`` steps, so that no pattern runs for ever.
struct JavaRegex: Sendable {
    indirect enum Node: Sendable {
        case empty
        case scalar(UInt32)
        case set(CharacterSet)
        /// Any code point; without the flag s, none that ends a line.
        case any(matchesNewline: Bool)
        case sequence([Node])
        case alternatives([Node])
        case group(Node, number: Int)
        case repetition(Node, least: Int, most: Int, Greed)
        case lineStart(isMultiline: Bool)
        case lineEnd(isMultiline: Bool)
        case textStart
        case textEnd
        case wordBoundary(isNegated: Bool)
        case backReference(Int, ignoresCase: Bool)
        case look(Node, isAhead: Bool, isNegated: Bool)
        case atomic(Node)
    }

    enum Greed: Sendable {
        case greedy
        case lazy
        case possessive
    }

    enum Instruction: Sendable {
        case byte(UInt8)
        case scalar(UInt32)
        case set(Int)
        case any(matchesNewline: Bool)
        case jump(Int)
        /// First the one, then the other.
        case split(Int, Int)
        case save(Int)
        case lineStart(isMultiline: Bool)
        case lineEnd(isMultiline: Bool)
        case textStart
        case textEnd
        case wordBoundary(isNegated: Bool)
        case backReference(Int, ignoresCase: Bool)
        /// Runs the instructions up to a `.match` at `end - 1`, then goes on at `end`.
        case look(end: Int, isAhead: Bool, isNegated: Bool)
        case atomic(end: Int)
        /// Keeps the position at which a loop's round began; a round that consumed nothing ends the loop.
        case loopStart(Int)
        case loopCheck(Int, exit: Int)
        case counterSet(Int)
        /// One more round; goes on at `body` while there are fewer than `least`, may stop from then on, must at `most`.
        case counterLoop(Int, least: Int, most: Int, body: Int, isGreedy: Bool)
        case match
    }

    let instructions: [Instruction]
    let sets: [CharacterSet]
    let groupCount: Int
    let slotCount: Int
    let groupNames: [String: Int]
    /// The byte that every match begins with, when there is one.
    let firstByte: UInt8?

    static let stepsMax = 10_000_000

    init(_ pattern: String) throws {
        var parser = RegexParser(pattern)
        let node = try parser.parse()
        var compiler = RegexCompiler(slotBase: (parser.groupCount + 1) * 2)
        compiler.compile(node)
        compiler.instructions.append(.match)
        instructions = compiler.instructions
        sets = compiler.sets
        groupCount = parser.groupCount
        slotCount = compiler.slotCount
        groupNames = parser.groupNames
        if case .byte(let byte) = instructions[0] { firstByte = byte } else { firstByte = nil }
    }
}

extension JavaRegex {
    static func swappedCase(_ value: UInt32) -> UInt32 {
        if value < 128 {
            let lower = value | 0x20
            return lower >= 0x61 && lower <= 0x7A ? value ^ 0x20 : value
        }
        guard let scalar = Unicode.Scalar(value) else { return value }
        let lower = scalar.properties.lowercaseMapping.unicodeScalars
        if lower.count == 1, let first = lower.first, first.value != value { return first.value }
        let upper = scalar.properties.uppercaseMapping.unicodeScalars
        return upper.count == 1 ? upper.first?.value ?? value : value
    }
}
