import IO
import NIOCore
import Testing

@testable import Kafka

/// Requests of administrators' tools, over TCP.
struct AdministrationWireTests {
    private func withBroker(
        _ settings: [String: String] = [:], folder: TemporaryFolder = TemporaryFolder(),
        _ body: (Broker, WireClient, TemporaryFolder) async throws -> Void
    ) async throws {
        let broker = try await startBroker(folder, settings)
        let client = try await WireClient.connect(broker.endpoints[0])
        do {
            try await body(broker, client, folder)
        } catch {
            await broker.stop()
            throw error
        }
        await broker.stop()
    }

    private func delete(_ client: WireClient, _ topic: String, before offset: Int64) async throws -> DeleteRecordsResponse.Partition {
        try await client.send(DeleteRecordsRequest(topics: [.init(name: topic, partitions: [.init(index: 0, offset: offset)])]))
            .topics[0].partitions[0]
    }

    private func earliest(_ client: WireClient, _ topic: String) async throws -> Int64 {
        try await client.send(
            ListOffsetsRequest(topics: [.init(name: topic, partitions: [.init(timestamp: ListOffsetsRequest.earliest)])])
        ).topics[0].partitions[0].offset
    }

    @Test func deletedRecordsAreGoneAndStayGone() async throws {
        try await withBroker { _, client, folder in
            try await client.createTopic("t", configs: ["segment.bytes": "1024"])
            for number in 0..<30 { _ = try await client.produce("t", makeBatch(2, value: "v\(number)")) }
            #expect(try await delete(client, "t", before: 25).lowWatermark == 25)
            #expect(try await client.fetch("t", from: 24).error == .offsetOutOfRange)
            #expect(try await client.fetch("t", from: 25).logStartOffset == 25)
            #expect(try await earliest(client, "t") == 25)
            // Whole segments before it are unlinked.
            #expect(!TemporaryFolder.names(folder.path + "/t-0").contains("00000000000000000000.log"))
            #expect(try await delete(client, "t", before: 10).lowWatermark == 25)
            #expect(try await delete(client, "t", before: 61).error == .offsetOutOfRange)
            #expect(try await delete(client, "t", before: -5).error == .offsetOutOfRange)
            #expect(try await delete(client, "absent", before: 1).error == .unknownTopicOrPartition)
            try await withBroker(folder: folder.copy()) { (_: Broker, client: WireClient, _: TemporaryFolder) async throws -> Void in
                #expect(try await earliest(client, "t") == 25)
                #expect(try await delete(client, "t", before: DeleteRecordsRequest.all).lowWatermark == 60)
                #expect(try await earliest(client, "t") == 60)
                #expect(try await client.produce("t", makeBatch()).baseOffset == 60)
            }
        }
    }

    @Test func aTopicMadeAnewDoesNotInheritWhereTheOldOneBegan() async throws {
        let folder = TemporaryFolder()
        try await withBroker(folder: folder) { (_: Broker, client: WireClient, _: TemporaryFolder) async throws -> Void in
            try await client.createTopic("t")
            _ = try await client.produce("t", makeBatch(10))
            #expect(try await delete(client, "t", before: 7).lowWatermark == 7)
            _ = try await client.send(DeleteTopicsRequest(topics: [.init(name: "t")]))
            try await client.createTopic("t")
            _ = try await client.produce("t", makeBatch(10))
        }
        try await withBroker(folder: folder) { (_: Broker, client: WireClient, _: TemporaryFolder) async throws -> Void in
            #expect(try await earliest(client, "t") == 0)
        }
    }

    @Test func theOffsetOfTheLeadersEpochIsTheEndOfTheLog() async throws {
        try await withBroker { _, client, _ in
            try await client.createTopic("t")
            _ = try await client.produce("t", makeBatch(4))
            func ask(_ current: Int32, _ epoch: Int32) async throws -> OffsetForLeaderEpochResponse.Partition {
                try await client.send(
                    OffsetForLeaderEpochRequest(topics: [
                        .init(name: "t", partitions: [.init(index: 0, currentLeaderEpoch: current, leaderEpoch: epoch)])
                    ])
                ).topics[0].partitions[0]
            }
            #expect(try await ask(0, 0).endOffset == 4)
            #expect(try await ask(-1, 3).endOffset == -1)
            #expect(try await ask(2, 0).error == .unknownLeaderEpoch)
        }
    }

    private func configs(_ client: WireClient, _ topic: String) async throws -> [String: String] {
        let answer = try await client.send(DescribeConfigsRequest(resources: [.init(name: topic)]))
        return Dictionary(uniqueKeysWithValues: answer.results[0].configs.map { ($0.name, $0.value ?? "") })
    }

    @Test func configurationsAreChangedOneByOneOrAllAtOnceAndKept() async throws {
        let folder = TemporaryFolder()
        try await withBroker(folder: folder) { (_: Broker, client: WireClient, _: TemporaryFolder) async throws -> Void in
            try await client.createTopic("t", configs: ["retention.ms": "1000", "retention.bytes": "5"])
            func alter(_ configs: [IncrementalAlterConfigsRequest.Config], dry: Bool = false) async throws -> AlterConfigsResponse.Result {
                try await client.send(
                    IncrementalAlterConfigsRequest(resources: [.init(name: "t", configs: configs)], validateOnly: dry)
                ).results[0]
            }
            #expect(try await alter([.init(name: "max.message.bytes", operation: 0, value: "300")], dry: true).error == .none)
            #expect(try await configs(client, "t")["max.message.bytes"] == "1048588")
            let changes: [IncrementalAlterConfigsRequest.Config] = [
                .init(name: "max.message.bytes", operation: 0, value: "300"), .init(name: "retention.ms", operation: 1),
                .init(name: "cleanup.policy", operation: 3, value: "delete"), .init(name: "cleanup.policy", operation: 2, value: "compact"),
            ]
            #expect(try await alter(changes).error == .none)
            var now = try await configs(client, "t")
            #expect(now["max.message.bytes"] == "300" && now["retention.ms"] == "604800000" && now["retention.bytes"] == "5")
            #expect(now["cleanup.policy"] == "compact")
            #expect(try await client.produce("t", makeBatch(50)).error == .messageTooLarge, "it counts at once")
            let refused = try await alter([.init(name: "retention.ms", operation: 0, value: "soon")])
            #expect(refused.error == .invalidConfig && refused.errorMessage?.contains("retention.ms") == true)
            #expect(try await alter([.init(name: "odd.name", operation: 0, value: "1")]).error == .invalidConfig)
            #expect(try await alter([.init(name: "retention.ms", operation: 2, value: "1")]).error == .invalidConfig)
            let legacy = try await client.send(
                AlterConfigsRequest(resources: [.init(name: "t", configs: [.init(name: "segment.bytes", value: "4096")])]))
            #expect(legacy.results[0].error == .none)
            now = try await configs(client, "t")
            #expect(now["segment.bytes"] == "4096" && now["max.message.bytes"] == "1048588" && now["retention.bytes"] == "-1")
            let broker = try await client.send(
                IncrementalAlterConfigsRequest(resources: [.init(type: ConfigResource.broker, name: "1", configs: [])]))
            #expect(broker.results[0].error == .invalidRequest && broker.results[0].errorMessage?.contains("leat.yaml") == true)
        }
        try await withBroker(folder: folder) { (_: Broker, client: WireClient, _: TemporaryFolder) async throws -> Void in
            #expect(try await configs(client, "t")["segment.bytes"] == "4096")
        }
    }

    @Test func singleOffsetsOfAGroupAreTakenBack() async throws {
        try await withBroker { _, client, _ in
            try await client.createTopic("t", partitions: 2)
            let commit = OffsetCommitRequest(
                groupID: "g",
                topics: [.init(name: "t", partitions: [.init(index: 0, committedOffset: 3), .init(index: 1, committedOffset: 4)])])
            _ = try await client.send(commit)
            let answer = try await client.send(OffsetDeleteRequest(groupID: "g", topics: [.init(name: "t", partitions: [0])]))
            #expect(answer.error == .none && answer.topics[0].partitions[0].error == .none)
            let left = try await client.send(OffsetFetchRequest(groups: [.init(id: "g")]))
            #expect(left.groups[0].topics.flatMap { $0.partitions.map(\.index) } == [1])
            #expect(try await client.send(OffsetDeleteRequest(groupID: "absent")).error == .groupIDNotFound)
        }
    }

    @Test func aGroupsSubscriptionKeepsItsOffsets() {
        var metadata = ByteBuffer()
        metadata.writeMultipleIntegers(1 as Int16, 1 as Int32, 1 as Int16, UInt8(ascii: "t"))
        metadata.writeInteger(-1 as Int32)
        var group = Group(id: "g", limits: .init())
        _ = group.join(
            JoinGroupRequest(
                groupID: "g", sessionTimeoutMs: 10_000, protocolType: "consumer", protocols: [.init(name: "range", metadata: metadata)]),
            version: 0, clientID: "", clientHost: "", newMemberID: "m", token: 1, now: .zero)
        _ = group.tick(now: .seconds(1))
        #expect(group.subscribedTopics == ["t"])
    }
}
