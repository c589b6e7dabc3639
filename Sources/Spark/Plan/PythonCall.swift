internal import IO

/// What a client's function is called with, and what it gives back: PySpark's `PythonEvalType` by its shape.
package enum PythonFunctionKind: Hashable, Sendable {
    /// A value for each row.
    case scalar
    /// The same, over an iterator of batches that it may remember things between.
    case scalarIterator
    /// A value for each group.
    case aggregate
    /// Batches for batches: `mapInPandas`, `mapInArrow`.
    case map
    /// Rows for each group: `applyInPandas`, `applyInArrow`.
    case mapGroups
    /// What this engine does not run, by Spark's name for it.
    case other(String)
}

extension PythonFunction {
    package var kind: PythonFunctionKind {
        switch evalType {
        case 100, 101, 200, 250: .scalar
        case 204, 251: .scalarIterator
        case 202, 217, 252, 254: .aggregate
        case 205, 207: .map
        case 201, 209, 215, 216: .mapGroups
        case 206, 210: .other("cogroup(…).applyInPandas")
        case 208: .other("applyInPandasWithState")
        case 211...214: .other("transformWithState")
        case 300...302: .other("A Python table function (udtf)")
        default: .other("A Python function of the type \(evalType)")
        }
    }

    /// Whether it takes and gives Arrow's or pandas' arrays, not single values.
    var isVectorized: Bool { evalType >= 200 }

    /// - Throws: ``SparkError`` where the client named no type.
    func outputType() throws -> DataType {
        guard let output else {
            throw SparkError("INVALID_PLAN_INPUT", sqlState: "42000", "The function \(name) was sent without the type of its result.")
        }
        return output
    }

    /// The columns that a function over frames gives.
    ///
    /// - Throws: ``SparkError`` where it is declared to give a single value.
    func outputColumns() throws -> StructType {
        guard case .structure(let type) = try outputType() else {
            throw SparkError(
                "INVALID_RETURN_TYPE", sqlState: "42K09",
                "The function \(name) has to give a struct type, but \(output?.sql ?? "") was declared.")
        }
        return type
    }
}

/// A call of a client's function over columns, or of several where each gets what the one before gave and nothing else: such a chain is
/// run in one go, and the values between are never converted. (Spark, `ExtractPythonUDFs.canEvaluateInPython`.)
package struct PythonCall: Hashable, Sendable {
    /// Innermost first.
    package var functions: [PythonFunction]
    package var arguments: [ResolvedExpression]
    /// Of arguments given by name.
    package var names: [String?]
    package var dataType: DataType
    /// Tells calls of a function apart that may give another value each time; zero for the others, which are made once.
    package var instance: Int

    init(_ function: PythonFunction, _ arguments: [ResolvedExpression], names: [String?], dataType: DataType) {
        functions = [function]
        self.arguments = arguments
        self.names = names
        self.dataType = dataType
        instance = function.isDeterministic ? 0 : LambdaNumbers.next()
    }

    package var name: String { functions.last?.name ?? "" }
    var evalType: Int { functions.last?.evalType ?? 0 }
    var isIterating: Bool { functions.last?.kind == .scalarIterator }
    var isDeterministic: Bool { functions.allSatisfy(\.isDeterministic) }

    func mapArguments(_ transform: (ResolvedExpression) throws -> ResolvedExpression) rethrows -> PythonCall {
        var call = self
        call.arguments = try arguments.map(transform)
        return call
    }

    /// This call and the one that is its only argument as one, where they may be.
    var chained: PythonCall {
        guard arguments.count == 1, names[0] == nil, case .python(let inner) = arguments[0] else { return self }
        let below = inner.chained
        guard below.evalType == evalType else { return mapArguments { _ in .python(below) } }
        var call = self
        call.functions = below.functions + functions
        call.arguments = below.arguments
        call.names = below.names
        call.instance = instance == 0 ? below.instance : instance
        return call
    }
}

/// What an operator of Python's does with its rows.
package enum PythonOperation: Hashable, Sendable {
    /// The child's columns, and one for each call; all calls are of one evaluation type.
    case evaluate([PythonCall])
    case map(PythonFunction, StructType)
    /// Groups by the child's first columns; the others are what the function sees.
    case mapGroups(PythonFunction, keys: Int, StructType)

    func schema(over child: StructType) -> StructType {
        switch self {
        case .evaluate(let calls): StructType(child.fields + calls.enumerated().map { StructField("pythonUDF\($0)", $1.dataType) })
        case .map(_, let schema), .mapGroups(_, _, let schema): schema
        }
    }

    var expressions: [ResolvedExpression] {
        if case .evaluate(let calls) = self { return calls.flatMap(\.arguments) }
        return []
    }

    /// What it is in PySpark.
    var methodName: String {
        switch self {
        case .evaluate: "udf"
        case .map(let function, _): function.evalType == 205 ? "mapInPandas" : "mapInArrow"
        case .mapGroups(let function, _, _): [201, 216].contains(function.evalType) ? "applyInPandas" : "applyInArrow"
        }
    }

    var label: String {
        switch self {
        case .evaluate(let calls):
            "\(calls.first?.evalType == 100 ? "BatchEvalPython" : "ArrowEvalPython") [\(calls.map(\.name).joined(separator: ", "))]"
        case .map(let function, _): "\(function.evalType == 205 ? "MapInPandas" : "MapInArrow") \(function.name)"
        case .mapGroups(let function, _, _):
            "\([201, 216].contains(function.evalType) ? "FlatMapGroupsInPandas" : "FlatMapGroupsInArrow") \(function.name)"
        }
    }
}

extension ResolvedExpression {
    package var callsPython: Bool {
        if case .python = self { return true }
        return children.contains(where: \.callsPython)
    }
}

extension PhysicalPlan {
    var callsPython: Bool {
        branches.contains { branch in
            branch.stages.contains { if case .python = $0 { true } else { false } }
        }
    }
}

extension AggregateFunction {
    var isPython: Bool {
        if case .python = self { return true }
        return false
    }
}
