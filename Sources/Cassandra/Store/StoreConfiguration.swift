package import IO

/// What the store is told: where it listens, what it keeps, and its limits.
package struct StoreConfiguration: Sendable {
    package static let settings: [Setting] = listenerSettings + StorageSettings.all

    private static let listenerSettings: [Setting] = [
        Setting("store.host", .text, default: "127.0.0.1", "The address that the store listens on"),
        Setting("store.port", .integer(0...65_535), default: "9042", "The store's port (CQL native protocol); 0 takes any free one"),
        Setting(
            "store.advertised", .endpoint, default: "",
            "The address that system.local names to clients; by default the host and port that are bound"),
        Setting(
            "store.request.bytes", .bytes, default: "16MiB",
            "The longest request; a longer one is read past and answered with an error"),
        Setting(
            "store.connection.inflight", .integer(1...32_768), default: "2048",
            "Requests of one connection that are worked on at a time; beyond them its bytes wait in the socket"),
        Setting(
            "store.connection.inflight.bytes", .bytes, default: "8MiB",
            "Bytes of requests of one connection that are worked on at a time; beyond them its bytes wait in the socket"),
        Setting(
            "store.connection.answers.bytes", .bytes, default: "4MiB",
            "Bytes of answers of one connection that are being made, and that its client has not taken yet; beyond them requests wait"),
        Setting("store.connections", .integer(1...1_000_000), default: "4096", "Connections at a time; one more is refused"),
        Setting(
            "store.prepared", .integer(16...1_000_000), default: "8192",
            "Prepared statements kept; beyond them the ones not used lately are forgotten and clients prepare them again"),
        Setting("store.stop.timeout", .duration, default: "5s", "How long stopping waits for requests that are being worked on"),
    ]

    /// Every value in force, for the storage's settings too.
    package let values: SettingValues
    /// Where the store keeps its data.
    package let folder: String

    package let listen: Endpoint
    /// What clients are told to connect to. ``Store/start(_:logger:)`` sets it to the bound address where the setting is empty,
    /// before the storage opens.
    package var advertised: Endpoint
    let requestBytesMax: Int
    let inFlightMax: Int
    let inFlightBytesMax: Int
    let answerBytesMax: Int
    let connectionsMax: Int
    let preparedMax: Int
    let stopTimeout: Duration
    let isAdvertisedSet: Bool

    /// - Parameter values: of ``settings`` at least.
    package init(values: SettingValues, folder: String) throws {
        self.values = values
        self.folder = folder
        listen = Endpoint(host: values.text("store.host"), port: values.integer("store.port"))
        isAdvertisedSet = values.isSet("store.advertised")
        advertised = isAdvertisedSet ? values.endpoint("store.advertised") : listen
        requestBytesMax = min(values.bytes("store.request.bytes"), 256 << 20)
        inFlightMax = values.integer("store.connection.inflight")
        inFlightBytesMax = values.bytes("store.connection.inflight.bytes")
        answerBytesMax = values.bytes("store.connection.answers.bytes")
        connectionsMax = values.integer("store.connections")
        preparedMax = values.integer("store.prepared")
        stopTimeout = values.duration("store.stop.timeout")
    }
}
