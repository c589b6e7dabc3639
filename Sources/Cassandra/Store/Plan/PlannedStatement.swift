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
    /// What has to be put in order in the bound values; empty for nearly all statements.
    private let orders: [FrozenOrder?]

    var ordersValues: Bool { !orders.isEmpty }

    func ordered(_ values: BoundValues) throws(CQLError) -> BoundValues {
        orders.isEmpty ? values : try values.ordered(orders)
    }

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
        let orders = bindColumns.map { FrozenOrder($0.type, isWhole: false) }
        self.orders = orders.contains { $0 != nil } ? orders : []
    }
}

/// BEGIN BATCH … APPLY BATCH: its statements share one list of bind markers.
final class BatchPlan: Sendable {
    let statements: [ModificationPlan]
    let constants: PlanConstants
    let timestamp: ValueSource?
    let addsToCounters: Bool

    init(statements: [ModificationPlan], constants: PlanConstants, timestamp: ValueSource?) {
        self.statements = statements
        addsToCounters = statements.contains { $0.addsToCounters }
        self.constants = constants
        self.timestamp = timestamp
    }
}

extension BatchKind {
    /// Which statements go into one batch: increments of counters are among themselves, and in no logged batch.
    ///
    /// - Throws: ``CQLError``, in Cassandra's words where it refuses the same.
    func check(_ plan: ModificationPlan, first: ModificationPlan) throws(CQLError) {
        if plan.condition != nil { throw .invalid("IF conditions within a BATCH are not served by this store") }
        if plan.addsToCounters {
            if self == .logged { throw .invalid("Cannot include a counter statement in a logged batch") }
        } else {
            if plan.needsRead { throw .invalid("Lists by index or value within a BATCH are not served by this store") }
            if self == .counter {
                throw .invalid(
                    plan.table.isCounter
                        ? "DELETE within a COUNTER BATCH is not served by this store"
                        : "Cannot include a non-counter statement in a counter batch")
            }
        }
        guard plan.addsToCounters == first.addsToCounters else {
            throw .invalid("Counter and non-counter mutations cannot exist in the same batch")
        }
    }
}
