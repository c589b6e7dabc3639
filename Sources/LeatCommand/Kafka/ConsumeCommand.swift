import ArgumentParser
import Foundation
import IO
import Kafka

struct ConsumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "consume",
        abstract: "Print a topic's records; with --follow, also those that come.",
        discussion: """
            Reads without a consumer group, so that no group's offsets move. Where to begin: `earliest`, `latest`, an offset (of every
            partition that is read), or a time: 2026-03-01T12:00:00Z, 2026-03-01, or how long ago, 15m or 2h.

            EXAMPLES
              leat consume users_created
              leat consume users_created --follow --from latest
              leat consume users_created --partition 0 --from 1043 --count 1 --format json
              leat consume users_created --from 15m --key-separator ':'
              leat consume users_created --json | jq .value
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case value, json, hex
    }

    @OptionGroup var options: KafkaOptions

    @Argument(help: "The topic.")
    var topic: String

    @Flag(name: .shortAndLong, help: "Wait for more records at the end, until Ctrl-C.")
    var follow = false

    @Option(help: ArgumentHelp("Where to begin.", valueName: "earliest|latest|offset|time"))
    var from = "earliest"

    @Option(help: ArgumentHelp("Only this partition; may be given several times.", valueName: "number"))
    var partition: [Int32] = []

    @Option(name: .shortAndLong, help: "Stop after so many records.")
    var count: Int?

    @Option(help: "value: the bytes and a line feed; json: one object a line; hex: key and value as hexadecimal digits.")
    var format: Format?

    @Option(help: ArgumentHelp("With --format value, print the key and this before the value.", valueName: "text"))
    var keySeparator: String?

    func validate() throws {
        if let count, count < 0 { throw ValidationError("--count is 0 or more") }
        _ = try StartingPoint(from)
    }

    func run() async throws {
        let command = self
        try await untilInterrupted { try await command.consume() }
    }

    private func consume() async throws {
        try await options.withClient(retryTimeout: .seconds(follow ? 60 : 5)) { client in
            let topic = try await client.existingTopic(topic)
            let partitions = try chosen(of: topic)
            let start = try StartingPoint(from)
            let starts = try await start.offsets(of: partitions, client)
            let ends = follow ? [:] : try await client.offsets(Dictionary(uniqueKeysWithValues: partitions.map { ($0, .latest) }))
            let printer = RecordPrinter(format: format ?? (options.json ? .json : .value), keySeparator: keySeparator, countMax: count)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for partition in partitions {
                    group.addTask { try await read(partition, from: starts[partition] ?? 0, to: ends[partition], client, printer) }
                }
                do {
                    try await group.waitForAll()
                } catch is RecordPrinter.CountReached {
                    group.cancelAll()
                }
            }
        }
    }

    private func chosen(of topic: ClusterMetadata.Topic) throws -> [TopicPartition] {
        for number in partition where !topic.partitions.contains(where: { $0.index == number }) {
            throw KafkaError.unknownPartition(
                TopicPartition(topic: topic.name, partition: number), partitionCount: topic.partitions.count)
        }
        let numbers = partition.isEmpty ? topic.partitions.map(\.index) : Array(Set(partition)).sorted()
        return numbers.map { TopicPartition(topic: topic.name, partition: $0) }
    }

    /// Prints one partition's records; waiting for the printer holds the fetches back.
    private func read(
        _ partition: TopicPartition, from start: Int64, to end: Int64?, _ client: KafkaClient, _ printer: RecordPrinter
    ) async throws {
        var next = start
        // Beyond the end there is nothing to wait for: the broker's own error says which offsets there are.
        if let end, start > end { _ = try await client.fetch(partition, from: start, maxWait: .zero) }
        while end.map({ next < $0 }) ?? true {
            let records = try await client.fetch(partition, from: next, maxBytes: 1 << 20)
            try await printer.print(records, below: end)
            next = records.nextOffset
        }
    }
}

/// Where to begin reading.
struct StartingPoint {
    private let spec: Spec

    private enum Spec {
        case place(OffsetSpec)
        case offset(Int64)
    }

    init(_ text: String, now: Date = Date()) throws {
        switch text {
        case "earliest", "beginning": spec = .place(.earliest)
        case "latest", "end": spec = .place(.latest)
        default:
            if let offset = Int64(text), offset >= 0 {
                spec = .offset(offset)
            } else if let ago = try? Duration(parsing: text) {
                spec = .place(.timestamp(Int64((now.timeIntervalSince1970 * 1_000 - ago.inMilliseconds).rounded())))
            } else if let time = Self.time(text) {
                spec = .place(.timestamp(Int64((time.timeIntervalSince1970 * 1_000).rounded())))
            } else {
                throw ValidationError(
                    "--from '\(text)' is neither earliest, latest, an offset, a time such as 2026-03-01T12:00:00Z nor a duration such as 15m"
                )
            }
        }
    }

    private static func time(_ text: String) -> Date? {
        let forms: [Date.ISO8601FormatStyle] = [
            .iso8601, .iso8601WithTimeZone(includingFractionalSeconds: true), .iso8601.year().month().day(),
        ]
        return forms.lazy.compactMap { try? $0.parse(text) }.first
    }

    func offsets(of partitions: [TopicPartition], _ client: KafkaClient) async throws -> [TopicPartition: Int64] {
        switch spec {
        case .place(let place): try await client.offsets(Dictionary(uniqueKeysWithValues: partitions.map { ($0, place) }))
        case .offset(let offset): Dictionary(uniqueKeysWithValues: partitions.map { ($0, offset) })
        }
    }
}

extension Date.ISO8601FormatStyle {
    fileprivate static func iso8601WithTimeZone(includingFractionalSeconds: Bool) -> Self {
        Self(includingFractionalSeconds: includingFractionalSeconds)
    }
}
