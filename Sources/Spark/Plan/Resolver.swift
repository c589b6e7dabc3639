internal import IO

/// Gives names their ordinals and expressions their types, or says what cannot be resolved and what was near.
package struct Resolver {
    /// The schema of a source, from its format and options.
    let sourceSchema: (DataSourceRead) throws -> StructType

    package init(sourceSchema: @escaping (DataSourceRead) throws -> StructType) {
        self.sourceSchema = sourceSchema
    }

    package func resolve(_ plan: LogicalPlan) throws -> ResolvedPlan {
        switch plan {
        case .read(let read): return .source(read, try sourceSchema(read))
        case .project(let expressions, let child):
            let child = try resolve(child)
            return .project(try expressions.flatMap { try Self.named($0, in: child.schema) }, child)
        case .withColumns(let columns, let child):
            let child = try resolve(child)
            return .project(try withColumns(columns, over: child.schema), child)
        case .renamed(let names, let child):
            let child = try resolve(child)
            return .project(
                child.schema.fields.enumerated().map { index, field in
                    let name = names.first { $0.key.equalsIgnoringCase(field.name) }?.value ?? field.name
                    return ResolvedNamed(name, .column(index, field.dataType, nullable: field.nullable))
                }, child)
        case .drop(let names, let child):
            let child = try resolve(child)
            return .project(
                child.schema.fields.enumerated().compactMap { index, field in
                    names.contains { $0.equalsIgnoringCase(field.name) }
                        ? nil : ResolvedNamed(field.name, .column(index, field.dataType, nullable: field.nullable))
                }, child)
        case .filter(let condition, let child):
            let child = try resolve(child)
            let resolved = try Self.resolve(condition, in: child.schema)
            switch resolved.dataType {
            case .boolean: return .filter(resolved, child)
            case .string, .null: return .filter(.cast(resolved, to: .boolean, isTry: false), child)
            default:
                throw SparkError(
                    "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN", sqlState: "42K09",
                    "Cannot resolve \"\(condition.prettySQL)\" due to data type mismatch: filter expression \"\(condition.prettySQL)\" of type \"\(resolved.dataType.sql)\" is not a boolean."
                )
            }
        case .limit(let count, let child):
            guard count >= 0 else {
                throw SparkError(
                    "INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE", sqlState: "42K0E",
                    "The limit must be equal to or greater than 0, but got \(count).")
            }
            return .limit(count, try resolve(child))
        case .setOperation(SetOperation(.union, isAll: true), let left, let right): return try union(try resolve(left), try resolve(right))
        case .identified(_, let child), .hint(_, let child): return try resolve(child)
        default:
            throw SparkError("UNSUPPORTED_FEATURE", sqlState: "0A000", "\(plan.operatorName) is not served by this engine.")
        }
    }

    private func withColumns(_ columns: [NamedExpression], over schema: StructType) throws -> [ResolvedNamed] {
        var result = schema.fields.enumerated().map {
            ResolvedNamed($1.name, .column($0, $1.dataType, nullable: $1.nullable))
        }
        for column in columns {
            let resolved = try Self.resolve(column.expression, in: schema)
            let places = result.indices.filter { result[$0].name.equalsIgnoringCase(column.name) }
            if places.isEmpty { result.append(ResolvedNamed(column.name, resolved)) }
            for place in places { result[place] = ResolvedNamed(column.name, resolved) }
        }
        return result
    }

    private func union(_ left: ResolvedPlan, _ right: ResolvedPlan) throws -> ResolvedPlan {
        let (a, b) = (left.schema.fields, right.schema.fields)
        guard a.count == b.count else {
            throw SparkError(
                "NUM_COLUMNS_MISMATCH", sqlState: "42826",
                "UNION can only be performed on inputs with the same number of columns, but the first input has \(a.count) columns and the second input has \(b.count) columns."
            )
        }
        var fields: [StructField] = []
        for (index, (x, y)) in zip(a, b).enumerated() {
            guard let type = TypeCoercion.common(x.dataType, y.dataType) else {
                throw SparkError(
                    "INCOMPATIBLE_COLUMN_TYPE", sqlState: "42825",
                    "UNION can only be performed on tables with compatible column types. Column \(index + 1) of the second table is \"\(y.dataType.sql)\" type which is not compatible with \"\(x.dataType.sql)\" at the same column of the first table."
                )
            }
            fields.append(StructField(x.name, type, nullable: x.nullable || y.nullable))
        }
        let schema = StructType(fields)
        return .union(try Self.conform(left, to: schema), try Self.conform(right, to: schema), schema)
    }

    private static func conform(_ plan: ResolvedPlan, to schema: StructType) throws -> ResolvedPlan {
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

    // MARK: Expressions

    /// An element of a select: one column, or the columns of a star.
    static func named(_ expression: Expression, in schema: StructType) throws -> [ResolvedNamed] {
        guard case .star(let target, _) = expression else {
            return [ResolvedNamed(expression.outputName, try resolve(expression, in: schema))]
        }
        if target.isEmpty {
            return schema.fields.enumerated().map { ResolvedNamed($1.name, .column($0, $1.dataType, nullable: $1.nullable)) }
        }
        let base = try attribute(target, in: schema)
        guard case .structure(let type) = base.dataType else {
            throw SparkError(
                "CANNOT_RESOLVE_STAR_EXPAND", sqlState: "42704",
                "Cannot resolve \(target.map { "`\($0)`" }.joined(separator: ".")).* given input columns \(list(schema.names)): it is no struct but \"\(base.dataType.sql)\"."
            )
        }
        return type.fields.enumerated().map { ResolvedNamed($1.name, .field(base, index: $0, $1.dataType)) }
    }

    package static func resolve(
        _ expression: Expression, in schema: StructType, variables: [String: ResolvedExpression] = [:]
    ) throws -> ResolvedExpression {
        func resolve(_ expression: Expression, in schema: StructType) throws -> ResolvedExpression {
            try Self.resolve(expression, in: schema, variables: variables)
        }
        switch expression {
        case .attribute(let parts, _):
            if let variable = variables[parts[0].lowercased()] { return try parts.dropFirst().reduce(variable) { try field($1, of: $0) } }
            return try attribute(parts, in: schema)
        case .lambdaVariable(let name):
            guard let variable = variables[name.lowercased()] else { throw unresolved([name], in: schema) }
            return variable
        case .updateField(let child, let name, let value):
            return try FunctionCatalog.updateField(
                try resolve(child, in: schema), name: name, value: try value.map { try resolve($0, in: schema) })
        case .star:
            throw SparkError("INVALID_USAGE_OF_STAR_OR_REGEX", sqlState: "42000", "Invalid usage of '*' in \(expression.prettySQL).")
        case .literal(let literal): return .literal(literal, literal.dataType)
        case .alias(let child, _, _): return try resolve(child, in: schema)
        case .cast(let child, let to, let isTry):
            return try FunctionCatalog.explicitCast(try resolve(child, in: schema), to: to, isTry: isTry)
        case .extractValue(let child, let key):
            return try FunctionCatalog.extractValue(try resolve(child, in: schema), key: try resolve(key, in: schema))
        case .function(let name, let arguments, false, nil):
            let lowered = name.lowercased()
            var expanded = arguments
            if ["struct", "concat", "coalesce", "concat_ws"].contains(lowered) {
                expanded = try arguments.flatMap { try expandStar($0, in: schema) }
            }
            // Some arguments are read and not evaluated: from_json's schema, options, units, lambdas.
            let evaluated = try expanded.enumerated().map { index, argument in
                if case .lambda = argument { return ResolvedExpression.literal(.null, .null) }
                return try FunctionCatalog.reads(argument: index, of: lowered) ? .literal(.null, .null) : resolve(argument, in: schema)
            }
            return try FunctionCatalog.resolve(name, evaluated, unresolved: expanded) { body, bound in
                try Self.resolve(body, in: schema, variables: variables.merging(bound) { $1 })
            }
        default:
            throw SparkError(
                "UNSUPPORTED_FEATURE", sqlState: "0A000", "The expression \(expression.prettySQL) is not served by this engine.")
        }
    }

    private static func expandStar(_ expression: Expression, in schema: StructType) throws -> [Expression] {
        guard case .star(let target, _) = expression else { return [expression] }
        return try named(expression, in: schema).map { .attribute(target + [$0.name]) }
    }

    static func structFieldName(of expression: Expression, index: Int) -> String {
        switch expression {
        case .alias, .attribute, .extractValue(_, .literal(.string)): expression.outputName
        case .lambdaVariable(let name): name
        default: "col\(index + 1)"
        }
    }

    private static func attribute(_ parts: [String], in schema: StructType) throws -> ResolvedExpression {
        let matches = schema.indices(of: parts[0])
        guard let index = matches.first else { throw unresolved(parts, in: schema) }
        guard matches.count == 1 else {
            throw SparkError(
                "AMBIGUOUS_REFERENCE", sqlState: "42704",
                "Reference `\(parts[0])` is ambiguous, could be: \(list(matches.map { schema.fields[$0].name })).")
        }
        let column = schema.fields[index]
        return try parts.dropFirst().reduce(.column(index, column.dataType, nullable: column.nullable)) { try field($1, of: $0) }
    }

    private static func field(_ name: String, of base: ResolvedExpression) throws -> ResolvedExpression {
        try FunctionCatalog.extractValue(base, key: .literal(.string(name), .string))
    }

    private static func unresolved(_ parts: [String], in schema: StructType) -> SparkError {
        let name = parts.map { "`\($0)`" }.joined(separator: ".")
        guard !schema.fields.isEmpty else {
            return SparkError(
                "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", sqlState: "42703",
                "A column, variable, or function parameter with name \(name) cannot be resolved.")
        }
        let near = schema.names.map { ($0, editDistance($0.lowercased(), parts[0].lowercased())) }.sorted { $0.1 < $1.1 }.prefix(5).map(\.0)
        return SparkError(
            "UNRESOLVED_COLUMN.WITH_SUGGESTION", sqlState: "42703",
            "A column, variable, or function parameter with name \(name) cannot be resolved. Did you mean one of the following? [\(list(near))]."
        )
    }

    private static func list(_ names: [String]) -> String { names.map { "`\($0)`" }.joined(separator: ", ") }
}
