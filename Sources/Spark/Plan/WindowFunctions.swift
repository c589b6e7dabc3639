/// Functions that need an OVER, and how a window's words become frames (Spark's "Window Functions" reference).
enum WindowFunctions {
    static let names: Set<String> = ["row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead", "nth_value"]

    static func resolve(
        _ function: Expression, _ window: WindowSpecification, name: String, in resolver: ExpressionResolver
    ) throws -> WindowCall {
        if case .pythonFunction(let python, let arguments) = function, python.kind == .aggregate {
            return try self.python(python, arguments, window, name: name, in: resolver)
        }
        guard case .function(let functionName, var arguments, let isDistinct, let filter) = function else {
            throw SparkError(
                "UNSUPPORTED_EXPR_FOR_WINDOW", sqlState: "42P20",
                "Expression \"\(function.prettySQL)\" not supported within a window function.")
        }
        let lowered = functionName.lowercased()
        let partition = try window.partition.map(resolver.resolve)
        let order = try window.order.map(resolver.sortKey)
        var frame = try resolvedFrame(window, order, resolver)
        var ignoreNulls = false
        arguments.removeAll {
            if case .namedArgument("ignore nulls", _) = $0 {
                ignoreNulls = true
                return true
            }
            return false
        }
        func made(_ function: WindowCall.Function, _ arguments: [ResolvedExpression], _ type: DataType, nullable: Bool) -> WindowCall {
            WindowCall(
                function: function, name: name, arguments: arguments, partition: partition, order: order, frame: frame, dataType: type,
                isNullable: nullable)
        }
        func wantOrder() throws {
            if order.isEmpty {
                throw SparkError(
                    "WINDOW_FUNCTION_AND_FRAME_MISMATCH", sqlState: "42K0E",
                    "\(lowered)() function can only be evaluated in an ordered row-based window frame: the window has no ORDER BY.")
            }
        }
        func integer(_ index: Int) throws -> Int {
            let value = try resolver.resolve(arguments[index])
            guard let number = PlanCompiler.constant(value)?.integerValue else {
                throw SparkError(
                    "DATATYPE_MISMATCH.NON_FOLDABLE_INPUT", sqlState: "42K09",
                    "Cannot resolve \"\(function.prettySQL)\" due to data type mismatch: the input should be a foldable \"INT\" expression."
                )
            }
            return number
        }
        func arity(_ range: ClosedRange<Int>) throws {
            guard range.contains(arguments.count) else {
                throw SparkError(
                    "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", sqlState: "42605",
                    "The `\(lowered)` requires \(range.lowerBound == range.upperBound ? "\(range.lowerBound)" : "[\(range.lowerBound), \(range.upperBound)]") parameters but the actual number is \(arguments.count)."
                )
            }
        }
        switch lowered {
        case "row_number", "rank", "dense_rank", "percent_rank", "cume_dist":
            try arity(0...0)
            try wantOrder()
            switch lowered {
            case "row_number": return made(.rowNumber, [], .integer, nullable: false)
            case "rank": return made(.rank, [], .integer, nullable: false)
            case "dense_rank": return made(.denseRank, [], .integer, nullable: false)
            case "percent_rank": return made(.percentRank, [], .double, nullable: false)
            default: return made(.cumeDist, [], .double, nullable: false)
            }
        case "ntile":
            try arity(0...1)
            try wantOrder()
            let count = arguments.isEmpty ? 1 : try integer(0)
            guard count > 0 else {
                throw SparkError(
                    "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", sqlState: "42K09",
                    "Cannot resolve \"\(function.prettySQL)\" due to data type mismatch: The `buckets` must be between (0, 2147483647] (current value = \(count))."
                )
            }
            return made(.ntile(count), [], .integer, nullable: false)
        case "lag", "lead":
            try arity(1...4)
            try wantOrder()
            let distance = arguments.count > 1 ? try integer(1) : 1
            let value = try resolver.resolve(arguments[0])
            var fallback = arguments.count > 2 ? try resolver.resolve(arguments[2]) : .literal(.null, value.dataType)
            if arguments.count > 3, case .literal(.boolean(true)) = arguments[3] { ignoreNulls = true }
            if fallback.dataType != value.dataType {
                fallback = try FunctionCatalog.explicitCast(fallback, to: value.dataType, isTry: false)
            }
            return made(
                .shifted(offset: lowered == "lag" ? -distance : distance, ignoreNulls: ignoreNulls), [value, fallback], value.dataType,
                nullable: value.isNullable || fallback.isNullable)
        case "nth_value":
            try arity(2...3)
            let value = try resolver.resolve(arguments[0])
            let place = try integer(1)
            guard place > 0 else {
                throw SparkError(
                    "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", sqlState: "42K09",
                    "Cannot resolve \"\(function.prettySQL)\" due to data type mismatch: The `offset` must be between (0, 9223372036854775807] (current value = \(place))."
                )
            }
            if arguments.count > 2, case .literal(.boolean(true)) = arguments[2] { ignoreNulls = true }
            return made(.nth(place, ignoreNulls: ignoreNulls), [value], value.dataType, nullable: true)
        case "first", "first_value", "last", "last_value", "any_value":
            try arity(1...2)
            let value = try resolver.resolve(arguments[0])
            if arguments.count > 1, case .literal(.boolean(true)) = arguments[1] { ignoreNulls = true }
            return made(
                lowered.hasPrefix("last") ? .last(ignoreNulls: ignoreNulls) : .first(ignoreNulls: ignoreNulls), [value], value.dataType,
                nullable: true)
        case _ where AggregateCatalog.contains(lowered):
            if isDistinct {
                throw SparkError(
                    "DISTINCT_WINDOW_FUNCTION_UNSUPPORTED", sqlState: "0A000", "Distinct window functions are not supported: \"\(name)\".")
            }
            let call = try windowAggregate(functionName, arguments, filter, function, resolver)
            if order.isEmpty, window.frame == nil {
                frame = WindowCall.Frame(kind: .rows, lower: .unboundedPreceding, upper: .unboundedFollowing)
            }
            return made(.aggregate(call), [], call.dataType, nullable: call.isNullable)
        default:
            throw SparkError(
                "UNSUPPORTED_EXPR_FOR_WINDOW", sqlState: "42P20",
                "Expression \"\(function.prettySQL)\" not supported within a window function.")
        }
    }

    /// An aggregate over a window takes aggregates of the query around it as arguments (`sum(sum(x)) OVER ()`).
    private static func windowAggregate(
        _ name: String, _ arguments: [Expression], _ filter: Expression?, _ function: Expression, _ resolver: ExpressionResolver
    ) throws -> AggregateCall {
        var plain: [ResolvedExpression] = []
        for argument in arguments {
            if case .star = argument { plain.append(.literal(.integer(1), .integer)) } else { plain.append(try resolver.resolve(argument)) }
        }
        let condition = try filter.map { try Resolver.condition(try resolver.resolve($0), $0) }
        return try AggregateCatalog.resolve(
            name, plain, order: [], isDistinct: false, filter: condition, displayName: function.countingRows.prettySQL)
    }

    static func resolvedFrame(
        _ window: WindowSpecification, _ order: [ResolvedSortKey], _ resolver: ExpressionResolver
    ) throws -> WindowCall.Frame {
        guard let frame = window.frame else {
            return order.isEmpty
                ? WindowCall.Frame(kind: .rows, lower: .unboundedPreceding, upper: .unboundedFollowing)
                : WindowCall.Frame(kind: .range, lower: .unboundedPreceding, upper: .currentRow)
        }
        func bound(_ bound: WindowSpecification.Bound) throws -> WindowCall.Bound {
            switch bound {
            case .unboundedPreceding: return .unboundedPreceding
            case .unboundedFollowing: return .unboundedFollowing
            case .currentRow: return .currentRow
            case .offset(let expression):
                let distance = try resolver.resolve(expression)
                if frame.kind == .rows {
                    guard let rows = PlanCompiler.constant(distance)?.integerValue else {
                        throw SparkError(
                            "DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_UNACCEPTED_TYPE", sqlState: "42K09",
                            "Cannot resolve the window frame due to data type mismatch: a whole number of rows is wanted, not \"\(expression.prettySQL)\"."
                        )
                    }
                    return rows == 0 ? .currentRow : .rows(rows)
                }
                guard order.count == 1 else {
                    throw SparkError(
                        order.isEmpty ? "DATATYPE_MISMATCH.RANGE_FRAME_WITHOUT_ORDER" : "DATATYPE_MISMATCH.RANGE_FRAME_MULTI_ORDER",
                        sqlState: "42K09",
                        "Cannot resolve the window due to data type mismatch: A range window frame with value boundaries \(order.isEmpty ? "cannot be used in an unordered window specification" : "cannot be used in a window specification with multiple order by expressions")."
                    )
                }
                if let value = PlanCompiler.constant(distance)?.doubleValue, value == 0 { return .currentRow }
                let moved = try FunctionCatalog.resolve(
                    order[0].isAscending ? "+" : "-", [order[0].expression, distance], unresolved: [expression, expression])
                return .distance(try FunctionCatalog.explicitCast(moved, to: order[0].expression.dataType, isTry: false))
            }
        }
        return WindowCall.Frame(kind: frame.kind, lower: try bound(frame.lower), upper: try bound(frame.upper))
    }
}

/// Functions that make rows, where a select list or LATERAL VIEW may have them.
enum Generators {
    static let names: Set<String> = [
        "explode", "explode_outer", "posexplode", "posexplode_outer", "inline", "inline_outer", "stack", "json_tuple",
    ]

    static func isGenerator(_ expression: Expression) -> Bool {
        if case .function(let name, _, _, _) = expression { return names.contains(name.lowercased()) }
        return false
    }
}
