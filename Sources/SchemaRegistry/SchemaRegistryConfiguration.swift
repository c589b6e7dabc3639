package import IO

/// The settings of the schema registry.
package struct SchemaRegistryConfiguration: Sendable {
    package static let settings: [Setting] = [
        Setting("registry.host", .text, default: "127.0.0.1", "the address to listen on"),
        Setting("registry.port", .integer(0...65_535), default: "8081", "the port to listen on; 0 takes any free one"),
        Setting("registry.advertised", .endpoint, default: "", "the address that others are told; by default the one listened on"),
        Setting(
            "registry.kafka", .text, default: "",
            "the Kafka cluster that the registry belongs to, host:port and more by commas; by default 127.0.0.1:9092"),
        Setting("registry.kafka.timeout", .duration, default: "3s", "how long that cluster may take to answer"),
        Setting("registry.connections.max", .integer(1...100_000), default: "256", "connections held at once; more wait to be accepted"),
        Setting("registry.connection.idle", .duration, default: "60s", "how long a connection may be silent before it is closed"),
        Setting("registry.header.bytes.max", .bytes, default: "32KiB", "the longest header of a request; longer ones close the connection"),
        Setting("registry.stop.timeout", .duration, default: "3s", "how long requests under way may take to end when the registry stops"),
    ]

    package var endpoint: Endpoint
    package var advertised: Endpoint?
    package var kafka: [Endpoint]
    package var kafkaTimeout: Duration
    package var connectionsMax: Int
    package var connectionIdle: Duration
    package var headerBytesMax: Int
    package var stopTimeout: Duration

    /// - Parameter folder: not used; schemas are kept in Kafka.
    package init(values: SettingValues, folder: String = "") throws {
        endpoint = Endpoint(host: values.text("registry.host"), port: values.integer("registry.port"))
        advertised = values.isSet("registry.advertised") ? values.endpoint("registry.advertised") : nil
        kafka = try Endpoint.list(
            parsing: values.isSet("registry.kafka") ? values.text("registry.kafka") : "127.0.0.1:9092", defaultPort: 9_092)
        kafkaTimeout = values.duration("registry.kafka.timeout")
        connectionsMax = values.integer("registry.connections.max")
        connectionIdle = values.duration("registry.connection.idle")
        headerBytesMax = values.bytes("registry.header.bytes.max")
        stopTimeout = values.duration("registry.stop.timeout")
    }
}
