/// One token of a CQL text, with where it begins: `line` from 1 and `column` from 0, as Cassandra counts in its messages.
struct CQLToken: Sendable {
    enum Kind: Sendable, Equatable {
        /// A word: a keyword or an identifier, lower-cased as CQL folds identifiers.
        case word(String)
        /// `"Exactly As Written"`: never a keyword.
        case quoted(String)
        case string(String)
        case integer(String)
        case float(String)
        case uuid(String)
        /// The digits after `0x`.
        case hexadecimal(String)
        case duration(String)
        /// A character or pair: `(`, `,`, `<=`, `?`, `:`, `+=`.
        case symbol(String)
        case end
    }

    let kind: Kind
    /// As written, for messages.
    let text: String
    let line: Int
    let column: Int
    /// Byte offsets into the statement's text.
    let range: Range<Int>
}

/// Turns a CQL text into tokens (Cassandra's `Lexer.g`): comments of three kinds (`--`, `//`, `/* */`), strings with doubled quotes or
/// between `$$`, UUIDs, `0x` blobs, durations, numbers with a sign where no operand precedes.
struct CQLLexer {
    private let bytes: [UInt8]
    private var position = 0
    private var line = 1
    private var lineStart = 0
    private var tokens: [CQLToken] = []

    static func tokens(of text: String) throws(CQLError) -> [CQLToken] {
        var lexer = CQLLexer(bytes: Array(text.utf8))
        try lexer.run()
        return lexer.tokens
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private func byte(_ offset: Int = 0) -> UInt8 { position + offset < bytes.count ? bytes[position + offset] : 0 }

    private mutating func run() throws(CQLError) {
        while true {
            try skipBlanks()
            guard position < bytes.count else { break }
            try next()
        }
        tokens.append(
            CQLToken(kind: .end, text: "<EOF>", line: line, column: bytes.count - lineStart, range: bytes.count..<bytes.count))
    }

    private mutating func advance() {
        if bytes[position] == 0x0A {
            line += 1
            lineStart = position + 1
        }
        position += 1
    }

    private mutating func skipBlanks() throws(CQLError) {
        while position < bytes.count {
            switch (byte(), byte(1)) {
            case (0x20, _), (0x09, _), (0x0A, _), (0x0D, _), (0x0C, _):
                advance()
            case (0x2D, 0x2D), (0x2F, 0x2F):
                while position < bytes.count, byte() != 0x0A { position += 1 }
            case (0x2F, 0x2A):
                let at = (line, position - lineStart)
                position += 2
                while position < bytes.count, !(byte() == 0x2A && byte(1) == 0x2F) { advance() }
                guard position < bytes.count else { throw .syntaxError("line \(at.0):\(at.1) the comment is not closed") }
                position += 2
            default: return
            }
        }
    }

    private mutating func append(_ kind: CQLToken.Kind, from start: Int, line: Int, column: Int) {
        tokens.append(
            CQLToken(
                kind: kind, text: String(decoding: bytes[start..<position], as: UTF8.self), line: line, column: column,
                range: start..<position))
    }

    private mutating func next() throws(CQLError) {
        let start = position, startLine = line, column = position - lineStart
        let kind: CQLToken.Kind
        let first = byte()
        if let length = uuidLength() {
            position += length
            kind = .uuid(text(start))
        } else if first == 0x30, byte(1) | 0x20 == 0x78 {
            position += 2
            while Self.isHexadecimal(byte()) { position += 1 }
            kind = .hexadecimal(String(decoding: bytes[start + 2..<position], as: UTF8.self))
        } else if Self.isDigit(first) || first == 0x2D && Self.isDigit(byte(1)) && !previousIsOperand {
            kind = number(start)
        } else if Self.isLetter(first) {
            while Self.isLetter(byte()) || Self.isDigit(byte()) || byte() == 0x5F { position += 1 }
            kind = .word(text(start).lowercased())
        } else if first == 0x22 {
            kind = .quoted(try quoted(0x22, start: start, line: startLine, column: column))
        } else if first == 0x27 {
            kind = .string(try quoted(0x27, start: start, line: startLine, column: column))
        } else if first == 0x24, byte(1) == 0x24 {
            position += 2
            let from = position
            while position < bytes.count, !(byte() == 0x24 && byte(1) == 0x24) { advance() }
            guard position < bytes.count else { throw .syntaxError("line \(startLine):\(column) the string is not closed by $$") }
            kind = .string(String(decoding: bytes[from..<position], as: UTF8.self))
            position += 2
        } else {
            kind = try symbol(startLine, column)
        }
        append(kind, from: start, line: startLine, column: column)
    }

    private mutating func symbol(_ line: Int, _ column: Int) throws(CQLError) -> CQLToken.Kind {
        let pair = String(decoding: bytes[position..<min(position + 2, bytes.count)], as: UTF8.self)
        if ["<=", ">=", "!=", "+=", "-="].contains(pair) {
            position += 2
            return .symbol(pair)
        }
        let character = byte()
        guard "()[]{}<>,;:=+-*/%?.".utf8.contains(character) else {
            let shown = String(decoding: bytes[position..<bytes.count], as: UTF8.self).prefix(1)
            throw .syntaxError("line \(line):\(column) no viable alternative at character '\(shown)'")
        }
        position += 1
        return .symbol(String(UnicodeScalar(character)))
    }

    /// After a name, a value or a closing bracket a minus is an operator.
    private var previousIsOperand: Bool {
        switch tokens.last?.kind {
        case .word(let word): !Self.wordsBeforeValues.contains(word)
        case .quoted, .integer, .float, .uuid, .hexadecimal, .duration, .string: true
        case .symbol(let symbol): symbol == ")" || symbol == "]" || symbol == "}" || symbol == "?"
        default: false
        }
    }

    private static let wordsBeforeValues: Set<String> = ["limit", "ttl", "timestamp", "and", "in", "values", "set", "where"]

    private func text(_ start: Int) -> String { String(decoding: bytes[start..<position], as: UTF8.self) }

    private mutating func number(_ start: Int) -> CQLToken.Kind {
        if byte() == 0x2D { position += 1 }
        while Self.isDigit(byte()) { position += 1 }
        if Self.isLetter(byte()), byte() | 0x20 != 0x65 || !(Self.isDigit(byte(1)) || byte(1) == 0x2D || byte(1) == 0x2B) {
            // A duration: digits and units in turn.
            let end = position
            while Self.isLetter(byte()) || Self.isDigit(byte()) || byte() >= 0x80 { position += 1 }
            if CQLDuration(text(start)) != nil { return .duration(text(start)) }
            position = end
            return .integer(text(start))
        }
        var isFloat = false
        if byte() == 0x2E, Self.isDigit(byte(1)) {
            isFloat = true
            position += 1
            while Self.isDigit(byte()) { position += 1 }
        } else if byte() == 0x2E {
            isFloat = true
            position += 1
        }
        if byte() | 0x20 == 0x65, Self.isDigit(byte(1)) || ((byte(1) == 0x2D || byte(1) == 0x2B) && Self.isDigit(byte(2))) {
            isFloat = true
            position += 2
            while Self.isDigit(byte()) { position += 1 }
        }
        return isFloat ? .float(text(start)) : .integer(text(start))
    }

    private mutating func quoted(_ quote: UInt8, start: Int, line: Int, column: Int) throws(CQLError) -> String {
        position += 1
        var content: [UInt8] = []
        while position < bytes.count {
            if byte() == quote {
                if byte(1) == quote {
                    content.append(quote)
                    position += 2
                    continue
                }
                position += 1
                return String(decoding: content, as: UTF8.self)
            }
            content.append(byte())
            advance()
        }
        throw .syntaxError("line \(line):\(column) the \(quote == 0x27 ? "string" : "quoted name") is not closed")
    }

    /// 36 when 8-4-4-4-12 hexadecimal digits begin here.
    private func uuidLength() -> Int? {
        guard position + 36 <= bytes.count, Self.isHexadecimal(bytes[position]), bytes[position + 8] == 0x2D else { return nil }
        for index in 0..<36 {
            let byte = bytes[position + index]
            if index == 8 || index == 13 || index == 18 || index == 23 {
                guard byte == 0x2D else { return nil }
            } else if !Self.isHexadecimal(byte) {
                return nil
            }
        }
        return 36
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
    private static func isLetter(_ byte: UInt8) -> Bool { byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A }
    private static func isHexadecimal(_ byte: UInt8) -> Bool { isDigit(byte) || byte | 0x20 >= 0x61 && byte | 0x20 <= 0x66 }
}
