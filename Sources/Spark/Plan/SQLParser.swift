/// Parses Spark SQL: expressions, select items, types, DDL schemas, queries and statements (the grammar of Spark's SqlBaseParser).
///
/// Recursive descent, a file for each part of the grammar; precedence of operators from loose to tight: OR, AND, NOT, predicates and comparisons, `|`, `^`, `&`, shifts, `+ - ||`,
/// `* / % DIV`, unary signs, then subscripts, dots and `::`.
struct SQLParser {
    let tokens: [SQLToken]
    var index = 0
    var depth = 0
    /// Closing angles may have been read as one `>>`: then the first half is taken and the second left.
    var pendingAngles = 0
    /// What the markers `:name` and `?` stand for; nil where the text may have none bound.
    let parameters: SQLParameters
    /// How many `?` were read.
    var positionalCount = 0
    /// Deeper nesting is refused, so that no text overflows the stack.
    static let depthMax = 200

    init(_ text: String, parameters: SQLParameters = SQLParameters()) throws {
        tokens = try SQLLexer.tokens(text)
        self.parameters = parameters
    }

    // MARK: Whole texts

    mutating func parseWhole() throws -> Expression {
        let expression = try expression()
        try end()
        return expression
    }

    mutating func parseWholeNamed() throws -> Expression {
        let expression = try namedExpression()
        try end()
        return expression
    }

    mutating func parseWholeSchema() throws -> StructType {
        var fields: [StructField] = []
        if token.kind != .end {
            repeat { fields.append(try field()) } while takeSymbol(",")
        }
        try end()
        return StructType(fields)
    }

    mutating func parseWholeType() throws -> DataType {
        let type = try dataType()
        try end()
        return type
    }

    // MARK: Tokens

    var token: SQLToken { tokens[index] }
    func token(ahead: Int) -> SQLToken { tokens[min(index + ahead, tokens.count - 1)] }

    mutating func advance() {
        if index < tokens.count - 1 { index += 1 }
    }

    func failure(_ wanted: String? = nil, at token: SQLToken? = nil) -> SparkError {
        let token = token ?? self.token
        let near = token.kind == .end ? "end of input" : "'\(token.text)'"
        return SparkError(
            "PARSE_SYNTAX_ERROR", sqlState: "42601", "Syntax error at or near \(near)" + (wanted.map { ": \($0)." } ?? "."),
            line: token.line, position: token.position)
    }

    func unsupported(_ what: String, at token: SQLToken) -> SparkError {
        SparkError(
            "UNSUPPORTED_FEATURE", sqlState: "0A000", "\(what) is not served by this engine.", line: token.line, position: token.position)
    }

    mutating func end() throws {
        guard token.kind == .end else { throw failure("an operator or the end is wanted") }
    }

    func isSymbol(_ symbol: String, ahead: Int = 0) -> Bool { token(ahead: ahead).kind == .symbol(symbol) }

    func isWord(_ word: String, ahead: Int = 0) -> Bool {
        if case .word(let text) = token(ahead: ahead).kind { return text.equalsIgnoringCase(word) }
        return false
    }

    mutating func takeSymbol(_ symbol: String) -> Bool {
        guard isSymbol(symbol) else { return false }
        advance()
        return true
    }

    mutating func takeWord(_ word: String) -> Bool {
        guard isWord(word) else { return false }
        advance()
        return true
    }

    mutating func wantSymbol(_ symbol: String) throws {
        guard takeSymbol(symbol) else { throw failure("'\(symbol)' is wanted") }
    }

    mutating func wantWord(_ word: String) throws {
        guard takeWord(word) else { throw failure("\(word) is wanted") }
    }

    /// Words that end an expression, so that they are no implicit alias and no column.
    static let reserved: Set<String> = [
        "and", "as", "between", "case", "cast", "div", "else", "end", "false", "from", "ilike", "in", "is", "like", "not", "null", "or",
        "rlike", "regexp", "then", "true", "when", "where", "select", "group", "having", "order", "union", "limit", "on", "using", "join",
        "except", "intersect", "minus", "lateral", "pivot", "unpivot", "window", "qualify", "cross", "inner", "left", "right", "full",
        "natural", "semi", "anti", "offset", "sort", "cluster", "distribute", "tablesample", "with", "within", "for",
    ]

    /// Words that may not be columns; the others of `reserved` only end an expression.
    static let neverColumns: Set<String> = [
        "and", "as", "between", "case", "div", "else", "end", "from", "in", "is", "not", "or", "then", "when", "where", "select", "group",
        "having", "order", "union", "limit", "on", "using", "join", "except", "intersect",
    ]

    mutating func identifier() throws -> String {
        switch token.kind {
        case .word(let name):
            advance()
            return name
        case .quotedIdentifier(let name):
            advance()
            return name
        default: throw failure("a name is wanted")
        }
    }
}

/// Values for the markers of a parameterised text.
package struct SQLParameters: Sendable {
    package var named: [String: Expression]
    package var positional: [Expression]
    /// Functions that the session registered: they come before the built-in ones of their names.
    package var functions: @Sendable (String) -> PythonFunction? = { _ in nil }

    package init(named: [String: Expression] = [:], positional: [Expression] = []) {
        self.named = named
        self.positional = positional
    }
}
