/// Rewrites a resolved plan that runs once: constants, predicates towards the sources, limits down, columns that nobody reads.
package struct RelationalOptimizer {
    let fold: (ResolvedExpression) -> Literal?

    package init(fold: @escaping (ResolvedExpression) -> Literal? = { _ in nil }) { self.fold = fold }

    package func optimize(_ plan: ResolvedPlan) -> ResolvedPlan {
        prune(pushed(folded(plan)), Set(plan.schema.fields.indices))
    }

    // MARK: Constants

    private func folded(_ plan: ResolvedPlan) -> ResolvedPlan {
        let plan = plan.mapChildren(folded)
        switch plan {
        case .project(let columns, let child): return .project(columns.map { ResolvedNamed($0.name, folded($0.expression)) }, child)
        case .filter(let condition, let child):
            let condition = folded(condition)
            if case .literal(.boolean(true), _) = condition { return child }
            if case .literal(let value, _) = condition, value == .boolean(false) || value == .null { return .values([], child.schema) }
            return .filter(condition, child)
        case .values(let rows, let schema): return .values(rows.map { $0.map(folded) }, schema)
        case .expand(let rows, let schema, let child): return .expand(rows.map { $0.map(folded) }, schema, child)
        default: return plan
        }
    }

    private func folded(_ expression: ResolvedExpression) -> ResolvedExpression {
        let mapped = expression.mapChildren(folded)
        switch mapped {
        case .cast, .call:
            let isConstant = mapped.children.allSatisfy {
                if case .literal = $0 { return true }
                return false
            }
            guard isConstant, let value = fold(mapped) else { return mapped }
            return .literal(value, mapped.dataType)
        default: return mapped
        }
    }

    // MARK: Predicates and limits

    private func pushed(_ plan: ResolvedPlan) -> ResolvedPlan {
        switch plan {
        case .filter(let condition, let child): return push(condition.conjuncts, into: pushed(child))
        case .limit(let count, let child): return limited(count, pushed(child))
        default: return plan.mapChildren(pushed)
        }
    }

    private func limited(_ count: Int, _ child: ResolvedPlan) -> ResolvedPlan {
        switch child {
        case .limit(let inner, let below): return limited(min(count, inner), below)
        case .project(let columns, let below): return .project(columns, limited(count, below))
        case .union(let left, let right, let schema): return .limit(count, .union(limited(count, left), limited(count, right), schema))
        default: return .limit(count, child)
        }
    }

    private func filtered(_ conditions: [ResolvedExpression], _ plan: ResolvedPlan) -> ResolvedPlan {
        ResolvedExpression.conjunction(conditions).map { .filter($0, plan) } ?? plan
    }

    private func push(_ conditions: [ResolvedExpression], into plan: ResolvedPlan) -> ResolvedPlan {
        if conditions.isEmpty { return plan }
        switch plan {
        case .filter(let other, let child): return push(other.conjuncts + conditions, into: child)
        case .project(let columns, let child):
            var before: [ResolvedExpression] = []
            var after: [ResolvedExpression] = []
            for condition in conditions {
                let moved = Self.substitute(condition, columns)
                // What parses or varies is made once, by the projection.
                if moved.parsesJSON || moved.callsPython || !moved.isDeterministic { after.append(condition) } else { before.append(moved) }
            }
            return filtered(after, .project(columns, push(before, into: child)))
        case .union(let left, let right, let schema):
            guard conditions.allSatisfy(\.isDeterministic) else { break }
            return .union(push(conditions, into: left), push(conditions, into: right), schema)
        case .sort(let keys, let child): return .sort(keys, push(conditions, into: child))
        case .join(let join, let left, let right): return push(conditions, into: join, left, right)
        case .deduplicate(let keys, let child):
            let own = Set(keys)
            let (below, above) = Self.parted(conditions) { $0.isDeterministic && $0.columns.isSubset(of: own) }
            return filtered(above, .deduplicate(keys, push(below, into: child)))
        case .aggregate(let aggregate, let child) where aggregate.sets == nil && !aggregate.keys.isEmpty:
            let keys = Set(aggregate.keys.indices)
            let (below, above) = Self.parted(conditions) { $0.isDeterministic && !$0.columns.isEmpty && $0.columns.isSubset(of: keys) }
            let moved = below.map { Self.substitute($0, aggregate.keys) }
            return filtered(above, .aggregate(aggregate, push(moved, into: child)))
        default: break
        }
        return filtered(conditions, plan)
    }

    private func push(_ conditions: [ResolvedExpression], into join: ResolvedJoin, _ left: ResolvedPlan, _ right: ResolvedPlan)
        -> ResolvedPlan
    {
        let width = left.schema.fields.count
        let canLeft: Bool =
            switch join.kind {
            case .inner, .leftOuter, .leftSemi, .leftAnti, .mark: true
            case .rightOuter, .fullOuter: false
            }
        let canRight = join.kind == .inner || join.kind == .rightOuter
        var lefts: [ResolvedExpression] = []
        var rights: [ResolvedExpression] = []
        var pairs: [ResolvedExpression] = []
        var above: [ResolvedExpression] = []
        for condition in conditions {
            let columns = condition.columns
            if !condition.isDeterministic || columns.isEmpty {
                above.append(condition)
            } else if canLeft, columns.allSatisfy({ $0 < width }) {
                lefts.append(condition)
            } else if canRight, columns.allSatisfy({ $0 >= width }) {
                rights.append(condition.shifted(by: -width))
            } else if join.kind == .inner {
                pairs.append(condition)
            } else {
                above.append(condition)
            }
        }
        var join = join
        if let condition = ResolvedExpression.conjunction(pairs) {
            // A WHERE over `FROM a, b` is the join's condition.
            let (keys, residual) = Resolver.split(condition, leftWidth: width)
            join.keys += keys
            join.residual = ResolvedExpression.conjunction([join.residual, residual].compactMap { $0 })
        }
        return filtered(above, .join(join, push(lefts, into: left), push(rights, into: right)))
    }

    private static func parted(
        _ conditions: [ResolvedExpression], _ test: (ResolvedExpression) -> Bool
    ) -> (yes: [ResolvedExpression], no: [ResolvedExpression]) {
        (conditions.filter(test), conditions.filter { !test($0) })
    }

    private static func substitute(_ expression: ResolvedExpression, _ columns: [ResolvedNamed]) -> ResolvedExpression {
        if case .column(let index, _, _) = expression { return columns[index].expression }
        if case .field(let base, let index, _) = expression, case .structure(let fields) = substitute(base, columns) {
            return fields[index].expression
        }
        return expression.mapChildren { substitute($0, columns) }
    }

    // MARK: Columns

    private static func used(_ expressions: [ResolvedExpression]) -> Set<Int> {
        expressions.reduce(into: []) { $0.formUnion($1.columns) }
    }

    /// Ordinals stay; what nobody reads is a null that costs nothing.
    private func prune(_ plan: ResolvedPlan, _ wanted: Set<Int>) -> ResolvedPlan {
        func all(_ child: ResolvedPlan) -> ResolvedPlan { prune(child, Set(child.schema.fields.indices)) }
        switch plan {
        case .source(_, let schema), .arrow(_, let schema), .memoryTable(_, let schema):
            guard wanted.count < schema.fields.count else { return plan }
            return .project(
                schema.fields.enumerated().map { index, field in
                    ResolvedNamed(
                        field.name,
                        wanted.contains(index) ? .column(index, field.dataType, nullable: field.nullable) : .literal(.null, field.dataType))
                }, plan)
        case .values, .range: return plan
        case .project(let columns, let child):
            let kept = columns.enumerated().map { index, column in
                wanted.contains(index) ? column : ResolvedNamed(column.name, .literal(.null, column.expression.dataType))
            }
            return .project(kept, prune(child, Self.used(kept.map(\.expression))))
        case .filter(let condition, let child): return .filter(condition, prune(child, wanted.union(condition.columns)))
        case .limit(let count, let child): return .limit(count, prune(child, wanted))
        case .offset(let count, let child): return .offset(count, prune(child, wanted))
        case .tail(let count, let child): return .tail(count, prune(child, wanted))
        case .sample(let sample, let child): return .sample(sample, prune(child, wanted))
        case .sort(let keys, let child): return .sort(keys, prune(child, wanted.union(Self.used(keys.map(\.expression)))))
        case .union(let left, let right, let schema): return .union(prune(left, wanted), prune(right, wanted), schema)
        case .setOperation, .singleRow, .show, .python: return plan.mapChildren(all)
        case .deduplicate(let keys, let child): return .deduplicate(keys, prune(child, wanted.union(keys)))
        case .deduplicateWithin(let keys, let child):
            let eventTimes = child.eventTimes.keys
            return .deduplicateWithin(keys, prune(child, wanted.union(keys).union(eventTimes)))
        case .watermark(let column, let delay, let child):
            return .watermark(column: column, delayMicros: delay, prune(child, wanted.union([column])))
        case .observe(let name, let aggregate, let columns, let child):
            return .observe(name: name, aggregate, columns, prune(child, wanted.union(Self.used(aggregate.expressions))))
        case .join(let join, let left, let right):
            let width = left.schema.fields.count
            let residual = join.residual?.columns ?? []
            let isMark: Bool = if case .mark = join.kind { true } else { false }
            let lefts = Self.used(join.keys.map(\.left)).union(residual.filter { $0 < width }).union(wanted.filter { $0 < width })
            var rights = Self.used(join.keys.map(\.right)).union(residual.filter { $0 >= width }.map { $0 - width })
            if !isMark { rights.formUnion(wanted.filter { $0 >= width }.map { $0 - width }) }
            return .join(join, prune(left, lefts), prune(right, rights))
        case .aggregate(let aggregate, let child): return .aggregate(aggregate, prune(child, Self.used(aggregate.expressions)))
        case .window(let calls, let child):
            let width = child.schema.fields.count
            return .window(calls, prune(child, wanted.filter { $0 < width }.union(Self.used(calls.flatMap(\.expressions)))))
        case .generate(let generator, let child):
            let width = child.schema.fields.count
            return .generate(generator, prune(child, wanted.filter { $0 < width }.union(Self.used(generator.arguments))))
        case .expand(let rows, let schema, let child):
            let kept = rows.map { row in row.enumerated().map { wanted.contains($0) ? $1 : .literal(.null, $1.dataType) } }
            return .expand(kept, schema, prune(child, Self.used(kept.flatMap { $0 })))
        }
    }
}
