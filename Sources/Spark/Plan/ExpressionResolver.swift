internal import IO

/// Gives the names of expressions their ordinals in one scope, and sets aside what is no plain expression: aggregates, windows, generators and
/// subqueries become placeholders, whose plans the resolver of the operator around them adds.
final class ExpressionResolver {
    let scope: Scope
    /// For the plans of subqueries; nil where there can be none.
    let plans: Resolver?
    var allowsAggregates = false
    var allowsWindows = false
    /// Names as Spark's `grouping_id` counts the keys by; set while an aggregate with grouping sets is resolved.
    var groupingKeys: [ResolvedExpression]?
    private(set) var aggregates: [AggregateCall] = []
    private(set) var windows: [WindowCall] = []
    private(set) var subqueries: [PlannedSubquery] = []
    /// Parameters of the lambdas around the expression.
    var variables: [String: ResolvedExpression] = [:]

    init(_ scope: Scope, plans: Resolver? = nil) {
        self.scope = scope
        self.plans = plans
    }

    // MARK: Elements of a select

    /// An element of a select: one column, or the columns of a star.
    func named(_ expression: Expression) throws -> [ResolvedNamed] {
        switch expression {
        case .star(let target, let planID): return try star(target, planID)
        case .columnRegex(let pattern, let planID):
            return try matching(pattern, planID).map { ResolvedNamed(scope.schema.fields[$0].name, scope.column($0)) }
        default:
            let resolved = try resolve(expression)
            return [ResolvedNamed(try spelt(expression.countingRows).outputName, resolved)]
        }
    }

    /// A name has the columns that a star among a function's arguments stands for, and a map's key in brackets.
    private func spelt(_ expression: Expression) throws -> Expression {
        if case .extractValue(let child, .literal(.string(let key))) = expression {
            // No column is meant: a name without quotes.
            if case .map = try resolve(child).dataType { return .extractValue(try spelt(child), key: .attribute([key])) }
            return .extractValue(try spelt(child), key: .literal(.string(key)))
        }
        guard case .function(let name, let arguments, let isDistinct, let filter) = expression,
            arguments.contains(where: { if case .star = $0 { true } else { false } })
        else { return expression }
        let spread = try arguments.flatMap { argument -> [Expression] in
            guard case .star(let target, let planID) = argument else { return [argument] }
            return try star(target, planID).map { .attribute([$0.name]) }
        }
        return .function(name: name, arguments: spread, isDistinct: isDistinct, filter: filter)
    }

    private func matching(_ pattern: String, _ planID: Int64?) throws -> [Int] {
        var text = pattern
        if text.hasPrefix("`"), text.hasSuffix("`"), text.count >= 2 { text = String(text.dropFirst().dropLast()) }
        guard let regex = try? Regex(text).ignoresCase() else {
            throw SparkError("INVALID_REGEXP", sqlState: "22023", "'\(text)' is no regular expression.")
        }
        let columns = scope.columns(of: [], planID: planID) ?? []
        return try columns.filter { try regex.wholeMatch(in: scope.schema.fields[$0].name) != nil }
    }

    func star(_ target: [String], _ planID: Int64?) throws -> [ResolvedNamed] {
        if let columns = scope.columns(of: target, planID: planID) {
            return columns.map { ResolvedNamed(scope.schema.fields[$0].name, scope.column($0)) }
        }
        guard let base = try? attribute(target, planID) else {
            throw SparkError(
                "CANNOT_RESOLVE_STAR_EXPAND", sqlState: "42704",
                "Cannot resolve \(Scope.text(target)).* given input columns \(Scope.list(scope.schema.names)). Please check that the specified table or struct exists and is accessible in the input columns."
            )
        }
        guard case .structure(let type) = base.dataType else {
            throw SparkError(
                "CANNOT_RESOLVE_STAR_EXPAND", sqlState: "42704",
                "Cannot resolve \(Scope.text(target)).* given input columns \(Scope.list(scope.schema.names)): it is no struct but \"\(base.dataType.sql)\"."
            )
        }
        return type.fields.enumerated().map { ResolvedNamed($1.name, .field(base, index: $0, $1.dataType)) }
    }

    // MARK: Expressions

    func resolve(_ expression: Expression) throws -> ResolvedExpression {
        switch expression {
        case .attribute(let parts, let planID):
            if !variables.isEmpty, let variable = variables[parts[0].lowercased()] {
                return try parts.dropFirst().reduce(variable) { try Self.field($1, of: $0) }
            }
            return try attribute(parts, planID)
        case .lambdaVariable(let name):
            guard let variable = variables[name.lowercased()] else { throw scope.unresolved([name]) }
            return variable
        case .updateField(let child, let name, let value):
            return try FunctionCatalog.updateField(try resolve(child), name: name, value: try value.map(resolve))
        case .star, .columnRegex:
            throw SparkError("INVALID_USAGE_OF_STAR_OR_REGEX", sqlState: "42000", "Invalid usage of '*' in \(expression.prettySQL).")
        case .literal(let literal): return .literal(literal, literal.dataType)
        case .alias(let child, _, _): return try resolve(child)
        case .cast(let child, let to, let isTry): return try FunctionCatalog.explicitCast(try resolve(child), to: to, isTry: isTry)
        case .extractValue(let child, let key): return try FunctionCatalog.extractValue(try resolve(child), key: try resolve(key))
        case .function(let name, let arguments, let isDistinct, let filter):
            if AggregateCatalog.contains(name) { return try aggregate(name, arguments, isDistinct, filter, expression) }
            return try call(name, arguments, isDistinct, filter)
        case .window(let function, let window): return try windowed(function, window, expression)
        case .subquery(let subquery): return try self.subquery(subquery)
        case .pythonFunction(let function, let arguments): return try python(function, arguments, expression)
        case .parameter(.named(let name)):
            throw SparkError(
                "UNBOUND_SQL_PARAMETER", sqlState: "42P02",
                "Found the unbound parameter: \(name). Please, fix `args` and provide a mapping of the parameter to either a SQL literal or collection constructor functions."
            )
        case .parameter(.positional(let index)):
            throw SparkError(
                "UNBOUND_SQL_PARAMETER", sqlState: "42P02",
                "Found the unbound parameter: _\(index). Please, fix `args` and provide a mapping of the parameter to either a SQL literal or collection constructor functions."
            )
        default:
            throw SparkError(
                "UNSUPPORTED_FEATURE", sqlState: "0A000", "The expression \(expression.prettySQL) is not served by this engine.")
        }
    }

    private func call(_ name: String, _ arguments: [Expression], _ isDistinct: Bool, _ filter: Expression?) throws -> ResolvedExpression {
        let lowered = name.lowercased()
        if isDistinct {
            throw SparkError(
                "INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX", sqlState: "42000",
                "Invalid SQL syntax: The function `\(lowered)` does not support DISTINCT.")
        }
        if filter != nil {
            throw SparkError(
                "INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX", sqlState: "42000",
                "Invalid SQL syntax: The function `\(lowered)` does not support FILTER clause.")
        }
        if Generators.names.contains(lowered) {
            throw SparkError(
                "UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS", sqlState: "42K0E",
                "The generator is not supported: nested in expressions \"\(Expression.function(name: name, arguments: arguments).prettySQL)\"."
            )
        }
        if WindowFunctions.names.contains(lowered) {
            throw SparkError(
                "WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE", sqlState: "42601",
                "Window function \"\(Expression.function(name: name, arguments: arguments).prettySQL)\" requires an OVER clause.")
        }
        let expanded = try arguments.flatMap { argument -> [Expression] in
            guard case .star(let target, let planID) = argument else { return [argument] }
            return try star(target, planID).map { .attribute(target + [$0.name], planID: planID) }
        }
        // Some arguments are read and not evaluated: from_json's schema, options, units, lambdas.
        let evaluated = try expanded.enumerated().map { index, argument in
            if case .lambda = argument { return ResolvedExpression.literal(.null, .null) }
            return try FunctionCatalog.reads(argument: index, of: lowered) ? .literal(.null, .null) : resolve(argument)
        }
        return try FunctionCatalog.resolve(name, evaluated, unresolved: expanded) { body, bound in
            let outer = self.variables
            defer { self.variables = outer }
            self.variables = outer.merging(bound) { $1 }
            return try self.resolve(body)
        }
    }

    // MARK: Columns

    func attribute(_ parts: [String], _ planID: Int64? = nil) throws -> ResolvedExpression {
        let (columns, rest) = scope.matches(parts, planID: planID)
        if let index = columns.first {
            guard columns.count == 1 else {
                if planID != nil {
                    throw SparkError(
                        "AMBIGUOUS_COLUMN_REFERENCE", sqlState: "42702",
                        "Column \"\(parts.joined(separator: "."))\" is ambiguous. It's because you joined several DataFrame together, and some of these DataFrames are the same.\nThis column points to one of the DataFrame but Spark is unable to figure out which one.\nPlease alias the DataFrames with different names via `DataFrame.alias` before joining them,\nand specify the column using qualified name, e.g. `df.alias(\"a\").join(df.alias(\"b\"), col(\"a.id\") > col(\"b.id\"))`."
                    )
                }
                throw scope.ambiguous(parts, columns)
            }
            return try rest.reduce(scope.column(index)) { try Self.field($1, of: $0) }
        }
        if let outer = plans?.outer {
            let (columns, rest) = outer.matches(parts, planID: planID)
            if let index = columns.first {
                guard columns.count == 1 else { throw outer.ambiguous(parts, columns) }
                let field = outer.schema.fields[index]
                let column = ResolvedExpression.column(Placeholder.outer + index, field.dataType, nullable: field.nullable)
                return try rest.reduce(column) { try Self.field($1, of: $0) }
            }
        }
        throw scope.unresolved(parts)
    }

    static func field(_ name: String, of base: ResolvedExpression) throws -> ResolvedExpression {
        try FunctionCatalog.extractValue(base, key: .literal(.string(name), .string))
    }

    // MARK: Aggregates

    private func aggregate(
        _ name: String, _ arguments: [Expression], _ isDistinct: Bool, _ filter: Expression?, _ expression: Expression
    ) throws -> ResolvedExpression {
        let lowered = name.lowercased()
        if lowered == "grouping" || lowered == "grouping_id" { return try grouping(lowered, arguments, expression) }
        guard allowsAggregates else {
            throw SparkError(
                "INVALID_WHERE_CONDITION", sqlState: "42903",
                "The expression \"\(expression.prettySQL)\" contains an aggregate function where there can be none.")
        }
        return added(try aggregateCall(name, arguments, isDistinct, filter, expression))
    }

    /// The column that a call becomes; an equal call is made once.
    func added(_ call: AggregateCall) -> ResolvedExpression {
        if let place = aggregates.firstIndex(where: { $0.isSame(as: call) }) { return placeholder(Placeholder.aggregate + place, call) }
        aggregates.append(call)
        return placeholder(Placeholder.aggregate + aggregates.count - 1, call)
    }

    private func placeholder(_ index: Int, _ call: AggregateCall) -> ResolvedExpression {
        .column(index, call.dataType, nullable: call.isNullable)
    }

    func aggregateCall(
        _ name: String, _ arguments: [Expression], _ isDistinct: Bool, _ filter: Expression?, _ expression: Expression
    ) throws -> AggregateCall {
        // No aggregate stands inside another.
        let inner = ExpressionResolver(scope, plans: plans)
        inner.variables = variables
        if arguments.contains(where: \.hasAggregate) {
            throw SparkError(
                "NESTED_AGGREGATE_FUNCTION", sqlState: "42607",
                "It is not allowed to use an aggregate function in the argument of another aggregate function. Please use the inner aggregate function in a sub-query."
            )
        }
        var plain: [Expression] = []
        var order: [ResolvedSortKey] = []
        for argument in arguments {
            switch argument {
            case .sortOrder(let key): order.append(try inner.sortKey(key))
            case .star([], _) where name.equalsIgnoringCase("count") && !isDistinct: plain.append(.literal(.integer(1)))
            case .star(let target, let planID):
                plain += try star(target, planID).map { .attribute(target + [$0.name], planID: planID) }
            case .namedArgument(_, let value): plain.append(value)
            default: plain.append(argument)
            }
        }
        let condition = try filter.map { condition -> ResolvedExpression in
            try Resolver.condition(try inner.resolve(condition), condition)
        }
        let call = try AggregateCatalog.resolve(
            name, try plain.map(inner.resolve), order: order, isDistinct: isDistinct, filter: condition,
            displayName: expression.countingRows.prettySQL)
        guard inner.subqueries.isEmpty else {
            throw SparkError("UNSUPPORTED_FEATURE", sqlState: "0A000", "A subquery inside an aggregate is not served by this engine.")
        }
        return call
    }

    func sortKey(_ order: SortOrder) throws -> ResolvedSortKey {
        ResolvedSortKey(expression: try resolve(order.expression), isAscending: order.isAscending, nullsFirst: order.nullsFirst)
    }

    /// Bits of `grouping_id`: the last key is the lowest, set where the row is not grouped by it.
    private func grouping(_ name: String, _ arguments: [Expression], _ expression: Expression) throws -> ResolvedExpression {
        guard let keys = groupingKeys else {
            throw SparkError(
                "UNSUPPORTED_GROUPING_EXPRESSION", sqlState: "42K0E",
                "grouping()/grouping_id() can only be used with GroupingSets/Cube/Rollup.")
        }
        let id = ResolvedExpression.column(Placeholder.aggregate - 1, .long, nullable: false)
        if name == "grouping_id" {
            let wanted = try arguments.map(resolve)
            guard wanted.isEmpty || wanted == keys else {
                throw SparkError(
                    "GROUPING_ID_COLUMN_MISMATCH", sqlState: "42803",
                    "Columns of grouping_id (\(arguments.map(\.prettySQL).joined(separator: ", "))) does not match grouping columns.")
            }
            return id
        }
        guard arguments.count == 1, let place = keys.firstIndex(of: try resolve(arguments[0])) else {
            throw SparkError(
                "GROUPING_COLUMN_MISMATCH", sqlState: "42803",
                "Column of grouping (\(arguments.map(\.prettySQL).joined(separator: ", "))) can't be found in grouping columns.")
        }
        let bit = try FunctionCatalog.resolve(
            "shiftright", [id, .literal(.integer(Int32(keys.count - 1 - place)), .integer)],
            unresolved: [.literal(.null), .literal(.null)])
        let lowest = try FunctionCatalog.resolve("&", [bit, .literal(.long(1), .long)], unresolved: [.literal(.null), .literal(.null)])
        return try FunctionCatalog.explicitCast(lowest, to: .byte, isTry: false)
    }

    // MARK: Windows

    private func windowed(_ function: Expression, _ window: WindowSpecification, _ expression: Expression) throws -> ResolvedExpression {
        guard allowsWindows else {
            throw SparkError(
                "_LEGACY_ERROR_TEMP_1034", sqlState: "42601",
                "It is not allowed to use window functions inside this clause: \(expression.prettySQL).")
        }
        let call = try WindowFunctions.resolve(function, window, name: expression.prettySQL, in: self)
        if let place = windows.firstIndex(where: { $0 == call }) {
            return .column(Placeholder.window + place, call.dataType, nullable: call.isNullable)
        }
        windows.append(call)
        return .column(Placeholder.window + windows.count - 1, call.dataType, nullable: call.isNullable)
    }

    // MARK: Subqueries

    private func subquery(_ subquery: Subquery) throws -> ResolvedExpression {
        guard let plans else {
            throw SparkError("UNSUPPORTED_FEATURE", sqlState: "0A000", "A subquery here is not served by this engine.")
        }
        let planned = try PlannedSubquery.plan(subquery, in: self, resolver: plans)
        subqueries.append(planned)
        return .column(Placeholder.subquery + subqueries.count - 1, planned.dataType, nullable: planned.isNullable)
    }
}

extension AggregateCall {
    /// The same value under whatever name.
    func isSame(as other: AggregateCall) -> Bool {
        var other = other
        other.name = name
        return self == other
    }
}
