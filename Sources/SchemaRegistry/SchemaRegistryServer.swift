internal import HTTPServing
internal import Hummingbird
package import IO
internal import Kafka
package import Logging

/// The schema registry's HTTP API at 8081, in Confluent's forms.
///
/// Narrow so far: it holds no schemas, says so where asked (`/subjects` is empty, the mode is READONLY), and refuses by name
/// what would store one.
package final class SchemaRegistryServer: Sendable {
    private let listener: HTTPListener
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
        let listener = try await HTTPListener.start(
            HTTPListener.Configuration(
                box: "schema registry", endpoint: configuration.endpoint, portFlag: "--registry.port",
                connectionsMax: configuration.connectionsMax, connectionIdle: configuration.connectionIdle,
                headerBytesMax: configuration.headerBytesMax, stopTimeout: configuration.stopTimeout),
            logger: logger, responder: RegistryRoutes.all(clusterID: clusterID).router.buildResponder())
        logger.info("The schema registry answers", metadata: ["endpoint": "\(listener.bound)"])
        return SchemaRegistryServer(listener, release: release)
    }

    private init(_ listener: HTTPListener, release: @escaping @Sendable () async -> Void) {
        self.listener = listener
        self.release = release
    }

    /// The address really bound.
    package var endpoints: [Endpoint] { [listener.bound] }

    /// Stops accepting, lets requests under way finish within `registry.stop.timeout`, and returns when all connections are closed.
    package func stop() async {
        await listener.stop()
        await release()
    }
}
