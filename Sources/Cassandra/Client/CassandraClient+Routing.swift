package import IO
internal import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore

/// Which host a request goes to, and what happens when it fails there.
extension CassandraClient {
    /// Runs `body` with a connection; where that fails and may be repeated, again, on the next host, after a pause.
    func attempt<T: Sendable>(
        _ statement: String, isIdempotent: Bool, keyspace: String? = nil, token: () -> Int64? = { nil },
        _ body: (ClientConnection) async throws -> T
    ) async throws -> T {
        var backoff = configuration.retry
        var failedHosts: Set<Endpoint> = []
        var giveUpAt: ContinuousClock.Instant?
        while true {
            do {
                let connection = try await connection(keyspace: keyspace, token: token, avoiding: failedHosts)
                return try await body(connection)
            } catch let error as CassandraClientError {
                var error = error
                error.statement = error.statement ?? statement
                let now = ContinuousClock.now
                let limit = giveUpAt ?? now + configuration.retryTimeout
                giveUpAt = limit
                let delay = backoff.next()
                guard isIdempotent, error.isTransient, !isClosed, now + delay < limit else { throw error }
                if error.isOfHost, let host = error.host { failedHosts.insert(host) }
                logger.debug("repeating a request", metadata: ["error": "\(error.problem)", "attempt": "\(backoff.attempts)"])
                try await Task.sleep(for: delay)
            }
        }
    }

    var isClosed: Bool { state.withLockedValue { $0.isClosed } }

    /// The replicas of a token, the preferred one first; empty where there is one node or nothing is known of the ring.
    package func replicas(keyspace: String, token: Int64) -> [Endpoint] {
        let (ring, localDataCenter) = state.withLockedValue { ($0.ring, $0.localDataCenter) }
        return ring?.replicas(token, keyspace: keyspace, localDataCenter: localDataCenter).map(\.endpoint) ?? []
    }

    private func connection(keyspace: String?, token: () -> Int64?, avoiding failed: Set<Endpoint>) async throws -> ClientConnection {
        await refreshTopologyIfDue()
        var candidates: [Endpoint] = []
        if state.withLockedValue({ $0.ring != nil }), let keyspace, let token = token() {
            candidates = replicas(keyspace: keyspace, token: token)
        }
        let hosts = state.withLockedValue { state -> [ClientHost] in
            guard !state.isClosed else { return [] }
            let start = state.next
            state.next = (start + 1) % state.order.count
            for step in state.order.indices {
                let endpoint = state.order[(start + step) % state.order.count]
                if !candidates.contains(endpoint) { candidates.append(endpoint) }
            }
            return candidates.map { host($0, &state) }
        }
        guard !hosts.isEmpty else { throw CassandraClientError(.closed) }
        // Hosts that failed lately come last: they are tried only when no other is left.
        let ordered =
            hosts.filter { !$0.isDown && !failed.contains($0.endpoint) } + hosts.filter { $0.isDown || failed.contains($0.endpoint) }
        var last: (any Error)?
        for host in ordered {
            do {
                return try await host.connection()
            } catch let error as CassandraClientError {
                guard case .cannotConnect = error.kind else { throw error }
                last = last ?? error
            }
        }
        throw last ?? CassandraClientError(.closed)
    }

    private func host(_ endpoint: Endpoint, _ state: inout State) -> ClientHost {
        if let known = state.hosts[endpoint] { return known }
        let host = ClientHost(endpoint: endpoint, configuration: configuration, logger: logger)
        state.hosts[endpoint] = host
        return host
    }

    /// Reads the ring on the first request and then once in a while; requests that come meanwhile go on with what is known.
    private func refreshTopologyIfDue() async {
        let isDue = state.withLockedValue { state -> Bool in
            guard !state.isClosed, !state.isReadingTopology else { return false }
            if let readAt = state.topologyReadAt, NIODeadline.now() - readAt < TimeAmount(configuration.topologyMaxAge) { return false }
            state.isReadingTopology = true
            return true
        }
        guard isDue else { return }
        let isFirst = state.withLockedValue { $0.topologyReadAt == nil }
        if isFirst {
            await readTopology()
        } else {
            Task { await readTopology() }
        }
    }

    private func readTopology() async {
        let order = state.withLockedValue { $0.order }
        for endpoint in order {
            let host = state.withLockedValue { self.host(endpoint, &$0) }
            if host.isDown { continue }
            do {
                let connection = try await host.connection()
                let (ring, local) = try await Self.ring(connection)
                state.withLockedValue { state in
                    state.topologyReadAt = .now()
                    state.isReadingTopology = false
                    state.localDataCenter = state.localDataCenter ?? local
                    state.ring = ring.nodes.count > 1 ? ring : nil
                    // One node may be known by another name than its own (a forwarded port): then the name stays that works.
                    if ring.nodes.count > 1 {
                        let inCenter = ring.nodes.filter { $0.dataCenter == state.localDataCenter }
                        state.order = (inCenter.isEmpty ? ring.nodes : inCenter).map(\.endpoint)
                    }
                }
                return
            } catch {
                logger.debug("cannot read the ring", metadata: ["host": "\(endpoint)", "error": "\(error)"])
            }
        }
        state.withLockedValue { $0.isReadingTopology = false }
    }

    private static func ring(_ connection: ClientConnection) async throws -> (TokenRing, String?) {
        let local = try await select("SELECT data_center, rack, tokens FROM system.local WHERE key = 'local'", connection)
        let peers = try await select("SELECT peer, rpc_address, data_center, rack, tokens FROM system.peers", connection)
        let port = connection.endpoint.port
        var nodes: [TokenRing.Node] = []
        for row in local { nodes.append(node(connection.endpoint, row)) }
        for row in peers {
            guard case .inet(let address)? = row["rpc_address"].flatMap({ $0.isNull ? nil : $0 }) ?? row["peer"] else { continue }
            nodes.append(node(Endpoint(host: address.description, port: port), row))
        }
        var replications: [String: TokenRing.Replication] = [:]
        if nodes.count > 1 {
            for row in try await select("SELECT keyspace_name, replication FROM system_schema.keyspaces", connection) {
                guard let name = row["keyspace_name"], case .map(let entries)? = row["replication"] else { continue }
                let options = entries.map { ($0.key.description, $0.value.description) }
                replications[name.description] = .init(Dictionary(options, uniquingKeysWith: { $1 }))
            }
        }
        return (TokenRing(nodes: nodes, replications: replications), nodes.first?.dataCenter)
    }

    private static func node(_ endpoint: Endpoint, _ row: [String: CQLValue]) -> TokenRing.Node {
        var tokens: [Int64] = []
        if case .set(let values)? = row["tokens"] { tokens = values.compactMap { Int64($0.description) } }
        return TokenRing.Node(
            endpoint: endpoint, dataCenter: row["data_center"]?.description ?? "", rack: row["rack"]?.description ?? "", tokens: tokens)
    }

    private static func select(_ cql: String, _ connection: ClientConnection) async throws -> [[String: CQLValue]] {
        var body = ByteBuffer()
        Query(statement: cql, parameters: QueryParameters(request: StatementRequest(consistency: .one)))
            .write(to: &body, version: connection.version)
        guard case .rows(let rows) = try await connection.request(.query, body).result, let columns = rows.columns else { return [] }
        return try rows.decoded().map { row in
            Dictionary(zip(columns.map(\.name), row), uniquingKeysWith: { first, _ in first })
        }
    }
}
