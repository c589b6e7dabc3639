import ArgumentParser
import Dispatch
import Foundation
import IO
import Kafka
import Logging

/// What the commands that talk to a Kafka cluster share: its address, and how to write for programs.
struct KafkaOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Brokers of the cluster, the environment's LEAT_BROKER_USE or 127.0.0.1:9092 by default.", valueName: "host:port[,…]"))
    var broker: String?

    @Flag(help: "Write JSON.")
    var json = false

    var endpoints: [Endpoint] {
        get throws {
            let environment = ProcessInfo.processInfo.environment["LEAT_BROKER_USE"] ?? ""
            // The setting may also say that the broker is Leat's own, which listens at the default address.
            let text = broker ?? (environment.isEmpty || environment == "embedded" ? "127.0.0.1:9092" : environment)
            return try Endpoint.list(parsing: text, defaultPort: 9092)
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

/// Whoever read our output has gone away.
struct OutputClosed: Error {}

/// Standard output as bytes, written in large pieces.
struct OutputBuffer {
    private var bytes: [UInt8] = []
    private let descriptor: CInt
    private static let pieceBytes = 64 << 10

    init(descriptor: CInt = STDOUT_FILENO) {
        self.descriptor = descriptor
    }

    mutating func append(_ more: some Sequence<UInt8>) throws {
        bytes.append(contentsOf: more)
        if bytes.count >= Self.pieceBytes { try flush() }
    }

    mutating func append(_ text: String) throws { try append(text.utf8) }

    /// - Throws: ``OutputClosed`` when nobody reads any more, FileError otherwise.
    mutating func flush() throws {
        defer { bytes.removeAll(keepingCapacity: true) }
        try bytes.withUnsafeBytes { piece in
            var written = 0
            while written < piece.count {
                let count = write(descriptor, piece.baseAddress! + written, piece.count - written)
                if count > 0 {
                    written += count
                } else if errno == EPIPE {
                    throw OutputClosed()
                } else if errno == EAGAIN {
                    var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    _ = poll(&wanted, 1, 1_000)
                } else if errno != EINTR {
                    throw FileError(call: "write", path: "standard output")
                }
            }
        }
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
