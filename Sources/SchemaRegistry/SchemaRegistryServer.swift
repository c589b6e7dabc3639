internal import Hummingbird
internal import HummingbirdCore
package import IO
internal import Kafka
package import Logging
internal import NIOCore
internal import NIOPosix
internal import ServiceLifecycle

/// The schema registry's HTTP API at 8081, in Confluent's forms.
///
/// Narrow so far: it holds no schemas, says so where asked (`/subjects` is empty, the mode is READONLY), and refuses by name
/// what would store one.
package final class SchemaRegistryServer: Sendable {
    package let endpoints: [Endpoint]

    private let services: ServiceGroup
    private let running: Task<Void, any Error>
    /// Lets go of what the cluster is asked through.
    private let release: @Sendable () async -> Void

    /// Returns when the port is bound and answers.
    ///
    /// - Throws: ``ListenerError`` for a port that cannot be bound.
    package static func start(_ configuration: SchemaRegistryConfiguration, logger: Logger) async throws -> SchemaRegistryServer {
        let client = KafkaClient(
            KafkaClientConfiguration(
                bootstrap: configuration.kafka, clientID: "leat-registry", requestTimeout: configuration.kafkaTimeout,
                connectTimeout: configuration.kafkaTimeout, retryTimeout: configuration.kafkaTimeout),
            logger: logger)
        do {
            return try await start(configuration, logger: logger, release: { await client.close() }) {
                try await client.metadata(topics: []).clusterID ?? ""
            }
        } catch {
            await client.close()
            throw error
        }
    }

    /// As above, with `clusterID` asking the Kafka cluster.
    static func start(
        _ configuration: SchemaRegistryConfiguration, logger: Logger, release: @escaping @Sendable () async -> Void = {},
        clusterID: @escaping @Sendable () async throws -> String
    ) async throws -> SchemaRegistryServer {
        let (bound, continuation) = AsyncThrowingStream.makeStream(of: Endpoint.self)
        let application = Application(
            router: RegistryRoutes.all(clusterID: clusterID).router,
            server: .http1(
                configuration: HTTP1Channel.Configuration(
                    idleTimeout: TimeAmount(configuration.connectionIdle),
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: configuration.headerBytesMax, maxHeaderListSize: configuration.headerBytesMax,
                        maxHeaderFieldCount: 128))),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.endpoint.host, port: configuration.endpoint.port), serverName: "Leat",
                availableConnectionsDelegate: MaximumAvailableConnections(configuration.connectionsMax)),
            onServerRunning: { channel in
                let address = channel.localAddress
                continuation.yield(
                    Endpoint(host: address?.ipAddress ?? configuration.endpoint.host, port: address?.port ?? configuration.endpoint.port))
                continuation.finish()
            },
            eventLoopGroupProvider: .singleton,
            logger: quiet(logger))
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
                logger.info("The schema registry answers", metadata: ["endpoint": "\(endpoint)"])
                return SchemaRegistryServer(endpoint, services: services, running: running, release: release)
            }
            throw CancellationError()
        } catch {
            running.cancel()
            throw ListenerError(box: "schema registry", endpoint: configuration.endpoint, setting: "--registry.port", underlying: error)
        }
    }

    private init(
        _ endpoint: Endpoint, services: ServiceGroup, running: Task<Void, any Error>, release: @escaping @Sendable () async -> Void
    ) {
        endpoints = [endpoint]
        self.services = services
        self.running = running
        self.release = release
    }

    /// Stops accepting, lets requests under way finish, and returns when all connections are closed.
    package func stop() async {
        await services.triggerGracefulShutdown()
        _ = await running.result
        await release()
    }

    /// The framework tells of its own start and stop at info; people who run a box want to read about the box.
    private static func quiet(_ logger: Logger) -> Logger {
        var logger = logger
        logger.logLevel = max(logger.logLevel, .warning)
        return logger
    }
}
