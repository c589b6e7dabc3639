internal import NIOCore

/// A statement parsed and resolved against the schema: what PREPARE keeps and EXECUTE runs.
///
/// Immutable but for its plan, which is made anew when the schema has changed since (`Sendable`: guarded by a lock).
final class PlannedStatement: Sendable {
    enum Plan: Sendable {
        case select(SelectPlan)
        case modification(ModificationPlan)
        case batch(BatchPlan)
        case use(String)
        /// DDL and DESCRIBE: resolved when executed, on the writer's thread.
        case schema(CQLStatement)
        case describe(DescribeStatement)
    }

    let cql: String
    let keyspace: String?
    /// The bind markers, in order; named ones by their name.
    let bindColumns: [ColumnSpecification]
    /// Which bind markers are the partition key's columns, in its order; empty unless each has one.
    let partitionKeyBindIndices: [UInt16]
    /// Nil for what returns no rows.
    let resultMetadata: ResultMetadata?
    let plan: Plan
    /// Of the schema that it was planned against.
    let generation: UInt64

    /// The keyspace of a USE.
    var useKeyspace: String? { if case .use(let name) = plan { name } else { nil } }

    init(
        cql: String, keyspace: String?, bindColumns: [ColumnSpecification], partitionKeyBindIndices: [UInt16] = [],
        resultMetadata: ResultMetadata? = nil, plan: Plan, generation: UInt64
    ) {
        self.cql = cql
        self.keyspace = keyspace
        self.bindColumns = bindColumns
        self.partitionKeyBindIndices = partitionKeyBindIndices
        self.resultMetadata = resultMetadata
        self.plan = plan
        self.generation = generation
    }
}

/// BEGIN BATCH … APPLY BATCH: its statements share one list of bind markers.
final class BatchPlan: Sendable {
    let statements: [ModificationPlan]
    let constants: PlanConstants
    let timestamp: ValueSource?

    init(statements: [ModificationPlan], constants: PlanConstants, timestamp: ValueSource?) {
        self.statements = statements
        self.constants = constants
        self.timestamp = timestamp
    }
}
