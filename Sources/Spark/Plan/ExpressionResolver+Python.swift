/// Calls of clients' functions.
extension ExpressionResolver {
    func python(_ function: PythonFunction, _ arguments: [Expression], _ expression: Expression) throws -> ResolvedExpression {
        guard variables.isEmpty else {
            throw SparkError(
                "UNSUPPORTED_FEATURE.LAMBDA_FUNCTION_WITH_PYTHON_UDF", sqlState: "0A000",
                "The feature is not supported: Lambda function with Python UDF \"\(expression.prettySQL)\" in a higher order function.")
        }
        switch function.kind {
        case .scalar, .scalarIterator:
            let (values, names) = try pythonArguments(arguments)
            return .python(PythonCall(function, try values.map(resolve), names: names, dataType: try function.outputType()))
        case .aggregate:
            guard allowsAggregates else {
                throw SparkError(
                    "INVALID_PANDAS_UDF_PLACEMENT", sqlState: "0A000",
                    "The group aggregate pandas UDF `\(function.name)` cannot be invoked together with as other, non-pandas aggregate functions."
                )
            }
            // No aggregate stands inside another.
            let inner = ExpressionResolver(scope, plans: plans)
            let (values, names) = try pythonArguments(arguments)
            return added(
                AggregateCall(
                    function: .python(function, names: names), name: expression.prettySQL, arguments: try values.map(inner.resolve),
                    dataType: try function.outputType(), isNullable: true))
        case .map, .mapGroups: throw Resolver.unserved("The function \(function.name), which is one over frames, among columns")
        case .other(let what): throw Resolver.unserved(what)
        }
    }

    func pythonArguments(_ arguments: [Expression]) throws -> ([Expression], [String?]) {
        var values: [Expression] = []
        var names: [String?] = []
        for argument in arguments {
            switch argument {
            case .star(let target, let planID):
                values += try star(target, planID).map { .attribute(target + [$0.name], planID: planID) }
            case .namedArgument(let name, let value):
                values.append(value)
                names.append(name)
            default: values.append(argument)
            }
            while names.count < values.count { names.append(nil) }
        }
        return (values, names)
    }
}

extension WindowFunctions {
    /// A client's function of groups over each row's frame.
    static func python(
        _ function: PythonFunction, _ arguments: [Expression], _ window: WindowSpecification, name: String, in resolver: ExpressionResolver
    ) throws -> WindowCall {
        guard [202, 252].contains(function.evalType) else {
            throw Resolver.unserved("The function \(function.name), which takes an iterator, over a window")
        }
        let (values, names) = try resolver.pythonArguments(arguments)
        let order = try window.order.map(resolver.sortKey)
        let type = try function.outputType()
        let call = AggregateCall(
            function: .python(function, names: names), name: name, arguments: try values.map(resolver.resolve), dataType: type,
            isNullable: true)
        return WindowCall(
            function: .aggregate(call), name: name, arguments: [], partition: try window.partition.map(resolver.resolve), order: order,
            frame: try resolvedFrame(window, order, resolver), dataType: type, isNullable: true)
    }
}

/// Functions over frames.
extension Resolver {
    func mapPartitions(_ function: PythonFunction, _ child: LogicalPlan) throws -> Relation {
        guard function.kind == .map else { throw Self.unserved("mapInPandas with a function of the type \(function.evalType)") }
        let relation = try resolve(relation: child)
        return Relation(.python(.map(function, try function.outputColumns()), relation.plan))
    }

    func mapGroups(_ function: PythonFunction, _ keys: [Expression], _ child: LogicalPlan) throws -> Relation {
        guard function.kind == .mapGroups else { throw Self.unserved("applyInPandas with a function of the type \(function.evalType)") }
        let relation = try resolve(relation: child)
        let resolver = ExpressionResolver(relation.scope, plans: self)
        let grouping = try keys.flatMap { try resolver.named($0) }
        guard resolver.subqueries.isEmpty else { throw Self.unserved("A subquery in groupBy") }
        let scope = relation.scope
        let columns = scope.schema.fields.enumerated().map { ResolvedNamed($1.name, scope.column($0)) }
        return Relation(
            .python(
                .mapGroups(function, keys: grouping.count, try function.outputColumns()), .project(grouping + columns, relation.plan)))
    }

    /// Spark runs an aggregate of pandas functions apart from others, and mixes none.
    static func checkPython(_ aggregate: ResolvedAggregate) throws {
        let python = aggregate.calls.filter(\.function.isPython)
        guard let first = python.first, case .python(let function, _) = first.function else { return }
        guard python.count == aggregate.calls.count else {
            throw SparkError(
                "INVALID_PANDAS_UDF_PLACEMENT", sqlState: "0A000",
                "The group aggregate pandas UDF `\(function.name)` cannot be invoked together with as other, non-pandas aggregate functions."
            )
        }
        guard aggregate.sets == nil else { throw unserved("The pandas function \(function.name) over grouping sets") }
    }
}
