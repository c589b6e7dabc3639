internal import IO
internal import NIOCore

extension KafkaClient {
    /// The groups of all brokers, by name.
    package func listGroups() async throws -> [GroupListing] {
        let cluster = try await metadata(topics: [])
        var groups: [String: GroupListing] = [:]
        for node in cluster.brokers {
            let found = try await retrying {
                let link = try link(to: node.endpoint, isAdvertised: !configuration.bootstrap.contains(node.endpoint))
                let connection = try await link.connection()
                let (response, _) = try await connection.call(
                    ListGroupsRequest(), clientID: configuration.clientID, timeout: configuration.requestTimeout)
                guard response.error == .none else {
                    throw KafkaError.refused(
                        response.error, operation: "ListGroups", subject: "all groups", broker: connection.endpoint, message: nil)
                }
                return response.groups
            }
            for group in found {
                groups[group.id] = GroupListing(groupID: group.id, protocolType: group.protocolType, state: group.state)
            }
        }
        return groups.values.sorted { $0.groupID < $1.groupID }
    }

    package func describeGroups(_ names: [String]) async throws -> [GroupDescription] {
        var descriptions: [GroupDescription] = []
        for name in names {
            let group = try await retrying {
                let connection = try await coordinator(of: name)
                let (response, _) = try await connection.call(
                    DescribeGroupsRequest(groups: [name]), clientID: configuration.clientID, timeout: configuration.requestTimeout)
                guard let group = response.groups.first(where: { $0.id == name }) else {
                    throw KafkaError.malformedResponse(
                        connection.endpoint, operation: "DescribeGroups", reason: "it does not speak of group \(name)")
                }
                guard group.error == .none else {
                    throw KafkaError.refused(
                        group.error, operation: "DescribeGroups", subject: "group \(name)", broker: connection.endpoint,
                        message: group.errorMessage)
                }
                return group
            }
            descriptions.append(GroupDescription(group))
        }
        return descriptions
    }

    /// What a group has committed, for all partitions.
    ///
    /// - Parameter isStable: offsets that an ending transaction is about to commit are waited for (KIP-447).
    package func committedOffsets(group name: String, isStable: Bool = false) async throws -> [TopicPartition: Int64] {
        try await retrying {
            let connection = try await coordinator(of: name)
            // Null for "all partitions" came with version 2.
            guard try connection.chosenVersion(OffsetFetchRequest.self) >= 2 else {
                throw KafkaError.unsupportedVersion(connection.endpoint, operation: "OffsetFetch", offered: 0...1)
            }
            let (response, _) = try await connection.call(
                OffsetFetchRequest(groups: [.init(id: name)], requireStable: isStable), clientID: configuration.clientID,
                timeout: configuration.requestTimeout)
            guard let group = response.groups.first else {
                throw KafkaError.malformedResponse(
                    connection.endpoint, operation: "OffsetFetch", reason: "it does not speak of group \(name)")
            }
            guard group.error == .none else {
                throw KafkaError.refused(
                    group.error, operation: "OffsetFetch", subject: "group \(name)", broker: connection.endpoint, message: nil)
            }
            var offsets: [TopicPartition: Int64] = [:]
            for topic in group.topics {
                for partition in topic.partitions {
                    let place = TopicPartition(topic: topic.name, partition: partition.index)
                    guard partition.error == .none else {
                        throw KafkaError.refused(
                            partition.error, operation: "OffsetFetch", subject: "\(place) of group \(name)", broker: connection.endpoint,
                            message: nil)
                    }
                    if partition.committedOffset >= 0 { offsets[place] = partition.committedOffset }
                }
            }
            return offsets
        }
    }

    private func coordinator(of group: String) async throws -> BrokerConnection {
        let connection = try await anyConnection()
        let (response, _) = try await connection.call(
            FindCoordinatorRequest(keys: [group]), clientID: configuration.clientID, timeout: configuration.requestTimeout)
        guard let answer = response.coordinators.first else {
            throw KafkaError.malformedResponse(
                connection.endpoint, operation: "FindCoordinator", reason: "it does not speak of group \(group)")
        }
        guard answer.error == .none else {
            throw KafkaError.refused(
                answer.error, operation: "FindCoordinator", subject: "group \(group)", broker: connection.endpoint,
                message: answer.errorMessage)
        }
        let endpoint = Endpoint(host: answer.host, port: Int(answer.port))
        return try await link(to: endpoint, isAdvertised: !configuration.bootstrap.contains(endpoint)).connection()
    }
}

extension GroupDescription {
    init(_ group: DescribeGroupsResponse.Group) {
        groupID = group.id
        state = group.state
        protocolType = group.protocolType
        protocolName = group.protocolName
        members = group.members.map { member in
            Member(
                memberID: member.id, clientID: member.clientID, clientHost: member.clientHost,
                assignment: group.protocolType == "consumer" ? (try? Self.assignment(member.assignment)) ?? [] : [])
        }
    }

    /// The consumer protocol's assignment: a version, then topics with their partitions, then user data
    /// (ConsumerProtocolAssignment.json; never flexible).
    private static func assignment(_ bytes: ByteBuffer) throws(WireError) -> [TopicPartition] {
        guard bytes.readableBytes > 0 else { return [] }
        var decoder = WireDecoder(bytes, version: 0, flexible: false)
        var version: Int16 = 0
        var topics: [AssignedTopic] = []
        try decoder.code(&version)
        try decoder.code(&topics)
        return topics.flatMap { topic in topic.partitions.map { TopicPartition(topic: topic.name, partition: $0) } }
    }

    private struct AssignedTopic: WireStruct {
        var name = ""
        var partitions: [Int32] = []

        mutating func code(_ coder: inout some WireCoder) throws(WireError) {
            try coder.code(&name)
            try coder.code(&partitions)
        }
    }
}
