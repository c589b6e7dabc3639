/// One SQL text: a query, or a command on the session's catalog and settings.
enum SQLStatement: Sendable {
    enum ExplainMode: Sendable {
        case simple, extended, formatted
    }

    case query(LogicalPlan)
    indirect case explain(ExplainMode, SQLStatement)
    case createView(name: [String], columns: [String], replace: Bool, ifNotExists: Bool, LogicalPlan)
    case dropView(name: [String], ifExists: Bool)
    case set(key: String?, value: String?)
    case reset(String?)
    case showTables(pattern: String?)
    case showViews(pattern: String?)
    case showDatabases(pattern: String?)
    case showFunctions(pattern: String?)
    case showColumns([String])
    case showCatalogs
    case describe([String])
    case describeQuery(LogicalPlan)
    case describeFunction(String)
    case use([String])
    case createDatabase(String, ifNotExists: Bool)
    case dropDatabase(String, ifExists: Bool)
    /// CACHE, UNCACHE, REFRESH and their like.
    case noEffect(plan: LogicalPlan?, name: [String]?)
}

extension SQLParser {
    mutating func parseWholeQuery() throws -> LogicalPlan {
        let plan = try query()
        try statementEnd()
        return plan
    }

    mutating func parseStatement() throws -> SQLStatement {
        let statement = try statement()
        try statementEnd()
        return statement
    }

    private mutating func statementEnd() throws {
        while takeSymbol(";") {}
        guard token.kind == .end else { throw failure() }
    }

    private mutating func takeWords(_ words: String...) -> Bool {
        guard words.enumerated().allSatisfy({ isWord($1, ahead: $0) }) else { return false }
        for _ in words { advance() }
        return true
    }

    private mutating func statement() throws -> SQLStatement {
        let start = token
        if isQueryStart { return .query(try query()) }
        guard case .word(let word) = token.kind else { throw failure() }
        switch word.lowercased() {
        case "explain":
            advance()
            var mode = SQLStatement.ExplainMode.simple
            if takeWord("EXTENDED") { mode = .extended } else if takeWord("FORMATTED") { mode = .formatted }
            for word in ["CODEGEN", "COST"] where takeWord(word) { mode = .extended }
            return .explain(mode, try statement())
        case "create": return try create(start)
        case "drop": return try drop(start)
        case "set": return try set()
        case "reset":
            advance()
            return .reset(token.kind == .end ? nil : try settingKey())
        case "show": return try show(start)
        case "describe", "desc": return try describe()
        case "use":
            advance()
            _ = takeWord("DATABASE") || takeWord("SCHEMA") || takeWord("NAMESPACE")
            return .use(try multipartName())
        case "cache":
            advance()
            _ = takeWord("LAZY")
            try wantWord("TABLE")
            let name = try multipartName()
            if isWord("OPTIONS") { throw unsupported("CACHE TABLE … OPTIONS", at: token) }
            if takeWord("AS") || isQueryStart {
                return .createView(name: name, columns: [], replace: false, ifNotExists: false, try query())
            }
            return .noEffect(plan: nil, name: name)
        case "uncache":
            advance()
            try wantWord("TABLE")
            let ifExists = takeWords("IF", "EXISTS")
            let name = try multipartName()
            return .noEffect(plan: nil, name: ifExists ? nil : name)
        case "clear":
            advance()
            try wantWord("CACHE")
            return .noEffect(plan: nil, name: nil)
        case "refresh":
            advance()
            _ = takeWord("TABLE")
            return .noEffect(plan: nil, name: try multipartName())
        case "insert", "update", "delete", "merge", "truncate", "alter", "analyze", "load", "msck", "repair", "grant", "revoke", "add",
            "list",
            "comment", "declare", "execute", "begin", "call", "copy", "optimize", "export", "import", "lock", "unlock":
            throw unsupported("The statement \(word.uppercased())", at: start)
        default: throw failure()
        }
    }

    private mutating func create(_ start: SQLToken) throws -> SQLStatement {
        advance()
        if takeWord("DATABASE") || takeWord("SCHEMA") || takeWord("NAMESPACE") {
            let ifNotExists = takeWords("IF", "NOT", "EXISTS")
            let name = try multipartName()
            while token.kind != .end, !isSymbol(";") { advance() }
            return .createDatabase(name[name.count - 1], ifNotExists: ifNotExists)
        }
        let replace = takeWords("OR", "REPLACE")
        _ = takeWord("GLOBAL")
        let isTemporary = takeWord("TEMP") || takeWord("TEMPORARY")
        guard takeWord("VIEW") else {
            throw unsupported("CREATE \(isTemporary ? "TEMPORARY " : "")\(token.text.uppercased())", at: start)
        }
        guard isTemporary else { throw unsupported("A view that outlives its session (CREATE VIEW without TEMPORARY)", at: start) }
        let ifNotExists = takeWords("IF", "NOT", "EXISTS")
        let name = try multipartName()
        var columns: [String] = []
        if takeSymbol("(") {
            repeat {
                columns.append(try identifier())
                if takeWord("COMMENT") { advance() }
            } while takeSymbol(",")
            try wantSymbol(")")
        }
        if takeWord("COMMENT") { advance() }
        if isWord("USING") { throw unsupported("CREATE TEMPORARY VIEW … USING", at: token) }
        try wantWord("AS")
        return .createView(name: name, columns: columns, replace: replace, ifNotExists: ifNotExists, try query())
    }

    private mutating func drop(_ start: SQLToken) throws -> SQLStatement {
        advance()
        let isView = takeWord("VIEW")
        let isTable = !isView && takeWord("TABLE")
        let isDatabase = !isView && !isTable && (takeWord("DATABASE") || takeWord("SCHEMA") || takeWord("NAMESPACE"))
        guard isView || isTable || isDatabase else { throw unsupported("DROP \(token.text.uppercased())", at: start) }
        let ifExists = takeWords("IF", "EXISTS")
        let name = try multipartName()
        _ = takeWord("CASCADE") || takeWord("RESTRICT") || takeWord("PURGE")
        return isDatabase ? .dropDatabase(name[name.count - 1], ifExists: ifExists) : .dropView(name: name, ifExists: ifExists)
    }

    /// A key with dots, as `spark.sql.shuffle.partitions`.
    private mutating func settingKey() throws -> String {
        var key = try identifier()
        while true {
            if takeSymbol(".") {
                key += "." + (try identifier())
            } else if isSymbol("-"), case .word = self.token(ahead: 1).kind {
                advance()
                key += "-" + (try identifier())
            } else {
                return key
            }
        }
    }

    private mutating func set() throws -> SQLStatement {
        advance()
        if token.kind == .end || isSymbol(";") { return .set(key: nil, value: nil) }
        if isSymbol("-"), isWord("v", ahead: 1) {
            advance()
            advance()
            return .set(key: nil, value: nil)
        }
        if takeWords("TIME", "ZONE") {
            if takeWord("LOCAL") { return .set(key: "spark.sql.session.timeZone", value: "UTC") }
            guard case .string(let zone) = token.kind else { throw failure("a time zone is wanted") }
            advance()
            return .set(key: "spark.sql.session.timeZone", value: zone)
        }
        let key = try settingKey()
        guard takeSymbol("=") || takeSymbol("==") else { return .set(key: key, value: nil) }
        // The rest of the text as it is written.
        var value = ""
        var end = token.offset
        while token.kind != .end, !isSymbol(";") {
            if !value.isEmpty, token.offset > end { value += " " }
            if case .string(let text) = token.kind { value += text } else { value += token.text }
            end = token.offset + token.text.count
            advance()
        }
        return .set(key: key, value: value)
    }

    private mutating func pattern() throws -> String? {
        _ = takeWord("LIKE")
        if case .string(let text) = token.kind {
            advance()
            return text
        }
        return nil
    }

    private mutating func namespace() throws {
        if takeWord("IN") || takeWord("FROM") { _ = try multipartName() }
    }

    private mutating func show(_ start: SQLToken) throws -> SQLStatement {
        advance()
        if takeWord("TABLES") {
            try namespace()
            return .showTables(pattern: try pattern())
        }
        if takeWord("VIEWS") {
            try namespace()
            return .showViews(pattern: try pattern())
        }
        if takeWord("DATABASES") || takeWord("SCHEMAS") || takeWord("NAMESPACES") { return .showDatabases(pattern: try pattern()) }
        if takeWord("CATALOGS") { return .showCatalogs }
        for kind in ["USER", "SYSTEM", "ALL"] where isWord(kind) && isWord("FUNCTIONS", ahead: 1) { advance() }
        if takeWord("FUNCTIONS") {
            try namespace()
            return .showFunctions(pattern: try pattern())
        }
        if takeWord("COLUMNS") {
            guard takeWord("IN") || takeWord("FROM") else { throw failure("IN is wanted") }
            return .showColumns(try multipartName())
        }
        throw unsupported("SHOW \(token.text.uppercased())", at: start)
    }

    private mutating func describe() throws -> SQLStatement {
        advance()
        if takeWord("FUNCTION") {
            _ = takeWord("EXTENDED")
            let name = token.text
            advance()
            return .describeFunction(name)
        }
        _ = takeWord("QUERY")
        if isQueryStart, !isWord("TABLE") { return .describeQuery(try query()) }
        if isWord("DATABASE") || isWord("SCHEMA") { throw unsupported("DESCRIBE \(token.text.uppercased())", at: token) }
        _ = takeWord("TABLE")
        _ = takeWord("EXTENDED") || takeWord("FORMATTED")
        return .describe(try multipartName())
    }
}
