internal import IO

/// Every function and operator by its Spark name: how many arguments, which types, what kernel.
///
/// A family of functions is one `FunctionCatalog+Family.swift` that returns its definitions; ``all`` lists the families.
package struct FunctionDefinition: Sendable {
    let names: [String]
    let arity: ClosedRange<Int>
    /// Checks and casts the arguments, and says what the call becomes.
    let resolve: @Sendable (inout FunctionCall) throws -> ResolvedExpression

    init(_ names: String..., arity: ClosedRange<Int>, resolve: @escaping @Sendable (inout FunctionCall) throws -> ResolvedExpression) {
        self.init(names: names, arity: arity, resolve: resolve)
    }

    init(names: [String], arity: ClosedRange<Int>, resolve: @escaping @Sendable (inout FunctionCall) throws -> ResolvedExpression) {
        self.names = names
        self.arity = arity
        self.resolve = resolve
    }
}

/// Resolves the body of a lambda where its call stands, with what its parameters are.
package typealias LambdaResolver = (_ body: Expression, _ variables: [String: ResolvedExpression]) throws -> ResolvedExpression

/// A call while it is being resolved.
struct FunctionCall {
    let name: String
    var arguments: [ResolvedExpression]
    /// The arguments as written, for those that are read and not evaluated (`from_json`'s schema and options).
    let unresolved: [Expression]
    let lambdaResolver: LambdaResolver

    var types: [DataType] { arguments.map(\.dataType) }

    mutating func cast(_ index: Int, to type: DataType) throws {
        arguments[index] = try cast(arguments[index], to: type, argument: index)
    }

    private func cast(_ expression: ResolvedExpression, to type: DataType, argument: Int) throws -> ResolvedExpression {
        if expression.dataType == type { return expression }
        if case .literal(.null, _) = expression { return .literal(.null, type) }
        if TypeCoercion.complaint(casting: expression.dataType, to: type) != nil { throw mismatch(argument, wanted: type.sql) }
        return .cast(expression, to: type, isTry: false)
    }

    /// Implicit cast of an argument, refused where Spark refuses it (a number is no implicit boolean, a string no implicit struct).
    mutating func want(_ index: Int, _ type: DataType) throws {
        let from = arguments[index].dataType
        guard from == type || from == .null || TypeCoercion.isImplicit(from, to: type) else { throw mismatch(index, wanted: type.sql) }
        try cast(index, to: type)
    }

    /// Brings the arguments (from `first` on) to their common type.
    mutating func unify(from first: Int = 0, step: Int = 1) throws -> DataType {
        let indices = Array(stride(from: first, to: arguments.count, by: step))
        guard let type = TypeCoercion.common(of: indices.map { arguments[$0].dataType }) else {
            throw SparkError(
                "DATATYPE_MISMATCH.DATA_DIFF_TYPES", sqlState: "42K09",
                "Cannot resolve \"\(name)\" due to data type mismatch: its arguments should all have the same type, but they are "
                    + indices.map { "\"\(arguments[$0].dataType.sql)\"" }.joined(separator: ", ") + ".")
        }
        for index in indices { try cast(index, to: type) }
        return type
    }

    func mismatch(_ index: Int, wanted: String) -> SparkError {
        SparkError(
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", sqlState: "42K09",
            "Cannot resolve \"\(name)\" due to data type mismatch: parameter \(index + 1) requires the \"\(wanted)\" type, however it has the type \"\(arguments[index].dataType.sql)\"."
        )
    }

    func notFoldable(_ index: Int, _ type: String) -> SparkError {
        SparkError(
            "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT", sqlState: "42K09",
            "Cannot resolve \"\(name)\" due to data type mismatch: the input of parameter \(index + 1) should be a foldable \"\(type)\" expression."
        )
    }

    func unserved(_ what: String) -> SparkError {
        SparkError("UNSUPPORTED_FEATURE", sqlState: "0A000", "\(what) is not served by this engine.")
    }
}

package enum FunctionCatalog {
    /// The families as the documentation shows them.
    static let families: [(title: String, definitions: [FunctionDefinition])] = [
        ("Operators and arithmetic", operators + tries), ("Conditions", conditionals), ("Texts", strings + searches),
        ("Regular expressions", regularExpressions), ("Encodings and digests", encodings), ("Mathematics", mathematics + bits),
        ("Dates", dates), ("Timestamps and windows", clocks), ("Intervals", intervals), ("Arrays", collections + arraySets), ("Maps", maps),
        ("Higher-order functions", higherOrder), ("JSON", json), ("Structs and casts", conversions), ("Others", others),
    ]

    static let all: [FunctionDefinition] = families.flatMap(\.definitions)

    /// `docs/functions.md`, of which a test holds that it is this text.
    package static var documentation: String {
        var text = """
            # Functions

            What expressions may call, in SQL and through PySpark's `functions`, with the meaning they have in Spark 4 in ANSI mode. The tests
            in `Tests/SparkTests/Gold` hold each against what Spark itself gives; `differences.txt` there lists the few that differ on purpose.
            Aggregate, window and generator functions are described in [engine.md](engine.md).

            This page is written from the catalog: `WRITE_DOCS=1` before the Swift tests' `FunctionDocumentationTests` writes it anew.

            """
        for family in families {
            text += "\n## \(family.title)\n\n| Function | Other names | Arguments |\n|---|---|---|\n"
            let rows = family.definitions.filter { $0.names[0].first?.isLetter == true }.sorted { $0.names[0] < $1.names[0] }
            for definition in rows {
                let (least, most) = (definition.arity.lowerBound, definition.arity.upperBound)
                let arguments = least == most ? "\(least)" : most == Int.max ? "\(least) or more" : "\(least) to \(most)"
                text +=
                    "| `\(definition.names[0])` | \(definition.names.dropFirst().map { "`\($0)`" }.joined(separator: ", ")) | \(arguments) |\n"
            }
            let symbols = family.definitions.filter { $0.names[0].first?.isLetter != true }
            if !symbols.isEmpty {
                text +=
                    "\nOperators: " + symbols.flatMap(\.names).map { "`\($0.replacing("|", with: "\\|"))`" }.joined(separator: " ") + "\n"
            }
        }
        return text
    }

    private static let byName: [String: FunctionDefinition] = {
        var table: [String: FunctionDefinition] = [:]
        for definition in all {
            for name in definition.names { table[name] = definition }
        }
        return table
    }()

    /// Names as people call them, for the documentation and for suggestions.
    package static var names: [String] { byName.keys.sorted() }

    static func resolve(
        _ name: String, _ arguments: [ResolvedExpression], unresolved: [Expression], lambdas: @escaping LambdaResolver = refuseLambda
    ) throws -> ResolvedExpression {
        // The sign; `negative` is the function, which is the same but for its name.
        let lowered = name == "-" && arguments.count == 1 ? "negative" : name.lowercased()
        guard let definition = byName[lowered] else { throw unknown(name) }
        guard definition.arity.contains(arguments.count) else {
            let wanted = definition.arity
            let count =
                wanted.lowerBound == wanted.upperBound
                ? "\(wanted.lowerBound)"
                : wanted.upperBound == Int.max ? "> \(wanted.lowerBound - 1)" : "[\(wanted.lowerBound), \(wanted.upperBound)]"
            throw SparkError(
                "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", sqlState: "42605",
                "The `\(lowered)` requires \(count) parameters but the actual number is \(arguments.count).")
        }
        var call = FunctionCall(name: lowered, arguments: arguments, unresolved: unresolved, lambdaResolver: lambdas)
        return try definition.resolve(&call)
    }

    /// Whether an argument is read as it is written rather than evaluated: a schema, options, a unit that is a bare word.
    package static func reads(argument: Int, of name: String) -> Bool {
        switch name {
        case "from_json": argument > 0
        case "to_json": argument == 1
        case "schema_of_json": argument == 1
        case "timestampadd", "timestampdiff", "timestamp_add", "timestamp_diff": argument == 0
        default: false
        }
    }

    static func refuseLambda(_ body: Expression, _ variables: [String: ResolvedExpression]) throws -> ResolvedExpression {
        throw SparkError("UNSUPPORTED_FEATURE", sqlState: "0A000", "The lambda function \(body.prettySQL) is not served here.")
    }

    /// A call of another function of the catalog, for those that are made of others.
    static func call(_ name: String, _ arguments: ResolvedExpression...) throws -> ResolvedExpression {
        try resolve(name, arguments, unresolved: [])
    }

    private static func unknown(_ name: String) -> SparkError {
        let words = names.filter { $0.first?.isLetter == true }
        let nearest = words.map { ($0, editDistance($0, name.lowercased())) }.min { ($0.1, $0.0) < ($1.1, $1.0) }
        return SparkError(
            "UNRESOLVED_ROUTINE", sqlState: "42883", "Cannot resolve routine `\(name)` on search path [`system`.`builtin`].",
            nextStep: nearest.map { "the nearest function that this engine serves is '\($0.0)'; docs/functions.md lists them all" })
    }
}
