internal import AsyncHTTPClient
internal import Cassandra
internal import IO
internal import Kafka
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Spark

/// The clients through which the console reaches the boxes, made from its configuration; all dial when first asked.
struct Hops: Sendable {
    var boxes = Boxes()
    var scheduler: SchedulerHop?
    var topics: TopicReader?
    /// What has to be closed at the end.
    var close: @Sendable () async -> Void = {}

    init() {}

    init(_ configuration: ConsoleConfiguration, logger: Logger) {
        var clientConfiguration = HTTPClient.Configuration()
        clientConfiguration.timeout.connect = TimeAmount(configuration.timeout)
        clientConfiguration.connectionPool.idleTimeout = .seconds(10)
        // A box that is down is said to be down at once; the next look comes in a second.
        clientConfiguration.connectionPool.retryConnectionEstablishment = false
        // A box's own redirects (a scheduler's front page) are no answers of its API.
        clientConfiguration.redirectConfiguration = .disallow
        let client = HTTPClient(eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton), configuration: clientConfiguration)
        func probe(_ box: BoxID, _ base: String) -> HTTPProbe {
            HTTPProbe(
                box: box.name, base: base, client: client, timeout: configuration.timeout, answerBytesMax: configuration.answerBytesMax)
        }
        if let base = configuration.api {
            let hop = APIHop(probe: probe(.api, base))
            boxes.api = .init(address: base, link: base.hasSuffix("/") ? base : base + "/api/", look: hop.look)
        }
        if let base = configuration.scheduler {
            let hop = SchedulerHop(
                probe: probe(.scheduler, base), credentials: configuration.schedulerCredentials, dagsMax: configuration.dagsMax,
                runsMax: configuration.runsMax)
            scheduler = hop
            boxes.scheduler = .init(address: base, link: base, look: hop.look)
        }
        if let base = configuration.registry {
            let hop = RegistryHop(probe: probe(.registry, base))
            boxes.registry = .init(address: base, link: base + "/subjects", look: hop.look)
        }
        if let endpoint = configuration.zookeeper {
            let hop = ZooKeeperHop(endpoint: endpoint, timeout: configuration.timeout)
            boxes.zookeeper = .init(address: endpoint.description, look: hop.look)
        }
        var closing: [@Sendable () async -> Void] = [{ try? await client.shutdown() }]
        if !configuration.kafka.isEmpty {
            let client = KafkaClient(
                KafkaClientConfiguration(
                    bootstrap: configuration.kafka, clientID: "leat-console", requestTimeout: configuration.timeout,
                    connectTimeout: configuration.timeout, retryTimeout: configuration.timeout / 2, arenaBytesMax: 4 << 20),
                logger: logger)
            let hop = KafkaHop(client: client, configuration: configuration)
            boxes.broker = .init(address: Self.addresses(configuration.kafka), look: hop.look)
            topics = TopicReader(read: hop.records)
            closing.append { await client.close() }
        }
        if !configuration.store.isEmpty {
            func storeClient(_ timeout: Duration) -> CassandraClient {
                var settings = CassandraClientConfiguration(
                    contactPoints: configuration.store, username: configuration.storeCredentials?.username,
                    password: configuration.storeCredentials?.password)
                settings.requestTimeout = timeout
                settings.connectTimeout = configuration.timeout
                settings.retryTimeout = configuration.timeout / 2
                settings.responseBytesMax = 32 << 20
                return CassandraClient(settings, logger: logger)
            }
            let client = storeClient(configuration.timeout), countClient = storeClient(configuration.countTimeout)
            let hop = StoreHop(client: client, countClient: countClient, configuration: configuration)
            boxes.store = .init(address: Self.addresses(configuration.store), look: hop.look)
            closing.append { await client.close() }
            closing.append { await countClient.close() }
        }
        if let endpoint = configuration.engine {
            let client = SparkConnectClient(endpoint: endpoint, timeout: configuration.timeout, isSessionShared: true, logger: logger)
            let hop = EngineHop(client: client, configuration: configuration)
            boxes.engine = .init(address: endpoint.description, look: hop.look)
            closing.append { await client.close() }
        }
        close = { [closing] in
            for each in closing { await each() }
        }
    }

    private static func addresses(_ endpoints: [Endpoint]) -> String { endpoints.map(\.description).joined(separator: ", ") }
}
