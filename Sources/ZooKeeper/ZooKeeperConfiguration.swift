package import IO

/// The settings of ZooKeeper's port.
package struct ZooKeeperConfiguration: Sendable {
    package static let settings: [Setting] = [
        Setting("zookeeper.host", .text, default: "127.0.0.1", "the address to listen on"),
        Setting("zookeeper.port", .integer(0...65_535), default: "2181", "the port to listen on; 0 takes any free one"),
        Setting("zookeeper.advertised", .endpoint, default: "", "the address that others are told; by default the one listened on"),
        Setting(
            "zookeeper.kafka", .text, default: "",
            "the Kafka cluster whose brokers and topics the znodes show, host:port and more by commas; by default 127.0.0.1:9092"),
        Setting("zookeeper.console", .text, default: "", "the console's address, for browsers that open this port"),
        Setting("zookeeper.frame.bytes.max", .bytes, default: "1MiB", "the longest packet taken from a client (jute.maxbuffer)"),
        Setting("zookeeper.connections.max", .integer(1...100_000), default: "256", "connections held at once; more are closed on arrival"),
        Setting("zookeeper.session.timeout.min", .duration, default: "4s", "the shortest session time-out that a client is given"),
        Setting(
            "zookeeper.session.timeout.max", .duration, default: "40s",
            "the longest session time-out that a client is given; a connection silent for longer is closed"),
        Setting(
            "zookeeper.kafka.timeout", .duration, default: "3s", "how long the cluster may take to answer before a read of a znode fails"),
        Setting("zookeeper.refresh", .duration, default: "1s", "how long the cluster's metadata is kept before it is asked for again"),
    ]

    package var endpoint: Endpoint
    package var advertised: Endpoint?
    package var kafka: [Endpoint]
    package var console: String
    package var frameBytesMax: Int
    package var connectionsMax: Int
    /// In milliseconds, as the protocol has them.
    package var sessionTimeouts: ClosedRange<Int32>
    package var refresh: Duration
    package var kafkaTimeout: Duration

    /// - Parameter folder: not used; this box keeps nothing.
    package init(values: SettingValues, folder: String = "") throws {
        endpoint = Endpoint(host: values.text("zookeeper.host"), port: values.integer("zookeeper.port"))
        advertised = values.isSet("zookeeper.advertised") ? values.endpoint("zookeeper.advertised") : nil
        kafka = try Endpoint.list(
            parsing: values.isSet("zookeeper.kafka") ? values.text("zookeeper.kafka") : "127.0.0.1:9092", defaultPort: 9_092)
        console = values.text("zookeeper.console")
        frameBytesMax = values.bytes("zookeeper.frame.bytes.max")
        connectionsMax = values.integer("zookeeper.connections.max")
        let shortest = values.duration("zookeeper.session.timeout.min"), longest = values.duration("zookeeper.session.timeout.max")
        guard shortest <= longest else { throw SessionTimeoutError(shortest: shortest, longest: longest) }
        guard longest <= .seconds(86_400) else { throw SessionTimeoutError(shortest: shortest, longest: longest) }
        sessionTimeouts = Int32(shortest.inMilliseconds)...Int32(longest.inMilliseconds)
        kafkaTimeout = values.duration("zookeeper.kafka.timeout")
        refresh = values.duration("zookeeper.refresh")
    }
}

/// The two session time-outs do not make a range.
package struct SessionTimeoutError: DescribedError {
    package let shortest: Duration
    package let longest: Duration
    package var problem: String { "session time-outs from \(shortest.text) to \(longest.text) make no range of up to 1d" }
    package var nextStep: String? { "set zookeeper.session.timeout.min below zookeeper.session.timeout.max" }
}
