internal import AsyncHTTPClient
internal import Hummingbird
internal import HummingbirdCore
package import IO
package import Logging
internal import NIOCore
internal import NIOPosix
internal import ServiceLifecycle

/// The web console: pages, their JSON API and event stream, over what it learns from the boxes by their public protocols.
package final class ConsoleServer: Sendable {
    package let endpoints: [Endpoint]

    private let services: ServiceGroup
    private let running: Task<Void, any Error>
    private let gatherer: FlowGatherer
    private let hops: Hops
    private let stopTimeout: Duration

    /// Returns when the port is bound and answers. No box is dialled before somebody looks.
    ///
    /// - Throws: ``ListenerError`` for a port that cannot be bound.
    package static func start(_ configuration: ConsoleConfiguration, logger: Logger) async throws -> ConsoleServer {
        try await start(configuration, hops: Hops(configuration, logger: logger), logger: logger)
    }

    static func start(_ configuration: ConsoleConfiguration, hops: Hops, logger: Logger) async throws -> ConsoleServer {
        let gatherer = FlowGatherer(boxes: hops.boxes, configuration: configuration, logger: logger)
        let routes = ConsoleRoutes(configuration: configuration, gatherer: gatherer, scheduler: hops.scheduler, topics: hops.topics)
        let (bound, continuation) = AsyncThrowingStream.makeStream(of: Endpoint.self)
        let application = Application(
            router: routes.router(),
            server: .http1(configuration: HTTP1Channel.Configuration(idleTimeout: .seconds(60))),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port), serverName: "Leat",
                availableConnectionsDelegate: MaximumAvailableConnections(configuration.listenersMax + 256)),
            onServerRunning: { channel in
                continuation.yield(
                    Endpoint(
                        host: channel.localAddress?.ipAddress ?? configuration.host, port: channel.localAddress?.port ?? configuration.port)
                )
                continuation.finish()
            },
            eventLoopGroupProvider: .singleton, logger: quiet(logger))
        let services = ServiceGroup(configuration: ServiceGroupConfiguration(services: [application], logger: quiet(logger)))
        let running = Task {
            do {
                try await services.run()
                continuation.finish()
            } catch {
                continuation.finish(throwing: error)
                throw error
            }
        }
        do {
            for try await endpoint in bound {
                logger.info("The console answers", metadata: ["address": "http://\(endpoint)"])
                return ConsoleServer(
                    endpoint, services: services, running: running, gatherer: gatherer, hops: hops, stopTimeout: configuration.stopTimeout)
            }
            throw CancellationError()
        } catch {
            running.cancel()
            await hops.close()
            throw ListenerError(
                box: "console", endpoint: Endpoint(host: configuration.host, port: configuration.port), setting: "--console.port",
                underlying: error)
        }
    }

    private init(
        _ endpoint: Endpoint, services: ServiceGroup, running: Task<Void, any Error>, gatherer: FlowGatherer, hops: Hops,
        stopTimeout: Duration
    ) {
        endpoints = [endpoint]
        self.services = services
        self.running = running
        self.gatherer = gatherer
        self.hops = hops
        self.stopTimeout = stopTimeout
    }

    /// Ends the event streams, stops accepting, lets requests under way finish within `console.stop.timeout`, and closes the clients.
    package func stop() async {
        await gatherer.stop()
        await services.triggerGracefulShutdown()
        let overdue = Task { [running, stopTimeout] in
            try await Task.sleep(for: stopTimeout)
            running.cancel()
        }
        _ = await running.result
        overdue.cancel()
        await hops.close()
    }

    /// For tests: how often the boxes were looked at, and how many pages follow.
    var activity: (rounds: Int, listeners: Int) {
        get async { (await gatherer.rounds, await gatherer.listenerCount) }
    }

    /// The framework tells of its own start and stop at info; people who run a box want to read about the box.
    private static func quiet(_ logger: Logger) -> Logger {
        var logger = logger
        logger.logLevel = max(logger.logLevel, .warning)
        return logger
    }
}
