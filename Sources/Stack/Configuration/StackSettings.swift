internal import Cassandra
internal import Console
package import IO
internal import Kafka
internal import RandomUser
internal import Scheduler
internal import SchemaRegistry
internal import Spark
internal import ZooKeeper

/// All settings of Leat: each box's own, where each box runs, and the pipeline's.
package enum StackSettings {
    package static let all: [Setting] =
        general + pipeline + Box.allCases.flatMap { [placement(of: $0)] + settings(of: $0) }

    private static let general = [
        Setting("data", .path, default: "leat-data", "the folder that holds what the boxes keep, one folder a box"),
        Setting(
            "log.level", .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]), default: "notice",
            "the least severe log lines that are kept"),
        Setting("log.file", .path, default: "", "where log lines go; by default stderr, and DATA/leat.log under the live view of leat up"),
        Setting(
            "log.file.bytes.max", .bytes, default: "64MiB",
            "how large the log file grows before it is put aside, as the file's name with .1, and begun anew"),
        Setting(
            "stop.drain", .duration, default: "10s",
            "how long leat up, told to stop, waits for the query to reach the topic's end before it stops the boxes"),
        Setting("stop.timeout", .duration, default: "20s", "how long one box may take to stop before the next one is stopped"),
    ]

    private static let pipeline = [
        Setting("pipeline.trigger", .boolean, default: "true", "whether leat up triggers each DAG once when it deploys it"),
        Setting("pipeline.rate", .integer(1...100_000), default: "1", "users that the pipeline fetches a second"),
        Setting("pipeline.for", .duration, default: "1m", "how long one run of the pipeline's task fetches"),
        Setting(
            "pipeline.flush.timeout", .duration, default: "30s", "how long a task that is done waits for Kafka to acknowledge its records"),
        Setting("pipeline.prepare.timeout", .duration, default: "60s", "how long deploying waits for a store that does not answer yet"),
    ]

    private static func placement(of box: Box) -> Setting {
        let example =
            switch box {
            case .api: "https://randomuser.me/api/"
            case .broker: "kafka-1:9092,kafka-2:9092"
            case .registry, .scheduler, .console: "http://host:port"
            case .engine: "host:15002"
            case .store: "cassandra-1:9042,cassandra-2:9042"
            case .zookeeper: "zookeeper-1:2181"
            }
        return Setting(
            "\(box.rawValue).use", .text, default: "embedded",
            "'embedded', or the address of one that runs elsewhere, for example \(example)")
    }

    private static func settings(of box: Box) -> [Setting] {
        switch box {
        case .api: RandomUserConfiguration.settings + RandomUserClientConfiguration.settings
        case .zookeeper: ZooKeeperConfiguration.settings
        case .broker: BrokerConfiguration.settings
        case .store: StoreConfiguration.settings
        case .registry: SchemaRegistryConfiguration.settings
        case .engine: EngineConfiguration.settings
        case .scheduler: SchedulerConfiguration.settings
        case .console: ConsoleConfiguration.settings
        }
    }
}
