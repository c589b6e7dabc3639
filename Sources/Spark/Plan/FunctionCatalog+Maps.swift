/// Maps, and values out of nested values.
extension FunctionCatalog {
    static let maps: [FunctionDefinition] = [
        .custom("map", arity: 0...Int.max) { call in
            guard call.arguments.count % 2 == 0 else {
                throw SparkError(
                    "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", sqlState: "42605",
                    "The `map` requires 2n (n > 0) parameters but the actual number is \(call.arguments.count).")
            }
            if call.arguments.isEmpty { return .call(.named("map"), [], .map(key: .null, value: .null, valueContainsNull: false)) }
            let key = try call.unify(step: 2)
            let value = try call.unify(from: 1, step: 2)
            let isNullable = stride(from: 1, to: call.arguments.count, by: 2).contains { call.arguments[$0].isNullable }
            return .call(.named("map"), call.arguments, .map(key: key, value: value, valueContainsNull: isNullable))
        },
        .custom("map_keys", arity: 1...1) { call in
            try nullAsMap(0, &call)
            guard case .map(let key, _, _) = call.types[0] else { throw call.mismatch(0, wanted: "MAP") }
            return .call(.named("map_keys"), call.arguments, .array(key, containsNull: false))
        },
        .custom("map_values", arity: 1...1) { call in
            try nullAsMap(0, &call)
            guard case .map(_, let value, let containsNull) = call.types[0] else { throw call.mismatch(0, wanted: "MAP") }
            return .call(.named("map_values"), call.arguments, .array(value, containsNull: containsNull))
        },
        .custom("map_entries", arity: 1...1) { call in
            try nullAsMap(0, &call)
            guard case .map(let key, let value, let containsNull) = call.types[0] else { throw call.mismatch(0, wanted: "MAP") }
            let entry = StructType([StructField("key", key, nullable: false), StructField("value", value, nullable: containsNull)])
            return .call(.named("map_entries"), call.arguments, .array(.structure(entry), containsNull: false))
        },
        .custom("map_from_arrays", arity: 2...2) { call in
            for index in 0...1 { try Parameter.array.check(index, &call) }
            guard let key = call.types[0].element, case .array(let value, let containsNull) = call.types[1] else {
                throw call.mismatch(call.types[0].element == nil ? 0 : 1, wanted: "ARRAY")
            }
            return .call(.named("map_from_arrays"), call.arguments, .map(key: key, value: value, valueContainsNull: containsNull))
        },
        .custom("map_from_entries", arity: 1...1) { call in
            guard case .structure(let entry)? = call.types[0].element, entry.fields.count == 2 else {
                throw call.mismatch(0, wanted: "ARRAY of pair STRUCT")
            }
            return .call(
                .named("map_from_entries"), call.arguments,
                .map(key: entry.fields[0].dataType, value: entry.fields[1].dataType, valueContainsNull: entry.fields[1].nullable))
        },
        .custom("map_concat", arity: 0...Int.max) { call in
            if call.arguments.isEmpty { return .call(.named("map"), [], .map(key: .string, value: .string, valueContainsNull: false)) }
            guard call.types.allSatisfy({ if case .map = $0 { true } else { false } }), let type = TypeCoercion.common(of: call.types)
            else {
                throw SparkError(
                    "DATATYPE_MISMATCH.MAP_CONCAT_DIFF_TYPES", sqlState: "42K09",
                    "Cannot resolve \"map_concat\" due to data type mismatch: The `map_concat` should all be of type map, but it's [\(call.types.map { "\"\($0.sql)\"" }.joined(separator: ", "))]."
                )
            }
            for index in call.arguments.indices { try call.cast(index, to: type) }
            return .call(.named("map_concat"), call.arguments, type)
        },
        .custom("map_contains_key", arity: 2...2) { call in
            guard case .map(let key, _, _) = call.types[0] else {
                throw SparkError(
                    "DATATYPE_MISMATCH.MAP_FUNCTION_DIFF_TYPES", sqlState: "42K09",
                    "Cannot resolve \"map_contains_key\" due to data type mismatch: Input to `map_contains_key` should have been \"MAP\" followed by a value with same key type, but it's [\"\(call.types[0].sql)\", \"\(call.types[1].sql)\"]."
                )
            }
            try call.want(1, key)
            return .call(.named("map_contains_key"), call.arguments, .boolean)
        },
    ]

    private static func nullAsMap(_ index: Int, _ call: inout FunctionCall) throws {
        if call.types[index] == .null { try call.cast(index, to: .map(key: .null, value: .null, valueContainsNull: true)) }
    }

    /// `base[key]`, `base.name`: an element, a value, a field, or the fields of an array's structs.
    package static func extractValue(_ base: ResolvedExpression, key: ResolvedExpression) throws -> ResolvedExpression {
        var call = FunctionCall(
            name: "[]", arguments: [base, key], unresolved: [],
            lambdaResolver: { body, _ in
                throw SparkError("INTERNAL_ERROR", sqlState: "XX000", "A lambda \(body.prettySQL) as a key.")
            })
        switch base.dataType {
        case .structure(let type):
            guard case .literal(.string(let name), _) = key else { break }
            return .field(base, index: try index(of: name, in: type), type.fields[try index(of: name, in: type)].dataType)
        case .array(.structure(let type), let containsNull) where key.isText:
            guard case .literal(.string(let name), _) = key else { break }
            let place = try index(of: name, in: type)
            return .call(
                .named("fields_of_elements"), [base, .literal(.integer(Int32(place)), .integer)],
                .array(type.fields[place].dataType, containsNull: containsNull || type.fields[place].nullable))
        case .array(let element, _):
            if !key.dataType.isIntegral, key.dataType != .null { throw call.mismatch(1, wanted: "INTEGRAL") }
            try call.cast(1, to: .integer)
            return .call(.named("getitem"), call.arguments, element)
        case .map(let keyType, let value, _):
            try call.want(1, keyType)
            return .call(.named("getitem"), call.arguments, value)
        case .null: return .literal(.null, .null)
        default: break
        }
        throw SparkError(
            "INVALID_EXTRACT_BASE_FIELD_TYPE", sqlState: "42000",
            "Can't extract a value from a base of type \"\(base.dataType.sql)\"; a complex type [STRUCT, ARRAY, MAP] is wanted.")
    }

    static func index(of name: String, in type: StructType) throws -> Int {
        let matches = type.indices(of: name)
        guard let index = matches.first else {
            throw SparkError(
                "FIELD_NOT_FOUND", sqlState: "42704",
                "No such struct field `\(name)` in \(type.names.map { "`\($0)`" }.joined(separator: ", ")).")
        }
        guard matches.count == 1 else {
            throw SparkError(
                "AMBIGUOUS_REFERENCE_TO_FIELDS", sqlState: "42000",
                "Ambiguous reference to the field `\(name)`. It appears \(matches.count) times in the schema.")
        }
        return index
    }

    /// A struct with a field set, added or (without a value) dropped; dots in the name go down.
    package static func updateField(_ base: ResolvedExpression, name: String, value: ResolvedExpression?) throws -> ResolvedExpression {
        try updateField(base, path: Expression.nameParts(name)[...], value: value)
    }

    private static func updateField(_ base: ResolvedExpression, path: ArraySlice<String>, value: ResolvedExpression?) throws
        -> ResolvedExpression
    {
        guard case .structure(let type) = base.dataType else {
            throw SparkError(
                "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", sqlState: "42K09",
                "Cannot resolve \"update_fields\" due to data type mismatch: the first parameter requires the \"STRUCT\" type, however it has the type \"\(base.dataType.sql)\"."
            )
        }
        var fields = type.fields.enumerated().map { ResolvedNamed($1.name, .field(base, index: $0, $1.dataType)) }
        let name = path[path.startIndex]
        let places = type.indices(of: name)
        if path.count > 1 {
            guard let place = places.first else { _ = try index(of: name, in: type); return base }
            fields[place].expression = try updateField(fields[place].expression, path: path.dropFirst(), value: value)
        } else if let value {
            for place in places { fields[place] = ResolvedNamed(name, value) }
            if places.isEmpty { fields.append(ResolvedNamed(name, value)) }
        } else {
            fields = fields.enumerated().filter { !places.contains($0.offset) }.map(\.element)
            guard !fields.isEmpty else {
                throw SparkError(
                    "DATATYPE_MISMATCH.CANNOT_DROP_ALL_FIELDS", sqlState: "42K09",
                    "Cannot resolve \"update_fields\" due to data type mismatch: cannot drop all fields in struct.")
            }
        }
        let made = ResolvedExpression.structure(fields)
        return base.isNullable ? .call(.caseWhen, [.call(.isNotNull, [base], .boolean), made], made.dataType) : made
    }
}

extension ResolvedExpression {
    fileprivate var isText: Bool {
        if case .literal(.string, _) = self { return true }
        return false
    }
}
