import IO
import Testing

@testable import Cassandra

@Suite struct TokenRingTests {
    private func node(_ name: String, _ center: String, _ rack: String, _ tokens: [Int64]) -> TokenRing.Node {
        TokenRing.Node(endpoint: Endpoint(host: name, port: 9_042), dataCenter: center, rack: rack, tokens: tokens)
    }

    @Test func aTokenBelongsToTheNextNodeClockwise() {
        let ring = TokenRing(
            nodes: [node("a", "dc", "r", [0, 300]), node("b", "dc", "r", [100]), node("c", "dc", "r", [200])],
            replications: ["k": .simple(2)])
        func hosts(_ token: Int64) -> [String] { ring.replicas(token, keyspace: "k", localDataCenter: nil).map(\.endpoint.host) }
        #expect(hosts(0) == ["a", "b"])
        #expect(hosts(1) == ["b", "c"])
        #expect(hosts(200) == ["c", "a"])
        #expect(hosts(301) == ["a", "b"])
        #expect(hosts(.min) == ["a", "b"])
    }

    @Test func networkTopologySpreadsOverRacksOfEachCentre() {
        let ring = TokenRing(
            nodes: [
                node("a", "one", "r1", [0]), node("b", "one", "r1", [100]), node("c", "one", "r2", [200]), node("d", "two", "r1", [50]),
                node("e", "two", "r1", [150]),
            ],
            replications: [
                "k": .init(["class": "org.apache.cassandra.locator.NetworkTopologyStrategy", "one": "2", "two": "1", "gone": "3"])
            ])
        let replicas = ring.replicas(0, keyspace: "k", localDataCenter: "two").map(\.endpoint.host)
        // b is passed over: its rack has a replica, and r2 has none yet.
        #expect(replicas == ["d", "a", "c"])
    }

    @Test func moreReplicasThanNodesAreAllNodes() {
        let ring = TokenRing(
            nodes: [node("a", "dc", "r", [0]), node("b", "dc", "r", [1])], replications: ["k": .networkTopology(["dc": 5])])
        #expect(ring.replicas(7, keyspace: "k", localDataCenter: nil).count == 2)
    }
}
