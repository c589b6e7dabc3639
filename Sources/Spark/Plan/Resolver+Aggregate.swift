/// GROUP BY with its grouping sets and pivots.
extension Resolver {
    func aggregate(_ aggregate: Aggregate, _ child: LogicalPlan) throws -> Relation {
        if let pivot = aggregate.pivot { return try self.pivot(pivot, aggregate, child) }
        if let (spread, below) = try windowed(aggregate, child) { return try self.aggregate(spread, below) }
        let relation = try resolve(relation: child)
        let resolver = ExpressionResolver(relation.scope, plans: self)
        resolver.allowsWindows = true

        let (keyExpressions, sets) = try keys(of: aggregate, relation.scope)
        var keys: [ResolvedNamed] = []
        for key in keyExpressions {
            if key.hasAggregate {
                throw SparkError(
                    "GROUP_BY_AGGREGATE", sqlState: "42903",
                    "Aggregate functions are not allowed in GROUP BY, but found \"\(key.prettySQL)\".")
            }
            let resolved = try resolver.resolve(key.unaliased)
            if case .map = resolved.dataType {
                throw SparkError(
                    "GROUP_EXPRESSION_TYPE_IS_NOT_ORDERABLE", sqlState: "42822",
                    "The expression \"\(key.prettySQL)\" cannot be used as a grouping expression because its data type \"\(resolved.dataType.sql)\" is not an orderable data type."
                )
            }
            keys.append(ResolvedNamed(key.outputName, resolved))
        }
        guard resolver.subqueries.isEmpty else { throw Self.unserved("A subquery in GROUP BY") }
        if sets != nil { resolver.groupingKeys = keys.map(\.expression) }

        resolver.allowsAggregates = true
        let items = aggregate.includesKeys ? keyExpressions + aggregate.aggregates : aggregate.aggregates
        var outputs: [ResolvedNamed] = []
        var origins: [ColumnOrigin] = []
        for item in items {
            let found = try aliased(item, items, resolver)
            outputs += found
            origins += found.map { Self.origin(of: $0, item, relation) }
        }
        let resolved = ResolvedAggregate(keys: keys, calls: resolver.aggregates, sets: sets)
        try Self.checkPython(resolved)
        let rewrite = Self.rewriter(resolved, scope: relation.scope)
        let plan = try attached(resolver.subqueries, resolver.windows, to: .aggregate(resolved, relation.plan), rewrite: rewrite) {
            settle, plan in
            .project(try outputs.map { ResolvedNamed($0.name, try settle($0.expression)) }, plan)
        }
        return Relation(plan, origins: origins)
    }

    /// As a select, an aggregate's list may name its earlier elements.
    private func aliased(_ item: Expression, _ items: [Expression], _ resolver: ExpressionResolver) throws -> [ResolvedNamed] {
        do {
            return try resolver.named(item)
        } catch let error as SparkError where error.errorClass.hasPrefix("UNRESOLVED_COLUMN") {
            let scope = resolver.scope
            let replaced = item.replacingAliases(Self.aliases(of: items.filter { $0 != item }), deep: true) {
                scope.matches($0).columns.isEmpty
            }
            guard replaced != item else { throw error }
            return try resolver.named(replaced)
        }
    }

    /// Expressions over the input become expressions over the aggregate's output, or have no place above a GROUP BY.
    private static func rewriter(
        _ aggregate: ResolvedAggregate, scope: Scope
    ) -> @Sendable (ResolvedExpression) throws -> ResolvedExpression {
        let keyCount = aggregate.keys.count
        let callCount = aggregate.calls.count
        var places: [ResolvedExpression: Int] = [:]
        for (index, key) in aggregate.keys.enumerated() where places[key.expression] == nil { places[key.expression] = index }
        let known = places
        let isNulled = aggregate.sets != nil
        @Sendable func rewrite(_ expression: ResolvedExpression) throws -> ResolvedExpression {
            if let index = known[expression] {
                return .column(index, expression.dataType, nullable: isNulled || expression.isNullable)
            }
            guard case .column(let index, let type, let nullable) = expression else { return try expression.mapChildren(rewrite) }
            if index == Placeholder.aggregate - 1 { return .column(keyCount + callCount, .long, nullable: false) }
            if index >= Placeholder.window { return expression }
            if index >= Placeholder.aggregate { return .column(keyCount + index - Placeholder.aggregate, type, nullable: nullable) }
            let name = index < scope.schema.fields.count ? scope.schema.fields[index].name : "?"
            guard keyCount > 0 else {
                throw SparkError(
                    "MISSING_GROUP_BY", sqlState: "42803",
                    "The query does not include a GROUP BY clause. Add GROUP BY or turn it into the window functions using OVER clauses.")
            }
            throw SparkError(
                "MISSING_AGGREGATION", sqlState: "42803",
                "The non-aggregating expression \"\(name)\" is based on columns which are not participating in the GROUP BY clause.\nAdd the columns or the expression to the GROUP BY, aggregate the expression, or use \"any_value(\(name))\" if you do not care which of the values within a group is returned."
            )
        }
        return rewrite
    }

    // MARK: Keys

    private func keys(of aggregate: Aggregate, _ scope: Scope) throws -> (keys: [Expression], sets: [[Int]]?) {
        let aliases = Self.aliases(of: aggregate.aggregates)
        func settled(_ key: Expression) throws -> [Expression] {
            switch key {
            case .literal(let literal) where literal.integerValue != nil && !aggregate.includesKeys:
                let ordinal = literal.integerValue ?? 0
                guard aggregate.aggregates.indices.contains(ordinal - 1) else {
                    throw SparkError(
                        "GROUP_BY_POS_OUT_OF_RANGE", sqlState: "42805",
                        "GROUP BY position \(ordinal) is not in select list (valid range is [1, \(aggregate.aggregates.count)]).")
                }
                let item = aggregate.aggregates[ordinal - 1]
                if item.hasAggregate {
                    throw SparkError(
                        "GROUP_BY_POS_AGGREGATE", sqlState: "42903",
                        "GROUP BY \(ordinal) refers to an expression \(item.prettySQL) that contains an aggregate function. Aggregate functions are not allowed in GROUP BY."
                    )
                }
                return [item.unaliased]
            case .attribute(let parts, nil) where parts.count == 1 && scope.matches(parts).columns.isEmpty:
                if parts[0].equalsIgnoringCase("all"), !aggregate.includesKeys {
                    return aggregate.aggregates.filter { !$0.hasAggregate }.map(\.unaliased)
                }
                return [aliases[parts[0].lowercased()] ?? key]
            case .star(let target, let planID):
                return try ExpressionResolver(scope).star(target, planID).map { .attribute(target + [$0.name], planID: planID) }
            default: return [key]
            }
        }
        var keys = try aggregate.keys.flatMap(settled)
        switch aggregate.grouping {
        case .groupBy: return (keys, nil)
        case .rollup: return (keys, (0...keys.count).reversed().map { Array(0..<$0) })
        case .cube:
            guard keys.count <= 12 else { throw Self.unserved("CUBE over more than 12 columns") }
            let masks = (0..<(1 << keys.count)).reversed()
            return (keys, masks.map { mask in keys.indices.filter { mask >> (keys.count - 1 - $0) & 1 == 1 } })
        case .groupingSets(let sets):
            var resolved: [[Int]] = []
            for set in sets {
                var indices: [Int] = []
                for key in try set.flatMap(settled) {
                    if let index = keys.firstIndex(of: key) {
                        indices.append(index)
                    } else {
                        indices.append(keys.count)
                        keys.append(key)
                    }
                }
                resolved.append(indices)
            }
            return (keys, resolved)
        }
    }

    // MARK: Pivot

    /// One column for each value (and aggregate): the aggregate over the rows that have it, null where there are none.
    private func pivot(_ pivot: Aggregate.Pivot, _ aggregate: Aggregate, _ child: LogicalPlan) throws -> Relation {
        guard !pivot.values.isEmpty else { throw Self.unserved("A pivot without values over a stream") }
        var plain = aggregate
        plain.pivot = nil
        plain.includesKeys = true
        if plain.keys == [.star([])] {
            // SQL's PIVOT groups by every column that it does not name.
            let scope = try resolve(relation: child).scope
            var used: Set<Int> = []
            func note(_ expression: Expression) {
                if case .attribute(let parts, let planID) = expression { used.formUnion(scope.matches(parts, planID: planID).columns) }
                expression.children.forEach(note)
            }
            note(pivot.column)
            aggregate.aggregates.forEach(note)
            plain.keys = scope.schema.fields.indices.filter { !used.contains($0) }.map { .attribute([scope.schema.fields[$0].name]) }
        }
        plain.aggregates = pivot.values.flatMap { value in
            aggregate.aggregates.map { item -> Expression in
                let test = Expression.call("<=>", pivot.column, .literal(value))
                let counted = Expression.function(name: "count", arguments: [.literal(.integer(1))], filter: test)
                let text = Self.pivotName(value)
                let name = aggregate.aggregates.count == 1 ? text : "\(text)_\(item.countingRows.outputName)"
                return .alias(
                    .call("when", .call(">", counted, .literal(.long(0))), item.unaliased.countingRows.filteringAggregates(by: test)),
                    name: name)
            }
        }
        return try self.aggregate(plain, child)
    }

    private static func pivotName(_ value: Literal) -> String {
        switch value {
        case .null: "null"
        case .date(let days): DateTimeText.text(days: days)
        case .timestamp(let micros), .timestampNTZ(let micros): DateTimeText.text(micros: micros)
        case .double(let value): NumberText.text(value)
        case .structure(let values, _): values.map(pivotName).joined(separator: "_")
        default: value.prettySQL
        }
    }

    // MARK: Observe

    func observe(_ name: String, _ expressions: [Expression], _ child: LogicalPlan) throws -> Relation {
        var relation = try resolve(relation: child)
        let resolver = ExpressionResolver(relation.scope)
        resolver.allowsAggregates = true
        let outputs = try expressions.flatMap { try resolver.named($0) }
        let aggregate = ResolvedAggregate(keys: [], calls: resolver.aggregates)
        let rewrite = Self.rewriter(aggregate, scope: relation.scope)
        let columns = try outputs.map { ResolvedNamed($0.name, try rewrite($0.expression)) }
        relation.plan = .observe(name: name, aggregate, columns, relation.plan)
        return relation
    }
}

extension Expression {
    /// Every aggregate over the rows that also hold the condition.
    func filteringAggregates(by condition: Expression) -> Expression {
        if case .function(let name, let arguments, let isDistinct, let filter) = self, AggregateCatalog.contains(name) {
            return .function(
                name: name, arguments: arguments, isDistinct: isDistinct, filter: filter.map { .call("and", $0, condition) } ?? condition)
        }
        return mapChildren { $0.filteringAggregates(by: condition) }
    }
}
