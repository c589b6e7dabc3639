import IO
import NIOCore
import Testing

@testable import Kafka

/// What the broker says, and keeps, at its limits.
struct RefusalWireTests {
    private func withBroker(
        _ settings: [String: String] = [:], folder: TemporaryFolder = TemporaryFolder(),
        _ body: (Broker, WireClient, TemporaryFolder) async throws -> Void
    ) async throws {
        let broker = try await startBroker(folder, settings)
        do {
            try await body(broker, try await WireClient.connect(broker.endpoints[0]), folder)
        } catch {
            await broker.stop()
            throw error
        }
        await broker.stop()
    }

    /// A client that wants no answers learns of a refusal by the connection's end, as from Kafka.
    @Test func aRefusedBatchWithoutAcknowledgementsEndsTheConnection() async throws {
        try await withBroker { broker, client, _ in
            try await client.createTopic("t")
            var corrupt = makeBatch(2)
            corrupt.setInteger(UInt8(0xFF), at: corrupt.writerIndex - 2)
            let request = ProduceRequest(acks: 0, topics: [.init(name: "t", partitions: [.init(index: 0, records: .bytes(corrupt))])])
            let answer = try client.start(request, version: 9)
            try await client.channel.closeFuture.get()
            await #expect(throws: (any Error).self) { _ = try await answer.get() }
            let other = try await WireClient.connect(broker.endpoints[0])
            #expect(try await other.produce("t", makeBatch()).baseOffset == 0)
        }
    }

    @Test func aBatchThatClaimsMoreRecordsThanItHoldsIsRefused() async throws {
        try await withBroker { _, client, _ in
            try await client.createTopic("t")
            var batch = makeBatch(2)
            batch.withUnsafeMutableReadableBytes { bytes in
                var header = RecordBatchHeader(UnsafeRawBufferPointer(bytes))!
                header.recordCount = .max
                header.lastOffsetDelta = .max - 1
                header.write(over: bytes)
            }
            #expect(try await client.produce("t", batch).error == .invalidRecord)
            #expect(try await client.produce("t", makeBatch()).baseOffset == 0)
        }
    }

    private func commit(_ client: WireClient, _ group: String, _ offset: Int64) throws -> EventLoopFuture<OffsetCommitResponse> {
        try client.start(
            OffsetCommitRequest(
                groupID: group, topics: [.init(name: "t", partitions: [.init(index: 0, committedOffset: offset)])]), version: 8)
    }

    @Test func offsetsOfMoreGroupsThanAreServedAreRefused() async throws {
        try await withBroker(["broker.groups.max": "3"]) { _, client, _ in
            try await client.createTopic("t")
            var errors: [ErrorCode] = []
            for group in 0..<5 { errors.append(try await commit(client, "g\(group)", 1).get().topics[0].partitions[0].error) }
            #expect(errors == [.none, .none, .none, .groupMaxSizeReached, .groupMaxSizeReached])
            #expect(try await commit(client, "g0", 2).get().topics[0].partitions[0].error == .none)
        }
    }

    /// Commits are on their way all the time while the topic of the offsets is copied and its old segments go.
    @Test func acknowledgedCommitsStandWhileTheirTopicIsRewritten() async throws {
        let settings = ["broker.offsets.segment.bytes": "4KiB", "broker.log.retention.check": "5ms"]
        let folder = TemporaryFolder()
        let groups = (0..<300).map { "g\($0)" }
        func committed(_ client: WireClient) async throws -> Set<Int64> {
            let asked = OffsetFetchRequest(groups: groups.map { .init(id: $0, topics: [.init(name: "t", partitions: [0])]) })
            return Set(try await client.send(asked, version: 8).groups.map { $0.topics[0].partitions[0].committedOffset })
        }
        try await withBroker(settings, folder: folder) { _, client, _ in
            try await client.createTopic("t")
            for round in 1...4 {
                let answers = try groups.flatMap { group in
                    try [commit(client, group, Int64(round) * 10), commit(client, group, Int64(round) * 10 + 1)]
                }
                for answer in answers { #expect(try await answer.get().topics[0].partitions[0].error == .none) }
            }
            #expect(try await committed(client) == [41])
        }
        try await withBroker(settings, folder: folder) { (_: Broker, client: WireClient, _: TemporaryFolder) async throws -> Void in
            #expect(try await committed(client) == [41])
        }
    }
}
