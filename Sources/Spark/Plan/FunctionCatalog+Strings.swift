extension FunctionCatalog {
    static let strings: [FunctionDefinition] = [
        FunctionDefinition("concat", arity: 0...Int.max) { call in
            if call.arguments.isEmpty { return .literal(.string(""), .string) }
            if call.types.allSatisfy({ $0 == .binary }) { return .call(.concat, call.arguments, .binary) }
            if call.types.contains(where: { $0.element != nil }) {
                guard call.types.allSatisfy({ $0.element != nil }) else {
                    throw SparkError(
                        "DATATYPE_MISMATCH.DATA_DIFF_TYPES", sqlState: "42K09",
                        "Cannot resolve \"concat\" due to data type mismatch: Input to `concat` should all be the same type, but it's [\(call.types.map { "\"\($0.sql)\"" }.joined(separator: ", "))]."
                    )
                }
                let type = try call.unify()
                return .call(.named("concat_arrays"), call.arguments, type)
            }
            for index in call.arguments.indices { try call.want(index, .string) }
            return .call(.concat, call.arguments, .string)
        },
        FunctionDefinition("concat_ws", arity: 1...Int.max) { call in
            try call.want(0, .string)
            let hasArrays = call.types.contains { $0.element != nil }
            for index in call.arguments.indices.dropFirst() {
                try call.want(index, call.types[index].element == nil ? .string : .array(.string, containsNull: true))
            }
            return .call(hasArrays ? .named("concat_ws_arrays") : .concatWithSeparator, call.arguments, .string)
        },
        text("upper", "ucase", .upper), text("lower", "lcase", .lower), trim("trim", .trim), trim("ltrim", .trimLeft),
        trim("rtrim", .trimRight),
        .custom("btrim", arity: 1...2) { call in
            for index in call.arguments.indices { try call.want(index, .string) }
            return call.arguments.count == 1
                ? .call(.trim, call.arguments, .string) : .call(.named("trim_characters"), call.arguments, .string)
        },
        FunctionDefinition("length", "len", "char_length", "character_length", arity: 1...1) { call in
            if call.types[0] != .binary { try call.want(0, .string) }
            return .call(.length, call.arguments, .integer)
        },
        FunctionDefinition("octet_length", arity: 1...1) { call in
            if call.types[0] != .binary { try call.want(0, .string) }
            return .call(.octetLength, call.arguments, .integer)
        },
        FunctionDefinition("substring", "substr", arity: 2...3) { call in
            if call.types[0] != .binary { try call.want(0, .string) }
            try call.want(1, .integer)
            if call.arguments.count == 3 {
                try call.want(2, .integer)
            } else {
                call.arguments.append(.literal(.integer(.max), .integer))
            }
            return .call(.substring, call.arguments, call.types[0])
        },
        .plain("left", takes: [.stringOrBinary, .int], gives: .same(0)), .plain("right", takes: [.string, .int], gives: .string),
        FunctionDefinition("replace", arity: 2...3) { call in
            for index in call.arguments.indices { try call.want(index, .string) }
            if call.arguments.count == 2 { call.arguments.append(.literal(.string(""), .string)) }
            return .call(.replace, call.arguments, .string)
        },
        test("startswith", .startsWith), test("endswith", .endsWith), test("contains", .contains),
        FunctionDefinition("like", arity: 2...3) { call in try like(&call, .like) },
        FunctionDefinition("ilike", arity: 2...3) { call in try like(&call, .likeIgnoringCase) },
        .plain("bit_length", takes: [.stringOrBinary], gives: .integer), .plain("initcap", takes: [.string], gives: .string),
        .plain("lpad", takes: [.stringOrBinary, .int, .stringOrBinary], optional: 1, gives: .same(0)),
        .plain("rpad", takes: [.stringOrBinary, .int, .stringOrBinary], optional: 1, gives: .same(0)),
        .plain("repeat", takes: [.string, .int], gives: .string), .plain("translate", takes: [.string, .string, .string], gives: .string),
        .plain("overlay", takes: [.stringOrBinary, .stringOrBinary, .int, .int], optional: 1, gives: .same(0)),
        .plain("space", takes: [.int], gives: .string), .plain("ascii", takes: [.string], gives: .integer),
        .plain("chr", "char", takes: [.long], gives: .string), .plain("soundex", takes: [.string], gives: .string),
        .plain("levenshtein", takes: [.string, .string, .int], optional: 1, gives: .integer),
        .custom("elt", arity: 2...Int.max) { call in
            try call.want(0, .integer)
            if call.types.dropFirst().allSatisfy({ $0 == .binary }) { return .call(.named("elt"), call.arguments, .binary) }
            for index in call.arguments.indices.dropFirst() { try call.want(index, .string) }
            return .call(.named("elt"), call.arguments, .string)
        },
        .variadic("format_string", "printf", takes: .any, gives: .string), .plain("quote", takes: [.string], gives: .string),
        .custom("format_number", arity: 2...2) { call in
            try Parameter.numeric.check(0, &call)
            if call.types[1] == .string { try call.want(1, .string) } else { try call.want(1, .integer) }
            return .call(.named("format_number"), call.arguments, .string)
        },
        .plain("mask", takes: [.string, .string, .string, .string, .string], optional: 4, gives: .string),
        .plain("luhn_check", takes: [.string], gives: .boolean), .plain("is_valid_utf8", takes: [.stringOrBinary], gives: .boolean),
        .plain("make_valid_utf8", takes: [.stringOrBinary], gives: .string),
        .plain("validate_utf8", takes: [.stringOrBinary], gives: .string),
        .plain("try_validate_utf8", takes: [.stringOrBinary], gives: .string),
    ]

    private static func text(_ name: String, _ alias: String, _ op: ScalarOperator) -> FunctionDefinition {
        FunctionDefinition(name, alias, arity: 1...1) { call in
            try call.want(0, .string)
            return .call(op, call.arguments, .string)
        }
    }

    /// One argument: spaces go. Two: the characters that go come first, as in Spark's `trim(trimStr, str)`.
    private static func trim(_ name: String, _ op: ScalarOperator) -> FunctionDefinition {
        FunctionDefinition(name, arity: 1...2) { call in
            for index in call.arguments.indices { try call.want(index, .string) }
            if call.arguments.count == 1 { return .call(op, call.arguments, .string) }
            return .call(.named("\(name)_characters"), [call.arguments[1], call.arguments[0]], .string)
        }
    }

    private static func test(_ name: String, _ op: ScalarOperator) -> FunctionDefinition {
        FunctionDefinition(name, arity: 2...2) { call in
            for index in 0...1 where call.types[index] != .binary { try call.want(index, .string) }
            return .call(op, call.arguments, .boolean)
        }
    }

    private static func like(_ call: inout FunctionCall, _ op: ScalarOperator) throws -> ResolvedExpression {
        for index in call.arguments.indices { try call.want(index, .string) }
        if call.arguments.count == 3 {
            guard case .literal(.string(let escape), _) = call.arguments[2], escape.utf8.count == 1 else {
                throw SparkError("INVALID_ESCAPE_CHAR", sqlState: "42604", "`EscapeChar` should be a string literal of length one.")
            }
        } else {
            call.arguments.append(.literal(.string("\\"), .string))
        }
        return .call(op, call.arguments, .boolean)
    }
}
