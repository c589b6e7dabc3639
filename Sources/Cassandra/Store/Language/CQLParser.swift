/// A recursive-descent parser of CQL 3.4 (Cassandra's `Parser.g`): what the store serves, and by name what it does not.
///
/// Errors give the position as Cassandra's do: `line 1:7 no viable alternative at input 'x'`.
struct CQLParser {
    private let tokens: [CQLToken]
    private let source: [UInt8]
    private var index = 0
    var markers: [String?] = []
    private var depth = 0

    /// How deep collections, tuples and calls may nest.
    static let depthMax = 32
    static let markersMax = 65_535

    static func parse(_ text: String) throws(CQLError) -> ParsedCQL {
        var parser = CQLParser(tokens: try CQLLexer.tokens(of: text), source: Array(text.utf8))
        let statement = try parser.statement()
        while parser.skip(";") {}
        guard case .end = parser.token.kind else { throw parser.unexpected(expecting: "EOF") }
        return ParsedCQL(statement: statement, markers: parser.markers)
    }

    private init(tokens: [CQLToken], source: [UInt8]) {
        self.tokens = tokens
        self.source = source
    }

    // MARK: Tokens

    var token: CQLToken { tokens[index] }
    func ahead(_ count: Int) -> CQLToken { tokens[min(index + count, tokens.count - 1)] }
    mutating func advance() { if index < tokens.count - 1 { index += 1 } }
    var mark: Int { index }
    mutating func reset(to mark: Int) { index = mark }

    /// The text between a mark and here, blanks squeezed out and lower-cased unless quoted: how Cassandra names a selector's column.
    func text(from mark: Int) -> String {
        tokens[mark..<index].map { token in
            switch token.kind {
            case .word(let word): word
            case .quoted(let name): name
            default: token.text
            }
        }.joined().split(separator: ",", omittingEmptySubsequences: false).joined(separator: ", ")
    }

    func unexpected(expecting: String? = nil) -> CQLError {
        let shown = token.text == "<EOF>" ? "<EOF>" : token.text
        let place = "line \(token.line):\(token.column)"
        if let expecting { return .syntaxError("\(place) mismatched input '\(shown)' expecting \(expecting)") }
        return .syntaxError("\(place) no viable alternative at input '\(shown)'")
    }

    func refused(_ what: String) -> CQLError { .invalid("\(what) is not served by this store") }

    func isWord(_ word: String) -> Bool { token.kind == .word(word) }
    func isSymbol(_ symbol: String) -> Bool { token.kind == .symbol(symbol) }

    mutating func skip(word: String) -> Bool {
        guard isWord(word) else { return false }
        advance()
        return true
    }

    mutating func skip(_ symbol: String) -> Bool {
        guard isSymbol(symbol) else { return false }
        advance()
        return true
    }

    mutating func expect(word: String) throws(CQLError) {
        guard skip(word: word) else { throw unexpected(expecting: "K_" + word.uppercased()) }
    }

    mutating func expect(_ symbol: String) throws(CQLError) {
        guard skip(symbol) else { throw unexpected(expecting: "'\(symbol)'") }
    }

    /// `IF NOT EXISTS`
    mutating func ifNotExists() throws(CQLError) -> Bool {
        guard skip(word: "if") else { return false }
        try expect(word: "not")
        try expect(word: "exists")
        return true
    }

    mutating func ifExists() throws(CQLError) -> Bool {
        guard skip(word: "if") else { return false }
        try expect(word: "exists")
        return true
    }

    /// Words that name nothing unless quoted (CQL, appendix A).
    static let reserved: Set<String> = [
        "add", "allow", "alter", "and", "apply", "asc", "authorize", "batch", "begin", "by", "columnfamily", "create", "default", "delete",
        "desc", "describe", "drop", "entries", "execute", "from", "full", "grant", "if", "in", "index", "infinity", "insert", "into", "is",
        "keyspace", "limit", "materialized", "mbean", "mbeans", "modify", "nan", "norecursive", "not", "null", "of", "on", "or", "order",
        "primary", "rename", "replace", "revoke", "schema", "select", "set", "table", "to", "token", "truncate", "unlogged", "unset",
        "update", "use", "using", "view", "where", "with",
    ]

    mutating func name() throws(CQLError) -> String {
        switch token.kind {
        case .word(let word) where !Self.reserved.contains(word):
            advance()
            return word
        case .quoted(let name):
            advance()
            return name
        default: throw unexpected()
        }
    }

    mutating func tableName() throws(CQLError) -> TableName {
        let first = try name()
        guard skip(".") else { return TableName(keyspace: nil, name: first) }
        return TableName(keyspace: first, name: try name())
    }

    mutating func names() throws(CQLError) -> [String] {
        try expect("(")
        var list = [try name()]
        while skip(",") {
            // A trailing comma is legal in a column list.
            if isSymbol(")") { break }
            list.append(try name())
        }
        try expect(")")
        return list
    }

    mutating func nested<R>(_ body: (inout CQLParser) throws(CQLError) -> R) throws(CQLError) -> R {
        depth += 1
        guard depth <= Self.depthMax else { throw .syntaxError("line \(token.line):\(token.column) nested deeper than \(Self.depthMax)") }
        let result = try body(&self)
        depth -= 1
        return result
    }

    mutating func marker(_ name: String?) throws(CQLError) -> Term {
        guard markers.count < Self.markersMax else { throw .invalid("more than \(Self.markersMax) bind markers") }
        markers.append(name)
        return .marker(markers.count - 1)
    }

    // MARK: Statements

    private mutating func statement() throws(CQLError) -> CQLStatement {
        guard case .word(let word) = token.kind else { throw unexpected() }
        switch word {
        case "select": return .select(try select())
        case "insert", "update", "delete": return .modification(try modification())
        case "begin": return .batch(try batch())
        case "use":
            advance()
            return .use(try name())
        case "create": return try create()
        case "alter": return try alter()
        case "drop": return try drop()
        case "truncate":
            advance()
            if !skip(word: "table") { _ = skip(word: "columnfamily") }
            return .truncate(try tableName())
        case "describe", "desc": return .describe(try describe())
        case "grant", "revoke", "list": throw refused(word.uppercased())
        default: throw unexpected()
        }
    }

    private mutating func batch() throws(CQLError) -> BatchStatement {
        advance()
        var batch = BatchStatement(kind: .logged, timestamp: nil, statements: [])
        if skip(word: "unlogged") { batch.kind = .unlogged } else if skip(word: "counter") { batch.kind = .counter }
        try expect(word: "batch")
        if skip(word: "using") {
            try expect(word: "timestamp")
            batch.timestamp = try term()
        }
        while !isWord("apply") {
            batch.statements.append(try modification())
            while skip(";") {}
        }
        advance()
        try expect(word: "batch")
        return batch
    }

    private mutating func describe() throws(CQLError) -> DescribeStatement {
        advance()
        guard case .word(let word) = token.kind else {
            if case .quoted = token.kind { return .any(try tableName()) }
            throw unexpected()
        }
        switch word {
        case "keyspaces":
            advance()
            return .keyspaces
        case "tables", "columnfamilies":
            advance()
            return .tables
        case "cluster":
            advance()
            return .cluster
        case "schema":
            advance()
            return .schema(isFull: false)
        case "full":
            advance()
            try expect(word: "schema")
            return .schema(isFull: true)
        case "types":
            advance()
            return .types
        case "functions":
            advance()
            return .functions
        case "aggregates":
            advance()
            return .aggregates
        case "only":
            advance()
            try expect(word: "keyspace")
            return .keyspace(isAtName ? try name() : nil, isOnly: true)
        case "keyspace":
            advance()
            return .keyspace(isAtName ? try name() : nil, isOnly: false)
        case "table", "columnfamily":
            advance()
            return .table(try tableName())
        case "index", "type", "function", "aggregate":
            advance()
            return .absent(kind: word, try tableName())
        case "materialized":
            advance()
            try expect(word: "view")
            return .absent(kind: "materialized view", try tableName())
        default: return .any(try tableName())
        }
    }

    var isAtName: Bool {
        switch token.kind {
        case .word(let word): !Self.reserved.contains(word)
        case .quoted: true
        default: false
        }
    }
}
