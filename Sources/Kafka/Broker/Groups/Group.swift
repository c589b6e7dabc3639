internal import NIOCore

/// One consumer group of the classic protocol, as a value: each request and each passing of time is a function that changes it and
/// returns what is to be answered. It knows no clock, no socket and no log; `now` is a time since some start that the caller gives.
///
///     Empty ──join──► PreparingRebalance ──all have joined, or time is up──► CompletingRebalance ──leader's sync──► Stable
///       ▲                  ▲    │ nobody is left                                   │ join, leave, session over        │
///       └──────────────────┼────┘                                                  └──────────────────────────────────┤
///                          └────────────────────────────────────────────────────────────────────────────────────────────┘
///
/// Names and rules are those of Kafka's group membership protocol, with static members (KIP-345) and MEMBER_ID_REQUIRED (KIP-394).
struct Group: Sendable {
    enum State: String, Sendable {
        case empty = "Empty"
        case preparingRebalance = "PreparingRebalance"
        case completingRebalance = "CompletingRebalance"
        case stable = "Stable"
    }

    /// Names an answer that is owed: the caller keeps what it needs to send it under this number.
    typealias Token = UInt64

    enum Action: Sendable {
        case join(Token, JoinGroupResponse)
        case sync(Token, SyncGroupResponse)
    }

    struct Limits: Sendable {
        var sessionTimeout: ClosedRange<Duration> = .seconds(1) ... .seconds(1_800)
        var membersMax = 1_000
        /// Bytes that a member says of itself, in all its protocols together.
        var metadataBytesMax = 1 << 20
        var initialRebalanceDelay = Duration.milliseconds(50)
    }

    struct Member: Sendable {
        var id: String
        var instanceID: String?
        var clientID: String
        var clientHost: String
        var sessionTimeout: Duration
        var rebalanceTimeout: Duration
        var protocols: [(name: String, metadata: ByteBuffer)]
        var assignment = ByteBuffer()
        var joining: Token?
        var syncing: Token?
        var sessionDeadline: Duration
        /// The order in which members came; the first is the leader.
        var number: Int

        func metadata(_ name: String) -> ByteBuffer { protocols.first { $0.name == name }?.metadata ?? ByteBuffer() }
    }

    let id: String
    let limits: Limits
    private(set) var state = State.empty
    private(set) var generation: Int32 = 0
    private(set) var protocolType: String?
    private(set) var protocolName: String?
    private(set) var leader: String?
    private(set) var members: [String: Member] = [:]
    private var instances: [String: String] = [:]
    /// Ids that were given out with MEMBER_ID_REQUIRED and have not come back yet, with the time until which they are kept.
    private var pending: [String: Duration] = [:]
    /// When the rebalance goes on without those who have not come; in CompletingRebalance, when those who have not synced go.
    private var rebalanceDeadline: Duration?
    /// A first generation waits until then for further members.
    private var initialDelayEnd: Duration?
    private var membersSeen = 0

    init(id: String, limits: Limits) {
        self.id = id
        self.limits = limits
    }

    var isEmpty: Bool { members.isEmpty && pending.isEmpty }
    /// Members in the order in which they came.
    var orderedMembers: [Member] { members.values.sorted { $0.number < $1.number } }

    /// When ``tick(now:)`` has something to do next.
    var nextDeadline: Duration? {
        var deadlines = pending.values.map { $0 }
        if let rebalanceDeadline { deadlines.append(rebalanceDeadline) }
        if let initialDelayEnd { deadlines.append(initialDelayEnd) }
        for member in members.values where member.joining == nil && member.syncing == nil { deadlines.append(member.sessionDeadline) }
        return deadlines.min()
    }

    // MARK: Join

    /// - Parameter newMemberID: an id that no member has, used when a new one enters.
    mutating func join(
        _ request: JoinGroupRequest, version: Int16, clientID: String, clientHost: String, newMemberID: String, token: Token, now: Duration
    ) -> [Action] {
        func refuse(_ error: ErrorCode, memberID: String? = nil) -> [Action] {
            [.join(token, JoinGroupResponse(error: error, memberID: memberID ?? request.memberID))]
        }
        let sessionTimeout = Duration.milliseconds(Int64(request.sessionTimeoutMs))
        guard limits.sessionTimeout.contains(sessionTimeout) else { return refuse(.invalidSessionTimeout) }
        guard !request.protocols.isEmpty, !request.protocolType.isEmpty, accepts(request) else { return refuse(.inconsistentGroupProtocol) }
        guard isWithinBounds(request) else { return refuse(.invalidRequest) }
        let isKnown = members[request.memberID] != nil
        let replaced = request.groupInstanceID.flatMap { instances[$0] }
        if !isKnown, replaced == nil, members.count + pending.count >= limits.membersMax, pending[request.memberID] == nil {
            return refuse(.groupMaxSizeReached)
        }
        if request.memberID.isEmpty {
            if let instance = request.groupInstanceID {
                if let replaced { return replace(replaced, by: newMemberID, instance, request, token, now) }
                return enter(newMemberID, request, clientID, clientHost, token, now)
            }
            if version >= 4 {
                pending[newMemberID] = now + sessionTimeout
                return refuse(.memberIDRequired, memberID: newMemberID)
            }
            return enter(newMemberID, request, clientID, clientHost, token, now)
        }
        if pending.removeValue(forKey: request.memberID) != nil {
            return enter(request.memberID, request, clientID, clientHost, token, now)
        }
        if let replaced, replaced != request.memberID { return refuse(.fencedInstanceID) }
        guard isKnown else { return refuse(.unknownMemberID) }
        return rejoin(request, token, now)
    }

    private func isWithinBounds(_ request: JoinGroupRequest) -> Bool {
        request.protocols.reduce(0) { $0 + $1.metadata.readableBytes + $1.name.utf8.count } <= limits.metadataBytesMax
    }

    /// All members share the type and at least one protocol.
    private func accepts(_ request: JoinGroupRequest) -> Bool {
        let others = members.values.filter {
            $0.id != request.memberID && ($0.instanceID == nil || $0.instanceID != request.groupInstanceID)
        }
        guard !others.isEmpty else { return true }
        guard request.protocolType == protocolType else { return false }
        return request.protocols.contains { offered in others.allSatisfy { $0.protocols.contains { $0.name == offered.name } } }
    }

    private mutating func enter(
        _ memberID: String, _ request: JoinGroupRequest, _ clientID: String, _ clientHost: String, _ token: Token, _ now: Duration
    ) -> [Action] {
        membersSeen += 1
        let session = Duration.milliseconds(Int64(request.sessionTimeoutMs))
        let member = Member(
            id: memberID, instanceID: request.groupInstanceID, clientID: clientID, clientHost: clientHost, sessionTimeout: session,
            rebalanceTimeout: Self.rebalanceTimeout(request), protocols: Self.protocols(request), joining: token,
            sessionDeadline: now + session, number: membersSeen)
        let wasEmpty = members.isEmpty
        members[memberID] = member
        if let instance = request.groupInstanceID { instances[instance] = memberID }
        protocolType = request.protocolType
        if wasEmpty, state != .preparingRebalance { initialDelayEnd = now + limits.initialRebalanceDelay }
        return prepareRebalance(now)
    }

    /// A static member came back under a new id (it was restarted): the old id is fenced, the assignment stays with the instance.
    private mutating func replace(
        _ old: String, by memberID: String, _ instance: String, _ request: JoinGroupRequest, _ token: Token, _ now: Duration
    ) -> [Action] {
        guard var member = members.removeValue(forKey: old) else { return [] }
        var actions: [Action] = []
        if let joining = member.joining { actions.append(.join(joining, JoinGroupResponse(error: .fencedInstanceID, memberID: old))) }
        if let syncing = member.syncing { actions.append(.sync(syncing, SyncGroupResponse(error: .fencedInstanceID))) }
        let isUnchanged = Self.same(member.protocols, request)
        member.id = memberID
        member.protocols = Self.protocols(request)
        member.sessionTimeout = .milliseconds(Int64(request.sessionTimeoutMs))
        member.rebalanceTimeout = Self.rebalanceTimeout(request)
        member.sessionDeadline = now + member.sessionTimeout
        member.joining = nil
        member.syncing = nil
        members[memberID] = member
        instances[instance] = memberID
        let wasLeader = leader == old
        if wasLeader { leader = memberID }
        if state == .stable, isUnchanged {
            actions.append(.join(token, answer(to: memberID, skipsAssignment: wasLeader)))
            return actions
        }
        members[memberID]?.joining = token
        return actions + prepareRebalance(now)
    }

    private mutating func rejoin(_ request: JoinGroupRequest, _ token: Token, _ now: Duration) -> [Action] {
        guard var member = members[request.memberID] else { return [] }
        var actions: [Action] = []
        if let earlier = member.joining {
            // A client that asks again does not wait for its first answer any more.
            actions.append(.join(earlier, JoinGroupResponse(error: .rebalanceInProgress, memberID: member.id)))
            member.joining = nil
        }
        let isUnchanged = Self.same(member.protocols, request)
        member.protocols = Self.protocols(request)
        member.sessionTimeout = .milliseconds(Int64(request.sessionTimeoutMs))
        member.rebalanceTimeout = Self.rebalanceTimeout(request)
        member.sessionDeadline = now + member.sessionTimeout
        members[member.id] = member
        switch state {
        case .completingRebalance where isUnchanged:
            // The answer to its join was lost.
            return actions + [.join(token, answer(to: member.id))]
        case .stable where isUnchanged && member.id != leader:
            return actions + [.join(token, answer(to: member.id))]
        case .empty, .preparingRebalance, .completingRebalance, .stable:
            members[member.id]?.joining = token
            return actions + prepareRebalance(now)
        }
    }

    private static func rebalanceTimeout(_ request: JoinGroupRequest) -> Duration {
        .milliseconds(Int64(request.rebalanceTimeoutMs > 0 ? request.rebalanceTimeoutMs : request.sessionTimeoutMs))
    }

    /// Copies, since the request's bytes are slices of the buffer that the socket is read into.
    private static func protocols(_ request: JoinGroupRequest) -> [(name: String, metadata: ByteBuffer)] {
        request.protocols.map { ($0.name, ByteBuffer(bytes: $0.metadata.readableBytesView)) }
    }

    private static func same(_ protocols: [(name: String, metadata: ByteBuffer)], _ request: JoinGroupRequest) -> Bool {
        protocols.count == request.protocols.count
            && zip(protocols, request.protocols).allSatisfy { $0.name == $1.name && $0.metadata == $1.metadata }
    }

    // MARK: Rebalance

    private mutating func prepareRebalance(_ now: Duration) -> [Action] {
        var actions: [Action] = []
        if state != .preparingRebalance {
            for id in members.keys {
                if let token = members[id]?.syncing {
                    members[id]?.syncing = nil
                    extendSession(id, now)
                    actions.append(.sync(token, SyncGroupResponse(error: .rebalanceInProgress)))
                }
            }
            state = .preparingRebalance
            rebalanceDeadline = now + (members.values.map(\.rebalanceTimeout).max() ?? .zero)
        }
        return actions + completeIfAllJoined(now)
    }

    private mutating func completeIfAllJoined(_ now: Duration) -> [Action] {
        guard state == .preparingRebalance, pending.isEmpty, members.values.allSatisfy({ $0.joining != nil }) else { return [] }
        if let end = initialDelayEnd, now < end, !members.isEmpty { return [] }
        return complete(now)
    }

    /// Begins the next generation with the members that have joined.
    private mutating func complete(_ now: Duration) -> [Action] {
        initialDelayEnd = nil
        for member in members.values where member.joining == nil && member.instanceID == nil { remove(member.id) }
        generation = generation == .max ? 1 : generation + 1
        guard !members.isEmpty else {
            state = .empty
            rebalanceDeadline = nil
            protocolName = nil
            leader = nil
            return []
        }
        let ordered = orderedMembers
        protocolName = choose(ordered)
        if leader.flatMap({ members[$0] })?.joining == nil { leader = (ordered.first { $0.joining != nil } ?? ordered[0]).id }
        state = .completingRebalance
        rebalanceDeadline = now + (members.values.map(\.rebalanceTimeout).max() ?? .zero)
        var actions: [Action] = []
        for member in ordered {
            members[member.id]?.assignment = ByteBuffer()
            members[member.id]?.sessionDeadline = now + member.sessionTimeout
            guard let token = member.joining else { continue }
            members[member.id]?.joining = nil
            actions.append(.join(token, answer(to: member.id)))
        }
        return actions
    }

    /// The protocol that all have, by most first choices among those.
    private func choose(_ ordered: [Member]) -> String? {
        guard let first = ordered.first else { return nil }
        let shared = first.protocols.map(\.name).filter { name in ordered.allSatisfy { $0.protocols.contains { $0.name == name } } }
        var votes: [String: Int] = [:]
        for member in ordered {
            if let choice = member.protocols.first(where: { shared.contains($0.name) }) { votes[choice.name, default: 0] += 1 }
        }
        return shared.max { votes[$0, default: 0] < votes[$1, default: 0] }
    }

    private func answer(to memberID: String, skipsAssignment: Bool = false) -> JoinGroupResponse {
        var response = JoinGroupResponse(
            generation: generation, protocolType: protocolType, protocolName: protocolName, leader: leader ?? "",
            skipAssignment: skipsAssignment, memberID: memberID)
        if memberID == leader {
            response.members = orderedMembers.map {
                .init(id: $0.id, groupInstanceID: $0.instanceID, metadata: $0.metadata(protocolName ?? ""))
            }
        }
        return response
    }

    private mutating func remove(_ memberID: String) {
        guard let member = members.removeValue(forKey: memberID) else { return }
        if let instance = member.instanceID { instances[instance] = nil }
        if leader == memberID { leader = nil }
    }

    private mutating func extendSession(_ memberID: String, _ now: Duration) {
        guard let timeout = members[memberID]?.sessionTimeout else { return }
        members[memberID]?.sessionDeadline = now + timeout
    }

    // MARK: Sync, heartbeat, leave

    private func check(_ memberID: String, _ instanceID: String?, _ generation: Int32) -> ErrorCode {
        if let instanceID, let holder = instances[instanceID], holder != memberID { return .fencedInstanceID }
        guard members[memberID] != nil else { return .unknownMemberID }
        return generation == self.generation ? .none : .illegalGeneration
    }

    mutating func sync(_ request: SyncGroupRequest, token: Token, now: Duration) -> [Action] {
        func refuse(_ error: ErrorCode) -> [Action] { [.sync(token, SyncGroupResponse(error: error))] }
        let error = check(request.memberID, request.groupInstanceID, request.generation)
        guard error == .none else { return refuse(error) }
        if let type = request.protocolType, type != protocolType { return refuse(.inconsistentGroupProtocol) }
        if let name = request.protocolName, name != protocolName { return refuse(.inconsistentGroupProtocol) }
        extendSession(request.memberID, now)
        switch state {
        case .empty: return refuse(.unknownMemberID)
        case .preparingRebalance: return refuse(.rebalanceInProgress)
        case .stable: return [.sync(token, assignment(of: request.memberID))]
        case .completingRebalance:
            var actions: [Action] = []
            if let earlier = members[request.memberID]?.syncing {
                actions.append(.sync(earlier, SyncGroupResponse(error: .rebalanceInProgress)))
            }
            members[request.memberID]?.syncing = token
            guard request.memberID == leader else { return actions }
            for part in request.assignments {
                members[part.memberID]?.assignment = ByteBuffer(bytes: part.assignment.readableBytesView)
            }
            state = .stable
            rebalanceDeadline = nil
            for member in orderedMembers {
                guard let token = member.syncing else { continue }
                members[member.id]?.syncing = nil
                members[member.id]?.sessionDeadline = now + member.sessionTimeout
                actions.append(.sync(token, assignment(of: member.id)))
            }
            return actions
        }
    }

    private func assignment(of memberID: String) -> SyncGroupResponse {
        SyncGroupResponse(protocolType: protocolType, protocolName: protocolName, assignment: members[memberID]?.assignment ?? ByteBuffer())
    }

    mutating func heartbeat(_ request: HeartbeatRequest, now: Duration) -> ErrorCode {
        let error = check(request.memberID, request.groupInstanceID, request.generation)
        guard error == .none else { return error }
        extendSession(request.memberID, now)
        return state == .preparingRebalance ? .rebalanceInProgress : .none
    }

    mutating func leave(_ member: LeaveGroupRequest.Member, now: Duration) -> (error: ErrorCode, actions: [Action]) {
        var id = member.id
        if let instance = member.groupInstanceID {
            guard let holder = instances[instance] else { return (.unknownMemberID, []) }
            guard id.isEmpty || id == holder else { return (.fencedInstanceID, []) }
            id = holder
        }
        if pending.removeValue(forKey: id) != nil { return (.none, completeIfAllJoined(now)) }
        guard members[id] != nil else { return (.unknownMemberID, []) }
        return (.none, depart([id], now))
    }

    /// Members go: what they wait for is answered, and the rest come together anew.
    private mutating func depart(_ ids: [String], _ now: Duration) -> [Action] {
        var actions: [Action] = []
        for id in ids {
            if let token = members[id]?.joining { actions.append(.join(token, JoinGroupResponse(error: .unknownMemberID, memberID: id))) }
            if let token = members[id]?.syncing { actions.append(.sync(token, SyncGroupResponse(error: .unknownMemberID))) }
            remove(id)
        }
        return actions + prepareRebalance(now)
    }

    /// Whether offsets may be committed under this identity.
    mutating func checkCommit(_ request: OffsetCommitRequest, now: Duration) -> ErrorCode {
        if request.generation < 0, request.memberID.isEmpty {
            // From outside the membership: a consumer that assigns itself, or a tool; not while members hold the group.
            return members.isEmpty ? .none : .unknownMemberID
        }
        let error = check(request.memberID, request.groupInstanceID, request.generation)
        guard error == .none else { return error }
        extendSession(request.memberID, now)
        return state == .completingRebalance ? .rebalanceInProgress : .none
    }

    // MARK: Time

    /// What has become due by `now`.
    mutating func tick(now: Duration) -> [Action] {
        pending = pending.filter { $0.value > now }
        var actions: [Action] = []
        let silent = members.values.filter { $0.joining == nil && $0.syncing == nil && $0.sessionDeadline <= now }.map(\.id)
        if !silent.isEmpty { actions += depart(silent, now) }
        if let deadline = rebalanceDeadline, deadline <= now {
            switch state {
            case .preparingRebalance:
                pending = [:]
                actions += complete(now)
            case .completingRebalance:
                // The leader's assignment has not come: begin again without those who did not sync.
                let missing = members.values.filter { $0.syncing == nil }.map(\.id)
                actions += depart(missing, now)
            case .empty, .stable:
                rebalanceDeadline = nil
            }
        }
        if let end = initialDelayEnd, end <= now { initialDelayEnd = nil }
        return actions + completeIfAllJoined(now)
    }
}
