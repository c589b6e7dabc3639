import IO
import NIOCore
import NIOPosix
import Testing

@testable import Kafka

/// Transactions from outside, over TCP.
struct TransactionWireTests {
    /// A transactional producer that says no more than its requests.
    struct Producer {
        let client: WireClient
        let id: String
        var identity = Transaction.Identity.none
        var sequence: [Int32: Int32] = [:]
        /// Adds partitions by its writes, and has its epoch raised at every end (KIP-890).
        var isSecondVersion = false

        static func start(_ client: WireClient, _ id: String, timeoutMs: Int32 = 60_000, isSecondVersion: Bool = false) async throws
            -> Producer
        {
            let answer = try await client.send(InitProducerIDRequest(transactionalID: id, transactionTimeoutMs: timeoutMs))
            #expect(answer.error == .none)
            return Producer(
                client: client, id: id, identity: .init(producerID: answer.producerID, epoch: answer.producerEpoch),
                isSecondVersion: isSecondVersion)
        }

        func add(_ topic: String, _ partitions: [Int32] = [0]) async throws -> ErrorCode {
            try await client.send(
                AddPartitionsToTxnRequest(
                    transactionalID: id, producerID: identity.producerID, producerEpoch: identity.epoch,
                    topics: [.init(name: topic, partitions: partitions)])
            ).topics[0].partitions[0].error
        }

        mutating func request(_ topic: String, _ value: String, partition: Int32 = 0, count: Int = 1) -> ProduceRequest {
            var builder = RecordBatchBuilder(
                producerID: identity.producerID, producerEpoch: identity.epoch, baseSequence: sequence[partition] ?? 0)
            builder.isTransactional = true
            for index in 0..<count {
                builder.append(key: nil, value: ByteBuffer(string: "\(value)-\(index)"), timestamp: WallClock.nowMs)
            }
            sequence[partition, default: 0] += Int32(count)
            return ProduceRequest(
                transactionalID: id, topics: [.init(name: topic, partitions: [.init(index: partition, records: .bytes(builder.finish()))])])
        }

        mutating func send(_ topic: String, _ value: String, partition: Int32 = 0, count: Int = 1) async throws
            -> ProduceResponse.Partition
        {
            if !isSecondVersion { #expect(try await add(topic, [partition]) == .none) }
            return try await client.send(request(topic, value, partition: partition, count: count), version: isSecondVersion ? 12 : 9)
                .topics[0].partitions[0]
        }

        @discardableResult
        mutating func end(commit: Bool) async throws -> ErrorCode {
            let answer = try await client.send(
                EndTxnRequest(
                    transactionalID: id, producerID: identity.producerID, producerEpoch: identity.epoch, isCommitted: commit),
                version: isSecondVersion ? 5 : 3)
            if isSecondVersion, answer.error == .none {
                identity = .init(producerID: answer.producerID, epoch: answer.producerEpoch)
                sequence = [:]
            }
            return answer.error
        }
    }

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

    /// The values that a consumer of committed records sees, as Kafka's clients work them out.
    static func committed(_ client: WireClient, _ topic: String, partition: Int32 = 0, from: Int64 = 0) async throws -> [String] {
        let answer = try await client.send(
            FetchRequest(
                maxWaitMs: 0, isolationLevel: FetchRequest.readCommitted,
                topics: [.init(name: topic, partitions: [.init(index: partition, fetchOffset: from, maxBytes: 10 << 20)])]), version: 11
        ).topics[0].partitions[0]
        #expect(answer.error == .none)
        var aborted = AbortedProducers(answer.abortedTransactions ?? [])
        var values: [String] = []
        _ = try RecordBatches.forEach(in: answer.records?.bytes ?? ByteBuffer(), from: 0) { header, key, value in
            let isAbort = header.isControl && key?.getInteger(at: key!.readerIndex + 2, as: Int16.self) == 0
            let leavesOut = aborted.leavesOut(
                producerID: header.producerID, isTransactional: header.isTransactional, isAbort: isAbort, lastOffset: header.lastOffset)
            if !header.isControl, !leavesOut { values.append(value.map { String(buffer: $0) } ?? "") }
        }
        return values
    }

    @Test(arguments: [false, true]) func committedRecordsAreReadAndAbortedOnesAreNot(isSecondVersion: Bool) async throws {
        try await withBroker { broker, client, _ in
            try await client.createTopic("t")
            var producer = try await Producer.start(client, "x", isSecondVersion: isSecondVersion)
            for number in 0..<6 {
                let answer = try await producer.send("t", "v\(number)", count: 2)
                #expect(answer.error == .none && answer.baseOffset == Int64(number) * 3)
                // Open: invisible to readers of committed records, not to others.
                #expect(try await Self.committed(client, "t", from: Int64(number) * 3) == [])
                let open = try await client.fetch("t", from: Int64(number) * 3)
                #expect(headers(open.records?.bytes).count == 1 && open.lastStableOffset == Int64(number) * 3)
                #expect(try await producer.end(commit: number % 2 == 0) == .none)
            }
            let wanted = [0, 2, 4].flatMap { ["v\($0)-0", "v\($0)-1"] }
            #expect(try await Self.committed(client, "t") == wanted)
            let all = try await client.fetch("t", from: 0)
            #expect(headers(all.records?.bytes).count == 12 && all.highWatermark == 18 && all.lastStableOffset == 18)
            #expect(headers(all.records?.bytes).filter(\.isControl).count == 6)
        }
    }

    @Test func theListOfAbortedTransactionsHoldsThoseThatConcernTheBytes() async throws {
        for settings in [["broker.fetch.hot.bytes": "1GiB"], ["broker.fetch.hot.bytes": "0"]] {
            try await withBroker(settings) { _, client, _ in
                try await client.createTopic("t", configs: ["segment.bytes": "2000"])
                var producer = try await Producer.start(client, "x")
                for number in 0..<20 {
                    _ = try await producer.send("t", String(repeating: "v", count: 100) + "\(number)")
                    try await producer.end(commit: number % 2 == 0)
                }
                #expect(try await Self.committed(client, "t").count <= 10)
                for from in stride(from: Int64(0), to: 40, by: 7) {
                    let answer = try await client.send(
                        FetchRequest(
                            maxWaitMs: 0, isolationLevel: 1,
                            topics: [.init(name: "t", partitions: [.init(index: 0, fetchOffset: from, maxBytes: 700)])]), version: 11
                    ).topics[0].partitions[0]
                    let read = headers(answer.records?.bytes)
                    let end = try #require(read.last).nextOffset
                    // Transaction n has its record at 2n and its end at 2n + 1; the odd ones are aborted.
                    var wanted: [Int64] = []
                    for first in stride(from: Int64(2), to: 40, by: 4) where first + 1 >= from && first < end { wanted.append(first) }
                    #expect(answer.abortedTransactions?.map(\.firstOffset) == wanted)
                }
            }
        }
    }

    @Test func theOldestOpenTransactionHoldsBackTheLastStableOffset() async throws {
        try await withBroker { _, client, _ in
            try await client.createTopic("t")
            var first = try await Producer.start(client, "a")
            var second = try await Producer.start(client, "b")
            _ = try await client.produce("t", makeBatch(3))
            _ = try await first.send("t", "first")
            _ = try await second.send("t", "second")
            _ = try await client.produce("t", makeBatch(1, value: "plain"))
            try await second.end(commit: true)
            #expect(try await Self.committed(client, "t") == ["value-0", "value-1", "value-2"])
            let latest = try await client.send(
                ListOffsetsRequest(isolationLevel: 1, topics: [.init(name: "t", partitions: [.init(timestamp: ListOffsetsRequest.latest)])])
            )
            #expect(latest.topics[0].partitions[0].offset == 3)
            try await first.end(commit: false)
            #expect(try await Self.committed(client, "t") == ["value-0", "value-1", "value-2", "second-0", "plain-0"])
        }
    }

    @Test(arguments: [false, true]) func aSecondInstanceFencesTheFirst(isSecondVersion: Bool) async throws {
        try await withBroker { _, client, _ in
            try await client.createTopic("t", partitions: 2)
            var first = try await Producer.start(client, "x", isSecondVersion: isSecondVersion)
            _ = try await first.send("t", "lost")
            var second = try await Producer.start(client, "x", isSecondVersion: isSecondVersion)
            #expect(second.identity.producerID == first.identity.producerID && second.identity.epoch > first.identity.epoch)
            // In a partition where it has written, and in one where it has not.
            for partition in Int32(0)..<2 {
                let answer = try await client.send(
                    first.request("t", "late", partition: partition), version: isSecondVersion ? 12 : 9
                ).topics[0].partitions[0]
                #expect(answer.error == .invalidProducerEpoch)
            }
            #expect(try await first.end(commit: true) == .producerFenced)
            _ = try await second.send("t", "kept")
            try await second.end(commit: true)
            #expect(try await Self.committed(client, "t") == ["kept-0"])
        }
    }

    @Test func aWriteToAPartitionThatWasNotAddedIsRefused() async throws {
        try await withBroker { _, client, _ in
            try await client.createTopic("t", partitions: 2)
            var producer = try await Producer.start(client, "x")
            _ = try await producer.send("t", "v")
            let older = try await client.send(producer.request("t", "w", partition: 1), version: 9).topics[0].partitions[0]
            #expect(older.error == .invalidTxnState)
            producer.sequence[1] = 0
            let newer = try await client.send(producer.request("t", "w", partition: 1), version: 11).topics[0].partitions[0]
            #expect(newer.error == .transactionAbortable)
            try await producer.end(commit: true)
            // A batch that comes after the end begins no transaction that nobody ends.
            let late = try await client.send(producer.request("t", "late"), version: 9).topics[0].partitions[0]
            #expect(late.error == .invalidTxnState)
            let fetched = try await client.fetch("t", from: 0)
            #expect(fetched.highWatermark == 2 && fetched.lastStableOffset == 2)
        }
    }

    @Test func manyWritesInFlightKeepTheirOrderThroughTheQuestionToTheCoordinator() async throws {
        try await withBroker { _, client, _ in
            try await client.createTopic("t")
            var producer = try await Producer.start(client, "x", isSecondVersion: true)
            for _ in 0..<20 {
                let waiting = try (0..<5).map { try client.start(producer.request("t", "v\($0)"), version: 12) }
                for future in waiting { #expect(try await future.get().topics[0].partitions[0].error == .none) }
                #expect(try await producer.end(commit: true) == .none)
            }
            #expect(try await Self.committed(client, "t") == (0..<100).map { "v\($0 % 5)-0" })
        }
    }

    @Test func aBatchThatIsSentAgainAfterTheEndIsAcknowledgedOnce() async throws {
        try await withBroker { _, client, _ in
            try await client.createTopic("t")
            var producer = try await Producer.start(client, "x")
            #expect(try await producer.add("t") == .none)
            let request = producer.request("t", "v")
            #expect(try await client.send(request, version: 9).topics[0].partitions[0].baseOffset == 0)
            try await producer.end(commit: true)
            let again = try await client.send(request, version: 9).topics[0].partitions[0]
            #expect(again.error == .none && again.baseOffset == 0)
            #expect(try await client.fetch("t", from: 0).highWatermark == 2)
        }
    }

    @Test func aTransactionThatIsOpenTooLongIsAborted() async throws {
        try await withBroker { _, client, _ in
            try await client.createTopic("t")
            var producer = try await Producer.start(client, "x", timeoutMs: 1_500)
            _ = try await producer.send("t", "v")
            try await eventually("the transaction is aborted") {
                try await client.fetch("t", from: 0).lastStableOffset == 2
            }
            #expect(try await Self.committed(client, "t") == [])
            #expect(try await producer.end(commit: true) == .producerFenced)
            let refused = try await client.send(InitProducerIDRequest(transactionalID: "y", transactionTimeoutMs: 3_600_000))
            #expect(refused.error == .invalidTransactionTimeout)
        }
    }

    private func offsets(_ client: WireClient, _ group: String, stable: Bool = false) async throws -> OffsetFetchResponse.Partition? {
        try await client.send(
            OffsetFetchRequest(groups: [.init(id: group, topics: [.init(name: "t", partitions: [0])])], requireStable: stable)
        )
        .groups[0].topics.first?.partitions.first
    }

    @Test(arguments: [false, true], [false, true]) func offsetsCountWhenTheTransactionCommits(isSecondVersion: Bool, isCommit: Bool)
        async throws
    {
        try await withBroker { _, client, _ in
            try await client.createTopic("t")
            var producer = try await Producer.start(client, "x", isSecondVersion: isSecondVersion)
            _ = try await producer.send("t", "v")
            if !isSecondVersion {
                let added = try await client.send(
                    AddOffsetsToTxnRequest(
                        transactionalID: "x", producerID: producer.identity.producerID, producerEpoch: producer.identity.epoch, groupID: "g"
                    ))
                #expect(added.error == .none)
            }
            let commit = TxnOffsetCommitRequest(
                transactionalID: "x", groupID: "g", producerID: producer.identity.producerID, producerEpoch: producer.identity.epoch,
                topics: [.init(name: "t", partitions: [.init(index: 0, committedOffset: 17)])])
            let answer = try await client.send(commit, version: isSecondVersion ? 5 : 3)
            #expect(answer.topics[0].partitions[0].error == .none)
            #expect(try await offsets(client, "g")?.committedOffset == -1)
            #expect(try await offsets(client, "g", stable: true)?.error == .unstableOffsetCommit)
            try await producer.end(commit: isCommit)
            #expect(try await offsets(client, "g", stable: true)?.committedOffset == (isCommit ? 17 : -1))
            // From an earlier epoch nothing is taken any more.
            _ = try await Producer.start(client, "x")
            #expect(try await client.send(commit, version: 3).topics[0].partitions[0].error == .invalidProducerEpoch)
        }
    }

    /// Everything that a process which is killed leaves: the folder as it is on disk at that moment.
    @Test(arguments: [false, true]) func transactionsOutliveTheProcess(isSecondVersion: Bool) async throws {
        try await withBroker { _, client, folder in
            try await client.createTopic("t")
            var producer = try await Producer.start(client, "x", isSecondVersion: isSecondVersion)
            _ = try await producer.send("t", "committed")
            try await producer.end(commit: true)
            _ = try await producer.send("t", "aborted")
            try await producer.end(commit: false)
            var open = try await Producer.start(client, "y", isSecondVersion: isSecondVersion)
            _ = try await open.send("t", "open")
            let killed = folder.copy()
            try await withBroker(folder: killed) { (_: Broker, client: WireClient, _: TemporaryFolder) async throws -> Void in
                #expect(try await Self.committed(client, "t") == ["committed-0"])
                let described = try await client.send(DescribeTransactionsRequest(transactionalIDs: ["x", "y", "z"]))
                #expect(described.transactions.map(\.state) == ["CompleteAbort", "Ongoing", ""])
                #expect(described.transactions[1].topics.map(\.partitions) == [[0]])
                #expect(described.transactions[2].error == .transactionalIDNotFound)
                // The producer goes on where it was.
                var resumed = Producer(
                    client: client, id: "y", identity: open.identity, sequence: open.sequence, isSecondVersion: isSecondVersion)
                #expect(try await resumed.send("t", "more").error == .none)
                #expect(try await resumed.end(commit: true) == .none)
                let read = try await Self.committed(client, "t")
                #expect(read == ["committed-0", "open-0", "more-0"])
            }
        }
    }

    @Test func whatWasPreparedIsCarriedOutAtTheNextStart() async throws {
        let folder = TemporaryFolder()
        let identity = Transaction.Identity(producerID: 0, epoch: 0)
        try await withBroker(folder: folder) { (_: Broker, client: WireClient, _: TemporaryFolder) async throws -> Void in
            try await client.createTopic("t")
            var producer = try await Producer.start(client, "x")
            #expect(producer.identity == identity)
            _ = try await producer.send("t", "v")
        }
        // The log's last record becomes what a broker writes that is killed between the outcome and its markers.
        let path = folder.path + "/__transaction_state-0/00000000000000000000.log"
        let record = Transaction.Record(
            identity: identity, timeoutMs: 60_000, state: .prepareCommit, partitions: [.init(topic: "t", partition: 0)],
            lastUpdateMs: WallClock.nowMs, startMs: WallClock.nowMs)
        var bytes = try #require(TemporaryFolder.readBytes(path))
        let offset = headers(ByteBuffer(bytes: bytes)).last!.nextOffset
        var builder = RecordBatchBuilder()
        builder.append(key: TransactionLogRecord.encodeKey("x"), value: try TransactionLogRecord.encode(record), timestamp: 1)
        var batch = builder.finish()
        batch.withUnsafeMutableReadableBytes { RecordBatchHeader.stamp($0, baseOffset: offset, leaderEpoch: 0) }
        bytes += Array(batch.readableBytesView)
        TemporaryFolder.writeBytes(bytes, path)
        try await withBroker(folder: folder) { (_: Broker, client: WireClient, _: TemporaryFolder) async throws -> Void in
            try await eventually("the commit is carried out") { try await Self.committed(client, "t") == ["v-0"] }
            let listed = try await client.send(ListTransactionsRequest())
            #expect(listed.transactions.map(\.state) == ["CompleteCommit"])
        }
    }

    @Test func offsetsOfAnOpenTransactionOutliveTheProcess() async throws {
        try await withBroker { _, client, folder in
            try await client.createTopic("t")
            let producer = try await Producer.start(client, "x", isSecondVersion: true)
            let commit = TxnOffsetCommitRequest(
                transactionalID: "x", groupID: "g", producerID: producer.identity.producerID, producerEpoch: producer.identity.epoch,
                topics: [.init(name: "t", partitions: [.init(index: 0, committedOffset: 5)])])
            #expect(try await client.send(commit).topics[0].partitions[0].error == .none)
            try await withBroker(folder: folder.copy()) { (_: Broker, client: WireClient, _: TemporaryFolder) async throws -> Void in
                #expect(try await offsets(client, "g", stable: true)?.error == .unstableOffsetCommit)
                var resumed = Producer(client: client, id: "x", identity: producer.identity, isSecondVersion: true)
                #expect(try await resumed.end(commit: true) == .none)
                #expect(try await offsets(client, "g", stable: true)?.committedOffset == 5)
            }
        }
    }

    @Test func openTransactionsAreShownWithTheirProducers() async throws {
        try await withBroker { _, client, _ in
            try await client.createTopic("t")
            var producer = try await Producer.start(client, "x")
            _ = try await client.produce("t", makeBatch(4))
            _ = try await producer.send("t", "v")
            let answer = try await client.send(DescribeProducersRequest(topics: [.init(name: "t", partitions: [0, 1])]))
            let shown = answer.topics[0].partitions
            #expect(shown[0].producers.map(\.transactionStartOffset) == [4])
            #expect(shown[0].producers.map(\.producerID) == [producer.identity.producerID])
            #expect(shown[1].error == .unknownTopicOrPartition)
            let listed = try await client.send(ListTransactionsRequest(states: ["Ongoing", "Odd"]))
            #expect(listed.transactions.map(\.transactionalID) == ["x"] && listed.unknownStates == ["Odd"])
            #expect(try await client.send(ListTransactionsRequest(duration: 1_000_000)).transactions.isEmpty)
        }
    }

    @Test func theFeatureIsNamedToClientsThatAsk() async throws {
        try await withBroker { _, client, _ in
            for version in Int16(3)...4 {
                let answer = try await client.send(APIVersionsRequest(), version: version)
                #expect(answer.finalizedFeatures == [.init(name: "transaction.version", first: 2, second: 2)])
                #expect(answer.finalizedFeaturesEpoch == 1)
                #expect(answer.supportedFeatures.isEmpty == (version == 3))
            }
            #expect(try await client.send(APIVersionsRequest(), version: 2).finalizedFeatures.isEmpty)
        }
    }
}
