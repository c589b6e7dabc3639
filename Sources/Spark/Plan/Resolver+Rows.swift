/// What makes several rows of one, or other values of some: generators, unpivot, `na` functions, statistics, `show`.
extension Resolver {
    // MARK: Generators

    /// The operator that a generator becomes, and the columns that it adds.
    private struct PlannedGenerator {
        var fields: [StructField]
        var build: (ResolvedPlan) -> ResolvedPlan
    }

    private func generator(
        _ expression: Expression, names: [String], isOuter: Bool, _ scope: Scope
    ) throws -> PlannedGenerator {
        guard case .function(let name, let arguments, _, _) = expression else {
            throw Self.unserved("The generator \(expression.prettySQL)")
        }
        let resolver = ExpressionResolver(scope, plans: self)
        let resolved = try arguments.map(resolver.resolve)
        guard resolver.subqueries.isEmpty else { throw Self.unserved("A subquery in a generator") }
        var lowered = name.lowercased()
        var isOuter = isOuter
        if lowered.hasSuffix("_outer") {
            lowered.removeLast("_outer".count)
            isOuter = true
        }
        func named(_ fields: [StructField]) throws -> [StructField] {
            guard !names.isEmpty else { return fields }
            guard names.count == fields.count else {
                throw SparkError(
                    "UDTF_ALIAS_NUMBER_MISMATCH", sqlState: "42802",
                    "The number of aliases supplied in the AS clause does not match the number of columns output by the UDTF. Expected \(fields.count) aliases, but got \(names.joined(separator: ",")). Please ensure that the number of aliases provided matches the number of columns output by the UDTF."
                )
            }
            return zip(fields, names).map { StructField($1, $0.dataType, nullable: $0.nullable) }
        }
        func wanted(_ count: ClosedRange<Int>) throws {
            guard count.contains(resolved.count) else {
                throw SparkError(
                    "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", sqlState: "42605",
                    "The `\(lowered)` requires \(count.lowerBound == count.upperBound ? "\(count.lowerBound)" : "> \(count.lowerBound - 1)") parameters but the actual number is \(resolved.count)."
                )
            }
        }
        func mismatch(_ wanted: String) -> SparkError {
            SparkError(
                "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", sqlState: "42K09",
                "Cannot resolve \"\(expression.prettySQL)\" due to data type mismatch: The first parameter requires the \(wanted) type, however \"\(arguments[0].prettySQL)\" has the type \"\(resolved[0].dataType.sql)\"."
            )
        }
        func generated(_ kind: ResolvedGenerator.Kind, _ fields: [StructField]) throws -> PlannedGenerator {
            let fields = try named(fields)
            let generator = ResolvedGenerator(kind: kind, isOuter: isOuter, arguments: resolved, fields: fields)
            return PlannedGenerator(fields: fields) { .generate(generator, $0) }
        }
        switch lowered {
        case "explode", "posexplode":
            try wanted(1...1)
            var fields: [StructField]
            switch resolved[0].dataType {
            case .array(let element, let containsNull): fields = [StructField("col", element, nullable: containsNull || isOuter)]
            case .map(let key, let value, let containsNull):
                fields = [StructField("key", key, nullable: isOuter), StructField("value", value, nullable: containsNull || isOuter)]
            default: throw mismatch("(\"ARRAY\" or \"MAP\")")
            }
            if lowered == "posexplode" { fields.insert(StructField("pos", .integer, nullable: isOuter), at: 0) }
            return try generated(.explode(withPosition: lowered == "posexplode"), fields)
        case "inline":
            try wanted(1...1)
            guard case .array(.structure(let type), _) = resolved[0].dataType else { throw mismatch("\"ARRAY<STRUCT>\"") }
            return try generated(.inline, type.fields.map { StructField($0.name, $0.dataType, nullable: true) })
        case "json_tuple":
            try wanted(2...Int.max)
            let keys = try resolved.dropFirst().map { key -> String in
                guard case .literal(.string(let text), _) = key else { throw Self.unserved("json_tuple with a name that is no constant") }
                return text
            }
            let scan = FromJSON(schema: StructType(keys.map { StructField($0, .string) }), mode: .permissive)
            let fields = try named(keys.indices.map { StructField("c\($0)", .string) })
            let values = keys.indices.map { ResolvedExpression.field(.fromJSON(resolved[0], scan), index: $0, .string) }
            return PlannedGenerator(fields: fields) { child in
                .project(
                    child.schema.fields.enumerated().map { ResolvedNamed($1.name, .column($0, $1.dataType, nullable: $1.nullable)) }
                        + zip(fields, values).map { ResolvedNamed($0.name, $1) }, child)
            }
        case "stack":
            try wanted(2...Int.max)
            guard let count = PlanCompiler.constant(resolved[0])?.integerValue, count > 0 else {
                throw Self.unserved("stack with a number of rows that is no positive constant")
            }
            let values = Array(resolved.dropFirst())
            let width = (values.count + count - 1) / count
            var fields: [StructField] = []
            for column in 0..<width {
                let types = stride(from: column, to: values.count, by: width).map { values[$0].dataType }
                guard let type = TypeCoercion.common(of: types) else { throw mismatch("same") }
                fields.append(StructField("col\(column)", type))
            }
            let rows = try (0..<count).map { row in
                try (0..<width).map { column -> ResolvedExpression in
                    let index = row * width + column
                    let type = fields[column].dataType
                    return index < values.count
                        ? try FunctionCatalog.explicitCast(values[index], to: type, isTry: false) : .literal(.null, type)
                }
            }
            let outputs = try named(fields)
            return PlannedGenerator(fields: outputs) { child in
                let own = child.schema.fields.enumerated().map { ResolvedExpression.column($0, $1.dataType, nullable: $1.nullable) }
                return .expand(rows.map { own + $0 }, StructType(child.schema.fields + outputs), child)
            }
        default: throw Self.unserved("The generator \(name)")
        }
    }

    func generate(_ generate: Generate, _ child: LogicalPlan) throws -> Relation {
        let relation = try resolve(relation: child)
        let planned = try generator(generate.generator, names: generate.names, isOuter: generate.isOuter, relation.scope)
        let origin = ColumnOrigin(qualifiers: generate.qualifier.map { [[$0]] } ?? [])
        return Relation(planned.build(relation.plan), origins: relation.origins + planned.fields.map { _ in origin })
    }

    /// A select with generators among its elements: each spreads the rows that the one before it made.
    func projectGenerating(_ items: [Expression], _ child: LogicalPlan) throws -> Relation {
        let relation = try resolve(relation: child)
        var plan = relation.plan
        let resolver = ExpressionResolver(relation.scope, plans: self)
        var columns: [ResolvedNamed] = []
        var origins: [ColumnOrigin] = []
        for item in items {
            guard Generators.isGenerator(item.generatorBase) else {
                let found = try resolver.named(item)
                columns += found
                origins += found.map { Self.origin(of: $0, item, relation) }
                continue
            }
            var names: [String] = []
            switch item {
            case .alias(_, let name, _): names = [name]
            case .multiAlias(_, let given): names = given
            default: break
            }
            let planned = try generator(item.generatorBase, names: names, isOuter: false, relation.scope)
            let width = plan.schema.fields.count
            plan = planned.build(plan)
            columns += planned.fields.enumerated().map { ResolvedNamed($1.name, .column(width + $0, $1.dataType, nullable: $1.nullable)) }
            origins += planned.fields.map { _ in ColumnOrigin() }
        }
        guard resolver.subqueries.isEmpty else { throw Self.unserved("A subquery beside a generator") }
        return Relation(.project(columns, plan), origins: origins)
    }

    // MARK: Unpivot

    func unpivot(_ unpivot: Unpivot, _ child: LogicalPlan) throws -> Relation {
        let relation = try resolve(relation: child)
        let resolver = ExpressionResolver(relation.scope)
        let ids = try unpivot.ids.flatMap { id -> [ResolvedNamed] in
            // SQL's UNPIVOT keeps every column that it does not name.
            guard case .function("\u{3}others", let named, _, _) = id else { return try resolver.named(id) }
            let taken = try named.flatMap(\.children).map(resolver.resolve)
            return relation.schema.fields.indices.filter { !taken.contains(relation.scope.column($0)) }
                .map { ResolvedNamed(relation.schema.fields[$0].name, relation.scope.column($0)) }
        }
        let values: [ResolvedNamed]
        if let given = unpivot.values {
            values = try given.flatMap { try resolver.named($0) }
        } else {
            let taken = Set(ids.map(\.expression))
            values = relation.schema.fields.indices.map { ResolvedNamed(relation.schema.fields[$0].name, relation.scope.column($0)) }
                .filter { !taken.contains($0.expression) }
        }
        guard !values.isEmpty else {
            throw SparkError(
                "UNPIVOT_REQUIRES_VALUE_COLUMNS", sqlState: "42K0B",
                "At least one value column needs to be specified for UNPIVOT, all columns specified as ids.")
        }
        guard let type = TypeCoercion.common(of: values.map(\.expression.dataType)) else {
            throw SparkError(
                "UNPIVOT_VALUE_DATA_TYPE_MISMATCH", sqlState: "42K09",
                "Unpivot value columns must share a least common type, some types do not: [\(values.map { "\"\($0.expression.dataType.sql)\" (`\($0.name)`)" }.joined(separator: ", "))]."
            )
        }
        let fields =
            ids.map { StructField($0.name, $0.expression.dataType, nullable: $0.expression.isNullable) }
            + [StructField(unpivot.variableName, .string, nullable: false), StructField(unpivot.valueName, type)]
        let rows = try values.map { value in
            ids.map(\.expression)
                + [.literal(.string(value.name), .string), try FunctionCatalog.explicitCast(value.expression, to: type, isTry: false)]
        }
        return Relation(.expand(rows, StructType(fields), relation.plan))
    }

    // MARK: df.na

    private func columns(_ names: [String], of relation: Relation) throws -> [Int] {
        if names.isEmpty { return Array(relation.schema.fields.indices) }
        return try names.map { name in
            let found = relation.scope.matches(Expression.nameParts(name))
            guard let index = found.columns.first else { throw relation.scope.unresolved([name]) }
            guard found.columns.count == 1 else { throw relation.scope.ambiguous([name], found.columns) }
            return index
        }
    }

    private func replacing(_ relation: Relation, _ replacements: [Int: ResolvedExpression]) -> Relation {
        Relation(
            .project(
                relation.schema.fields.enumerated().map { ResolvedNamed($1.name, replacements[$0] ?? relation.scope.column($0)) },
                relation.plan),
            origins: relation.origins)
    }

    private static func isFillable(_ type: DataType, by value: Literal) -> Bool {
        switch value {
        case .string: type == .string
        case .boolean: type == .boolean
        default: type.isNumeric
        }
    }

    func fillNulls(_ names: [String], _ values: [Literal], _ child: LogicalPlan) throws -> Relation {
        let relation = try resolve(relation: child)
        let targets = try columns(names, of: relation)
        var replacements: [Int: ResolvedExpression] = [:]
        for (place, index) in targets.enumerated() {
            let value = values.count == 1 ? values[0] : values[place]
            let type = relation.schema.fields[index].dataType
            guard Self.isFillable(type, by: value) || values.count > 1 else { continue }
            let column = relation.scope.column(index)
            let fill = try FunctionCatalog.explicitCast(.literal(value, value.dataType), to: type, isTry: false)
            var filled = ResolvedExpression.call(.coalesce, [column, fill], type)
            if type.isFractional { filled = .call(.caseWhen, [.call(.isNaN, [column], .boolean), fill, filled], type) }
            replacements[index] = filled
        }
        return replacing(relation, replacements)
    }

    func dropNulls(_ names: [String], _ minNonNulls: Int?, _ child: LogicalPlan) throws -> Relation {
        var relation = try resolve(relation: child)
        let targets = try columns(names, of: relation)
        let tests = targets.map { index -> ResolvedExpression in
            let column = relation.scope.column(index)
            let isThere = ResolvedExpression.call(.isNotNull, [column], .boolean)
            return relation.schema.fields[index].dataType.isFractional
                ? .call(.and, [isThere, .call(.not, [.call(.isNaN, [column], .boolean)], .boolean)], .boolean) : isThere
        }
        let condition: ResolvedExpression?
        if let minNonNulls, minNonNulls < tests.count {
            let ones = tests.map {
                ResolvedExpression.call(.caseWhen, [$0, .literal(.integer(1), .integer), .literal(.integer(0), .integer)], .integer)
            }
            let total = ones.dropFirst().reduce(ones.first) { sum, one in sum.map { .call(.add, [$0, one], .integer) } }
            condition = total.map { .call(.greaterOrEqual, [$0, .literal(.integer(Int32(clamping: minNonNulls)), .integer)], .boolean) }
        } else {
            condition = ResolvedExpression.conjunction(tests)
        }
        if let condition { relation.plan = .filter(condition, relation.plan) }
        return relation
    }

    func replaceValues(_ names: [String], _ replacements: [Replacement], _ child: LogicalPlan) throws -> Relation {
        let relation = try resolve(relation: child)
        var changed: [Int: ResolvedExpression] = [:]
        for index in try columns(names, of: relation) {
            let type = relation.schema.fields[index].dataType
            let column = relation.scope.column(index)
            var cases: [ResolvedExpression] = []
            for replacement in replacements {
                let isNull = replacement.old == .null
                guard isNull ? type.isNumeric || type == .string || type == .boolean : Self.isFillable(type, by: replacement.old) else {
                    continue
                }
                let old = replacement.old
                let test: ResolvedExpression
                if isNull {
                    test = .call(.isNull, [column], .boolean)
                } else {
                    test = try FunctionCatalog.resolve(
                        "==", [column, .literal(old, old.dataType)], unresolved: [.literal(.null), .literal(old)])
                }
                cases.append(test)
                cases.append(try FunctionCatalog.explicitCast(.literal(replacement.new, replacement.new.dataType), to: type, isTry: false))
            }
            if !cases.isEmpty { changed[index] = .call(.caseWhen, cases + [column], type) }
        }
        return replacing(relation, changed)
    }

    // MARK: Statistics

    func statistics(_ statistics: Statistics, _ child: LogicalPlan) throws -> Relation {
        func single(_ item: Expression) throws -> Relation { try aggregate(Aggregate([], [item], includesKeys: false), child) }
        func column(_ name: String) -> Expression { .attribute(Expression.nameParts(name)) }
        switch statistics {
        case .describe(let names): return try summary(names, ["count", "mean", "stddev", "min", "max"], child)
        case .summary(let statistics):
            return try summary(
                [], statistics.isEmpty ? ["count", "mean", "stddev", "min", "25%", "50%", "75%", "max"] : statistics, child)
        case .covariance(let a, let b): return try single(.alias(.call("covar_samp", column(a), column(b)), name: "cov"))
        case .correlation(let a, let b, let method):
            guard method.isEmpty || method.equalsIgnoringCase("pearson") else { throw Self.unserved("Correlation by \(method)") }
            return try single(.alias(.call("corr", column(a), column(b)), name: "corr"))
        case .approximateQuantiles(let names, let probabilities, _):
            let list = Literal.array(probabilities.map { .double($0) }, element: .double)
            let quantiles = names.map { name in
                Expression.call("percentile_approx", .cast(column(name), to: .double, isTry: false), .literal(list))
            }
            return try single(.alias(.function(name: "array", arguments: quantiles), name: "approx_quantile"))
        case .frequentItems(let names, let support):
            let relation = try resolve(relation: child)
            let targets = try columns(names, of: relation)
            let calls = targets.map { index -> AggregateCall in
                let field = relation.schema.fields[index]
                return AggregateCall(
                    function: .frequentItems(support), name: "\(field.name)_freqItems", arguments: [relation.scope.column(index)],
                    dataType: .array(field.dataType, containsNull: true), isNullable: true)
            }
            return Relation(.aggregate(ResolvedAggregate(keys: [], calls: calls), relation.plan))
        case .sampleBy(let stratum, let fractions, let seed):
            var cases: [Expression] = []
            for (value, fraction) in fractions.sorted(by: { $0.key.prettySQL < $1.key.prettySQL }) {
                cases += [.call("==", stratum, .literal(value)), .literal(.double(fraction))]
            }
            guard !cases.isEmpty else { return try resolve(relation: .filter(.literal(.boolean(false)), child)) }
            let fraction = Expression.function(name: "when", arguments: cases + [.literal(.double(0))])
            return try resolve(relation: .filter(.call("<", .call("rand", .literal(.long(seed))), fraction), child))
        case .crosstab: throw Self.unserved("A crosstab here")
        }
    }

    /// One row a statistic, all as texts.
    private func summary(_ names: [String], _ statistics: [String], _ child: LogicalPlan) throws -> Relation {
        let relation = try resolve(relation: child)
        let targets = try columns(names, of: relation).filter {
            relation.schema.fields[$0].dataType.isNumeric || relation.schema.fields[$0].dataType == .string
        }
        let resolver = ExpressionResolver(relation.scope)
        resolver.allowsAggregates = true
        var rows: [[ResolvedExpression]] = []
        for statistic in statistics {
            var row: [ResolvedExpression] = [.literal(.string(statistic), .string)]
            for index in targets {
                let field = relation.schema.fields[index]
                let column = relation.scope.column(index)
                let number = try FunctionCatalog.explicitCast(column, to: .double, isTry: field.dataType == .string)
                let name: String
                var arguments = [column]
                switch statistic.lowercased() {
                case "count", "min", "max", "count_distinct", "approx_count_distinct": name = statistic.lowercased()
                case "mean", "stddev":
                    name = statistic.lowercased()
                    arguments = [number]
                default:
                    guard statistic.hasSuffix("%"), let percent = Double(statistic.dropLast()), (0...100).contains(percent) else {
                        throw SparkError("INVALID_PARAMETER_VALUE", sqlState: "22023", "'\(statistic)' is not a recognised statistic.")
                    }
                    name = "percentile_approx"
                    arguments = [field.dataType == .string ? number : column, .literal(.double(percent / 100), .double)]
                }
                let call = try AggregateCatalog.resolve(name, arguments, order: [], isDistinct: false, filter: nil, displayName: name)
                let value = resolver.added(call)
                row.append(try FunctionCatalog.explicitCast(value, to: .string, isTry: false))
            }
            rows.append(row)
        }
        let fields =
            [StructField("summary", .string, nullable: false)] + targets.map { StructField(relation.schema.fields[$0].name, .string) }
        let aggregate = ResolvedPlan.aggregate(ResolvedAggregate(keys: [], calls: resolver.aggregates), relation.plan)
        return Relation(
            .expand(
                rows.map { row in
                    row.map { expression in
                        expression.mapColumns { index, type, nullable in .column(index - Placeholder.aggregate, type, nullable: nullable) }
                    }
                }, StructType(fields), aggregate))
    }

    // MARK: Show

    func show(_ format: ShowFormat, _ child: LogicalPlan) throws -> Relation {
        let relation = try resolve(relation: child)
        return Relation(.show(format, .limit(format.rows + 1, relation.plan)))
    }
}
