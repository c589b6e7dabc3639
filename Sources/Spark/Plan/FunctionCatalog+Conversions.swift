extension FunctionCatalog {
    static let conversions: [FunctionDefinition] =
        [
            FunctionDefinition("struct", arity: 1...Int.max) { call in
                .structure(
                    zip(call.arguments, call.unresolved).enumerated().map { index, pair in
                        ResolvedNamed(Resolver.structFieldName(of: pair.1, index: index), pair.0)
                    })
            },
            FunctionDefinition("named_struct", arity: 2...Int.max) { call in
                guard call.arguments.count % 2 == 0 else {
                    throw SparkError(
                        "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", sqlState: "42605",
                        "The `named_struct` requires 2n (n > 0) parameters but the actual number is \(call.arguments.count).")
                }
                return .structure(
                    try stride(from: 0, to: call.arguments.count, by: 2).map { index in
                        guard case .literal(.string(let name), _) = call.arguments[index] else {
                            throw call.mismatch(index, wanted: "STRING literal")
                        }
                        return ResolvedNamed(name, call.arguments[index + 1])
                    })
            },
            castFunction(.boolean, "boolean"), castFunction(.byte, "tinyint"), castFunction(.short, "smallint"),
            castFunction(.integer, "int"),
            castFunction(.long, "bigint"), castFunction(.float, "float"), castFunction(.double, "double"), castFunction(.string, "string"),
            castFunction(.binary, "binary"), castFunction(.date, "date"), castFunction(.timestamp, "timestamp"),
            castFunction(.decimal(precision: 10, scale: 0), "decimal"),
        ]

    private static func castFunction(_ type: DataType, _ name: String) -> FunctionDefinition {
        FunctionDefinition(name, arity: 1...1) { call in try explicitCast(call.arguments[0], to: type, isTry: false) }
    }

    static func explicitCast(_ child: ResolvedExpression, to type: DataType, isTry: Bool) throws -> ResolvedExpression {
        if child.dataType == type { return child }
        if case .literal(.null, _) = child { return .literal(.null, type) }
        if let reason = TypeCoercion.complaint(casting: child.dataType, to: type) {
            let from = child.dataType
            // Spark names the way that there is: a function, or its setting for casts that ANSI mode forbids.
            let isNumberOfMoment =
                from.isNumeric && type == .date || from == .date && type.isNumeric || from == .timestampNTZ && type.isNumeric
                || from.isNumeric && type == .timestampNTZ
            let isForbidden = from.isIntegral && type == .binary || from == .date && type == .boolean
            throw SparkError(
                "DATATYPE_MISMATCH.CAST_\(isNumberOfMoment ? "WITH_FUNC" : isForbidden ? "WITH_CONF" : "WITHOUT")_SUGGESTION",
                sqlState: "42K09",
                "Cannot resolve the cast: cannot cast \"\(child.dataType.sql)\" to \"\(type.sql)\" (\(reason)).")
        }
        return .cast(child, to: type, isTry: isTry)
    }

    static let others: [FunctionDefinition] = [
        FunctionDefinition("current_timestamp", "now", arity: 0...0) { _ in .call(.currentTimestamp, [], .timestamp) },
        FunctionDefinition("current_date", "curdate", arity: 0...0) { _ in .call(.currentDate, [], .date) },
        FunctionDefinition("uuid", arity: 0...0) { _ in .call(.uuid, [], .string) },
        .custom("typeof", arity: 1...1) { call in .literal(.string(call.types[0].simpleString), .string) },
        .custom("version", arity: 0...0) { _ in .literal(.string("4.0.0 leat"), .string) },
        .custom("current_catalog", arity: 0...0) { _ in .literal(.string("spark_catalog"), .string) },
        .custom("current_database", "current_schema", arity: 0...0) { _ in .literal(.string("default"), .string) },
        .plain("monotonically_increasing_id", takes: [], gives: .long), .plain("input_file_name", takes: [], gives: .string),
        // All rows of a batch are one partition.
        .custom("spark_partition_id", arity: 0...0) { _ in .literal(.integer(0), .integer) },
        .plain("raise_error", takes: [.string], gives: .null),
        .custom("assert_true", arity: 1...2) { call in
            try call.want(0, .boolean)
            if call.arguments.count == 1 {
                call.arguments.append(
                    .literal(.string("'\(call.unresolved[0].prettySQL.replacingOuterParentheses)' is not true!"), .string))
            }
            try call.want(1, .string)
            let raised = ResolvedExpression.call(.named("raise_error"), [call.arguments[1]], .null)
            return .call(.caseWhen, [call.arguments[0], .literal(.null, .null), raised], .null)
        },
    ]
}

extension String {
    /// Without the parentheses that surround all of it.
    fileprivate var replacingOuterParentheses: String {
        hasPrefix("(") && hasSuffix(")") ? String(dropFirst().dropLast()) : self
    }
}
