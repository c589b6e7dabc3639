internal import Cassandra

/// A session with Cassandra, for the statements that a pipeline prepares its tables with.
public struct CassandraSession: Sendable {
    let client: CassandraClient

    init(client: CassandraClient) {
        self.client = client
    }

    /// Executes one CQL statement.
    ///
    /// - Throws: Cassandra's error, with its code, message and the statement.
    public func execute(_ cql: String) async throws {
        _ = try await client.query(cql)
    }
}
