internal import IO

/// Which box is told the address of which other one, by which of its settings.
///
/// What a box of this process dials is where the other one listens; what a browser is sent to is where it is advertised.
enum StackLinks {
    struct Link: Sendable {
        let box: Box
        let key: String
        /// The box whose address it is.
        let other: Box
        /// nil: there is none to tell.
        let address: @Sendable (StackConfiguration) throws -> String?
    }

    static let all: [Link] = [
        page(.broker, "broker.console"),
        link(.zookeeper, "zookeeper.kafka", .broker, list),
        page(.zookeeper, "zookeeper.console"),
        link(.registry, "registry.kafka", .broker, list),
        link(.engine, "engine.kafka.bootstrap", .broker, list),
        link(.engine, "engine.cassandra.contact", .store, list),
        page(.scheduler, "scheduler.console", path: "/dags"),
        link(.console, "console.kafka", .broker, list),
        link(.console, "console.store", .store, list),
        link(.console, "console.engine", .engine, list),
        link(.console, "console.scheduler", .scheduler, url),
        link(.console, "console.scheduler.username", .scheduler) { configuration, _ in
            configuration.values.isSet("scheduler.password") ? configuration.values.text("scheduler.username") : nil
        },
        link(.console, "console.scheduler.password", .scheduler) { configuration, _ in
            configuration.values.isSet("scheduler.password") ? configuration.values.text("scheduler.password") : nil
        },
        link(.console, "console.registry", .registry, url),
        link(.console, "console.api", .api) { configuration, _ in try configuration.apiAddress(for: .inside) },
        link(.console, "console.zookeeper", .zookeeper, list),
    ]

    private static func link(
        _ box: Box, _ key: String, _ other: Box, _ address: @escaping @Sendable (StackConfiguration, Box) throws -> String?
    ) -> Link {
        Link(box: box, key: key, other: other) { try address($0, other) }
    }

    /// The console's page. It starts last, since it dials the others: on any free port (0) nobody knows where it will be.
    private static func page(_ box: Box, _ key: String, path: String = "") -> Link {
        link(box, key, .console) { configuration, console in
            if configuration.placement(of: console) == .embedded, configuration.values.integer("console.port") == 0 { return nil }
            return try configuration.url(of: console) + path
        }
    }

    @Sendable private static func list(_ configuration: StackConfiguration, _ box: Box) throws -> String {
        try configuration.endpoints(of: box, for: .inside).map(\.description).joined(separator: ",")
    }

    @Sendable private static func url(_ configuration: StackConfiguration, _ box: Box) throws -> String {
        try configuration.url(of: box, for: .inside)
    }
}

extension StackConfiguration {
    /// The settings that follow from where other boxes are, as they are when the boxes start: those that nothing sets.
    ///
    /// - Returns: each with its value and the setting that it comes from.
    package func linkedSettings() throws -> [(key: String, value: String, from: String)] {
        try StackLinks.all.compactMap { link in
            guard values.origin(of: link.key) == .builtIn, let value = try link.address(self) else { return nil }
            let key = link.other.rawValue
            if link.key.hasSuffix(".username") || link.key.hasSuffix(".password") {
                return (link.key, value, String(link.key.dropFirst(link.box.rawValue.count + 1)))
            }
            return (link.key, value, placement(of: link.other) == .embedded ? insidePort(of: link.other) : "\(key).use")
        }
    }
}
