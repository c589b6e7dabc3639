/// Which records of transactions are read (`isolation.level`, KIP-98). The raw values are Kafka's.
package enum IsolationLevel: String, Sendable, CaseIterable {
    /// All, up to the high watermark: those of open and of aborted transactions too.
    case readUncommitted = "read_uncommitted"
    /// Those of committed transactions, and of none, up to the first that belongs to a transaction which is open.
    case readCommitted = "read_committed"

    /// Its number in requests.
    var code: Int8 { self == .readCommitted ? FetchRequest.readCommitted : FetchRequest.readUncommitted }
}
