internal import IO

/// A topic's configuration: the broker's defaults, and what the topic overrides. Names and meanings are Kafka's.
struct TopicConfig: Sendable, Equatable {
    /// The names that a topic may set, with Kafka's type number and a line of documentation for DescribeConfigs.
    struct Definition: Sendable {
        let name: String
        let type: Int8
        let documentation: String
        var isList: Bool { type == list }
    }

    private static let long: Int8 = 5, int: Int8 = 3, string: Int8 = 2, list: Int8 = 7

    static let definitions: [Definition] = [
        .init(name: "cleanup.policy", type: list, documentation: "delete: old segments go by time and size; compact: nothing is deleted"),
        .init(name: "compression.type", type: string, documentation: "producer: batches are kept as they were sent"),
        .init(name: "index.interval.bytes", type: int, documentation: "bytes of log between two index entries"),
        .init(name: "max.message.bytes", type: int, documentation: "the greatest record batch that is accepted"),
        .init(name: "message.timestamp.type", type: string, documentation: "CreateTime or LogAppendTime"),
        .init(name: "min.insync.replicas", type: int, documentation: "1: there is one replica"),
        .init(name: "retention.bytes", type: long, documentation: "bytes that a partition keeps; -1: no limit"),
        .init(name: "retention.ms", type: long, documentation: "how long records are kept; -1: for ever"),
        .init(name: "segment.bytes", type: int, documentation: "the size at which a segment is rolled"),
        .init(name: "segment.ms", type: long, documentation: "the age at which a segment is rolled"),
    ]

    var values: [String: String]

    /// - Throws: ``InvalidTopicConfig`` that names the entry.
    func overridden(by overrides: [String: String]) throws(InvalidTopicConfig) -> TopicConfig {
        var config = self
        for (name, value) in overrides {
            try Self.check(name, value)
            config.values[name] = value
        }
        return config
    }

    static func check(_ name: String, _ value: String) throws(InvalidTopicConfig) {
        func number(_ range: ClosedRange<Int64>) throws(InvalidTopicConfig) {
            guard let number = Int64(value), range.contains(number) else {
                throw InvalidTopicConfig(
                    name: name, value: value, reason: "a number from \(range.lowerBound) to \(range.upperBound) is wanted")
            }
        }
        func choice(_ choices: [String], _ reason: String) throws(InvalidTopicConfig) {
            guard choices.contains(value) else { throw InvalidTopicConfig(name: name, value: value, reason: reason) }
        }
        switch name {
        case "cleanup.policy": try choice(["delete", "compact"], "delete or compact is wanted")
        case "compression.type": try choice(["producer"], "this broker keeps batches as they were sent: only 'producer' is served")
        case "message.timestamp.type": try choice(["CreateTime", "LogAppendTime"], "CreateTime or LogAppendTime is wanted")
        case "min.insync.replicas": try number(1...1)
        case "index.interval.bytes": try number(0...Int64(Int32.max))
        case "max.message.bytes": try number(0...Int64(Int32.max))
        case "retention.bytes", "retention.ms": try number(-1 ... .max)
        case "segment.bytes": try number(1_024...Int64(Int32.max))
        case "segment.ms": try number(1 ... .max)
        default: throw InvalidTopicConfig(name: name, value: value, reason: "this broker has no such topic configuration")
        }
    }

    private func number(_ name: String) -> Int64 { Int64(values[name] ?? "") ?? -1 }

    var isCompacted: Bool { values["cleanup.policy"] == "compact" }
    var stampsLogAppendTime: Bool { values["message.timestamp.type"] == "LogAppendTime" }
    var indexIntervalBytes: Int { Int(number("index.interval.bytes")) }
    var maxMessageBytes: Int { Int(number("max.message.bytes")) }
    var retentionBytes: Int64 { number("retention.bytes") }
    var retentionMs: Int64 { number("retention.ms") }
    var segmentBytes: Int { Int(number("segment.bytes")) }
    var segmentMs: Int64 { number("segment.ms") }
}

struct InvalidTopicConfig: DescribedError {
    let name: String
    let value: String
    let reason: String
    var problem: String { "'\(value)' is no value for the topic configuration \(name): \(reason)" }
}
