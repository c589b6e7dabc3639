package import NIOCore

/// What goes with a statement when it is executed: its values and the query parameters (v5, section 4.1.4).
package struct StatementRequest: Sendable {
    /// Empty for a BATCH, whose statements have their own.
    package var values: BoundValues
    package var consistency: Consistency
    package var serialConsistency: Consistency
    /// Rows a page; nil when the client asked for no paging.
    package var pageSize: Int32?
    package var pagingState: ByteBuffer?
    /// The client's timestamp in microseconds since 1970, used where the statement has no USING TIMESTAMP.
    package var defaultTimestamp: Int64?
    /// The client's "now" in seconds, for TTLs; for tests.
    package var nowInSeconds: Int32?
    /// The keyspace of this request: its own (v5), or that of the connection's USE.
    package var keyspace: String?

    package init(
        values: BoundValues = .empty, consistency: Consistency = .one, serialConsistency: Consistency = .serial, pageSize: Int32? = nil,
        pagingState: ByteBuffer? = nil, defaultTimestamp: Int64? = nil, nowInSeconds: Int32? = nil, keyspace: String? = nil
    ) {
        self.values = values
        self.consistency = consistency
        self.serialConsistency = serialConsistency
        self.pageSize = pageSize
        self.pagingState = pagingState
        self.defaultTimestamp = defaultTimestamp
        self.nowInSeconds = nowInSeconds
        self.keyspace = keyspace
    }
}

/// How the statements of a BATCH hang together.
package enum BatchKind: UInt8, Sendable {
    case logged = 0
    case unlogged = 1
    case counter = 2
}
