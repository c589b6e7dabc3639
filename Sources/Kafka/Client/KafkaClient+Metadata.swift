internal import IO
internal import NIOConcurrencyHelpers
internal import NIOCore

extension KafkaClient {
    /// Asks the cluster for its brokers and topics.
    ///
    /// - Parameters:
    ///   - topics: nil for all.
    ///   - allowAutoCreation: whether asking for an unknown topic may create it, where the broker does such things.
    /// - Returns: what a broker answered just now; a topic that it does not know is among the topics, with its error.
    package func metadata(topics: [String]?, allowAutoCreation: Bool = false) async throws -> ClusterMetadata {
        try await retrying { try await requestMetadata(topics: topics, allowAutoCreation: allowAutoCreation) }
    }

    /// Asks any broker once who the others are.
    ///
    /// - Throws: at once when none can be reached, where the other calls go on trying: for somebody who waits in front of it.
    package func connect() async throws {
        _ = try await requestMetadata(topics: [], allowAutoCreation: false)
    }

    func requestMetadata(topics: [String]?, allowAutoCreation: Bool) async throws -> ClusterMetadata {
        let connection = try await anyConnection()
        let request = MetadataRequest(
            topics: topics.map { $0.map { MetadataRequest.Topic(name: $0) } }, allowAutoTopicCreation: allowAutoCreation)
        let (response, _) = try await connection.call(
            request, clientID: configuration.clientID, versionMax: 12, timeout: configuration.requestTimeout)
        let cluster = ClusterMetadata(response, answeredBy: connection.endpoint)
        remember(cluster)
        return cluster
    }

    private func remember(_ cluster: ClusterMetadata) {
        let bootstrap = configuration.bootstrap
        let gone: [BrokerLink] = state.withLockedValue { state in
            state.nodes = Dictionary(cluster.brokers.map { ($0.nodeID, $0.endpoint) }) { $1 }
            state.controllerID = cluster.controllerID >= 0 ? cluster.controllerID : nil
            let now = ContinuousClock.now
            for topic in cluster.topics {
                // A topic that has an error keeps no leaders: the next call asks again.
                guard topic.error == nil else {
                    state.topics[topic.name] = nil
                    continue
                }
                state.topics[topic.name] = CachedTopic(
                    leaders: Dictionary(topic.partitions.map { ($0.index, $0.leader) }) { $1 }, askedAt: now)
            }
            // A broker that moved to another address is reached there; the old connection closes.
            let wanted = Set(state.nodes.values).union(bootstrap)
            let gone = state.links.filter { !wanted.contains($0.key) }
            for endpoint in gone.keys { state.links[endpoint] = nil }
            return Array(gone.values)
        }
        if !gone.isEmpty { Task { for link in gone { await link.close() } } }
    }

    /// The connections to a partition's leader.
    func leader(of partition: TopicPartition) async throws -> BrokerLink {
        let known: Endpoint? = state.withLockedValue { state in
            guard let topic = state.topics[partition.topic], .now - topic.askedAt < configuration.metadataMaxAge else { return nil }
            return topic.leaders[partition.partition].flatMap { state.nodes[$0] }
        }
        if let known { return try link(to: known, isAdvertised: !configuration.bootstrap.contains(known)) }
        let cluster = try await refresh(partition.topic)
        guard let topic = cluster.topic(partition.topic) else { throw KafkaError.unknownTopic(partition.topic, nearest: nil) }
        if let error = topic.error {
            if error == .unknownTopicOrPartition { throw KafkaError.unknownTopic(topic.name, nearest: nil) }
            throw KafkaError.refused(
                error, operation: "Metadata", subject: "topic \(topic.name)", broker: cluster.answeredBy, message: nil)
        }
        guard let description = topic.partitions.first(where: { $0.index == partition.partition }) else {
            throw KafkaError.unknownPartition(partition, partitionCount: topic.partitions.count)
        }
        guard description.leader >= 0, let node = cluster.broker(description.leader) else {
            forgetLeaders(of: partition.topic)
            throw KafkaError.leaderMissing(partition)
        }
        return try link(to: node.endpoint, isAdvertised: !configuration.bootstrap.contains(node.endpoint))
    }

    /// Asks for one topic; calls that come while it is asked for share the answer.
    private func refresh(_ topic: String) async throws -> ClusterMetadata {
        let task = state.withLockedValue { state in
            if let task = state.refreshes[topic] { return task }
            let task = Task { [self] in
                defer { forgetRefresh(of: topic) }
                return try await requestMetadata(topics: [topic], allowAutoCreation: false)
            }
            state.refreshes[topic] = task
            return task
        }
        return try await task.sharedValue
    }

    private func forgetRefresh(of topic: String) {
        state.withLockedValue { $0.refreshes[topic] = nil }
    }

    func forgetLeaders(of topic: String) {
        state.withLockedValue { _ = $0.topics.removeValue(forKey: topic) }
    }

    /// What a failed call says about the leaders that the client believes in.
    func noteFailure(_ error: any Error, topic: String) {
        guard let error = error as? KafkaError else { return }
        switch error {
        case .unreachable, .disconnected, .requestTimedOut: forgetLeaders(of: topic)
        default: if error.code?.isStaleMetadata == true { forgetLeaders(of: topic) }
        }
    }
}

extension ClusterMetadata {
    init(_ response: MetadataResponse, answeredBy: Endpoint) {
        self.answeredBy = answeredBy
        brokers = response.brokers.map { Node(nodeID: $0.nodeID, endpoint: Endpoint(host: $0.host, port: Int($0.port)), rack: $0.rack) }
        controllerID = response.controllerID
        clusterID = response.clusterID
        topics = response.topics.map { topic in
            Topic(
                name: topic.name ?? "", id: topic.id == .zero ? nil : topic.id, error: topic.error == .none ? nil : topic.error,
                isInternal: topic.isInternal,
                partitions: topic.partitions
                    .map { Partition(index: $0.index, leader: $0.leaderID, replicas: $0.replicas, isr: $0.inSyncReplicas) }
                    .sorted { $0.index < $1.index })
        }
    }

    /// The topic whose name is nearest to one that does not exist, when it is near enough to have been meant.
    package func nearestTopic(to name: String) -> String? {
        topics.map { ($0.name, editDistance($0.name, name)) }
            .min { $0.1 < $1.1 }
            .flatMap { $0.1 <= max(2, name.count / 3) ? $0.0 : nil }
    }
}
