internal import Hummingbird
internal import HummingbirdCore
internal import IO
internal import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOPosix
internal import ServiceLifecycle

/// One HTTP listener: bound when ``start`` returns, drained by ``stop``.
final class HTTPListener: Sendable {
    let bound: Endpoint
    private let group: ServiceGroup
    private let running: Task<Void, any Error>

    private init(bound: Endpoint, group: ServiceGroup, running: Task<Void, any Error>) {
        self.bound = bound
        self.group = group
        self.running = running
    }

    /// - Throws: ``ListenerError`` when the port cannot be bound.
    static func start(
        host: String, port: Int, box: String, setting: String, connectionsMax: Int, stopTimeout: Duration, logger: Logger,
        respond: @escaping @Sendable (Request) async throws -> Response
    ) async throws -> HTTPListener {
        // The server speaks of starting and stopping at `info`; the box says that itself.
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        let (ports, continuation) = AsyncStream<Int>.makeStream()
        let application = Application(
            responder: CallbackResponder { (request: Request, _: BasicRequestContext) in try await respond(request) },
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port), backlog: 1_024,
                availableConnectionsDelegate: MaximumAvailableConnections(connectionsMax)),
            onServerRunning: { channel in
                continuation.yield(channel.localAddress?.port ?? port)
                continuation.finish()
            },
            eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton), logger: quiet)
        var configuration = ServiceGroupConfiguration(services: [application], logger: quiet)
        configuration.maximumGracefulShutdownDuration = stopTimeout
        let group = ServiceGroup(configuration: configuration)
        let running = Task {
            defer { continuation.finish() }
            try await group.run()
        }
        var iterator = ports.makeAsyncIterator()
        guard let boundPort = await iterator.next() else {
            do {
                try await running.value
                throw CancellationError()
            } catch {
                throw ListenerError(box: box, endpoint: Endpoint(host: host, port: port), setting: setting, underlying: error)
            }
        }
        return HTTPListener(bound: Endpoint(host: host, port: boundPort), group: group, running: running)
    }

    /// Stops accepting, lets answers under way finish for as long as the stop's time-out allows, and closes. May be called again.
    func stop() async {
        await group.triggerGracefulShutdown()
        _ = try? await running.value
    }
}
