internal import IO

extension KafkaClient {
    /// Creates topics by the cluster's controller.
    ///
    /// - Throws: ``KafkaError/refused(_:operation:subject:broker:message:)`` for the first topic that was not created; the others were.
    package func createTopics(_ topics: [NewTopic], timeout: Duration = .seconds(30)) async throws {
        try await retryingUnlessAmbiguous {
            let connection = try await controllerConnection()
            // KIP-464: before version 4, the broker wants the numbers from the client.
            let hasDefaults = try connection.chosenVersion(CreateTopicsRequest.self) >= 4
            let request = CreateTopicsRequest(
                topics: topics.map { topic in
                    .init(
                        name: topic.name, partitions: topic.partitions < 0 && !hasDefaults ? 1 : topic.partitions,
                        replicationFactor: topic.replicationFactor < 0 && !hasDefaults ? 1 : topic.replicationFactor,
                        configs: topic.configs.sorted { $0.key < $1.key }.map { .init(name: $0.key, value: $0.value) })
                }, timeoutMs: Int32(clamping: Int(timeout.inMilliseconds)))
            let (response, _) = try await connection.call(
                request, clientID: configuration.clientID, timeout: configuration.requestTimeout + timeout)
            for topic in response.topics where topic.error != .none {
                throw KafkaError.refused(
                    topic.error, operation: "CreateTopics", subject: "topic \(topic.name)", broker: connection.endpoint,
                    message: topic.errorMessage)
            }
        }
        for topic in topics { forgetLeaders(of: topic.name) }
    }

    package func deleteTopics(_ names: [String], timeout: Duration = .seconds(30)) async throws {
        try await retryingUnlessAmbiguous {
            let connection = try await controllerConnection()
            let request = DeleteTopicsRequest(
                topics: names.map { .init(name: $0) }, timeoutMs: Int32(clamping: Int(timeout.inMilliseconds)))
            let (response, _) = try await connection.call(
                request, clientID: configuration.clientID, timeout: configuration.requestTimeout + timeout)
            for topic in response.topics where topic.error != .none {
                let name = topic.name ?? ""
                if topic.error == .unknownTopicOrPartition { throw KafkaError.unknownTopic(name, nearest: nil) }
                throw KafkaError.refused(
                    topic.error, operation: "DeleteTopics", subject: "topic \(name)", broker: connection.endpoint,
                    message: topic.errorMessage)
            }
        }
        for name in names { forgetLeaders(of: name) }
    }

    /// Raises a topic's partition count to `total`.
    package func createPartitions(topic: String, total: Int32) async throws {
        try await retryingUnlessAmbiguous {
            let connection = try await controllerConnection()
            let request = CreatePartitionsRequest(
                topics: [.init(name: topic, count: total)], timeoutMs: Int32(clamping: Int(configuration.requestTimeout.inMilliseconds)))
            let (response, _) = try await connection.call(
                request, clientID: configuration.clientID, timeout: configuration.requestTimeout * 2)
            for result in response.results where result.error != .none {
                if result.error == .unknownTopicOrPartition { throw KafkaError.unknownTopic(topic, nearest: nil) }
                throw KafkaError.refused(
                    result.error, operation: "CreatePartitions", subject: "topic \(topic)", broker: connection.endpoint,
                    message: result.errorMessage)
            }
        }
        forgetLeaders(of: topic)
    }

    /// A topic's configuration, defaults included, by name.
    package func topicConfigs(_ topic: String) async throws -> [ConfigEntry] {
        try await retrying {
            let connection = try await anyConnection()
            let (response, _) = try await connection.call(
                DescribeConfigsRequest(resources: [.init(type: ConfigResource.topic, name: topic)]),
                clientID: configuration.clientID, timeout: configuration.requestTimeout)
            guard let result = response.results.first else {
                throw KafkaError.malformedResponse(
                    connection.endpoint, operation: "DescribeConfigs", reason: "it does not speak of topic \(topic)")
            }
            if result.error == .unknownTopicOrPartition { throw KafkaError.unknownTopic(topic, nearest: nil) }
            guard result.error == .none else {
                throw KafkaError.refused(
                    result.error, operation: "DescribeConfigs", subject: "topic \(topic)", broker: connection.endpoint,
                    message: result.errorMessage)
            }
            return result.configs
                .map { config in
                    ConfigEntry(
                        name: config.name, value: config.value,
                        isDefault: ![ConfigSource.dynamicTopic.rawValue, ConfigSource.unknown.rawValue].contains(config.source),
                        isReadOnly: config.isReadOnly, isSensitive: config.isSensitive)
                }
                .sorted { $0.name < $1.name }
        }
    }

    /// Repeats what is sure not to have been carried out; a change whose answer got lost is left to the caller.
    private func retryingUnlessAmbiguous(_ attempt: () async throws -> Void) async throws {
        var ambiguous: KafkaError?
        try await retrying {
            do {
                try await attempt()
            } catch let error as KafkaError where error.isAmbiguous {
                ambiguous = error
            }
        }
        if let ambiguous { throw ambiguous }
    }
}
