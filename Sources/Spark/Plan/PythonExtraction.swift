/// Takes calls of clients' functions out of a plan's expressions into operators of their own below them, which ask a Python worker once for
/// many rows and for all calls of one kind. (Spark, `ExtractPythonUDFs`.)
///
/// As in Spark a function is called for every row that reaches the operator, whatever CASE or AND stands round it; only the conditions of a
/// filter that call none are looked at before.
enum PythonExtraction {
    static func settle(_ plan: ResolvedPlan) throws -> ResolvedPlan {
        let plan = try plan.mapChildren(settle)
        guard plan.expressions.contains(where: \.callsPython) else { return plan }
        switch plan {
        case .project(let columns, let child):
            let (expressions, below) = pulled(columns.map(\.expression), child)
            return .project(zip(columns, expressions).map { ResolvedNamed($0.name, $1) }, below)
        case .filter(let condition, let child): return filtered(condition, child)
        case .sort(let keys, let child):
            let (expressions, below) = pulled(keys.map(\.expression), child)
            return narrowed(.sort(zip(keys, expressions).map { $0.over($1) }, below), to: child.schema)
        case .aggregate(let aggregate, let child):
            let (made, below) = pulled(aggregate, child)
            return .aggregate(made, below)
        case .observe(let name, let aggregate, let columns, let child):
            let (made, below) = pulled(aggregate, child)
            return narrowed(.observe(name: name, made, columns, below), to: child.schema)
        case .window(let calls, let child):
            let (expressions, below) = pulled(calls.flatMap(\.expressions), child)
            var rest = expressions[...]
            let made = calls.map { $0.mapExpressions { _ in rest.removeFirst() } }
            return reordered(.window(made, below), plan.schema, below: child, above: below)
        case .generate(var generator, let child):
            let (arguments, below) = pulled(generator.arguments, child)
            generator.arguments = arguments
            return reordered(.generate(generator, below), plan.schema, below: child, above: below)
        case .expand(let rows, let schema, let child):
            let (expressions, below) = pulled(rows.flatMap { $0 }, child)
            var rest = expressions[...]
            return .expand(rows.map { $0.map { _ in rest.removeFirst() } }, schema, below)
        case .join(let join, let left, let right): return try joined(join, left, right, plan.schema)
        case .values:
            throw SparkError(
                "INVALID_INLINE_TABLE.CANNOT_EVALUATE_EXPRESSION_IN_INLINE_TABLE", sqlState: "42000",
                "Invalid inline table. Cannot evaluate the expression of a Python function in inline table definition.")
        default: return plan
        }
    }

    /// The same for the stages of a branch. What a filter's calls add is not read by later stages, which count from the width before.
    static func settle(_ stages: [PhysicalPlan.Stage], over source: StructType) -> [PhysicalPlan.Stage] {
        var result: [PhysicalPlan.Stage] = []
        var width = source.fields.count
        for stage in stages {
            switch stage {
            case .filter(let condition) where condition.callsPython:
                let (plain, python) = parted(condition)
                if let plain { result.append(.filter(plain)) }
                let made = pulled([python], width: width) { calls, width in result.append(.python(calls, width: width)) }
                result.append(.filter(made[0]))
            case .project(let columns):
                // Columns that nobody wants are not known yet: every one has its expression.
                let expressions = columns.map { $0?.expression ?? .literal(.null, .null) }
                let made = pulled(expressions, width: width) { calls, width in result.append(.python(calls, width: width)) }
                result.append(.project(zip(columns, made).map { column, made in column.map { ResolvedNamed($0.name, made) } }))
                width = columns.count
            case .filter, .python: result.append(stage)
            }
        }
        return result
    }

    // MARK: Calls

    /// Replaces calls by the columns that operators below give; those that take another's value come above it.
    private static func pulled(
        _ expressions: [ResolvedExpression], width: Int, _ add: ([PythonCall], Int) -> Void
    ) -> [ResolvedExpression] {
        var width = width
        var expressions = expressions.map(chained)
        while true {
            var ready: [PythonCall] = []
            for expression in expressions { collect(expression, into: &ready) }
            guard let first = ready.first else { return expressions }
            let taken = first.isIterating ? [first] : ready.filter { $0.evalType == first.evalType }
            add(taken, width)
            let places = Dictionary(uniqueKeysWithValues: taken.enumerated().map { ($1, width + $0) })
            expressions = expressions.map { replaced($0, places) }
            width += taken.count
        }
    }

    private static func pulled(_ expressions: [ResolvedExpression], _ child: ResolvedPlan) -> ([ResolvedExpression], ResolvedPlan) {
        var plan = child
        let made = pulled(expressions, width: child.schema.fields.count) { calls, _ in plan = .python(.evaluate(calls), plan) }
        return (made, plan)
    }

    private static func pulled(_ aggregate: ResolvedAggregate, _ child: ResolvedPlan) -> (ResolvedAggregate, ResolvedPlan) {
        let (expressions, below) = pulled(aggregate.expressions, child)
        var rest = expressions[...]
        var made = aggregate
        made.keys = aggregate.keys.map { ResolvedNamed($0.name, rest.removeFirst()) }
        made.calls = aggregate.calls.map { call in
            var call = call
            call.arguments = call.arguments.map { _ in rest.removeFirst() }
            call.order = call.order.map { $0.over(rest.removeFirst()) }
            call.filter = call.filter.map { _ in rest.removeFirst() }
            return call
        }
        return (made, below)
    }

    private static func chained(_ expression: ResolvedExpression) -> ResolvedExpression {
        let mapped = expression.mapChildren(chained)
        if case .python(let call) = mapped { return .python(call.chained) }
        return mapped
    }

    /// Calls over what is no call, each once.
    private static func collect(_ expression: ResolvedExpression, into calls: inout [PythonCall]) {
        if case .python(let call) = expression, !call.arguments.contains(where: \.callsPython) {
            if !calls.contains(call) { calls.append(call) }
            return
        }
        for child in expression.children { collect(child, into: &calls) }
    }

    private static func replaced(_ expression: ResolvedExpression, _ places: [PythonCall: Int]) -> ResolvedExpression {
        if case .python(let call) = expression, let place = places[call] { return .column(place, call.dataType, nullable: true) }
        return expression.mapChildren { replaced($0, places) }
    }

    // MARK: Operators

    /// The operator's columns without those that calls below it have added.
    private static func narrowed(_ plan: ResolvedPlan, to schema: StructType) -> ResolvedPlan {
        .project(
            schema.fields.enumerated().map { ResolvedNamed($1.name, .column($0, $1.dataType, nullable: $1.nullable)) }, plan)
    }

    /// As above for an operator that adds its own columns to its child's.
    private static func reordered(
        _ plan: ResolvedPlan, _ schema: StructType, below child: ResolvedPlan, above grown: ResolvedPlan
    ) -> ResolvedPlan {
        let (narrow, wide) = (child.schema.fields.count, grown.schema.fields.count)
        return .project(
            schema.fields.enumerated().map { index, field in
                ResolvedNamed(
                    field.name, .column(index < narrow ? index : index - narrow + wide, field.dataType, nullable: field.nullable))
            }, plan)
    }

    /// A filter's conditions that call no function, and the others.
    private static func parted(_ condition: ResolvedExpression) -> (plain: ResolvedExpression?, python: ResolvedExpression) {
        let conjuncts = condition.conjuncts
        let plain = conjuncts.filter { !$0.callsPython && $0.isDeterministic }
        let rest = conjuncts.filter { $0.callsPython || !$0.isDeterministic }
        return (ResolvedExpression.conjunction(plain), ResolvedExpression.conjunction(rest) ?? condition)
    }

    private static func filtered(_ condition: ResolvedExpression, _ child: ResolvedPlan) -> ResolvedPlan {
        let (plain, python) = parted(condition)
        let (made, below) = pulled([python], plain.map { .filter($0, child) } ?? child)
        return narrowed(.filter(made[0], below), to: child.schema)
    }

    /// Calls over one side go below it; those over both are an inner join's filter, and have no place in another's condition.
    private static func joined(
        _ join: ResolvedJoin, _ left: ResolvedPlan, _ right: ResolvedPlan, _ schema: StructType
    ) throws -> ResolvedPlan {
        let width = left.schema.fields.count
        func isOfBoth(_ expression: ResolvedExpression) -> Bool {
            if case .python(let call) = expression {
                let columns = expression.columns
                if columns.contains(where: { $0 < width }), columns.contains(where: { $0 >= width }) { return true }
                return call.arguments.contains(where: isOfBoth)
            }
            return expression.children.contains(where: isOfBoth)
        }
        let conditions = join.residual?.conjuncts ?? []
        let both = conditions.filter(isOfBoth)
        if let condition = ResolvedExpression.conjunction(both) {
            guard join.kind == .inner else {
                throw SparkError(
                    "UNSUPPORTED_FEATURE.PYTHON_UDF_IN_ON_CLAUSE", sqlState: "0A000",
                    "The feature is not supported: Python UDF in the ON clause of a \(joinName(join.kind)) JOIN. In case of an INNER JOIN consider rewriting to a CROSS JOIN with a WHERE clause."
                )
            }
            var plain = join
            plain.residual = ResolvedExpression.conjunction(conditions.filter { !isOfBoth($0) })
            return try settle(.filter(condition, .join(plain, left, right)))
        }
        // Each side's calls stand at places of their own until the sides' widths are known.
        var lefts: [ResolvedExpression] = []
        var rights: [ResolvedExpression] = []
        func sided(_ expression: ResolvedExpression) -> ResolvedExpression {
            guard case .python(let call) = expression else { return expression.mapChildren(sided) }
            if expression.columns.allSatisfy({ $0 < width }) {
                lefts.append(expression)
                return .column(Placeholder.aggregate + lefts.count - 1, call.dataType, nullable: true)
            }
            rights.append(expression.shifted(by: -width))
            return .column(Placeholder.window + rights.count - 1, call.dataType, nullable: true)
        }
        let residual = join.residual.map(sided)
        let (madeLefts, newLeft) = pulled(join.keys.map(\.left) + lefts, left)
        let (madeRights, newRight) = pulled(join.keys.map(\.right) + rights, right)
        let wide = newLeft.schema.fields.count
        let keyCount = join.keys.count
        var made = join
        made.keys = join.keys.indices.map { .init(left: madeLefts[$0], right: madeRights[$0], isNullSafe: join.keys[$0].isNullSafe) }
        made.residual = residual.map { condition in
            condition.mapColumns { index, type, nullable in
                if index >= Placeholder.window { return madeRights[keyCount + index - Placeholder.window].shifted(by: wide) }
                if index >= Placeholder.aggregate { return madeLefts[keyCount + index - Placeholder.aggregate] }
                return .column(index < width ? index : index - width + wide, type, nullable: nullable)
            }
        }
        return reordered(.join(made, newLeft, newRight), schema, below: left, above: newLeft)
    }

    private static func joinName(_ kind: ResolvedJoin.Kind) -> String {
        switch kind {
        case .leftOuter: "LEFT OUTER"
        case .rightOuter: "RIGHT OUTER"
        case .fullOuter: "FULL OUTER"
        case .leftSemi, .mark: "LEFT SEMI"
        case .leftAnti: "LEFT ANTI"
        case .inner: "INNER"
        }
    }
}

extension ResolvedSortKey {
    fileprivate func over(_ expression: ResolvedExpression) -> ResolvedSortKey {
        ResolvedSortKey(expression: expression, isAscending: isAscending, nullsFirst: nullsFirst)
    }
}
