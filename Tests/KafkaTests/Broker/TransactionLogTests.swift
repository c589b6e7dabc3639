import IO
import NIOCore
import Testing

@testable import Kafka

/// What a partition's log keeps of transactions, and finds again after a crash.
struct TransactionLogTests {
    private func open(_ folder: TemporaryFolder, _ overrides: [String: String] = [:], isClean: Bool = false, recoveryPoint: Int64 = 0)
        throws
        -> PartitionLog
    {
        let defaults = try BrokerConfiguration(values: SettingValues(BrokerConfiguration.settings), folder: "").topicDefaults
        return try PartitionLog.open(
            folder: folder.path + "/t-0", config: defaults.overridden(by: overrides), isClean: isClean, recoveryPoint: recoveryPoint,
            producers: ProducerStates(countMax: 100, expirationMs: 1_000_000), nowMs: 1_000
        ).log
    }

    private func append(_ log: inout PartitionLog, _ batch: ByteBuffer) throws {
        _ = try batch.withUnsafeReadableBytes { try log.append(RecordBatchHeader($0)!, $0, leaderEpoch: 0, nowMs: 1_000) }
    }

    private func batch(_ producer: Int64, sequence: Int32, epoch: Int16 = 0, bytes: Int = 100) -> ByteBuffer {
        var builder = RecordBatchBuilder(producerID: producer, producerEpoch: epoch, baseSequence: sequence)
        builder.isTransactional = true
        builder.append(key: nil, value: ByteBuffer(repeating: 7, count: bytes), timestamp: 1_000)
        return builder.finish()
    }

    private func marker(_ producer: Int64, _ kind: ControlRecord.Kind, epoch: Int16 = 0) -> ByteBuffer {
        ControlRecord(kind: kind).batch(producerID: producer, producerEpoch: epoch, timestamp: 1_000)
    }

    /// Everything that a reader of committed records depends on.
    private struct Observed: Equatable {
        var open: [OpenTransactions.Entry]
        var aborted: [AbortedTransaction]
        var epochs: [Int64: Int16]
        var starts: [Int64: Int64]

        init(_ log: PartitionLog) {
            open = log.producers.open.entries
            aborted = log.abortedTransactions(from: log.startOffset, below: log.nextOffset)
            epochs = log.producers.producers.mapValues(\.epoch)
            starts = log.producers.producers.mapValues(\.transactionStart)
        }
    }

    /// A random history of transactions over small segments, reopened again and again in every way.
    @Test(arguments: 0..<12) func everyWayOfOpeningFindsTheSameTransactions(seed: Int) throws {
        var generator = SplitMix(state: UInt64(seed) &+ 77)
        let folder = TemporaryFolder()
        let overrides = ["segment.bytes": "1500", "index.interval.bytes": "300"]
        var log = try open(folder, overrides)
        var sequences: [Int64: Int32] = [:]
        var isOpen: Set<Int64> = []
        // This one stays open over many segments.
        try append(&log, batch(99, sequence: 0))
        for _ in 0..<150 {
            let producer = Int64.random(in: 1...4, using: &generator)
            if isOpen.contains(producer), Bool.random(using: &generator) {
                try append(&log, marker(producer, Bool.random(using: &generator) ? .commit : .abort))
                isOpen.remove(producer)
            } else {
                try append(&log, batch(producer, sequence: sequences[producer] ?? 0, bytes: Int.random(in: 1...300, using: &generator)))
                sequences[producer, default: 0] += 1
                isOpen.insert(producer)
            }
        }
        #expect(log.segments.count > 6)
        let wanted = Observed(log)
        #expect(!wanted.aborted.isEmpty && wanted.starts[99] == 0)
        try log.index.write(path: log.segments.last!.path)
        #expect(Observed(try open(folder.copy(), overrides, isClean: true, recoveryPoint: log.nextOffset)) == wanted, "clean")
        #expect(Observed(try open(folder.copy(), overrides, recoveryPoint: 0)) == wanted, "everything is checked")
        let middle = log.segments[log.segments.count / 2].baseOffset
        #expect(Observed(try open(folder.copy(), overrides, recoveryPoint: middle)) == wanted, "checked from the middle")
        // Small files that were lost or torn are made up for.
        for suffix in [ProducerSnapshot.suffix, TransactionIndex.suffix] {
            let lost = folder.copy()
            for name in TemporaryFolder.names(lost.path + "/t-0") where name.hasSuffix(suffix) {
                if suffix == ProducerSnapshot.suffix || Bool.random(using: &generator) {
                    TemporaryFolder.writeBytes([1, 2, 3], lost.path + "/t-0/" + name)
                }
            }
            #expect(Observed(try open(lost, overrides, isClean: true, recoveryPoint: log.nextOffset)) == wanted, "torn \(suffix)")
            #expect(Observed(try open(lost, overrides, isClean: true, recoveryPoint: log.nextOffset)) == wanted, "once more")
        }
        var reopened = try open(folder.copy(), overrides, isClean: true, recoveryPoint: log.nextOffset)
        try append(&reopened, marker(99, .abort))
        #expect(reopened.abortedTransactions(from: 0, below: 1).map(\.producerID) == [99])
    }

    @Test func anEndThatIsCutOffOpensTheTransactionAgain() throws {
        let folder = TemporaryFolder()
        var log = try open(folder)
        try append(&log, batch(1, sequence: 0))
        try append(&log, marker(1, .abort))
        #expect(log.abortedTransactions(from: 0, below: 2) == [.init(producerID: 1, firstOffset: 0, lastOffset: 1, lastStableOffset: 2)])
        let path = log.segments[0].path + ".log"
        let bytes = try #require(TemporaryFolder.readBytes(path))
        TemporaryFolder.writeBytes(Array(bytes.dropLast(5)), path)
        let cut = try open(folder)
        #expect(cut.nextOffset == 1 && cut.producers.open.firstOpenOffset == 0)
        #expect(cut.abortedTransactions(from: 0, below: 2).isEmpty)
    }

    @Test func filesHaveKafkasFormats() throws {
        let folder = TemporaryFolder()
        var log = try open(folder, ["segment.bytes": "1024"])
        for number in 0..<4 {
            try append(&log, batch(5, sequence: Int32(number), bytes: 400))
            try append(&log, marker(5, .abort))
        }
        let names = TemporaryFolder.names(folder.path + "/t-0")
        #expect(names.contains("00000000000000000000.txnindex"))
        let index = try #require(TemporaryFolder.readBytes(folder.path + "/t-0/00000000000000000000.txnindex"))
        #expect(index.count % 34 == 0)
        let entry: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2]
        #expect(Array(index.prefix(34)) == entry)
        let name = try #require(names.first { $0.hasSuffix(".snapshot") })
        let snapshot = try #require(TemporaryFolder.readBytes(folder.path + "/t-0/" + name))
        #expect(snapshot.count == 2 + 4 + 4 + 46 && Array(snapshot[..<2]) == [0, 1] && Array(snapshot[6..<10]) == [0, 0, 0, 1])
        #expect(ProducerSnapshot.decode(snapshot)?.map(\.producerID) == [5])
    }

    @Test func transactionsHoldBackRetention() throws {
        let folder = TemporaryFolder()
        var log = try open(folder, ["segment.bytes": "1024", "retention.bytes": "1"])
        try append(&log, batch(1, sequence: 0))
        for _ in 0..<20 { try append(&log, makeBatch(5)) }
        let stable = try #require(log.producers.open.firstOpenOffset)
        let kept = try log.expireSegments(nowMs: 2_000, below: stable)
        #expect(kept.isEmpty)
        try append(&log, marker(1, .commit))
        let removed = try log.expireSegments(nowMs: 2_000, below: log.nextOffset)
        #expect(!removed.isEmpty)
        log.producers.expire(nowMs: 10_000_000)
        #expect(log.producers.count == 0)
    }

    @Test func aProducerWithAnOpenTransactionIsNotForgotten() {
        var states = ProducerStates(countMax: 2, expirationMs: 10)
        func header(_ producer: Int64) -> RecordBatchHeader {
            var header = RecordBatchHeader()
            header.producerID = producer
            header.producerEpoch = 0
            header.baseSequence = 0
            header.baseOffset = producer
            header.attributes = producer == 1 ? 0x10 : 0
            return header
        }
        for producer in Int64(1)...5 { states.record(header(producer), nowMs: producer) }
        #expect(states.producers[1]?.transactionStart == 1 && states.count == 2)
        states.expire(nowMs: 1_000)
        #expect(states.count == 1)
    }

    @Test func theEndOfATransactionRaisesTheEpochAndTheNextSequenceIsZero() {
        var states = ProducerStates(countMax: 10, expirationMs: 1_000)
        func header(epoch: Int16, sequence: Int32, attributes: Int16 = 0x10, offset: Int64 = 0) -> RecordBatchHeader {
            var header = RecordBatchHeader()
            header.producerID = 1
            header.producerEpoch = epoch
            header.baseSequence = sequence
            header.attributes = attributes
            header.baseOffset = offset
            return header
        }
        states.record(header(epoch: 0, sequence: 0), nowMs: 0)
        // The same epoch (before KIP-890): sequences go on.
        states.record(header(epoch: 0, sequence: -1, attributes: 0x30, offset: 1), control: .init(kind: .commit), nowMs: 0)
        #expect(states.verdict(on: header(epoch: 0, sequence: 1)) == .append)
        states.record(header(epoch: 0, sequence: 1, offset: 2), nowMs: 0)
        states.record(header(epoch: 1, sequence: -1, attributes: 0x30, offset: 3), control: .init(kind: .abort), nowMs: 0)
        #expect(states.verdict(on: header(epoch: 0, sequence: 2)) == .refuse(.invalidProducerEpoch))
        #expect(states.verdict(on: header(epoch: 1, sequence: 2)) == .refuse(.outOfOrderSequenceNumber))
        #expect(states.verdict(on: header(epoch: 1, sequence: 0)) == .append)
    }

    @Test func aLeaveToBeginATransactionEndsWithIt() {
        var states = ProducerStates(countMax: 10, expirationMs: 1_000)
        var header = RecordBatchHeader()
        header.producerID = 1
        header.producerEpoch = 3
        header.baseSequence = 0
        header.attributes = 0x10
        #expect(!states.isInTransaction(header, hasAsked: true))
        states.permit(1, epoch: 3, isForAll: false)
        #expect(states.isInTransaction(header, hasAsked: true) && !states.isInTransaction(header, hasAsked: false))
        states.permit(1, epoch: 3, isForAll: true)
        #expect(states.isInTransaction(header, hasAsked: false))
        var marker = header
        marker.attributes = 0x30
        marker.baseSequence = -1
        states.record(marker, control: .init(kind: .abort), nowMs: 0)
        #expect(!states.isInTransaction(header, hasAsked: true))
    }
}
