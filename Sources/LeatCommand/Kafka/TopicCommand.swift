import ArgumentParser
import Foundation
import IO
import Kafka

struct TopicCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "topic",
        abstract: "List, show, create and delete topics, of Leat's broker or of any Kafka cluster.",
        discussion: """
            EXAMPLES
              leat topic list
              leat topic show users_created
              leat topic create orders --partitions 6 --config retention.ms=3600000
              leat topic delete orders
              leat topic list --broker kafka-1:9092,kafka-2:9092 --json
            """,
        subcommands: [List.self, Show.self, Create.self, Delete.self])
}

/// One topic in figures.
private struct TopicSummary: Encodable {
    let name: String
    let partitions: Int
    let replicationFactor: Int
    /// Offsets from the earliest to the latest, all partitions together; compaction may have removed some of the records.
    let records: Int64
    let isInternal: Bool

    init(_ topic: ClusterMetadata.Topic, records: Int64) {
        name = topic.name
        partitions = topic.partitions.count
        replicationFactor = topic.partitions.map(\.replicas.count).max() ?? 0
        self.records = records
        isInternal = topic.isInternal
    }
}

extension KafkaClient {
    /// The earliest and latest offsets of these topics' partitions.
    fileprivate func ends(of topics: [ClusterMetadata.Topic]) async throws -> [TopicPartition: Range<Int64>] {
        let partitions = topics.flatMap { topic in
            topic.partitions.filter { $0.leader >= 0 }.map { TopicPartition(topic: topic.name, partition: $0.index) }
        }
        guard !partitions.isEmpty else { return [:] }
        let earliest = try await offsets(Dictionary(uniqueKeysWithValues: partitions.map { ($0, .earliest) }))
        let latest = try await offsets(Dictionary(uniqueKeysWithValues: partitions.map { ($0, .latest) }))
        return earliest.reduce(into: [:]) { ends, entry in
            ends[entry.key] = entry.value..<max(entry.value, latest[entry.key] ?? entry.value)
        }
    }
}

extension TopicCommand {
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the topics with their partitions and records.",
            discussion: """
                EXAMPLES
                  leat topic list
                  leat topic list --internal --json
                """)

        @OptionGroup var options: KafkaOptions

        @Flag(help: "Internal topics too, such as __consumer_offsets.")
        var `internal` = false

        func run() async throws {
            try await options.withClient { client in
                let topics = try await client.metadata(topics: nil).topics
                    .filter { `internal` || !$0.isInternal }
                    .sorted { $0.name < $1.name }
                let ends = try await client.ends(of: topics)
                let records = ends.reduce(into: [String: Int64]()) { $0[$1.key.topic, default: 0] += Int64($1.value.count) }
                let summaries = topics.map { TopicSummary($0, records: records[$0.name] ?? 0) }
                if options.json { return try printJSON(summaries) }
                guard !summaries.isEmpty else { return Terminal.note("There are no topics. `leat topic create NAME` makes one.") }
                var table = TextTable([
                    .init("topic"), .init("partitions", alignsRight: true), .init("replicas", alignsRight: true),
                    .init("records", alignsRight: true),
                ])
                for topic in summaries {
                    table.add([topic.name, "\(topic.partitions)", "\(topic.replicationFactor)", topic.records.formatted()])
                }
                print(table.text(), terminator: "")
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a topic's partitions and settings.",
            discussion: """
                EXAMPLES
                  leat topic show users_created
                  leat topic show users_created --all --json
                """)

        @OptionGroup var options: KafkaOptions

        @Argument(help: "The topic.")
        var topic: String

        @Flag(help: "All settings, those left at their defaults too.")
        var all = false

        private struct Description: Encodable {
            struct Partition: Encodable {
                let partition: Int32
                let leader: Int32
                let replicas: [Int32]
                let isr: [Int32]
                let earliest: Int64?
                let latest: Int64?
            }

            let summary: TopicSummary
            let partitions: [Partition]
            let settings: [String: String?]
        }

        func run() async throws {
            try await options.withClient { client in
                let topic = try await client.existingTopic(topic)
                let ends = try await client.ends(of: [topic])
                let settings = try await client.topicConfigs(topic.name).filter { all || !$0.isDefault }
                let description = Description(
                    summary: TopicSummary(topic, records: ends.values.reduce(0) { $0 + Int64($1.count) }),
                    partitions: topic.partitions.map { partition in
                        let range = ends[TopicPartition(topic: topic.name, partition: partition.index)]
                        return .init(
                            partition: partition.index, leader: partition.leader, replicas: partition.replicas, isr: partition.isr,
                            earliest: range?.lowerBound, latest: range?.upperBound)
                    }, settings: Dictionary(settings.map { ($0.name, $0.value) }) { $1 })
                if options.json { return try printJSON(description) }
                show(description, settings)
            }
        }

        private func show(_ description: Description, _ settings: [ConfigEntry]) {
            let style = Terminal.output.style
            print(
                style.bold(description.summary.name),
                style.dim("\(description.summary.records.formatted()) record\(description.summary.records == 1 ? "" : "s")"))
            var partitions = TextTable([
                .init("partition", alignsRight: true), .init("leader", alignsRight: true), .init("replicas"), .init("in sync"),
                .init("earliest", alignsRight: true), .init("latest", alignsRight: true),
            ])
            for partition in description.partitions {
                partitions.add([
                    "\(partition.partition)", partition.leader < 0 ? "none" : "\(partition.leader)",
                    partition.replicas.map(String.init).joined(separator: ","), partition.isr.map(String.init).joined(separator: ","),
                    partition.earliest.map(String.init) ?? "?", partition.latest.map(String.init) ?? "?",
                ])
            }
            print(partitions.text(), terminator: "")
            guard !settings.isEmpty else { return }
            var table = TextTable([.init("setting"), .init("value")])
            for setting in settings { table.add([setting.name, setting.isSensitive ? "(secret)" : setting.value ?? ""]) }
            print()
            print(table.text(), terminator: "")
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create a topic.",
            discussion: """
                EXAMPLES
                  leat topic create orders
                  leat topic create orders --partitions 6 --replication-factor 3 --broker kafka-1:9092
                  leat topic create latest_orders --config cleanup.policy=compact
                """)

        @OptionGroup var options: KafkaOptions

        @Argument(help: "The new topic's name.")
        var topic: String

        @Option(help: "Partitions; the broker's default where it is left out.")
        var partitions: Int32?

        @Option(help: "Replicas of each partition; the broker's default where it is left out.")
        var replicationFactor: Int16?

        @Option(help: ArgumentHelp("A setting of the topic; may be given several times.", valueName: "name=value"))
        var config: [String] = []

        func validate() throws {
            if let partitions, partitions < 1 { throw ValidationError("--partitions is at least 1") }
            if let replicationFactor, replicationFactor < 1 { throw ValidationError("--replication-factor is at least 1") }
            _ = try configs
        }

        private var configs: [String: String] {
            get throws {
                try config.reduce(into: [:]) { configs, text in
                    guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
                        throw ValidationError("--config '\(text)' is not of the form name=value")
                    }
                    configs[String(text[..<equals])] = String(text[text.index(after: equals)...])
                }
            }
        }

        func run() async throws {
            try await options.withClient { client in
                try await client.createTopics([
                    NewTopic(name: topic, partitions: partitions ?? -1, replicationFactor: replicationFactor ?? -1, configs: configs)
                ])
                let created = try await client.metadata(topics: [topic]).topic(topic)
                let count = created?.error == nil ? created?.partitions.count : nil
                if options.json { return try printJSON(["created": topic]) }
                print("created \(topic)\(count.map { " with \($0) partition\($0 == 1 ? "" : "s")" } ?? "")")
            }
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete topics with all their records.",
            discussion: """
                EXAMPLES
                  leat topic delete orders
                  leat topic delete orders latest_orders
                """)

        @OptionGroup var options: KafkaOptions

        @Argument(help: "The topics.")
        var topics: [String]

        func run() async throws {
            try await options.withClient { client in
                // All of them are looked up first, so that a misspelt one does not leave the others deleted.
                for topic in topics { _ = try await client.existingTopic(topic) }
                try await client.deleteTopics(topics)
                if options.json { return try printJSON(["deleted": topics]) }
                for topic in topics { print("deleted \(topic)") }
            }
        }
    }
}
