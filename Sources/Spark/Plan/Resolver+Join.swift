/// Joins and set operations.
extension Resolver {
    func join(_ join: Join, _ left: LogicalPlan, _ right: LogicalPlan) throws -> Relation {
        guard !join.isLateral else { throw Self.unserved("LATERAL before a subquery") }
        let (a, b) = (try resolve(relation: left), try resolve(relation: right))
        let kind: ResolvedJoin.Kind =
            switch join.kind {
            case .inner, .cross: .inner
            case .leftOuter: .leftOuter
            case .rightOuter: .rightOuter
            case .fullOuter: .fullOuter
            case .leftSemi: .leftSemi
            case .leftAnti: .leftAnti
            }
        switch join.condition {
        case .none: return joined(kind, [], nil, a, b)
        case .on(let condition):
            let resolver = ExpressionResolver(a.scope + b.scope, plans: self)
            let resolved = try Self.condition(try resolver.resolve(condition), condition)
            guard resolver.subqueries.isEmpty else { throw Self.unserved("A subquery in a join's condition") }
            let (keys, residual) = Self.split(resolved, leftWidth: a.origins.count)
            return joined(kind, keys, residual, a, b)
        case .using(let names): return try usingJoin(kind, names, a, b)
        case .natural:
            let names = a.schema.names.filter { !b.schema.indices(of: $0).isEmpty }
            return try usingJoin(kind, names, a, b)
        }
    }

    private func joined(
        _ kind: ResolvedJoin.Kind, _ keys: [ResolvedJoin.Key], _ residual: ResolvedExpression?, _ left: Relation, _ right: Relation
    ) -> Relation {
        let origins = kind == .leftSemi || kind == .leftAnti ? left.origins : left.origins + right.origins
        return Relation(.join(ResolvedJoin(kind: kind, keys: keys, residual: residual), left.plan, right.plan), origins: origins)
    }

    /// Equalities between the sides become keys; the rest is tested on the pairs that they find.
    static func split(_ condition: ResolvedExpression, leftWidth: Int) -> (keys: [ResolvedJoin.Key], residual: ResolvedExpression?) {
        func isLeft(_ expression: ResolvedExpression) -> Bool { expression.columns.allSatisfy { $0 < leftWidth } }
        func isRight(_ expression: ResolvedExpression) -> Bool { expression.columns.allSatisfy { $0 >= leftWidth } }
        var keys: [ResolvedJoin.Key] = []
        var rest: [ResolvedExpression] = []
        for conjunct in condition.conjuncts {
            if case .call(let op, let sides, _) = conjunct, op == .equal || op == .equalNullSafe,
                sides.allSatisfy({ !$0.columns.isEmpty && $0.isDeterministic })
            {
                let isNullSafe = op == .equalNullSafe
                if isLeft(sides[0]), isRight(sides[1]) {
                    keys.append(.init(left: sides[0], right: sides[1].shifted(by: -leftWidth), isNullSafe: isNullSafe))
                    continue
                }
                if isLeft(sides[1]), isRight(sides[0]) {
                    keys.append(.init(left: sides[1], right: sides[0].shifted(by: -leftWidth), isNullSafe: isNullSafe))
                    continue
                }
            }
            rest.append(conjunct)
        }
        return (keys, ResolvedExpression.conjunction(rest))
    }

    private func usingJoin(_ kind: ResolvedJoin.Kind, _ names: [String], _ left: Relation, _ right: Relation) throws -> Relation {
        var pairs: [(left: Int, right: Int)] = []
        for name in names {
            func place(_ relation: Relation, _ side: String) throws -> Int {
                let found = relation.schema.indices(of: name)
                guard let index = found.first else {
                    throw SparkError(
                        "UNRESOLVED_USING_COLUMN_FOR_JOIN", sqlState: "42703",
                        "USING column `\(name)` cannot be resolved on the \(side) side of the join. The \(side)-side columns: [\(Scope.list(relation.schema.names.sorted()))]."
                    )
                }
                guard found.count == 1 else { throw relation.scope.ambiguous([name], found) }
                return index
            }
            pairs.append((try place(left, "left"), try place(right, "right")))
        }
        let width = left.origins.count
        var keys: [ResolvedJoin.Key] = []
        for pair in pairs {
            let equal = try FunctionCatalog.resolve(
                "==", [left.scope.column(pair.left), right.scope.column(pair.right).shifted(by: width)],
                unresolved: [.attribute([left.schema.fields[pair.left].name]), .attribute([right.schema.fields[pair.right].name])])
            keys += Self.split(equal, leftWidth: width).keys
        }
        let relation = joined(kind, keys, nil, left, right)
        if kind == .leftSemi || kind == .leftAnti { return relation }
        let scope = relation.scope
        var columns: [ResolvedNamed] = []
        var origins: [ColumnOrigin] = []
        for pair in pairs {
            let (a, b) = (scope.column(pair.left), scope.column(width + pair.right))
            let value: ResolvedExpression =
                switch kind {
                case .rightOuter: b
                case .fullOuter:
                    try FunctionCatalog.resolve("coalesce", [a, b], unresolved: [.literal(.null), .literal(.null)])
                default: a
                }
            columns.append(ResolvedNamed(left.schema.fields[pair.left].name, value))
            origins.append(
                ColumnOrigin(
                    qualifiers: left.origins[pair.left].qualifiers + right.origins[pair.right].qualifiers,
                    planIDs: left.origins[pair.left].planIDs.union(right.origins[pair.right].planIDs)))
        }
        let (usedLeft, usedRight) = (Set(pairs.map(\.left)), Set(pairs.map(\.right)))
        for index in scope.schema.fields.indices where index < width ? !usedLeft.contains(index) : !usedRight.contains(index - width) {
            columns.append(ResolvedNamed(scope.schema.fields[index].name, scope.column(index)))
            origins.append(relation.origins[index])
        }
        return Relation(.project(columns, relation.plan), origins: origins)
    }

    // MARK: Set operations

    func setOperation(_ operation: SetOperation, _ left: LogicalPlan, _ right: LogicalPlan) throws -> Relation {
        let first = try resolve(relation: left)
        var second = try resolve(relation: right)
        var base = first
        if operation.byName { (base, second) = try matched(first, second, operation.allowMissingColumns) }
        let name = operation.kind == .union ? "UNION" : operation.kind == .intersect ? "INTERSECT" : "EXCEPT"
        let schema = try common(base.schema, second.schema, name)
        let (a, b) = (try Self.conform(base.plan, to: schema), try Self.conform(second.plan, to: schema))
        let plan: ResolvedPlan
        switch operation.kind {
        case .union:
            let all = ResolvedPlan.union(a, b, schema)
            plan = operation.isAll ? all : .deduplicate(Array(schema.fields.indices), all)
        case .intersect, .except: plan = .setOperation(operation.kind, isAll: operation.isAll, a, b, schema)
        }
        return Relation(plan, origins: base.origins)
    }

    /// Brings both sides to the left's columns, and where allowed to the right's others after them.
    private func matched(_ left: Relation, _ right: Relation, _ allowMissing: Bool) throws -> (Relation, Relation) {
        var leftColumns = left.schema.fields.enumerated().map { ResolvedNamed($1.name, left.scope.column($0)) }
        var origins = left.origins
        var used: Set<Int> = []
        var rightColumns: [ResolvedNamed] = []
        for field in left.schema.fields {
            if let index = right.schema.indices(of: field.name).first {
                used.insert(index)
                rightColumns.append(ResolvedNamed(field.name, right.scope.column(index)))
            } else if allowMissing {
                rightColumns.append(ResolvedNamed(field.name, .literal(.null, field.dataType)))
            } else {
                throw right.scope.unresolved([field.name])
            }
        }
        for (index, field) in right.schema.fields.enumerated() where !used.contains(index) {
            guard allowMissing else {
                throw SparkError(
                    "NUM_COLUMNS_MISMATCH", sqlState: "42826",
                    "UNION can only be performed on inputs with the same number of columns, but the first input has \(left.schema.fields.count) columns and the second input has \(right.schema.fields.count) columns."
                )
            }
            leftColumns.append(ResolvedNamed(field.name, .literal(.null, field.dataType)))
            rightColumns.append(ResolvedNamed(field.name, right.scope.column(index)))
            origins.append(ColumnOrigin())
        }
        return (Relation(.project(leftColumns, left.plan), origins: origins), Relation(.project(rightColumns, right.plan)))
    }

    private func common(_ a: StructType, _ b: StructType, _ name: String) throws -> StructType {
        guard a.fields.count == b.fields.count else {
            throw SparkError(
                "NUM_COLUMNS_MISMATCH", sqlState: "42826",
                "\(name) can only be performed on inputs with the same number of columns, but the first input has \(a.fields.count) columns and the second input has \(b.fields.count) columns."
            )
        }
        var fields: [StructField] = []
        for (index, (x, y)) in zip(a.fields, b.fields).enumerated() {
            guard let type = TypeCoercion.common(x.dataType, y.dataType) else {
                throw SparkError(
                    "INCOMPATIBLE_COLUMN_TYPE", sqlState: "42825",
                    "\(name) can only be performed on tables with compatible column types. The \(Self.ordinal(index + 1)) column of the second table is \"\(y.dataType.sql)\" type which is not compatible with \"\(x.dataType.sql)\" at the same column of the first table."
                )
            }
            fields.append(StructField(x.name, type, nullable: x.nullable || y.nullable))
        }
        return StructType(fields)
    }

    private static func ordinal(_ number: Int) -> String {
        let names = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]
        return number <= names.count ? names[number - 1] : "\(number)th"
    }

    static func conform(_ plan: ResolvedPlan, to schema: StructType) throws -> ResolvedPlan {
        let fields = plan.schema.fields
        if zip(fields, schema.fields).allSatisfy({ $0.dataType == $1.dataType && $0.name == $1.name }) { return plan }
        return .project(
            try fields.enumerated().map { index, field in
                ResolvedNamed(
                    schema.fields[index].name,
                    try FunctionCatalog.explicitCast(
                        .column(index, field.dataType, nullable: field.nullable), to: schema.fields[index].dataType, isTry: false))
            }, plan)
    }

    // MARK: Columns by name

    /// `to(schema)`.
    func conformed(_ relation: Relation, byNameTo schema: StructType) throws -> Relation {
        var columns: [ResolvedNamed] = []
        var origins: [ColumnOrigin] = []
        for field in schema.fields {
            let found = relation.schema.indices(of: field.name)
            guard let index = found.first else {
                guard field.nullable else { throw relation.scope.unresolved([field.name]) }
                columns.append(ResolvedNamed(field.name, .literal(.null, field.dataType)))
                origins.append(ColumnOrigin())
                continue
            }
            guard found.count == 1 else { throw relation.scope.ambiguous([field.name], found) }
            let column = relation.scope.column(index)
            guard field.nullable || !column.isNullable else {
                throw SparkError(
                    "NULLABLE_COLUMN_OR_FIELD", sqlState: "42000",
                    "Column or field `\(field.name)` is nullable while it's required to be non-nullable.")
            }
            guard Self.isUpCast(column.dataType, field.dataType) else {
                throw SparkError(
                    "INVALID_COLUMN_OR_FIELD_DATA_TYPE", sqlState: "42000",
                    "Column or field `\(field.name)` is of type \"\(column.dataType.sql)\" while it's required to be \"\(field.dataType.sql)\"."
                )
            }
            columns.append(ResolvedNamed(field.name, try FunctionCatalog.explicitCast(column, to: field.dataType, isTry: false)))
            origins.append(relation.origins[index])
        }
        return Relation(.project(columns, relation.plan), origins: origins)
    }

    private static func isUpCast(_ from: DataType, _ to: DataType) -> Bool {
        if from == to || from == .null || from.isNested || to.isNested { return true }
        if to == .string { return true }
        return from.isNumeric && to.isNumeric && TypeCoercion.numeric(from, to) == to
            || from == .date && (to == .timestamp || to == .timestampNTZ)
    }

    func deduplicate(_ names: [String], withinWatermark: Bool, _ child: LogicalPlan) throws -> Relation {
        var relation = try resolve(relation: child)
        var columns = Array(relation.schema.fields.indices)
        if !names.isEmpty {
            columns = try names.flatMap { name -> [Int] in
                let found = relation.schema.indices(of: name)
                guard !found.isEmpty else { throw relation.scope.unresolved([name]) }
                return found
            }
        }
        for index in columns {
            if case .map = relation.schema.fields[index].dataType {
                throw SparkError(
                    "UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE", sqlState: "0A000",
                    "The feature is not supported: Cannot have MAP type columns in DataFrame which calls set operations (INTERSECT, EXCEPT, etc.), but the type of column `\(relation.schema.fields[index].name)` is \"\(relation.schema.fields[index].dataType.sql)\"."
                )
            }
        }
        relation.plan = withinWatermark ? .deduplicateWithin(columns, relation.plan) : .deduplicate(columns, relation.plan)
        return relation
    }
}
