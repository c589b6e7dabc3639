package import IO

/// The cluster as one of its brokers describes it.
package struct ClusterMetadata: Sendable {
    package struct Node: Sendable, Equatable {
        package let nodeID: Int32
        /// The advertised address.
        package let endpoint: Endpoint
        package let rack: String?
    }

    package struct Partition: Sendable, Equatable {
        package let index: Int32
        /// -1 while there is none.
        package let leader: Int32
        package let replicas: [Int32]
        package let isr: [Int32]
    }

    package struct Topic: Sendable {
        package let name: String
        /// The id that the topic was given when it was created: another one after it was deleted and created anew; nil where the
        /// broker tells none (before Metadata version 10).
        package let id: TopicID?
        /// Why the broker describes the topic only in part or not at all; nil where nothing is wrong.
        package let error: ErrorCode?
        package let isInternal: Bool
        /// By index.
        package let partitions: [Partition]
    }

    /// The broker that said so.
    let answeredBy: Endpoint
    package let brokers: [Node]
    package let controllerID: Int32
    package let clusterID: String?
    package let topics: [Topic]

    package func topic(_ name: String) -> Topic? { topics.first { $0.name == name } }
    package func broker(_ nodeID: Int32) -> Node? { brokers.first { $0.nodeID == nodeID } }
}

/// A place in a partition, for the broker to turn into an offset.
package enum OffsetSpec: Hashable, Sendable {
    case earliest
    /// One past the last offset that consumers may see.
    case latest
    /// The first offset whose record is at least as new, in milliseconds since 1970; the latest offset when there is none.
    case timestamp(Int64)
}

/// A topic to be created.
package struct NewTopic: Sendable {
    package var name: String
    /// -1 is the broker's default.
    package var partitions: Int32
    /// -1 is the broker's default.
    package var replicationFactor: Int16
    package var configs: [String: String]

    package init(name: String, partitions: Int32 = -1, replicationFactor: Int16 = -1, configs: [String: String] = [:]) {
        self.name = name
        self.partitions = partitions
        self.replicationFactor = replicationFactor
        self.configs = configs
    }
}

/// One configuration value of a topic.
package struct ConfigEntry: Sendable, Equatable {
    package let name: String
    /// Nil where the broker keeps it secret or has none.
    package let value: String?
    package let isDefault: Bool
    package let isReadOnly: Bool
    package let isSensitive: Bool
}

package struct GroupListing: Sendable, Equatable {
    package let groupID: String
    /// `consumer` for consumer groups.
    package let protocolType: String
    /// Empty where the broker is too old to tell.
    package let state: String
}

package struct GroupDescription: Sendable {
    package struct Member: Sendable {
        package let memberID: String
        package let clientID: String
        package let clientHost: String
        /// What a consumer has been assigned; empty for other protocol types.
        package let assignment: [TopicPartition]
    }

    package let groupID: String
    package let state: String
    package let protocolType: String
    /// The assignor, for consumer groups.
    package let protocolName: String
    package let members: [Member]
}
