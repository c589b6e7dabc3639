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
        /// How many appended commits of a key are not applied yet.
        var inFlight: [OffsetsRecord.Key: Int] = [:]
        /// What open transactions have committed, by producer: it counts when they end.
        var pendingOffsets: [Int64: PendingOffsets] = [:]
    }

    let loop: any EventLoop
    let state: NIOLoopBoundBox<State>
    let node: UnownedNode
    let limits: Group.Limits
    let groupsMax: Int
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
            metadataBytesMax: values.bytes("broker.group.metadata.bytes.max"),
            initialRebalanceDelay: values.duration("broker.group.initial.rebalance.delay"))
        groupsMax = values.integer("broker.groups.max")
        logger = node.logger
        state = .makeBoxSendingValue(State(), eventLoop: loop)
    }

    var now: Duration { ContinuousClock.now - start }

    /// Whether a group that is not known yet, by members or by offsets, may come (`broker.groups.max`).
    func hasRoom(for id: String) -> Bool {
        state.value.groups[id] != nil || state.value.offsets[id] != nil
            || max(state.value.groups.count, state.value.offsets.count) < groupsMax
    }

    /// What a record of the offsets topic can hold: its texts have lengths of 16 bits.
    static func isValid(groupID: String) -> Bool { (1...Int(Int16.max)).contains(groupID.utf8.count) }

    func perform(_ body: @escaping @Sendable (GroupCoordinator) -> Void) {
        loop.execute { body(self) }
    }

    // MARK: Housekeeping

    /// Forgets offsets that nobody uses any more, and keeps the offsets topic short.
    func tidy() {
        perform { coordinator in
            coordinator.expireOffsets()
            coordinator.rewriteIfLong()
        }
    }
}
