/// Operators, from loose to tight.
extension SQLParser {
    mutating func namedExpression() throws -> Expression {
        let expression = try expression()
        if takeWord("AS") {
            if takeSymbol("(") { return .multiAlias(expression, names: try identifiers()) }
            return .alias(expression, name: try identifier())
        }
        if Generators.isGenerator(expression), isSymbol("("), takeSymbol("(") { return .multiAlias(expression, names: try identifiers()) }
        switch token.kind {
        case .quotedIdentifier: return .alias(expression, name: try identifier())
        case .word(let name) where !Self.reserved.contains(name.lowercased()): return .alias(expression, name: try identifier())
        default: return expression
        }
    }

    mutating func expression() throws -> Expression {
        depth += 1
        defer { depth -= 1 }
        guard depth < Self.depthMax else { throw failure("expressions nest deeper than \(Self.depthMax)") }
        var left = try conjunction()
        while takeWord("OR") { left = .call("or", left, try conjunction()) }
        return left
    }

    mutating func conjunction() throws -> Expression {
        var left = try negation()
        while takeWord("AND") { left = .call("and", left, try negation()) }
        return left
    }

    mutating func negation() throws -> Expression {
        var count = 0
        while takeWord("NOT") || takeSymbol("!") { count += 1 }
        var expression = try predicate()
        for _ in 0..<count { expression = .call("not", expression) }
        return expression
    }

    static let comparisons = [
        "=": "==", "==": "==", "<=>": "<=>", "<>": "!=", "!=": "!=", "<": "<", "<=": "<=", "!>": "<=", ">": ">", ">=": ">=", "!<": ">=",
    ]

    mutating func predicate() throws -> Expression {
        var left = try bitOr()
        while true {
            if case .symbol(let symbol) = token.kind, let name = Self.comparisons[symbol] {
                advance()
                let right = try bitOr()
                left = name == "!=" ? .call("not", .call("==", left, right)) : .call(name, left, right)
                continue
            }
            if takeWord("IS") {
                left = try isPredicate(left)
                continue
            }
            let isNegated = isWord("NOT") && ["BETWEEN", "IN", "LIKE", "ILIKE", "RLIKE", "REGEXP"].contains { isWord($0, ahead: 1) }
            if isNegated { advance() }
            guard let test = try wordPredicate(left) else { return left }
            left = isNegated ? .call("not", test) : test
        }
    }

    mutating func wordPredicate(_ left: Expression) throws -> Expression? {
        if takeWord("BETWEEN") {
            let low = try bitOr()
            try wantWord("AND")
            return .call("between", left, low, try bitOr())
        }
        if takeWord("IN") {
            try wantSymbol("(")
            if isQueryStart {
                var values = [left]
                if case .function("struct", let parts, _, _) = left { values = parts }
                let plan = try query()
                try wantSymbol(")")
                return .subquery(Subquery(.isIn(values), plan))
            }
            var values = [left]
            repeat { values.append(try expression()) } while takeSymbol(",")
            try wantSymbol(")")
            return .function(name: "in", arguments: values)
        }
        for word in ["LIKE", "ILIKE"] where takeWord(word) {
            if isWord("ANY") || isWord("ALL") || isWord("SOME"), isSymbol("(", ahead: 1) {
                let isAll = isWord("ALL")
                advance()
                advance()
                var tests: [Expression] = []
                repeat { tests.append(.call(word.lowercased(), left, try expression())) } while takeSymbol(",")
                try wantSymbol(")")
                return tests.dropFirst().reduce(tests[0]) { .call(isAll ? "and" : "or", $0, $1) }
            }
            var arguments = [left, try bitOr()]
            if takeWord("ESCAPE") { arguments.append(try primary()) }
            return .function(name: word.lowercased(), arguments: arguments)
        }
        if takeWord("RLIKE") || takeWord("REGEXP") { return .call("rlike", left, try bitOr()) }
        return nil
    }

    mutating func isPredicate(_ left: Expression) throws -> Expression {
        let isNegated = takeWord("NOT")
        if takeWord("NULL") { return .call(isNegated ? "isnotnull" : "isnull", left) }
        let test: Expression
        if takeWord("TRUE") {
            test = .call("<=>", left, .literal(.boolean(true)))
        } else if takeWord("FALSE") {
            test = .call("<=>", left, .literal(.boolean(false)))
        } else if takeWord("UNKNOWN") {
            test = .call("isnull", left)
        } else if takeWord("DISTINCT") {
            try wantWord("FROM")
            let same = Expression.call("<=>", left, try bitOr())
            return isNegated ? same : .call("not", same)
        } else {
            throw failure("NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM is wanted")
        }
        return isNegated ? .call("not", test) : test
    }

    mutating func bitOr() throws -> Expression {
        var left = try bitXor()
        while takeSymbol("|") { left = .call("|", left, try bitXor()) }
        return left
    }

    mutating func bitXor() throws -> Expression {
        var left = try bitAnd()
        while takeSymbol("^") { left = .call("^", left, try bitAnd()) }
        return left
    }

    mutating func bitAnd() throws -> Expression {
        var left = try shift()
        while takeSymbol("&") { left = .call("&", left, try shift()) }
        return left
    }

    mutating func shift() throws -> Expression {
        var left = try sum()
        while case .symbol(let symbol) = token.kind, symbol == "<<" || symbol == ">>" {
            advance()
            left = .call(symbol == "<<" ? "shiftleft" : "shiftright", left, try sum())
        }
        return left
    }

    mutating func sum() throws -> Expression {
        var left = try product()
        while case .symbol(let symbol) = token.kind, ["+", "-", "||"].contains(symbol) {
            advance()
            left = .call(symbol == "||" ? "concat" : symbol, left, try product())
        }
        return left
    }

    mutating func product() throws -> Expression {
        var left = try unary()
        while true {
            if case .symbol(let symbol) = token.kind, ["*", "/", "%"].contains(symbol) {
                advance()
                left = .call(symbol, left, try unary())
            } else if takeWord("DIV") {
                left = .call("div", left, try unary())
            } else {
                return left
            }
        }
    }

    mutating func unary() throws -> Expression {
        depth += 1
        defer { depth -= 1 }
        guard depth < Self.depthMax else { throw failure("expressions nest deeper than \(Self.depthMax)") }
        if isSymbol("-") {
            advance()
            // A sign before a number belongs to it, so that the least integer can be written.
            if case .number(let text) = token.kind {
                let numberToken = token
                advance()
                return try postfix(.literal(try number("-" + text, at: numberToken)))
            }
            return .call("-", try unary())
        }
        if takeSymbol("+") { return .call("positive", try unary()) }
        if takeSymbol("~") { return .call("~", try unary()) }
        return try postfix(try primary())
    }
}
