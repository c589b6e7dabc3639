/// Queries: SELECT and what stands around it.
extension SQLParser {
    var isQueryStart: Bool {
        if isWord("SELECT") || isWord("WITH") || isWord("VALUES") || isWord("FROM") { return true }
        if isWord("TABLE"), case .word = token(ahead: 1).kind { return true }
        // A query in further parentheses.
        var ahead = 0
        while isSymbol("(", ahead: ahead) { ahead += 1 }
        return ahead > 0 && (isWord("SELECT", ahead: ahead) || isWord("WITH", ahead: ahead) || isWord("VALUES", ahead: ahead))
    }

    mutating func identifiers() throws -> [String] {
        var names: [String] = []
        repeat { names.append(try identifier()) } while takeSymbol(",")
        try wantSymbol(")")
        return names
    }

    mutating func multipartName() throws -> [String] {
        var parts = [try identifier()]
        while takeSymbol(".") { parts.append(try identifier()) }
        return parts
    }

    mutating func query() throws -> LogicalPlan {
        depth += 1
        defer { depth -= 1 }
        guard depth < Self.depthMax else { throw failure("queries nest deeper than \(Self.depthMax)") }
        guard isWord("WITH") else { return try orderedQuery() }
        advance()
        let isRecursive = takeWord("RECURSIVE")
        var tables: [CommonTable] = []
        repeat {
            let name = try identifier()
            let columns = takeSymbol("(") ? try identifiers() : []
            _ = takeWord("AS")
            try wantSymbol("(")
            tables.append(CommonTable(name, columns: columns, try query()))
            try wantSymbol(")")
        } while takeSymbol(",")
        return .with(tables, isRecursive: isRecursive, try orderedQuery())
    }

    private mutating func orderedQuery() throws -> LogicalPlan {
        var plan = try setOperations()
        var isSorted = true
        while isSorted {
            isSorted = false
            if isWord("ORDER") || isWord("SORT"), isWord("BY", ahead: 1) {
                let isGlobal = isWord("ORDER")
                advance()
                advance()
                plan = .sort(try sortOrders(), isGlobal: isGlobal, plan)
                isSorted = true
            } else if isWord("CLUSTER") || isWord("DISTRIBUTE"), isWord("BY", ahead: 1) {
                let isCluster = isWord("CLUSTER")
                advance()
                advance()
                var keys: [Expression] = []
                repeat { keys.append(try expression()) } while takeSymbol(",")
                plan = isCluster ? .sort(keys.map { SortOrder($0) }, isGlobal: false, plan) : .repartition(nil, by: keys, plan)
                isSorted = true
            }
        }
        var limit: Expression?
        if takeWord("LIMIT") {
            if !takeWord("ALL") { limit = try expression() }
        }
        if takeWord("OFFSET") { plan = .offsetExpression(try expression(), plan) }
        return limit.map { .limitExpression($0, plan) } ?? plan
    }

    // MARK: Set operations

    /// UNION and EXCEPT from left to right, INTERSECT before them.
    private mutating func setOperations() throws -> LogicalPlan {
        var left = try intersections()
        while isWord("UNION") || isWord("EXCEPT") || isWord("MINUS") {
            let kind: SetOperation.Kind = isWord("UNION") ? .union : .except
            advance()
            let operation = try setQuantifier(kind)
            left = .setOperation(operation, left, try intersections())
        }
        return left
    }

    private mutating func intersections() throws -> LogicalPlan {
        var left = try queryPrimary()
        while takeWord("INTERSECT") {
            let operation = try setQuantifier(.intersect)
            left = .setOperation(operation, left, try queryPrimary())
        }
        return left
    }

    private mutating func setQuantifier(_ kind: SetOperation.Kind) throws -> SetOperation {
        let isAll = takeWord("ALL")
        if !isAll { _ = takeWord("DISTINCT") }
        return SetOperation(kind, isAll: isAll)
    }

    private mutating func queryPrimary() throws -> LogicalPlan {
        if takeSymbol("(") {
            let plan = try query()
            try wantSymbol(")")
            return plan
        }
        if takeWord("VALUES") { return try values() }
        if isWord("TABLE"), takeWord("TABLE") { return .table(UnresolvedTable(try multipartName())) }
        if isWord("FROM") {
            advance()
            let from = try relations()
            guard isWord("SELECT") else { throw failure("SELECT is wanted") }
            return try select(from: from)
        }
        guard isWord("SELECT") else { throw failure() }
        return try select(from: nil)
    }

    mutating func values() throws -> LogicalPlan {
        var rows: [[Expression]] = []
        repeat {
            if isSymbol("("), !isRowScalar {
                advance()
                var row: [Expression] = []
                repeat { row.append(try expression()) } while takeSymbol(",")
                try wantSymbol(")")
                rows.append(row)
            } else {
                rows.append([try expression()])
            }
        } while takeSymbol(",")
        return try aliased(.local(LocalRelation(.literals(rows))))
    }

    /// Whether the parentheses here are part of a larger expression, `(1 + 2) * 3`.
    private var isRowScalar: Bool {
        var level = 0
        var ahead = 0
        while true {
            let kind = token(ahead: ahead).kind
            if kind == .end { return false }
            if kind == .symbol("(") { level += 1 }
            if kind == .symbol(")") {
                level -= 1
                if level == 0 { break }
            }
            ahead += 1
        }
        switch token(ahead: ahead + 1).kind {
        case .symbol(let symbol): return !(symbol == "," || symbol == ")" || symbol == ";")
        default: return false
        }
    }

    // MARK: Select

    private mutating func select(from given: LogicalPlan?) throws -> LogicalPlan {
        advance()
        let isDistinct = takeWord("DISTINCT")
        if !isDistinct, isWord("ALL") { advance() }
        var items: [Expression] = []
        repeat { items.append(try namedExpression()) } while takeSymbol(",")
        var plan = given ?? .oneRow
        if given == nil, takeWord("FROM") { plan = try relations() }
        while isWord("LATERAL"), isWord("VIEW", ahead: 1) { plan = try lateralView(plan) }
        if takeWord("WHERE") { plan = .filter(try expression(), plan) }
        var grouping: (keys: [Expression], kind: Aggregate.Grouping)?
        if isWord("GROUP"), isWord("BY", ahead: 1) {
            advance()
            advance()
            grouping = try groupBy()
        }
        let having = takeWord("HAVING") ? try expression() : nil
        var windows: [String: WindowSpecification] = [:]
        if takeWord("WINDOW") {
            repeat {
                let name = try identifier().lowercased()
                try wantWord("AS")
                windows[name] = try windowReference()
            } while takeSymbol(",")
        }
        var qualify = takeWord("QUALIFY") ? try expression() : nil
        if items.contains(where: \.hasWindow) || qualify != nil {
            items = try items.map { try $0.naming(windows) }
            qualify = try qualify?.naming(windows)
        }
        if let grouping {
            plan = .aggregate(Aggregate(grouping.keys, items, grouping: grouping.kind, includesKeys: false), plan)
        } else {
            plan = .project(items, plan)
        }
        if let having { plan = .having(having, plan) }
        if let qualify { plan = .filter(qualify, plan) }
        if isDistinct { plan = .deduplicate([], withinWatermark: false, plan) }
        return plan
    }

    private mutating func lateralView(_ child: LogicalPlan) throws -> LogicalPlan {
        advance()
        advance()
        let isOuter = takeWord("OUTER")
        let name = try identifier()
        let generator = try call(name, at: token)
        var qualifier: String?
        if case .word(let word) = token.kind, !isWord("AS"), !Self.reserved.contains(word.lowercased()) {
            qualifier = try identifier()
        }
        var names: [String] = []
        if takeWord("AS") {
            repeat { names.append(try identifier()) } while takeSymbol(",")
        }
        return .generate(Generate(generator, isOuter: isOuter, qualifier: qualifier, names: names), child)
    }

    // MARK: GROUP BY

    /// Elements of GROUP BY: plain keys and sets of sets, whose product is taken.
    private mutating func groupBy() throws -> (keys: [Expression], kind: Aggregate.Grouping) {
        var keys: [Expression] = []
        var parts: [[[Expression]]] = []
        var isPlain = true
        func expressions(_ parser: inout SQLParser) throws -> [Expression] {
            try parser.wantSymbol("(")
            var result: [Expression] = []
            if parser.takeSymbol(")") { return result }
            repeat { result.append(try parser.expression()) } while parser.takeSymbol(",")
            try parser.wantSymbol(")")
            return result
        }
        repeat {
            if isWord("ROLLUP") || isWord("CUBE"), isSymbol("(", ahead: 1) {
                let isRollup = isWord("ROLLUP")
                advance()
                let members = try expressions(&self)
                parts.append(Self.sets(members, isRollup: isRollup))
                isPlain = false
            } else if isWord("GROUPING"), isWord("SETS", ahead: 1) {
                advance()
                advance()
                parts.append(try groupingSets())
                isPlain = false
            } else {
                let key = try expression()
                keys.append(key)
                parts.append([[key]])
            }
        } while takeSymbol(",")
        if takeWord("WITH") {
            if takeWord("ROLLUP") { return (keys, .rollup) }
            try wantWord("CUBE")
            return (keys, .cube)
        }
        // `GROUP BY a, b GROUPING SETS (…)`.
        if isPlain, isWord("GROUPING"), isWord("SETS", ahead: 1) {
            advance()
            advance()
            return (keys, .groupingSets(try groupingSets()))
        }
        if isPlain { return (keys, .groupBy) }
        let product = parts.reduce([[]]) { (sets: [[Expression]], part) in sets.flatMap { set in part.map { set + $0 } } }
        return (keys, .groupingSets(product))
    }

    private static func sets(_ members: [Expression], isRollup: Bool) -> [[Expression]] {
        // (a, b) in parentheses is one member of two keys.
        let groups = members.map { member -> [Expression] in
            if case .function("struct", let parts, _, _) = member { return parts }
            return [member]
        }
        if isRollup { return (0...groups.count).reversed().map { groups.prefix($0).flatMap { $0 } } }
        return (0..<(1 << min(groups.count, 12))).reversed().map { mask in
            groups.indices.filter { mask >> (groups.count - 1 - $0) & 1 == 1 }.flatMap { groups[$0] }
        }
    }

    private mutating func groupingSets() throws -> [[Expression]] {
        try wantSymbol("(")
        var sets: [[Expression]] = []
        repeat {
            if isWord("ROLLUP") || isWord("CUBE"), isSymbol("(", ahead: 1) {
                let isRollup = isWord("ROLLUP")
                advance()
                advance()
                var members: [Expression] = []
                repeat { members.append(try expression()) } while takeSymbol(",")
                try wantSymbol(")")
                sets += Self.sets(members, isRollup: isRollup)
            } else if takeSymbol("(") {
                var set: [Expression] = []
                if !isSymbol(")") {
                    repeat { set.append(try expression()) } while takeSymbol(",")
                }
                try wantSymbol(")")
                sets.append(set)
            } else {
                sets.append([try expression()])
            }
        } while takeSymbol(",")
        try wantSymbol(")")
        return sets
    }
}

extension Expression {
    /// Windows by their names in the WINDOW clause.
    func naming(_ windows: [String: WindowSpecification]) throws -> Expression {
        guard case .window(let function, let window) = self else { return try mapChildren { try $0.naming(windows) } }
        return .window(try function.naming(windows), try window.naming(windows))
    }
}

extension WindowSpecification {
    func naming(_ windows: [String: WindowSpecification]) throws -> WindowSpecification {
        guard case .attribute(let parts, nil)? = partition.first, parts.first == SQLParser.windowMark else { return self }
        guard var base = windows[parts[1]] else {
            throw SparkError(
                "MISSING_WINDOW_SPECIFICATION", sqlState: "42P20",
                "Window specification is not defined in the WINDOW clause for `\(parts[1])`.")
        }
        base = try base.naming(windows.filter { $0.key != parts[1] })
        if !order.isEmpty { base.order = order }
        if let frame { base.frame = frame }
        return base
    }
}
