import NIOCore
import Testing

@testable import Cassandra

@Suite struct StreamTableTests {
    private let start = NIODeadline.uptimeNanoseconds(0)

    @Test func streamsAreGivenOutUpToTheBoundAndAgainAfterTheirAnswer() {
        var table = StreamTable<String>(capacity: 2)
        let first = table.take("a", deadline: start), second = table.take("b", deadline: start)
        #expect(first == 0 && second == 1 && !table.hasFree)
        #expect(table.take("c", deadline: start) == nil)
        guard case .request("a") = table.answer(0) else { return #expect(Bool(false), "the answer is a's") }
        #expect(table.take("c", deadline: start) == 0)
    }

    @Test func aLateAnswerIsNeverGivenToALaterRequest() {
        var table = StreamTable<String>(capacity: 1)
        _ = table.take("slow", deadline: start + .seconds(1))
        #expect(table.expire(now: start).isEmpty)
        #expect(table.expire(now: start + .seconds(1)) == ["slow"])
        #expect(table.take("next", deadline: start) == nil)
        guard case .late = table.answer(0) else { return #expect(Bool(false), "the answer is late") }
        #expect(table.take("next", deadline: start) == 0)
        #expect(table.abandonedCount == 0 && table.waitingCount == 1)
    }

    @Test func answersThatNobodyAskedForAreKnownAsSuch() {
        var table = StreamTable<String>(capacity: 4)
        for stream: Int16 in [-1, 0, 3, .max] {
            guard case .unknown = table.answer(stream) else { return #expect(Bool(false), "nothing was asked on \(stream)") }
        }
        #expect(table.removeAll().isEmpty)
    }
}
