/// FROM: tables, joins, table functions, PIVOT and UNPIVOT.
extension SQLParser {
    mutating func relations() throws -> LogicalPlan {
        var plan = try joined(try relation(after: nil))
        while takeSymbol(",") {
            if isLateralFunction {
                plan = try joined(try lateralFunction(plan))
            } else {
                plan = .join(Join(.inner, isLateral: takeWord("LATERAL")), plan, try joined(try relation(after: plan)))
            }
        }
        return plan
    }

    private var isLateralFunction: Bool {
        guard isWord("LATERAL"), case .word(let name) = token(ahead: 1).kind else { return false }
        return Generators.names.contains(name.lowercased())
    }

    private mutating func lateralFunction(_ child: LogicalPlan, isOuter: Bool = false) throws -> LogicalPlan {
        advance()
        let name = try identifier()
        let generator = try call(name, at: token)
        let (qualifier, names) = try alias() ?? (nil, [])
        return .generate(Generate(generator, isOuter: isOuter, qualifier: qualifier, names: names), child)
    }

    private mutating func joined(_ first: LogicalPlan) throws -> LogicalPlan {
        var left = first
        while true {
            let isNatural = isWord("NATURAL")
            if isNatural { advance() }
            guard let kind = try joinKind() else {
                if isNatural { throw failure("JOIN is wanted") }
                return left
            }
            if isLateralFunction {
                left = try lateralFunction(left, isOuter: kind == .leftOuter)
                if takeWord("ON") { left = .filter(try expression(), left) }
                continue
            }
            let isLateral = takeWord("LATERAL")
            let right = try relation(after: left)
            var condition: Join.Condition = .none
            if isNatural {
                condition = .natural
            } else if takeWord("ON") {
                condition = .on(try expression())
            } else if takeWord("USING") {
                try wantSymbol("(")
                condition = .using(try identifiers())
            }
            left = .join(Join(kind, condition, isLateral: isLateral), left, right)
        }
    }

    private mutating func joinKind() throws -> Join.Kind? {
        let forms: [([String], Join.Kind)] = [
            (["JOIN"], .inner), (["INNER", "JOIN"], .inner), (["CROSS", "JOIN"], .cross), (["LEFT", "JOIN"], .leftOuter),
            (["LEFT", "OUTER", "JOIN"], .leftOuter), (["RIGHT", "JOIN"], .rightOuter), (["RIGHT", "OUTER", "JOIN"], .rightOuter),
            (["FULL", "JOIN"], .fullOuter), (["FULL", "OUTER", "JOIN"], .fullOuter), (["LEFT", "SEMI", "JOIN"], .leftSemi),
            (["SEMI", "JOIN"], .leftSemi), (["LEFT", "ANTI", "JOIN"], .leftAnti), (["ANTI", "JOIN"], .leftAnti),
        ]
        for (words, kind) in forms where words.enumerated().allSatisfy({ isWord($1, ahead: $0) }) {
            for _ in words { advance() }
            return kind
        }
        return nil
    }

    private mutating func relation(after left: LogicalPlan?) throws -> LogicalPlan {
        var plan: LogicalPlan
        if takeSymbol("(") {
            if isQueryStart {
                plan = try query()
            } else {
                plan = try relations()
            }
            try wantSymbol(")")
            plan = try sampled(plan)
        } else if isWord("VALUES"), takeWord("VALUES") {
            plan = try values()
        } else if case .word(let name) = token.kind, isSymbol("(", ahead: 1), !Self.reserved.contains(name.lowercased()) {
            return try suffixed(try tableFunction(name))
        } else {
            plan = try sampled(.table(UnresolvedTable(try multipartName())))
        }
        return try suffixed(try aliased(plan))
    }

    /// PIVOT and UNPIVOT, each with an alias of its own.
    private mutating func suffixed(_ relation: LogicalPlan) throws -> LogicalPlan {
        var plan = relation
        while true {
            if isWord("PIVOT"), isSymbol("(", ahead: 1) {
                plan = try aliased(try pivot(plan))
            } else if isWord("UNPIVOT") {
                plan = try aliased(try unpivot(plan))
            } else {
                return plan
            }
        }
    }

    private mutating func sampled(_ plan: LogicalPlan) throws -> LogicalPlan {
        guard takeWord("TABLESAMPLE") else { return plan }
        let start = token
        try wantSymbol("(")
        let value = try expression()
        guard case .literal(let literal) = value, let number = literal.doubleValue else { throw failure("a number is wanted", at: start) }
        let isPercent = takeWord("PERCENT") || takeSymbol("%")
        if !isPercent { try wantWord("ROWS") }
        try wantSymbol(")")
        var seed: Int64?
        if takeWord("REPEATABLE") {
            try wantSymbol("(")
            if case .literal(let literal) = try expression() { seed = literal.integerValue.map { Int64($0) } }
            try wantSymbol(")")
        }
        return isPercent ? .sample(Sample(lower: 0, upper: number / 100, seed: seed), plan) : .limit(Int(number), plan)
    }

    private mutating func alias() throws -> (name: String, columns: [String])? {
        var name: String?
        if takeWord("AS") {
            name = try identifier()
        } else {
            switch token.kind {
            case .quotedIdentifier: name = try identifier()
            case .word(let word) where !Self.reserved.contains(word.lowercased()): name = try identifier()
            default: break
            }
        }
        guard let name else { return nil }
        return (name, takeSymbol("(") ? try identifiers() : [])
    }

    mutating func aliased(_ plan: LogicalPlan) throws -> LogicalPlan {
        guard let (name, columns) = try alias() else { return plan }
        return .alias(name, columns: columns, plan)
    }

    // MARK: Table functions

    private mutating func tableFunction(_ name: String) throws -> LogicalPlan {
        let start = token
        advance()
        let function = try call(name, at: start)
        guard case .function(_, let arguments, _, _) = function else { throw failure() }
        if name.equalsIgnoringCase("range") {
            let numbers = arguments.map { argument -> Int64? in
                guard let resolved = try? Resolver.resolve(argument, in: StructType()) else { return nil }
                return PlanCompiler.constant(resolved)?.integerValue.map { Int64($0) }
            }
            guard (1...4).contains(numbers.count), numbers.allSatisfy({ $0 != nil }) else {
                throw SparkError(
                    "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", sqlState: "42605",
                    "The `range` requires [1, 2, 3, 4] constant whole numbers.", line: start.line, position: start.position)
            }
            let known = numbers.compactMap { $0 }
            let (from, to) = known.count == 1 ? (0, known[0]) : (known[0], known[1])
            return try aliased(.range(start: from, end: to, step: known.count > 2 ? known[2] : 1))
        }
        guard Generators.names.contains(name.lowercased()) else {
            throw SparkError(
                "UNRESOLVABLE_TABLE_VALUED_FUNCTION", sqlState: "42883",
                "Could not resolve `\(name)` to a table-valued function. Please make sure that `\(name)` is defined as a table-valued function and that all required parameters are provided correctly.",
                line: start.line, position: start.position)
        }
        let (qualifier, names) = try alias() ?? (nil, [])
        return .generate(Generate(function, qualifier: qualifier, names: names), .oneRow)
    }

    // MARK: PIVOT

    private mutating func pivot(_ child: LogicalPlan) throws -> LogicalPlan {
        advance()
        advance()
        var aggregates: [Expression] = []
        repeat { aggregates.append(try namedExpression()) } while takeSymbol(",")
        try wantWord("FOR")
        let start = token
        let column: Expression
        if takeSymbol("(") {
            let names = try identifiers()
            column = names.count == 1 ? .attribute([names[0]]) : .function(name: "struct", arguments: names.map { .attribute([$0]) })
        } else {
            column = .attribute(try multipartName())
        }
        if case .function = column { throw unsupported("PIVOT over several columns", at: start) }
        try wantWord("IN")
        try wantSymbol("(")
        var values: [Literal] = []
        var names: [String: String] = [:]
        repeat {
            let item = try namedExpression()
            guard let resolved = try? Resolver.resolve(item.unaliased, in: StructType()), let value = PlanCompiler.constant(resolved) else {
                throw SparkError(
                    "NON_LITERAL_PIVOT_VALUES", sqlState: "42K08",
                    "Literal expressions required for pivot values, found \"\(item.prettySQL)\".", line: start.line,
                    position: start.position)
            }
            values.append(value)
            if case .alias(_, let name, _) = item {
                if aggregates.count == 1 {
                    names[value.prettySQL] = name
                } else {
                    for aggregate in aggregates {
                        let suffix = aggregate.countingRows.outputName
                        names["\(value.prettySQL)_\(suffix)"] = "\(name)_\(suffix)"
                    }
                }
            }
        } while takeSymbol(",")
        try wantSymbol(")")
        try wantSymbol(")")
        let plan = LogicalPlan.aggregate(
            Aggregate([.star([])], aggregates, includesKeys: true, pivot: Aggregate.Pivot(column, values: values)), child)
        return names.isEmpty ? plan : .renamed(names, plan)
    }

    /// `UNPIVOT [INCLUDE NULLS] (value FOR name IN (a, b AS 'x'))`.
    private mutating func unpivot(_ child: LogicalPlan) throws -> LogicalPlan {
        let start = token
        advance()
        var keepsNulls = false
        if takeWord("INCLUDE") {
            try wantWord("NULLS")
            keepsNulls = true
        } else if takeWord("EXCLUDE") {
            try wantWord("NULLS")
        }
        try wantSymbol("(")
        if isSymbol("(") { throw unsupported("UNPIVOT of several value columns", at: start) }
        let value = try identifier()
        try wantWord("FOR")
        let name = try identifier()
        try wantWord("IN")
        try wantSymbol("(")
        var columns: [Expression] = []
        repeat {
            let column = Expression.attribute(try multipartName())
            if takeWord("AS") || { if case .string = token.kind { true } else { false } }() {
                if case .string(let text) = token.kind {
                    advance()
                    columns.append(.alias(column, name: text))
                } else {
                    columns.append(.alias(column, name: try identifier()))
                }
            } else {
                columns.append(column)
            }
        } while takeSymbol(",")
        try wantSymbol(")")
        try wantSymbol(")")
        let ids = Expression.call("\u{3}others", .function(name: "struct", arguments: columns.map(\.unaliased)))
        let plan = LogicalPlan.unpivot(Unpivot(ids: [ids], values: columns, variableName: name, valueName: value), child)
        return keepsNulls ? plan : .filter(.call("isnotnull", .attribute([value])), plan)
    }
}
