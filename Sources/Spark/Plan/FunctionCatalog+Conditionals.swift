extension FunctionCatalog {
    static let conditionals: [FunctionDefinition] = [
        FunctionDefinition("isnull", arity: 1...1) { .call(.isNull, $0.arguments, .boolean) },
        FunctionDefinition("isnotnull", arity: 1...1) { .call(.isNotNull, $0.arguments, .boolean) },
        FunctionDefinition("isnan", arity: 1...1) { call in
            if call.types[0] != .float { try call.want(0, .double) }
            return .call(.isNaN, call.arguments, .boolean)
        },
        FunctionDefinition("when", arity: 2...Int.max) { call in
            for index in stride(from: 0, to: call.arguments.count - 1, by: 2) { try call.want(index, .boolean) }
            var values = call.arguments.indices.filter { $0 % 2 == 1 }
            if call.arguments.count % 2 == 1 { values.append(call.arguments.count - 1) }
            guard let type = TypeCoercion.common(of: values.map { call.arguments[$0].dataType }) else {
                throw SparkError(
                    "DATATYPE_MISMATCH.DATA_DIFF_TYPES", sqlState: "42K09",
                    "Cannot resolve \"CASE WHEN\" due to data type mismatch: its branches have the types "
                        + values.map { "\"\(call.arguments[$0].dataType.sql)\"" }.joined(separator: ", ") + ".")
            }
            for index in values { try call.cast(index, to: type) }
            return .call(.caseWhen, call.arguments, type)
        },
        FunctionDefinition("if", arity: 3...3) { call in
            try call.want(0, .boolean)
            let type = try call.unify(from: 1)
            return .call(.caseWhen, call.arguments, type)
        },
        FunctionDefinition("coalesce", arity: 1...Int.max) { call in
            let type = try call.unify()
            return .call(.coalesce, call.arguments, type)
        },
        FunctionDefinition("nvl", "ifnull", arity: 2...2) { call in
            let type = try call.unify()
            return .call(.coalesce, call.arguments, type)
        },
        FunctionDefinition("nvl2", arity: 3...3) { call in
            let type = try call.unify(from: 1)
            return .call(.caseWhen, [.call(.isNotNull, [call.arguments[0]], .boolean), call.arguments[1], call.arguments[2]], type)
        },
        FunctionDefinition("nullif", arity: 2...2) { call in
            let kept = call.arguments[0]
            let type = try call.unify()
            try orderable(type, call)
            return .call(.caseWhen, [.call(.equal, call.arguments, .boolean), .literal(.null, kept.dataType), kept], kept.dataType)
        },
        FunctionDefinition("in", arity: 2...Int.max) { call in
            let type = try call.unify()
            try orderable(type, call)
            return .call(.isIn, call.arguments, .boolean)
        },
        FunctionDefinition("equal_null", arity: 2...2) { call in
            try comparable(&call)
            return .call(.equalNullSafe, call.arguments, .boolean)
        },
        FunctionDefinition("nanvl", arity: 2...2) { call in
            if call.types != [.float, .float] { for index in 0...1 { try call.want(index, .double) } }
            let (first, second) = (call.arguments[0], call.arguments[1])
            return .call(.caseWhen, [.call(.isNaN, [first], .boolean), second, first], call.types[0])
        },
        FunctionDefinition("zeroifnull", arity: 1...1) { call in
            try resolve("coalesce", [call.arguments[0], .literal(.integer(0), .integer)], unresolved: [])
        },
        FunctionDefinition("nullifzero", arity: 1...1) { call in
            let value = call.arguments[0]
            let isZero = try Self.call("=", value, .literal(.integer(0), .integer))
            return .call(.caseWhen, [isZero, .literal(.null, value.dataType), value], value.dataType)
        },
        extreme("greatest", .greatest), extreme("least", .least),
    ]

    private static func extreme(_ name: String, _ op: ScalarOperator) -> FunctionDefinition {
        FunctionDefinition(name, arity: 2...Int.max) { call in
            let type = try call.unify()
            try orderable(type, call)
            return .call(op, call.arguments, type)
        }
    }
}
