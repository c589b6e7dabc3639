/// What a function takes at one place.
indirect enum Parameter: Sendable {
    /// A value of this type, or one that Spark casts to it implicitly.
    case type(DataType)
    /// A text, or binary as it is.
    case stringOrBinary
    /// A number as it is; a string becomes a double.
    case numeric
    case integral
    case any
    case array
    case map
    case structure
    /// A date or a timestamp as it is; a string becomes a timestamp.
    case dateOrTimestamp
    /// A constant text that is read while the query is resolved as well.
    case constantString

    static let string = Parameter.type(.string)
    static let int = Parameter.type(.integer)
    static let long = Parameter.type(.long)
    static let double = Parameter.type(.double)
    static let boolean = Parameter.type(.boolean)
    static let binary = Parameter.type(.binary)
    static let date = Parameter.type(.date)
    static let timestamp = Parameter.type(.timestamp)

    func check(_ index: Int, _ call: inout FunctionCall) throws {
        let from = call.types[index]
        switch self {
        case .type(let type): try call.want(index, type)
        case .stringOrBinary: if from != .binary { try call.want(index, .string) }
        case .numeric:
            if from == .string || from == .null { return try call.cast(index, to: .double) }
            guard from.isNumeric else { throw call.mismatch(index, wanted: "NUMERIC") }
        case .integral:
            if from == .null { return try call.cast(index, to: .integer) }
            if from == .string { return try call.cast(index, to: .long) }
            guard from.isIntegral else { throw call.mismatch(index, wanted: "INTEGRAL") }
        case .any: break
        case .array:
            if from == .null { return try call.cast(index, to: .array(.null, containsNull: true)) }
            guard case .array = from else { throw call.mismatch(index, wanted: "ARRAY") }
        case .map:
            guard case .map = from else { throw call.mismatch(index, wanted: "MAP") }
        case .structure:
            guard case .structure = from else { throw call.mismatch(index, wanted: "STRUCT") }
        case .dateOrTimestamp:
            switch from {
            case .date, .timestamp, .timestampNTZ: break
            default: try call.want(index, .timestamp)
            }
        case .constantString:
            try call.want(index, .string)
            if case .literal(.null, _) = call.arguments[index] { return }
            guard call.arguments[index].isConstant else { throw call.notFoldable(index, "STRING") }
        }
    }
}

/// What a function gives.
enum ResultType: Sendable {
    case fixed(DataType)
    /// The type of an argument after its casts.
    case same(Int)
    case elementOf(Int)
    case arrayOf(Int)

    func type(_ call: FunctionCall) -> DataType {
        switch self {
        case .fixed(let type): type
        case .same(let index): call.types[index]
        case .elementOf(let index): call.types[index].element ?? .null
        case .arrayOf(let index): .array(call.types[index], containsNull: call.arguments[index].isNullable)
        }
    }
}

extension FunctionDefinition {
    /// A function of fixed parameters, the last `optional` of which may be left out.
    static func plain(_ names: String..., takes parameters: [Parameter], optional: Int = 0, gives result: ResultType) -> FunctionDefinition
    {
        let name = names[0]
        return FunctionDefinition(names: names, arity: parameters.count - optional...parameters.count) { call in
            for index in call.arguments.indices { try parameters[index].check(index, &call) }
            return .call(.named(name), call.arguments, result.type(call))
        }
    }

    static func plain(_ names: String..., takes parameters: [Parameter], optional: Int = 0, gives type: DataType) -> FunctionDefinition {
        let name = names[0]
        return FunctionDefinition(names: names, arity: parameters.count - optional...parameters.count) { call in
            for index in call.arguments.indices { try parameters[index].check(index, &call) }
            return .call(.named(name), call.arguments, type)
        }
    }

    /// A function of any number of like parameters.
    static func variadic(_ names: String..., takes parameter: Parameter, least: Int = 1, gives type: DataType) -> FunctionDefinition {
        let name = names[0]
        return FunctionDefinition(names: names, arity: least...Int.max) { call in
            for index in call.arguments.indices { try parameter.check(index, &call) }
            return .call(.named(name), call.arguments, type)
        }
    }

    /// A function whose null or error rows the catalog's other functions make up.
    static func custom(
        _ names: String..., arity: ClosedRange<Int>, _ resolve: @escaping @Sendable (inout FunctionCall) throws -> ResolvedExpression
    ) -> FunctionDefinition {
        FunctionDefinition(names: names, arity: arity, resolve: resolve)
    }
}

extension DataType {
    /// The type of an array's elements.
    package var element: DataType? {
        if case .array(let element, _) = self { return element }
        return nil
    }
}
