internal import IO
internal import Logging
internal import NIOCore

extension BrokerNode {
    /// Answers with the address of the listener that was asked. Topics asked for by name are made, when both sides allow it.
    func metadata(_ request: MetadataRequest, _ reply: Reply<MetadataRequest>, _ listener: Listener) {
        let missing = (request.topics ?? []).compactMap(\.name).filter { topics[$0] == nil && Topic.complaint(aboutName: $0) == nil }
        guard !missing.isEmpty, limits.createsTopics, request.allowAutoTopicCreation || reply.version < 4 else {
            return reply.send(answer(request, reply.version, listener))
        }
        administer { [self] in
            for name in missing where topics[name] == nil && !Topic.isInternal(name) {
                do throws(TopicError) {
                    _ = try topics.create(name, partitions: -1, replicationFactor: -1, overrides: [:], nowMs: WallClock.nowMs)
                } catch {
                    logger.warning(
                        "a topic that was asked for could not be made", metadata: ["topic": "\(name)", "reason": "\(error.message)"])
                }
            }
            reply.send(answer(request, reply.version, listener))
        }
    }

    private func answer(_ request: MetadataRequest, _ version: Int16, _ listener: Listener) -> MetadataResponse {
        let endpoint = listener.endpoint
        var response = MetadataResponse(
            brokers: [.init(nodeID: Self.id, host: endpoint.host, port: Int32(endpoint.port))], clusterID: clusterID, controllerID: Self.id)
        guard let asked = request.topics else {
            response.topics = topics.all.map(Self.describe)
            return response
        }
        for topic in asked {
            if topic.id != .zero {
                response.topics.append(topics[topic.id].map(Self.describe) ?? .init(error: .unknownTopicID, name: nil, id: topic.id))
            } else if let name = topic.name, let found = topics[name] {
                response.topics.append(Self.describe(found))
            } else {
                let isLegal = Topic.complaint(aboutName: topic.name ?? "") == nil
                response.topics.append(.init(error: isLegal ? .unknownTopicOrPartition : .invalidTopicException, name: topic.name ?? ""))
            }
        }
        return response
    }

    private static func describe(_ topic: Topic) -> MetadataResponse.Topic {
        .init(
            name: topic.name, id: topic.id, isInternal: topic.isInternal,
            partitions: topic.partitions.map {
                .init(index: $0.index, leaderID: id, leaderEpoch: $0.leaderEpoch, replicas: [id], inSyncReplicas: [id])
            })
    }

    func describeCluster(_ request: DescribeClusterRequest, _ reply: Reply<DescribeClusterRequest>, _ listener: Listener) {
        guard request.endpointType == DescribeClusterRequest.brokersEndpoint else {
            return reply.send(
                DescribeClusterResponse(
                    error: .unsupportedEndpointType, errorMessage: "brokers are described here, not controllers",
                    endpointType: request.endpointType))
        }
        let endpoint = listener.endpoint
        reply.send(
            DescribeClusterResponse(
                clusterID: clusterID, controllerID: Self.id,
                brokers: [.init(nodeID: Self.id, host: endpoint.host, port: Int32(endpoint.port))]))
    }

    func findCoordinator(_ request: FindCoordinatorRequest, _ reply: Reply<FindCoordinatorRequest>, _ listener: Listener) {
        let endpoint = listener.endpoint
        let coordinators = request.keys.map { key -> FindCoordinatorResponse.Coordinator in
            // One node coordinates everything.
            if request.keyType == FindCoordinatorRequest.groupKey || request.keyType == FindCoordinatorRequest.transactionKey {
                return .init(key: key, nodeID: Self.id, host: endpoint.host, port: Int32(endpoint.port))
            }
            return .init(key: key, error: .invalidRequest, errorMessage: "key type \(request.keyType) is not served")
        }
        reply.send(FindCoordinatorResponse(coordinators: coordinators))
    }
}
