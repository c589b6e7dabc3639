import Testing

@testable import Kafka

struct ProducerStatesTests {
    private func header(_ producer: Int64 = 1, epoch: Int16 = 0, sequence: Int32, count: Int32 = 1, offset: Int64 = 0) -> RecordBatchHeader
    {
        var header = RecordBatchHeader()
        header.producerID = producer
        header.producerEpoch = epoch
        header.baseSequence = sequence
        header.lastOffsetDelta = count - 1
        header.recordCount = count
        header.baseOffset = offset
        return header
    }

    private func states(_ headers: [RecordBatchHeader], countMax: Int = 10) -> ProducerStates {
        var states = ProducerStates(countMax: countMax, expirationMs: 1_000)
        for (number, header) in headers.enumerated() {
            #expect(states.verdict(on: header) == .append)
            states.record(header, nowMs: Int64(number))
        }
        return states
    }

    @Test func theNextSequenceIsAppendedAndAGapIsRefused() {
        let states = states([header(sequence: 0, count: 10), header(sequence: 10, count: 5, offset: 10)])
        #expect(states.verdict(on: header(sequence: 15)) == .append)
        #expect(states.verdict(on: header(sequence: 16)) == .refuse(.outOfOrderSequenceNumber))
    }

    @Test func anyOfTheLastFiveBatchesIsRecognisedAndOlderOnesAreRefused() {
        let states = states((0..<7).map { header(sequence: $0 * 10, count: 10, offset: Int64($0) * 10) })
        for number in Int32(2)..<7 {
            guard case .duplicate(let batch) = states.verdict(on: header(sequence: number * 10, count: 10)) else {
                Issue.record("batch \(number) is not recognised")
                continue
            }
            #expect(batch.baseOffset == Int64(number) * 10)
        }
        #expect(states.verdict(on: header(sequence: 10, count: 10)) == .refuse(.duplicateSequenceNumber))
    }

    @Test func sequencesWrapAfterTheGreatest() {
        let states = states([header(sequence: .max - 1, count: 4)])
        #expect(states.verdict(on: header(sequence: 2)) == .append)
        #expect(states.verdict(on: header(sequence: 3)) == .refuse(.outOfOrderSequenceNumber))
    }

    @Test func aNewEpochStartsAtZeroAndAnOldOneIsFenced() {
        let states = states([header(epoch: 3, sequence: 0)])
        #expect(states.verdict(on: header(epoch: 2, sequence: 1)) == .refuse(.invalidProducerEpoch))
        #expect(states.verdict(on: header(epoch: 4, sequence: 1)) == .refuse(.outOfOrderSequenceNumber))
        #expect(states.verdict(on: header(epoch: 4, sequence: 0)) == .append)
    }

    @Test func theNumberOfProducersIsBoundedAndSilentOnesExpire() {
        var states = states((0..<15).map { header($0, sequence: 0) })
        #expect(states.count == 10)
        states.expire(nowMs: 1_010)
        #expect(states.count == 4)
    }

    @Test func batchesWithoutAProducerAreNotTracked() {
        let states = states([header(-1, sequence: -1), header(-1, sequence: -1)])
        #expect(states.count == 0)
    }
}
