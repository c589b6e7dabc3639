internal import IO

extension KafkaClient {
    /// Changes single configurations of a topic; nil takes one back to its default.
    package func alterTopicConfigs(_ topic: String, _ changes: [String: String?]) async throws {
        try await retrying {
            let connection = try await controllerConnection()
            let request = IncrementalAlterConfigsRequest(resources: [
                .init(
                    name: topic,
                    configs: changes.sorted { $0.key < $1.key }.map { name, value in
                        let operation: IncrementalAlterConfigsRequest.Operation = value == nil ? .delete : .set
                        return .init(name: name, operation: operation.rawValue, value: value)
                    })
            ])
            let (response, _) = try await connection.call(
                request, clientID: configuration.clientID, timeout: configuration.requestTimeout)
            for result in response.results where result.error != .none {
                if result.error == .unknownTopicOrPartition { throw KafkaError.unknownTopic(topic, nearest: nil) }
                throw KafkaError.refused(
                    result.error, operation: "IncrementalAlterConfigs", subject: "topic \(topic)", broker: connection.endpoint,
                    message: result.errorMessage)
            }
        }
    }

    /// Deletes the records before an offset, asking each partition's leader.
    ///
    /// - Returns: the first offset that is left, for each partition.
    package func deleteRecords(before offsets: [TopicPartition: Int64]) async throws -> [TopicPartition: Int64] {
        var starts: [TopicPartition: Int64] = [:]
        for (partition, offset) in offsets {
            starts[partition] = try await retrying {
                do {
                    return try await deleteRecords(partition, before: offset)
                } catch {
                    noteFailure(error, topic: partition.topic)
                    throw error
                }
            }
        }
        return starts
    }

    private func deleteRecords(_ partition: TopicPartition, before offset: Int64) async throws -> Int64 {
        let connection = try await leader(of: partition).connection()
        let request = DeleteRecordsRequest(
            topics: [.init(name: partition.topic, partitions: [.init(index: partition.partition, offset: offset)])],
            timeoutMs: Int32(clamping: Int(configuration.requestTimeout.inMilliseconds)))
        let (response, _) = try await connection.call(request, clientID: configuration.clientID, timeout: configuration.requestTimeout)
        guard let answer = response.topics.first?.partitions.first else {
            throw KafkaError.malformedResponse(
                connection.endpoint, operation: "DeleteRecords", reason: "it does not speak of \(partition)")
        }
        guard answer.error == .none else {
            throw KafkaError.refused(
                answer.error, operation: "DeleteRecords", subject: "\(partition)", broker: connection.endpoint, message: nil)
        }
        return answer.lowWatermark
    }
}
