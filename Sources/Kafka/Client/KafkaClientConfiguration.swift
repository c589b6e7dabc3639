package import IO

/// How a ``KafkaClient`` reaches its cluster, and the limits that it keeps.
package struct KafkaClientConfiguration: Sendable {
    /// Any brokers of the cluster; the others are learnt from them.
    package var bootstrap: [Endpoint]
    package var clientID: String
    /// How long one request may go without its answer; a fetch adds its own waiting time.
    package var requestTimeout: Duration
    package var connectTimeout: Duration
    /// How long a partition's leader is believed in without asking again.
    package var metadataMaxAge: Duration
    /// Between the attempts of one call.
    package var retry: Backoff
    /// How long one call goes on trying before it throws.
    package var retryTimeout: Duration
    /// Connections a broker that fetches may use side by side.
    package var fetchConnectionsMax: Int
    /// The longest response that is taken.
    package var responseBytesMax: Int
    /// A compressed batch that unpacks to more is refused.
    package var batchBytesMax: Int
    /// What one fetch unpacks before it leaves the rest for the next one.
    package var arenaBytesMax: Int
    /// Which records of transactions are read.
    package var isolationLevel: IsolationLevel

    package init(
        bootstrap: [Endpoint], clientID: String = "leat", requestTimeout: Duration = .seconds(30), connectTimeout: Duration = .seconds(5),
        metadataMaxAge: Duration = .seconds(60), retry: Backoff = Backoff(initial: .milliseconds(50), maximum: .seconds(1)),
        retryTimeout: Duration = .seconds(30), fetchConnectionsMax: Int = 16, responseBytesMax: Int = 128 << 20,
        batchBytesMax: Int = 128 << 20, arenaBytesMax: Int = 32 << 20,
        isolationLevel: IsolationLevel = .readUncommitted
    ) {
        self.bootstrap = bootstrap
        self.clientID = clientID
        self.requestTimeout = requestTimeout
        self.connectTimeout = connectTimeout
        self.metadataMaxAge = metadataMaxAge
        self.retry = retry
        self.retryTimeout = retryTimeout
        self.fetchConnectionsMax = max(1, fetchConnectionsMax)
        // Positions in the arena are Int32.
        self.responseBytesMax = min(responseBytesMax, Int(Int32.max) - RecordArena.padding)
        self.batchBytesMax = min(batchBytesMax, 1 << 30)
        self.arenaBytesMax = min(arenaBytesMax, 1 << 29)
        self.isolationLevel = isolationLevel
    }
}
