import NIOCore
import Testing

@testable import Kafka

/// The state machine of one transactional id, with a clock and a log that the test plays.
struct TransactionTests {
    private static let place = TopicPartition(topic: "t", partition: 0)
    private static let other = TopicPartition(topic: "t", partition: 1)

    /// Answers what the machine asks for: records become durable, markers are written, ids are given out.
    private struct Player {
        var transaction: Transaction
        var nowMs: Int64 = 1_000
        var token: Transaction.Token = 0
        var nextProducerID: Int64 = 7
        var logged: [Transaction.Record] = []
        var marked: [(kind: ControlRecord.Kind, identity: Transaction.Identity, partitions: Set<TopicPartition>)] = []
        var answers: [Transaction.Token: (error: ErrorCode, identity: Transaction.Identity)] = [:]

        init(_ transaction: Transaction = Transaction(id: "x", nowMs: 0)) { self.transaction = transaction }

        mutating func play(_ actions: [Transaction.Action]) {
            for action in actions {
                switch action {
                case .log(let record, let isAwaited):
                    logged.append(record)
                    if isAwaited { play(transaction.logged(.none, nowMs: nowMs)) }
                case .mark(let kind, let identity, let partitions):
                    marked.append((kind, identity, partitions))
                    play(transaction.marked(.none, nowMs: nowMs))
                case .allocateProducerID:
                    defer { nextProducerID += 1 }
                    play(transaction.allocated(nextProducerID, nowMs: nowMs))
                case .answer(let token, let error, let identity):
                    answers[token] = (error, identity)
                }
            }
        }

        /// The answer, once everything that was asked for has been done.
        mutating func ask(_ request: Transaction.Request) -> (error: ErrorCode, identity: Transaction.Identity) {
            token += 1
            play(transaction.handle(request, token: token, nowMs: nowMs))
            return answers[token] ?? (.unknownServerError, .none)
        }

        mutating func begin() -> Transaction.Identity {
            let answer = ask(.initialise(timeoutMs: 60_000, expected: nil))
            #expect(answer.error == .none)
            return answer.identity
        }

        @discardableResult
        mutating func add(_ identity: Transaction.Identity, _ partitions: Set<TopicPartition> = [place], version: Int16 = 0) -> ErrorCode {
            ask(.add(identity, partitions, clientVersion: version)).error
        }

        mutating func end(_ identity: Transaction.Identity, commit: Bool = true, raises: Bool = false) -> (
            error: ErrorCode, identity: Transaction.Identity
        ) {
            ask(.end(identity, isCommit: commit, raisesEpoch: raises))
        }
    }

    @Test(arguments: [true, false]) func theOutcomeIsLoggedBeforeTheMarkersAndTheAnswerComesLast(isCommit: Bool) {
        var player = Player()
        let identity = player.begin()
        #expect(identity == .init(producerID: 7, epoch: 0))
        #expect(player.add(identity, [Self.place, Self.other]) == .none)
        let asked = player.transaction.handle(.end(identity, isCommit: isCommit, raisesEpoch: false), token: 99, nowMs: 2_000)
        guard case .log(let record, true)? = asked.first, asked.count == 1 else {
            Issue.record("nothing but the log comes first")
            return
        }
        #expect(record.state == (isCommit ? .prepareCommit : .prepareAbort) && record.partitions == [Self.place, Self.other])
        let durable = player.transaction.logged(.none, nowMs: 2_000)
        #expect(durable == [.mark(isCommit ? .commit : .abort, identity, [Self.place, Self.other])])
        let marked = player.transaction.marked(.none, nowMs: 2_001)
        guard case .log(let complete, false)? = marked.first else {
            Issue.record("the end is logged")
            return
        }
        #expect(complete.state == (isCommit ? .completeCommit : .completeAbort) && complete.partitions.isEmpty)
        #expect(marked.last == .answer(99, .none, identity))
    }

    @Test func aSecondInstanceFencesTheFirstAndAbortsWhatItLeftOpen() {
        var player = Player()
        let first = player.begin()
        player.add(first)
        let second = player.begin()
        // The marker has an epoch of its own, so that nothing of the first comes behind it.
        #expect(player.marked.map(\.kind) == [.abort])
        #expect(player.marked[0].identity == .init(producerID: 7, epoch: 1))
        #expect(second == .init(producerID: 7, epoch: 2))
        #expect(player.add(first) == .producerFenced)
        #expect(player.end(first).error == .producerFenced)
        #expect(player.ask(.verify(first, [Self.place])).error == .producerFenced)
        #expect(player.add(second) == .none)
        #expect(player.add(.init(producerID: 8, epoch: 2)) == .invalidProducerIDMapping)
    }

    @Test func aTransactionThatIsOpenTooLongIsAbortedAndItsProducerFenced() {
        var player = Player()
        let identity = player.begin()
        #expect(player.transaction.deadlineMs == nil)
        player.nowMs = 5_000
        player.add(identity)
        #expect(player.transaction.deadlineMs == 65_000)
        player.nowMs = 40_000
        player.add(identity, [Self.other])
        #expect(player.transaction.deadlineMs == 65_000, "a further partition gives no further time")
        player.play(player.transaction.tick(nowMs: 64_999))
        #expect(player.marked.isEmpty)
        player.nowMs = 65_000
        player.play(player.transaction.tick(nowMs: 65_000))
        #expect(player.marked.map(\.kind) == [.abort] && player.transaction.record.state == .completeAbort)
        #expect(player.end(identity).error == .producerFenced)
        #expect(player.transaction.deadlineMs == nil)
    }

    @Test func everyEndRaisesTheEpochForClientsOfKIP890() {
        var player = Player()
        var identity = player.begin()
        for number in 0..<5 {
            #expect(player.add(identity, version: 2) == .none)
            let answer = player.end(identity, commit: number % 2 == 0, raises: true)
            #expect(answer.error == .none && answer.identity == .init(producerID: 7, epoch: identity.epoch + 1))
            #expect(player.marked.last?.identity == answer.identity, "the marker carries the raised epoch")
            // The answer was lost, and the request comes again.
            #expect(player.end(identity, commit: number % 2 == 0, raises: true) == answer)
            #expect(player.end(identity, commit: number % 2 == 1, raises: true).error == .invalidTxnState)
            identity = answer.identity
        }
        #expect(player.marked.count == 5)
        #expect(player.transaction.record.clientVersion == 2)
    }

    @Test func anAbortOfNothingRaisesTheEpochAndACommitOfNothingIsRefused() {
        var player = Player()
        let identity = player.begin()
        #expect(player.end(identity, commit: true, raises: true).error == .invalidTxnState)
        let answer = player.end(identity, commit: false, raises: true)
        #expect(answer.error == .none && answer.identity.epoch == identity.epoch + 1)
        #expect(player.end(answer.identity, commit: false, raises: false).error == .none, "the last outcome once more, as before KIP-890")
        #expect(player.end(answer.identity, commit: true, raises: false).error == .invalidTxnState)
    }

    @Test func whenTheEpochsAreUsedUpTheProducerGoesOnUnderANewID() {
        let record = Transaction.Record(
            identity: .init(producerID: 3, epoch: .max - 1), timeoutMs: 60_000, state: .empty, lastUpdateMs: 0)
        var player = Player(Transaction(id: "x", record: record))
        #expect(player.add(record.identity, version: 2) == .none)
        let answer = player.end(record.identity, raises: true)
        #expect(answer.error == .none && answer.identity == .init(producerID: 7, epoch: 0))
        #expect(player.marked.last?.identity == .init(producerID: 3, epoch: .max))
        #expect(player.end(record.identity, raises: true) == answer, "sent again")
        var older = Player(Transaction(id: "x", record: record))
        #expect(older.begin() == .init(producerID: 7, epoch: 0))
    }

    @Test func aProducerThatAsksForANewEpochMustHaveTheLatest() {
        var player = Player()
        let first = player.begin()
        let bumped = player.ask(.initialise(timeoutMs: 60_000, expected: first))
        #expect(bumped.error == .none && bumped.identity.epoch == 1)
        #expect(player.ask(.initialise(timeoutMs: 60_000, expected: first)) == bumped, "sent again")
        _ = player.begin()
        #expect(player.ask(.initialise(timeoutMs: 60_000, expected: bumped.identity)).error == .producerFenced)
        #expect(player.ask(.initialise(timeoutMs: 60_000, expected: .init(producerID: 99, epoch: 0))).error == .producerFenced)
    }

    @Test func aFencedProducerDoesNotDisturbTheOpenTransaction() {
        var player = Player()
        let first = player.begin()
        let second = player.begin()
        player.add(second)
        #expect(player.ask(.initialise(timeoutMs: 60_000, expected: first)).error == .producerFenced)
        #expect(player.transaction.record.state == .ongoing && player.marked.isEmpty)
    }

    @Test func whatComesWhileAChangeIsUnderWayWaitsAndKeepsItsOrder() {
        var player = Player()
        let identity = player.begin()
        player.add(identity)
        let end = player.transaction.handle(.end(identity, isCommit: true, raisesEpoch: false), token: 50, nowMs: 2_000)
        #expect(end.count == 1)
        #expect(player.transaction.handle(.add(identity, [Self.other], clientVersion: 0), token: 51, nowMs: 2_000) == [])
        #expect(player.transaction.handle(.verify(identity, [Self.other]), token: 52, nowMs: 2_000) == [])
        player.play(player.transaction.logged(.none, nowMs: 2_000))
        #expect((50...52).allSatisfy { player.answers[$0]?.error == ErrorCode.none })
        #expect(player.transaction.record.state == .ongoing && player.transaction.record.partitions == [Self.other])
        for number in 0..<UInt64(Transaction.waitingMax) {
            if number == 0 { _ = player.transaction.handle(.end(identity, isCommit: true, raisesEpoch: false), token: 60, nowMs: 3_000) }
            #expect(player.transaction.handle(.verify(identity, [Self.other]), token: 100 + number, nowMs: 3_000) == [])
        }
        #expect(
            player.transaction.handle(.verify(identity, [Self.other]), token: 999, nowMs: 3_000)
                == [.answer(999, .concurrentTransactions, .none)])
    }

    @Test func aWriteIsVerifiedAgainstTheOpenTransaction() {
        var player = Player()
        let identity = player.begin()
        #expect(player.ask(.verify(identity, [Self.place])).error == .transactionAbortable)
        player.add(identity)
        #expect(player.ask(.verify(identity, [Self.place])).error == .none)
        #expect(player.ask(.verify(identity, [Self.other])).error == .transactionAbortable)
        _ = player.end(identity)
        #expect(player.ask(.verify(identity, [Self.place])).error == .transactionAbortable)
    }

    @Test func anAbortThatTheLogRefusesIsTriedAgainAfterAPause() {
        var player = Player()
        player.add(player.begin())
        _ = player.transaction.tick(nowMs: 70_000)
        _ = player.transaction.logged(.kafkaStorageError, nowMs: 70_000)
        #expect(player.transaction.deadlineMs == 71_000)
    }

    @Test func aRecordThatCannotBeWrittenChangesNothing() {
        var player = Player()
        let identity = player.begin()
        _ = player.transaction.handle(.add(identity, [Self.place], clientVersion: 0), token: 50, nowMs: 2_000)
        #expect(player.transaction.logged(.kafkaStorageError, nowMs: 2_000) == [.answer(50, .coordinatorNotAvailable, .none)])
        #expect(player.transaction.record.state == .empty)
    }

    @Test func aMarkerThatCannotBeWrittenLeavesTheOutcomeToTheNextStart() throws {
        var player = Player()
        let identity = player.begin()
        player.add(identity)
        _ = player.transaction.handle(.end(identity, isCommit: true, raisesEpoch: false), token: 50, nowMs: 2_000)
        _ = player.transaction.logged(.none, nowMs: 2_000)
        #expect(player.transaction.marked(.kafkaStorageError, nowMs: 2_000) == [.answer(50, .coordinatorNotAvailable, .none)])
        #expect(player.end(identity, commit: false).error == .coordinatorNotAvailable)
        var recovered = Player(Transaction(id: "x", record: player.transaction.record))
        recovered.play(recovered.transaction.resume())
        #expect(recovered.marked.map(\.kind) == [.commit] && recovered.transaction.record.state == .completeCommit)
    }

    @Test func anOpenTransactionIsKeptOverAStartUntilItsTime() {
        var player = Player()
        player.add(player.begin())
        var recovered = Player(Transaction(id: "x", record: player.transaction.record))
        #expect(recovered.transaction.resume().isEmpty)
        #expect(recovered.transaction.deadlineMs == 61_000)
        #expect(recovered.end(.init(producerID: 7, epoch: 0)).error == .none)
    }

    @Test(arguments: Transaction.State.allCases) func recordsComeOutOfTheLogAsTheyWentIn(state: Transaction.State) throws {
        let record = Transaction.Record(
            identity: .init(producerID: 4_711, epoch: 12), previousProducerID: 42, nextProducerID: 43, timeoutMs: 60_000, state: state,
            partitions: state == .empty ? [] : [Self.place, Self.other, .init(topic: "u", partition: 9)], lastUpdateMs: 1_700_000_000_000,
            startMs: 1_699_999_999_000, clientVersion: 2)
        #expect(try TransactionLogRecord.decode(TransactionLogRecord.encode(record)) == record)
        #expect(TransactionLogRecord.decodeKey(TransactionLogRecord.encodeKey("täx")) == "täx")
    }

    /// TransactionLogValue as Kafka lays it out: version 0, with which brokers of before 3.8 wrote, and version 1 with a tagged field.
    @Test func recordsHaveKafkasBytes() throws {
        var old = ByteBuffer()
        old.writeMultipleIntegers(0 as Int16, 5 as Int64, 2 as Int16, 60_000 as Int32, 1 as Int8)
        old.writeMultipleIntegers(1 as Int32, 1 as Int16, UInt8(ascii: "t"), 1 as Int32, 3 as Int32)
        old.writeMultipleIntegers(100 as Int64, 50 as Int64)
        let record = try #require(try TransactionLogRecord.decode(old))
        #expect(record.identity == .init(producerID: 5, epoch: 2) && record.state == .ongoing && record.startMs == 50)
        #expect(record.partitions == [.init(topic: "t", partition: 3)])
        var new = record
        new.clientVersion = 2
        var expected: [UInt8] = [0, 1, 0, 0, 0, 0, 0, 0, 0, 5, 0, 2, 0, 0, 0xEA, 0x60, 1]
        expected += [2, 2, UInt8(ascii: "t"), 2, 0, 0, 0, 3, 0]
        expected += [0, 0, 0, 0, 0, 0, 0, 100, 0, 0, 0, 0, 0, 0, 0, 50]
        expected += [1, 2, 2, 0, 2]
        #expect(Array(try TransactionLogRecord.encode(new).readableBytesView) == expected)
    }
}
