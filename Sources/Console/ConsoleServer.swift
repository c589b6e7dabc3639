internal import HTTPServing
internal import Hummingbird
package import IO
package import Logging

/// The web console: pages, their JSON API and event stream, over what it learns from the boxes by their public protocols.
package final class ConsoleServer: Sendable {
    private let listener: HTTPListener
    private let gatherer: FlowGatherer
    private let hops: Hops

    /// Returns when the port is bound and answers. No box is dialled before somebody looks.
    ///
    /// - Throws: ``ListenerError`` for a port that cannot be bound.
    package static func start(_ configuration: ConsoleConfiguration, logger: Logger) async throws -> ConsoleServer {
        try await start(configuration, hops: Hops(configuration, logger: logger), logger: logger)
    }

    static func start(_ configuration: ConsoleConfiguration, hops: Hops, logger: Logger) async throws -> ConsoleServer {
        let gatherer = FlowGatherer(boxes: hops.boxes, configuration: configuration, logger: logger)
        let routes = ConsoleRoutes(configuration: configuration, gatherer: gatherer, scheduler: hops.scheduler, topics: hops.topics)
        do {
            let listener = try await HTTPListener.start(
                HTTPListener.Configuration(
                    box: "console", endpoint: Endpoint(host: configuration.host, port: configuration.port), portFlag: "--console.port",
                    connectionsMax: configuration.listenersMax + questionsMax, connectionIdle: connectionIdle,
                    stopTimeout: configuration.stopTimeout),
                logger: logger, responder: routes.router().buildResponder())
            logger.info("The console answers", metadata: ["address": "http://\(listener.bound)"])
            return ConsoleServer(listener, gatherer: gatherer, hops: hops)
        } catch {
            await hops.close()
            throw error
        }
    }

    /// Connections beside those of the pages that follow the events.
    private static let questionsMax = 256
    /// How long a connection may be silent between two questions; an event stream is one answer that never ends.
    private static let connectionIdle = Duration.seconds(60)

    private init(_ listener: HTTPListener, gatherer: FlowGatherer, hops: Hops) {
        self.listener = listener
        self.gatherer = gatherer
        self.hops = hops
    }

    /// The address really bound.
    package var endpoints: [Endpoint] { [listener.bound] }

    /// Ends the event streams, stops accepting, lets requests under way finish within `console.stop.timeout`, and closes the clients.
    package func stop() async {
        await gatherer.stop()
        await listener.stop()
        await hops.close()
    }

    /// For tests: how often the boxes were looked at, and how many pages follow.
    var activity: (rounds: Int, listeners: Int) {
        get async { (await gatherer.rounds, await gatherer.listenerCount) }
    }
}
