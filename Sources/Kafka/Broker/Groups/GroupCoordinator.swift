internal import IO
internal import Logging
internal import NIOCore

/// Drives the groups: one event loop owns all of them, keeps their time, sends the answers that they give, and writes committed
/// offsets to `__consumer_offsets`, from which they are read again at start.
final class GroupCoordinator: Sendable {
    enum Owed {
        case join(Reply<JoinGroupRequest>)
        case sync(Reply<SyncGroupRequest>)
    }

    struct State {
        var groups: [String: Group] = [:]
        var offsets: [String: [OffsetsRecord.Key: OffsetsRecord.Value]] = [:]
        var owed: [Group.Token: Owed] = [:]
        var tokens: Group.Token = 0
        var timers: [String: Scheduled<Void>] = [:]
        var isRewriting = false
        var waitingForTopic: [@Sendable (ErrorCode) -> Void] = []
        /// What open transactions have committed, by producer: it counts when they end.
        var pendingOffsets: [Int64: PendingOffsets] = [:]
    }

    let loop: any EventLoop
    let state: NIOLoopBoundBox<State>
    let node: UnownedNode
    private let limits: Group.Limits
    private let groupsMax: Int
    private let start = ContinuousClock.now
    let logger: Logger

    /// The node owns the coordinator and outlives it.
    struct UnownedNode: @unchecked Sendable {
        // `@unchecked`: an unowned reference to a Sendable class; the node holds the coordinator for its own lifetime.
        unowned let node: BrokerNode
    }

    init(node: BrokerNode, loop: any EventLoop) {
        self.loop = loop
        self.node = UnownedNode(node: node)
        let values = node.configuration.values
        let shortest = values.duration("broker.group.session.timeout.min")
        limits = Group.Limits(
            sessionTimeout: shortest...max(shortest, values.duration("broker.group.session.timeout.max")),
            membersMax: values.integer("broker.group.members.max"),
            initialRebalanceDelay: values.duration("broker.group.initial.rebalance.delay"))
        groupsMax = values.integer("broker.groups.max")
        logger = node.logger
        state = .makeBoxSendingValue(State(), eventLoop: loop)
    }

    var now: Duration { ContinuousClock.now - start }

    func perform(_ body: @escaping @Sendable (GroupCoordinator) -> Void) {
        loop.execute { body(self) }
    }

    // MARK: Membership

    func join(_ request: JoinGroupRequest, _ header: RequestHeader, clientHost: String, _ reply: Reply<JoinGroupRequest>) {
        // Slices of the connection's buffer must not leave its event loop.
        var request = request
        for index in request.protocols.indices {
            request.protocols[index].metadata = ByteBuffer(bytes: request.protocols[index].metadata.readableBytesView)
        }
        let copied = request
        perform { coordinator in
            guard !copied.groupID.isEmpty else { return reply.send(JoinGroupResponse(error: .invalidGroupID, memberID: copied.memberID)) }
            if coordinator.state.value.groups[copied.groupID] == nil {
                guard coordinator.state.value.groups.count < coordinator.groupsMax else {
                    return reply.send(JoinGroupResponse(error: .groupMaxSizeReached, memberID: copied.memberID))
                }
                coordinator.state.value.groups[copied.groupID] = Group(id: copied.groupID, limits: coordinator.limits)
            }
            let token = coordinator.owe(.join(reply))
            let name = copied.groupInstanceID ?? header.clientID ?? "member"
            coordinator.change(copied.groupID) { group, now in
                group.join(
                    copied, version: reply.version, clientID: header.clientID ?? "", clientHost: clientHost,
                    newMemberID: "\(name.prefix(200))-\(TopicID.random().hexadecimal)", token: token, now: now)
            }
        }
    }

    func sync(_ request: SyncGroupRequest, _ reply: Reply<SyncGroupRequest>) {
        var request = request
        for index in request.assignments.indices {
            request.assignments[index].assignment = ByteBuffer(bytes: request.assignments[index].assignment.readableBytesView)
        }
        let copied = request
        perform { coordinator in
            guard coordinator.state.value.groups[copied.groupID] != nil else {
                return reply.send(SyncGroupResponse(error: .unknownMemberID))
            }
            let token = coordinator.owe(.sync(reply))
            coordinator.change(copied.groupID) { group, now in group.sync(copied, token: token, now: now) }
        }
    }

    func heartbeat(_ request: HeartbeatRequest, _ reply: Reply<HeartbeatRequest>) {
        perform { coordinator in
            let error = coordinator.state.value.groups[request.groupID]?.heartbeat(request, now: coordinator.now) ?? .unknownMemberID
            reply.send(HeartbeatResponse(error: error))
        }
    }

    func leave(_ request: LeaveGroupRequest, _ reply: Reply<LeaveGroupRequest>) {
        perform { coordinator in
            var response = LeaveGroupResponse()
            for member in request.members {
                var error = ErrorCode.unknownMemberID
                if coordinator.state.value.groups[request.groupID] != nil {
                    coordinator.change(request.groupID) { group, now in
                        let result = group.leave(member, now: now)
                        error = result.error
                        return result.actions
                    }
                }
                response.members.append(.init(id: member.id, groupInstanceID: member.groupInstanceID, error: error))
            }
            if reply.version < 3 { response.error = response.members.first?.error ?? .none }
            reply.send(response)
        }
    }

    private func owe(_ owed: Owed) -> Group.Token {
        state.value.tokens += 1
        state.value.owed[state.value.tokens] = owed
        return state.value.tokens
    }

    private func change(_ id: String, _ body: (inout Group, Duration) -> [Group.Action]) {
        guard var group = state.value.groups[id] else { return }
        // Taken out, so that the change does not copy it.
        state.value.groups[id] = nil
        let before = (group.state, group.generation)
        let actions = body(&group, now)
        if (group.state, group.generation) != before {
            logger.debug(
                "a group changed",
                metadata: [
                    "group": "\(id)", "state": "\(group.state.rawValue)", "generation": "\(group.generation)",
                    "members": "\(group.members.count)",
                ])
        }
        // A group that has neither members nor offsets is nothing.
        let isForgotten = group.isEmpty && state.value.offsets[id] == nil
        state.value.groups[id] = isForgotten ? nil : group
        state.value.timers.removeValue(forKey: id)?.cancel()
        if let deadline = group.nextDeadline {
            let delay = TimeAmount.nanoseconds(max(1_000_000, Int64((deadline - now) / .nanoseconds(1))))
            state.value.timers[id] = loop.scheduleTask(in: delay) { [weak self] in
                self?.change(id) { group, now in group.tick(now: now) }
            }
        }
        for action in actions {
            switch action {
            case .join(let token, let response):
                if case .join(let reply)? = state.value.owed.removeValue(forKey: token) { reply.send(response) }
            case .sync(let token, let response):
                if case .sync(let reply)? = state.value.owed.removeValue(forKey: token) { reply.send(response) }
            }
        }
    }

    // MARK: Looking

    func list(_ request: ListGroupsRequest, _ reply: Reply<ListGroupsRequest>) {
        perform { coordinator in
            let states = Set(request.states.map { $0.lowercased() })
            let isOtherType = !request.types.isEmpty && !request.types.contains { $0.lowercased() == "classic" }
            var response = ListGroupsResponse()
            for id in coordinator.groupIDs where !isOtherType {
                let group = coordinator.state.value.groups[id]
                let name = (group?.state ?? .empty).rawValue
                guard states.isEmpty || states.contains(name.lowercased()) else { continue }
                response.groups.append(.init(id: id, protocolType: group?.protocolType ?? "", state: name))
            }
            reply.send(response)
        }
    }

    private var groupIDs: [String] { Set(state.value.groups.keys).union(state.value.offsets.keys).sorted() }

    func describe(_ request: DescribeGroupsRequest, _ reply: Reply<DescribeGroupsRequest>) {
        perform { coordinator in
            var response = DescribeGroupsResponse()
            for id in request.groups {
                guard let group = coordinator.state.value.groups[id] else {
                    let isKnown = coordinator.state.value.offsets[id] != nil
                    var described = DescribeGroupsResponse.Group(id: id, state: isKnown ? Group.State.empty.rawValue : "Dead")
                    if !isKnown, reply.version >= 6 {
                        described.error = .groupIDNotFound
                        described.errorMessage = "there is no group '\(id)'"
                    }
                    response.groups.append(described)
                    continue
                }
                response.groups.append(
                    .init(
                        id: id, state: group.state.rawValue, protocolType: group.protocolType ?? "", protocolName: group.protocolName ?? "",
                        members: group.orderedMembers.map {
                            .init(
                                id: $0.id, groupInstanceID: $0.instanceID, clientID: $0.clientID, clientHost: "/" + $0.clientHost,
                                metadata: $0.metadata(group.protocolName ?? ""), assignment: $0.assignment)
                        }))
            }
            reply.send(response)
        }
    }

    func delete(_ request: DeleteGroupsRequest, _ reply: Reply<DeleteGroupsRequest>) {
        perform { coordinator in
            var response = DeleteGroupsResponse()
            var keys: [OffsetsRecord.Key] = []
            for id in request.groups {
                var error = ErrorCode.none
                if let group = coordinator.state.value.groups[id], !group.isEmpty {
                    error = .nonEmptyGroup
                } else if coordinator.state.value.groups[id] == nil, coordinator.state.value.offsets[id] == nil {
                    error = .groupIDNotFound
                } else {
                    keys += coordinator.state.value.offsets[id].map { Array($0.keys) } ?? []
                    coordinator.state.value.groups[id] = nil
                    coordinator.state.value.timers.removeValue(forKey: id)?.cancel()
                }
                response.results.append(.init(groupID: id, error: error))
            }
            let answer = response
            coordinator.write(keys.map { ($0, nil) }) { error in
                var answer = answer
                if error != .none {
                    for index in answer.results.indices where answer.results[index].error == .none { answer.results[index].error = error }
                }
                reply.send(answer)
            }
        }
    }

    // MARK: Offsets

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

    /// Reads the offsets topic. Blocks: before the listeners open.
    func replay() throws {
        guard let partition = node.node.topics.partition(Topic.offsetsName, 0) else { return }
        var replayed = ReplayedOffsets()
        var next = partition.offsets.start
        while next < partition.offsets.highWatermark,
            case .cold(let read)? = partition.view(from: next, maxBytes: 1 << 20, hotBytes: -1)?.location
        {
            let bytes = try read.perform(allocator: ByteBufferAllocator())
            guard bytes.readableBytes > 0 else { break }
            next = try replayed.read(bytes, from: next)
        }
        let read = replayed
        loop.execute {
            self.state.value.offsets = read.offsets
            self.state.value.pendingOffsets = read.pending
        }
    }

    // MARK: Housekeeping

    /// Forgets offsets that nobody uses any more, and keeps the offsets topic short.
    func tidy() {
        perform { coordinator in
            coordinator.expireOffsets()
            coordinator.rewriteIfLong()
        }
    }

    /// A deleted topic's offsets would otherwise be taken for those of a later topic of its name.
    func forget(topic: String) {
        perform { coordinator in
            let keys = coordinator.state.value.offsets.values.flatMap { $0.keys.filter { $0.topic == topic } }
            coordinator.forgetPending(topic: topic)
            coordinator.write(keys.map { ($0, nil) }) { _ in }
        }
    }

    private func expireOffsets() {
        let oldest = WallClock.nowMs - Int64(node.node.configuration.values.duration("broker.offsets.retention").inMilliseconds)
        var expired: [OffsetsRecord.Key] = []
        for (id, offsets) in state.value.offsets where state.value.groups[id]?.isEmpty ?? true {
            expired += offsets.filter { $0.value.commitTimestamp < oldest }.keys
        }
        write(expired.map { ($0, nil) }) { _ in }
    }

    /// Once more than one segment is full: writes all current offsets into a new segment, and deletes the older ones when that is
    /// committed. This is the compaction of this one topic.
    private func rewriteIfLong() {
        guard !state.value.isRewriting, let partition = node.node.topics.partition(Topic.offsetsName, 0), partition.segmentCount > 1
        else { return }
        let end: Int64
        do throws(FileError) {
            end = try partition.roll()
        } catch {
            return logger.error("\(Topic.offsetsName) cannot be rolled", metadata: ["error": "\(error)"])
        }
        state.value.isRewriting = true
        // This record commits nothing. When it is acknowledged, so is all that was appended before the roll: acknowledgements come
        // in the order of the appends, and only then does the copy below hold everything that the older segments hold.
        write([(.init(group: "", topic: "", partition: -1), nil)]) { [weak self] error in
            guard let self else { return }
            self.perform { coordinator in
                // A copy holds no offsets of open transactions, so that what they have written must stay: another time then.
                guard error == .none, coordinator.state.value.pendingOffsets.isEmpty else {
                    return coordinator.state.value.isRewriting = false
                }
                coordinator.rewrite(partition, before: end)
            }
        }
    }

    private func rewrite(_ partition: Partition, before end: Int64) {
        let all = state.value.offsets.values.flatMap { $0.map { ($0.key, Optional($0.value)) } }
        let chunks = stride(from: 0, to: all.count, by: 1_000).map { Array(all[$0..<min(all.count, $0 + 1_000)]) }
        let finish: @Sendable (ErrorCode) -> Void = { [weak self] error in
            guard let self else { return }
            self.perform { coordinator in
                coordinator.state.value.isRewriting = false
                if error == .none { coordinator.node.node.administer { partition.removeSegments(before: end) } }
            }
        }
        guard let last = chunks.last else { return finish(.none) }
        for chunk in chunks.dropLast() { write(chunk) { _ in } }
        write(last, finish)
    }
}

/// Passes one acknowledgement on.
final class OffsetsReceiver: AckReceiver {
    private let body: @Sendable (ErrorCode) -> Void
    init(_ body: @escaping @Sendable (ErrorCode) -> Void) { self.body = body }
    func acknowledged(_ index: Int, _ error: ErrorCode) { body(error) }
}
