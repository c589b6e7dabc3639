/// A plan whose names and types are settled: what the optimizer rewrites.
///
/// Columns are ordinals of the child's output; names remain only where a schema shows them.
package indirect enum ResolvedPlan: Hashable, Sendable {
    case source(DataSourceRead, StructType)
    /// Rows of constants.
    case values([[ResolvedExpression]], StructType)
    /// Rows that came as Arrow IPC streams.
    case arrow([[UInt8]], StructType)
    case range(start: Int64, end: Int64, step: Int64)
    /// A table of the memory sink, by its query's name.
    case memoryTable(String, StructType)
    case project([ResolvedNamed], ResolvedPlan)
    case filter(ResolvedExpression, ResolvedPlan)
    case limit(Int, ResolvedPlan)
    case offset(Int, ResolvedPlan)
    case tail(Int, ResolvedPlan)
    case sort([ResolvedSortKey], ResolvedPlan)
    case union(ResolvedPlan, ResolvedPlan, StructType)
    /// Intersect and except; the schema is the left side's, which both have been brought to.
    case setOperation(SetOperation.Kind, isAll: Bool, ResolvedPlan, ResolvedPlan, StructType)
    case join(ResolvedJoin, ResolvedPlan, ResolvedPlan)
    case aggregate(ResolvedAggregate, ResolvedPlan)
    /// The child's columns and one for each call.
    case window([WindowCall], ResolvedPlan)
    /// The child's columns and the generator's.
    case generate(ResolvedGenerator, ResolvedPlan)
    /// Each row once for every list: `stack`, unpivot.
    case expand([[ResolvedExpression]], StructType, ResolvedPlan)
    /// The first row for each combination of these columns.
    case deduplicate([Int], ResolvedPlan)
    /// The first row for each combination of these columns, remembered for as long as the watermark's delay.
    case deduplicateWithin([Int], ResolvedPlan)
    /// The column is the event time of a stream, which comes at most this much late.
    case watermark(column: Int, delayMicros: Int64, ResolvedPlan)
    case sample(Sample, ResolvedPlan)
    /// At most one row, else `SCALAR_SUBQUERY_TOO_MANY_ROWS`; none becomes a row of nulls.
    case singleRow(ResolvedPlan)
    /// The text that `show()` prints, as one row of one column.
    case show(ShowFormat, ResolvedPlan)
    /// A client's functions over the rows.
    case python(PythonOperation, ResolvedPlan)
    /// Aggregates over what passes, reported beside the result.
    case observe(name: String, ResolvedAggregate, [ResolvedNamed], ResolvedPlan)

    package var schema: StructType {
        switch self {
        case .source(_, let schema), .values(_, let schema), .arrow(_, let schema), .memoryTable(_, let schema), .union(_, _, let schema),
            .setOperation(_, _, _, _, let schema), .expand(_, let schema, _):
            schema
        case .range: StructType([StructField("id", .long, nullable: false)])
        case .project(let columns, _):
            StructType(columns.map { StructField($0.name, $0.expression.dataType, nullable: $0.expression.isNullable) })
        case .filter(_, let child), .limit(_, let child), .offset(_, let child), .tail(_, let child), .sort(_, let child),
            .deduplicate(_, let child), .deduplicateWithin(_, let child), .watermark(_, _, let child), .sample(_, let child),
            .observe(_, _, _, let child):
            child.schema
        case .singleRow(let child):
            StructType(child.schema.fields.map { StructField($0.name, $0.dataType, nullable: true) })
        case .join(let join, let left, let right): join.schema(left.schema, right.schema)
        case .aggregate(let aggregate, _): aggregate.schema
        case .window(let calls, let child):
            StructType(child.schema.fields + calls.map { StructField($0.name, $0.dataType, nullable: $0.isNullable) })
        case .generate(let generator, let child): StructType(child.schema.fields + generator.fields)
        case .python(let operation, let child): operation.schema(over: child.schema)
        case .show(let format, _): StructType([StructField(format.column, .string, nullable: false)])
        }
    }

    package var children: [ResolvedPlan] {
        switch self {
        case .source, .values, .arrow, .range, .memoryTable: []
        case .project(_, let child), .filter(_, let child), .limit(_, let child), .offset(_, let child), .tail(_, let child),
            .sort(_, let child), .aggregate(_, let child), .window(_, let child), .generate(_, let child), .expand(_, _, let child),
            .deduplicate(_, let child), .deduplicateWithin(_, let child), .watermark(_, _, let child), .sample(_, let child),
            .singleRow(let child), .show(_, let child), .observe(_, _, _, let child), .python(_, let child):
            [child]
        case .union(let left, let right, _), .setOperation(_, _, let left, let right, _), .join(_, let left, let right): [left, right]
        }
    }

    /// The same plan over other children.
    package func mapChildren(_ transform: (ResolvedPlan) throws -> ResolvedPlan) rethrows -> ResolvedPlan {
        switch self {
        case .source, .values, .arrow, .range, .memoryTable: self
        case .project(let columns, let child): .project(columns, try transform(child))
        case .filter(let condition, let child): .filter(condition, try transform(child))
        case .limit(let count, let child): .limit(count, try transform(child))
        case .offset(let count, let child): .offset(count, try transform(child))
        case .tail(let count, let child): .tail(count, try transform(child))
        case .sort(let keys, let child): .sort(keys, try transform(child))
        case .aggregate(let aggregate, let child): .aggregate(aggregate, try transform(child))
        case .window(let calls, let child): .window(calls, try transform(child))
        case .generate(let generator, let child): .generate(generator, try transform(child))
        case .expand(let rows, let schema, let child): .expand(rows, schema, try transform(child))
        case .deduplicate(let keys, let child): .deduplicate(keys, try transform(child))
        case .deduplicateWithin(let keys, let child): .deduplicateWithin(keys, try transform(child))
        case .watermark(let column, let delay, let child): .watermark(column: column, delayMicros: delay, try transform(child))
        case .sample(let sample, let child): .sample(sample, try transform(child))
        case .singleRow(let child): .singleRow(try transform(child))
        case .show(let format, let child): .show(format, try transform(child))
        case .python(let operation, let child): .python(operation, try transform(child))
        case .observe(let name, let aggregate, let columns, let child): .observe(name: name, aggregate, columns, try transform(child))
        case .union(let left, let right, let schema): .union(try transform(left), try transform(right), schema)
        case .setOperation(let kind, let isAll, let left, let right, let schema):
            .setOperation(kind, isAll: isAll, try transform(left), try transform(right), schema)
        case .join(let join, let left, let right): .join(join, try transform(left), try transform(right))
        }
    }

    package var readsStream: Bool {
        if case .source(let read, _) = self { return read.isStreaming }
        return children.contains(where: \.readsStream)
    }

    /// The expressions of this node itself.
    package var expressions: [ResolvedExpression] {
        switch self {
        case .project(let columns, _): columns.map(\.expression)
        case .filter(let condition, _): [condition]
        case .sort(let keys, _): keys.map(\.expression)
        case .join(let join, _, _): join.keys.flatMap { [$0.left, $0.right] } + [join.residual].compactMap { $0 }
        case .aggregate(let aggregate, _), .observe(_, let aggregate, _, _): aggregate.expressions
        case .window(let calls, _): calls.flatMap(\.expressions)
        case .generate(let generator, _): generator.arguments
        case .expand(let rows, _, _): rows.flatMap { $0 }
        case .values(let rows, _): rows.flatMap { $0 }
        case .python(let operation, _): operation.expressions
        default: []
        }
    }
}

package struct ResolvedSortKey: Hashable, Sendable {
    package var expression: ResolvedExpression
    package var isAscending: Bool
    package var nullsFirst: Bool
}

package struct ResolvedJoin: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case inner, leftOuter, rightOuter, fullOuter, leftSemi, leftAnti
        /// The left row and whether the right side holds a match: what EXISTS and IN become. With IN, the keys from `nullAware` on compare as
        /// IN does: a null among them leaves the answer unknown.
        case mark(nullAware: Int?)
    }

    package struct Key: Hashable, Sendable {
        package var left: ResolvedExpression
        package var right: ResolvedExpression
        /// `<=>`: nulls are equal.
        package var isNullSafe: Bool
    }

    package var kind: Kind
    package var keys: [Key]
    /// Over the left's columns and then the right's.
    package var residual: ResolvedExpression?

    func schema(_ left: StructType, _ right: StructType) -> StructType {
        func nullable(_ fields: [StructField]) -> [StructField] { fields.map { StructField($0.name, $0.dataType, metadata: $0.metadata) } }
        return switch kind {
        case .inner: StructType(left.fields + right.fields)
        case .leftOuter: StructType(left.fields + nullable(right.fields))
        case .rightOuter: StructType(nullable(left.fields) + right.fields)
        case .fullOuter: StructType(nullable(left.fields) + nullable(right.fields))
        case .leftSemi, .leftAnti: left
        case .mark(let nullAware): StructType(left.fields + [StructField("exists", .boolean, nullable: nullAware != nil)])
        }
    }
}

/// Output: the keys, then the calls, then, with grouping sets, the number of the set as Spark's `grouping_id` gives it.
package struct ResolvedAggregate: Hashable, Sendable {
    package var keys: [ResolvedNamed]
    package var calls: [AggregateCall]
    /// Which keys each set groups by; nil: one set of all keys.
    package var sets: [[Int]]?

    var schema: StructType {
        var fields = keys.map { StructField($0.name, $0.expression.dataType, nullable: sets != nil || $0.expression.isNullable) }
        fields += calls.map { StructField($0.name, $0.dataType, nullable: $0.isNullable) }
        if sets != nil { fields.append(StructField("spark_grouping_id", .long, nullable: false)) }
        return StructType(fields)
    }

    var expressions: [ResolvedExpression] {
        keys.map(\.expression) + calls.flatMap { $0.arguments + $0.order.map(\.expression) + [$0.filter].compactMap { $0 } }
    }
}

/// One aggregate function over its arguments.
package struct AggregateCall: Hashable, Sendable {
    package var function: AggregateFunction
    package var name: String
    package var arguments: [ResolvedExpression]
    package var dataType: DataType
    package var isNullable: Bool
    package var isDistinct = false
    package var filter: ResolvedExpression?
    /// `WITHIN GROUP (ORDER BY …)`.
    package var order: [ResolvedSortKey] = []
}

/// A function over a window. Aggregates and ranking functions have different frames.
package struct WindowCall: Hashable, Sendable {
    package enum Function: Hashable, Sendable {
        case aggregate(AggregateCall)
        case rowNumber, rank, denseRank, percentRank, cumeDist
        case ntile(Int)
        /// The argument, `offset` rows on (negative: back), or the default.
        case shifted(offset: Int, ignoreNulls: Bool)
        case nth(Int, ignoreNulls: Bool)
        case first(ignoreNulls: Bool)
        case last(ignoreNulls: Bool)
    }

    package enum Bound: Hashable, Sendable {
        case unboundedPreceding, unboundedFollowing, currentRow
        case rows(Int)
        /// For a range: the order key moved by the distance, as two expressions would give it; nil where the key is null.
        case distance(ResolvedExpression)
    }

    package struct Frame: Hashable, Sendable {
        package var kind: WindowSpecification.FrameKind
        package var lower: Bound
        package var upper: Bound
    }

    package var function: Function
    package var name: String
    package var arguments: [ResolvedExpression]
    package var partition: [ResolvedExpression]
    package var order: [ResolvedSortKey]
    package var frame: Frame
    package var dataType: DataType
    package var isNullable: Bool

    var expressions: [ResolvedExpression] {
        var result = arguments + partition + order.map(\.expression)
        if case .aggregate(let call) = function { result += call.arguments + [call.filter].compactMap { $0 } }
        for bound in [frame.lower, frame.upper] { if case .distance(let expression) = bound { result.append(expression) } }
        return result
    }

    func mapExpressions(_ transform: (ResolvedExpression) throws -> ResolvedExpression) rethrows -> WindowCall {
        var call = self
        call.arguments = try arguments.map(transform)
        call.partition = try partition.map(transform)
        call.order = try order.map {
            ResolvedSortKey(expression: try transform($0.expression), isAscending: $0.isAscending, nullsFirst: $0.nullsFirst)
        }
        if case .aggregate(var aggregate) = function {
            aggregate.arguments = try aggregate.arguments.map(transform)
            aggregate.filter = try aggregate.filter.map(transform)
            call.function = .aggregate(aggregate)
        }
        call.frame.lower = try Self.rebind(frame.lower, transform)
        call.frame.upper = try Self.rebind(frame.upper, transform)
        return call
    }

    private static func rebind(_ bound: Bound, _ transform: (ResolvedExpression) throws -> ResolvedExpression) rethrows -> Bound {
        if case .distance(let expression) = bound { return .distance(try transform(expression)) }
        return bound
    }
}

package struct ResolvedGenerator: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case explode(withPosition: Bool)
        case inline
        case jsonTuple
    }

    package var kind: Kind
    package var isOuter: Bool
    package var arguments: [ResolvedExpression]
    package var fields: [StructField]
}

package struct ShowFormat: Hashable, Sendable {
    package enum Style: Hashable, Sendable {
        case table, vertical, html
    }

    package var rows: Int
    package var truncate: Int
    package var style: Style

    var column: String { style == .html ? "html_string" : "show_string" }
}

/// What is executed for a stream: branches that end in one sink, each a source and a line of stages over its columns.
package struct PhysicalPlan: Hashable, Sendable {
    package struct Branch: Hashable, Sendable {
        package var source: DataSourceRead
        package var sourceSchema: StructType
        /// The source's columns that the stages use; the others are never made.
        package var wanted: Set<Int>
        package var stages: [Stage]
    }

    package enum Stage: Hashable, Sendable {
        case filter(ResolvedExpression)
        /// nil where no later stage wants the column.
        case project([ResolvedNamed?])
        /// The columns so far, of which there are `width`, and one for each call; nil where no later stage wants it.
        case python([PythonCall?], width: Int)
    }

    package var branches: [Branch]
    package var limit: Int?
    package var schema: StructType
}
