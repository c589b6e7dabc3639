package import IO

/// The boxes of the picture, in the order in which they start: each after those that it dials.
package enum Box: String, CaseIterable, Sendable, Comparable {
    case api, zookeeper, broker, store, registry, engine, scheduler, console

    /// What the box is, for a person who knows the original.
    package var role: String {
        switch self {
        case .api: "RandomUser API"
        case .zookeeper: "ZooKeeper's port"
        case .broker: "Kafka broker"
        case .store: "Cassandra store"
        case .registry: "Schema Registry"
        case .engine: "Spark engine"
        case .scheduler: "Airflow scheduler"
        case .console: "Console"
        }
    }

    package static func < (first: Box, second: Box) -> Bool {
        allCases.firstIndex(of: first)! < allCases.firstIndex(of: second)!
    }
}

/// Where a box runs: in this process, or at an address.
package enum Placement: Sendable, Equatable {
    case embedded
    case address(String)
}
