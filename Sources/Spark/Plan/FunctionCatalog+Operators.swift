extension FunctionCatalog {
    static let operators: [FunctionDefinition] =
        [
            arithmetic("+", .add), arithmetic("-", .subtract), arithmetic("*", .multiply), arithmetic("%", .remainder),
            arithmetic("mod", .remainder), arithmetic("/", .divide), arithmetic("div", .integralDivide),
            .custom("pmod", arity: 2...2) { call in
                let type = try operands(&call)
                return .call(.named("pmod"), call.arguments, type)
            },
            FunctionDefinition("negative", arity: 1...1) { call in
                if call.types[0].isInterval { return .call(.named("negate_interval"), call.arguments, call.types[0]) }
                try Parameter.numeric.check(0, &call)
                return .call(.negate, call.arguments, call.types[0])
            },
            FunctionDefinition("positive", arity: 1...1) { call in
                if call.types[0].isInterval { return call.arguments[0] }
                try Parameter.numeric.check(0, &call)
                return call.arguments[0]
            },
            FunctionDefinition("abs", arity: 1...1) { call in
                if call.types[0].isInterval { return .call(.named("absolute_interval"), call.arguments, call.types[0]) }
                try Parameter.numeric.check(0, &call)
                return .call(.absolute, call.arguments, call.types[0])
            },
            FunctionDefinition("~", arity: 1...1) { call in
                try Parameter.integral.check(0, &call)
                return .call(.bitNot, call.arguments, call.types[0])
            },
            bitwise("&", .bitAnd), bitwise("|", .bitOr), bitwise("^", .bitXor), shift("shiftleft", .shiftLeft),
            shift("shiftright", .shiftRight),
            comparison("==", .equal), comparison("=", .equal), comparison("<=>", .equalNullSafe), comparison("<", .less),
            comparison("<=", .lessOrEqual), comparison(">", .greater), comparison(">=", .greaterOrEqual),
            FunctionDefinition("!=", "<>", arity: 2...2) { call in
                try comparable(&call)
                return .call(.not, [.call(.equal, call.arguments, .boolean)], .boolean)
            },
            logical("and", .and), logical("or", .or),
            FunctionDefinition("between", arity: 3...3) { call in
                let (value, low, high) = (call.unresolved[0], call.unresolved[1], call.unresolved[2])
                let isAbove = try resolve(">=", [call.arguments[0], call.arguments[1]], unresolved: [value, low])
                let isBelow = try resolve("<=", [call.arguments[0], call.arguments[2]], unresolved: [value, high])
                return .call(.and, [isAbove, isBelow], .boolean)
            },
            FunctionDefinition("not", "!", arity: 1...1) { call in
                try call.want(0, .boolean)
                return .call(.not, call.arguments, .boolean)
            },
        ]

    /// Brings two numbers to one type, decimals with their own digits: strings become numbers (bigint beside whole numbers, double otherwise).
    ///
    /// - Returns: the common type; of decimals the wider one, the arguments keeping theirs.
    @discardableResult static func operands(_ call: inout FunctionCall) throws -> DataType {
        for index in 0...1 {
            let other = call.types[1 - index]
            switch call.types[index] {
            case .string: try call.cast(index, to: other.isIntegral ? .long : .double)
            case .null: try call.cast(index, to: other.isNumeric ? other : other == .string ? .double : .double)
            case let type where type.isNumeric: break
            default:
                if call.types[0] == call.types[1] { throw call.mismatch(index, wanted: "NUMERIC") }
                throw SparkError(
                    "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES", sqlState: "42K09",
                    "Cannot resolve \"\(call.name)\" due to data type mismatch: the left and right operands of the binary operator have incompatible types (\"\(call.types[0].sql)\" and \"\(call.types[1].sql)\")."
                )
            }
        }
        for index in 0...1 {
            guard case .decimal = call.types[1 - index], call.types[index].isIntegral else { continue }
            try call.cast(index, to: TypeCoercion.decimal(holding: call.arguments[index]))
        }
        if case .decimal = call.types[0], case .decimal = call.types[1] {
            return TypeCoercion.numeric(call.types[0], call.types[1]) ?? call.types[0]
        }
        return try call.unify()
    }

    private static func arithmetic(_ name: String, _ op: ScalarOperator) -> FunctionDefinition {
        FunctionDefinition(name, arity: 2...2) { call in
            if call.types.contains(where: { $0.isInterval || $0.isMoment }) { return try temporal(op, &call) }
            let type = try operands(&call)
            if case .decimal(let p1, let s1) = call.types[0], case .decimal(let p2, let s2) = call.types[1] {
                return .call(op, call.arguments, op == .integralDivide ? .long : TypeCoercion.decimal(op, p1, s1, p2, s2))
            }
            switch op {
            case .divide:
                try call.want(0, .double)
                try call.want(1, .double)
                return .call(op, call.arguments, .double)
            case .integralDivide:
                guard type.isIntegral else { throw call.mismatch(0, wanted: "(DECIMAL or BIGINT)") }
                try call.want(0, .long)
                try call.want(1, .long)
                return .call(op, call.arguments, .long)
            default: return .call(op, call.arguments, type)
            }
        }
    }

    private static func bitwise(_ name: String, _ op: ScalarOperator) -> FunctionDefinition {
        FunctionDefinition(name, arity: 2...2) { call in
            for index in 0...1 where !call.types[index].isIntegral && call.types[index] != .null {
                throw call.mismatch(index, wanted: "INTEGRAL")
            }
            let type = try call.unify()
            return .call(op, call.arguments, type == .null ? .integer : type)
        }
    }

    private static func shift(_ name: String, _ op: ScalarOperator) -> FunctionDefinition {
        FunctionDefinition(name, arity: 2...2) { call in
            let type: DataType = call.types[0] == .long || call.types[0] == .string ? .long : .integer
            try call.want(0, type)
            try call.want(1, .integer)
            return .call(op, call.arguments, type)
        }
    }

    static func comparable(_ call: inout FunctionCall) throws {
        // A whole number beside a decimal counts with its own digits.
        for index in 0...1 {
            if case .decimal = call.types[1 - index], call.types[index].isIntegral {
                try call.cast(index, to: TypeCoercion.decimal(holding: call.arguments[index]))
            }
        }
        guard let type = TypeCoercion.common(call.types[0], call.types[1]) else {
            throw SparkError(
                "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES", sqlState: "42K09",
                "Cannot resolve \"\(call.name)\" due to data type mismatch: the left and right operands of the binary operator have incompatible types (\"\(call.types[0].sql)\" and \"\(call.types[1].sql)\")."
            )
        }
        try orderable(type, call)
        try call.cast(0, to: type)
        try call.cast(1, to: type)
    }

    /// Maps and calendar intervals have no order in Spark.
    static func orderable(_ type: DataType, _ call: FunctionCall) throws {
        guard !type.hasOrder else { return }
        throw SparkError(
            "DATATYPE_MISMATCH.INVALID_ORDERING_TYPE", sqlState: "42K09",
            "Cannot resolve \"\(call.name)\" due to data type mismatch: the `\(call.name)` does not support ordering on type \"\(type.sql)\"."
        )
    }

    private static func comparison(_ name: String, _ op: ScalarOperator) -> FunctionDefinition {
        FunctionDefinition(name, arity: 2...2) { call in
            try comparable(&call)
            return .call(op, call.arguments, .boolean)
        }
    }

    private static func logical(_ name: String, _ op: ScalarOperator) -> FunctionDefinition {
        FunctionDefinition(name, arity: 2...2) { call in
            try call.want(0, .boolean)
            try call.want(1, .boolean)
            return .call(op, call.arguments, .boolean)
        }
    }
}
