/// All keyspaces and tables as of one version. A value: DDL makes another and swaps it in whole.
struct Schema: Sendable {
    struct Keyspace: Sendable {
        let name: String
        var replication: [String: String]
        var isDurable: Bool
        var tables: [String: Table]
        var isVirtual = false
        var isSystem = false
    }

    var keyspaces: [String: Keyspace] = [:]
    /// Told to clients in `system.local`; another after every change.
    var version = CQLUUID.random()
    /// Counts changes within this process: what plans are checked against.
    var generation: UInt64 = 0
    var nextStorageID: UInt32 = 1

    /// - Throws: ``CQLError`` worded as Cassandra 4 does.
    func keyspace(_ name: String) throws(CQLError) -> Keyspace {
        guard let keyspace = keyspaces[name] else { throw .invalid("Keyspace '\(name)' doesn't exist") }
        return keyspace
    }

    func table(_ name: TableName, keyspace current: String?) throws(CQLError) -> Table {
        guard let keyspace = name.keyspace ?? current else {
            throw .invalid("No keyspace has been specified. USE a keyspace, or explicitly specify keyspace.tablename")
        }
        guard let found = keyspaces[keyspace] else { throw .invalid("keyspace \(keyspace) does not exist") }
        guard let table = found.tables[name.name] else { throw .invalid("table \(name.name) does not exist") }
        return table
    }

    /// Keyspaces that clients made, by name.
    var userKeyspaces: [Keyspace] { keyspaces.values.filter { !$0.isSystem }.sorted { $0.name < $1.name } }
    var allKeyspaces: [Keyspace] { keyspaces.values.sorted { $0.name < $1.name } }
}
