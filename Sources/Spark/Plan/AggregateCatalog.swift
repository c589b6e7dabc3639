internal import IO

/// Aggregates by what they compute; ``AggregateCatalog`` gives them their names, ``Accumulator`` their state.
package enum AggregateFunction: Hashable, Sendable {
    case count
    case countIf
    case sum, average
    /// `try_sum`, `try_avg`: null where the sum overflows.
    case trySum, tryAverage
    case min, max
    case first(ignoreNulls: Bool)
    case last(ignoreNulls: Bool)
    case collectList, collectSet
    case variancePopulation, varianceSample, deviationPopulation, deviationSample, skewness, kurtosis
    case covariancePopulation, covarianceSample, correlation
    case regression(Regression)
    case countDistinctApproximate
    case percentile([Double], isArray: Bool, isDiscrete: Bool)
    case percentileApproximate([Double], isArray: Bool)
    case mode
    case every, some
    case bitAnd, bitOr, bitXor
    case maxBy, minBy
    case product
    case textList(separator: String?)
    /// Items that make up at least this share of the rows.
    case frequentItems(Double)
    /// A client's pandas function; the arguments that were given by name carry it.
    case python(PythonFunction, names: [String?])

    package enum Regression: Hashable, Sendable {
        case count, averageX, averageY, sumXX, sumYY, sumXY, slope, intercept, r2
    }
}

/// Aggregate functions by their Spark names: which arguments they take, and of which type they give a value.
package enum AggregateCatalog {
    package static let names: Set<String> = [
        "count", "count_if", "sum", "avg", "mean", "try_sum", "try_avg", "min", "max", "first", "first_value", "last", "last_value",
        "any_value", "collect_list", "array_agg", "collect_set", "var_pop", "var_samp", "variance", "stddev_pop", "stddev_samp", "stddev",
        "std", "skewness", "kurtosis", "covar_pop", "covar_samp", "corr", "regr_count", "regr_avgx", "regr_avgy", "regr_sxx", "regr_syy",
        "regr_sxy", "regr_slope", "regr_intercept", "regr_r2", "approx_count_distinct", "percentile", "percentile_cont", "percentile_disc",
        "percentile_approx", "approx_percentile", "median", "mode", "every", "bool_and", "some", "any", "bool_or", "bit_and", "bit_or",
        "bit_xor", "max_by", "min_by", "product", "listagg", "string_agg", "grouping", "grouping_id", "count_distinct", "sum_distinct",
    ]

    static func contains(_ name: String) -> Bool { names.contains(name.lowercased()) }

    /// - Parameter arguments: resolved, without the sort orders of WITHIN GROUP, which are `order`.
    static func resolve(
        _ name: String, _ arguments: [ResolvedExpression], order: [ResolvedSortKey], isDistinct: Bool, filter: ResolvedExpression?,
        displayName: String
    ) throws -> AggregateCall {
        var call = FunctionCall(name: name.lowercased(), arguments: arguments, unresolved: [], lambdaResolver: FunctionCatalog.refuseLambda)
        var order = order
        func arity(_ range: ClosedRange<Int>) throws {
            guard range.contains(call.arguments.count) else {
                let wanted =
                    range.lowerBound == range.upperBound
                    ? "\(range.lowerBound)"
                    : range.upperBound == Int.max ? "> \(range.lowerBound - 1)" : "[\(range.lowerBound), \(range.upperBound)]"
                throw SparkError(
                    "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", sqlState: "42605",
                    "The `\(call.name)` requires \(wanted) parameters but the actual number is \(call.arguments.count).")
            }
        }
        func made(_ function: AggregateFunction, _ type: DataType, nullable: Bool = true) -> AggregateCall {
            AggregateCall(
                function: function, name: displayName, arguments: call.arguments, dataType: type, isNullable: nullable,
                isDistinct: isDistinct, filter: filter, order: order)
        }
        func flag(_ index: Int) throws -> Bool {
            guard call.arguments.count > index else { return false }
            guard case .literal(.boolean(let value), _) = call.arguments[index] else {
                throw call.mismatch(index, wanted: "BOOLEAN literal")
            }
            return value
        }
        func numericSum(_ isTry: Bool) throws -> AggregateCall {
            try arity(1...1)
            switch call.types[0] {
            case .byte, .short, .integer, .long:
                try call.cast(0, to: .long)
                return made(isTry ? .trySum : .sum, .long)
            case .decimal(let precision, let scale):
                return made(isTry ? .trySum : .sum, .decimal(precision: Swift.min(38, precision + 10), scale: scale))
            case .dayTimeInterval, .yearMonthInterval: return made(isTry ? .trySum : .sum, call.types[0])
            case .float, .double, .string, .null:
                try call.cast(0, to: .double)
                return made(isTry ? .trySum : .sum, .double)
            default: throw call.mismatch(0, wanted: "NUMERIC\" or \"ANSI INTERVAL")
            }
        }
        func doubles(_ count: Int) throws {
            try arity(count...count)
            for index in 0..<count { try call.want(index, .double) }
        }
        func percentages(_ index: Int) throws -> (values: [Double], isArray: Bool) {
            guard call.arguments.count > index else { throw call.mismatch(index, wanted: "DOUBLE") }
            let expression = call.arguments[index]
            func number(_ literal: Literal) -> Double? { literal.doubleValue }
            let literal: Literal?
            if case .literal(let value, _) = expression { literal = value } else { literal = PlanCompiler.fold(expression) }
            switch literal {
            case .array(let elements, _)?:
                let values = elements.compactMap(number)
                guard values.count == elements.count, values.allSatisfy({ (0...1).contains($0) }) else { break }
                return (values, true)
            case let value?:
                if let number = number(value), (0...1).contains(number) { return ([number], false) }
            case nil:
                if case .call(_, let elements, .array) = expression {
                    let values = elements.compactMap { element in PlanCompiler.constant(element).flatMap(number) }
                    if values.count == elements.count, values.allSatisfy({ (0...1).contains($0) }) { return (values, true) }
                }
            }
            throw SparkError(
                "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", sqlState: "42K09",
                "Cannot resolve \"\(displayName)\" due to data type mismatch: The `percentage` must be between [0.0, 1.0] and a constant.")
        }
        func single(_ type: DataType, _ isArray: Bool) -> DataType { isArray ? .array(type, containsNull: false) : type }

        switch call.name {
        case "count", "count_distinct":
            try arity(1...Int.max)
            var result = made(.count, .long, nullable: false)
            if call.name == "count_distinct" { result.isDistinct = true }
            return result
        case "count_if":
            try arity(1...1)
            try call.want(0, .boolean)
            return made(.countIf, .long, nullable: false)
        case "sum", "sum_distinct":
            var result = try numericSum(false)
            if call.name == "sum_distinct" { result.isDistinct = true }
            return result
        case "try_sum": return try numericSum(true)
        case "avg", "mean", "try_avg":
            try arity(1...1)
            let function: AggregateFunction = call.name == "try_avg" ? .tryAverage : .average
            switch call.types[0] {
            case .decimal(let precision, let scale):
                return made(function, .decimal(precision: Swift.min(38, precision + 4), scale: Swift.min(37, scale + 4)))
            case .yearMonthInterval, .dayTimeInterval: return made(function, call.types[0])
            case let type where type.isNumeric || type == .string || type == .null:
                try call.cast(0, to: .double)
                return made(function, .double)
            default: throw call.mismatch(0, wanted: "NUMERIC\" or \"ANSI INTERVAL")
            }
        case "min", "max":
            try arity(1...1)
            if case .map = call.types[0] {
                throw SparkError(
                    "DATATYPE_MISMATCH.INVALID_ORDERING_TYPE", sqlState: "42K09",
                    "Cannot resolve \"\(displayName)\" due to data type mismatch: The `\(call.name)` does not support ordering on type \"\(call.types[0].sql)\"."
                )
            }
            return made(call.name == "min" ? .min : .max, call.types[0])
        case "first", "first_value", "any_value":
            try arity(1...2)
            let ignore = try flag(1)
            call.arguments = [call.arguments[0]]
            return made(.first(ignoreNulls: ignore), call.types[0])
        case "last", "last_value":
            try arity(1...2)
            let ignore = try flag(1)
            call.arguments = [call.arguments[0]]
            return made(.last(ignoreNulls: ignore), call.types[0])
        case "collect_list", "array_agg", "collect_set":
            try arity(1...1)
            return made(
                call.name == "collect_set" ? .collectSet : .collectList, .array(call.types[0], containsNull: false), nullable: false)
        case "var_pop", "var_samp", "variance", "stddev_pop", "stddev_samp", "stddev", "std", "skewness", "kurtosis":
            try doubles(1)
            let function: AggregateFunction =
                switch call.name {
                case "var_pop": .variancePopulation
                case "var_samp", "variance": .varianceSample
                case "stddev_pop": .deviationPopulation
                case "skewness": .skewness
                case "kurtosis": .kurtosis
                default: .deviationSample
                }
            return made(function, .double)
        case "covar_pop", "covar_samp", "corr":
            try doubles(2)
            return made(
                call.name == "corr" ? .correlation : call.name == "covar_pop" ? .covariancePopulation : .covarianceSample, .double)
        case let regression where regression.hasPrefix("regr_"):
            try doubles(2)
            let kinds: [String: AggregateFunction.Regression] = [
                "regr_count": .count, "regr_avgx": .averageX, "regr_avgy": .averageY, "regr_sxx": .sumXX, "regr_syy": .sumYY,
                "regr_sxy": .sumXY, "regr_slope": .slope, "regr_intercept": .intercept, "regr_r2": .r2,
            ]
            guard let kind = kinds[regression] else { throw call.unserved("The aggregate function \(regression)") }
            return made(.regression(kind), kind == .count ? .long : .double, nullable: kind != .count)
        case "approx_count_distinct":
            try arity(1...2)
            call.arguments = [call.arguments[0]]
            return made(.countDistinctApproximate, .long, nullable: false)
        case "median":
            try doubles(1)
            return made(.percentile([0.5], isArray: false, isDiscrete: false), .double)
        case "percentile":
            try arity(2...3)
            let (values, isArray) = try percentages(1)
            if call.arguments.count == 3 { throw call.unserved("percentile's frequency") }
            call.arguments = [call.arguments[0]]
            try call.want(0, .double)
            return made(.percentile(values, isArray: isArray, isDiscrete: false), single(.double, isArray))
        case "percentile_cont", "percentile_disc":
            try arity(1...1)
            let (values, isArray) = try percentages(0)
            guard let key = order.first, order.count == 1 else {
                throw SparkError(
                    "INVALID_WITHIN_GROUP_EXPRESSION.WITHIN_GROUP_MISSING", sqlState: "42K0K",
                    "Invalid function `\(call.name)` with WITHIN GROUP. WITHIN GROUP is required for inverse distribution function.")
            }
            call.arguments = [key.expression]
            try call.want(0, .double)
            order = []
            let fractions = key.isAscending ? values : values.map { 1 - $0 }
            return made(.percentile(fractions, isArray: isArray, isDiscrete: call.name == "percentile_disc"), single(.double, isArray))
        case "percentile_approx", "approx_percentile":
            try arity(2...3)
            let (values, isArray) = try percentages(1)
            call.arguments = [call.arguments[0]]
            guard call.types[0].isNumeric || call.types[0] == .date || call.types[0] == .timestamp || call.types[0] == .timestampNTZ else {
                throw call.mismatch(0, wanted: "NUMERIC\", \"DATE\" or \"TIMESTAMP")
            }
            return made(.percentileApproximate(values, isArray: isArray), single(call.types[0], isArray))
        case "mode":
            if call.arguments.isEmpty, let key = order.first {
                call.arguments = [key.expression]
                order = []
            }
            try arity(1...2)
            call.arguments = [call.arguments[0]]
            return made(.mode, call.types[0])
        case "every", "bool_and", "some", "any", "bool_or":
            try arity(1...1)
            try call.want(0, .boolean)
            return made(["every", "bool_and"].contains(call.name) ? .every : .some, .boolean)
        case "bit_and", "bit_or", "bit_xor":
            try arity(1...1)
            guard call.types[0].isIntegral else { throw call.mismatch(0, wanted: "INTEGRAL") }
            return made(call.name == "bit_and" ? .bitAnd : call.name == "bit_or" ? .bitOr : .bitXor, call.types[0])
        case "max_by", "min_by":
            try arity(2...2)
            return made(call.name == "max_by" ? .maxBy : .minBy, call.types[0])
        case "product":
            try doubles(1)
            return made(.product, .double)
        case "listagg", "string_agg":
            try arity(1...2)
            var separator: String?
            if call.arguments.count == 2 {
                guard case .literal(.string(let text), _) = call.arguments[1] else { throw call.mismatch(1, wanted: "STRING literal") }
                separator = text
            }
            call.arguments = [call.arguments[0]]
            try call.want(0, .string)
            return made(.textList(separator: separator), .string)
        default:
            throw SparkError(
                "UNSUPPORTED_FEATURE", sqlState: "0A000", "The aggregate function \(name) is not served by this engine here.")
        }
    }
}

extension Literal {
    /// The number that a numeric literal is.
    var doubleValue: Double? {
        switch self {
        case .byte(let value): Double(value)
        case .short(let value): Double(value)
        case .integer(let value): Double(value)
        case .long(let value): Double(value)
        case .float(let value): Double(value)
        case .double(let value): value
        case .decimal(let unscaled, _, let scale): Double(Literal.decimalText(unscaled: unscaled, scale: scale))
        default: nil
        }
    }

    var integerValue: Int? {
        switch self {
        case .byte(let value): Int(value)
        case .short(let value): Int(value)
        case .integer(let value): Int(value)
        case .long(let value): Int(value)
        case .decimal(let unscaled, _, 0): Int(exactly: unscaled)
        default: nil
        }
    }
}
