package import IO
package import Logging

/// Another Spark that runs a pipeline's queries: the same plans, sent by Spark Connect.
///
/// Sources and sinks of the pipeline that name no address get those of this stack's boxes, as they are advertised; what the connectors
/// are called there is checked before a query starts, since Spark says of a missing one only that a class was not found.
package struct RemoteSpark: Sendable {
    private let client: SparkConnectClient
    private let bootstrap: [IO.Endpoint]
    private let contactPoints: [IO.Endpoint]
    private let logger: Logger

    package init(client: SparkConnectClient, bootstrap: [IO.Endpoint], contactPoints: [IO.Endpoint], logger: Logger) {
        self.client = client
        self.bootstrap = bootstrap
        self.contactPoints = contactPoints
        self.logger = logger
    }

    package var endpoint: IO.Endpoint { client.endpoint }

    package func start(_ definition: StreamingQueryDefinition) async throws -> any StreamingQueryView {
        let definition = await completed(definition)
        let version = try await client.sparkVersion()
        try await checkConnectors(of: definition, version: version)
        let query = try await client.start(definition)
        logger.info(
            "a query runs on another Spark",
            metadata: ["query": "\(query.name ?? query.id)", "spark": "\(version)", "endpoint": "\(client.endpoint)"])
        return RemoteStreamingQuery(query, client: client)
    }

    // MARK: Addresses

    func completed(_ definition: StreamingQueryDefinition) async -> StreamingQueryDefinition {
        var definition = definition
        definition.plan = await completed(definition.plan)
        switch definition.sink.format.lowercased() {
        case "kafka": definition.sink.options = withBootstrap(definition.sink.options)
        case "org.apache.spark.sql.cassandra", "cassandra":
            definition.sink.format = "org.apache.spark.sql.cassandra"
            definition.sink.options = withContactPoints(definition.sink.options, definition.options)
        default: break
        }
        return definition
    }

    private func completed(_ plan: LogicalPlan) async -> LogicalPlan {
        guard case .read(var read) = plan else { return await plan.mapChildren { await completed($0) } }
        switch read.format.lowercased() {
        case "kafka": read.options = withBootstrap(read.options)
        case "org.apache.spark.sql.cassandra", "cassandra": read.options = withContactPoints(read.options, Options())
        default: break
        }
        return .read(read)
    }

    private func withBootstrap(_ options: Options) -> Options {
        var options = options
        if options["kafka.bootstrap.servers"] == nil {
            options["kafka.bootstrap.servers"] = bootstrap.map(\.description).joined(separator: ",")
        }
        return options
    }

    private func withContactPoints(_ options: Options, _ query: Options) -> Options {
        var options = options
        let host = "spark.cassandra.connection.host", port = "spark.cassandra.connection.port"
        if options[host] == nil, query[host] == nil, let first = contactPoints.first {
            options[host] = contactPoints.map(\.host).joined(separator: ",")
            options[port] = "\(first.port)"
        }
        return options
    }

    // MARK: Connectors

    /// A connector's package, by the format that it gives.
    private static func package(of format: String, version: String) -> String? {
        switch format.lowercased() {
        case "kafka": "org.apache.spark:spark-sql-kafka-0-10_2.13:\(version)"
        case "org.apache.spark.sql.cassandra": "com.datastax.spark:spark-cassandra-connector_2.13 (the release for Spark \(version))"
        case "jdbc": "org.postgresql:postgresql"
        default: nil
        }
    }

    private func checkConnectors(of definition: StreamingQueryDefinition, version: String) async throws {
        var reads: [DataSourceRead] = []
        func collect(_ plan: LogicalPlan) {
            if case .read(let read) = plan { reads.append(read) }
            for child in plan.children { collect(child) }
        }
        collect(definition.plan)
        // A sink is not looked at before its query starts; a batch read of the same format is.
        if Self.package(of: definition.sink.format, version: version) != nil {
            reads.append(DataSourceRead(format: definition.sink.format, options: definition.sink.options, isStreaming: false))
        }
        for read in reads {
            guard let package = Self.package(of: read.format, version: version) else { continue }
            do {
                _ = try await client.schema(of: .read(read))
            } catch let error as SparkConnectClientError where error.isMissingSource {
                throw SparkError(
                    "DATA_SOURCE_NOT_FOUND", sqlState: "42K02",
                    "The Spark \(version) at \(client.endpoint) has no connector for the format \(read.format).",
                    nextStep: "start it with --packages \(package)")
            } catch let error as SparkConnectClientError where !error.isUnreachable {
                // Whatever else it has to say it says when the query starts.
                logger.debug("a source was looked at", metadata: ["format": "\(read.format)", "answer": "\(error.reason)"])
            }
        }
    }
}

extension SparkConnectClientError {
    /// Spark found no class for a format.
    var isMissingSource: Bool {
        reason.contains("DATA_SOURCE_NOT_FOUND") || reason.contains("Failed to find data source")
            || reason.contains("Failed to find the data source")
    }
}
