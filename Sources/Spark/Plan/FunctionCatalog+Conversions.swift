extension FunctionCatalog {
    static let conversions: [FunctionDefinition] =
        [
            FunctionDefinition("from_json", arity: 2...3, resolve: fromJSON),
            FunctionDefinition("to_json", arity: 1...1) { call in
                guard case .structure = call.types[0] else {
                    if call.types[0].isNested { throw call.unserved("to_json of \(call.types[0].sql)") }
                    throw call.mismatch(0, wanted: "STRUCT")
                }
                return .call(.toJSON, call.arguments, .string)
            },
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
            parsed("to_date", .date), parsed("to_timestamp", .timestamp),
        ]

    private static func castFunction(_ type: DataType, _ name: String) -> FunctionDefinition {
        FunctionDefinition(name, arity: 1...1) { call in try explicitCast(call.arguments[0], to: type, isTry: false) }
    }

    private static func parsed(_ name: String, _ type: DataType) -> FunctionDefinition {
        FunctionDefinition(name, arity: 1...2) { call in
            guard call.arguments.count == 1 else { throw call.unserved("A format in \(name)") }
            return try explicitCast(call.arguments[0], to: type, isTry: false)
        }
    }

    static func explicitCast(_ child: ResolvedExpression, to type: DataType, isTry: Bool) throws -> ResolvedExpression {
        if child.dataType == type { return child }
        if case .literal(.null, _) = child { return .literal(.null, type) }
        if let reason = TypeCoercion.complaint(casting: child.dataType, to: type) {
            throw SparkError(
                "DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION", sqlState: "42K09",
                "Cannot resolve the cast: cannot cast \"\(child.dataType.sql)\" to \"\(type.sql)\" (\(reason)).")
        }
        return .cast(child, to: type, isTry: isTry)
    }

    @Sendable private static func fromJSON(_ call: inout FunctionCall) throws -> ResolvedExpression {
        try call.want(0, .string)
        guard case .literal(.string(let text)) = call.unresolved[1] else {
            throw SparkError(
                "INVALID_SCHEMA.NON_STRING_LITERAL", sqlState: "42K07",
                "The input expression must be a string literal and not null: from_json's schema is a DDL or JSON text.")
        }
        let schema = try StructType(ddl: text)
        var mode = FromJSON.Mode.permissive
        if call.unresolved.count == 3 { mode = try options(call.unresolved[2], of: call) }
        try check(schema, of: call)
        return .fromJSON(call.arguments[0], FromJSON(schema: schema, mode: mode))
    }

    /// Options come as `map('mode', 'FAILFAST')`.
    private static func options(_ expression: Expression, of call: FunctionCall) throws -> FromJSON.Mode {
        guard case .function(let name, let arguments, _, _) = expression, name.equalsIgnoringCase("map") else {
            throw SparkError("INVALID_OPTIONS.NON_MAP_FUNCTION", sqlState: "42K06", "Must use the `map()` function for options.")
        }
        var mode = FromJSON.Mode.permissive
        for index in stride(from: 0, to: arguments.count - 1, by: 2) {
            guard case .literal(.string(let key)) = arguments[index], case .literal(.string(let value)) = arguments[index + 1] else {
                throw SparkError(
                    "INVALID_OPTIONS.NON_STRING_TYPE", sqlState: "42K06", "A type of keys and values in `map()` must be string.")
            }
            switch (key.lowercased(), value.uppercased()) {
            case ("mode", "PERMISSIVE"): mode = .permissive
            case ("mode", "FAILFAST"): mode = .failFast
            case ("mode", _):
                throw SparkError(
                    "PARSE_MODE_UNSUPPORTED", sqlState: "42601",
                    "The function `from_json` doesn't support the \(value) mode. Acceptable modes are PERMISSIVE and FAILFAST.")
            default: throw call.unserved("from_json's option \(key)")
            }
        }
        return mode
    }

    private static func check(_ schema: StructType, of call: FunctionCall) throws {
        for field in schema.fields {
            switch field.dataType {
            case .structure(let type): try check(type, of: call)
            case .array, .map, .decimal, .binary, .null, .timestampNTZ, .yearMonthInterval, .dayTimeInterval, .calendarInterval:
                throw call.unserved("from_json with the field `\(field.name)` of type \(field.dataType.sql)")
            default: break
            }
        }
    }

    static let others: [FunctionDefinition] = [
        FunctionDefinition("current_timestamp", "now", arity: 0...0) { _ in .call(.currentTimestamp, [], .timestamp) },
        FunctionDefinition("current_date", "curdate", arity: 0...0) { _ in .call(.currentDate, [], .date) },
        FunctionDefinition("uuid", arity: 0...0) { _ in .call(.uuid, [], .string) },
    ]
}
