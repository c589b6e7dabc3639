/// Rewrites a resolved plan into what is executed: branches of stages, predicates before the parse where they may go, and only the
/// columns and JSON fields that something uses.
package struct Optimizer {
    /// Evaluates an expression without columns; nil where it must wait until it runs (it raises, or depends on the time).
    let fold: (ResolvedExpression) -> Literal?

    package init(fold: @escaping (ResolvedExpression) -> Literal? = { _ in nil }) {
        self.fold = fold
    }

    package func optimize(_ plan: ResolvedPlan) throws -> PhysicalPlan {
        var limit: Int?
        var top = plan
        while case .limit(let count, let child) = top {
            limit = min(limit ?? count, count)
            top = child
        }
        let branches = try flatten(top).map { branch in
            var branch = branch
            branch.stages = branch.stages.map(folded)
            pushFilters(&branch.stages)
            branch.stages = PythonExtraction.settle(branch.stages, over: branch.sourceSchema)
            prune(&branch, outputs: plan.schema.fields.count)
            return branch
        }
        return PhysicalPlan(branches: branches, limit: limit, schema: plan.schema)
    }

    private func flatten(_ plan: ResolvedPlan) throws -> [PhysicalPlan.Branch] {
        switch plan {
        case .source(let read, let schema): return [PhysicalPlan.Branch(source: read, sourceSchema: schema, wanted: [], stages: [])]
        case .project(let columns, let child): return try appended(.project(columns), to: child)
        case .filter(let condition, let child): return try appended(.filter(condition), to: child)
        case .union(let left, let right, _): return try flatten(left) + flatten(right)
        case .limit:
            throw SparkError("UNSUPPORTED_FEATURE", sqlState: "0A000", "A limit below other operators is not served on a stream.")
        case .python(let operation, _): throw Resolver.unserved("\(operation.label) (\(operation.methodName)) on a stream")
        default:
            let name = Mirror(reflecting: plan).children.first?.label ?? "\(plan)"
            throw SparkError("UNSUPPORTED_FEATURE", sqlState: "0A000", "The operator \(name) is not served on a stream by this engine.")
        }
    }

    private func appended(_ stage: PhysicalPlan.Stage, to child: ResolvedPlan) throws -> [PhysicalPlan.Branch] {
        try flatten(child).map { branch in
            var branch = branch
            branch.stages.append(stage)
            return branch
        }
    }

    // MARK: Constants

    private func folded(_ stage: PhysicalPlan.Stage) -> PhysicalPlan.Stage {
        switch stage {
        case .filter(let condition): .filter(folded(condition))
        case .project(let columns): .project(columns.map { $0.map { ResolvedNamed($0.name, folded($0.expression)) } })
        case .python: stage
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

    // MARK: Predicates

    /// Moves the conjuncts of a filter in front of the projection before it where that saves work and changes nothing: they must not
    /// need the parse that the projection does, and what they read must be the same when evaluated twice.
    private func pushFilters(_ stages: inout [PhysicalPlan.Stage]) {
        var index = 1
        while index < stages.count {
            guard index > 0, case .filter(let condition) = stages[index], case .project(let columns) = stages[index - 1] else {
                index += 1
                continue
            }
            var before: [ResolvedExpression] = []
            var after: [ResolvedExpression] = []
            for conjunct in Self.conjuncts(condition) {
                let moved = Self.substitute(conjunct, columns)
                if moved.parsesJSON || moved.callsPython || !moved.isDeterministic { after.append(conjunct) } else { before.append(moved) }
            }
            guard let moved = Self.conjunction(before) else {
                index += 1
                continue
            }
            if let kept = Self.conjunction(after) { stages[index] = .filter(kept) } else { stages.remove(at: index) }
            stages.insert(.filter(moved), at: index - 1)
            index = max(1, index - 1)
        }
    }

    private static func conjuncts(_ condition: ResolvedExpression) -> [ResolvedExpression] {
        if case .call(.and, let sides, _) = condition { return sides.flatMap(conjuncts) }
        return [condition]
    }

    private static func conjunction(_ conditions: [ResolvedExpression]) -> ResolvedExpression? {
        conditions.dropFirst().reduce(conditions.first) { result, condition in
            result.map { .call(.and, [$0, condition], .boolean) }
        }
    }

    private static func substitute(_ expression: ResolvedExpression, _ columns: [ResolvedNamed?]) -> ResolvedExpression {
        if case .column(let index, _, _) = expression, let column = columns[index] { return column.expression }
        // A field of a struct that was just built is that field.
        if case .field(let base, let index, _) = expression, case .structure(let fields) = substitute(base, columns) {
            return fields[index].expression
        }
        return expression.mapChildren { substitute($0, columns) }
    }

    // MARK: Columns and fields

    /// How much of a value something uses.
    private indirect enum Use {
        case all
        case fields([Int: Use])

        func merged(_ other: Use) -> Use {
            guard case .fields(let mine) = self, case .fields(let theirs) = other else { return .all }
            return .fields(mine.merging(theirs) { $0.merged($1) })
        }
    }

    private func prune(_ branch: inout PhysicalPlan.Branch, outputs: Int) {
        var uses: [Int: Use] = Dictionary(uniqueKeysWithValues: (0..<outputs).map { ($0, .all) })
        for index in branch.stages.indices.reversed() {
            switch branch.stages[index] {
            case .filter(let condition):
                branch.stages[index] = .filter(Self.collect(condition, .all, into: &uses))
            case .project(let columns):
                var inputs: [Int: Use] = [:]
                let pruned = columns.enumerated().map { output, column -> ResolvedNamed? in
                    guard let column, let use = uses[output] else { return nil }
                    return ResolvedNamed(column.name, Self.collect(column.expression, use, into: &inputs))
                }
                branch.stages[index] = .project(Self.sharingScans(pruned))
                uses = inputs
            case .python(let calls, let width):
                let wanted = calls.enumerated().map { uses[width + $0] == nil ? nil : $1 }
                uses = uses.filter { $0.key < width }
                branch.stages[index] = .python(
                    wanted.map { $0?.mapArguments { Self.collect($0, .all, into: &uses) } }, width: width)
            }
        }
        branch.wanted = Set(uses.keys)
    }

    private static func collect(_ expression: ResolvedExpression, _ use: Use, into uses: inout [Int: Use]) -> ResolvedExpression {
        switch expression {
        case .column(let index, _, _):
            uses[index] = uses[index]?.merged(use) ?? use
            return expression
        case .field(let base, let index, let type): return .field(collect(base, .fields([index: use]), into: &uses), index: index, type)
        case .fromJSON(let child, var scan):
            if case .fields(let fields) = use { scan.wanted = Set(fields.keys) }
            return .fromJSON(collect(child, .all, into: &uses), scan)
        default:
            return expression.mapChildren { collect($0, .all, into: &uses) }
        }
    }

    /// Scans of one text with one schema in one projection (`from_json(v, s).a, from_json(v, s).b`) want each other's fields, so that they
    /// are equal and the engine parses once.
    private static func sharingScans(_ columns: [ResolvedNamed?]) -> [ResolvedNamed?] {
        var wanted: [ResolvedExpression: Set<Int>] = [:]
        func key(_ child: ResolvedExpression, _ scan: FromJSON) -> ResolvedExpression {
            var scan = scan
            scan.wanted = []
            return .fromJSON(child, scan)
        }
        func gather(_ expression: ResolvedExpression) {
            if case .fromJSON(let child, let scan) = expression { wanted[key(child, scan), default: []].formUnion(scan.wanted) }
            for child in expression.children { gather(child) }
        }
        func share(_ expression: ResolvedExpression) -> ResolvedExpression {
            if case .fromJSON(let child, var scan) = expression {
                scan.wanted = wanted[key(child, scan)] ?? scan.wanted
                return .fromJSON(share(child), scan)
            }
            return expression.mapChildren(share)
        }
        for column in columns { column.map { gather($0.expression) } }
        guard !wanted.isEmpty else { return columns }
        return columns.map { $0.map { ResolvedNamed($0.name, share($0.expression)) } }
    }
}
