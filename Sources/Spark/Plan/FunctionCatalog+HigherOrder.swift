/// Functions of a lambda. The body is resolved once the types of its parameters are known, which are those of the other arguments.
extension FunctionCatalog {
    /// Names of functions whose lambda arguments the resolver leaves to them.
    package static func takesLambdas(_ name: String) -> Bool { higherOrder.contains { $0.names.contains(name.lowercased()) } }

    static let higherOrder: [FunctionDefinition] = [
        .custom("transform", arity: 2...2) { call in
            let (element, contains) = try array(call, 0)
            let lambda = try call.lambda(1, [(element, contains), (.integer, false)], least: 1)
            return .call(.named("transform"), [call.arguments[0], lambda], .array(lambda.dataType, containsNull: lambda.isNullable))
        },
        .custom("filter", arity: 2...2) { call in
            let (element, contains) = try array(call, 0)
            let lambda = try call.lambda(1, [(element, contains), (.integer, false)], least: 1, gives: .boolean)
            return .call(.named("filter"), [call.arguments[0], lambda], call.types[0])
        },
        .custom("exists", "any_match", arity: 2...2) { call in
            let lambda = try call.lambda(1, [try array(call, 0)], gives: .boolean)
            return .call(.named("exists"), [call.arguments[0], lambda], .boolean)
        },
        .custom("forall", "all_match", arity: 2...2) { call in
            let lambda = try call.lambda(1, [try array(call, 0)], gives: .boolean)
            return .call(.named("forall"), [call.arguments[0], lambda], .boolean)
        },
        .custom("aggregate", "reduce", arity: 3...4) { call in
            let element = try array(call, 0)
            let zero = call.types[1]
            let merge = try call.lambda(2, [(zero, true), element], gives: zero)
            guard call.arguments.count == 4 else {
                return .call(.named("aggregate"), [call.arguments[0], call.arguments[1], merge], zero)
            }
            let finish = try call.lambda(3, [(zero, true)])
            return .call(.named("aggregate"), [call.arguments[0], call.arguments[1], merge, finish], finish.dataType)
        },
        .custom("zip_with", arity: 3...3) { call in
            let (left, right) = (try array(call, 0).0, try array(call, 1).0)
            let lambda = try call.lambda(2, [(left, true), (right, true)])
            return .call(
                .named("zip_with"), [call.arguments[0], call.arguments[1], lambda], .array(lambda.dataType, containsNull: lambda.isNullable)
            )
        },
        .custom("map_filter", arity: 2...2) { call in
            let (key, value, contains) = try map(call, 0)
            let lambda = try call.lambda(1, [(key, false), (value, contains)], gives: .boolean)
            return .call(.named("map_filter"), [call.arguments[0], lambda], call.types[0])
        },
        .custom("transform_keys", arity: 2...2) { call in
            let (key, value, contains) = try map(call, 0)
            let lambda = try call.lambda(1, [(key, false), (value, contains)])
            return .call(
                .named("transform_keys"), [call.arguments[0], lambda],
                .map(key: lambda.dataType, value: value, valueContainsNull: contains))
        },
        .custom("transform_values", arity: 2...2) { call in
            let (key, value, contains) = try map(call, 0)
            let lambda = try call.lambda(1, [(key, false), (value, contains)])
            return .call(
                .named("transform_values"), [call.arguments[0], lambda],
                .map(key: key, value: lambda.dataType, valueContainsNull: lambda.isNullable))
        },
        .custom("map_zip_with", arity: 3...3) { call in
            let (leftKey, leftValue, _) = try map(call, 0)
            let (rightKey, rightValue, _) = try map(call, 1)
            guard let key = TypeCoercion.common(leftKey, rightKey) else { throw call.mismatch(1, wanted: "MAP of the same keys") }
            try call.cast(0, to: .map(key: key, value: leftValue, valueContainsNull: true))
            try call.cast(1, to: .map(key: key, value: rightValue, valueContainsNull: true))
            let lambda = try call.lambda(2, [(key, false), (leftValue, true), (rightValue, true)])
            return .call(
                .named("map_zip_with"), [call.arguments[0], call.arguments[1], lambda],
                .map(key: key, value: lambda.dataType, valueContainsNull: lambda.isNullable))
        },
        .custom("array_sort", arity: 1...2) { call in
            let (element, contains) = try array(call, 0)
            guard call.arguments.count == 2 else {
                try orderable(element, call)
                return .call(.named("array_sort"), call.arguments, call.types[0])
            }
            let lambda = try call.lambda(1, [(element, contains), (element, contains)], gives: .integer)
            return .call(.named("array_sort_by"), [call.arguments[0], lambda], call.types[0])
        },
    ]

    private static func array(_ call: FunctionCall, _ index: Int) throws -> (DataType, Bool) {
        guard case .array(let element, let containsNull) = call.types[index] else { throw call.mismatch(index, wanted: "ARRAY") }
        return (element, containsNull)
    }

    private static func map(_ call: FunctionCall, _ index: Int) throws -> (DataType, DataType, Bool) {
        guard case .map(let key, let value, let containsNull) = call.types[index] else { throw call.mismatch(index, wanted: "MAP") }
        return (key, value, containsNull)
    }
}

extension FunctionCall {
    /// Resolves the lambda at an index for parameters of these types, of which it may take fewer, down to `least`.
    func lambda(_ index: Int, _ types: [(DataType, Bool)], least: Int? = nil, gives result: DataType? = nil) throws -> ResolvedExpression {
        guard case .lambda(let names, let body) = unresolved[index] else {
            throw SparkError(
                "INVALID_LAMBDA_FUNCTION_CALL.NON_HIGHER_ORDER_FUNCTION", sqlState: "42K0D",
                "Invalid lambda function call: `\(name)` takes a lambda function as its parameter \(index + 1).")
        }
        guard names.count <= types.count, names.count >= least ?? types.count else {
            throw SparkError(
                "INVALID_LAMBDA_FUNCTION_CALL.NUM_ARGS_MISMATCH", sqlState: "42K0D",
                "Invalid lambda function call: A higher order function expects \(types.count) arguments, but got \(names.count).")
        }
        guard Set(names.map { $0.lowercased() }).count == names.count else {
            throw SparkError(
                "INVALID_LAMBDA_FUNCTION_CALL.DUPLICATE_ARG_NAMES", sqlState: "42K0D",
                "Invalid lambda function call: the lambda function has duplicate arguments \(names.joined(separator: ", ")).")
        }
        var variables: [String: ResolvedExpression] = [:]
        var numbers: [Int] = []
        for (name, type) in zip(names, types) {
            let number = LambdaNumbers.next()
            numbers.append(number)
            variables[name.lowercased()] = .lambdaVariable(number, type.0, nullable: type.1)
        }
        var resolved = try lambdaResolver(body, variables)
        if let result, resolved.dataType != result {
            guard TypeCoercion.isImplicit(resolved.dataType, to: result) else {
                throw SparkError(
                    "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", sqlState: "42K09",
                    "Cannot resolve \"\(name)\" due to data type mismatch: the lambda function gives \"\(resolved.dataType.sql)\", where \"\(result.sql)\" is wanted."
                )
            }
            resolved = try FunctionCatalog.explicitCast(resolved, to: result, isTry: false)
        }
        return .lambda(parameters: numbers, body: resolved)
    }
}
