/// Arrays.
extension FunctionCatalog {
    static let collections: [FunctionDefinition] = [
        .custom("array", arity: 0...Int.max) { call in
            if call.arguments.isEmpty { return .call(.named("array"), [], .array(.null, containsNull: false)) }
            let type = try call.unify()
            return .call(.named("array"), call.arguments, .array(type, containsNull: call.arguments.contains(where: \.isNullable)))
        },
        .custom("array_contains", arity: 2...2) { call in try withElement(&call, "array_contains", .boolean) },
        .custom("array_position", arity: 2...2) { call in try withElement(&call, "array_position", .long) },
        .custom("array_remove", arity: 2...2) { call in try withElement(&call, "array_remove", nil) },
        .custom("array_append", arity: 2...2) { call in try withElement(&call, "array_append", nil, adds: true) },
        .custom("array_prepend", arity: 2...2) { call in try withElement(&call, "array_prepend", nil, adds: true) },
        .custom("array_insert", arity: 3...3) { call in
            try call.want(1, .integer)
            call.arguments.swapAt(1, 2)
            guard case .call(let op, let arguments, let type) = try withElement(&call, "array_insert", nil, adds: true) else {
                throw call.mismatch(0, wanted: "ARRAY")
            }
            return .call(op, [arguments[0], arguments[2], arguments[1]], .array(type.element ?? .null, containsNull: true))
        },
        .plain("array_distinct", takes: [.array], gives: .same(0)), .plain("array_compact", takes: [.array], gives: .same(0)),
        .custom("array_max", arity: 1...1) { try extremeElement(&$0, "array_max") },
        .custom("array_min", arity: 1...1) { try extremeElement(&$0, "array_min") },
        .plain(
            "array_join", takes: [.type(.array(.string, containsNull: true)), .string, .string], optional: 1, gives: .string),
        .custom("array_repeat", arity: 2...2) { call in
            try call.want(1, .integer)
            return .call(.named("array_repeat"), call.arguments, .array(call.types[0], containsNull: call.arguments[0].isNullable))
        },
        .plain("array_size", takes: [.array], gives: .integer),
        .custom("size", "cardinality", arity: 1...1) { call in
            switch call.types[0] {
            case .array, .map: return .call(.named("size"), call.arguments, .integer)
            case .null: return .literal(.null, .integer)
            default: throw call.mismatch(0, wanted: "(ARRAY or MAP)")
            }
        },
        .custom("reverse", arity: 1...1) { call in
            if call.types[0].element != nil { return .call(.named("reverse_array"), call.arguments, call.types[0]) }
            try call.want(0, .string)
            return .call(.named("reverse"), call.arguments, .string)
        },
        .plain("slice", takes: [.array, .int, .int], gives: .same(0)),
        .custom("flatten", arity: 1...1) { call in
            guard case .array(let inner, _) = call.types[0], case .array(let element, let containsNull) = inner else {
                throw call.mismatch(0, wanted: "ARRAY of ARRAY")
            }
            return .call(.named("flatten"), call.arguments, .array(element, containsNull: containsNull))
        },
        .custom("sort_array", arity: 1...2) { call in
            try Parameter.array.check(0, &call)
            try orderable(call.types[0], call)
            if call.arguments.count == 2 { try call.want(1, .boolean) }
            return .call(.named("sort_array"), call.arguments, call.types[0])
        },
        .custom("shuffle", arity: 1...2) { call in
            try Parameter.array.check(0, &call)
            if call.arguments.count == 2 { try call.want(1, .long) }
            return .call(.named("shuffle"), call.arguments, call.types[0])
        },
        .custom("sequence", arity: 2...3, sequence),
        .custom("element_at", arity: 2...2) { call in
            if case .map(let key, let value, _) = call.types[0] {
                try call.want(1, key)
                return .call(.named("getitem"), call.arguments, value)
            }
            guard case .array(let element, _) = call.types[0] else { throw call.mismatch(0, wanted: "(ARRAY or MAP)") }
            try call.want(1, .integer)
            return .call(.named("element_at"), call.arguments, element)
        },
        .custom("get", arity: 2...2) { call in
            guard let element = call.types[0].element else { throw call.mismatch(0, wanted: "ARRAY") }
            try call.want(1, .integer)
            return .call(.named("get"), call.arguments, element)
        },
    ]

    /// Sets made of arrays, and arrays side by side.
    static let arraySets: [FunctionDefinition] =
        ["array_union", "array_intersect", "array_except"].map { name in
            FunctionDefinition(name, arity: 2...2) { call in
                guard call.types[0].element != nil, call.types[1].element != nil, TypeCoercion.common(call.types[0], call.types[1]) != nil
                else {
                    throw SparkError(
                        "DATATYPE_MISMATCH.BINARY_ARRAY_DIFF_TYPES", sqlState: "42K09",
                        "Cannot resolve \"\(name)\" due to data type mismatch: Input to function `\(name)` should have been two \"ARRAY\" with same element type, but it's [\"\(call.types[0].sql)\", \"\(call.types[1].sql)\"]."
                    )
                }
                let type = try call.unify()
                return .call(.named(name), call.arguments, type)
            }
        } + [
            .custom("arrays_overlap", arity: 2...2) { call in
                for index in 0...1 { try Parameter.array.check(index, &call) }
                _ = try call.unify()
                return .call(.named("arrays_overlap"), call.arguments, .boolean)
            },
            .custom("arrays_zip", arity: 0...Int.max) { call in
                var fields: [StructField] = []
                for index in call.arguments.indices {
                    try Parameter.array.check(index, &call)
                    guard let element = call.types[index].element else { throw call.mismatch(index, wanted: "ARRAY") }
                    let name: String
                    switch call.unresolved[index] {
                    case .alias, .attribute: name = call.unresolved[index].outputName
                    default: name = "\(index)"
                    }
                    fields.append(StructField(name, element))
                }
                return .call(.named("arrays_zip"), call.arguments, .array(.structure(StructType(fields)), containsNull: false))
            },
        ]

    /// An array and one more value of its elements' type.
    private static func withElement(
        _ call: inout FunctionCall, _ name: String, _ result: DataType?, adds: Bool = false
    ) throws -> ResolvedExpression {
        if call.types[0] == .null, result != nil { throw nullTyped(name) }
        if call.types[0] == .null, adds, name != "array_insert" { throw call.mismatch(0, wanted: "ARRAY") }
        guard let element = call.types[0].element, let type = TypeCoercion.common(element, call.types[1]) else {
            throw SparkError(
                "DATATYPE_MISMATCH.ARRAY_FUNCTION_DIFF_TYPES", sqlState: "42K09",
                "Cannot resolve \"\(name)\" due to data type mismatch: Input to `\(name)` should have been \"ARRAY\" followed by a value with same element type, but it's [\"\(call.types[0].sql)\", \"\(call.types[1].sql)\"]."
            )
        }
        if call.types[1] == .null, result != nil { throw nullTyped(name) }
        let containsNull: Bool = if case .array(_, let contains) = call.types[0] { contains } else { true }
        let array = DataType.array(type, containsNull: containsNull || adds && call.arguments[1].isNullable)
        try call.cast(0, to: array)
        try call.cast(1, to: type)
        return .call(.named(name), call.arguments, result ?? array)
    }

    private static func nullTyped(_ name: String) -> SparkError {
        SparkError(
            "DATATYPE_MISMATCH.NULL_TYPE", sqlState: "42K09",
            "Cannot resolve \"\(name)\" due to data type mismatch: Null typed values cannot be used as arguments of `\(name)`.")
    }

    private static func extremeElement(_ call: inout FunctionCall, _ name: String) throws -> ResolvedExpression {
        try Parameter.array.check(0, &call)
        guard let element = call.types[0].element else { throw call.mismatch(0, wanted: "ARRAY") }
        try orderable(element, call)
        return .call(.named(name), call.arguments, element)
    }

    @Sendable private static func sequence(_ call: inout FunctionCall) throws -> ResolvedExpression {
        if call.types[0].isMoment || call.types[1].isMoment {
            var type: DataType =
                call.types[0] == .date && call.types[1] == .date ? .date : call.types.contains(.timestampNTZ) ? .timestampNTZ : .timestamp
            if type == .date, call.arguments.count == 3, case .dayTimeInterval(let range) = call.types[2], range.end != .day {
                type = .timestamp
            }
            for index in 0...1 { try call.want(index, type) }
            if call.arguments.count == 2 {
                call.arguments.append(
                    .literal(.dayTimeInterval(DateTimeText.microsPerDay, .init(.day, .day)), .dayTimeInterval(.init(.day, .day))))
            }
            if call.types[2] == .string { try call.cast(2, to: .calendarInterval) }
            guard call.types[2].isInterval else { throw call.mismatch(2, wanted: "INTERVAL") }
            return .call(.named("sequence"), call.arguments, .array(type, containsNull: false))
        }
        for index in call.arguments.indices { try Parameter.integral.check(index, &call) }
        let type = try call.unify()
        return .call(.named("sequence"), call.arguments, .array(type, containsNull: false))
    }
}
