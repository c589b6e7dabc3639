import NIOCore
import Testing

@testable import Kafka

/// The group's state machine with a clock in the test's hand.
struct GroupTests {
    private struct Driver {
        var group: Group
        var now = Duration.zero
        var tokens: Group.Token = 0
        var joins: [Group.Token: JoinGroupResponse] = [:]
        var syncs: [Group.Token: SyncGroupResponse] = [:]

        init(delay: Duration = .zero, membersMax: Int = 10) {
            group = Group(
                id: "g", limits: .init(sessionTimeout: .seconds(1) ... .seconds(60), membersMax: membersMax, initialRebalanceDelay: delay))
        }

        mutating func take(_ actions: [Group.Action]) {
            for action in actions {
                switch action {
                case .join(let token, let response): #expect(joins.updateValue(response, forKey: token) == nil, "answered twice")
                case .sync(let token, let response): #expect(syncs.updateValue(response, forKey: token) == nil, "answered twice")
                }
            }
        }

        mutating func join(_ id: String, instance: String? = nil, version: Int16 = 3, protocols: [String] = ["range"], new: String = "")
            -> Group.Token
        {
            tokens += 1
            let request = JoinGroupRequest(
                groupID: "g", sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 20_000, memberID: id, groupInstanceID: instance,
                protocolType: "consumer", protocols: protocols.map { .init(name: $0, metadata: ByteBuffer(string: $0)) })
            take(group.join(request, version: version, clientID: "c", clientHost: "h", newMemberID: new, token: tokens, now: now))
            return tokens
        }

        mutating func sync(_ id: String, generation: Int32, assignments: [String: String] = [:]) -> Group.Token {
            tokens += 1
            let request = SyncGroupRequest(
                groupID: "g", generation: generation, memberID: id,
                assignments: assignments.map { .init(memberID: $0.key, assignment: ByteBuffer(string: $0.value)) })
            take(group.sync(request, token: tokens, now: now))
            return tokens
        }

        mutating func heartbeat(_ id: String, _ generation: Int32, instance: String? = nil) -> ErrorCode {
            group.heartbeat(.init(groupID: "g", generation: generation, memberID: id, groupInstanceID: instance), now: now)
        }

        mutating func advance(_ duration: Duration) {
            now += duration
            take(group.tick(now: now))
        }

        /// Two members, a and b, in a stable generation 2.
        static func stable() -> Driver {
            var driver = Driver()
            _ = driver.join("", new: "a")
            _ = driver.join("", new: "b")
            _ = driver.join("a")
            _ = driver.sync("b", generation: 2)
            _ = driver.sync("a", generation: 2, assignments: ["a": "A", "b": "B"])
            return driver
        }
    }

    @Test func oneMemberJoinsSyncsAndIsStable() {
        var driver = Driver()
        let join = driver.join("", new: "a")
        #expect(driver.joins[join]?.generation == 1 && driver.joins[join]?.leader == "a")
        #expect(driver.joins[join]?.members.map(\.id) == ["a"])
        #expect(driver.group.state == .completingRebalance)
        let sync = driver.sync("a", generation: 1, assignments: ["a": "all"])
        #expect(driver.syncs[sync].map { String(buffer: $0.assignment) } == "all")
        #expect(driver.group.state == .stable)
        #expect(driver.heartbeat("a", 1) == .none)
        #expect(driver.heartbeat("a", 0) == .illegalGeneration)
        #expect(driver.heartbeat("x", 1) == .unknownMemberID)
    }

    @Test func aSecondMemberMakesTheFirstRejoinAndFollowersWaitForTheLeadersSync() {
        var driver = Driver()
        _ = driver.join("", new: "a")
        _ = driver.sync("a", generation: 1, assignments: ["a": "all"])
        let second = driver.join("", new: "b")
        #expect(driver.joins[second] == nil, "the join waits for the rebalance")
        #expect(driver.heartbeat("a", 1) == .rebalanceInProgress)
        let first = driver.join("a")
        #expect(driver.joins[first]?.generation == 2 && driver.joins[second]?.generation == 2)
        #expect(driver.joins[first]?.members.count == 2 && driver.joins[second]?.members.isEmpty == true)
        let follower = driver.sync("b", generation: 2)
        #expect(driver.syncs[follower] == nil)
        _ = driver.sync("a", generation: 2, assignments: ["a": "A", "b": "B"])
        #expect(driver.syncs[follower].map { String(buffer: $0.assignment) } == "B")
    }

    @Test func fromVersionFourANewMemberIsFirstGivenAnID() {
        var driver = Driver()
        let first = driver.join("", version: 4, new: "a")
        #expect(driver.joins[first]?.error == .memberIDRequired && driver.joins[first]?.memberID == "a")
        #expect(driver.group.members.isEmpty)
        let second = driver.join("a", version: 4)
        #expect(driver.joins[second]?.error == ErrorCode.none && driver.joins[second]?.generation == 1)
    }

    @Test func anIDThatIsNeverUsedIsForgotten() {
        var driver = Driver()
        _ = driver.join("", version: 4, new: "a")
        driver.advance(.seconds(10))
        #expect(driver.group.isEmpty && driver.group.nextDeadline == nil)
        let late = driver.join("a", version: 4)
        #expect(driver.joins[late]?.error == .unknownMemberID)
    }

    @Test func aSilentMemberIsRemovedWhenItsSessionEnds() {
        var driver = Driver.stable()
        driver.advance(.seconds(9))
        #expect(driver.heartbeat("a", 2) == .none)
        driver.advance(.seconds(1))
        #expect(driver.group.members["b"] == nil && driver.group.state == .preparingRebalance)
        #expect(driver.heartbeat("a", 2) == .rebalanceInProgress)
        let join = driver.join("a")
        #expect(driver.joins[join]?.generation == 3)
    }

    @Test func theRebalanceGoesOnWithoutThoseWhoDoNotRejoin() {
        var driver = Driver.stable()
        let join = driver.join("", new: "c")
        for _ in 0..<19 {
            driver.advance(.seconds(1))
            _ = driver.heartbeat("a", 2)
            _ = driver.heartbeat("b", 2)
        }
        #expect(driver.joins[join] == nil)
        driver.advance(.seconds(1))
        #expect(driver.joins[join]?.generation == 3 && driver.joins[join]?.leader == "c")
        #expect(driver.group.members.keys.sorted() == ["c"])
    }

    @Test func aLeaderThatNeverSyncsIsReplaced() {
        var driver = Driver()
        _ = driver.join("", new: "a")
        _ = driver.join("", new: "b")
        _ = driver.join("a")
        let follower = driver.sync("b", generation: 2)
        driver.advance(.seconds(10))
        #expect(driver.syncs[follower]?.error == .rebalanceInProgress)
        let join = driver.join("b")
        #expect(driver.joins[join]?.leader == "b" && driver.joins[join]?.generation == 3)
    }

    @Test func theLastMemberLeavingEmptiesTheGroup() {
        var driver = Driver.stable()
        for id in ["a", "b"] {
            let result = driver.group.leave(.init(id: id), now: driver.now)
            #expect(result.error == .none)
            driver.take(result.actions)
        }
        #expect(driver.group.state == .empty && driver.group.isEmpty && driver.group.nextDeadline == nil)
        #expect(driver.group.leave(.init(id: "a"), now: driver.now).error == .unknownMemberID)
    }

    @Test func aRestartedStaticMemberKeepsItsAssignmentAndFencesItsOldID() {
        var driver = Driver()
        _ = driver.join("", instance: "i", version: 5, new: "a1")
        _ = driver.sync("a1", generation: 1, assignments: ["a1": "all"])
        let again = driver.join("", instance: "i", version: 5, new: "a2")
        #expect(driver.joins[again]?.generation == 1 && driver.joins[again]?.leader == "a2", "no rebalance")
        #expect(driver.group.state == .stable)
        #expect(driver.heartbeat("a1", 1, instance: "i") == .fencedInstanceID)
        let sync = driver.sync("a2", generation: 1)
        #expect(driver.syncs[sync].map { String(buffer: $0.assignment) } == "all")
    }

    @Test func anEmptyGroupWaitsALittleForFurtherMembers() {
        var driver = Driver(delay: .milliseconds(50))
        let first = driver.join("", new: "a")
        let second = driver.join("", new: "b")
        #expect(driver.joins.isEmpty && driver.group.nextDeadline == .milliseconds(50))
        driver.advance(.milliseconds(50))
        #expect(driver.joins[first]?.generation == 1 && driver.joins[second]?.generation == 1)
    }

    @Test func membersThatShareNoProtocolAreRefusedAndTheSharedOneIsChosen() {
        var driver = Driver()
        _ = driver.join("", protocols: ["range", "sticky"], new: "a")
        let stranger = driver.join("", protocols: ["other"], new: "b")
        #expect(driver.joins[stranger]?.error == .inconsistentGroupProtocol)
        let friend = driver.join("", protocols: ["sticky"], new: "c")
        _ = driver.join("a", protocols: ["range", "sticky"])
        #expect(driver.joins[friend]?.protocolName == "sticky")
    }

    @Test func sizeAndSessionAreBounded() {
        var driver = Driver(membersMax: 1)
        _ = driver.join("", new: "a")
        let second = driver.join("", new: "b")
        #expect(driver.joins[second]?.error == .groupMaxSizeReached)
        let request = JoinGroupRequest(
            groupID: "g", sessionTimeoutMs: 10, memberID: "a", protocolType: "consumer", protocols: [.init(name: "range")])
        driver.take(driver.group.join(request, version: 3, clientID: "", clientHost: "", newMemberID: "", token: 99, now: .zero))
        #expect(driver.joins[99]?.error == .invalidSessionTimeout)
    }

    @Test func commitsAreCheckedAgainstTheGeneration() {
        var driver = Driver.stable()
        #expect(driver.group.checkCommit(.init(groupID: "g", generation: 2, memberID: "a"), now: .zero) == .none)
        #expect(driver.group.checkCommit(.init(groupID: "g", generation: 1, memberID: "a"), now: .zero) == .illegalGeneration)
        #expect(driver.group.checkCommit(.init(groupID: "g", generation: -1), now: .zero) == .unknownMemberID)
        var empty = Group(id: "e", limits: .init())
        #expect(empty.checkCommit(.init(groupID: "e", generation: -1), now: .zero) == .none)
    }
}
