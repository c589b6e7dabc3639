internal import NIOCore

/// What groups there are, and their deletion.
extension GroupCoordinator {
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
                    coordinator.forgetPending { $0.group == id }
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
}
