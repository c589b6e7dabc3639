internal import IO

extension FunctionCatalog {
    static let json: [FunctionDefinition] = [
        FunctionDefinition("from_json", arity: 2...3, resolve: fromJSON),
        .custom("to_json", arity: 1...2) { call in
            if call.types[0] == .null { return .literal(.null, .string) }
            guard call.types[0].isNested else { throw call.mismatch(0, wanted: "(STRUCT or ARRAY or MAP)") }
            var ignoresNulls = true
            if call.arguments.count == 2 {
                for (key, value) in try options(call.unresolved[1]) {
                    switch key.lowercased() {
                    case "ignorenullfields": ignoresNulls = value.lowercased() != "false"
                    default: throw call.unserved("to_json's option \(key)")
                    }
                }
            }
            return .call(.named("to_json"), [call.arguments[0], .literal(.boolean(ignoresNulls), .boolean)], .string)
        },
        .plain("get_json_object", takes: [.string, .string], gives: .string),
        .plain("json_array_length", takes: [.string], gives: .integer),
        .plain("json_object_keys", takes: [.string], gives: .array(.string, containsNull: true)),
        .plain("schema_of_json", takes: [.constantString, .any], optional: 1, gives: .string),
    ]

    /// The schema of a text: DDL columns, DDL of any type, a JSON schema, or `schema_of_json('…')`.
    private static func schema(_ expression: Expression) throws -> DataType {
        switch expression {
        case .literal(.string(let text)):
            if let type = try? DataType(ddl: text) { return type }
            return .structure(try StructType(ddl: text))
        case .function(let name, let arguments, _, _) where name.equalsIgnoringCase("schema_of_json"):
            guard case .literal(.string(let text))? = arguments.first, let value = try? JSON(parsing: text) else { fallthrough }
            return JSONSchema.type(of: value)
        default:
            throw SparkError(
                "INVALID_SCHEMA.NON_STRING_LITERAL", sqlState: "42K07",
                "The input expression must be a string literal and not null: from_json's schema is a DDL or JSON text.")
        }
    }

    @Sendable private static func fromJSON(_ call: inout FunctionCall) throws -> ResolvedExpression {
        try call.want(0, .string)
        let type = nullable(try schema(call.unresolved[1]))
        var mode = FromJSON.Mode.permissive
        var corrupt = "_corrupt_record"
        if call.unresolved.count == 3 {
            for (key, value) in try options(call.unresolved[2]) {
                switch (key.lowercased(), value.uppercased()) {
                case ("mode", "PERMISSIVE"): mode = .permissive
                case ("mode", "FAILFAST"): mode = .failFast
                case ("mode", _):
                    throw SparkError(
                        "PARSE_MODE_UNSUPPORTED", sqlState: "42601",
                        "The function `from_json` doesn't support the \(value) mode. Acceptable modes are PERMISSIVE and FAILFAST.")
                case ("columnnameofcorruptrecord", _): corrupt = value
                default: throw call.unserved("from_json's option \(key)")
                }
            }
        }
        switch type {
        case .structure(let schema):
            if let field = schema.fields.first(where: { $0.name == corrupt }) {
                guard field.dataType == .string else {
                    throw SparkError(
                        "INVALID_CORRUPT_RECORD_TYPE", sqlState: "42804",
                        "The column `\(corrupt)` for corrupt records must have the nullable STRING type, but got \"\(field.dataType.sql)\"."
                    )
                }
            } else if isScanned(schema) {
                return .fromJSON(call.arguments[0], FromJSON(schema: schema, mode: mode))
            }
        case .array, .map: break
        default:
            throw SparkError(
                "DATATYPE_MISMATCH.INVALID_JSON_SCHEMA", sqlState: "42K09",
                "Cannot resolve \"from_json\" due to data type mismatch: Input schema \"\(type.sql)\" must be a struct, an array, a map or a variant."
            )
        }
        return .call(
            .named("from_json"),
            [call.arguments[0], .literal(.boolean(mode == .failFast), .boolean), .literal(.string(corrupt), .string)], type)
    }

    /// What is parsed may be absent everywhere.
    private static func nullable(_ type: DataType) -> DataType {
        switch type {
        case .structure(let type):
            .structure(StructType(type.fields.map { StructField($0.name, nullable($0.dataType), nullable: true, metadata: $0.metadata) }))
        case .array(let element, _): .array(nullable(element), containsNull: true)
        case .map(let key, let value, _): .map(key: nullable(key), value: nullable(value), valueContainsNull: true)
        default: type
        }
    }

    /// Whether the batch's scan reads every field of the schema; the others go through the general reader.
    static func isScanned(_ schema: StructType) -> Bool {
        schema.fields.allSatisfy { field in
            switch field.dataType {
            case .structure(let type): isScanned(type)
            case .boolean, .byte, .short, .integer, .long, .float, .double, .string, .date, .timestamp: true
            default: false
            }
        }
    }

    /// Options come as `map('mode', 'FAILFAST')`.
    static func options(_ expression: Expression) throws -> [(String, String)] {
        guard case .function(let name, let arguments, _, _) = expression, name.equalsIgnoringCase("map") else {
            throw SparkError("INVALID_OPTIONS.NON_MAP_FUNCTION", sqlState: "42K06", "Must use the `map()` function for options.")
        }
        return try stride(from: 0, to: arguments.count - 1, by: 2).map { index in
            guard case .literal(.string(let key)) = arguments[index], case .literal(.string(let value)) = arguments[index + 1] else {
                throw SparkError(
                    "INVALID_OPTIONS.NON_STRING_TYPE", sqlState: "42K06", "A type of keys and values in `map()` must be string.")
            }
            return (key, value)
        }
    }
}

/// The type of a JSON value as Spark infers it.
enum JSONSchema {
    static func type(of value: JSON) -> DataType { settled(inferred(value)) }

    /// What is null throughout is a string.
    static func settled(_ type: DataType) -> DataType {
        switch type {
        case .null: .string
        case .array(let element, let containsNull): .array(settled(element), containsNull: containsNull)
        case .structure(let type): .structure(StructType(type.fields.map { StructField($0.name, settled($0.dataType)) }))
        default: type
        }
    }

    /// As far as one value tells: null where it is null.
    static func inferred(_ value: JSON) -> DataType {
        switch value {
        case .null: .null
        case .bool: .boolean
        case .integer: .long
        case .number: .double
        case .string: .string
        case .array(let elements): .array(elements.map(inferred).reduce(.null, merged), containsNull: true)
        case .object(let members):
            .structure(StructType(members.sorted { $0.name < $1.name }.map { StructField($0.name, inferred($0.value)) }))
        }
    }

    /// What holds values of both.
    static func merged(_ first: DataType, _ second: DataType) -> DataType {
        if first == second { return first }
        switch (first, second) {
        case (.null, let other), (let other, .null): return other
        case (.long, .double), (.double, .long): return .double
        case (.array(let a, _), .array(let b, _)): return .array(merged(a, b), containsNull: true)
        case (.structure(let a), .structure(let b)):
            var fields = a.fields
            for field in b.fields {
                if let index = fields.firstIndex(where: { $0.name == field.name }) {
                    fields[index].dataType = merged(fields[index].dataType, field.dataType)
                } else {
                    fields.append(field)
                }
            }
            return .structure(StructType(fields.sorted { $0.name < $1.name }))
        default: return .string
        }
    }
}
