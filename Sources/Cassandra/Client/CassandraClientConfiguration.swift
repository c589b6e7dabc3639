package import IO

/// What a client is told: whom to dial, and its bounds.
package struct CassandraClientConfiguration: Sendable {
    /// Any nodes of the cluster; the others are found through `system.peers`.
    package var contactPoints: [Endpoint]
    /// Every connection's `USE`.
    package var keyspace: String?
    package var username: String?
    package var password: String?
    /// From handing a request over to having its answer, waiting for a stream included.
    package var requestTimeout: Duration = .seconds(12)
    /// For the TCP connection and the protocol's handshake together.
    package var connectTimeout: Duration = .seconds(5)
    /// Requests on the wire of one connection; more wait for a stream.
    package var inFlightMax = 1_024
    /// Requests that wait for a stream of one connection; more are refused with an overload.
    package var waitingMax = 16_384
    package var connectionsPerHost = 1
    /// The longest answer.
    package var responseBytesMax = 256 << 20
    /// Between attempts of an idempotent request.
    package var retry = Backoff(initial: .milliseconds(20), maximum: .seconds(2))
    /// From the first failure of an idempotent request to giving it up; zero for no retries.
    package var retryTimeout: Duration = .seconds(30)
    /// The version to speak; nil tries v5 and goes down to what the server takes.
    package var protocolVersion: ProtocolVersion?
    /// Replicas of this data centre are preferred; nil takes that of the first node reached.
    package var localDataCenter: String?
    /// How old the knowledge of the ring and of keyspaces' replication may get.
    package var topologyMaxAge: Duration = .seconds(60)

    package init(contactPoints: [Endpoint], keyspace: String? = nil, username: String? = nil, password: String? = nil) {
        self.contactPoints = contactPoints
        self.keyspace = keyspace
        self.username = username
        self.password = password
    }
}
