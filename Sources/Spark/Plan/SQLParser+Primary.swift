/// Columns, calls, subscripts and what else stands alone.
extension SQLParser {
    mutating func postfix(_ base: Expression) throws -> Expression {
        var base = base
        while true {
            if takeSymbol("[") {
                base = .extractValue(base, key: try expression())
                try wantSymbol("]")
            } else if isSymbol(".") {
                advance()
                if takeSymbol("*") {
                    guard case .attribute(let parts, _) = base else { throw failure("a star follows a column's name only") }
                    return .star(parts)
                }
                let name = try identifier()
                if case .attribute(let parts, _) = base {
                    base = .attribute(parts + [name])
                } else {
                    base = .extractValue(base, key: .literal(.string(name)))
                }
            } else if takeSymbol("::") {
                base = .cast(base, to: try dataType(), isTry: false)
            } else {
                return base
            }
        }
    }

    mutating func primary() throws -> Expression {
        let start = token
        switch token.kind {
        case .number(let text):
            advance()
            return .literal(try number(text, at: start))
        case .string(var text):
            advance()
            // Adjacent strings are one, as in Spark.
            while case .string(let more) = token.kind {
                advance()
                text += more
            }
            return .literal(.string(text))
        case .quotedIdentifier(let name):
            advance()
            if isSymbol("(") { return try call(name, at: start) }
            return .attribute([name])
        case .symbol("*"):
            advance()
            return .star([])
        case .symbol("?"):
            advance()
            let index = positionalCount
            positionalCount += 1
            guard !parameters.positional.isEmpty else { return .parameter(.positional(start.offset)) }
            guard index < parameters.positional.count else { return .parameter(.positional(start.offset)) }
            return parameters.positional[index]
        case .symbol(":"):
            advance()
            let name = try identifier()
            return parameters.named[name] ?? .parameter(.named(name))
        case .symbol("("):
            if let lambda = try lambda() { return lambda }
            advance()
            if isQueryStart {
                let plan = try query()
                try wantSymbol(")")
                return .subquery(Subquery(.scalar, plan))
            }
            let inner = try expression()
            if takeSymbol(",") {
                var elements = [inner]
                repeat { elements.append(try expression()) } while takeSymbol(",")
                try wantSymbol(")")
                return .function(name: "struct", arguments: elements)
            }
            try wantSymbol(")")
            return inner
        case .word(let word): return try wordPrimary(word)
        case .symbol, .end: throw failure()
        }
    }

    mutating func wordPrimary(_ word: String) throws -> Expression {
        let start = token
        switch word.lowercased() {
        case "null":
            advance()
            return .literal(.null)
        case "true", "false":
            advance()
            return .literal(.boolean(word.equalsIgnoringCase("true")))
        case "case": return try caseWhen()
        case "cast", "try_cast":
            guard isSymbol("(", ahead: 1) else { break }
            advance()
            advance()
            let child = try expression()
            try wantWord("AS")
            let type = try dataType()
            try wantSymbol(")")
            return .cast(child, to: type, isTry: !word.equalsIgnoringCase("cast"))
        case "current_timestamp", "current_date", "localtimestamp":
            guard !isSymbol("(", ahead: 1) else { break }
            advance()
            return .function(name: word.lowercased(), arguments: [])
        case "date", "timestamp", "timestamp_ntz", "timestamp_ltz":
            guard case .string(let text) = token(ahead: 1).kind else { break }
            advance()
            advance()
            return try typedLiteral(word.lowercased(), text, at: start)
        case "x":
            guard case .string(let text) = token(ahead: 1).kind else { break }
            advance()
            advance()
            guard let bytes = hexadecimal(text) else { throw failure("hexadecimal digits are wanted", at: start) }
            return .literal(.binary(bytes))
        case "interval":
            guard let interval = try interval() else { break }
            return interval
        case "exists":
            if isSymbol("(", ahead: 1), isWord("SELECT", ahead: 2) || isWord("WITH", ahead: 2) {
                advance()
                advance()
                let plan = try query()
                try wantSymbol(")")
                return .subquery(Subquery(.exists, plan))
            }
        case "extract":
            guard isSymbol("(", ahead: 1) else { break }
            if case .word = token(ahead: 2).kind, isWord("FROM", ahead: 3) {
                advance()
                advance()
                let field = try identifier()
                advance()
                let source = try expression()
                try wantSymbol(")")
                return .call("extract", .literal(.string(field)), source)
            }
        case "position":
            guard isSymbol("(", ahead: 1) else { break }
            let saved = index
            advance()
            advance()
            let part = try bitOr()
            if takeWord("IN") {
                let text = try expression()
                try wantSymbol(")")
                return .call("position", part, text)
            }
            index = saved
        case "substring", "substr":
            guard isSymbol("(", ahead: 1) else { break }
            let saved = index
            advance()
            advance()
            let text = try expression()
            if takeWord("FROM") {
                var arguments = [text, try expression()]
                if takeWord("FOR") { arguments.append(try expression()) }
                try wantSymbol(")")
                return .function(name: "substring", arguments: arguments)
            }
            index = saved
        case "trim":
            guard isSymbol("(", ahead: 1), let trimmed = try trim() else { break }
            return trimmed
        default: break
        }
        if isSymbol("->", ahead: 1), let lambda = try lambda() { return lambda }
        if isSymbol("(", ahead: 1), !["and", "or", "not", "in", "like", "between"].contains(word.lowercased()) {
            advance()
            return try call(word, at: start)
        }
        guard !Self.neverColumns.contains(word.lowercased()) else { throw failure() }
        advance()
        return .attribute([word])
    }

    mutating func call(_ name: String, at start: SQLToken) throws -> Expression {
        try wantSymbol("(")
        let isDistinct = takeWord("DISTINCT")
        if !isDistinct, isWord("ALL"), !isSymbol(")", ahead: 1), !isSymbol(",", ahead: 1) { advance() }
        var arguments: [Expression] = []
        if !isSymbol(")") {
            repeat {
                if case .word(let argument) = token.kind, isSymbol("=>", ahead: 1) {
                    advance()
                    advance()
                    arguments.append(.namedArgument(argument, try expression()))
                } else {
                    // struct(a AS b) names its fields so.
                    arguments.append(try namedExpression())
                }
            } while takeSymbol(",")
        }
        if takeWord("IGNORE") {
            try wantWord("NULLS")
            arguments.append(.namedArgument("ignore nulls", .literal(.boolean(true))))
        }
        try wantSymbol(")")
        if isWord("WITHIN"), isWord("GROUP", ahead: 1) {
            advance()
            advance()
            try wantSymbol("(")
            try wantWord("ORDER")
            try wantWord("BY")
            arguments += try sortOrders().map { .sortOrder($0) }
            try wantSymbol(")")
        }
        var filter: Expression?
        if isWord("FILTER"), isSymbol("(", ahead: 1) {
            advance()
            advance()
            try wantWord("WHERE")
            filter = try expression()
            try wantSymbol(")")
        }
        if isWord("IGNORE"), isWord("NULLS", ahead: 1) {
            advance()
            advance()
            arguments.append(.namedArgument("ignore nulls", .literal(.boolean(true))))
        } else if isWord("RESPECT"), isWord("NULLS", ahead: 1) {
            advance()
            advance()
        }
        let function =
            try registered(name, arguments, isDistinct: isDistinct, filter: filter)
            ?? .function(name: name, arguments: arguments, isDistinct: isDistinct, filter: filter)
        guard takeWord("OVER") else { return Self.flagged(function) }
        return .window(function, try windowReference())
    }

    private func registered(_ name: String, _ arguments: [Expression], isDistinct: Bool, filter: Expression?) throws -> Expression? {
        guard let function = parameters.functions(name) else { return nil }
        guard !isDistinct, filter == nil else {
            throw SparkError(
                "INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX", sqlState: "42000",
                "Invalid SQL syntax: The function `\(name)` does not support \(isDistinct ? "DISTINCT" : "FILTER clause").")
        }
        return .pythonFunction(function, arguments: arguments)
    }

    /// IGNORE NULLS of an aggregate without a window is its second argument.
    static func flagged(_ function: Expression) -> Expression {
        guard case .function(let name, var arguments, let isDistinct, let filter) = function,
            let place = arguments.firstIndex(where: { if case .namedArgument("ignore nulls", _) = $0 { true } else { false } })
        else { return function }
        arguments[place] = .literal(.boolean(true))
        return .function(name: name, arguments: arguments, isDistinct: isDistinct, filter: filter)
    }

    /// `x -> body`, `(x, y) -> body`; nil where none begins here.
    mutating func lambda() throws -> Expression? {
        let saved = index
        var names: [String] = []
        if takeSymbol("(") {
            repeat {
                guard case .word(let name) = token.kind else {
                    index = saved
                    return nil
                }
                names.append(name)
                advance()
            } while takeSymbol(",")
            guard takeSymbol(")") else {
                index = saved
                return nil
            }
        } else {
            names.append(try identifier())
        }
        guard takeSymbol("->") else {
            index = saved
            return nil
        }
        return .lambda(parameters: names, body: try expression().binding(names))
    }

    mutating func trim() throws -> Expression? {
        let saved = index
        advance()
        advance()
        var name = "trim"
        if takeWord("LEADING") { name = "ltrim" } else if takeWord("TRAILING") { name = "rtrim" } else { _ = takeWord("BOTH") }
        if takeWord("FROM") {
            let text = try expression()
            try wantSymbol(")")
            return .call(name, text)
        }
        let characters = try expression()
        guard takeWord("FROM") else {
            index = saved
            return nil
        }
        let text = try expression()
        try wantSymbol(")")
        return .call(name, characters, text)
    }

    /// `CASE WHEN c THEN v … ELSE e END` and `CASE x WHEN y THEN v … END`, both to `when(c1, v1, …, e)`.
    mutating func caseWhen() throws -> Expression {
        advance()
        let subject = isWord("WHEN") ? nil : try expression()
        var arguments: [Expression] = []
        while takeWord("WHEN") {
            let test = try expression()
            try wantWord("THEN")
            arguments.append(subject.map { .call("==", $0, test) } ?? test)
            arguments.append(try expression())
        }
        guard !arguments.isEmpty else { throw failure("WHEN is wanted") }
        if takeWord("ELSE") { arguments.append(try expression()) }
        try wantWord("END")
        return .function(name: "when", arguments: arguments)
    }

    /// `OVER name`, `OVER (…)`. A name stands in the partition until the WINDOW clause is read.
    mutating func windowReference() throws -> WindowSpecification {
        if !isSymbol("(") { return Self.named(try identifier()) }
        return try windowSpecification()
    }

    static let windowMark = "\u{2}window"

    static func named(_ name: String) -> WindowSpecification {
        WindowSpecification(partition: [.attribute([windowMark, name.lowercased()])])
    }

    mutating func windowSpecification() throws -> WindowSpecification {
        try wantSymbol("(")
        var window = WindowSpecification()
        if case .word(let name) = token.kind,
            !["partition", "distribute", "order", "sort", "rows", "range", "cluster"].contains(name.lowercased())
        {
            advance()
            window = Self.named(name)
        }
        if takeWord("PARTITION") || takeWord("DISTRIBUTE") {
            try wantWord("BY")
            repeat { window.partition.append(try expression()) } while takeSymbol(",")
        }
        if takeWord("ORDER") || takeWord("SORT") {
            try wantWord("BY")
            window.order = try sortOrders()
        }
        if isWord("ROWS") || isWord("RANGE") {
            let kind: WindowSpecification.FrameKind = isWord("ROWS") ? .rows : .range
            advance()
            if takeWord("BETWEEN") {
                let lower = try frameBound()
                try wantWord("AND")
                window.frame = .init(kind, from: lower, to: try frameBound())
            } else {
                window.frame = .init(kind, from: try frameBound(), to: .currentRow)
            }
        }
        try wantSymbol(")")
        return window
    }

    mutating func frameBound() throws -> WindowSpecification.Bound {
        if takeWord("UNBOUNDED") {
            if takeWord("PRECEDING") { return .unboundedPreceding }
            try wantWord("FOLLOWING")
            return .unboundedFollowing
        }
        if takeWord("CURRENT") {
            try wantWord("ROW")
            return .currentRow
        }
        let distance = try expression()
        if takeWord("PRECEDING") {
            if case .literal(let literal) = distance, let negated = literal.negated { return .offset(.literal(negated)) }
            return .offset(.call("negative", distance))
        }
        try wantWord("FOLLOWING")
        return .offset(distance)
    }

    mutating func sortOrders() throws -> [SortOrder] {
        var result: [SortOrder] = []
        repeat {
            let key = try expression()
            var isAscending = true
            if takeWord("DESC") { isAscending = false } else { _ = takeWord("ASC") }
            var nullsFirst: Bool?
            if takeWord("NULLS") {
                if takeWord("FIRST") {
                    nullsFirst = true
                } else {
                    try wantWord("LAST")
                    nullsFirst = false
                }
            }
            result.append(SortOrder(key, isAscending: isAscending, nullsFirst: nullsFirst))
        } while takeSymbol(",")
        return result
    }
}

extension Expression {
    /// The names of a lambda's parameters in its body are its variables.
    func binding(_ names: [String]) -> Expression {
        switch self {
        case .attribute(let parts, nil):
            guard let name = names.first(where: { $0.equalsIgnoringCase(parts[0]) }) else { return self }
            return parts.dropFirst().reduce(.lambdaVariable(name)) { .extractValue($0, key: .literal(.string($1))) }
        case .lambda(let parameters, _):
            return mapChildren { $0.binding(names.filter { name in !parameters.contains { $0.equalsIgnoringCase(name) } }) }
        default: return mapChildren { $0.binding(names) }
        }
    }
}

extension Literal {
    /// The number or interval with its sign turned.
    var negated: Literal? {
        switch self {
        case .byte(let value): .byte(0 &- value)
        case .short(let value): .short(0 &- value)
        case .integer(let value): .integer(0 &- value)
        case .long(let value): .long(0 &- value)
        case .float(let value): .float(-value)
        case .double(let value): .double(-value)
        case .decimal(let unscaled, let precision, let scale): .decimal(unscaled: -unscaled, precision: precision, scale: scale)
        case .yearMonthInterval(let months, let range): .yearMonthInterval(0 &- months, range)
        case .dayTimeInterval(let micros, let range): .dayTimeInterval(0 &- micros, range)
        default: nil
        }
    }
}
