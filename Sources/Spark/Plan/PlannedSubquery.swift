/// A subquery as the join that it becomes: its own plan as the right side, and what of the query around it must equal what of it.
struct PlannedSubquery {
    var plan: ResolvedPlan
    var kind: ResolvedJoin.Kind
    var keys: [ResolvedJoin.Key]
    /// Over the outer query's columns and then, from ``inner`` on, the subquery's.
    var residual: ResolvedExpression?
    var dataType: DataType
    var isNullable: Bool
    /// For a scalar one: what stands for the value where no row of the subquery belongs to the outer row (`count` is then 0, not null).
    var whenEmpty: Literal?
    /// Columns of the right side that the outer query does not see are dropped after the join; the value is the first.
    var isScalar: Bool

    static func plan(_ subquery: Subquery, in outer: ExpressionResolver, resolver: Resolver) throws -> PlannedSubquery {
        var inner = resolver
        inner.outer = outer.scope
        let relation = try inner.resolve(relation: subquery.plan)
        var pulled = try Decorrelation.pull(relation.plan)
        switch subquery.kind {
        case .scalar:
            guard relation.schema.fields.count == 1, let field = relation.schema.fields.first else {
                throw SparkError(
                    "INVALID_SUBQUERY_EXPRESSION.SCALAR_SUBQUERY_RETURN_MORE_THAN_ONE_OUTPUT_COLUMN", sqlState: "42823",
                    "Invalid subquery: Scalar subquery must return only one column, but found \(relation.schema.fields.count).")
            }
            if pulled.conditions.isEmpty {
                return PlannedSubquery(
                    plan: .singleRow(pulled.plan), kind: .inner, keys: [], residual: nil, dataType: field.dataType, isNullable: true,
                    isScalar: true)
            }
            guard pulled.isAggregated else {
                throw SparkError(
                    "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.MUST_AGGREGATE_CORRELATED_SCALAR_SUBQUERY", sqlState: "0A000",
                    "Unsupported subquery expression: Correlated scalar subqueries must be aggregated to return at most one row.")
            }
            let (keys, residual) = split(pulled.conditions, outerWidth: outer.scope.schema.fields.count)
            guard residual == nil else { throw Decorrelation.unserved("a correlated scalar subquery with another condition than equality") }
            return PlannedSubquery(
                plan: pulled.plan, kind: .leftOuter, keys: keys, residual: nil, dataType: field.dataType, isNullable: true,
                whenEmpty: pulled.whenEmpty, isScalar: true)
        case .exists:
            let (keys, residual) = split(pulled.conditions, outerWidth: outer.scope.schema.fields.count)
            return PlannedSubquery(
                plan: pulled.plan, kind: .mark(nullAware: nil), keys: keys, residual: residual, dataType: .boolean, isNullable: false,
                isScalar: false)
        case .isIn(let values):
            guard values.count == relation.schema.fields.count else {
                throw SparkError(
                    "DATATYPE_MISMATCH.IN_SUBQUERY_LENGTH_MISMATCH", sqlState: "42K09",
                    "Cannot resolve \"\(Expression.subquery(subquery).prettySQL)\" due to data type mismatch: The number of columns in the left hand side of an IN subquery does not match the number of columns in the output of subquery. Left hand side columns(length: \(values.count)), right hand side columns(length: \(relation.schema.fields.count))."
                )
            }
            var (keys, residual) = split(pulled.conditions, outerWidth: outer.scope.schema.fields.count)
            guard residual == nil else { throw Decorrelation.unserved("IN with a correlated condition other than equality") }
            let correlated = keys.count
            for (index, value) in values.enumerated() {
                let field = relation.schema.fields[index]
                let left = try outer.resolve(value)
                let right = ResolvedExpression.column(index, field.dataType, nullable: field.nullable)
                guard let type = TypeCoercion.common(left.dataType, right.dataType) else {
                    throw SparkError(
                        "DATATYPE_MISMATCH.IN_SUBQUERY_DATA_TYPE_MISMATCH", sqlState: "42K09",
                        "Cannot resolve \"\(Expression.subquery(subquery).prettySQL)\" due to data type mismatch: The data type of one or more elements in the left hand side of an IN subquery is not compatible with the data type of the output of the subquery. Mismatched columns: [(\(left.dataType.sql), \(field.dataType.sql))]."
                    )
                }
                keys.append(
                    .init(
                        left: try FunctionCatalog.explicitCast(left, to: type, isTry: false),
                        right: try FunctionCatalog.explicitCast(right, to: type, isTry: false), isNullSafe: false))
            }
            pulled.conditions = []
            return PlannedSubquery(
                plan: pulled.plan, kind: .mark(nullAware: correlated), keys: keys, residual: residual, dataType: .boolean, isNullable: true,
                isScalar: false)
        }
    }

    /// Equalities between one side and the other become keys.
    private static func split(
        _ conditions: [ResolvedExpression], outerWidth: Int
    ) -> (keys: [ResolvedJoin.Key], residual: ResolvedExpression?) {
        func outerOnly(_ expression: ResolvedExpression) -> Bool { expression.columns.allSatisfy { $0 >= Placeholder.outer } }
        func innerOnly(_ expression: ResolvedExpression) -> Bool { expression.columns.allSatisfy { $0 < Placeholder.outer } }
        func unouter(_ expression: ResolvedExpression) -> ResolvedExpression {
            expression.mapColumns { index, type, nullable in .column(index - Placeholder.outer, type, nullable: nullable) }
        }
        var keys: [ResolvedJoin.Key] = []
        var rest: [ResolvedExpression] = []
        for condition in conditions {
            if case .call(let op, let sides, _) = condition, op == .equal || op == .equalNullSafe {
                if outerOnly(sides[0]), innerOnly(sides[1]) {
                    keys.append(.init(left: unouter(sides[0]), right: sides[1], isNullSafe: op == .equalNullSafe))
                    continue
                }
                if outerOnly(sides[1]), innerOnly(sides[0]) {
                    keys.append(.init(left: unouter(sides[1]), right: sides[0], isNullSafe: op == .equalNullSafe))
                    continue
                }
            }
            rest.append(
                condition.mapColumns { index, type, nullable in
                    .column(index >= Placeholder.outer ? index - Placeholder.outer : index + outerWidth, type, nullable: nullable)
                })
        }
        return (keys, ResolvedExpression.conjunction(rest))
    }
}

/// Takes the conditions that name the outer query's columns out of a subquery's plan, so that it can run by itself and be joined.
///
/// What is left of the plan has the same columns first, and those that the conditions need after them.
struct Decorrelation {
    var plan: ResolvedPlan
    var conditions: [ResolvedExpression]
    var isAggregated = false
    var whenEmpty: Literal?

    static func unserved(_ what: String) -> SparkError {
        SparkError(
            "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.UNSUPPORTED_CORRELATED_REFERENCE_DATA_TYPE", sqlState: "0A000",
            "Unsupported subquery expression: \(what) is not served by this engine.")
    }

    static func pull(_ plan: ResolvedPlan) throws -> Decorrelation {
        guard isCorrelated(plan) else { return Decorrelation(plan: plan, conditions: [], isAggregated: isSingle(plan), whenEmpty: nil) }
        switch plan {
        case .filter(let condition, let child):
            var inner = try pull(child)
            let conjuncts = condition.conjuncts
            if let own = ResolvedExpression.conjunction(conjuncts.filter { !$0.isCorrelated }) { inner.plan = .filter(own, inner.plan) }
            if !conjuncts.filter(\.isCorrelated).isEmpty, inner.isAggregated { throw unserved("a correlated condition on an aggregate") }
            inner.conditions += conjuncts.filter(\.isCorrelated)
            return inner
        case .project(let columns, let child):
            guard !columns.contains(where: \.expression.isCorrelated) else { throw unserved("an outer column in a subquery's select list") }
            let inner = try pull(child)
            return try projected(columns, inner)
        case .aggregate(let aggregate, let child):
            guard aggregate.sets == nil, !aggregate.expressions.contains(where: \.isCorrelated) else {
                throw unserved("an outer column in a subquery's aggregate")
            }
            let inner = try pull(child)
            return try aggregated(aggregate, inner)
        case .limit(_, let child):
            // EXISTS (… LIMIT 1) asks no more than EXISTS; a scalar with a limit is refused by not being aggregated.
            var inner = try pull(child)
            inner.isAggregated = false
            return inner
        case .sort(let keys, let child) where !keys.contains(where: \.expression.isCorrelated):
            var inner = try pull(child)
            inner.plan = .sort(keys, inner.plan)
            return inner
        case .deduplicate(let keys, let child):
            var inner = try pull(child)
            let width = inner.plan.schema.fields.count
            inner.plan = .deduplicate(keys + Array(child.schema.fields.count..<width), inner.plan)
            return inner
        case .join(let join, let left, let right) where !isCorrelated(right) && join.kind == .inner:
            guard !join.keys.contains(where: { $0.left.isCorrelated || $0.right.isCorrelated }), join.residual?.isCorrelated != true else {
                throw unserved("an outer column in a join's condition")
            }
            let inner = try pull(left)
            let (narrow, wide) = (left.schema.fields.count, inner.plan.schema.fields.count)
            var shifted = join
            func moved(_ expression: ResolvedExpression) -> ResolvedExpression {
                expression.mapColumns { index, type, nullable in
                    .column(index >= narrow && index < Placeholder.outer ? index + wide - narrow : index, type, nullable: nullable)
                }
            }
            shifted.residual = join.residual.map(moved)
            let joined = ResolvedPlan.join(shifted, inner.plan, right)
            // Back to the old order, with the extra columns last.
            let fields = joined.schema.fields
            let order = Array(0..<narrow) + Array(wide..<fields.count) + Array(narrow..<wide)
            let rightWidth = fields.count - wide
            return Decorrelation(
                plan: .project(
                    order.map { ResolvedNamed(fields[$0].name, .column($0, fields[$0].dataType, nullable: fields[$0].nullable)) }, joined),
                conditions: inner.conditions.map { condition in
                    condition.mapColumns { index, type, nullable in
                        .column(index >= narrow && index < Placeholder.outer ? index + rightWidth : index, type, nullable: nullable)
                    }
                })
        default: throw unserved("an outer column below \(name(plan))")
        }
    }

    private static func name(_ plan: ResolvedPlan) -> String { Mirror(reflecting: plan).children.first?.label ?? "\(plan)" }

    private static func isCorrelated(_ plan: ResolvedPlan) -> Bool {
        plan.expressions.contains(where: \.isCorrelated) || plan.children.contains(where: isCorrelated)
    }

    private static func isSingle(_ plan: ResolvedPlan) -> Bool {
        switch plan {
        case .aggregate(let aggregate, _): aggregate.keys.isEmpty && aggregate.sets == nil
        case .project(_, let child), .limit(_, let child): isSingle(child)
        default: false
        }
    }

    /// The inner columns that the conditions read.
    private static func wanted(_ conditions: [ResolvedExpression]) -> [Int] {
        conditions.reduce(into: Set<Int>()) { $0.formUnion($1.columns.filter { $0 < Placeholder.outer }) }.sorted()
    }

    private static func projected(_ columns: [ResolvedNamed], _ inner: Decorrelation) throws -> Decorrelation {
        let fields = inner.plan.schema.fields
        var places: [Int: Int] = [:]
        var all = columns
        for index in wanted(inner.conditions) {
            places[index] = all.count
            all.append(ResolvedNamed(fields[index].name, .column(index, fields[index].dataType, nullable: fields[index].nullable)))
        }
        var result = inner
        result.plan = .project(all, inner.plan)
        result.conditions = inner.conditions.map { remapped($0, places) }
        if inner.isAggregated, let first = columns.first {
            // The value for outer rows without inner ones: the select over the aggregates of nothing.
            let empty = first.expression.mapColumns { index, type, _ in
                .literal(inner.emptyValues[index] ?? .null, type)
            }
            result.whenEmpty = PlanCompiler.constant(empty)
            if result.whenEmpty == .null { result.whenEmpty = nil }
        }
        return result
    }

    /// Values of an aggregate's columns over no rows.
    private var emptyValues: [Int: Literal] {
        guard case .project(_, .aggregate(let aggregate, _)) = plan else { return [:] }
        var values: [Int: Literal] = [:]
        for (index, call) in aggregate.calls.enumerated() where [.count, .countIf, .countDistinctApproximate].contains(call.function) {
            values[index] = .long(0)
        }
        return values
    }

    private static func remapped(_ condition: ResolvedExpression, _ places: [Int: Int]) -> ResolvedExpression {
        condition.mapColumns { index, type, nullable in .column(places[index] ?? index, type, nullable: nullable) }
    }

    /// Groups by the inner sides of the equalities as well, which then say to which outer row a group belongs.
    private static func aggregated(_ aggregate: ResolvedAggregate, _ inner: Decorrelation) throws -> Decorrelation {
        let keyCount = aggregate.keys.count
        let callCount = aggregate.calls.count
        var extra: [ResolvedNamed] = []
        var conditions: [ResolvedExpression] = []
        for condition in inner.conditions {
            guard case .call(let op, let sides, let type) = condition, op == .equal || op == .equalNullSafe else {
                throw unserved("a correlated condition other than equality below an aggregate")
            }
            let isFirstInner = sides[0].columns.allSatisfy { $0 < Placeholder.outer }
            let (own, other) = isFirstInner ? (sides[0], sides[1]) : (sides[1], sides[0])
            guard own.columns.allSatisfy({ $0 < Placeholder.outer }), other.columns.allSatisfy({ $0 >= Placeholder.outer }) else {
                throw unserved("a correlated condition other than equality below an aggregate")
            }
            let column = ResolvedExpression.column(keyCount + callCount + extra.count, own.dataType, nullable: own.isNullable)
            extra.append(ResolvedNamed("key", own))
            conditions.append(.call(op, [column, other], type))
        }
        var grouped = aggregate
        grouped.keys += extra
        let plan = ResolvedPlan.aggregate(grouped, inner.plan)
        let fields = plan.schema.fields
        let order = Array(0..<keyCount) + Array((keyCount + extra.count)..<fields.count) + Array(keyCount..<(keyCount + extra.count))
        var result = Decorrelation(
            plan: .project(
                order.map { ResolvedNamed(fields[$0].name, .column($0, fields[$0].dataType, nullable: fields[$0].nullable)) }, plan),
            conditions: conditions)
        result.isAggregated = aggregate.keys.isEmpty
        return result
    }
}
