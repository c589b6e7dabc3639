internal import IO

/// Which box is told the address of which other one, by which of its settings.
enum StackLinks {
    struct Link: Sendable {
        let box: Box
        let key: String
        /// nil: there is none to tell.
        let address: @Sendable (StackConfiguration) throws -> String?
    }

    static let all: [Link] = [
        link(.broker, "broker.console") { try console($0) },
        link(.zookeeper, "zookeeper.kafka", bootstrap),
        link(.zookeeper, "zookeeper.console") { try console($0) },
        link(.registry, "registry.kafka", bootstrap),
        link(.engine, "engine.kafka.bootstrap", bootstrap),
        link(.engine, "engine.cassandra.contact") { try list($0.endpoints(of: .store)) },
        link(.scheduler, "scheduler.console") { try console($0).map { $0 + "/dags" } },
        link(.console, "console.kafka", bootstrap),
        link(.console, "console.store") { try list($0.endpoints(of: .store)) },
        link(.console, "console.engine") { try list($0.endpoints(of: .engine)) },
        link(.console, "console.scheduler") { try $0.url(of: .scheduler) },
        link(.console, "console.registry") { try $0.url(of: .registry) },
        link(.console, "console.api") { try $0.apiAddress() },
        link(.console, "console.zookeeper") { try list($0.endpoints(of: .zookeeper)) },
    ]

    private static func link(_ box: Box, _ key: String, _ address: @escaping @Sendable (StackConfiguration) throws -> String?) -> Link {
        Link(box: box, key: key, address: address)
    }

    /// The console starts last, since it dials the others: on any free port (0) nobody knows where it will be.
    @Sendable private static func console(_ configuration: StackConfiguration) throws -> String? {
        if configuration.placement(of: .console) == .embedded, configuration.values.integer("console.port") == 0 { return nil }
        return try configuration.url(of: .console)
    }

    @Sendable private static func bootstrap(_ configuration: StackConfiguration) throws -> String? {
        try list(configuration.endpoints(of: .broker))
    }

    private static func list(_ endpoints: [Endpoint]) -> String { endpoints.map(\.description).joined(separator: ",") }
}
