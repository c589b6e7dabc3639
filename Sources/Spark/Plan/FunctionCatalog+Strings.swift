extension FunctionCatalog {
    static let strings: [FunctionDefinition] = [
        FunctionDefinition("concat", arity: 0...Int.max) { call in
            if call.arguments.isEmpty { return .literal(.string(""), .string) }
            if call.types.allSatisfy({ $0 == .binary }) { return .call(.concat, call.arguments, .binary) }
            for index in call.arguments.indices { try call.want(index, .string) }
            return .call(.concat, call.arguments, .string)
        },
        FunctionDefinition("concat_ws", arity: 1...Int.max) { call in
            for index in call.arguments.indices { try call.want(index, .string) }
            return .call(.concatWithSeparator, call.arguments, .string)
        },
        text("upper", "ucase", .upper), text("lower", "lcase", .lower),
        trim("trim", "btrim", .trim), trim("ltrim", "ltrim", .trimLeft), trim("rtrim", "rtrim", .trimRight),
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
        FunctionDefinition("left", arity: 2...2) { call in
            try call.want(0, .string)
            try call.want(1, .integer)
            return .call(.substring, [call.arguments[0], .literal(.integer(1), .integer), call.arguments[1]], .string)
        },
        FunctionDefinition("replace", arity: 2...3) { call in
            for index in call.arguments.indices { try call.want(index, .string) }
            if call.arguments.count == 2 { call.arguments.append(.literal(.string(""), .string)) }
            return .call(.replace, call.arguments, .string)
        },
        test("startswith", .startsWith), test("endswith", .endsWith), test("contains", .contains),
        FunctionDefinition("like", arity: 2...3) { call in try like(&call, .like) },
        FunctionDefinition("ilike", arity: 2...3) { call in try like(&call, .likeIgnoringCase) },
    ]

    private static func text(_ name: String, _ alias: String, _ op: ScalarOperator) -> FunctionDefinition {
        FunctionDefinition(name, alias, arity: 1...1) { call in
            try call.want(0, .string)
            return .call(op, call.arguments, .string)
        }
    }

    /// One argument: spaces go. Two, as the functions take them: the text first, then the characters that go.
    private static func trim(_ name: String, _ alias: String, _ op: ScalarOperator) -> FunctionDefinition {
        FunctionDefinition(name, alias, arity: 1...1) { call in
            try call.want(0, .string)
            return .call(op, call.arguments, .string)
        }
    }

    private static func test(_ name: String, _ op: ScalarOperator) -> FunctionDefinition {
        FunctionDefinition(name, arity: 2...2) { call in
            try call.want(0, .string)
            try call.want(1, .string)
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
