internal import IO

/// What a session knows by name while its plans are resolved.
package struct ResolverCatalog: Sendable {
    /// Temporary views, by their last name.
    package var view: @Sendable (String) -> LogicalPlan? = { _ in nil }
    /// Tables of the memory sink.
    package var memoryTable: @Sendable (String) -> StructType? = { _ in nil }
    /// A table of the engine's own, by its whole name.
    package var systemTable: @Sendable ([String]) -> LogicalPlan? = { _ in nil }
    /// Schema of Arrow IPC streams.
    package var arrowSchema: @Sendable ([[UInt8]]) throws -> StructType = { _ in
        throw SparkError("UNSUPPORTED_FEATURE", sqlState: "0A000", "Rows in Arrow are not served here.")
    }

    package init() {}
}

/// Gives names their ordinals and expressions their types, or says what cannot be resolved and what was near.
package struct Resolver {
    /// The schema of a source, from its format and options.
    let sourceSchema: (DataSourceRead) throws -> StructType
    var catalog: ResolverCatalog
    /// The columns of the query around a subquery.
    var outer: Scope?
    /// `WITH` names in force, each with those that it may name itself.
    var commonTables: [String: CommonTableScope] = [:]
    private var depth = 0
    /// Views of views of views: deeper ones are refused, so that a cycle ends.
    private static let depthMax = 100

    indirect enum CommonTableScope {
        case table(CommonTable, [String: CommonTableScope])
    }

    package init(catalog: ResolverCatalog = ResolverCatalog(), sourceSchema: @escaping (DataSourceRead) throws -> StructType) {
        self.sourceSchema = sourceSchema
        self.catalog = catalog
    }

    package func resolve(_ plan: LogicalPlan) throws -> ResolvedPlan { try resolve(relation: plan).plan }

    /// An expression over columns without qualifiers, outside a plan.
    package static func resolve(
        _ expression: Expression, in schema: StructType, variables: [String: ResolvedExpression] = [:]
    ) throws -> ResolvedExpression {
        let resolver = ExpressionResolver(Scope(schema: schema))
        resolver.variables = variables
        return try resolver.resolve(expression)
    }

    static func structFieldName(of expression: Expression, index: Int) -> String {
        switch expression {
        case .alias, .attribute, .extractValue(_, .literal(.string)): expression.outputName
        case .lambdaVariable(let name): name
        default: "col\(index + 1)"
        }
    }

    static func unserved(_ what: String) -> SparkError {
        SparkError("UNSUPPORTED_FEATURE", sqlState: "0A000", "\(what) is not served by this engine.")
    }

    func resolve(relation plan: LogicalPlan) throws -> Relation {
        switch plan {
        case .read(let read):
            if let relation = try file(read) { return relation }
            let schema = try sourceSchema(read)
            return Relation(.source(read, schema))
        case .table(let table): return try named(table)
        case .local(let local): return try self.local(local)
        case .range(let start, let end, let step):
            guard step != 0 else {
                throw SparkError("INVALID_PARAMETER_VALUE.ZERO_INDEX", sqlState: "22023", "range's step must not be 0.")
            }
            return Relation(.range(start: start, end: end, step: step))
        case .oneRow: return Relation(.values([[]], StructType()))
        case .with(let tables, let isRecursive, let child):
            guard !isRecursive else { throw Self.unserved("WITH RECURSIVE") }
            var inner = self
            for table in tables { inner.commonTables[table.name.lowercased()] = .table(table, inner.commonTables) }
            return try inner.resolve(relation: child)
        case .alias(let name, let columns, let child):
            var relation = try resolve(relation: child)
            if !columns.isEmpty { relation = try renamedAll(columns, relation, error: "ASSIGNMENT_ARITY_MISMATCH") }
            relation.origins = relation.origins.map { ColumnOrigin(qualifiers: [[name]], planIDs: $0.planIDs) }
            return relation
        case .identified(let id, let child):
            var relation = try resolve(relation: child)
            for index in relation.origins.indices { relation.origins[index].planIDs.insert(id) }
            return relation
        case .hint(_, let child), .repartition(_, _, let child): return try resolve(relation: child)
        case .watermark(let column, let delay, let child): return try watermark(column, delay, child)
        case .project(let items, let child): return try project(items, child)
        case .withColumns(let columns, let child): return try withColumns(columns, child)
        case .renamed(let names, let child): return try renamed(names, try resolve(relation: child))
        case .toDF(let names, let child): return try renamedAll(names, try resolve(relation: child), error: "ASSIGNMENT_ARITY_MISMATCH")
        case .toSchema(let schema, let child): return try conformed(try resolve(relation: child), byNameTo: schema)
        case .drop(let names, let child):
            let relation = try resolve(relation: child)
            return Self.keeping(
                relation.schema.fields.indices.filter { index in
                    !names.contains { $0.equalsIgnoringCase(relation.schema.fields[index].name) }
                }, of: relation)
        case .dropColumns(let columns, let child):
            let relation = try resolve(relation: child)
            var dropped: Set<Int> = []
            for column in columns {
                guard case .attribute(let parts, let planID) = column else { throw Self.unserved("Dropping \(column.prettySQL)") }
                let (matches, rest) = relation.scope.matches(parts, planID: planID)
                if rest.isEmpty { dropped.formUnion(matches) }
            }
            return Self.keeping(relation.schema.fields.indices.filter { !dropped.contains($0) }, of: relation)
        case .filter(let condition, let child): return try filter(condition, child)
        case .having(let condition, let child): return try having(condition, child)
        case .limit(let count, let child):
            return try mapped(child) { .limit(try Self.checked(count, "limit"), $0) }
        case .offset(let count, let child): return try mapped(child) { .offset(try Self.checked(count, "offset"), $0) }
        case .tail(let count, let child): return try mapped(child) { .tail(try Self.checked(count, "tail"), $0) }
        case .limitExpression(let count, let child): return try mapped(child) { .limit(try rowCount(count, "limit"), $0) }
        case .offsetExpression(let count, let child): return try mapped(child) { .offset(try rowCount(count, "offset"), $0) }
        case .sort(let keys, _, let child): return try sort(keys, child)
        case .setOperation(let operation, let left, let right): return try setOperation(operation, left, right)
        case .join(let join, let left, let right): return try self.join(join, left, right)
        case .aggregate(let aggregate, let child): return try self.aggregate(aggregate, child)
        case .deduplicate(let names, let isWithin, let child): return try deduplicate(names, withinWatermark: isWithin, child)
        case .sample(let sample, let child): return try mapped(child) { .sample(sample, $0) }
        case .generate(let generate, let child): return try self.generate(generate, child)
        case .unpivot(let unpivot, let child): return try self.unpivot(unpivot, child)
        case .fillNulls(let columns, let values, let child): return try fillNulls(columns, values, child)
        case .dropNulls(let columns, let minNonNulls, let child): return try dropNulls(columns, minNonNulls, child)
        case .replaceValues(let columns, let replacements, let child): return try replaceValues(columns, replacements, child)
        case .statistics(let statistics, let child): return try self.statistics(statistics, child)
        case .observe(let name, let expressions, let child): return try observe(name, expressions, child)
        case .showString(let rows, let truncate, let isVertical, let child):
            return try show(ShowFormat(rows: rows, truncate: truncate, style: isVertical ? .vertical : .table), child)
        case .htmlString(let rows, let truncate, let child):
            return try show(ShowFormat(rows: rows, truncate: truncate, style: .html), child)
        case .mapPartitions(let function, let child): return try mapPartitions(function, child)
        case .mapGroups(let function, let keys, let child): return try mapGroups(function, keys, child)
        case .transpose, .parse, .cached, .notServed:
            throw Self.unserved(plan.operatorName)
        }
    }

    func mapped(_ child: LogicalPlan, _ transform: (ResolvedPlan) throws -> ResolvedPlan) throws -> Relation {
        var relation = try resolve(relation: child)
        relation.plan = try transform(relation.plan)
        return relation
    }

    private static func checked(_ count: Int, _ name: String) throws -> Int {
        guard count >= 0 else {
            throw SparkError(
                "INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE", sqlState: "42K0E",
                "The \(name) expression must be equal to or greater than 0, but got \(count).")
        }
        return count
    }

    /// LIMIT ALL is no limit.
    private func rowCount(_ expression: Expression, _ name: String) throws -> Int {
        let resolved = try ExpressionResolver(Scope(schema: StructType())).resolve(expression)
        guard let value = PlanCompiler.constant(resolved)?.integerValue else {
            throw SparkError(
                "INVALID_LIMIT_LIKE_EXPRESSION.DATA_TYPE", sqlState: "42K0E",
                "The \(name) expression must be integer type, but got \"\(resolved.dataType.sql)\".")
        }
        return try Self.checked(value, name)
    }

    // MARK: Leaves

    private func named(_ table: UnresolvedTable) throws -> Relation {
        let name = table.name[table.name.count - 1]
        let lowered = name.lowercased()
        guard depth < Self.depthMax else {
            throw SparkError(
                "VIEW_EXCEED_MAX_NESTED_DEPTH", sqlState: "54K00",
                "The depth of view \(Scope.text(table.name)) exceeds the maximum view resolution depth (\(Self.depthMax)).")
        }
        var inner = self
        inner.depth += 1
        var relation: Relation
        if table.name.count == 1, case .table(let common, let scope)? = commonTables[lowered] {
            inner.commonTables = scope
            relation = try inner.resolve(relation: common.plan)
            if !common.columns.isEmpty { relation = try renamedAll(common.columns, relation, error: "ASSIGNMENT_ARITY_MISMATCH") }
        } else if let view = catalog.view(name), table.name.count == 1 || Self.holdsViews(table.name) {
            inner.commonTables = [:]
            inner.outer = nil
            relation = try inner.resolve(relation: view)
        } else if let schema = catalog.memoryTable(name) {
            relation = Relation(.memoryTable(name, schema))
        } else if let system = catalog.systemTable(table.name) {
            relation = try inner.resolve(relation: system)
        } else {
            throw SparkError(
                "TABLE_OR_VIEW_NOT_FOUND", sqlState: "42P01",
                "The table or view \(Scope.text(table.name)) cannot be found. Verify the spelling and correctness of the schema and catalog.\nIf you did not qualify the name with a schema, verify the current_schema() output, or qualify the name with the correct schema and catalog.\nTo tolerate the error on drop use DROP VIEW IF EXISTS or DROP TABLE IF EXISTS."
            )
        }
        relation.origins = relation.origins.map { ColumnOrigin(qualifiers: [table.name], planIDs: $0.planIDs) }
        return relation
    }

    private static func holdsViews(_ name: [String]) -> Bool {
        name.count == 2 && ["global_temp", "default"].contains(name[0].lowercased())
            || name.count == 3 && name[0].equalsIgnoringCase("spark_catalog") && name[1].equalsIgnoringCase("default")
    }

    private func local(_ local: LocalRelation) throws -> Relation {
        switch local.rows {
        case .arrow(let streams):
            let schema = try local.schema ?? catalog.arrowSchema(streams)
            return Relation(.arrow(streams, schema))
        case .literals(let rows):
            let resolver = ExpressionResolver(Scope(schema: StructType()), plans: self)
            resolver.allowsAggregates = false
            var resolved = try rows.map { try $0.map(resolver.resolve) }
            guard resolver.subqueries.isEmpty else { throw Self.unserved("A subquery in VALUES") }
            let width = resolved.first?.count ?? local.schema?.fields.count ?? 0
            guard resolved.allSatisfy({ $0.count == width }) else {
                throw SparkError(
                    "INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH", sqlState: "42000",
                    "Invalid inline table. Inline table expected \(width) columns but found \(resolved.first { $0.count != width }?.count ?? 0) columns in row \(resolved.firstIndex { $0.count != width } ?? 0)."
                )
            }
            var fields: [StructField] = []
            for index in 0..<width {
                let type: DataType
                if let schema = local.schema {
                    type = schema.fields[index].dataType
                } else if let common = TypeCoercion.common(of: resolved.map { $0[index].dataType }) {
                    type = common
                } else {
                    throw SparkError(
                        "INVALID_INLINE_TABLE.INCOMPATIBLE_TYPES_IN_INLINE_TABLE", sqlState: "42000",
                        "Invalid inline table. Found incompatible types in the column `col\(index + 1)` for inline table.")
                }
                for row in resolved.indices {
                    resolved[row][index] = try FunctionCatalog.explicitCast(resolved[row][index], to: type, isTry: false)
                }
                fields.append(
                    local.schema?.fields[index]
                        ?? StructField("col\(index + 1)", type, nullable: resolved.contains { $0[index].isNullable }))
            }
            return Relation(.values(resolved, StructType(fields)))
        }
    }

    // MARK: Columns in and out

    static func keeping(_ columns: [Int], of relation: Relation) -> Relation {
        if columns.count == relation.origins.count { return relation }
        let scope = relation.scope
        return Relation(
            .project(columns.map { ResolvedNamed(scope.schema.fields[$0].name, scope.column($0)) }, relation.plan),
            origins: columns.map { relation.origins[$0] })
    }

    func renamedAll(_ names: [String], _ relation: Relation, error: String) throws -> Relation {
        let fields = relation.schema.fields
        guard names.count == fields.count else {
            throw SparkError(
                error, sqlState: "42802",
                "The number of columns or variables assigned or aliased: \(names.count) does not match the number of source expressions: \(fields.count)."
            )
        }
        let scope = relation.scope
        return Relation(
            .project(names.enumerated().map { ResolvedNamed($1, scope.column($0)) }, relation.plan), origins: relation.origins)
    }

    private func renamed(_ names: [String: String], _ relation: Relation) throws -> Relation {
        let scope = relation.scope
        var changed = false
        var origins = relation.origins
        let columns = scope.schema.fields.enumerated().map { index, field -> ResolvedNamed in
            guard let name = names.first(where: { $0.key.equalsIgnoringCase(field.name) })?.value else {
                return ResolvedNamed(field.name, scope.column(index))
            }
            changed = true
            origins[index] = ColumnOrigin()
            return ResolvedNamed(name, scope.column(index))
        }
        return changed ? Relation(.project(columns, relation.plan), origins: origins) : relation
    }

    private func withColumns(_ columns: [NamedExpression], _ child: LogicalPlan) throws -> Relation {
        let relation = try resolve(relation: child)
        let scope = relation.scope
        if columns.contains(where: { Generators.isGenerator($0.expression) }) {
            return try withGenerated(columns, child)
        }
        let resolver = ExpressionResolver(scope, plans: self)
        resolver.allowsWindows = true
        var result = scope.schema.fields.enumerated().map { ResolvedNamed($1.name, scope.column($0)) }
        var origins = relation.origins
        for column in columns {
            let resolved = try resolver.resolve(column.expression.countingRows)
            let places = result.indices.filter { result[$0].name.equalsIgnoringCase(column.name) }
            if places.isEmpty {
                result.append(ResolvedNamed(column.name, resolved))
                origins.append(ColumnOrigin())
            }
            for place in places {
                result[place] = ResolvedNamed(column.name, resolved)
                origins[place] = ColumnOrigin()
            }
        }
        return Relation(try attached(resolver, to: relation.plan) { .project(try $0(result), $1) }, origins: origins)
    }

    /// `withColumn(name, explode(…))`: the same as a select.
    private func withGenerated(_ columns: [NamedExpression], _ child: LogicalPlan) throws -> Relation {
        let names = try resolve(relation: child).schema.names
        var items: [Expression] = names.map { name in
            columns.last { $0.name.equalsIgnoringCase(name) }.map { .alias($0.expression, name: $0.name) } ?? .attribute([name])
        }
        for column in columns where !names.contains(where: { $0.equalsIgnoringCase(column.name) }) {
            items.append(.alias(column.expression, name: column.name))
        }
        return try project(items, child)
    }

    // MARK: Select

    private func project(_ items: [Expression], _ child: LogicalPlan) throws -> Relation {
        if items.contains(where: { Generators.isGenerator($0.generatorBase) }) { return try projectGenerating(items, child) }
        if items.contains(where: \.hasAggregate) {
            return try aggregate(Aggregate([], items, includesKeys: false), child)
        }
        let relation = try resolve(relation: child)
        let resolver = ExpressionResolver(relation.scope, plans: self)
        resolver.allowsWindows = true
        var columns: [ResolvedNamed] = []
        var origins: [ColumnOrigin] = []
        for item in items {
            let found = try withAliases(item, items, resolver) { try resolver.named($0) }
            columns += found
            origins += found.map { Self.origin(of: $0, item, relation) }
        }
        return Relation(try attached(resolver, to: relation.plan) { .project(try $0(columns), $1) }, origins: origins)
    }

    /// A select's elements may name earlier ones (lateral column aliases) where no column is called so.
    private func withAliases<R>(
        _ item: Expression, _ items: [Expression], _ resolver: ExpressionResolver, _ body: (Expression) throws -> R
    ) throws -> R {
        do {
            return try body(item)
        } catch let error as SparkError where error.errorClass.hasPrefix("UNRESOLVED_COLUMN") {
            let earlier = items.prefix { $0 != item }
            let names = Self.aliases(of: Array(earlier))
            guard !names.isEmpty else { throw error }
            let scope = resolver.scope
            let replaced = item.replacingAliases(names, deep: true) { scope.matches($0).columns.isEmpty }
            guard replaced != item else { throw error }
            return try body(replaced)
        }
    }

    static func aliases(of items: [Expression]) -> [String: Expression] {
        var result: [String: Expression] = [:]
        for item in items {
            if case .alias(let child, let name, _) = item { result[name.lowercased()] = child }
        }
        return result
    }

    /// A column that only passes keeps its qualifiers; under a new name it is a new column.
    static func origin(of column: ResolvedNamed, _ item: Expression, _ relation: Relation) -> ColumnOrigin {
        guard case .column(let index, _, _) = column.expression, index < relation.origins.count else { return ColumnOrigin() }
        if case .alias = item { return ColumnOrigin() }
        return relation.origins[index]
    }

    /// Adds the plans of what a resolver has set aside (subqueries, then windows), and lets `build` make the operator above them.
    func attached(
        _ resolver: ExpressionResolver, to plan: ResolvedPlan,
        _ build: (_ settle: ([ResolvedNamed]) throws -> [ResolvedNamed], ResolvedPlan) throws -> ResolvedPlan
    ) throws -> ResolvedPlan {
        try attached(resolver.subqueries, resolver.windows, to: plan, rewrite: { $0 }) { settle, plan in
            try build({ try $0.map { ResolvedNamed($0.name, try settle($0.expression)) } }, plan)
        }
    }

    func attached(
        _ subqueries: [PlannedSubquery], _ windows: [WindowCall], to plan: ResolvedPlan,
        rewrite: @escaping (ResolvedExpression) throws -> ResolvedExpression,
        _ build: (_ settle: @escaping (ResolvedExpression) throws -> ResolvedExpression, ResolvedPlan) throws -> ResolvedPlan
    ) throws -> ResolvedPlan {
        var plan = plan
        let subqueryWidth = plan.schema.fields.count
        var values: [ResolvedExpression] = []
        for subquery in subqueries {
            let width = plan.schema.fields.count
            let keys = try subquery.keys.map { key in
                ResolvedJoin.Key(left: try rewrite(key.left), right: key.right, isNullSafe: key.isNullSafe)
            }
            var right = subquery.plan
            var kind = subquery.kind
            if subquery.isScalar {
                kind = .leftOuter
                if subquery.whenEmpty != nil {
                    let fields = right.schema.fields
                    right = .project(
                        fields.enumerated().map { ResolvedNamed($1.name, .column($0, $1.dataType, nullable: $1.nullable)) }
                            + [ResolvedNamed("found", .literal(.boolean(true), .boolean))], right)
                }
            }
            let found = right.schema.fields.count - 1
            // Written for the scope's own width; the plan may have grown by other subqueries' columns since.
            let own = subqueryWidth
            let residual = subquery.residual.map {
                $0.mapColumns { index, type, nullable in
                    .column(index >= own ? index + width - own : index, type, nullable: nullable)
                }
            }
            plan = .join(ResolvedJoin(kind: kind, keys: keys, residual: residual), plan, right)
            let value = ResolvedExpression.column(width, subquery.dataType, nullable: subquery.isNullable)
            if let empty = subquery.whenEmpty {
                let isFound = ResolvedExpression.call(.isNotNull, [.column(width + found, .boolean, nullable: true)], .boolean)
                values.append(.call(.caseWhen, [isFound, value, .literal(empty, subquery.dataType)], subquery.dataType))
            } else {
                values.append(value)
            }
        }
        func settleSubqueries(_ expression: ResolvedExpression) throws -> ResolvedExpression {
            try rewrite(expression).mapColumns { index, type, nullable in
                index >= Placeholder.subquery && index < Placeholder.outer
                    ? values[index - Placeholder.subquery] : .column(index, type, nullable: nullable)
            }
        }
        guard !windows.isEmpty else { return try build(settleSubqueries, plan) }
        let width = plan.schema.fields.count
        plan = .window(try windows.map { try $0.mapExpressions(settleSubqueries) }, plan)
        return try build(
            { expression in
                try settleSubqueries(expression).mapColumns { index, type, nullable in
                    index >= Placeholder.window && index < Placeholder.subquery
                        ? .column(width + index - Placeholder.window, type, nullable: nullable) : .column(index, type, nullable: nullable)
                }
            }, plan)
    }

    // MARK: Filter

    static func condition(_ resolved: ResolvedExpression, _ condition: Expression) throws -> ResolvedExpression {
        switch resolved.dataType {
        case .boolean: return resolved
        case .string, .null: return try FunctionCatalog.explicitCast(resolved, to: .boolean, isTry: false)
        default:
            throw SparkError(
                "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN", sqlState: "42K09",
                "Cannot resolve \"\(condition.prettySQL)\" due to data type mismatch: filter expression \"\(condition.prettySQL)\" of type \"\(resolved.dataType.sql)\" is not a boolean."
            )
        }
    }

    private func filter(_ condition: Expression, _ child: LogicalPlan) throws -> Relation {
        if condition.hasWindow || condition.hasAggregate { return try extended([condition], child) { .filter(.attribute([$0[0]]), $1) } }
        let relation = try resolve(relation: child)
        do {
            return try filtered(condition, relation)
        } catch let error as SparkError where error.errorClass.hasPrefix("UNRESOLVED_COLUMN") {
            guard let relation = try? extended([condition], child, { .filter(.attribute([$0[0]]), $1) }) else { throw error }
            return relation
        }
    }

    private func filtered(_ condition: Expression, _ relation: Relation) throws -> Relation {
        let resolver = ExpressionResolver(relation.scope, plans: self)
        let resolved = try Self.condition(try resolver.resolve(condition), condition)
        let plan = try attached(resolver.subqueries, [], to: relation.plan, rewrite: { $0 }) { settle, plan in
            .filter(try settle(resolved), plan)
        }
        let result = Relation(
            plan, origins: relation.origins + (relation.origins.count..<plan.schema.fields.count).map { _ in ColumnOrigin() })
        return Self.keeping(Array(relation.origins.indices), of: result)
    }

    private func having(_ condition: Expression, _ child: LogicalPlan) throws -> Relation {
        try extended([condition], child) { .filter(.attribute([$0[0]]), $1) }
    }

    /// Operators above a select may name what the select left out: it is added to the select, and dropped again above the operator.
    private func extended(
        _ expressions: [Expression], _ child: LogicalPlan, _ build: ([String], LogicalPlan) -> LogicalPlan
    ) throws -> Relation {
        let names = expressions.indices.map { "\u{1}\($0)" }
        let added = zip(names, expressions).map { NamedExpression($0, $1) }
        guard let wide = try appending(added, to: child) else {
            // A filter whose frame is no select: windows and aggregates have no place there.
            let relation = try resolve(relation: child)
            _ = try ExpressionResolver(relation.scope, plans: self).resolve(expressions[0])
            throw Self.unserved("\(expressions[0].prettySQL) above \(child.operatorName)")
        }
        let relation = try resolve(relation: build(names, wide))
        let kept = relation.schema.fields.indices.filter {
            !relation.schema.fields[$0].name.hasPrefix("\u{1}") || !names.contains(relation.schema.fields[$0].name)
        }
        return Self.keeping(kept, of: relation)
    }

    private func appending(_ added: [NamedExpression], to plan: LogicalPlan) throws -> LogicalPlan? {
        func substituted(_ items: [Expression]) -> [Expression] {
            let names = Self.aliases(of: items)
            return added.map { .alias($0.expression.replacingAliases(names, deep: false) { _ in true }, name: $0.name) }
        }
        switch plan {
        case .project(let items, let child): return .project(items + substituted(items), child)
        case .aggregate(var aggregate, let child):
            aggregate.aggregates += substituted(aggregate.aggregates)
            return .aggregate(aggregate, child)
        case .having(let condition, let child): return try appending(added, to: child).map { .having(condition, $0) }
        case .filter(let condition, let child): return try appending(added, to: child).map { .filter(condition, $0) }
        case .identified(let id, let child): return try appending(added, to: child).map { .identified(id, $0) }
        case .hint(let name, let child): return try appending(added, to: child).map { .hint(name, $0) }
        case .with(let tables, let isRecursive, let child):
            return try appending(added, to: child).map { .with(tables, isRecursive: isRecursive, $0) }
        case .drop(let names, let child):
            return try appending(added, to: child).map { .drop(names, $0) }
        default: return nil
        }
    }

    // MARK: Sort

    private func sort(_ keys: [SortOrder], _ child: LogicalPlan) throws -> Relation {
        let relation = try resolve(relation: child)
        var keys = keys
        if keys.count == 1, case .attribute(let parts, nil) = keys[0].expression, parts.count == 1, parts[0].equalsIgnoringCase("all"),
            relation.scope.matches(parts).columns.isEmpty
        {
            let order = keys[0]
            keys = relation.schema.fields.indices.map {
                SortOrder(.literal(.integer(Int32($0 + 1))), isAscending: order.isAscending, nullsFirst: order.nullsFirst)
            }
        }
        let resolver = ExpressionResolver(relation.scope, plans: self)
        resolver.allowsWindows = true
        var resolved: [ResolvedSortKey?] = []
        var missing: [Int] = []
        var failure: SparkError?
        for (index, key) in keys.enumerated() {
            if case .literal(let literal) = key.expression, let ordinal = literal.integerValue, literal != .null {
                guard relation.schema.fields.indices.contains(ordinal - 1) else {
                    throw SparkError(
                        "ORDER_BY_POS_OUT_OF_RANGE", sqlState: "42805",
                        "ORDER BY position \(ordinal) is not in select list (valid range is [1, \(relation.schema.fields.count)]).")
                }
                resolved.append(
                    ResolvedSortKey(
                        expression: relation.scope.column(ordinal - 1), isAscending: key.isAscending, nullsFirst: key.nullsFirst))
                continue
            }
            do {
                resolved.append(try resolver.sortKey(key))
            } catch let error as SparkError {
                resolved.append(nil)
                missing.append(index)
                failure = failure ?? error
            }
        }
        if let failure {
            let expressions = missing.map { keys[$0].expression }
            do {
                return try extended(expressions, child) { names, wide in
                    var keys = keys
                    for (name, index) in zip(names, missing) { keys[index].expression = .attribute([name]) }
                    return .sort(keys, isGlobal: true, wide)
                }
            } catch let error as SparkError {
                throw error.errorClass == failure.errorClass || error.errorClass.hasPrefix("UNSUPPORTED") ? failure : error
            }
        }
        let sorted = resolved.compactMap { $0 }
        for key in sorted {
            if case .map = key.expression.dataType {
                throw SparkError(
                    "DATATYPE_MISMATCH.INVALID_ORDERING_TYPE", sqlState: "42K09",
                    "Cannot resolve the sort order due to data type mismatch: The `sortorder` does not support ordering on type \"\(key.expression.dataType.sql)\"."
                )
            }
        }
        let plan = try attached(resolver.subqueries, resolver.windows, to: relation.plan, rewrite: { $0 }) { settle, plan in
            .sort(
                try sorted.map {
                    ResolvedSortKey(expression: try settle($0.expression), isAscending: $0.isAscending, nullsFirst: $0.nullsFirst)
                }, plan)
        }
        let result = Relation(
            plan, origins: relation.origins + (relation.origins.count..<plan.schema.fields.count).map { _ in ColumnOrigin() })
        return Self.keeping(Array(relation.origins.indices), of: result)
    }
}

extension Expression {
    /// Replaces names that `isFree` allows by what they stand for.
    func replacingAliases(_ names: [String: Expression], deep: Bool, isFree: ([String]) -> Bool) -> Expression {
        if case .attribute(let parts, nil) = self, let target = names[parts[0].lowercased()], isFree(parts) {
            let replaced =
                deep ? target.replacingAliases(names.filter { $0.key != parts[0].lowercased() }, deep: true, isFree: isFree) : target
            return parts.dropFirst().reduce(replaced) { .extractValue($0, key: .literal(.string($1))) }
        }
        // An aggregate's arguments are columns below the select, never its aliases.
        if !deep, case .function(let name, _, _, _) = self, AggregateCatalog.contains(name) { return self }
        return mapChildren { $0.replacingAliases(names, deep: deep, isFree: isFree) }
    }

    /// The generator under an alias.
    var generatorBase: Expression {
        switch self {
        case .alias(let child, _, _), .multiAlias(let child, _): child.generatorBase
        default: self
        }
    }
}
