/// Tokens of Spark SQL, each with its place in the text.
struct SQLToken: Hashable {
    enum Kind: Hashable {
        /// A word as written; keywords are words that the parser looks for.
        case word(String)
        case quotedIdentifier(String)
        case string(String)
        case number(String)
        case symbol(String)
        case end
    }

    var kind: Kind
    var text: String
    /// From 1.
    var line: Int
    /// In its line, from 0, as Spark counts.
    var position: Int
    /// In characters from the start of the text.
    var offset: Int
}

/// Splits a text into tokens: identifiers, backquoted identifiers, strings with Spark's escapes, numbers with suffixes, comments skipped.
struct SQLLexer {
    private let characters: [Character]
    private var index = 0
    private var line = 1
    private var lineStart = 0

    /// The longest text taken, so that nothing a client sends makes the parser work without bound.
    static let charactersMax = 1 << 20

    init(_ text: String) {
        characters = Array(text)
    }

    static func tokens(_ text: String) throws -> [SQLToken] {
        guard text.utf8.count <= charactersMax else {
            throw SparkError("PARSE_SYNTAX_ERROR", sqlState: "42601", "The text is longer than \(charactersMax) bytes.")
        }
        var lexer = SQLLexer(text)
        var tokens: [SQLToken] = []
        while true {
            let token = try lexer.next()
            tokens.append(token)
            if token.kind == .end { return tokens }
        }
    }

    private func peek(_ ahead: Int = 0) -> Character? { index + ahead < characters.count ? characters[index + ahead] : nil }

    private func error(_ message: String, at start: Int) -> SparkError {
        SparkError("PARSE_SYNTAX_ERROR", sqlState: "42601", message, line: line, position: start - lineStart)
    }

    private mutating func skipSpaceAndComments() throws {
        while let character = peek() {
            if character.isNewline {
                index += 1
                line += 1
                lineStart = index
            } else if character.isWhitespace {
                index += 1
            } else if character == "-", peek(1) == "-" {
                while let character = peek(), !character.isNewline { index += 1 }
            } else if character == "/", peek(1) == "*" {
                let start = index
                index += 2
                while !(peek() == "*" && peek(1) == "/") {
                    guard let character = peek() else { throw error("Found an unclosed bracketed comment.", at: start) }
                    index += 1
                    if character.isNewline {
                        line += 1
                        lineStart = index
                    }
                }
                index += 2
            } else {
                return
            }
        }
    }

    private mutating func next() throws -> SQLToken {
        try skipSpaceAndComments()
        let start = index
        let (startLine, startPosition) = (line, index - lineStart)
        let kind = try kind()
        return SQLToken(
            kind: kind, text: String(characters[start..<index]), line: startLine, position: startPosition, offset: start)
    }

    private mutating func kind() throws -> SQLToken.Kind {
        guard let first = peek() else { return .end }
        if first == "`" { return try backquoted() }
        if first == "'" || first == "\"" { return .string(try quoted(first, isRaw: false)) }
        if first == "r" || first == "R", let quote = peek(1), quote == "'" || quote == "\"" {
            index += 1
            return .string(try quoted(quote, isRaw: true))
        }
        if first.isASCII && first.isNumber || first == "." && peek(1).map({ $0.isASCII && $0.isNumber }) == true { return number() }
        if first.isLetter || first == "_" { return word() }
        for symbol in ["<=>", "=>", "||", "<=", ">=", "<>", "!=", "==", "!>", "!<", "<<", ">>", "::", "->"] where matches(symbol) {
            index += symbol.count
            return .symbol(symbol)
        }
        guard "+-*/%&|^~=<>(),.[]:!?;".contains(first) else { throw error("Syntax error at or near '\(first)'.", at: index) }
        index += 1
        return .symbol(String(first))
    }

    private func matches(_ symbol: String) -> Bool {
        zip(symbol, 0...).allSatisfy { peek($0.1) == $0.0 }
    }

    private mutating func word() -> SQLToken.Kind {
        let start = index
        while let character = peek(), character.isLetter || character.isNumber || character == "_" { index += 1 }
        return .word(String(characters[start..<index]))
    }

    private mutating func backquoted() throws -> SQLToken.Kind {
        let start = index
        index += 1
        var name = ""
        while let character = peek() {
            index += 1
            if character == "`" {
                guard peek() == "`" else { return .quotedIdentifier(name) }
                index += 1
            }
            name.append(character)
        }
        throw error("Syntax error at or near '`': the quoted identifier has no end.", at: start)
    }

    private mutating func number() -> SQLToken.Kind {
        let start = index
        while let character = peek(), character.isASCII, character.isNumber { index += 1 }
        if peek() == ".", peek(1)?.isLetter != true {
            index += 1
            while let character = peek(), character.isASCII, character.isNumber { index += 1 }
        }
        if peek() == "e" || peek() == "E" {
            let sign = peek(1) == "+" || peek(1) == "-" ? 2 : 1
            if let digit = peek(sign), digit.isASCII, digit.isNumber {
                index += sign
                while let character = peek(), character.isASCII, character.isNumber { index += 1 }
            }
        }
        while let character = peek(), character.isLetter || character == "_" { index += 1 }
        return .number(String(characters[start..<index]))
    }

    /// A string's value: C-like escapes, a doubled quote for one, and in a raw string neither escape.
    private mutating func quoted(_ quote: Character, isRaw: Bool) throws -> String {
        let start = index
        index += 1
        var value = ""
        while let character = peek() {
            index += 1
            if character == quote {
                guard !isRaw, peek() == quote else { return value }
                index += 1
                value.append(quote)
            } else if character == "\\", !isRaw {
                escape(into: &value)
            } else {
                if character.isNewline {
                    line += 1
                    lineStart = index
                }
                value.append(character)
            }
        }
        throw error("Syntax error at or near '\(quote)': the string has no end.", at: start)
    }

    private mutating func escape(into value: inout String) {
        guard let character = peek() else { return value.append("\\") }
        index += 1
        switch character {
        case "n": value.append("\n")
        case "t": value.append("\t")
        case "r": value.append("\r")
        case "b": value.append("\u{8}")
        case "Z": value.append("\u{1A}")
        // LIKE gives these their meaning, so both characters stay.
        case "%", "_":
            value.append("\\")
            value.append(character)
        case "u": code(digits: 4, or: character, into: &value)
        case "U": code(digits: 8, or: character, into: &value)
        case "0"..."7":
            let octal = [character, peek(), peek(1)].compactMap { $0 }
            if octal.count == 3, "01".contains(character), let code = UInt32(String(octal), radix: 8), let scalar = Unicode.Scalar(code) {
                index += 2
                value.unicodeScalars.append(scalar)
            } else {
                value.append(character == "0" ? "\0" : character)
            }
        default: value.append(character)
        }
    }

    private mutating func code(digits: Int, or character: Character, into value: inout String) {
        guard index + digits <= characters.count, let code = UInt32(String(characters[index..<index + digits]), radix: 16),
            let scalar = Unicode.Scalar(code)
        else { return value.append(character) }
        index += digits
        value.unicodeScalars.append(scalar)
    }
}
