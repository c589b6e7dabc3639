package import IO

/// What a ``KafkaClient`` throws: the thing concerned, the broker, and what to do next.
package enum KafkaError: DescribedError {
    /// No connection to any of the addresses.
    case unreachable([Endpoint], reason: String, isAdvertised: Bool)
    case disconnected(Endpoint, operation: String)
    case requestTimedOut(Endpoint, operation: String, after: Duration)
    /// The broker serves no version of a request that this client writes; `offered` is nil where it does not serve it at all.
    case unsupportedVersion(Endpoint, operation: String, offered: ClosedRange<Int16>?)
    case malformedResponse(Endpoint, operation: String, reason: String)
    /// The broker's own error, for a topic, a partition or a group.
    case refused(ErrorCode, operation: String, subject: String, broker: Endpoint, message: String?)
    /// The cluster has no such topic.
    case unknownTopic(String, nearest: String?)
    case unknownPartition(TopicPartition, partitionCount: Int)
    case leaderMissing(TopicPartition)
    case corruptRecords(TopicPartition, offset: Int64, reason: String)
    /// Attempts went on for as long as they may.
    indirect case gaveUp(KafkaError, attempts: Int, after: Duration)
    case closed

    /// The protocol's code where a broker gave one.
    package var code: ErrorCode? {
        switch self {
        case .refused(let code, _, _, _, _): code
        case .unknownTopic: .unknownTopicOrPartition
        case .gaveUp(let last, _, _): last.code
        default: nil
        }
    }

    package var place: String? {
        switch self {
        case .corruptRecords(let partition, let offset, _): "\(partition)@\(offset)"
        case .gaveUp(let last, _, _): last.place
        default: nil
        }
    }

    package var problem: String {
        switch self {
        case .unreachable(let endpoints, let reason, let isAdvertised):
            "no connection to \(isAdvertised ? "the advertised broker" : "Kafka at") \(endpoints.map(\.description).joined(separator: ", ")): \(reason)"
        case .disconnected(let broker, let operation): "broker \(broker) closed the connection during \(operation)"
        case .requestTimedOut(let broker, let operation, let after): "broker \(broker) did not answer \(operation) within \(after.text)"
        case .unsupportedVersion(let broker, let operation, let offered?):
            "broker \(broker) serves \(operation) in versions \(offered.lowerBound) to \(offered.upperBound), none of which Leat writes"
        case .unsupportedVersion(let broker, let operation, nil): "broker \(broker) does not serve \(operation)"
        case .malformedResponse(let broker, let operation, let reason):
            "broker \(broker) sent a malformed answer to \(operation): \(reason)"
        case .refused(let code, let operation, let subject, let broker, let message):
            "broker \(broker) refused \(operation) for \(subject): \(code)\(message.map { ": \($0)" } ?? "")"
        case .unknownTopic(let topic, _): "there is no topic '\(topic)'"
        case .unknownPartition(let partition, let count):
            "topic '\(partition.topic)' has no partition \(partition.partition): it has \(count), counted from 0"
        case .leaderMissing(let partition): "\(partition) has no leader"
        case .corruptRecords(_, _, let reason): "the records cannot be read: \(reason)"
        case .gaveUp(let last, let attempts, let after): "\(last.problem) (\(attempts) attempts in \(after.text))"
        case .closed: "the Kafka client is closed"
        }
    }

    package var nextStep: String? {
        switch self {
        case .unreachable(_, _, isAdvertised: true):
            "the cluster advertises this address: it has to be reachable from here (advertised.listeners; in Leat broker.advertised)"
        case .unreachable(let endpoints, _, _):
            "start a broker there (`leat broker --broker.port \(endpoints.first?.port ?? 9092)`), or name another with --broker or LEAT_BROKER_USE"
        case .disconnected: "the broker's log says why"
        case .requestTimedOut: "check whether the broker is overloaded, or allow a longer request time-out"
        case .unsupportedVersion: "Leat talks to Apache Kafka 2.1 and later"
        case .malformedResponse: "check that a Kafka broker listens there"
        case .refused(let code, _, _, _, _): code.nextStep
        case .unknownTopic(let topic, let nearest?): "did you mean '\(nearest)'? `leat topic create \(topic)` makes a new one"
        case .unknownTopic(let topic, nil): "`leat topic list` shows the topics; `leat topic create \(topic)` makes this one"
        case .unknownPartition(let partition, _): "`leat topic show \(partition.topic)` lists its partitions"
        case .leaderMissing: "check that the brokers which hold its replicas run"
        case .corruptRecords(let partition, let offset, _):
            "read on past it with `leat consume \(partition.topic) --partition \(partition.partition) --from \(offset + 1)`"
        case .gaveUp(let last, _, _): last.nextStep
        case .closed: nil
        }
    }

    /// Whether the same call may succeed a moment later.
    var isRetriable: Bool {
        switch self {
        case .unreachable, .disconnected, .requestTimedOut, .leaderMissing: true
        case .refused(let code, _, _, _, _): code.isRetriable
        default: false
        }
    }

    /// Whether the request may have been carried out though no answer came.
    var isAmbiguous: Bool {
        switch self {
        case .disconnected, .requestTimedOut: true
        default: false
        }
    }
}

extension ErrorCode {
    /// What a person can do about a broker's refusal.
    var nextStep: String? {
        switch self {
        case .offsetOutOfRange: "begin at another offset: `--from earliest`, or one that the partition still holds"
        case .topicAlreadyExists: "choose another name, or delete the topic first"
        case .invalidTopicException: "a topic's name has 1 to 249 letters, digits, dots, hyphens and underscores"
        case .invalidPartitions: "a topic's partitions can only become more"
        case .invalidReplicationFactor: "the replication factor is at most the number of brokers"
        case .invalidConfig: "`leat topic show` prints a topic's settings with their names"
        case .topicAuthorizationFailed, .groupAuthorizationFailed, .clusterAuthorizationFailed:
            "ask for the right at whoever runs the cluster"
        case .notEnoughReplicas, .notEnoughReplicasAfterAppend: "check that enough of the topic's replicas run (min.insync.replicas)"
        case .nonEmptyGroup: "stop the group's consumers first"
        case .groupIDNotFound: "the group's name may be misspelt, or its offsets have expired"
        case .kafkaStorageError: "check the broker's disk"
        case .topicDeletionDisabled: "set delete.topic.enable on the brokers"
        default: isRetriable ? "try again; if it stays so, look at the broker's log" : nil
        }
    }

    /// Whether what the client believes about leaders is out of date.
    var isStaleMetadata: Bool {
        switch self {
        case .unknownTopicOrPartition, .leaderNotAvailable, .notLeaderOrFollower, .brokerNotAvailable, .replicaNotAvailable,
            .fencedLeaderEpoch, .unknownLeaderEpoch, .kafkaStorageError, .unknownTopicID, .inconsistentTopicID, .notController:
            true
        default: false
        }
    }
}
