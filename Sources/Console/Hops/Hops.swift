internal import AsyncHTTPClient
internal import IO
internal import Logging
internal import NIOCore
internal import NIOPosix

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
        close = { try? await client.shutdown() }
    }
}
