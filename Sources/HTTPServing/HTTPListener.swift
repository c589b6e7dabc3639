package import Hummingbird
internal import HummingbirdCore
package import IO
package import Logging
internal import NIOCore
internal import NIOPosix
internal import ServiceLifecycle

/// A box's HTTP/1.1 port: bound when ``start(_:logger:responder:)`` returns, drained by ``stop()``.
///
/// Every box that answers HTTP answers through this one, so that limits, the order of a stop and the words for a port that is
/// taken are the same for all of them. It shares the process's event loops with the other boxes' sockets.
package final class HTTPListener: Sendable {
    package struct Configuration: Sendable {
        /// The box's name in messages.
        package var box: String
        package var endpoint: Endpoint
        /// The flag that moves the port, for the message that it is taken.
        package var portFlag: String
        /// Connections held at once; more wait in the kernel to be accepted.
        package var connectionsMax: Int
        /// How long a connection may be silent between requests; nil: as long as it likes.
        package var connectionIdle: Duration?
        /// The most that one header line, and all of them, may hold; beyond it the connection is closed.
        package var headerBytesMax: Int
        /// How long answers under way may take to end when the listener stops; then they are cut off.
        package var stopTimeout: Duration

        package init(
            box: String, endpoint: Endpoint, portFlag: String, connectionsMax: Int, connectionIdle: Duration? = nil,
            headerBytesMax: Int = 80 << 10, stopTimeout: Duration
        ) {
            self.box = box
            self.endpoint = endpoint
            self.portFlag = portFlag
            self.connectionsMax = connectionsMax
            self.connectionIdle = connectionIdle
            self.headerBytesMax = headerBytesMax
            self.stopTimeout = stopTimeout
        }
    }

    /// The address really bound.
    package let bound: Endpoint

    private let services: ServiceGroup
    private let running: Task<Void, any Error>

    private init(bound: Endpoint, services: ServiceGroup, running: Task<Void, any Error>) {
        self.bound = bound
        self.services = services
        self.running = running
    }

    private static let serverName = "Leat"
    /// Connections that the kernel holds while ``Configuration/connectionsMax`` are open.
    private static let backlog = 1_024
    private static let headersMax = 128

    /// - Throws: ``ListenerError`` when the port cannot be bound.
    package static func start(
        _ configuration: Configuration, logger: Logger, responder: some HTTPResponder<BasicRequestContext>
    ) async throws -> HTTPListener {
        // The framework tells of its own start and stop at info; people who run a box want to read about the box.
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        let (ports, bound) = AsyncStream.makeStream(of: Endpoint.self)
        let endpoint = configuration.endpoint
        let application = Application(
            responder: responder, server: .http1(configuration: HTTP1Channel.Configuration(configuration, headersMax: headersMax)),
            configuration: ApplicationConfiguration(
                address: .hostname(endpoint.host, port: endpoint.port), serverName: serverName, backlog: backlog,
                availableConnectionsDelegate: MaximumAvailableConnections(configuration.connectionsMax)),
            onServerRunning: { channel in
                let address = channel.localAddress
                bound.yield(Endpoint(host: address?.ipAddress ?? endpoint.host, port: address?.port ?? endpoint.port))
                bound.finish()
            },
            eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton), logger: quiet)
        var lifecycle = ServiceGroupConfiguration(services: [application], logger: quiet)
        lifecycle.maximumGracefulShutdownDuration = configuration.stopTimeout
        let services = ServiceGroup(configuration: lifecycle)
        let running = Task {
            defer { bound.finish() }
            try await services.run()
        }
        for await bound in ports { return HTTPListener(bound: bound, services: services, running: running) }
        // Nothing was bound: the port is refused, or the caller has been cancelled meanwhile.
        running.cancel()
        let result = await running.result
        guard !Task.isCancelled, case .failure(let error) = result else { throw CancellationError() }
        throw ListenerError(box: configuration.box, endpoint: endpoint, setting: configuration.portFlag, underlying: error)
    }

    /// As ``start(_:logger:responder:)``, with a function that answers every request.
    package static func start(
        _ configuration: Configuration, logger: Logger, respond: @escaping @Sendable (Request) async throws -> Response
    ) async throws -> HTTPListener {
        try await start(
            configuration, logger: logger,
            responder: CallbackResponder { (request: Request, _: BasicRequestContext) in try await respond(request) })
    }

    /// Stops accepting, lets answers under way finish for as long as the stop's time-out allows, and closes. May be called again.
    package func stop() async {
        await services.triggerGracefulShutdown()
        _ = await running.result
    }
}

extension HTTP1Channel.Configuration {
    fileprivate init(_ configuration: HTTPListener.Configuration, headersMax: Int) {
        self.init(
            idleTimeout: configuration.connectionIdle.map { TimeAmount($0) },
            httpDecoderConfiguration: DecoderConfiguration(
                maxHeaderFieldSize: configuration.headerBytesMax, maxHeaderListSize: configuration.headerBytesMax,
                maxHeaderFieldCount: headersMax))
    }
}
