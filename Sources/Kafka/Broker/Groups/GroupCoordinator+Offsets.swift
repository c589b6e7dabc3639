internal import IO
internal import Logging
internal import NIOCore

/// Committed offsets: taken, given, and written to their topic.
extension GroupCoordinator {
    func commit(_ request: OffsetCommitRequest, _ reply: Reply<OffsetCommitRequest>) {
        perform { coordinator in
            var groupError = ErrorCode.none
            if !Self.isValid(groupID: request.groupID) {
                groupError = .invalidGroupID
            } else if coordinator.state.value.groups[request.groupID] != nil {
                groupError = coordinator.state.value.groups[request.groupID]!.checkCommit(request, now: coordinator.now)
            } else if request.generation >= 0 || !request.memberID.isEmpty {
                groupError = request.generation >= 0 ? .illegalGeneration : .unknownMemberID
            } else if !coordinator.hasRoom(for: request.groupID) {
                groupError = .groupMaxSizeReached
            }
            let timestamp = WallClock.nowMs
            let (topics, entries) = coordinator.entries(request.groupID, request.topics, refused: groupError, timestamp: timestamp)
            let answer = OffsetCommitResponse(topics: topics)
            coordinator.write(entries.map { ($0, $1) }) { error in
                var answer = answer
                if error != .none { answer.topics.fail(error) }
                reply.send(answer)
            }
        }
    }

    /// What a commit of either kind writes, and what it answers where nothing else goes wrong.
    ///
    /// - Parameter refused: an error that stands for every partition; nothing is written then.
    func entries<Partition: CommittedPartition>(
        _ group: String, _ topics: [TopicPartitions<Partition>], refused: ErrorCode, timestamp: Int64
    ) -> (answers: [TopicPartitions<PartitionError>], entries: [(OffsetsRecord.Key, OffsetsRecord.Value)]) {
        let metadataMax = node.node.configuration.values.bytes("broker.offsets.metadata.bytes.max")
        var entries: [(OffsetsRecord.Key, OffsetsRecord.Value)] = []
        let answers = topics.map { topic in
            TopicPartitions(
                name: topic.name,
                partitions: topic.partitions.map { partition in
                    var error = refused
                    if error == .none {
                        if node.node.topics.partition(topic.name, partition.index) == nil {
                            error = .unknownTopicOrPartition
                        } else if (partition.metadata?.utf8.count ?? 0) > metadataMax {
                            error = .offsetMetadataTooLarge
                        } else {
                            entries.append(
                                (
                                    .init(group: group, topic: topic.name, partition: partition.index),
                                    .init(
                                        offset: partition.committedOffset, leaderEpoch: partition.committedLeaderEpoch,
                                        metadata: partition.metadata ?? "", commitTimestamp: timestamp)
                                ))
                        }
                    }
                    return PartitionError(index: partition.index, error: error)
                })
        }
        return (answers, entries)
    }

    func fetch(_ request: OffsetFetchRequest, _ reply: Reply<OffsetFetchRequest>) {
        perform { coordinator in
            var response = OffsetFetchResponse()
            for group in request.groups {
                let offsets = coordinator.state.value.offsets[group.id] ?? [:]
                func answer(_ topic: String, _ index: Int32) -> OffsetFetchResponse.Partition {
                    let key = OffsetsRecord.Key(group: group.id, topic: topic, partition: index)
                    if request.requireStable, coordinator.isPending(key) { return .init(index: index, error: .unstableOffsetCommit) }
                    guard let value = offsets[key] else {
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
    ///
    /// - Parameter isCopy: the records repeat what counts already. They change nothing here, where a later commit may have come since.
    func write(
        _ entries: [(OffsetsRecord.Key, OffsetsRecord.Value?)], isCopy: Bool = false, _ completion: @escaping @Sendable (ErrorCode) -> Void
    ) {
        guard !entries.isEmpty else { return completion(.none) }
        guard let partition = node.node.topics.partition(Topic.offsetsName, 0) else {
            // The topic is made when the first offset comes.
            state.value.waitingForTopic.append { [weak self] error in
                guard error == .none, let self else { return completion(error) }
                self.write(entries, isCopy: isCopy, completion)
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
                if !isCopy {
                    coordinator.landed(entries)
                    if error == .none { coordinator.apply(entries) }
                }
                completion(error)
            }
        }
        if !isCopy { for (key, _) in entries { state.value.inFlight[key, default: 0] += 1 } }
        let outcome = builder.finish().withUnsafeReadableBytes { bytes in
            partition.append(RecordBatchHeader(bytes)!, bytes, nowMs: timestamp, waiting: (receiver, 0))
        }
        if case .refused(let error, let reason) = outcome {
            if !isCopy { landed(entries) }
            logger.error("offsets cannot be written", metadata: ["error": "\(error)", "reason": "\(reason ?? "")"])
            completion(error == .kafkaStorageError ? .coordinatorNotAvailable : error)
        }
    }

    /// These appends are decided.
    private func landed(_ entries: [(OffsetsRecord.Key, OffsetsRecord.Value?)]) {
        for (key, _) in entries {
            guard let count = state.value.inFlight[key] else { continue }
            state.value.inFlight[key] = count > 1 ? count - 1 : nil
        }
    }

    func apply(_ entries: [(OffsetsRecord.Key, OffsetsRecord.Value?)]) {
        for (key, value) in entries {
            state.value.offsets[key.group, default: [:]][key] = value
            if state.value.offsets[key.group]?.isEmpty == true { state.value.offsets[key.group] = nil }
        }
    }

    func createTopic() {
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
final class OffsetsReceiver: AckReceiver {
    private let body: @Sendable (ErrorCode) -> Void
    init(_ body: @escaping @Sendable (ErrorCode) -> Void) { self.body = body }
    func acknowledged(_ index: Int, _ error: ErrorCode) { body(error) }
}

/// A partition's offset as both kinds of commit give it; the versions that carry the epoch differ.
protocol CommittedPartition: WireStruct {
    var index: Int32 { get }
    var committedOffset: Int64 { get }
    var committedLeaderEpoch: Int32 { get }
    var metadata: String? { get }
}

extension OffsetCommitRequest.Partition: CommittedPartition {}
extension TxnOffsetCommitRequest.Partition: CommittedPartition {}
