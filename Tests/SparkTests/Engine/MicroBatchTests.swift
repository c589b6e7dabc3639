import IO
import Testing

@testable import Spark

@Suite struct MicroBatchTests {
    private func offset(_ value: Int64) -> SourceOffset { SourceOffset([SourcePartition(topic: "t", partition: 0): value]) }
    private func range(_ start: Int64, _ end: Int64) -> SourceRange { SourceRange(start: offset(start), end: offset(end)) }

    @Test func aBatchRunsOnlyOnceItsOffsetsAreLogged() {
        var steps = MicroBatchSteps(offsets: [offset(0)])
        #expect(steps.action == .plan(batch: 0, after: [offset(0)]))
        steps.handle(.planned([range(0, 5)], nowMicros: 1_000, deadLetterEnds: SourceOffset()))
        guard case .log(let batch) = steps.action else {
            Issue.record("\(steps.action)")
            return
        }
        #expect(batch.baseTimestamp == 1_000)
        steps.handle(.logged)
        #expect(steps.action == .execute(batch, isReplay: false))
        steps.handle(.executed(next: nil, nowMicros: 1_001, deadLetterEnds: SourceOffset()))
        #expect(steps.action == .commit(0, next: nil))
        steps.handle(.committed)
        #expect(steps.action == .plan(batch: 1, after: [offset(5)]))
    }

    @Test func waitingDataIsLoggedWithTheCommit() {
        var steps = MicroBatchSteps(offsets: [offset(0)])
        steps.handle(.planned([range(0, 5)], nowMicros: 1_000, deadLetterEnds: SourceOffset()))
        steps.handle(.logged)
        steps.handle(.executed(next: [range(5, 7)], nowMicros: 1_002, deadLetterEnds: SourceOffset()))
        guard case .commit(0, let next?) = steps.action else {
            Issue.record("\(steps.action)")
            return
        }
        #expect(next.id == 1)
        steps.handle(.committed)
        #expect(steps.action == .execute(next, isReplay: false))
    }

    @Test func timestampsRiseBeyondTheBatchBefore() {
        var steps = MicroBatchSteps(offsets: [offset(0)])
        // 5,000 rows within the same millisecond take 5,000 microseconds: the next base is beyond them, whatever the clock says.
        steps.handle(.planned([range(0, 5_000)], nowMicros: 1_000, deadLetterEnds: SourceOffset()))
        steps.handle(.logged)
        steps.handle(.executed(next: [range(5_000, 5_001)], nowMicros: 900, deadLetterEnds: SourceOffset()))
        guard case .commit(_, let next?) = steps.action else { return }
        #expect(next.baseTimestamp == 6_000)
    }

    @Test func rowsBeyondTheOffsetsCountForTimestampsAlsoAfterARestart() {
        // Of a file one offset is read and any number of rows.
        let note = CommitNote(timestampEnd: 9_000)
        var steps = MicroBatchSteps(offsets: [offset(0)])
        steps.handle(.planned([range(0, 1)], nowMicros: 1_000, deadLetterEnds: SourceOffset()))
        steps.handle(.logged)
        steps.handle(.executed(next: [range(1, 2)], nowMicros: 1_100, deadLetterEnds: SourceOffset(), note: note))
        guard case .commit(_, let next?) = steps.action else {
            Issue.record("\(steps.action)")
            return
        }
        #expect(next.baseTimestamp == 9_000)
        let last = MicroBatch(id: 0, ranges: [range(0, 1)], baseTimestamp: 1_000, plannedMicros: 1_000, deadLetterEnds: SourceOffset())
        var restarted = MicroBatchSteps(last: last, isCommitted: true, note: note)
        restarted.handle(.planned([range(1, 2)], nowMicros: 1_100, deadLetterEnds: SourceOffset()))
        guard case .log(let again) = restarted.action else {
            Issue.record("\(restarted.action)")
            return
        }
        #expect(again.baseTimestamp == 9_000)
    }

    @Test func anUncommittedBatchIsReplayedAsLogged() throws {
        let batch = MicroBatch(id: 4, ranges: [range(10, 20)], baseTimestamp: 77, plannedMicros: 70, deadLetterEnds: offset(3))
        let again = try #require(MicroBatch(json: try JSON(parsing: batch.json.text)))
        #expect(again == batch)
        #expect(MicroBatchSteps(last: again, isCommitted: false).action == .execute(batch, isReplay: true))
        #expect(MicroBatchSteps(last: again, isCommitted: true).action == .plan(batch: 5, after: [offset(20)]))
    }

    @Test func ordinalsFollowPartitions() {
        let a = SourcePartition(topic: "t", partition: 0), b = SourcePartition(topic: "t", partition: 1)
        let range = SourceRange(start: SourceOffset([a: 5, b: 1]), end: SourceOffset([a: 5, b: 4]))
        #expect(range.partitions.map(\.partition) == [b])
        #expect(range.span == 3)
    }
}
