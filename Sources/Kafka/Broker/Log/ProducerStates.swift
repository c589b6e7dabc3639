/// What a partition remembers of idempotent producers (KIP-98): each one's epoch and its last five batches, by which a batch
/// that is sent again is recognised and a gap is refused; and the transactions that are open.
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
        var batches: [Batch] = []
        /// Nothing is known of its sequences: of this epoch there was a transaction's end, and no batch that still is there.
        var mayBeginAnywhere = false
        /// When it last wrote, in the broker's milliseconds.
        var lastWrite: Int64
        /// The first offset of its open transaction, -1 when none is open.
        var transactionStart: Int64 = -1
    }

    enum Verdict: Equatable {
        case append
        case duplicate(Batch)
        case refuse(ErrorCode)
    }

    /// Leave to begin a transaction here, which the transaction coordinator gave after it had logged the partition.
    private struct Permit {
        var epoch: Int16
        /// The producer named the partition before it wrote (AddPartitionsToTxn), so that no write of it may be waiting for the leave.
        var isForAll: Bool
    }

    private(set) var producers: [Int64: Producer] = [:]
    private var permits: [Int64: Permit] = [:]
    var open = OpenTransactions()
    let countMax: Int
    let expirationMs: Int64

    init(countMax: Int, expirationMs: Int64) {
        self.countMax = countMax
        self.expirationMs = expirationMs
    }

    var count: Int { producers.count }

    /// - Parameter isFromCoordinator: a batch that the broker itself writes in a producer's name, which has no sequence.
    func verdict(on header: RecordBatchHeader, isFromCoordinator: Bool = false) -> Verdict {
        guard header.isIdempotent else { return .append }
        guard header.baseSequence >= 0 || isFromCoordinator else { return .refuse(.invalidRecord) }
        // A producer that is not known here (its state expired, or its batches were deleted) may go on from any sequence.
        guard let producer = producers[header.producerID] else { return .append }
        if header.producerEpoch < producer.epoch { return .refuse(.invalidProducerEpoch) }
        if isFromCoordinator { return .append }
        if header.producerEpoch > producer.epoch { return header.baseSequence == 0 ? .append : .refuse(.outOfOrderSequenceNumber) }
        guard let last = producer.batches.last else {
            return header.baseSequence == 0 || producer.mayBeginAnywhere ? .append : .refuse(.outOfOrderSequenceNumber)
        }
        if let known = producer.batches.last(where: { $0.baseSequence == header.baseSequence && $0.lastSequence == header.lastSequence }) {
            return .duplicate(known)
        }
        let expected = last.lastSequence == .max ? 0 : last.lastSequence + 1
        if header.baseSequence == expected { return .append }
        // Sequences live on a circle of 2^31: what lies in the half behind the expected one was appended before.
        let ahead = (header.baseSequence &- expected) & Int32.max
        return .refuse(ahead > Int32.max / 2 ? .duplicateSequenceNumber : .outOfOrderSequenceNumber)
    }

    // MARK: Transactions

    /// Whether a transactional batch belongs to a transaction that is known to be open: one that has begun here, or that the
    /// coordinator gave leave to begin.
    ///
    /// - Parameter hasAsked: the coordinator was asked on behalf of this very batch.
    func isInTransaction(_ header: RecordBatchHeader, hasAsked: Bool) -> Bool {
        if let producer = producers[header.producerID], producer.epoch == header.producerEpoch, producer.transactionStart >= 0 {
            return true
        }
        guard let permit = permits[header.producerID], permit.epoch == header.producerEpoch else { return false }
        return permit.isForAll || hasAsked
    }

    /// The next transactional batch of the producer and epoch may begin a transaction; a transaction's end takes the leave back
    /// (KIP-890: without it a batch that comes late would begin one that nobody ends).
    mutating func permit(_ producerID: Int64, epoch: Int16, isForAll: Bool) {
        permits[producerID] = Permit(epoch: epoch, isForAll: isForAll)
    }

    /// Takes note of an appended batch, or of one found in the log at recovery.
    ///
    /// - Parameter control: what a control batch says.
    /// - Returns: the transaction that it aborts.
    @discardableResult
    mutating func record(
        _ header: RecordBatchHeader, place: PartitionLog.Place = .init(segment: 0, position: 0), control: ControlRecord? = nil, nowMs: Int64
    ) -> AbortedTransaction? {
        guard header.isIdempotent else { return nil }
        if header.isControl { return control.flatMap { end(header, $0, nowMs) } }
        guard header.baseSequence >= 0 || header.isTransactional else { return nil }
        var producer = producers.removeValue(forKey: header.producerID) ?? newProducer(header.producerEpoch, nowMs)
        if producer.epoch != header.producerEpoch {
            producer.epoch = header.producerEpoch
            producer.batches.removeAll(keepingCapacity: true)
        }
        producer.mayBeginAnywhere = false
        producer.lastWrite = nowMs
        if header.baseSequence >= 0 {
            if producer.batches.count == Self.batchesKept { producer.batches.removeFirst() }
            producer.batches.append(
                Batch(
                    baseSequence: header.baseSequence, lastSequence: header.lastSequence, baseOffset: header.baseOffset,
                    lastOffset: header.lastOffset, timestamp: header.maxTimestamp))
        }
        if header.isTransactional, producer.transactionStart < 0 {
            producer.transactionStart = header.baseOffset
            open.begin(producerID: header.producerID, firstOffset: header.baseOffset, place: place)
        }
        producers[header.producerID] = producer
        return nil
    }

    private mutating func end(_ header: RecordBatchHeader, _ control: ControlRecord, _ nowMs: Int64) -> AbortedTransaction? {
        permits[header.producerID] = nil
        var producer =
            producers.removeValue(forKey: header.producerID)
            ?? {
                var producer = newProducer(header.producerEpoch, nowMs)
                producer.mayBeginAnywhere = true
                return producer
            }()
        if header.producerEpoch > producer.epoch {
            producer.epoch = header.producerEpoch
            producer.batches.removeAll(keepingCapacity: true)
            producer.mayBeginAnywhere = false
        }
        let first = producer.transactionStart
        producer.transactionStart = -1
        producer.lastWrite = nowMs
        producers[header.producerID] = producer
        guard first >= 0 else { return nil }
        open.end(producerID: header.producerID, markerOffset: header.lastOffset)
        guard control.kind == .abort else { return nil }
        return AbortedTransaction(
            producerID: header.producerID, firstOffset: first, lastOffset: header.lastOffset,
            lastStableOffset: open.firstOpenOffset ?? header.nextOffset)
    }

    private mutating func newProducer(_ epoch: Int16, _ nowMs: Int64) -> Producer {
        if producers.count >= countMax,
            let oldest = producers.lazy.filter({ $0.value.transactionStart < 0 }).min(by: { $0.value.lastWrite < $1.value.lastWrite })
        {
            producers[oldest.key] = nil
        }
        var producer = Producer(epoch: epoch, lastWrite: nowMs)
        producer.batches.reserveCapacity(Self.batchesKept)
        return producer
    }

    mutating func expire(nowMs: Int64) {
        producers = producers.filter { $0.value.transactionStart >= 0 || nowMs - $0.value.lastWrite < expirationMs }
    }

    /// Takes over what a snapshot holds.
    mutating func restore(_ entries: [ProducerSnapshot.Entry]) {
        for entry in entries {
            var producer = Producer(
                epoch: entry.epoch, mayBeginAnywhere: entry.lastSequence < 0, lastWrite: entry.timestamp,
                transactionStart: entry.transactionStart)
            if entry.lastSequence >= 0 {
                let first = Int64(entry.lastSequence) - Int64(entry.offsetDelta)
                producer.batches = [
                    Batch(
                        baseSequence: Int32(truncatingIfNeeded: first < 0 ? first + Int64(Int32.max) + 1 : first),
                        lastSequence: entry.lastSequence, baseOffset: entry.lastOffset - Int64(entry.offsetDelta),
                        lastOffset: entry.lastOffset, timestamp: entry.timestamp)
                ]
            }
            producers[entry.producerID] = producer
        }
        for entry in entries.filter({ $0.transactionStart >= 0 }).sorted(by: { $0.transactionStart < $1.transactionStart }) {
            open.begin(producerID: entry.producerID, firstOffset: entry.transactionStart, place: nil)
        }
    }
}
