internal import IO

extension KafkaClient {
    /// Turns places in partitions into offsets, asking each partition's leader. With `isolationLevel` read_committed the latest is the
    /// last stable offset.
    ///
    /// - Returns: an offset for each partition asked for.
    package func offsets(_ specs: [TopicPartition: OffsetSpec]) async throws -> [TopicPartition: Int64] {
        var found: [TopicPartition: Int64] = [:]
        try await retrying {
            let missing = specs.filter { found[$0.key] == nil }
            guard !missing.isEmpty else { return }
            var byLeader: [Endpoint: (link: BrokerLink, specs: [TopicPartition: OffsetSpec])] = [:]
            for (partition, spec) in missing {
                let link = try await leader(of: partition)
                byLeader[link.endpoint, default: (link, [:])].specs[partition] = spec
            }
            // What some leaders answered is kept when another one's answer is asked for again.
            var failure: (any Error)?
            try await withThrowingTaskGroup(of: (answers: [TopicPartition: Int64], failure: (any Error)?).self) { group in
                for (link, specs) in byLeader.values { group.addTask { await self.offsets(specs, at: link) } }
                for try await result in group {
                    found.merge(result.answers) { $1 }
                    failure = failure ?? result.failure
                }
            }
            if let failure { throw failure }
        }
        return found
    }

    private func offsets(_ specs: [TopicPartition: OffsetSpec], at leader: BrokerLink) async -> ([TopicPartition: Int64], (any Error)?) {
        var answers: [TopicPartition: Int64] = [:]
        do {
            try await listOffsets(specs, at: leader, into: &answers)
            // Kafka answers -1 for a time after the last record.
            let beyond = answers.filter { $0.value < 0 }.mapValues { _ in OffsetSpec.latest }
            for partition in beyond.keys { answers[partition] = nil }
            if !beyond.isEmpty { try await listOffsets(beyond, at: leader, into: &answers) }
            return (answers, nil)
        } catch {
            for topic in Set(specs.keys.map(\.topic)) { noteFailure(error, topic: topic) }
            return (answers.filter { $0.value >= 0 }, error)
        }
    }

    private func listOffsets(
        _ specs: [TopicPartition: OffsetSpec], at leader: BrokerLink, into answers: inout [TopicPartition: Int64]
    ) async throws {
        let connection = try await leader.connection()
        let request = ListOffsetsRequest(
            isolationLevel: configuration.isolationLevel.code,
            topics: Dictionary(grouping: specs, by: \.key.topic).map { topic, specs in
                .init(name: topic, partitions: specs.map { .init(index: $0.key.partition, timestamp: $0.value.timestamp) })
            }, timeoutMs: Int32(clamping: Int(configuration.requestTimeout.inMilliseconds)))
        let (response, _) = try await connection.call(
            request, clientID: configuration.clientID, timeout: configuration.requestTimeout)
        var failure: KafkaError?
        for topic in response.topics {
            for answer in topic.partitions {
                let partition = TopicPartition(topic: topic.name, partition: answer.index)
                if answer.error == .none {
                    answers[partition] = answer.offset
                } else {
                    failure = .refused(
                        answer.error, operation: "ListOffsets", subject: "\(partition)", broker: connection.endpoint, message: nil)
                }
            }
        }
        if let failure { throw failure }
        if let missing = specs.keys.first(where: { answers[$0] == nil }) {
            throw KafkaError.malformedResponse(connection.endpoint, operation: "ListOffsets", reason: "it does not speak of \(missing)")
        }
    }
}

extension OffsetSpec {
    /// The protocol's number for it.
    var timestamp: Int64 {
        switch self {
        case .earliest: ListOffsetsRequest.earliest
        case .latest: ListOffsetsRequest.latest
        case .timestamp(let milliseconds): milliseconds
        }
    }
}
