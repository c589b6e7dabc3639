extension FunctionCatalog {
    static let operators: [FunctionDefinition] =
        [
            arithmetic("+", .add), arithmetic("-", .subtract), arithmetic("*", .multiply), arithmetic("%", .remainder),
            arithmetic("mod", .remainder),
            FunctionDefinition("/", arity: 2...2) { call in
                try numeric(&call)
                try call.want(0, .double)
                try call.want(1, .double)
                return .call(.divide, call.arguments, .double)
            },
            FunctionDefinition("div", arity: 2...2) { call in
                try numeric(&call)
                try call.want(0, .long)
                try call.want(1, .long)
                return .call(.integralDivide, call.arguments, .long)
            },
            FunctionDefinition("negative", arity: 1...1) { call in
                try numeric(&call)
                if case .decimal = call.types[0] { throw call.unserved("Decimal arithmetic") }
                return .call(.negate, call.arguments, call.types[0])
            },
            FunctionDefinition("positive", arity: 1...1) { call in
                try numeric(&call)
                return call.arguments[0]
            },
            FunctionDefinition("abs", arity: 1...1) { call in
                try numeric(&call)
                if case .decimal = call.types[0] { throw call.unserved("Decimal arithmetic") }
                return .call(.absolute, call.arguments, call.types[0])
            },
            FunctionDefinition("~", arity: 1...1) { call in
                guard call.types[0].isIntegral else { throw call.mismatch(0, wanted: "INTEGRAL") }
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
            FunctionDefinition("not", "!", arity: 1...1) { call in
                try call.want(0, .boolean)
                return .call(.not, call.arguments, .boolean)
            },
        ]

    /// Strings become numbers (bigint beside whole numbers, double otherwise), then both sides meet in one type.
    private static func numeric(_ call: inout FunctionCall) throws {
        for index in call.arguments.indices {
            switch call.arguments[index].dataType {
            case .string:
                let other = call.arguments.count == 2 ? call.arguments[1 - index].dataType : .double
                try call.cast(index, to: other.isIntegral ? .long : .double)
            case .null:
                try call.cast(index, to: call.arguments.count == 2 && call.types[1 - index].isNumeric ? call.types[1 - index] : .double)
            case let type where type.isNumeric: break
            default: throw call.mismatch(index, wanted: "NUMERIC")
            }
        }
        _ = try call.unify()
    }

    private static func arithmetic(_ name: String, _ op: ScalarOperator) -> FunctionDefinition {
        FunctionDefinition(name, arity: 2...2) { call in
            try numeric(&call)
            if case .decimal = call.types[0] { throw call.unserved("Decimal arithmetic") }
            return .call(op, call.arguments, call.types[0])
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
            let type: DataType = call.types[0] == .long ? .long : .integer
            try call.want(0, type)
            try call.want(1, .integer)
            return .call(op, call.arguments, type)
        }
    }

    private static func comparable(_ call: inout FunctionCall) throws {
        guard let type = TypeCoercion.common(call.types[0], call.types[1]) else {
            throw SparkError(
                "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES", sqlState: "42K09",
                "Cannot resolve \"\(call.name)\" due to data type mismatch: the left and right operands of the binary operator have incompatible types (\"\(call.types[0].sql)\" and \"\(call.types[1].sql)\")."
            )
        }
        if case .decimal = type {
            // Two literals or a literal and whole numbers: exact in double up to 15 digits, which is what 64-bit literals mostly are.
            throw call.unserved("Comparing decimals")
        }
        guard !type.isNested else { throw call.unserved("Comparing \(type.sql)") }
        try call.cast(0, to: type)
        try call.cast(1, to: type)
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
