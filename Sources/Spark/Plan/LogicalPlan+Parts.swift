/// `spark.table("a.b")`, `FROM a.b`, `spark.readStream.table("a")`.
package struct UnresolvedTable: Hashable, Sendable {
    package var name: [String]
    package var options: Options
    package var isStreaming: Bool

    package init(_ name: [String], options: Options = Options(), isStreaming: Bool = false) {
        self.name = name
        self.options = options
        self.isStreaming = isStreaming
    }
}

/// Rows that came with the query: `createDataFrame` by Connect, `VALUES` by SQL.
package struct LocalRelation: Hashable, Sendable {
    package enum Rows: Hashable, Sendable {
        /// Arrow IPC streams, concatenated record batches of one schema; decoded by the engine.
        case arrow([[UInt8]])
        case literals([[Expression]])
    }

    package var rows: Rows
    /// nil: as the rows say.
    package var schema: StructType?

    package init(_ rows: Rows, schema: StructType? = nil) {
        self.rows = rows
        self.schema = schema
    }
}

package struct SetOperation: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case union
        case intersect
        case except
    }

    package var kind: Kind
    /// false: the rows of the result are distinct.
    package var isAll: Bool
    /// Columns are matched by name instead of by place.
    package var byName: Bool
    /// By name, columns that one side lacks are null there.
    package var allowMissingColumns: Bool

    package init(_ kind: Kind, isAll: Bool, byName: Bool = false, allowMissingColumns: Bool = false) {
        self.kind = kind
        self.isAll = isAll
        self.byName = byName
        self.allowMissingColumns = allowMissingColumns
    }
}

package struct Join: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case inner, leftOuter, rightOuter, fullOuter, leftSemi, leftAnti, cross
    }

    package enum Condition: Hashable, Sendable {
        case none
        case on(Expression)
        /// Equal columns, which the result has once and first.
        case using([String])
        case natural
    }

    package var kind: Kind
    package var condition: Condition
    /// The right side sees the left's columns.
    package var isLateral: Bool

    package init(_ kind: Kind, _ condition: Condition = .none, isLateral: Bool = false) {
        self.kind = kind
        self.condition = condition
        self.isLateral = isLateral
    }
}

package struct Aggregate: Hashable, Sendable {
    package enum Grouping: Hashable, Sendable {
        case groupBy
        case rollup
        case cube
        case groupingSets([[Expression]])
    }

    package struct Pivot: Hashable, Sendable {
        package var column: Expression
        /// Empty: the distinct values of the column.
        package var values: [Literal]

        package init(_ column: Expression, values: [Literal]) {
            self.column = column
            self.values = values
        }
    }

    package var grouping: Grouping
    package var keys: [Expression]
    /// The result's columns. From a frame's `agg` the keys come first by themselves; from SQL the list is the whole select.
    package var aggregates: [Expression]
    package var includesKeys: Bool
    package var pivot: Pivot?

    package init(
        _ keys: [Expression], _ aggregates: [Expression], grouping: Grouping = .groupBy, includesKeys: Bool = true, pivot: Pivot? = nil
    ) {
        self.grouping = grouping
        self.keys = keys
        self.aggregates = aggregates
        self.includesKeys = includesKeys
        self.pivot = pivot
    }
}

/// `fraction` is `upper - lower` of the unit interval; the seed makes it repeatable.
package struct Sample: Hashable, Sendable {
    package var lower: Double
    package var upper: Double
    package var withReplacement: Bool
    package var seed: Int64?

    package init(lower: Double, upper: Double, withReplacement: Bool = false, seed: Int64? = nil) {
        self.lower = lower
        self.upper = upper
        self.withReplacement = withReplacement
        self.seed = seed
    }
}

package struct Generate: Hashable, Sendable {
    package var generator: Expression
    /// A row without elements stays, with nulls.
    package var isOuter: Bool
    package var qualifier: String?
    package var names: [String]

    package init(_ generator: Expression, isOuter: Bool = false, qualifier: String? = nil, names: [String] = []) {
        self.generator = generator
        self.isOuter = isOuter
        self.qualifier = qualifier
        self.names = names
    }
}

package struct Unpivot: Hashable, Sendable {
    package var ids: [Expression]
    /// nil: every column that is no id.
    package var values: [Expression]?
    package var variableName: String
    package var valueName: String

    package init(ids: [Expression], values: [Expression]?, variableName: String, valueName: String) {
        self.ids = ids
        self.values = values
        self.variableName = variableName
        self.valueName = valueName
    }
}

/// `df.describe`, `df.summary`, `df.stat.*`.
package enum Statistics: Hashable, Sendable {
    case describe(columns: [String])
    case summary(statistics: [String])
    case crosstab(String, String)
    case covariance(String, String)
    case correlation(String, String, method: String)
    case approximateQuantiles(columns: [String], probabilities: [Double], relativeError: Double)
    case frequentItems(columns: [String], support: Double)
    case sampleBy(Expression, fractions: [Literal: Double], seed: Int64)
}

/// One `name AS (…)` of a WITH.
package struct CommonTable: Hashable, Sendable {
    package var name: String
    package var columns: [String]
    package var plan: LogicalPlan

    package init(_ name: String, columns: [String] = [], _ plan: LogicalPlan) {
        self.name = name
        self.columns = columns
        self.plan = plan
    }
}

/// One `old → new` of `df.na.replace`.
package struct Replacement: Hashable, Sendable {
    package var old: Literal
    package var new: Literal

    package init(_ old: Literal, _ new: Literal) {
        self.old = old
        self.new = new
    }
}
