import ArgumentParser
import Dispatch
import Foundation
import IO
import Kafka
import Logging
import Stack

/// What the commands that talk to a Kafka cluster share: its address, and how to write for programs.
struct KafkaOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Brokers of the cluster; by default what leat.yaml, LEAT_BROKER_USE or --broker.use say, or 127.0.0.1:9092.",
            valueName: "host:port[,…]"))
    var broker: String?

    @Flag(help: "Write JSON.")
    var json = false

    var endpoints: [Endpoint] {
        get throws {
            if let broker {
                _ = try SettingFlags.current.pairs(readBy: "leat topic, produce and consume beside --broker", [])
                return try Endpoint.list(parsing: broker, defaultPort: 9092)
            }
            return try ConfigurationOptions.address(of: .broker, for: "leat topic, produce and consume")
        }
    }

    /// A client that gives up after a few seconds: somebody waits in front of it.
    func client(retryTimeout: Duration = .seconds(5)) throws -> KafkaClient {
        KafkaClient(
            KafkaClientConfiguration(bootstrap: try endpoints, clientID: "leat-command", retryTimeout: retryTimeout), logger: Self.silent)
    }

    /// Runs a command's body with a client that is closed afterwards.
    func withClient(retryTimeout: Duration = .seconds(5), _ body: (KafkaClient) async throws -> Void) async throws {
        let client = try client(retryTimeout: retryTimeout)
        do {
            try await client.connect()
            try await body(client)
        } catch {
            await client.close()
            throw error
        }
        await client.close()
    }

    static let silent = Logger(label: "leat") { _ in SwiftLogNoOpLogHandler() }
}

extension KafkaClient {
    /// A topic that must exist; asking does not create it.
    ///
    /// - Throws: ``KafkaError/unknownTopic(_:nearest:)`` with the existing topic whose name is nearest.
    func existingTopic(_ name: String) async throws -> ClusterMetadata.Topic {
        let cluster = try await metadata(topics: nil)
        guard let topic = cluster.topic(name) else { throw KafkaError.unknownTopic(name, nearest: cluster.nearestTopic(to: name)) }
        return topic
    }

    /// A topic, made with the broker's default partitions where it is not there.
    func createdTopic(_ name: String) async throws -> ClusterMetadata.Topic {
        if let topic = try await metadata(topics: nil).topic(name) { return topic }
        try await createTopics([NewTopic(name: name, partitions: -1, replicationFactor: -1)])
        return try await existingTopic(name)
    }
}

/// Runs `body` until it ends or the first SIGINT or SIGTERM cancels it; a second signal ends the process at once.
///
/// A reader that has gone away (`leat consume … | head -1`) is noticed as EPIPE where the output is written; the signal that would
/// end the process is ignored, so that connections are closed in order.
func untilInterrupted(_ body: @escaping @Sendable () async throws -> Void) async throws {
    signal(SIGPIPE, SIG_IGN)
    let task = Task(operation: body)
    let queue = DispatchQueue(label: "leat.interruption")
    let sources = [SIGINT, SIGTERM].map { number in
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
        source.setEventHandler {
            if task.isCancelled { _exit(128 + number) }
            task.cancel()
        }
        source.resume()
        return source
    }
    defer { for source in sources { source.cancel() } }
    do {
        try await task.value
    } catch is CancellationError {
    } catch is OutputClosed {
    }
}

/// Prints a value as JSON.
func printJSON(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    var output = OutputBuffer()
    try output.append(encoder.encode(value))
    try output.append("\n")
    try output.flush()
}
