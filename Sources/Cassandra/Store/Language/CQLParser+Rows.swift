/// SELECT, INSERT, UPDATE, DELETE and their parts.
extension CQLParser {
    // MARK: SELECT

    mutating func select() throws(CQLError) -> SelectStatement {
        try expect(word: "select")
        if isWord("json"), !isSelectorEnd(ahead(1)) { throw refused("SELECT JSON") }
        var isDistinct = false
        if isWord("distinct"), !isSelectorEnd(ahead(1)) {
            advance()
            isDistinct = true
        }
        var items: [SelectStatement.Item]? = nil
        if !skip("*") {
            var list: [SelectStatement.Item] = []
            repeat {
                let mark = mark
                let selector = try selector()
                let text = text(from: mark)
                list.append(.init(selector: selector, alias: skip(word: "as") ? try name() : nil, text: text))
            } while skip(",")
            items = list
        }
        try expect(word: "from")
        var statement = SelectStatement(table: try tableName(), items: items, isDistinct: isDistinct)
        if skip(word: "where") { statement.relations = try relations() }
        if isWord("group") { throw refused("GROUP BY") }
        if skip(word: "order") {
            try expect(word: "by")
            repeat {
                let column = try name()
                let isDescending = skip(word: "desc")
                if !isDescending { _ = skip(word: "asc") }
                statement.order.append((column, isDescending))
            } while skip(",")
        }
        if skip(word: "per") {
            try expect(word: "partition")
            try expect(word: "limit")
            statement.perPartitionLimit = try term()
        }
        if skip(word: "limit") { statement.limit = try term() }
        if skip(word: "allow") {
            try expect(word: "filtering")
            statement.allowFiltering = true
        }
        return statement
    }

    private func isSelectorEnd(_ token: CQLToken) -> Bool {
        token.kind == .symbol(",") || token.kind == .word("from") || token.kind == .word("as")
    }

    private mutating func selector() throws(CQLError) -> Selector {
        guard case .word(let word) = token.kind else {
            if case .quoted = token.kind { return .column(try name()) }
            return .literal(try term())
        }
        guard ahead(1).kind == .symbol("(") else {
            if word == "null" || word == "true" || word == "false" { return .literal(try term()) }
            let column = try name()
            if isSymbol(".") { throw refused("the selection of a user-defined type's field") }
            if isSymbol("[") { throw refused("the selection of a collection's element") }
            return .column(column)
        }
        advance()
        try expect("(")
        switch word {
        case "count":
            let isOne = token.kind == .integer("1")
            if isOne { advance() }
            guard isOne || skip("*") else { break }
            try expect(")")
            return .countRows
        case "writetime", "ttl":
            let column = try name()
            try expect(")")
            return word == "ttl" ? .ttl(column) : .writeTime(column)
        case "cast":
            let inner = try nested { (parser) throws(CQLError) in try parser.selector() }
            try expect(word: "as")
            let type = try type()
            try expect(")")
            return .cast(inner, type)
        default: break
        }
        var arguments: [Selector] = []
        if !isSymbol(")") {
            repeat { arguments.append(try nested { (parser) throws(CQLError) in try parser.selector() }) } while skip(",")
        }
        try expect(")")
        return .function(word, arguments)
    }

    // MARK: WHERE

    mutating func relations() throws(CQLError) -> [Relation] {
        var list = [try relation()]
        while skip(word: "and") { list.append(try relation()) }
        return list
    }

    private mutating func relation() throws(CQLError) -> Relation {
        if isWord("token"), ahead(1).kind == .symbol("(") {
            advance()
            return try comparison(.token(try names()))
        }
        if isSymbol("(") {
            // `(a, b) > (1, 2)`, or brackets round one relation.
            let mark = mark
            advance()
            if isAtName, ahead(1).kind == .symbol(",") || ahead(1).kind == .symbol(")") {
                reset(to: mark)
                return try comparison(.tuple(try names()))
            }
            let inner = try nested { (parser) throws(CQLError) in try parser.relation() }
            try expect(")")
            return inner
        }
        let column = try name()
        if skip("[") {
            let key = try term()
            try expect("]")
            return try comparison(.element(column, key))
        }
        return try comparison(.column(column))
    }

    private mutating func comparison(_ target: Relation.Target) throws(CQLError) -> Relation {
        if case .symbol(let symbol) = token.kind, let comparison = Relation.Operator(rawValue: symbol) {
            advance()
            return Relation(target: target, comparison: comparison, terms: [try term()], isList: false)
        }
        if skip(word: "in") {
            guard skip("(") else { return Relation(target: target, comparison: .isIn, terms: [try term()], isList: true) }
            var terms: [Term] = []
            while !isSymbol(")") {
                terms.append(try term())
                guard skip(",") else { break }
            }
            try expect(")")
            return Relation(target: target, comparison: .isIn, terms: terms, isList: false)
        }
        if skip(word: "contains") {
            let isKey = skip(word: "key")
            return Relation(target: target, comparison: isKey ? .containsKey : .contains, terms: [try term()], isList: false)
        }
        if isWord("like") { throw refused("LIKE") }
        if isWord("is") { throw refused("IS NOT NULL") }
        throw unexpected()
    }

    // MARK: INSERT, UPDATE, DELETE

    mutating func modification() throws(CQLError) -> ModificationStatement {
        guard case .word(let word) = token.kind else { throw unexpected() }
        switch word {
        case "insert": return try insert()
        case "update": return try update()
        case "delete": return try delete()
        default: throw unexpected()
        }
    }

    private mutating func insert() throws(CQLError) -> ModificationStatement {
        advance()
        try expect(word: "into")
        var statement = ModificationStatement(kind: .insert, table: try tableName())
        if isWord("json") { throw refused("INSERT JSON") }
        let columns = try names()
        try expect(word: "values")
        try expect("(")
        var terms: [Term] = []
        repeat {
            if isSymbol(")") { break }
            terms.append(try term())
        } while skip(",")
        try expect(")")
        guard columns.count == terms.count else { throw .invalid("Unmatched column names/values") }
        for (column, term) in zip(columns, terms) { statement.operations.append(.set(column, term)) }
        statement.ifNotExists = try ifNotExists()
        try using(&statement)
        return statement
    }

    private mutating func using(_ statement: inout ModificationStatement) throws(CQLError) {
        guard skip(word: "using") else { return }
        repeat {
            if skip(word: "timestamp") {
                statement.timestamp = try term()
            } else if isWord("ttl"), statement.kind != .delete {
                advance()
                statement.ttl = try term()
            } else {
                throw unexpected()
            }
        } while skip(word: "and")
    }

    private mutating func update() throws(CQLError) -> ModificationStatement {
        advance()
        var statement = ModificationStatement(kind: .update, table: try tableName())
        try using(&statement)
        try expect(word: "set")
        repeat { statement.operations.append(try assignment()) } while skip(",")
        try expect(word: "where")
        statement.relations = try relations()
        try conditions(&statement)
        return statement
    }

    private mutating func assignment() throws(CQLError) -> ModificationStatement.Operation {
        let column = try name()
        if skip("[") {
            let key = try term()
            try expect("]")
            try expect("=")
            return .setElement(column, key: key, try term())
        }
        if isSymbol(".") { throw refused("the update of a user-defined type's field") }
        if skip("+=") { return .add(column, try term()) }
        if skip("-=") { return .remove(column, try term()) }
        try expect("=")
        if isAtName, ahead(1).kind == .symbol("+") || ahead(1).kind == .symbol("-") {
            let place = token
            let other = try name()
            guard other == column else {
                throw .syntaxError("line \(place.line):\(place.column) Only expressions of the form X = X + <value> are supported.")
            }
            if skip("+") { return .add(column, try term()) }
            try expect("-")
            return .remove(column, try term())
        }
        let value = try term()
        if skip("+") {
            let place = token
            guard try name() == column else {
                throw .syntaxError("line \(place.line):\(place.column) Only expressions of the form X = <value> + X are supported.")
            }
            return .prepend(column, value)
        }
        return .set(column, value)
    }

    private mutating func delete() throws(CQLError) -> ModificationStatement {
        advance()
        var operations: [ModificationStatement.Operation] = []
        if !isWord("from") {
            repeat {
                let column = try name()
                if skip("[") {
                    operations.append(.deleteElement(column, key: try term()))
                    try expect("]")
                } else {
                    operations.append(.delete(column))
                }
            } while skip(",")
        }
        try expect(word: "from")
        var statement = ModificationStatement(kind: .delete, table: try tableName(), operations: operations)
        try using(&statement)
        try expect(word: "where")
        statement.relations = try relations()
        try conditions(&statement)
        return statement
    }

    private mutating func conditions(_ statement: inout ModificationStatement) throws(CQLError) {
        guard skip(word: "if") else { return }
        if skip(word: "exists") {
            statement.ifExists = true
            return
        }
        statement.conditions = try relations()
    }

    // MARK: Terms

    mutating func term() throws(CQLError) -> Term { try nested { (parser) throws(CQLError) in try parser.bareTerm() } }

    private mutating func bareTerm() throws(CQLError) -> Term {
        let kind = token.kind
        switch kind {
        case .string(let text): return constant(.string, text)
        case .integer(let text): return constant(.integer, text)
        case .float(let text): return constant(.float, text)
        case .uuid(let text): return constant(.uuid, text)
        case .hexadecimal(let text): return constant(.hexadecimal, text)
        case .duration(let text): return constant(.duration, text)
        case .symbol("?"):
            advance()
            return try marker(nil)
        case .symbol(":"):
            advance()
            return try marker(try markerName())
        case .symbol("["):
            advance()
            let terms = try terms(until: "]")
            return .list(terms)
        case .symbol("{"):
            advance()
            return try braces()
        case .symbol("("): return try brackets()
        case .symbol("-"):
            advance()
            guard case .word(let word) = token.kind, word == "nan" || word == "infinity" else { throw unexpected() }
            return constant(.float, "-" + word)
        case .word(let word): return try wordTerm(word)
        default: throw unexpected()
        }
    }

    private mutating func markerName() throws(CQLError) -> String {
        // Any word may follow the colon, keywords too.
        if case .word(let word) = token.kind {
            advance()
            return word
        }
        if case .quoted = token.kind { return try name() }
        throw unexpected()
    }

    private mutating func constant(_ kind: Term.Constant.Kind, _ text: String) -> Term {
        advance()
        return .constant(.init(kind: kind, text: text))
    }

    private mutating func terms(until close: String) throws(CQLError) -> [Term] {
        var list: [Term] = []
        while !isSymbol(close) {
            list.append(try term())
            guard skip(",") else { break }
        }
        try expect(close)
        return list
    }

    private mutating func braces() throws(CQLError) -> Term {
        if skip("}") { return .set([]) }
        let first = try term()
        guard skip(":") else {
            var list = [first]
            while skip(",") { list.append(try term()) }
            try expect("}")
            return .set(list)
        }
        var entries = [Term.MapEntry(key: first, value: try term())]
        while skip(",") {
            let key = try term()
            try expect(":")
            entries.append(.init(key: key, value: try term()))
        }
        try expect("}")
        return .map(entries)
    }

    /// `(type) term` or a tuple.
    private mutating func brackets() throws(CQLError) -> Term {
        advance()
        if case .word(let word) = token.kind, ahead(1).kind == .symbol(")") || ahead(1).kind == .symbol("<"),
            CQLType(scalarName: word) != nil || ahead(1).kind == .symbol("<")
        {
            let type = try type()
            try expect(")")
            return .cast(type, try term())
        }
        return .tuple(try terms(until: ")"))
    }

    private mutating func wordTerm(_ word: String) throws(CQLError) -> Term {
        switch word {
        case "null":
            advance()
            return .null
        case "true", "false": return constant(.boolean, word)
        case "nan", "infinity": return constant(.float, word)
        default: break
        }
        guard ahead(1).kind == .symbol("("), word == "token" || !Self.reserved.contains(word) else { throw unexpected() }
        advance()
        try expect("(")
        if word == "cast" {
            let inner = try term()
            try expect(word: "as")
            let type = try type()
            try expect(")")
            return .cast(type, inner)
        }
        return .function(word, try terms(until: ")"))
    }
}
