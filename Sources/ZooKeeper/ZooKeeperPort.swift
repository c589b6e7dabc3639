package import IO
internal import Kafka
package import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOPosix

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// What people look for at port 2181: the four-letter words that health checks send, and the znodes under which Kafka's brokers
/// and topics used to be found. Read-only; what would write is refused with ZooKeeper's NOTREADONLY.
///
/// It keeps nothing: the znodes are made from the metadata of the Kafka cluster that the setting `zookeeper.kafka` names,
/// asked for over Kafka's protocol. Words are answered whether or not that cluster is there.
package final class ZooKeeperPort: Sendable {
    private typealias Connection = NIOAsyncChannel<ZooKeeperFrameDecoder.Frame, ByteBuffer>

    package let endpoints: [Endpoint]

    private let configuration: ZooKeeperConfiguration
    private let listener: any Channel
    private let accepting: NIOLockedValueBox<Task<Void, Never>?>
    private let cache: ZnodeCache
    private let state = NIOLockedValueBox(State())
    private let startedAt = ContinuousClock.now
    private let logger: Logger
    /// Lets go of what the metadata is asked through.
    private let release: @Sendable () async -> Void

    private struct State {
        var counts = FourLetterWords.Counts()
        var clients: Set<String> = []
    }

    /// Binds the port and answers; the znodes show the cluster that the configuration names.
    ///
    /// - Throws: ``ListenerError`` for a port that cannot be bound.
    package static func start(_ configuration: ZooKeeperConfiguration, logger: Logger) async throws -> ZooKeeperPort {
        let client = KafkaClient(
            KafkaClientConfiguration(
                bootstrap: configuration.kafka, clientID: "leat-zookeeper", requestTimeout: configuration.kafkaTimeout,
                connectTimeout: configuration.kafkaTimeout, retryTimeout: configuration.kafkaTimeout),
            logger: logger)
        do {
            return try await start(configuration, logger: logger, release: { await client.close() }) {
                ClusterPicture(try await client.metadata(topics: nil))
            }
        } catch {
            await client.close()
            throw error
        }
    }

    /// As above, with `metadata` asking the Kafka cluster for what the znodes show.
    ///
    /// - Throws: ``ListenerError`` for a port that cannot be bound.
    package static func start(
        _ configuration: ZooKeeperConfiguration, logger: Logger, release: @escaping @Sendable () async -> Void = {},
        metadata: @escaping @Sendable () async throws -> ClusterPicture
    ) async throws -> ZooKeeperPort {
        let console = configuration.console.isEmpty ? "" : " The console is at \(configuration.console)"
        let greeting = "This is Leat's ZooKeeper port; it speaks ZooKeeper's protocol (try: echo ruok | nc HOST PORT).\(console)"
        let server: NIOAsyncChannel<Connection, Never>
        do {
            server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: configuration.endpoint.host, port: configuration.endpoint.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pipeline = channel.pipeline.syncOperations
                        try pipeline.addHandler(
                            IdleStateHandler(readTimeout: .milliseconds(Int64(configuration.sessionTimeouts.upperBound))))
                        try pipeline.addHandler(CloseWhenIdle())
                        try pipeline.addHandler(BrowserGreeting(line: greeting))
                        try pipeline.addHandler(
                            ByteToMessageHandler(
                                ZooKeeperFrameDecoder(maximumBytes: configuration.frameBytesMax),
                                maximumBufferSize: configuration.frameBytesMax + 65_536))
                        return try Connection(wrappingChannelSynchronously: channel)
                    }
                }
        } catch {
            throw ListenerError(box: "ZooKeeper port", endpoint: configuration.endpoint, setting: "--zookeeper.port", underlying: error)
        }
        return ZooKeeperPort(configuration, server: server, logger: logger, release: release, metadata: metadata)
    }

    private init(
        _ configuration: ZooKeeperConfiguration, server: NIOAsyncChannel<Connection, Never>, logger: Logger,
        release: @escaping @Sendable () async -> Void, metadata: @escaping @Sendable () async throws -> ClusterPicture
    ) {
        self.configuration = configuration
        self.logger = logger
        self.release = release
        listener = server.channel
        let address = server.channel.localAddress
        endpoints = [Endpoint(host: address?.ipAddress ?? configuration.endpoint.host, port: address?.port ?? configuration.endpoint.port)]
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        cache = ZnodeCache(
            refresh: configuration.refresh, createdAt: Int64(now.tv_sec) * 1_000 + Int64(now.tv_nsec) / 1_000_000, logger: logger,
            metadata: metadata)
        accepting = NIOLockedValueBox(nil)
        accepting.withLockedValue { task in
            task = Task { await self.accept(server) }
        }
        logger.info("ZooKeeper's port answers", metadata: ["endpoint": "\(endpoints[0])"])
    }

    /// Stops accepting, closes every connection, and returns when they are closed.
    package func stop() async {
        let task = accepting.withLockedValue { task in
            defer { task = nil }
            return task
        }
        task?.cancel()
        try? await listener.close().get()
        await task?.value
        await release()
    }

    private func accept(_ server: NIOAsyncChannel<Connection, Never>) async {
        do {
            try await server.executeThenClose { connections in
                try await withThrowingDiscardingTaskGroup { group in
                    for try await connection in connections {
                        group.addTask { await self.serve(connection) }
                    }
                }
            }
        } catch {
            logger.debug("The listener has ended", metadata: ["error": "\(error)"])
        }
    }

    private func serve(_ connection: Connection) async {
        let client = connection.channel.remoteAddress.map { "\($0.ipAddress ?? "unknown"):\($0.port ?? 0)" } ?? "unknown"
        let isWelcome = state.withLockedValue { state in
            guard state.counts.connections < configuration.connectionsMax else { return false }
            state.counts.connections += 1
            state.clients.insert(client)
            return true
        }
        guard isWelcome else {
            logger.warning("A connection is refused: zookeeper.connections.max is reached", metadata: ["client": "\(client)"])
            try? await connection.channel.close().get()
            try? await connection.executeThenClose { _, _ in }
            return
        }
        defer {
            state.withLockedValue { state in
                state.counts.connections -= 1
                state.clients.remove(client)
            }
        }
        do {
            try await connection.executeThenClose { inbound, outbound in
                var session = Session(timeoutRange: configuration.sessionTimeouts, newSession: Self.newSession)
                for try await frame in inbound {
                    state.withLockedValue { $0.counts.received += 1 }
                    switch frame {
                    case .word(let word):
                        guard let answer = await words().answer(to: word) else { return }
                        try await outbound.write(ByteBuffer(string: answer))
                        return
                    case .packet(let packet):
                        guard try await perform(session.receive(packet), outbound) else { return }
                    }
                    state.withLockedValue { $0.counts.sent += 1 }
                }
            }
        } catch is CancellationError {
        } catch {
            logger.debug("A connection is closed", metadata: ["client": "\(client)", "error": "\(error)"])
        }
    }

    /// - Returns: Whether the conversation goes on.
    private func perform(_ step: Session.Step, _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>) async throws -> Bool {
        switch step {
        case .send(let packet):
            try await outbound.write(packet)
            return true
        case .sendAndClose(let packet):
            try await outbound.write(packet)
            return false
        case .look(let lookup):
            let answer: ByteBuffer
            do {
                answer = lookup.answer(from: try await cache.current())
            } catch {
                answer = lookup.failure
            }
            try await outbound.write(answer)
            return true
        case .close:
            return false
        }
    }

    private func words() async -> FourLetterWords {
        let tree = await cache.latest
        let (counts, clients) = state.withLockedValue { ($0.counts, $0.clients.sorted()) }
        return FourLetterWords(
            counts: counts, znodeCount: tree?.count ?? 0, znodeBytes: tree?.byteCount ?? 0,
            endpoint: configuration.advertised ?? endpoints[0], configuration: configuration, clients: clients,
            uptime: ContinuousClock.now - startedAt)
    }

    private static func newSession() -> (id: Int64, password: [UInt8]) {
        (Int64.random(in: 1...Int64.max), (0..<16).map { _ in UInt8.random(in: .min ... .max) })
    }
}

/// Closes a connection on which nothing has come for the longest session time-out: a client that lives sends pings.
private final class CloseWhenIdle: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent {
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }
}

extension ClusterPicture {
    init(_ metadata: ClusterMetadata) {
        self.init(
            clusterID: metadata.clusterID ?? "", controllerID: metadata.controllerID,
            brokers: metadata.brokers.map { Broker(id: $0.nodeID, host: $0.endpoint.host, port: $0.endpoint.port, rack: $0.rack) },
            topics: Dictionary(
                metadata.topics.map { topic in
                    (
                        topic.name,
                        topic.partitions.map { Partition(index: $0.index, leader: $0.leader, replicas: $0.replicas, inSync: $0.isr) }
                    )
                }, uniquingKeysWith: { first, _ in first }))
    }
}
