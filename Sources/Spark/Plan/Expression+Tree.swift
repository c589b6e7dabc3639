/// Expressions as trees, for what rewrites them before names are settled.
extension Expression {
    /// The same expression over other children; subqueries keep their plans.
    func mapChildren(_ transform: (Expression) throws -> Expression) rethrows -> Expression {
        switch self {
        case .attribute, .columnRegex, .star, .literal, .lambdaVariable, .parameter: return self
        case .cast(let child, let type, let isTry): return .cast(try transform(child), to: type, isTry: isTry)
        case .alias(let child, let name, let metadata): return .alias(try transform(child), name: name, metadata: metadata)
        case .multiAlias(let child, let names): return .multiAlias(try transform(child), names: names)
        case .function(let name, let arguments, let isDistinct, let filter):
            return .function(
                name: name, arguments: try arguments.map(transform), isDistinct: isDistinct, filter: try filter.map(transform))
        case .extractValue(let child, let key): return .extractValue(try transform(child), key: try transform(key))
        case .updateField(let child, let name, let value):
            return .updateField(try transform(child), name: name, value: try value.map(transform))
        case .lambda(let parameters, let body): return .lambda(parameters: parameters, body: try transform(body))
        case .window(let function, let window):
            var window = window
            window.partition = try window.partition.map(transform)
            window.order = try window.order.map {
                SortOrder(try transform($0.expression), isAscending: $0.isAscending, nullsFirst: $0.nullsFirst)
            }
            return .window(try transform(function), window)
        case .sortOrder(let order):
            return .sortOrder(
                SortOrder(try transform(order.expression), isAscending: order.isAscending, nullsFirst: order.nullsFirst))
        case .subquery(var subquery):
            if case .isIn(let values) = subquery.kind { subquery.kind = .isIn(try values.map(transform)) }
            return .subquery(subquery)
        case .pythonFunction(let function, let arguments): return .pythonFunction(function, arguments: try arguments.map(transform))
        case .namedArgument(let name, let value): return .namedArgument(name, try transform(value))
        }
    }

    var children: [Expression] {
        var result: [Expression] = []
        _ = mapChildren {
            result.append($0)
            return $0
        }
        return result
    }

    func contains(_ matches: (Expression) -> Bool) -> Bool { matches(self) || children.contains { $0.contains(matches) } }

    /// Aggregates outside windows and subqueries.
    var hasAggregate: Bool {
        switch self {
        case .function(let name, _, _, _) where AggregateCatalog.contains(name): true
        case .pythonFunction(let function, _) where function.kind == .aggregate: true
        case .window(let function, let window):
            function.children.contains(where: \.hasAggregate) || window.partition.contains(where: \.hasAggregate)
                || window.order.contains { $0.expression.hasAggregate }
        default: children.contains(where: \.hasAggregate)
        }
    }

    var hasWindow: Bool {
        contains {
            if case .window = $0 { return true }
            return false
        }
    }

    /// As Spark spells expressions in names: `count(*)` is `count(1)`, and a window has its frame.
    var countingRows: Expression {
        if case .function(let name, let arguments, let isDistinct, let filter) = self, name.equalsIgnoringCase("count"), !isDistinct,
            arguments == [.star([])]
        {
            return .function(name: name, arguments: [.literal(.integer(1))], filter: filter.map(\.countingRows))
        }
        if case .window(let function, var window) = self {
            // Spark's names spell the frame out, and what `lag` and `lead` leave to their defaults.
            var function = function
            if case .function(let name, var arguments, let isDistinct, let filter) = function {
                switch name.lowercased() {
                case "rank", "dense_rank", "percent_rank":
                    function = .function(name: name.uppercased(), arguments: arguments, isDistinct: isDistinct, filter: filter)
                    window.frame = .init(.rows, from: .unboundedPreceding, to: .currentRow)
                case "row_number", "ntile", "cume_dist": window.frame = .init(.rows, from: .unboundedPreceding, to: .currentRow)
                case "lag", "lead":
                    guard !arguments.isEmpty else { break }
                    if arguments.count == 1 { arguments.append(.literal(.integer(1))) }
                    if arguments.count == 2 { arguments.append(.literal(.null)) }
                    if case .literal(let literal) = arguments[1], let distance = literal.integerValue {
                        let rows = Expression.literal(.integer(Int32(clamping: name.equalsIgnoringCase("lag") ? -distance : distance)))
                        window.frame = .init(.rows, from: .offset(rows), to: .offset(rows))
                    }
                    function = .function(name: name, arguments: arguments, isDistinct: isDistinct, filter: filter)
                default: break
                }
            }
            if window.frame == nil {
                window.frame =
                    window.order.isEmpty
                    ? .init(.rows, from: .unboundedPreceding, to: .unboundedFollowing)
                    : .init(.range, from: .unboundedPreceding, to: .currentRow)
            }
            return Expression.window(function, window).mapChildren(\.countingRows)
        }
        return mapChildren(\.countingRows)
    }

    var unaliased: Expression {
        if case .alias(let child, _, _) = self { return child.unaliased }
        return self
    }
}
