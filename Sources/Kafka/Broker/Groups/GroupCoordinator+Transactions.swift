internal import IO
internal import Logging
internal import NIOCore

/// The offsets that one producer's open transaction has committed, of any groups.
typealias PendingOffsets = [OffsetsRecord.Key: OffsetsRecord.Value]

/// What `__consumer_offsets` says, read from its begin: offsets that count, and those of transactions that have no end yet.
struct ReplayedOffsets: Sendable {
    var offsets: [String: [OffsetsRecord.Key: OffsetsRecord.Value]] = [:]
    var pending: [Int64: PendingOffsets] = [:]

    /// Returns the offset after the last batch.
    mutating func read(_ bytes: ByteBuffer, from offset: Int64) throws(WireError) -> Int64 {
        var offsets = self.offsets, pending = self.pending
        self = ReplayedOffsets()
        defer {
            self.offsets = offsets
            self.pending = pending
        }
        return try RecordBatches.forEach(in: bytes, from: offset) { header, key, value throws(WireError) in
            if header.isControl {
                guard let ended = pending.removeValue(forKey: header.producerID), let key, Self.isCommit(key) else { return }
                for (key, value) in ended { offsets[key.group, default: [:]][key] = value }
                return
            }
            guard let key = key.flatMap(OffsetsRecord.decodeKey) else { return }
            let value = value.flatMap(OffsetsRecord.decodeValue)
            if header.isTransactional {
                pending[header.producerID, default: [:]][key] = value
            } else {
                offsets[key.group, default: [:]][key] = value
                if offsets[key.group]?.isEmpty == true { offsets[key.group] = nil }
            }
        }
    }

    private static func isCommit(_ key: ByteBuffer) -> Bool {
        key.getInteger(at: key.readerIndex + 2, as: Int16.self) == ControlRecord.Kind.commit.rawValue
    }
}

extension GroupCoordinator {
    /// Calls `body` on the loop once `__consumer_offsets` exists.
    func withOffsetsTopic(_ body: @escaping @Sendable (ErrorCode) -> Void) {
        perform { coordinator in
            if coordinator.node.node.topics[Topic.offsetsName] != nil { return body(.none) }
            coordinator.state.value.waitingForTopic.append(body)
            if coordinator.state.value.waitingForTopic.count == 1 { coordinator.createTopic() }
        }
    }

    /// Writes offsets in a producer's name; they count when its transaction commits. The transaction coordinator has found the
    /// offsets' partition to be in the transaction.
    func commit(_ request: TxnOffsetCommitRequest, _ reply: Reply<TxnOffsetCommitRequest>) {
        perform { coordinator in
            let groupError = Self.isValid(groupID: request.groupID) ? coordinator.checkMembership(request) : .invalidGroupID
            let timestamp = WallClock.nowMs
            let (topics, entries) = coordinator.entries(request.groupID, request.topics, refused: groupError, timestamp: timestamp)
            let answer = TxnOffsetCommitResponse(topics: topics)
            let identity = Transaction.Identity(producerID: request.producerID, epoch: request.producerEpoch)
            coordinator.stage(entries, identity, timestamp) { error in
                var answer = answer
                if error != .none { answer.topics.fail(error) }
                reply.send(answer)
            }
        }
    }

    /// Clients of before KIP-447 give no membership, and are taken at their word.
    private func checkMembership(_ request: TxnOffsetCommitRequest) -> ErrorCode {
        if request.groupID.isEmpty { return .invalidGroupID }
        if request.generation < 0, request.memberID.isEmpty, request.groupInstanceID == nil { return .none }
        guard state.value.groups[request.groupID] != nil else {
            return request.generation >= 0 ? .illegalGeneration : .unknownMemberID
        }
        let asCommit = OffsetCommitRequest(
            groupID: request.groupID, generation: request.generation, memberID: request.memberID,
            groupInstanceID: request.groupInstanceID)
        return state.value.groups[request.groupID]!.checkCommit(asCommit, now: now)
    }

    private func stage(
        _ entries: [(OffsetsRecord.Key, OffsetsRecord.Value)], _ identity: Transaction.Identity, _ timestamp: Int64,
        _ completion: @escaping @Sendable (ErrorCode) -> Void
    ) {
        guard !entries.isEmpty else { return completion(.none) }
        guard let partition = node.node.topics.partition(Topic.offsetsName, 0) else { return completion(.coordinatorNotAvailable) }
        var builder = RecordBatchBuilder(producerID: identity.producerID, producerEpoch: identity.epoch)
        builder.isTransactional = true
        for (key, value) in entries {
            builder.append(key: OffsetsRecord.encode(key), value: OffsetsRecord.encode(value), timestamp: timestamp)
        }
        let receiver = OffsetsReceiver { [weak self] error in
            self?.perform { coordinator in
                if error == .none {
                    for (key, value) in entries { coordinator.state.value.pendingOffsets[identity.producerID, default: [:]][key] = value }
                }
                completion(error)
            }
        }
        let outcome = builder.finish().withUnsafeReadableBytes { bytes in
            partition.append(
                RecordBatchHeader(bytes)!, bytes, nowMs: timestamp, waiting: (receiver, 0), isFromCoordinator: true, hasAsked: true)
        }
        if case .refused(let error, let reason) = outcome {
            if error == .kafkaStorageError {
                logger.error("a transaction's offsets cannot be written", metadata: ["error": "\(error)", "reason": "\(reason ?? "")"])
            }
            completion(error == .kafkaStorageError ? .coordinatorNotAvailable : error)
        }
    }

    /// The producer's transaction has ended, and the end is durable in the offsets' partition. On the loop.
    func endTransaction(_ producerID: Int64, _ kind: ControlRecord.Kind) {
        guard let pending = state.value.pendingOffsets.removeValue(forKey: producerID), kind == .commit else { return }
        apply(pending.map { ($0.key, Optional($0.value)) })
    }

    /// Whether an open transaction has committed this offset (KIP-447: who must have a stable one asks again).
    func isPending(_ key: OffsetsRecord.Key) -> Bool {
        state.value.pendingOffsets.values.contains { $0[key] != nil }
    }

    /// Takes out of open transactions what could no longer count: offsets of a topic that is gone, or of a group that is deleted.
    func forgetPending(where isGone: (OffsetsRecord.Key) -> Bool) {
        for producer in state.value.pendingOffsets.keys {
            state.value.pendingOffsets[producer] = state.value.pendingOffsets[producer]?.filter { !isGone($0.key) }
        }
    }

    // MARK: OffsetDelete

    /// Takes back offsets in partitions of topics that no member of the group is subscribed to.
    func delete(_ request: OffsetDeleteRequest, _ reply: Reply<OffsetDeleteRequest>) {
        perform { coordinator in
            let offsets = coordinator.state.value.offsets[request.groupID]
            let group = coordinator.state.value.groups[request.groupID]
            guard group != nil || offsets != nil else { return reply.send(OffsetDeleteResponse(error: .groupIDNotFound)) }
            if let group, !group.isEmpty, group.protocolType != "consumer" {
                return reply.send(OffsetDeleteResponse(error: .nonEmptyGroup))
            }
            let subscribed = group?.subscribedTopics ?? []
            var response = OffsetDeleteResponse()
            var keys: [OffsetsRecord.Key] = []
            for topic in request.topics {
                var answers: [PartitionError] = []
                for index in topic.partitions {
                    if subscribed.contains(topic.name) {
                        answers.append(.init(index: index, error: .groupSubscribedToTopic))
                    } else {
                        let key = OffsetsRecord.Key(group: request.groupID, topic: topic.name, partition: index)
                        if offsets?[key] != nil { keys.append(key) }
                        answers.append(.init(index: index))
                    }
                }
                response.topics.append(.init(name: topic.name, partitions: answers))
            }
            let answer = response
            coordinator.write(keys.map { ($0, nil) }) { error in
                reply.send(error == .none ? answer : OffsetDeleteResponse(error: error))
            }
        }
    }
}

extension TxnOffsetCommitResponse {
    init(to request: TxnOffsetCommitRequest, _ error: ErrorCode) {
        topics = request.topics.map { topic in
            .init(name: topic.name, partitions: topic.partitions.map { .init(index: $0.index, error: error) })
        }
    }
}

extension Group {
    /// The topics that members of the consumer protocol name in their metadata: version, then names (ConsumerProtocolSubscription).
    var subscribedTopics: Set<String> {
        var topics: Set<String> = []
        for member in members.values {
            var decoder = WireDecoder(member.metadata(protocolName ?? ""), version: 0, flexible: false)
            var version: Int16 = 0
            var names: [String] = []
            if (try? decoder.code(&version)) != nil, (try? decoder.code(&names)) != nil { topics.formUnion(names) }
        }
        return topics
    }
}
