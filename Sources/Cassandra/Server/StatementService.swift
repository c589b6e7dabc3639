internal import Logging

/// What all connections share: the engine and the prepared statements.
final class StatementService: Sendable {
    let engine: CQLEngine
    let configuration: StoreConfiguration
    let connections: StoreConnections
    let logger: Logger
    private let prepared: PreparedCache

    init(engine: CQLEngine, configuration: StoreConfiguration, logger: Logger) {
        self.engine = engine
        self.configuration = configuration
        self.logger = logger
        connections = StoreConnections(countMax: configuration.connectionsMax)
        prepared = PreparedCache(max: configuration.preparedMax)
        engine.onSchemaChange { [connections] in connections.announce($0) }
    }

    func prepare(_ statement: String, keyspace: String?) throws(CQLError) -> (id: PreparedID, plan: PlannedStatement) {
        let plan = try engine.prepare(statement, keyspace: keyspace)
        let id = PreparedCache.id(statement, keyspace: keyspace)
        prepared.insert(PreparedEntry(id: id, statement: statement, keyspace: keyspace, plan: plan))
        return (id, plan)
    }

    /// The plan of a prepared statement, made anew where the schema has changed since.
    ///
    /// v5 tells clients of changed result columns; older ones hold what PREPARE told them, so that they have to prepare again.
    func plan(_ id: PreparedID, version: ProtocolVersion) throws(CQLError) -> PlannedStatement {
        guard let entry = prepared.find(id) else { throw .unprepared(id: id.bytes) }
        let plan = entry.plan
        if plan.generation == engine.schemaGeneration { return plan }
        let renewed = try engine.prepare(entry.statement, keyspace: entry.keyspace)
        let hasSameResult = renewed.resultMetadata?.id == plan.resultMetadata?.id
        guard renewed.bindColumns == plan.bindColumns, hasSameResult || version >= .v5 else {
            prepared.remove(id)
            throw .unprepared(id: id.bytes)
        }
        entry.replan(renewed)
        return renewed
    }
}
