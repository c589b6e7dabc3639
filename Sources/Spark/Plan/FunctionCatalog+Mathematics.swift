extension FunctionCatalog {
    static let mathematics: [FunctionDefinition] =
        [
            "sqrt", "cbrt", "exp", "expm1", "ln", "log10", "log2", "log1p", "sin", "cos", "tan", "cot", "sec", "csc", "asin", "acos",
            "atan",
            "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "degrees", "radians", "rint",
        ].map { name in FunctionDefinition.plain(name, takes: [.double], gives: .double) } + [
            .plain("power", "pow", takes: [.double, .double], gives: .double), .plain("atan2", takes: [.double, .double], gives: .double),
            .plain("hypot", takes: [.double, .double], gives: .double),
            .custom("log", arity: 1...2) { call in
                for index in call.arguments.indices { try call.want(index, .double) }
                return .call(.named(call.arguments.count == 1 ? "ln" : "log"), call.arguments, .double)
            },
            .custom("sign", "signum", arity: 1...1) { call in
                if call.types[0].isInterval { return .call(.named("sign_interval"), call.arguments, .double) }
                try call.want(0, .double)
                return .call(.named("sign"), call.arguments, .double)
            },
            .custom("ceil", "ceiling", arity: 1...2) { try whole(&$0, "ceil") }, .custom("floor", arity: 1...2) { try whole(&$0, "floor") },
            .custom("round", arity: 1...2) { try rounded(&$0, "round") }, .custom("bround", arity: 1...2) { try rounded(&$0, "bround") },
            .plain("factorial", takes: [.int], gives: .long), .plain("e", takes: [], gives: .double),
            .plain("pi", takes: [], gives: .double),
            .custom("width_bucket", arity: 4...4) { call in
                for index in 0...2 { try call.want(index, .double) }
                try call.want(3, .long)
                return .call(.named("width_bucket"), call.arguments, .long)
            },
            .plain("rand", "random", takes: [.long], optional: 1, gives: .double),
            .plain("randn", takes: [.long], optional: 1, gives: .double),
            .custom("uniform", arity: 2...3) { call in
                for index in 0...1 { try Parameter.numeric.check(index, &call) }
                if call.arguments.count == 3 { try call.want(2, .long) }
                let common = try operands(&call)
                let type = common.isIntegral ? common : .double
                for index in 0...1 { try call.want(index, .double) }
                return .cast(.call(.named("uniform"), call.arguments, .double), to: type, isTry: false)
            },
        ]

    /// The scale of a rounding, a constant.
    private static func scale(_ call: inout FunctionCall) throws -> Int? {
        guard call.arguments.count > 1 else { return nil }
        try call.want(1, .integer)
        guard case .literal(.integer(let scale), _) = constant(call.arguments[1]) else { throw call.notFoldable(1, "INT") }
        return Int(scale)
    }

    /// A constant that is negative comes as a call.
    private static func constant(_ expression: ResolvedExpression) -> ResolvedExpression {
        if case .call(.negate, let arguments, _) = expression, case .literal(.integer(let value), let type) = arguments[0] {
            return .literal(.integer(-value), type)
        }
        return expression
    }

    private static func whole(_ call: inout FunctionCall, _ name: String) throws -> ResolvedExpression {
        try Parameter.numeric.check(0, &call)
        let scale = try scale(&call)
        let type = call.types[0]
        if let scale {
            // With a scale, everything is a decimal.
            let (precision, digits): (Int, Int)
            switch type {
            case .decimal(let p, let s): (precision, digits) = (p, s)
            case .float: (precision, digits) = (14, 7)
            case .double: (precision, digits) = (30, 15)
            default: (precision, digits) = (TypeCoercion.digits(type), 0)
            }
            try call.cast(0, to: .decimal(precision: precision, scale: digits))
            let target = min(max(scale, 0), digits)
            let integral = max(precision - digits + 1, -scale + 1)
            return .call(
                .named(name), [call.arguments[0], .literal(.integer(Int32(scale)), .integer)],
                TypeCoercion.bounded(precision: integral + target, scale: target))
        }
        switch type {
        case .decimal(let precision, let digits):
            return .call(
                .named(name), [call.arguments[0], .literal(.integer(0), .integer)],
                TypeCoercion.bounded(precision: precision - digits + (digits == 0 ? 0 : 1), scale: 0))
        case let type where type.isIntegral: return .cast(call.arguments[0], to: .long, isTry: false)
        default:
            try call.cast(0, to: .double)
            return .call(.named(name), call.arguments, .long)
        }
    }

    private static func rounded(_ call: inout FunctionCall, _ name: String) throws -> ResolvedExpression {
        try Parameter.numeric.check(0, &call)
        let scale = try scale(&call) ?? 0
        let type: DataType
        switch call.types[0] {
        case .decimal(let precision, let digits):
            let integral = precision - digits + 1
            if scale < 0 {
                type = .decimal(precision: min(38, max(integral, -scale + 1)), scale: 0)
            } else {
                let target = min(digits, scale)
                type = .decimal(precision: min(38, integral + target), scale: target)
            }
        case let other: type = other
        }
        return .call(.named(name), [call.arguments[0], .literal(.integer(Int32(scale)), .integer)], type)
    }

    static let bits: [FunctionDefinition] = [
        .custom("bit_count", arity: 1...1) { call in
            if call.types[0] != .boolean { try Parameter.integral.check(0, &call) }
            return .call(.named("bit_count"), call.arguments, .integer)
        },
        .custom("bit_get", "getbit", arity: 2...2) { call in
            try Parameter.integral.check(0, &call)
            try call.want(1, .integer)
            return .call(.named("bit_get"), call.arguments, .byte)
        },
        .custom("shiftrightunsigned", ">>>", arity: 2...2) { call in
            let type: DataType = call.types[0] == .long ? .long : .integer
            try call.want(0, type)
            try call.want(1, .integer)
            return .call(.named("shiftrightunsigned"), call.arguments, type)
        },
        .plain("bin", takes: [.long], gives: .string), .plain("conv", takes: [.string, .int, .int], gives: .string),
    ]
}
