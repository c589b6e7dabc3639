/// Lines of CQL to statements: at each `;` that stands outside quotes, comments and `BEGIN … BATCH` to `APPLY BATCH`.
///
/// A value without I/O, so that the prompt, a file and a pipe share it.
struct StatementSplitter {
    private enum State: Equatable {
        case plain
        /// Within `'…'` or `"…"`; a doubled quote closes and opens again, which comes to the same.
        case quoted(Character)
        case dollars
        case lineComment
        case blockComment
    }

    /// How far a statement has come to being a batch, word by word.
    private enum Batch {
        case start, begun, within, applying
        /// Any other statement, or a batch that is whole: the next `;` ends it.
        case outside

        mutating func take(_ word: String) {
            switch (self, word.uppercased()) {
            case (.start, "BEGIN"): self = .begun
            case (.start, _): self = .outside
            case (.begun, "BATCH"): self = .within
            case (.begun, "UNLOGGED"), (.begun, "LOGGED"), (.begun, "COUNTER"): break
            case (.begun, _): self = .outside
            case (.within, "APPLY"): self = .applying
            case (.applying, "BATCH"): self = .outside
            case (.applying, _): self = .within
            case (.within, _), (.outside, _): break
            }
        }

        var holdsSemicolons: Bool { self == .within || self == .applying }
    }

    private var state = State.plain
    private var batch = Batch.start
    /// The word that is being read, outside quotes and comments.
    private var word = ""
    private var pending = ""

    /// Whether a statement has begun and wants more lines.
    var isWithinStatement: Bool { state != .plain || !pending.allSatisfy(\.isWhitespace) }

    /// What has been read and not ended by `;`, without white space round it.
    var rest: String { Self.trimmed(pending) }

    mutating func clear() {
        state = .plain
        batch = .start
        word = ""
        pending = ""
    }

    private mutating func endWord() {
        guard !word.isEmpty else { return }
        batch.take(word)
        word = ""
    }

    /// Takes one line (without its end) and returns the statements that it completes, without their `;`.
    mutating func append(line: String) -> [String] {
        var statements: [String] = []
        var characters = Array(line)[...]
        while let character = characters.popFirst() {
            let next = characters.first
            switch state {
            case .plain:
                if character.isLetter || character.isNumber || character == "_" { word.append(character) } else { endWord() }
                switch character {
                case "'", "\"": state = .quoted(character)
                case "$" where next == "$":
                    state = .dollars
                    pending.append(characters.removeFirst())
                case "-" where next == "-", "/" where next == "/":
                    state = .lineComment
                    continue
                case "/" where next == "*":
                    state = .blockComment
                    characters.removeFirst()
                    continue
                case ";" where !batch.holdsSemicolons:
                    batch = .start
                    let statement = Self.trimmed(pending)
                    if !statement.isEmpty { statements.append(statement) }
                    pending = ""
                    continue
                default: break
                }
                pending.append(character)
            case .quoted(let quote):
                if character == quote { state = .plain }
                pending.append(character)
            case .dollars:
                pending.append(character)
                if character == "$", next == "$" {
                    pending.append(characters.removeFirst())
                    state = .plain
                }
            case .lineComment: break
            case .blockComment:
                if character == "*", next == "/" {
                    characters.removeFirst()
                    state = .plain
                }
            }
        }
        if state == .lineComment { state = .plain }
        if state == .plain { endWord() }
        if !pending.isEmpty { pending.append("\n") }
        return statements
    }

    private static func trimmed(_ text: String) -> String {
        var slice = Substring(text)
        while slice.first?.isWhitespace == true { slice.removeFirst() }
        while slice.last?.isWhitespace == true { slice.removeLast() }
        return String(slice)
    }
}
