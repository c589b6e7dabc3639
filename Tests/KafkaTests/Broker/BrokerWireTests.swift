import IO
import NIOCore
import NIOPosix
import Testing

@testable import Kafka

/// The broker from outside, over TCP.
struct BrokerWireTests {
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

    @Test(arguments: ["group", "interval", "os"]) func producedBatchesAreFetched(flush: String) async throws {
        try await withBroker(["broker.log.flush": flush]) { _, client, _ in
            try await client.createTopic("t")
            for number in 0..<20 {
                let answer = try await client.produce("t", makeBatch(3, value: "v\(number)"), acks: number % 2 == 0 ? -1 : 1)
                #expect(answer.error == .none && answer.baseOffset == Int64(number) * 3)
            }
            _ = try await client.produce("t", makeBatch(), acks: -1)
            for version in FetchRequest.versions.served.lowerBound...12 {
                let fetched = try await client.fetch("t", from: 0, version: version)
                #expect(headers(fetched.records?.bytes).map(\.baseOffset) == (0...20).map { Int64($0) * 3 })
                #expect(fetched.highWatermark == 61)
            }
        }
    }

    @Test func allCodecsPassThroughUntouched() async throws {
        try await withBroker { _, client, _ in
            try await client.createTopic("t")
            for codec in CompressionCodec.allCases {
                let answer = try await client.produce("t", makeBatch(2, codec: codec))
                #expect(answer.error == .none, "\(codec)")
            }
            let fetched = try await client.fetch("t", from: 0)
            #expect(headers(fetched.records?.bytes).map(\.codec) == CompressionCodec.allCases)
            #expect(try await client.produce("t", makeBatch(codec: .zstd), version: 6).error == .unsupportedCompressionType)
        }
    }

    @Test func unsoundBatchesAreRefusedWithTheReasonAndTheConnectionLives() async throws {
        try await withBroker(["broker.message.bytes.max": "1000"]) { _, client, _ in
            try await client.createTopic("t")
            var corrupt = makeBatch()
            corrupt.setInteger(0xFF as UInt8, at: corrupt.writerIndex - 1)
            #expect(try await client.produce("t", corrupt).error == .corruptMessage)
            var old = makeBatch()
            old.setInteger(1 as Int8, at: 16)
            #expect(try await client.produce("t", old, version: 2).error == .unsupportedForMessageFormat)
            #expect(try await client.produce("t", makeBatch(100)).error == .messageTooLarge)
            var two = makeBatch()
            two.writeImmutableBuffer(makeBatch())
            #expect(try await client.produce("t", two).error == .invalidRecord)
            #expect(try await client.produce("t", ByteBuffer(string: "short")).error == .corruptMessage)
            #expect(try await client.produce("absent", makeBatch()).error == .unknownTopicOrPartition)
            #expect(try await client.produce("t", makeBatch(), acks: 2).error == .invalidRequiredAcks)
            #expect(try await client.produce("t", makeBatch()).baseOffset == 0)
        }
    }

    @Test func aFetchWaitsForRecordsAndForItsTime() async throws {
        try await withBroker { broker, client, _ in
            try await client.createTopic("t")
            let start = ContinuousClock.now
            let empty = try await client.fetch("t", from: 0, maxWaitMs: 150)
            #expect(empty.records?.length == 0 && ContinuousClock.now - start >= .milliseconds(140))
            let request = FetchRequest(maxWaitMs: 20_000, topics: [.init(name: "t", partitions: [.init(fetchOffset: 0)])])
            let waiting = try client.start(request, version: 11)
            let other = try await WireClient.connect(broker.endpoints[1])
            _ = try await other.produce("t", makeBatch(2))
            let answer = try await waiting.get().topics[0].partitions[0]
            #expect(headers(answer.records?.bytes).map(\.recordCount) == [2])
            #expect(ContinuousClock.now - start < .seconds(10))
            #expect(try await client.fetch("t", from: 3).error == .offsetOutOfRange)
        }
    }

    @Test func aClientThatGoesWhileItWaitsLeavesNothingBehind() async throws {
        try await withBroker { broker, client, _ in
            try await client.createTopic("t")
            let other = try await WireClient.connect(broker.endpoints[0])
            let waiting = try other.start(
                FetchRequest(maxWaitMs: 50_000, topics: [.init(name: "t", partitions: [.init(fetchOffset: 0)])]), version: 11)
            try await eventually("the fetch waits") { broker.waiterCount("t", 0) == 1 }
            try await other.channel.close()
            await #expect(throws: (any Error).self) { _ = try await waiting.get() }
            try await eventually("nobody waits any more") { broker.waiterCount("t", 0) == 0 }
        }
    }

    @Test func answersKeepTheOrderOfTheRequests() async throws {
        try await withBroker { _, client, _ in
            try await client.createTopic("t")
            let slow = try client.start(
                FetchRequest(maxWaitMs: 100, topics: [.init(name: "t", partitions: [.init(fetchOffset: 0)])]), version: 11, correlationID: 7
            )
            let fast = (0..<100).map { try! client.start(APIVersionsRequest(), version: 0, correlationID: 100 + $0) }
            _ = try await slow.get()
            for future in fast { #expect(try await future.get().keys.count == APIKey.allCases.count) }
        }
    }

    @Test func manyRequestsAtOnceAreAllAnswered() async throws {
        try await withBroker(["broker.requests.inflight.max": "3"]) { _, client, _ in
            let all = (0..<200).map { try! client.start(APIVersionsRequest(), version: 0, correlationID: $0) }
            for future in all {
                let answer = try await future.get()
                #expect(answer.keys.count == APIKey.allCases.count)
            }
        }
    }

    @Test func coldFetchesOfOneConnectionAreReadAsTheirAnswersLeave() async throws {
        try await withBroker(["broker.fetch.hot.bytes": "0", "broker.connection.answer.bytes.max": "1"]) { _, client, _ in
            try await client.createTopic("t")
            let value = String(repeating: "x", count: 30_000)
            for _ in 0..<10 { _ = try await client.produce("t", makeBatch(3, value: value)) }
            let all = (0..<30).map { number in
                try! client.start(
                    FetchRequest(maxWaitMs: 0, topics: [.init(name: "t", partitions: [.init(fetchOffset: Int64(number), maxBytes: 1)])]),
                    version: 11, correlationID: Int32(number))
            }
            for (number, future) in all.enumerated() {
                let answer = try await future.get()
                #expect(headers(answer.topics[0].partitions[0].records?.bytes).map(\.baseOffset) == [Int64(number / 3 * 3)])
            }
        }
    }

    @Test func anIdleConnectionIsClosedAndOneThatWaitsIsNot() async throws {
        let folder = TemporaryFolder()
        try await withBroker(folder: folder) { _, client, _ in try await client.createTopic("t") }
        let broker = try await startBroker(folder, ["broker.connection.idle.max": "100ms"])
        let request = FetchRequest(maxWaitMs: 500, topics: [.init(name: "t", partitions: [.init(fetchOffset: 0)])])
        // On a crowded machine a connection may be closed before its request comes: then another one is made.
        var answer: FetchResponse?
        var client = try await WireClient.connect(broker.endpoints[0])
        try await eventually("a fetch waits five times as long as an idle connection lives") {
            do {
                answer = try await client.start(request, version: 11).get()
            } catch {
                client = try await WireClient.connect(broker.endpoints[0])
            }
            return answer != nil
        }
        #expect(answer?.topics[0].partitions[0].error == ErrorCode.none)
        try await eventually("the connection is closed") { !client.channel.isActive }
        await broker.stop()
    }

    @Test func largeReadsGoBySendfileAndColdOnesFromTheFileThread() async throws {
        for settings in [["broker.fetch.hot.bytes": "1GiB"], ["broker.fetch.hot.bytes": "0"]] {
            try await withBroker(settings) { _, client, _ in
                try await client.createTopic("t", partitions: 2)
                let value = String(repeating: "x", count: 30_000)
                for index in 0..<20 { _ = try await client.produce("t", makeBatch(3, value: value), partition: Int32(index % 2)) }
                let request = FetchRequest(
                    maxWaitMs: 0,
                    topics: [
                        .init(name: "t", partitions: [.init(index: 0, maxBytes: 10 << 20), .init(index: 1, fetchOffset: 3, maxBytes: 1)])
                    ])
                let answer = try await client.send(request, version: 11).topics[0].partitions
                #expect(headers(answer[0].records?.bytes).map(\.baseOffset) == (0..<10).map { Int64($0) * 3 })
                #expect(headers(answer[1].records?.bytes).map(\.baseOffset) == [3])
            }
        }
    }

    @Test func aBatchThatIsSentAgainIsAcknowledgedOnce() async throws {
        try await withBroker { _, client, _ in
            try await client.createTopic("t")
            let producer = try await client.send(InitProducerIDRequest())
            #expect(producer.error == .none)
            let batch = makeBatch(2, producerID: producer.producerID, epoch: producer.producerEpoch, sequence: 0)
            #expect(try await client.produce("t", batch).baseOffset == 0)
            let again = try await client.produce("t", batch)
            #expect(again.error == .none && again.baseOffset == 0)
            #expect(
                try await client.produce("t", makeBatch(1, producerID: producer.producerID, epoch: 0, sequence: 5)).error
                    == .outOfOrderSequenceNumber)
            #expect(try await client.fetch("t", from: 0).highWatermark == 2)
            let other = try await client.send(InitProducerIDRequest())
            #expect(other.producerID != producer.producerID)
        }
    }

    @Test func metadataNamesTheListenerThatWasAskedAndCreatesTopics() async throws {
        try await withBroker(["broker.container.advertised": "broker.test:29092"]) { broker, client, _ in
            let first = try await client.send(MetadataRequest(topics: [.init(name: "made")]))
            #expect(first.brokers.map(\.port) == [Int32(broker.endpoints[0].port)])
            #expect(first.topics[0].error == ErrorCode.none && first.topics[0].partitions.count == 1)
            let other = try await WireClient.connect(broker.endpoints[1])
            let second = try await other.send(MetadataRequest(topics: [.init(name: "not made")], allowAutoTopicCreation: false))
            #expect(second.brokers.map(\.host) == ["broker.test"] && second.brokers.map(\.port) == [29_092])
            #expect(second.topics[0].error == .invalidTopicException)
            let third = try await client.send(MetadataRequest(topics: [.init(name: "absent")], allowAutoTopicCreation: false))
            #expect(third.topics[0].error == .unknownTopicOrPartition)
            #expect(try await client.send(MetadataRequest(topics: nil)).topics.map(\.name) == ["made"])
        }
    }

    @Test func topicsAreCreatedGrownDescribedAndDeleted() async throws {
        let folder = TemporaryFolder()
        var id = TopicID.zero
        try await withBroker(folder: folder) { _, client, _ in
            try await client.createTopic("t", partitions: 2, configs: ["retention.ms": "5000"])
            let grown = try await client.send(CreatePartitionsRequest(topics: [.init(name: "t", count: 4)]))
            #expect(grown.results[0].error == .none)
            let refused = try await client.send(CreatePartitionsRequest(topics: [.init(name: "t", count: 3)]))
            #expect(refused.results[0].error == .invalidPartitions)
            let bad = try await client.send(
                CreateTopicsRequest(topics: [.init(name: "bad", configs: [.init(name: "no.such", value: "1")]), .init(name: "a/b")]))
            #expect(bad.topics.map(\.error) == [.invalidConfig, .invalidTopicException])
            try await client.createTopic("gone")
        }
        try await withBroker(folder: folder) { _, client, _ in
            let described = try await client.send(MetadataRequest(topics: [.init(name: "t")])).topics[0]
            #expect(described.partitions.count == 4)
            id = described.id
            let configs = try await client.send(DescribeConfigsRequest(resources: [.init(name: "t", keys: ["retention.ms"])]))
            #expect(configs.results[0].configs.map(\.value) == ["5000"])
            let fetched = try await client.send(
                FetchRequest(maxWaitMs: 0, topics: [.init(id: id, partitions: [.init(index: 3)])]), version: 16)
            #expect(fetched.topics[0].id == id && fetched.topics[0].partitions[0].error == .none)
            #expect(
                try await client.send(DeleteTopicsRequest(topics: [.init(name: "gone"), .init(id: id)])).topics.map(\.error) == [
                    .none, .none,
                ])
            #expect(TemporaryFolder.names(folder.path).filter { $0.hasSuffix("-0") || $0.hasSuffix("-delete") }.isEmpty)
        }
        try await withBroker(folder: folder) { _, client, _ in
            let left = try await client.send(MetadataRequest(topics: nil))
            #expect(left.topics.isEmpty)
        }
    }

    @Test func offsetsAreFoundByTheEndsAndByTime() async throws {
        try await withBroker { _, client, _ in
            try await client.createTopic("t")
            for number in 0..<5 { _ = try await client.produce("t", makeBatch(2, timestamp: 1_000 + Int64(number) * 10)) }
            func offset(_ timestamp: Int64) async throws -> Int64 {
                try await client.send(ListOffsetsRequest(topics: [.init(name: "t", partitions: [.init(timestamp: timestamp)])])).topics[0]
                    .partitions[0].offset
            }
            #expect(try await offset(ListOffsetsRequest.earliest) == 0)
            #expect(try await offset(ListOffsetsRequest.latest) == 10)
            #expect(try await offset(ListOffsetsRequest.maxTimestamp) == 9)
            #expect(try await offset(1_011) == 3)
            #expect(try await offset(5_000) == -1)
        }
    }

    @Test func aGroupCommitsAndItsOffsetsSurviveARestart() async throws {
        let folder = TemporaryFolder()
        try await withBroker(folder: folder) { _, client, _ in
            try await client.createTopic("t", partitions: 2)
            let coordinator = try await client.send(FindCoordinatorRequest(keys: ["g"]))
            #expect(coordinator.coordinators[0].error == .none)
            let join = JoinGroupRequest(
                groupID: "g", sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, protocolType: "consumer",
                protocols: [.init(name: "range", metadata: ByteBuffer(string: "m"))])
            let given = try await client.send(join)
            #expect(given.error == .memberIDRequired)
            var second = join
            second.memberID = given.memberID
            let joined = try await client.send(second)
            #expect(joined.error == .none && joined.leader == given.memberID)
            let synced = try await client.send(
                SyncGroupRequest(
                    groupID: "g", generation: joined.generation, memberID: joined.memberID, protocolType: "consumer", protocolName: "range",
                    assignments: [.init(memberID: joined.memberID, assignment: ByteBuffer(string: "mine"))]))
            #expect(String(buffer: synced.assignment) == "mine")
            let commit = OffsetCommitRequest(
                groupID: "g", generation: joined.generation, memberID: joined.memberID,
                topics: [.init(name: "t", partitions: [.init(index: 0, committedOffset: 7, metadata: "note"), .init(index: 9)])])
            let committed = try await client.send(commit)
            #expect(committed.topics[0].partitions.map(\.error) == [.none, .unknownTopicOrPartition])
            let described = try await client.send(DescribeGroupsRequest(groups: ["g"]))
            #expect(described.groups[0].state == "Stable" && described.groups[0].members.count == 1)
            #expect(try await client.send(DeleteGroupsRequest(groups: ["g"])).results[0].error == .nonEmptyGroup)
        }
        try await withBroker(folder: folder) { _, client, _ in
            for version in OffsetFetchRequest.versions.served {
                let fetched = try await client.send(
                    OffsetFetchRequest(groups: [.init(id: "g", topics: [.init(name: "t", partitions: [0, 1])])]), version: version)
                #expect(fetched.groups[0].topics[0].partitions.map(\.committedOffset) == [7, -1])
                #expect(fetched.groups[0].topics[0].partitions[0].metadata == "note")
            }
            #expect(try await client.send(ListGroupsRequest()).groups.map(\.id) == ["g"])
            #expect(try await client.send(DeleteGroupsRequest(groups: ["g"])).results[0].error == .none)
            #expect(try await client.send(OffsetFetchRequest(groups: [.init(id: "g")])).groups[0].topics.isEmpty)
        }
    }

    @Test func whatWasAcknowledgedIsThereAfterTheProcessIsKilled() async throws {
        let folder = TemporaryFolder()
        var killed: TemporaryFolder?
        try await withBroker(["broker.log.segment.bytes": "4KiB"], folder: folder) { _, client, folder in
            try await client.createTopic("t")
            for number in 0..<50 { _ = try await client.produce("t", makeBatch(2, value: "v\(number)")) }
            // The files as they are while the broker runs: no clean mark, no index of the active segment.
            killed = folder.copy()
        }
        let left = try #require(killed)
        #expect(!TemporaryFolder.names(left.path).contains(".kafka_cleanshutdown"))
        try await withBroker(["broker.log.segment.bytes": "4KiB"], folder: left) { _, client, _ in
            var offset: Int64 = 0
            while offset < 100 {
                let found = headers(try await client.fetch("t", from: offset).records?.bytes)
                let last = try #require(found.last)
                #expect(found[0].baseOffset == offset)
                offset = last.nextOffset
            }
            #expect(try await client.produce("t", makeBatch()).baseOffset == 100)
        }
    }

    @Test func aMalformedFrameEndsItsConnectionAndNoOther() async throws {
        try await withBroker(["broker.request.bytes.max": "1MiB"]) { broker, client, _ in
            var unknownKey = ByteBuffer(integer: Int32(8))
            unknownKey.writeMultipleIntegers(Int16(999), Int16(0), Int32(1))
            var cutShort = ByteBuffer(integer: Int32(10))
            cutShort.writeMultipleIntegers(Int16(3), Int16(9), Int32(1), Int16(-1))
            var unserved = ByteBuffer(integer: Int32(8))
            unserved.writeMultipleIntegers(Int16(1), Int16(1), Int32(1))
            let hostile = [ByteBuffer(integer: Int32.max), ByteBuffer(integer: Int32(-5)), unknownKey, cutShort, unserved]
            for bytes in hostile {
                let other = try await WireClient.connect(broker.endpoints[0])
                try await other.write(bytes)
                try await other.channel.closeFuture.get()
            }
            #expect(try await client.send(APIVersionsRequest()).error == .none)
        }
    }

    @Test func anUnknownVersionOfApiVersionsIsAnsweredInVersionZeroWithTheList() async throws {
        try await withBroker { _, client, _ in
            var frame = ByteBuffer(integer: Int32(10))
            frame.writeMultipleIntegers(Int16(18), Int16(99), Int32(1), Int16(-1))
            let raw = try await RawClient.exchange(frame, with: client.channel.remoteAddress!)
            var body = raw
            _ = try ResponseHeader(reading: &body, flexible: false)
            let decoded = try APIVersionsRequest.decodeResponse(body, version: 0)
            #expect(decoded.error == .unsupportedVersion && decoded.keys.count == APIKey.allCases.count)
        }
    }

    @Test func retentionAndDeletedSegmentsMoveTheLogsStart() async throws {
        try await withBroker(["broker.log.segment.bytes": "1KiB", "broker.log.retention": "1h", "broker.log.retention.check": "20ms"]) {
            _, client, _ in
            try await client.createTopic("t")
            for _ in 0..<20 { _ = try await client.produce("t", makeBatch(2, timestamp: 1_000)) }
            try await eventually("old segments are deleted") {
                try await client.send(
                    ListOffsetsRequest(topics: [.init(name: "t", partitions: [.init(timestamp: ListOffsetsRequest.earliest)])])
                ).topics[0].partitions[0].offset == 40
            }
            #expect(try await client.fetch("t", from: 0).error == .offsetOutOfRange)
            #expect(try await client.produce("t", makeBatch()).baseOffset == 40)
        }
    }

    @Test func theOffsetsTopicIsRewrittenWhenItGrows() async throws {
        let folder = TemporaryFolder()
        let settings = ["broker.offsets.segment.bytes": "2KiB", "broker.log.retention.check": "20ms"]
        try await withBroker(settings, folder: folder) { _, client, _ in
            try await client.createTopic("t")
            for offset in 0..<200 {
                let answer = try await client.send(
                    OffsetCommitRequest(
                        groupID: "g\(offset % 3)", topics: [.init(name: "t", partitions: [.init(committedOffset: Int64(offset))])]))
                #expect(answer.topics[0].partitions[0].error == .none)
            }
            try await eventually("older segments go") {
                TemporaryFolder.names(folder.path + "/__consumer_offsets-0").filter { $0.hasSuffix(".log") }.count == 1
            }
        }
        try await withBroker(settings, folder: folder) { _, client, _ in
            for group in 0..<3 {
                let fetched = try await client.send(OffsetFetchRequest(groups: [.init(id: "g\(group)")]))
                #expect(fetched.groups[0].topics.first?.partitions.first?.committedOffset == Int64([198, 199, 197][group]))
            }
        }
    }

    @Test func aTakenPortAndAFolderInUseAreNamed() async throws {
        try await withBroker { broker, _, folder in
            await #expect(throws: DataFolderError.self) { _ = try await startBroker(folder) }
            let port = broker.endpoints[0].port
            let other = TemporaryFolder()
            do {
                _ = try await startBroker(other, ["broker.port": "\(port)"])
                Issue.record("the port is taken")
            } catch let error as ListenerError {
                #expect(error.description.contains("\(port)") && error.description.contains("broker.port"))
            }
        }
    }

    @Test func aBrowserIsGreeted() async throws {
        try await withBroker(["broker.console": "http://127.0.0.1:9021"]) { _, client, _ in
            let text = try await RawClient.text("GET / HTTP/1.1\r\nHost: x\r\n\r\n", to: client.channel.remoteAddress!)
            #expect(text.contains("Kafka") && text.contains("http://127.0.0.1:9021"))
        }
    }
}

/// One exchange of bytes on a connection of its own.
enum RawClient {
    private final class Collector: ChannelInboundHandler, @unchecked Sendable {
        // `@unchecked`: used on its event loop only.
        typealias InboundIn = ByteBuffer
        var bytes = ByteBuffer()
        let isDone: (ByteBuffer) -> Bool
        let promise: EventLoopPromise<ByteBuffer>
        var isFinished = false

        init(_ promise: EventLoopPromise<ByteBuffer>, _ isDone: @escaping (ByteBuffer) -> Bool) {
            self.promise = promise
            self.isDone = isDone
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var buffer = unwrapInboundIn(data)
            bytes.writeBuffer(&buffer)
            if isDone(bytes) { finish(context) }
        }

        func channelInactive(context: ChannelHandlerContext) { finish(context) }

        private func finish(_ context: ChannelHandlerContext) {
            guard !isFinished else { return }
            isFinished = true
            promise.succeed(bytes)
            context.close(promise: nil)
        }
    }

    private static func run(_ bytes: ByteBuffer, _ address: SocketAddress, _ isDone: @escaping @Sendable (ByteBuffer) -> Bool) async throws
        -> ByteBuffer
    {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let promise = loop.makePromise(of: ByteBuffer.self)
        let channel = try await ClientBootstrap(group: loop)
            .channelInitializer { channel in channel.pipeline.addHandler(Collector(promise, isDone)) }
            .connect(to: address).get()
        try await channel.writeAndFlush(bytes)
        return try await promise.futureResult.get()
    }

    /// The answer's frame without its length.
    static func exchange(_ frame: ByteBuffer, with address: SocketAddress) async throws -> ByteBuffer {
        var answer = try await run(frame, address) { bytes in
            bytes.getInteger(at: bytes.readerIndex, as: Int32.self).map { bytes.readableBytes >= Int($0) + 4 } ?? false
        }
        answer.moveReaderIndex(forwardBy: 4)
        return answer
    }

    static func text(_ request: String, to address: SocketAddress) async throws -> String {
        String(buffer: try await run(ByteBuffer(string: request), address) { _ in false })
    }
}
