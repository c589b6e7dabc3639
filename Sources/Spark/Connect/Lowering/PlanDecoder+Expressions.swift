internal import NIOCore

/// `spark.connect.Expression` (`expressions.proto`).
extension PlanDecoder {
    func expression(_ message: ProtobufReader) throws -> Expression {
        var message = message
        var kind = 0
        var body: ProtobufReader?
        while let number = try message.next() {
            // 18 is where the client made the expression.
            guard number != 18 else { continue }
            kind = number
            body = try message.message()
        }
        guard let body else { throw ConnectError.invalidPlan("An expression has no type.") }
        switch kind {
        case 1: return try LiteralDecoder.expression(body)
        case 2: return try attribute(body)
        case 3: return try function(body)
        case 4: return try expressionString(body)
        case 5: return try star(body)
        case 6: return try alias(body)
        case 7: return try cast(body)
        case 8: return try regex(body)
        case 9: return .sortOrder(try sortOrder(body))
        case 10: return try lambda(body)
        case 11: return try window(body)
        case 12: return try extractValue(body)
        case 13: return try updateFields(body)
        case 14: return .lambdaVariable(try lambdaVariable(body))
        case 15:
            let call = try pythonFunction(body)
            return .pythonFunction(call.function, arguments: call.arguments)
        case 16: return try callFunction(body)
        case 17: return try namedArgument(body)
        case 21: return try subquery(body)
        default:
            let names = [19: "merge_action", 20: "typed_aggregate_expression", 22: "direct_shuffle_partition_id", 999: "extension"]
            throw ConnectError.notServed("Expression." + (names[kind] ?? "\(kind)"))
        }
    }

    private func attribute(_ message: ProtobufReader) throws -> Expression {
        var message = message
        var name = ""
        var planID: Int64?
        while let number = try message.next() {
            switch number {
            case 1: name = try message.string()
            case 2: planID = try message.int64()
            case 3:
                if try message.bool() { throw ConnectError.notServed("the metadata column \(name)") }
            default: break
            }
        }
        return .attribute(Expression.nameParts(name), planID: keepsPlanIDs ? planID : nil)
    }

    private func star(_ message: ProtobufReader) throws -> Expression {
        var message = message
        var target: String?
        var planID: Int64?
        while let number = try message.next() {
            switch number {
            case 1: target = try message.string()
            case 2: planID = try message.int64()
            default: break
            }
        }
        guard let target else { return .star([], planID: planID) }
        guard target.hasSuffix(".*") else {
            throw ConnectError.invalidPlan("UnresolvedStar requires a unparsed target ending with '.*', but got \(target).")
        }
        return .star(Expression.nameParts(String(target.dropLast(2))), planID: planID)
    }

    /// In backquotes the text is a pattern, else a name. (Spark, `Dataset.colRegex`.)
    private func regex(_ message: ProtobufReader) throws -> Expression {
        var message = message
        var text = ""
        var planID: Int64?
        while let number = try message.next() {
            switch number {
            case 1: text = try message.string()
            case 2: planID = try message.int64()
            default: break
            }
        }
        guard text.count > 2, text.hasPrefix("`"), text.hasSuffix("`") else {
            return .attribute(Expression.nameParts(text), planID: planID)
        }
        return .columnRegex(String(text.dropFirst().dropLast()), planID: planID)
    }

    private func function(_ message: ProtobufReader) throws -> Expression {
        var message = message
        var name = ""
        var arguments: [Expression] = []
        var isDistinct = false
        while let number = try message.next() {
            switch number {
            case 1: name = try message.string()
            case 2: arguments.append(try expression(message.message()))
            case 3: isDistinct = try message.bool()
            default: break
            }
        }
        return call(name, arguments, isDistinct: isDistinct)
    }

    private func callFunction(_ message: ProtobufReader) throws -> Expression {
        var message = message
        var name = ""
        var arguments: [Expression] = []
        while let number = try message.next() {
            switch number {
            case 1: name = try message.string()
            case 2: arguments.append(try expression(message.message()))
            default: break
            }
        }
        return call(Expression.nameParts(name).joined(separator: "."), arguments, isDistinct: false)
    }

    /// A function that the session registered comes before a built-in one of its name.
    private func call(_ name: String, _ arguments: [Expression], isDistinct: Bool) -> Expression {
        if let function = context.function(name) { return .pythonFunction(function, arguments: arguments) }
        return .function(name: name, arguments: arguments, isDistinct: isDistinct)
    }

    private func expressionString(_ message: ProtobufReader) throws -> Expression {
        var message = message
        var text = ""
        while let number = try message.next() {
            if number == 1 { text = try message.string() }
        }
        return try Expression(selectItem: text, functions: context.function)
    }

    func alias(_ message: ProtobufReader) throws -> Expression {
        var message = message
        var child: Expression?
        var names: [String] = []
        var metadata: String?
        while let number = try message.next() {
            switch number {
            case 1: child = try expression(message.message())
            case 2: try string(&message, into: &names)
            case 3: metadata = try message.string()
            default: break
            }
        }
        let value = try required(child, "Alias")
        if names.count == 1 { return .alias(value, name: names[0], metadata: metadata) }
        guard metadata == nil else { throw ConnectError.invalidPlan("An alias of several names takes no metadata.") }
        return .multiAlias(value, names: names)
    }

    private func cast(_ message: ProtobufReader) throws -> Expression {
        var message = message
        var child: Expression?
        var type: DataType?
        var mode: Int32 = 0
        while let number = try message.next() {
            switch number {
            case 1: child = try expression(message.message())
            case 2: type = try DataType(wire: message.message())
            case 3: type = try DataType(ddl: message.string())
            case 4: mode = try message.int32()
            default: break
            }
        }
        guard let type else { throw ConnectError.invalidPlan("Cast has no type.") }
        guard mode != 1 else { throw ConnectError.notServed("a cast in legacy mode") }
        return .cast(try required(child, "Cast"), to: type, isTry: mode == 3)
    }

    func sortOrder(_ message: ProtobufReader) throws -> SortOrder {
        var message = message
        var child: Expression?
        var direction: Int32 = 0, nulls: Int32 = 0
        while let number = try message.next() {
            switch number {
            case 1: child = try expression(message.message())
            case 2: direction = try message.int32()
            case 3: nulls = try message.int32()
            default: break
            }
        }
        return SortOrder(
            try required(child, "SortOrder"), isAscending: direction != 2, nullsFirst: nulls == 0 ? nil : nulls == 1)
    }

    private func lambda(_ message: ProtobufReader) throws -> Expression {
        var message = message
        var body: Expression?
        var parameters: [String] = []
        while let number = try message.next() {
            switch number {
            case 1: body = try expression(message.message())
            case 2: parameters.append(try lambdaVariable(message.message()))
            default: break
            }
        }
        return .lambda(parameters: parameters, body: try required(body, "LambdaFunction"))
    }

    private func lambdaVariable(_ message: ProtobufReader) throws -> String {
        var message = message
        var parts: [String] = []
        while let number = try message.next() {
            if number == 1 { try string(&message, into: &parts) }
        }
        return parts.joined(separator: ".")
    }

    private func window(_ message: ProtobufReader) throws -> Expression {
        var message = message
        var function: Expression?
        var window = WindowSpecification()
        while let number = try message.next() {
            switch number {
            case 1: function = try expression(message.message())
            case 2: window.partition.append(try expression(message.message()))
            case 3: window.order.append(try sortOrder(message.message()))
            case 4: window.frame = try frame(message.message())
            default: break
            }
        }
        return .window(try required(function, "Window"), window)
    }

    private func frame(_ message: ProtobufReader) throws -> WindowSpecification.Frame {
        var message = message
        var type: Int32 = 0
        var lower: WindowSpecification.Bound?, upper: WindowSpecification.Bound?
        while let number = try message.next() {
            switch number {
            case 1: type = try message.int32()
            case 2: lower = try bound(message.message(), unbounded: .unboundedPreceding)
            case 3: upper = try bound(message.message(), unbounded: .unboundedFollowing)
            default: break
            }
        }
        guard let lower, let upper, type == 1 || type == 2 else {
            throw ConnectError.invalidPlan("A window frame lacks its type or a bound.")
        }
        return WindowSpecification.Frame(type == 1 ? .rows : .range, from: lower, to: upper)
    }

    private func bound(_ message: ProtobufReader, unbounded: WindowSpecification.Bound) throws -> WindowSpecification.Bound? {
        var message = message
        var bound: WindowSpecification.Bound?
        while let number = try message.next() {
            switch number {
            case 1: bound = .currentRow
            case 2: bound = unbounded
            case 3: bound = .offset(try expression(message.message()))
            default: break
            }
        }
        return bound
    }

    private func extractValue(_ message: ProtobufReader) throws -> Expression {
        var message = message
        var child: Expression?, key: Expression?
        while let number = try message.next() {
            switch number {
            case 1: child = try expression(message.message())
            case 2: key = try expression(message.message())
            default: break
            }
        }
        return .extractValue(try required(child, "UnresolvedExtractValue"), key: try required(key, "UnresolvedExtractValue"))
    }

    private func updateFields(_ message: ProtobufReader) throws -> Expression {
        var message = message
        var child: Expression?, value: Expression?
        var name = ""
        while let number = try message.next() {
            switch number {
            case 1: child = try expression(message.message())
            case 2: name = try message.string()
            case 3: value = try expression(message.message())
            default: break
            }
        }
        return .updateField(try required(child, "UpdateFields"), name: name, value: value)
    }

    private func namedArgument(_ message: ProtobufReader) throws -> Expression {
        var message = message
        var name = ""
        var value: Expression?
        while let number = try message.next() {
            switch number {
            case 1: name = try message.string()
            case 2: value = try expression(message.message())
            default: break
            }
        }
        return .namedArgument(name, try required(value, "NamedArgumentExpression"))
    }

    private func subquery(_ message: ProtobufReader) throws -> Expression {
        var message = message
        var planID: Int64 = 0
        var type: Int32 = 0
        var values: [Expression] = []
        while let number = try message.next() {
            switch number {
            case 1: planID = try message.int64()
            case 2: type = try message.int32()
            case 4: values.append(try expression(message.message()))
            default: break
            }
        }
        guard let plan = references[planID] else {
            throw ConnectError.invalidPlan("A subquery names the frame \(planID), which the plan does not hold.")
        }
        switch type {
        case 1: return .subquery(Subquery(.scalar, plan))
        case 2: return .subquery(Subquery(.exists, plan))
        case 4: return .subquery(Subquery(.isIn(values), plan))
        default: throw ConnectError.notServed("SubqueryExpression of type \(type)")
        }
    }

    /// `CommonInlineUserDefinedFunction` with a `PythonUDF`; functions of the JVM are refused.
    func pythonFunction(_ message: ProtobufReader) throws -> (function: PythonFunction, arguments: [Expression]) {
        var message = message
        var name = ""
        var isDeterministic = false
        var arguments: [Expression] = []
        var body: ProtobufReader?
        while let number = try message.next() {
            switch number {
            case 1: name = try message.string()
            case 2: isDeterministic = try message.bool()
            case 3: arguments.append(try expression(message.message()))
            case 4: body = try message.message()
            case 5: throw ConnectError.notServed("a function of Scala (\(name))")
            case 6: throw ConnectError.notServed("a function of Java (\(name))")
            default: break
            }
        }
        guard let body else { throw ConnectError.invalidPlan("The function \(name) has no code.") }
        var function = try Self.pythonUDF(body)
        function.name = name
        function.isDeterministic = isDeterministic
        return (function, arguments)
    }

    /// `PythonUDF`.
    static func pythonUDF(_ message: ProtobufReader) throws -> PythonFunction {
        var message = message
        var function = PythonFunction(evalType: 0, name: "", isDeterministic: true, output: nil, command: [], pythonVersion: "")
        while let number = try message.next() {
            switch number {
            case 1: function.output = try DataType(wire: message.message())
            case 2: function.evalType = Int(try message.int32())
            case 3: function.command = Array(try message.bytes().readableBytesView)
            case 4: function.pythonVersion = try message.string()
            default: break
            }
        }
        return function
    }
}
