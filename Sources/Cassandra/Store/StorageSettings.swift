internal import IO

/// The settings of the storage under the store; the listener's are in ``StoreConfiguration``.
enum StorageSettings {
    static let all: [Setting] = [
        Setting(
            "store.commitlog.sync", .choice(["group", "periodic"]), default: "group",
            "When writes are acknowledged: 'group' after their log is synced (they survive power loss), 'periodic' before, as Cassandra does by default"
        ),
        Setting(
            "store.commitlog.sync.period", .duration, default: "1s", "How often the log is synced when store.commitlog.sync is periodic"),
        Setting("store.memtable.bytes", .bytes, default: "32MiB", "Memory for rows not yet in files, over all tables"),
        Setting("store.cache.bytes", .bytes, default: "16MiB", "Memory for blocks read from files, their indexes and filters"),
        Setting(
            "store.write.queue.bytes", .bytes, default: "16MiB",
            "Writes that wait for the log, beyond which more wait in their connections"),
        Setting("store.read.threads", .integer(1...64), default: "2", "Threads for rows by key that are not in memory"),
        Setting("store.scan.threads", .integer(1...64), default: "2", "Threads for scans, ranges and aggregates"),
        Setting(
            "store.read.queue", .integer(1...1_000_000), default: "16384",
            "Reads that wait for a thread, beyond which more wait in their connections"),
        Setting("store.read.timeout", .duration, default: "60s", "The longest that one page of a scan or one aggregate may take"),
        Setting("store.page.bytes", .bytes, default: "1MiB", "A page of rows ends at this size, whatever the fetch size"),
        Setting(
            "store.result.bytes", .bytes, default: "64MiB", "The longest answer to a SELECT without paging; a longer one is an error"),
        Setting("store.datacenter", .text, default: "datacenter1", "The data centre that system.local names to clients"),
        Setting("store.rack", .text, default: "rack1", "The rack that system.local names to clients"),
        Setting("store.cluster", .text, default: "Leat", "The cluster's name in system.local"),
    ]
}

/// The storage's settings in force.
struct StorageConfiguration: Sendable {
    var isGrouped = true
    var syncPeriod = 1.0
    var memtableBytes = 32 << 20
    var cacheBytes = 16 << 20
    var writeQueueBytes = 16 << 20
    var readThreads = 2
    var scanThreads = 2
    var readQueue = 16_384
    var limits = SelectExecution.Limits(pageBytes: 1 << 20, timeout: 60_000_000_000, resultBytes: 64 << 20)
    var node = NodeDescription()

    init() {}

    init(_ configuration: StoreConfiguration) {
        let values = configuration.values
        isGrouped = values.text("store.commitlog.sync") == "group"
        syncPeriod = max(0.001, values.duration("store.commitlog.sync.period").inSeconds)
        memtableBytes = max(values.bytes("store.memtable.bytes"), 1 << 20)
        cacheBytes = values.bytes("store.cache.bytes")
        writeQueueBytes = values.bytes("store.write.queue.bytes")
        readThreads = values.integer("store.read.threads")
        scanThreads = values.integer("store.scan.threads")
        readQueue = values.integer("store.read.queue")
        limits = SelectExecution.Limits(
            pageBytes: values.bytes("store.page.bytes"), timeout: UInt64(max(0.001, values.duration("store.read.timeout").inSeconds) * 1e9),
            resultBytes: min(values.bytes("store.result.bytes"), 255 << 20))
        node.cluster = values.text("store.cluster")
        node.dataCenter = values.text("store.datacenter")
        node.rack = values.text("store.rack")
        node.address = InternetAddress(configuration.advertised.host) ?? node.address
        node.port = configuration.advertised.port
        node.listenAddress = InternetAddress(configuration.listen.host) ?? node.address
    }
}

/// What the store tells clients about itself.
struct NodeDescription: Sendable {
    var cluster = "Leat"
    var dataCenter = "datacenter1"
    var rack = "rack1"
    /// Where clients connect.
    var address = InternetAddress(bytes: [127, 0, 0, 1])!
    var listenAddress = InternetAddress(bytes: [127, 0, 0, 1])!
    var port = 9042
    var hostID = CQLUUID.random()

    /// The version of Cassandra whose behaviour and system tables drivers are to expect.
    static let releaseVersion = "4.0.11"
    static let cqlVersion = "3.4.5"
    static let partitioner = "org.apache.cassandra.dht.Murmur3Partitioner"
    /// One node owns the ring; one token is enough for clients that draw it.
    static let token = "-9223372036854775808"
}
