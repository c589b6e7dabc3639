/// What a partition remembers of idempotent producers (KIP-98): each one's epoch and its last five batches, by which a batch
/// that is sent again is recognised and a gap is refused.
struct ProducerStates: Sendable {
    /// A client with `enable.idempotence` has at most five requests in flight.
    static let batchesKept = 5

    struct Batch: Sendable, Equatable {
        var baseSequence: Int32
        var lastSequence: Int32
        var baseOffset: Int64
        var lastOffset: Int64
        var timestamp: Int64
    }

    struct Producer: Sendable {
        var epoch: Int16
        var batches: [Batch]
        /// When it last wrote, in the broker's milliseconds.
        var lastWrite: Int64
    }

    enum Verdict: Equatable {
        case append
        case duplicate(Batch)
        case refuse(ErrorCode)
    }

    private var producers: [Int64: Producer] = [:]
    let countMax: Int
    let expirationMs: Int64

    init(countMax: Int, expirationMs: Int64) {
        self.countMax = countMax
        self.expirationMs = expirationMs
    }

    var count: Int { producers.count }

    func verdict(on header: RecordBatchHeader) -> Verdict {
        guard header.isIdempotent else { return .append }
        guard header.baseSequence >= 0 else { return .refuse(.invalidRecord) }
        // A producer that is not known here (its state expired, or its batches were deleted) may go on from any sequence.
        guard let producer = producers[header.producerID], let last = producer.batches.last else { return .append }
        if header.producerEpoch < producer.epoch { return .refuse(.invalidProducerEpoch) }
        if header.producerEpoch > producer.epoch { return header.baseSequence == 0 ? .append : .refuse(.outOfOrderSequenceNumber) }
        if let known = producer.batches.last(where: { $0.baseSequence == header.baseSequence && $0.lastSequence == header.lastSequence }) {
            return .duplicate(known)
        }
        let expected = last.lastSequence == .max ? 0 : last.lastSequence + 1
        if header.baseSequence == expected { return .append }
        // Sequences live on a circle of 2^31: what lies in the half behind the expected one was appended before.
        let ahead = (header.baseSequence &- expected) & Int32.max
        return .refuse(ahead > Int32.max / 2 ? .duplicateSequenceNumber : .outOfOrderSequenceNumber)
    }

    /// Takes note of an appended batch, or of one found in the log at recovery.
    mutating func record(_ header: RecordBatchHeader, nowMs: Int64) {
        guard header.isIdempotent, header.baseSequence >= 0 else { return }
        let batch = Batch(
            baseSequence: header.baseSequence, lastSequence: header.lastSequence, baseOffset: header.baseOffset,
            lastOffset: header.lastOffset, timestamp: header.maxTimestamp)
        if var producer = producers.removeValue(forKey: header.producerID), producer.epoch == header.producerEpoch {
            if producer.batches.count == Self.batchesKept { producer.batches.removeFirst() }
            producer.batches.append(batch)
            producer.lastWrite = nowMs
            producers[header.producerID] = producer
            return
        }
        if producers.count >= countMax, let oldest = producers.min(by: { $0.value.lastWrite < $1.value.lastWrite }) {
            producers[oldest.key] = nil
        }
        var batches: [Batch] = []
        batches.reserveCapacity(Self.batchesKept)
        batches.append(batch)
        producers[header.producerID] = Producer(epoch: header.producerEpoch, batches: batches, lastWrite: nowMs)
    }

    mutating func expire(nowMs: Int64) {
        producers = producers.filter { nowMs - $0.value.lastWrite < expirationMs }
    }
}
