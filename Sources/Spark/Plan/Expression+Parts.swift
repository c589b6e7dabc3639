/// A key that rows are ordered by. Spark puts nulls first when ascending and last when descending, unless told otherwise.
package struct SortOrder: Hashable, Sendable {
    package var expression: Expression
    package var isAscending: Bool
    package var nullsFirst: Bool

    package init(_ expression: Expression, isAscending: Bool = true, nullsFirst: Bool? = nil) {
        self.expression = expression
        self.isAscending = isAscending
        self.nullsFirst = nullsFirst ?? isAscending
    }
}

/// `OVER (PARTITION BY … ORDER BY … ROWS BETWEEN … AND …)`.
package struct WindowSpecification: Hashable, Sendable {
    package enum FrameKind: Hashable, Sendable {
        case rows
        case range
    }

    package enum Bound: Hashable, Sendable {
        case unboundedPreceding
        case unboundedFollowing
        case currentRow
        /// Rows or, for a range, a distance in the order key's units; negative is preceding.
        case offset(Expression)
    }

    package struct Frame: Hashable, Sendable {
        package var kind: FrameKind
        package var lower: Bound
        package var upper: Bound

        package init(_ kind: FrameKind, from lower: Bound, to upper: Bound) {
            self.kind = kind
            self.lower = lower
            self.upper = upper
        }
    }

    package var partition: [Expression]
    package var order: [SortOrder]
    /// nil: the whole partition without an order, and up to the current row's peers with one.
    package var frame: Frame?

    package init(partition: [Expression] = [], order: [SortOrder] = [], frame: Frame? = nil) {
        self.partition = partition
        self.order = order
        self.frame = frame
    }
}

/// A query inside an expression; it may name columns of the query around it.
package struct Subquery: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case scalar
        case exists
        /// The values that the rows are compared with, as many as the subquery has columns.
        case isIn([Expression])
    }

    package var kind: Kind
    package var plan: LogicalPlan

    package init(_ kind: Kind, _ plan: LogicalPlan) {
        self.kind = kind
        self.plan = plan
    }
}

package enum SQLParameter: Hashable, Sendable {
    case named(String)
    /// From 0.
    case positional(Int)
}

/// A function that a client gave to `foreachBatch` or `foreach`, with the session whose frames it sees.
package struct PythonSinkFunction: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case batch
        case row
    }

    package var kind: Kind
    package var function: PythonFunction
    package var userID: String
    package var sessionID: String

    package init(_ kind: Kind, _ function: PythonFunction, userID: String, sessionID: String) {
        self.kind = kind
        self.function = function
        self.userID = userID
        self.sessionID = sessionID
    }
}

/// A Python function that a client sent: cloudpickle's bytes, run by a Python worker.
package struct PythonFunction: Hashable, Sendable {
    /// As PySpark's `PythonEvalType` numbers it (100 a plain udf, 200 a scalar pandas_udf, 205 mapInPandas …).
    package var evalType: Int
    package var name: String
    package var isDeterministic: Bool
    /// What the function gives; nil where the client left it to the server's parser of ``outputText``.
    package var output: DataType?
    package var outputText: String?
    package var command: [UInt8]
    /// `3.11`: the worker's minor version has to be the same.
    package var pythonVersion: String

    package init(
        evalType: Int, name: String, isDeterministic: Bool, output: DataType?, outputText: String? = nil, command: [UInt8],
        pythonVersion: String
    ) {
        self.evalType = evalType
        self.name = name
        self.isDeterministic = isDeterministic
        self.output = output
        self.outputText = outputText
        self.command = command
        self.pythonVersion = pythonVersion
    }
}
