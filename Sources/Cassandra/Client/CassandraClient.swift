package import IO
package import Logging
internal import NIOConcurrencyHelpers
package import NIOCore

/// A client of Cassandra, ScyllaDB or Leat's store: a pool over the cluster's hosts, prepared statements, paging, routing by token,
/// retries.
///
/// Nothing is dialled before the first request. Errors are ``CassandraClientError``s that name host and statement. Requests that do no
/// harm when carried out twice (SELECTs, ``EncodedBatch``es, and what the caller says so of) are repeated with back-off after time-outs,
/// overload and lost connections, for at most `retryTimeout`.
package final class CassandraClient: Sendable {
    package let configuration: CassandraClientConfiguration
    let logger: Logger
    let state: NIOLockedValueBox<State>

    struct State: Sendable {
        var hosts: [Endpoint: ClientHost] = [:]
        /// The hosts in the order in which they are tried when no replica is known.
        var order: [Endpoint]
        var next = 0
        /// Nil for one node, where there is nothing to route.
        var ring: TokenRing?
        var localDataCenter: String?
        var topologyReadAt: NIODeadline?
        var isReadingTopology = false
        var prepared: [String: PreparedStatement] = [:]
        var isClosed = false
    }

    /// Statements whose preparation is remembered by text.
    private static let preparedMax = 1_024

    package init(_ configuration: CassandraClientConfiguration, logger: Logger) {
        precondition(!configuration.contactPoints.isEmpty, "a client needs a contact point")
        self.configuration = configuration
        self.logger = logger
        state = NIOLockedValueBox(State(order: configuration.contactPoints, localDataCenter: configuration.localDataCenter))
    }

    /// Executes a statement and returns its first page, or the page that `pagingState` names.
    ///
    /// With values the statement is prepared (once), so that each is encoded as its column's type.
    /// - Parameters:
    ///   - timestamp: in microseconds, for writes without USING TIMESTAMP.
    ///   - isIdempotent: whether it may be repeated; by default, whether it is a SELECT.
    package func query(
        _ cql: String, values: [CQLValue] = [], pageSize: Int32 = 5_000, pagingState: ByteBuffer? = nil,
        consistency: Consistency = .localQuorum, timestamp: Int64? = nil, isIdempotent: Bool? = nil
    ) async throws -> CQLRows {
        if !values.isEmpty {
            return try await execute(
                try await prepare(cql), values: values, pageSize: pageSize, pagingState: pagingState, consistency: consistency,
                timestamp: timestamp, isIdempotent: isIdempotent)
        }
        let request = StatementRequest(
            consistency: consistency, pageSize: pageSize, pagingState: pagingState, defaultTimestamp: timestamp)
        let query = Query(statement: cql, parameters: QueryParameters(request: request))
        return try await attempt(cql, isIdempotent: isIdempotent ?? Self.isSelect(cql)) { connection in
            var body = ByteBuffer()
            query.write(to: &body, version: connection.version)
            let (result, warnings) = try await connection.request(.query, body)
            return try Self.rows(result, warnings: warnings, host: connection.endpoint)
        }
    }

    /// Prepares a statement, or returns it as prepared before.
    package func prepare(_ cql: String) async throws -> PreparedStatement {
        if let known = state.withLockedValue({ $0.prepared[cql] }) { return known }
        let prepared = try await attempt(cql, isIdempotent: true) { try await $0.prepare(cql) }
        let statement = PreparedStatement(statement: cql, prepared: prepared)
        state.withLockedValue { state in
            if state.prepared.count >= Self.preparedMax { state.prepared.removeAll(keepingCapacity: true) }
            state.prepared[cql] = statement
        }
        return statement
    }

    /// Executes a prepared statement; values in the order of its bind columns.
    package func execute(
        _ statement: PreparedStatement, values: [CQLValue], pageSize: Int32 = 5_000, pagingState: ByteBuffer? = nil,
        consistency: Consistency = .localQuorum, timestamp: Int64? = nil, isIdempotent: Bool? = nil
    ) async throws -> CQLRows {
        let request = StatementRequest(
            values: try statement.encode(values), consistency: consistency, pageSize: pageSize, pagingState: pagingState,
            defaultTimestamp: timestamp)
        let (result, warnings, host) = try await execute(statement, encoded: request, isIdempotent: isIdempotent)
        return try Self.rows(result, warnings: warnings, host: host)
    }

    /// Executes a prepared statement whose values are encoded, and leaves the answer's rows as bytes: for callers that do so many times a
    /// second.
    ///
    /// - Parameter request: its values in the order of the statement's bind columns.
    package func execute(
        _ statement: PreparedStatement, encoded request: StatementRequest, isIdempotent: Bool? = nil
    ) async throws -> (result: ResultMessage, warnings: [String], host: Endpoint) {
        let mayRepeat = isIdempotent ?? Self.isSelect(statement.statement)
        return try await attempt(
            statement.statement, isIdempotent: mayRepeat, keyspace: statement.bindColumns.first?.keyspace,
            token: { statement.token(request.values) }
        ) { connection in
            try await self.prepared(statement, connection) {
                let metadata = statement.resultMetadata
                // Before v5 nothing tells of columns that have changed since the preparation: they are sent with every answer.
                let skipsMetadata = connection.version >= .v5 && !metadata.columns.isEmpty
                let parameters = QueryParameters(request: request, skipsMetadata: skipsMetadata)
                var body = ByteBuffer()
                Execute(id: statement.id, resultMetadataID: metadata.id, parameters: parameters)
                    .write(to: &body, version: connection.version)
                var (result, warnings) = try await connection.request(.execute, body)
                if case .rows(var rows) = result {
                    if let id = rows.newMetadataID, let columns = rows.columns { statement.update(columns: columns, metadataID: id) }
                    if rows.columns == nil {
                        rows.columns = metadata.columns
                        result = .rows(rows)
                    }
                }
                return (result, warnings, connection.endpoint)
            }
        }
    }

    /// One UNLOGGED BATCH whose rows were encoded straight into the request: a sink's way to write.
    package func execute(_ batch: EncodedBatch) async throws {
        guard !batch.isEmpty else { return }
        let statement = batch.statement
        try await attempt(
            statement.statement, isIdempotent: true, keyspace: statement.bindColumns.first?.keyspace, token: { batch.token }
        ) { connection in
            try await self.prepared(statement, connection) {
                _ = try await connection.request(.batch, batch.finished(connection.version))
            }
        }
    }

    /// The table's columns from `system_schema`; nil when there is no such table.
    package func table(keyspace: String, name: String) async throws -> TableMetadata? {
        let columns = try await query(
            "SELECT column_name, type, kind, position, clustering_order FROM system_schema.columns WHERE keyspace_name = ? AND table_name = ?",
            values: [.text(keyspace), .text(name)], consistency: .one)
        do {
            return try TableMetadata(keyspace: keyspace, name: name, columns: columns)
        } catch {
            throw CassandraClientError(.badAnswer(error), statement: "system_schema.columns of \(keyspace).\(name)")
        }
    }

    /// Closes every connection; requests on their way fail. Idempotent.
    package func close() async {
        let hosts = state.withLockedValue { state in
            state.isClosed = true
            return Array(state.hosts.values)
        }
        for host in hosts { await host.close() }
    }

    /// Runs `body`; where the host has not the statement prepared (or no more), prepares it there and runs `body` again.
    private func prepared<T: Sendable>(
        _ statement: PreparedStatement, _ connection: ClientConnection, _ body: () async throws -> T
    ) async throws -> T {
        do {
            return try await body()
        } catch let error as CassandraClientError {
            guard error.serverError?.code == .unprepared else { throw error }
            let again = try await connection.prepare(statement.statement)
            guard again.id == statement.id else {
                throw CassandraClientError(
                    .badAnswer(.protocolError("the host gives the statement another id than before")), host: connection.endpoint)
            }
            statement.update(columns: again.resultColumns, metadataID: again.resultMetadataID)
            return try await body()
        }
    }

    static func isSelect(_ cql: String) -> Bool {
        cql.drop { $0.isWhitespace }.prefix(6).lowercased() == "select"
    }

    private static func rows(
        _ result: ResultMessage, warnings: [String], host: Endpoint
    ) throws(CassandraClientError) -> CQLRows {
        switch result {
        case .void: return CQLRows(warnings: warnings)
        case .setKeyspace(let keyspace): return CQLRows(warnings: warnings, keyspace: keyspace)
        case .schemaChange(let change): return CQLRows(warnings: warnings, schemaChange: change)
        case .prepared: throw CassandraClientError(.badAnswer(.protocolError("a preparation in answer to a query")), host: host)
        case .rows(let rows):
            do throws(CQLError) {
                return CQLRows(
                    columns: rows.columns ?? [], rows: try rows.decoded(), pagingState: rows.pagingState,
                    warnings: warnings)
            } catch {
                throw CassandraClientError(.badAnswer(error), host: host)
            }
        }
    }
}
