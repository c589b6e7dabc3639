package import IO
package import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOPosix

/// The embedded store: a CQL native protocol listener over a ``CQLEngine``.
package final class Store: Sendable {
    /// The layout of the data folder that this build writes.
    static let layoutVersion = 1

    private let service: StatementService
    private let listener: any Channel
    private let folder: DataFolder
    private let endpoint: Endpoint
    private let isStopped = NIOLockedValueBox(false)

    private init(service: StatementService, listener: any Channel, folder: DataFolder, endpoint: Endpoint) {
        self.service = service
        self.listener = listener
        self.folder = folder
        self.endpoint = endpoint
    }

    package var endpoints: [Endpoint] { [endpoint] }

    /// Returns when the port is bound and statements are answered.
    ///
    /// The port is bound first and accepts last: the engine has to know the bound port for `system.local`, and nobody is to reach it
    /// before it has recovered.
    /// - Throws: ``DataFolderError``, ``ListenerError``, and what opening the storage throws.
    package static func start(_ configuration: StoreConfiguration, logger: Logger) async throws -> Store {
        let pool = NIOThreadPool.singleton
        let folder = try await pool.runIfActive {
            try DataFolder(path: configuration.folder, box: "store", version: layoutVersion)
        }
        let shared = NIOLockedValueBox<StatementService?>(nil)
        let listener = try await bind(configuration, shared: shared)
        do {
            var configuration = configuration
            let port = listener.localAddress?.port ?? configuration.listen.port
            if !configuration.isAdvertisedSet { configuration.advertised.port = port }
            let opened = configuration
            let engine = try await pool.runIfActive {
                try CQLEngine(folder: folder, configuration: opened, logger: logger)
            }
            let service = StatementService(engine: engine, configuration: configuration, logger: logger)
            shared.withLockedValue { $0 = service }
            try await listener.setOption(.autoRead, value: true).get()
            let endpoint = Endpoint(host: configuration.listen.host, port: port)
            logger.info("store listens", metadata: ["address": "\(endpoint)", "folder": "\(configuration.folder)"])
            return Store(service: service, listener: listener, folder: folder, endpoint: endpoint)
        } catch {
            try? await listener.close().get()
            throw error
        }
    }

    private static func bind(
        _ configuration: StoreConfiguration, shared: NIOLockedValueBox<StatementService?>
    ) async throws -> any Channel {
        let answersMax = configuration.answerBytesMax
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 1_024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.autoRead, value: false)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: max(1, answersMax / 2), high: max(2, answersMax)))
            .childChannelOption(.maxMessagesPerRead, value: 4)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let service = shared.withLockedValue({ $0 }) else { throw ChannelError.ioOnClosedChannel }
                    let greeting = BrowserGreeting(
                        line: "This is Leat's store; it speaks Cassandra's native protocol (CQL), for example with cqlsh or `leat cql`.")
                    try channel.pipeline.syncOperations.addHandlers([
                        greeting, StoreConnection(service: service, eventLoop: channel.eventLoop),
                    ])
                }
            }
        do {
            return try await bootstrap.bind(host: configuration.listen.host, port: configuration.listen.port).get()
        } catch {
            throw ListenerError(box: "store", endpoint: configuration.listen, setting: "--store.port", underlying: error)
        }
    }

    /// Stops accepting, answers what is being worked on, closes connections, then the engine. Idempotent.
    ///
    /// After the time-out, connections are closed whatever their clients have not been answered, or have not read.
    package func stop() async {
        let isFirst = isStopped.withLockedValue { stopped in
            defer { stopped = true }
            return !stopped
        }
        guard isFirst else { return }
        try? await listener.close().get()
        let loop = listener.eventLoop
        let connections = service.connections
        let drained = connections.drain(on: loop) { connection in connection.onLoop { $0.finish() } }
        let late = loop.scheduleTask(in: TimeAmount(service.configuration.stopTimeout)) {
            connections.visit { connection in connection.onLoop { $0.abort() } }
        }
        try? await drained.get()
        late.cancel()
        let engine = service.engine
        try? await NIOThreadPool.singleton.runIfActive { engine.close() }
        service.logger.info("store stopped")
    }
}

extension NIOLoopBound<StoreConnection> {
    /// Runs `body` on the connection's event loop.
    func onLoop(_ body: @escaping @Sendable (StoreConnection) -> Void) {
        eventLoop.execute { body(self.value) }
    }
}
