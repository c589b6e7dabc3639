internal import IO
package import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore

/// A cluster as seen by one client: who leads what, and a connection to each broker that is needed.
///
/// Nothing is dialled before the first call. A call goes to the broker that the matter belongs to (a partition's leader, the
/// controller, a group's coordinator); when that has moved, the metadata is asked for again and the call repeated, with back-off,
/// for as long as ``KafkaClientConfiguration/retryTimeout`` allows. Calls may run side by side; a cancelled one returns at once.
package final class KafkaClient: Sendable {
    package let configuration: KafkaClientConfiguration
    let logger: Logger
    let state: NIOLockedValueBox<State>
    let contexts = CodecContextPool()

    struct State {
        var links: [Endpoint: BrokerLink] = [:]
        var nodes: [Int32: Endpoint] = [:]
        var controllerID: Int32?
        var topics: [String: CachedTopic] = [:]
        /// Metadata requests under way, so that partitions of one topic that move together ask once.
        var refreshes: [String: Task<ClusterMetadata, any Error>] = [:]
        var isClosed = false
    }

    /// A topic's leaders, as the cluster named them at a time.
    struct CachedTopic {
        var leaders: [Int32: Int32]
        var askedAt: ContinuousClock.Instant
    }

    package init(_ configuration: KafkaClientConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        state = NIOLockedValueBox(State())
    }

    deinit {
        let links = state.withLockedValue { Array($0.links.values) }
        guard !links.isEmpty else { return }
        Task { for link in links { await link.close() } }
    }

    /// Closes all connections; calls under way fail. Idempotent.
    package func close() async {
        let (links, refreshes) = state.withLockedValue { state in
            defer { state.links = [:] }
            state.isClosed = true
            return (Array(state.links.values), Array(state.refreshes.values))
        }
        for refresh in refreshes { refresh.cancel() }
        for link in links { await link.close() }
    }

    // MARK: connections

    func link(to endpoint: Endpoint, isAdvertised: Bool) throws(KafkaError) -> BrokerLink {
        let configuration = self.configuration, logger = self.logger
        let link: BrokerLink? = state.withLockedValue { state in
            if state.isClosed { return nil }
            if let link = state.links[endpoint] { return link }
            let limits = ConnectionLimits(
                connectTimeout: configuration.connectTimeout, requestTimeout: configuration.requestTimeout,
                responseBytesMax: configuration.responseBytesMax)
            let link = BrokerLink(
                endpoint: endpoint, isAdvertised: isAdvertised, fetchConnectionsMax: configuration.fetchConnectionsMax,
                backoff: configuration.retry
            ) { endpoint, isAdvertised in
                try await BrokerConnection.dial(
                    endpoint, isAdvertised: isAdvertised, clientID: configuration.clientID, limits: limits, logger: logger)
            }
            state.links[endpoint] = link
            return link
        }
        guard let link else { throw .closed }
        return link
    }

    /// A connection to any broker: one that stands, else one of those known, else one of the bootstrap addresses.
    func anyConnection() async throws -> BrokerConnection {
        let known = state.withLockedValue { state in
            let links = state.nodes.values.compactMap { state.links[$0] } + configuration.bootstrap.compactMap { state.links[$0] }
            return links.filter(\.isConnected).map(\.endpoint) + state.nodes.values.shuffled()
        }
        let bootstrap = configuration.bootstrap.shuffled()
        guard !bootstrap.isEmpty || !known.isEmpty else {
            throw KafkaError.unreachable([], reason: "no address was given", isAdvertised: false)
        }
        var tried: Set<Endpoint> = []
        var last: KafkaError?
        for endpoint in known + bootstrap where tried.insert(endpoint).inserted {
            do {
                return try await link(to: endpoint, isAdvertised: !configuration.bootstrap.contains(endpoint)).connection()
            } catch let error as KafkaError {
                if case .closed = error { throw error }
                last = error
            }
        }
        if case .unreachable(_, let reason, _)? = last {
            throw KafkaError.unreachable(bootstrap.isEmpty ? known : bootstrap, reason: reason, isAdvertised: false)
        }
        throw last ?? .closed
    }

    func controllerConnection() async throws -> BrokerConnection {
        if let link = try controllerLink() { return try await link.connection() }
        _ = try await requestMetadata(topics: [], allowAutoCreation: false)
        // A cluster without a controller just now, or a broker too old to name it: any broker tells better than we can.
        guard let link = try controllerLink() else { return try await anyConnection() }
        return try await link.connection()
    }

    private func controllerLink() throws -> BrokerLink? {
        let endpoint = state.withLockedValue { state in state.controllerID.flatMap { state.nodes[$0] } }
        return try endpoint.map { try link(to: $0, isAdvertised: !configuration.bootstrap.contains($0)) }
    }

    // MARK: attempts

    /// How long a topic that the cluster does not know is asked for again: one that was created a moment ago may not yet be known to
    /// the broker that is asked.
    static let unknownTopicPatience = Duration.seconds(1)

    /// Repeats `attempt` while its error is one that passes.
    func retrying<Value: Sendable>(_ attempt: () async throws -> Value) async throws -> Value {
        let start = ContinuousClock.now
        var backoff = configuration.retry
        var attempts = 0
        while true {
            do {
                return try await attempt()
            } catch let error as KafkaError {
                attempts += 1
                if let code = error.code, code.isStaleMetadata, code == .notController { forgetController() }
                let limit: Duration
                if case .unknownTopic = error {
                    limit = min(Self.unknownTopicPatience, configuration.retryTimeout)
                } else if error.isRetriable {
                    limit = configuration.retryTimeout
                } else {
                    throw error
                }
                let delay = backoff.next()
                let elapsed = ContinuousClock.now - start
                guard elapsed + delay < limit else { throw await final(error, attempts: attempts, elapsed: elapsed) }
                logger.debug("trying again", metadata: ["error": "\(error.problem)", "attempt": "\(attempts)"])
                try await Task.sleep(for: delay)
            }
        }
    }

    private func final(_ error: KafkaError, attempts: Int, elapsed: Duration) async -> KafkaError {
        if case .unknownTopic(let name, nil) = error {
            guard let all = try? await requestMetadata(topics: nil, allowAutoCreation: false) else { return error }
            return .unknownTopic(name, nearest: all.nearestTopic(to: name))
        }
        return attempts > 1 ? .gaveUp(error, attempts: attempts, after: elapsed) : error
    }

    func forgetController() {
        state.withLockedValue { $0.controllerID = nil }
    }
}
