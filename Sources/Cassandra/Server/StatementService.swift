internal import Logging
internal import NIOConcurrencyHelpers

/// What all connections share: the engine, the prepared statements, and which state of the schema plans were made for.
final class StatementService: Sendable {
    let engine: CQLEngine
    let configuration: StoreConfiguration
    let connections: StoreConnections
    let logger: Logger
    private let prepared: PreparedCache
    /// Counts schema changes.
    private let generation = NIOLockedValueBox(0)

    init(engine: CQLEngine, configuration: StoreConfiguration, logger: Logger) {
        self.engine = engine
        self.configuration = configuration
        self.logger = logger
        connections = StoreConnections(countMax: configuration.connectionsMax)
        prepared = PreparedCache(max: configuration.preparedMax)
    }

    func schemaChanged(_ change: SchemaChange) {
        generation.withLockedValue { $0 += 1 }
        connections.announce(change)
    }

    func prepare(_ statement: String, keyspace: String?) throws(CQLError) -> (id: PreparedID, plan: PlannedStatement) {
        // Read before planning: a change that comes meanwhile makes the plan stale, never the other way round.
        let current = generation.withLockedValue { $0 }
        let plan = try engine.prepare(statement, keyspace: keyspace)
        let id = PreparedCache.id(statement, keyspace: keyspace)
        prepared.insert(PreparedEntry(id: id, statement: statement, keyspace: keyspace, plan: plan, generation: current))
        return (id, plan)
    }

    /// The plan of a prepared statement, made anew where the schema has changed since.
    ///
    /// v5 tells clients of changed result columns; older ones hold what PREPARE told them, so that they have to prepare again.
    func plan(_ id: PreparedID, version: ProtocolVersion) throws(CQLError) -> PlannedStatement {
        guard let entry = prepared.find(id) else { throw .unprepared(id: id.bytes) }
        let (plan, madeFor) = entry.plan
        let current = generation.withLockedValue { $0 }
        if madeFor == current { return plan }
        let renewed = try engine.prepare(entry.statement, keyspace: entry.keyspace)
        let hasSameResult = renewed.resultMetadata?.id == plan.resultMetadata?.id
        guard renewed.bindColumns == plan.bindColumns, hasSameResult || version >= .v5 else {
            prepared.remove(id)
            throw .unprepared(id: id.bytes)
        }
        entry.replan(renewed, generation: current)
        return renewed
    }
}
