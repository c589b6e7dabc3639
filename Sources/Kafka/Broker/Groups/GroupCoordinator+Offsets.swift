internal import IO
internal import Logging
internal import NIOCore

/// Committed offsets: taken, given, and written to their topic.
extension GroupCoordinator {
    func commit(_ request: OffsetCommitRequest, _ reply: Reply<OffsetCommitRequest>) {
        let metadataMax = node.node.configuration.values.bytes("broker.offsets.metadata.bytes.max")
        perform { coordinator in
            var groupError = ErrorCode.none
            if request.groupID.isEmpty {
                groupError = .invalidGroupID
            } else if coordinator.state.value.groups[request.groupID] != nil {
                groupError = coordinator.state.value.groups[request.groupID]!.checkCommit(request, now: coordinator.now)
            } else if request.generation >= 0 || !request.memberID.isEmpty {
                groupError = request.generation >= 0 ? .illegalGeneration : .unknownMemberID
            }
            var response = OffsetCommitResponse()
            var entries: [(OffsetsRecord.Key, OffsetsRecord.Value?)] = []
            let timestamp = WallClock.nowMs
            for topic in request.topics {
                var answers: [OffsetCommitResponse.Partition] = []
                for partition in topic.partitions {
                    var error = groupError
                    if error == .none {
                        if coordinator.node.node.topics.partition(topic.name, partition.index) == nil {
                            error = .unknownTopicOrPartition
                        } else if (partition.metadata?.utf8.count ?? 0) > metadataMax {
                            error = .offsetMetadataTooLarge
                        } else {
                            entries.append(
                                (
                                    .init(group: request.groupID, topic: topic.name, partition: partition.index),
                                    .init(
                                        offset: partition.committedOffset, leaderEpoch: partition.committedLeaderEpoch,
                                        metadata: partition.metadata ?? "", commitTimestamp: timestamp)
                                ))
                        }
                    }
                    answers.append(.init(index: partition.index, error: error))
                }
                response.topics.append(.init(name: topic.name, partitions: answers))
            }
            let answer = response
            coordinator.write(entries) { error in
                var answer = answer
                if error != .none {
                    for topic in answer.topics.indices {
                        for index in answer.topics[topic].partitions.indices where answer.topics[topic].partitions[index].error == .none {
                            answer.topics[topic].partitions[index].error = error
                        }
                    }
                }
                reply.send(answer)
            }
        }
    }

    func fetch(_ request: OffsetFetchRequest, _ reply: Reply<OffsetFetchRequest>) {
        perform { coordinator in
            var response = OffsetFetchResponse()
            for group in request.groups {
                let offsets = coordinator.state.value.offsets[group.id] ?? [:]
                func answer(_ topic: String, _ index: Int32) -> OffsetFetchResponse.Partition {
                    guard let value = offsets[.init(group: group.id, topic: topic, partition: index)] else {
                        return .init(index: index, metadata: "")
                    }
                    return .init(
                        index: index, committedOffset: value.offset, committedLeaderEpoch: value.leaderEpoch, metadata: value.metadata)
                }
                var topics: [OffsetFetchResponse.Topic] = []
                if let asked = group.topics {
                    topics = asked.map { topic in .init(name: topic.name, partitions: topic.partitions.map { answer(topic.name, $0) }) }
                } else {
                    for (name, keys) in Dictionary(grouping: offsets.keys, by: \.topic).sorted(by: { $0.key < $1.key }) {
                        topics.append(.init(name: name, partitions: keys.map(\.partition).sorted().map { answer(name, $0) }))
                    }
                }
                response.groups.append(.init(id: group.id, topics: topics))
            }
            reply.send(response)
        }
    }

    /// Appends records to the offsets topic, and makes them count when they are committed; then `completion`, on the loop.
    func write(
        _ entries: [(OffsetsRecord.Key, OffsetsRecord.Value?)], _ completion: @escaping @Sendable (ErrorCode) -> Void
    ) {
        guard !entries.isEmpty else { return completion(.none) }
        guard let partition = node.node.topics.partition(Topic.offsetsName, 0) else {
            // The topic is made when the first offset comes.
            state.value.waitingForTopic.append { [weak self] error in
                guard error == .none, let self else { return completion(error) }
                self.write(entries, completion)
            }
            if state.value.waitingForTopic.count == 1 { createTopic() }
            return
        }
        var builder = RecordBatchBuilder()
        let timestamp = WallClock.nowMs
        for (key, value) in entries {
            builder.append(key: OffsetsRecord.encode(key), value: value.map { OffsetsRecord.encode($0) }, timestamp: timestamp)
        }
        let receiver = OffsetsReceiver { [weak self] error in
            guard let self else { return }
            self.perform { coordinator in
                if error == .none { coordinator.apply(entries) }
                completion(error)
            }
        }
        let outcome = builder.finish().withUnsafeReadableBytes { bytes in
            partition.append(RecordBatchHeader(bytes)!, bytes, nowMs: timestamp, waiting: (receiver, 0))
        }
        if case .refused(let error, let reason) = outcome {
            logger.error("offsets cannot be written", metadata: ["error": "\(error)", "reason": "\(reason ?? "")"])
            completion(error == .kafkaStorageError ? .coordinatorNotAvailable : error)
        }
    }

    private func apply(_ entries: [(OffsetsRecord.Key, OffsetsRecord.Value?)]) {
        for (key, value) in entries {
            state.value.offsets[key.group, default: [:]][key] = value
            if state.value.offsets[key.group]?.isEmpty == true { state.value.offsets[key.group] = nil }
        }
    }

    private func createTopic() {
        let node = node.node
        node.administer { [self] in
            var code = ErrorCode.none
            do throws(TopicError) {
                _ = try node.topics.create(
                    Topic.offsetsName, partitions: 1, replicationFactor: 1,
                    overrides: [
                        "cleanup.policy": "compact", "segment.bytes": "\(node.configuration.values.bytes("broker.offsets.segment.bytes"))",
                    ], nowMs: WallClock.nowMs)
            } catch {
                if error.code != .topicAlreadyExists {
                    code = .coordinatorNotAvailable
                    node.logger.error("\(Topic.offsetsName) cannot be made", metadata: ["error": "\(error.message)"])
                }
            }
            let result = code
            self.perform { coordinator in
                let waiting = coordinator.state.value.waitingForTopic
                coordinator.state.value.waitingForTopic = []
                for waiter in waiting { waiter(result) }
            }
        }
    }
}

/// Passes one acknowledgement on.
private final class OffsetsReceiver: AckReceiver {
    private let body: @Sendable (ErrorCode) -> Void
    init(_ body: @escaping @Sendable (ErrorCode) -> Void) { self.body = body }
    func acknowledged(_ index: Int, _ error: ErrorCode) { body(error) }
}
