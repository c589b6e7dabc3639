/// Functions that look for something in a text, cut it, or write it in another alphabet.
extension FunctionCatalog {
    static let searches: [FunctionDefinition] = [
        .plain("instr", takes: [.string, .string], gives: .integer),
        .plain("locate", "position", "charindex", takes: [.string, .string, .int], optional: 1, gives: .integer),
        .plain("substring_index", takes: [.string, .string, .int], gives: .string),
        .plain("split_part", takes: [.string, .string, .int], gives: .string),
        .plain("find_in_set", takes: [.string, .string], gives: .integer),
        .plain("parse_url", takes: [.string, .string, .string], optional: 1, gives: .string),
        .plain("try_parse_url", takes: [.string, .string, .string], optional: 1, gives: .string),
        .plain("url_encode", takes: [.string], gives: .string), .plain("url_decode", takes: [.string], gives: .string),
        .plain("try_url_decode", takes: [.string], gives: .string),
        .plain(
            "str_to_map", takes: [.string, .string, .string], optional: 2,
            gives: .map(key: .string, value: .string, valueContainsNull: true)),
    ]

    static let regularExpressions: [FunctionDefinition] = [
        .plain("rlike", "regexp", "regexp_like", takes: [.string, .string], gives: .boolean),
        .plain("regexp_extract", takes: [.string, .string, .int], optional: 1, gives: .string),
        .plain("regexp_extract_all", takes: [.string, .string, .int], optional: 1, gives: .array(.string, containsNull: true)),
        .plain("regexp_replace", takes: [.string, .string, .string, .int], optional: 1, gives: .string),
        .plain("regexp_count", takes: [.string, .string], gives: .integer),
        .plain("regexp_substr", takes: [.string, .string], gives: .string),
        .plain("regexp_instr", takes: [.string, .string, .int], optional: 1, gives: .integer),
        .plain("split", takes: [.string, .string, .int], optional: 1, gives: .array(.string, containsNull: false)),
    ]

    static let encodings: [FunctionDefinition] = [
        .plain("base64", takes: [.binary], gives: .string), .plain("unbase64", takes: [.string], gives: .binary),
        .custom("hex", arity: 1...1) { call in
            if call.types[0] != .string, call.types[0] != .binary { try call.want(0, .long) }
            return .call(.named("hex"), call.arguments, .string)
        },
        .plain("unhex", takes: [.string], gives: .binary), .plain("encode", takes: [.string, .string], gives: .binary),
        .custom("decode", arity: 2...Int.max) { call in
            if call.arguments.count == 2 {
                try call.want(0, .binary)
                try call.want(1, .string)
                return .call(.named("decode"), call.arguments, .string)
            }
            // decode(x, search, result, …, default), where null equals null.
            var branches: [ResolvedExpression] = []
            let pairs = (call.arguments.count - 1) / 2
            for pair in 0..<pairs {
                branches.append(try Self.call("<=>", call.arguments[0], call.arguments[pair * 2 + 1]))
                branches.append(call.arguments[pair * 2 + 2])
            }
            branches.append(call.arguments.count % 2 == 0 ? call.arguments[call.arguments.count - 1] : .literal(.null, .null))
            return try resolve("when", branches, unresolved: [])
        },
        .custom("to_binary", arity: 1...2) { try binary(&$0, "to_binary") },
        .custom("try_to_binary", arity: 1...2) { try binary(&$0, "try_to_binary") },
        .plain("md5", takes: [.binary], gives: .string), .plain("sha", "sha1", takes: [.binary], gives: .string),
        .plain("sha2", takes: [.binary, .int], gives: .string), .plain("crc32", takes: [.binary], gives: .long),
        .variadic("hash", takes: .any, gives: .integer), .variadic("xxhash64", takes: .any, gives: .long),
    ]

    private static func binary(_ call: inout FunctionCall, _ name: String) throws -> ResolvedExpression {
        for index in call.arguments.indices { try call.want(index, .string) }
        if call.arguments.count == 1 { call.arguments.append(.literal(.string("hex"), .string)) }
        return .call(.named(name), call.arguments, .binary)
    }
}
