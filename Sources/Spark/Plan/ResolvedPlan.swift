/// A plan whose names and types are settled: what the optimizer rewrites.
package indirect enum ResolvedPlan: Hashable, Sendable {
    case source(DataSourceRead, StructType)
    case project([ResolvedNamed], ResolvedPlan)
    case filter(ResolvedExpression, ResolvedPlan)
    case limit(Int, ResolvedPlan)
    case union(ResolvedPlan, ResolvedPlan, StructType)

    package var schema: StructType {
        switch self {
        case .source(_, let schema), .union(_, _, let schema): schema
        case .project(let columns, _):
            StructType(columns.map { StructField($0.name, $0.expression.dataType, nullable: $0.expression.isNullable) })
        case .filter(_, let child), .limit(_, let child): child.schema
        }
    }
}

/// What is executed: branches that end in one sink, each a source and a line of stages over its columns.
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
    }

    package var branches: [Branch]
    package var limit: Int?
    package var schema: StructType
}
