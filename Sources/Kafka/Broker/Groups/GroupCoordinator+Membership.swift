internal import IO
internal import Logging
internal import NIOCore

/// Joining, staying in and leaving groups.
extension GroupCoordinator {
    func join(_ request: JoinGroupRequest, _ header: RequestHeader, clientHost: String, _ reply: Reply<JoinGroupRequest>) {
        // Slices of the connection's buffer must not leave its event loop.
        var request = request
        for index in request.protocols.indices {
            request.protocols[index].metadata = ByteBuffer(bytes: request.protocols[index].metadata.readableBytesView)
        }
        let copied = request
        perform { coordinator in
            guard Self.isValid(groupID: copied.groupID) else {
                return reply.send(JoinGroupResponse(error: .invalidGroupID, memberID: copied.memberID))
            }
            if coordinator.state.value.groups[copied.groupID] == nil {
                guard coordinator.hasRoom(for: copied.groupID) else {
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
}
