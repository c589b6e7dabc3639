package import IO

/// The broker's settings. Each limit, time-out and default of this box is one of them.
package struct BrokerConfiguration: Sendable {
    package static let settings: [Setting] = [
        Setting("broker.host", .text, default: "127.0.0.1", "address to listen on"),
        Setting("broker.port", .integer(0...65_535), default: "9092", "port to listen on; 0 takes any free one"),
        Setting(
            "broker.advertised", .endpoint, default: "",
            "host:port that clients of broker.port are told; empty: the host and the bound port"),
        Setting(
            "broker.container.port", .integer(0...65_535), default: "29092", "second port, which containers dial; 0 takes any free one"),
        Setting("broker.container.advertised", .endpoint, default: "", "host:port that clients of broker.container.port are told"),
        Setting("broker.console", .text, default: "", "the console's address, named to browsers that open the broker's port"),
        Setting("broker.connections.max", .integer(1...1_000_000), default: "4096", "connections at a time; further ones are closed"),
        Setting(
            "broker.requests.inflight.max", .integer(1...100_000), default: "64",
            "unanswered requests of one connection; reading stops beyond"),
        Setting(
            "broker.connection.answer.bytes.max", .bytes, default: "64MiB",
            "bytes of one connection's answers that wait in memory for their turn; reading stops beyond"),
        Setting(
            "broker.connection.idle.max", .duration, default: "10m",
            "a connection without a request for so long is closed (connections.max.idle.ms); 0s: never"),
        Setting("broker.request.bytes.max", .bytes, default: "100MiB", "the largest request; a larger one closes its connection"),
        Setting(
            "broker.message.bytes.max", .bytes, default: "1048588",
            "the largest record batch, where the topic does not say (max.message.bytes)"),
        Setting("broker.fetch.bytes.max", .bytes, default: "55MiB", "the most record bytes in one fetch response"),
        Setting("broker.fetch.wait.max", .duration, default: "60s", "the longest that a fetch waits for records"),
        Setting(
            "broker.fetch.hot.bytes", .bytes, default: "256MiB",
            "how far behind a partition's end reads are taken to be in the page cache and sent by sendfile"),
        Setting(
            "broker.fetch.sendfile.bytes.min", .bytes, default: "16KiB",
            "smaller reads are copied into the response, which then takes one system call"),
        Setting("broker.files.threads", .integer(1...64), default: "2", "threads that read cold parts of logs"),
        Setting(
            "broker.log.flush", .choice(["group", "interval", "os"]), default: "group",
            "group: acks=all waits for a shared fdatasync; interval: synced every broker.log.flush.interval; os: left to the system"),
        Setting(
            "broker.log.flush.linger", .duration, default: "5ms",
            "with broker.log.flush=group: how long appends that nobody waits for (acks 0 and 1) stay unsynced, and unseen by consumers"),
        Setting("broker.log.flush.interval", .duration, default: "1s", "how often logs are synced with broker.log.flush=interval"),
        Setting("broker.log.flush.threads", .integer(1...64), default: "2", "partitions synced at the same time"),
        Setting("broker.log.segment.bytes", .bytes, default: "1GiB", "a segment's size (segment.bytes)"),
        Setting("broker.log.segment.age", .duration, default: "7d", "a segment's age (segment.ms)"),
        Setting("broker.log.retention", .duration, default: "7d", "how long records are kept (retention.ms); 0s: for ever"),
        Setting("broker.log.retention.bytes", .bytes, default: "0", "bytes that a partition keeps (retention.bytes); 0: no limit"),
        Setting("broker.log.retention.check", .duration, default: "5m", "how often retention is applied"),
        Setting(
            "broker.log.checkpoint", .duration, default: "30s",
            "how often the points are written from which a crashed broker checks its logs"),
        Setting(
            "broker.log.index.interval.bytes", .bytes, default: "4096", "bytes of log between two index entries (index.interval.bytes)"),
        Setting("broker.auto.create.topics", .boolean, default: "true", "a topic that a client asks for by name is created"),
        Setting("broker.topic.partitions", .integer(1...1_000), default: "1", "partitions of a topic that is created without a count"),
        Setting("broker.partitions.max", .integer(1...100_000), default: "4000", "partitions of all topics together"),
        Setting("broker.producers.max", .integer(1...1_000_000), default: "10000", "idempotent producers that a partition remembers"),
        Setting("broker.producer.expiration", .duration, default: "1d", "how long a silent producer is remembered"),
        Setting(
            "broker.transaction.timeout.max", .duration, default: "15m",
            "the longest transaction time-out that a producer may ask for (transaction.max.timeout.ms)"),
        Setting("broker.transactional.ids.max", .integer(1...1_000_000), default: "10000", "transactional ids that are remembered"),
        Setting(
            "broker.transactional.id.expiration", .duration, default: "7d",
            "how long a transactional id without an open transaction is remembered"),
        Setting(
            "broker.transactions.segment.bytes", .bytes, default: "32MiB",
            "bytes of __transaction_state after which it is written anew with what is current"),
        Setting("broker.groups.max", .integer(1...1_000_000), default: "10000", "consumer groups"),
        Setting("broker.group.members.max", .integer(1...100_000), default: "1000", "members of a group"),
        Setting(
            "broker.group.metadata.bytes.max", .bytes, default: "1MiB", "bytes that a member may say of itself when it joins a group"),
        Setting("broker.group.session.timeout.min", .duration, default: "1s", "the shortest session time-out that a member may ask for"),
        Setting("broker.group.session.timeout.max", .duration, default: "30m", "the longest session time-out that a member may ask for"),
        Setting(
            "broker.group.initial.rebalance.delay", .duration, default: "50ms",
            "how long an empty group waits for further members before its first generation"),
        Setting("broker.offsets.retention", .duration, default: "7d", "how long an empty group's offsets are kept"),
        Setting("broker.offsets.metadata.bytes.max", .bytes, default: "4096", "the longest text that may go with a committed offset"),
        Setting(
            "broker.offsets.segment.bytes", .bytes, default: "32MiB",
            "bytes of __consumer_offsets after which it is written anew with what is current"),
    ]

    let values: SettingValues
    let folder: String
    let flush: FlushMode
    let topicDefaults: TopicConfig

    package init(values: SettingValues, folder: String) throws {
        self.values = values
        self.folder = folder
        flush =
            switch values.text("broker.log.flush") {
            case "interval": .interval(values.duration("broker.log.flush.interval"))
            case "os": .os
            default: .group
            }
        func milliseconds(_ key: String) -> Int64 { Int64(values.duration(key).inMilliseconds) }
        let retention = milliseconds("broker.log.retention")
        let retentionBytes = values.bytes("broker.log.retention.bytes")
        let defaults: [String: String] = [
            "cleanup.policy": "delete",
            "compression.type": "producer",
            "index.interval.bytes": "\(values.bytes("broker.log.index.interval.bytes"))",
            "max.message.bytes": "\(values.bytes("broker.message.bytes.max"))",
            "message.timestamp.type": "CreateTime",
            "min.insync.replicas": "1",
            "retention.bytes": "\(retentionBytes == 0 ? -1 : retentionBytes)",
            "retention.ms": "\(retention == 0 ? -1 : retention)",
            "segment.bytes": "\(min(values.bytes("broker.log.segment.bytes"), Int(Int32.max)))",
            "segment.ms": "\(max(1, milliseconds("broker.log.segment.age")))",
        ]
        topicDefaults = TopicConfig(values: defaults)
    }
}
