import ArgumentParser
import Foundation
import IO
import Kafka
import NIOConcurrencyHelpers

struct ProduceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "produce",
        abstract: "Send lines to a topic, each as one record.",
        discussion: """
            Ends when every record is acknowledged; a record that is not makes the command fail. Ctrl-C sends what was read and ends.

            EXAMPLES
              echo hello | leat produce greetings --create
              leat produce users_created users.ndjson --compression zstd
              leat produce orders --key-separator : < orders.txt
              leat produce orders --header source=import --header day=monday --partition 0 < orders.txt
              kafkacat -C -t old -b kafka-1 | leat produce new --broker kafka-2:9092 --json
            """)

    enum Acknowledgements: String, ExpressibleByArgument, CaseIterable {
        case none = "0"
        case leader = "1"
        case all
    }

    enum Compression: String, ExpressibleByArgument, CaseIterable {
        case none, gzip, snappy, lz4, zstd
    }

    @OptionGroup var options: KafkaOptions

    @Argument(help: "The topic.")
    var topic: String

    @Argument(help: "A file of lines; standard input where it is left out.", completion: .file())
    var file: String?

    @Flag(
        help: "Make the topic where it does not exist; without this a topic that is not there is an error, so that a typing slip is seen.")
    var create = false

    @Option(help: ArgumentHelp("The key stands before this in a line, the value after it.", valueName: "text"))
    var keySeparator: String?

    @Flag(help: "With --key-separator, an empty value is null: a tombstone.")
    var emptyIsNull = false

    @Option(help: ArgumentHelp("A header of every record; may be given several times.", valueName: "name=value"))
    var header: [String] = []

    @Option(help: "The partition; where it is left out, the key's, or any.")
    var partition: Int32?

    @Option(name: .shortAndLong, help: "Stop after so many records.")
    var count: Int?

    @Option(help: "Who must have a record before it counts as sent.")
    var acks = Acknowledgements.all

    @Option(help: "How batches are compressed.")
    var compression = Compression.none

    @Option(help: ArgumentHelp("A property of librdkafka; may be given several times.", valueName: "name=value"))
    var property: [String] = []

    func validate() throws {
        if let count, count < 0 { throw ValidationError("--count is 0 or more") }
        if let keySeparator, keySeparator.isEmpty { throw ValidationError("--key-separator is not empty") }
        if emptyIsNull, keySeparator == nil { throw ValidationError("--empty-is-null goes with --key-separator") }
        _ = try Self.pairs(header, option: "--header")
        _ = try Self.pairs(property, option: "--property")
    }

    private static func pairs(_ texts: [String], option: String) throws -> [(String, String)] {
        try texts.map { text in
            guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
                throw ValidationError("\(option) '\(text)' is not of the form name=value")
            }
            return (String(text[..<equals]), String(text[text.index(after: equals)...]))
        }
    }

    func run() async throws {
        let command = self
        let progress = ProduceProgress(topic: topic)
        do {
            try await untilInterrupted { try await command.produce(progress) }
        } catch {
            progress.clear()
            throw error
        }
        try progress.report(json: options.json)
    }

    private func produce(_ progress: ProduceProgress) async throws {
        try await options.withClient { client in
            let topic = try await create ? client.createdTopic(topic) : client.existingTopic(topic)
            if let partition, !topic.partitions.contains(where: { $0.index == partition }) {
                throw KafkaError.unknownPartition(
                    TopicPartition(topic: topic.name, partition: partition), partitionCount: topic.partitions.count)
            }
        }
        let descriptor = try file.map { path in
            let descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw FileError(call: "open", path: path) }
            return descriptor
        }
        defer { if let descriptor { close(descriptor) } }
        var properties = ["acks": acks.rawValue, "compression.type": compression.rawValue, "client.id": "leat-command"]
        properties.merge(try Self.pairs(property, option: "--property")) { $1 }
        let producer = try KafkaProducer(bootstrap: try options.endpoints, properties: properties, logger: KafkaOptions.silent)
        var reader = LineReader(descriptor: descriptor ?? STDIN_FILENO, name: file ?? "standard input")
        do {
            try await send(from: &reader, by: producer, progress)
        } catch is CancellationError {
            // What was read is sent all the same; a second signal ends the process.
        } catch let failure as ProduceProgress.Undelivered {
            await producer.close(timeout: .zero)
            throw failure
        } catch {
            // What came before a line that cannot be sent is sent.
            await Self.drain(producer, progress)
            await producer.close(timeout: .zero)
            throw error
        }
        await Self.drain(producer, progress)
        await producer.close(timeout: .zero)
        try progress.throwFailure()
    }

    private func send(from reader: inout LineReader, by producer: KafkaProducer, _ progress: ProduceProgress) async throws {
        let headers = try Self.pairs(header, option: "--header").map { ($0.0, Optional(Array($0.1.utf8))) }
        let separator = keySeparator.map { Array($0.utf8) }
        var left = count ?? .max
        while left > 0 {
            // The line is kept while the queue is full: it is read once.
            guard let line = try reader.next({ [UInt8]($0) }) else { return }
            while true {
                do {
                    try enqueue(line, separator, headers, line: reader.lineNumber, producer, progress)
                    break
                } catch ProducerError.queueFull {
                    try await producer.untilRoom()
                }
            }
            left -= 1
            if left & 0xFF == 0 { progress.show() }
            try progress.throwFailure()
        }
    }

    private func enqueue(
        _ line: [UInt8], _ separator: [UInt8]?, _ headers: [(String, [UInt8]?)], line number: Int, _ producer: KafkaProducer,
        _ progress: ProduceProgress
    ) throws {
        let count = line.count
        let onDelivery: @Sendable (Result<RecordMetadata, any Error>) -> Void = { progress.delivered($0, bytes: count, line: number) }
        guard let separator else {
            try producer.enqueue(topic: topic, partition: partition, key: nil, value: line, headers: headers, onDelivery: onDelivery)
            return
        }
        guard let place = line.firstRange(of: separator) else {
            throw ProduceProgress.SeparatorMissing(line: number, file: file ?? "standard input", separator: keySeparator ?? "")
        }
        let value = line[place.upperBound...]
        try producer.enqueue(
            topic: topic, partition: partition, key: Array(line[..<place.lowerBound]),
            value: value.isEmpty && emptyIsNull ? nil : Array(value), headers: headers, onDelivery: onDelivery)
    }

    /// Waits until nothing is left to be acknowledged. Not cancelled with its caller: what was read is sent.
    private static func drain(_ producer: KafkaProducer, _ progress: ProduceProgress) async {
        await Task {
            // A record that cannot be sent fails after librdkafka's message.timeout.ms, so that this ends.
            while producer.pendingCount > 0 {
                try? await producer.flush(timeout: .milliseconds(500))
                progress.show()
            }
        }.value
    }
}

/// Counts what is acknowledged, and says so on a terminal while it takes long.
final class ProduceProgress: Sendable {
    struct SeparatorMissing: DescribedError {
        let line: Int
        let file: String
        let separator: String
        var problem: String { "the line holds no key separator '\(separator)'" }
        var place: String? { "\(file):\(line)" }
        var nextStep: String? { "every line is KEY\(separator)VALUE; what came before it was sent" }
    }

    struct Undelivered: DescribedError {
        let line: Int
        let underlying: String
        let count: Int
        var problem: String { count == 1 ? underlying : "\(count) records were not acknowledged; the first: \(underlying)" }
        var place: String? { "line \(line)" }
    }

    private struct Summary: Encodable {
        let topic: String
        let records: Int
        let bytes: Int
        let seconds: Double
    }

    private struct Counts {
        var records = 0
        var bytes = 0
        var failures = 0
        var firstFailure: (line: Int, text: String)?
        var shownAt = ContinuousClock.now
        var isShown = false
    }

    private let topic: String
    private let start = ContinuousClock.now
    private let counts = NIOLockedValueBox(Counts())

    init(topic: String) {
        self.topic = topic
    }

    func delivered(_ result: Result<RecordMetadata, any Error>, bytes: Int, line: Int) {
        counts.withLockedValue { counts in
            switch result {
            case .success:
                counts.records += 1
                counts.bytes += bytes
            case .failure(let error):
                counts.failures += 1
                if counts.firstFailure == nil { counts.firstFailure = (line, "\(error)") }
            }
        }
    }

    func throwFailure() throws {
        let (failure, count) = counts.withLockedValue { ($0.firstFailure, $0.failures) }
        if let failure { throw Undelivered(line: failure.line, underlying: failure.text, count: count) }
    }

    /// Twice a second, on a terminal.
    func show() {
        guard Terminal.error.isTerminal else { return }
        let now = ContinuousClock.now
        let text = counts.withLockedValue { counts -> String? in
            guard now - counts.shownAt >= .milliseconds(500) else { return nil }
            counts.shownAt = now
            counts.isShown = true
            return describe(counts, now - start)
        }
        if let text { Terminal.write("\r\u{1B}[K\(text)") }
    }

    func clear() {
        let isShown = counts.withLockedValue { counts in
            defer { counts.isShown = false }
            return counts.isShown
        }
        if isShown { Terminal.write("\r\u{1B}[K") }
    }

    func report(json: Bool) throws {
        clear()
        let counts = counts.withLockedValue { $0 }
        let took = ContinuousClock.now - start
        if json {
            try printJSON(Summary(topic: topic, records: counts.records, bytes: counts.bytes, seconds: took.inSeconds))
        } else {
            Terminal.note(describe(counts, took))
        }
    }

    private func describe(_ counts: Counts, _ took: Duration) -> String {
        let rate = Double(counts.records) / max(took.inSeconds, 0.001)
        return
            "\(counts.records.formatted()) record\(counts.records == 1 ? "" : "s") to \(topic) in \(took.text) (\(Int(rate).formatted())/s)"
    }
}
