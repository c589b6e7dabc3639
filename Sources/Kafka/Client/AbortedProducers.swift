/// Tells, batch by batch in the order of the log, which belong to aborted transactions.
///
/// A fetch's answer lists the aborted transactions by producer and first offset: from that offset on the producer's transactional
/// batches are left out, until its abort marker (KIP-98, "Discussion on Unavailable Producers" and the consumer's read_committed).
struct AbortedProducers {
    /// By falling first offset, so that the next is the last.
    private var coming: [FetchResponse.AbortedTransaction]
    private var aborting: Set<Int64> = []

    init(_ transactions: [FetchResponse.AbortedTransaction]) {
        coming = transactions.sorted { $0.firstOffset > $1.firstOffset }
    }

    /// Whether nothing is aborted here, so that batches need not be asked about.
    var isEmpty: Bool { coming.isEmpty && aborting.isEmpty }

    /// - Parameter isAbort: the batch is an abort marker.
    /// - Returns: whether the batch's records are to be left out.
    mutating func leavesOut(producerID: Int64, isTransactional: Bool, isAbort: Bool, lastOffset: Int64) -> Bool {
        while let next = coming.last, next.firstOffset <= lastOffset {
            aborting.insert(next.producerID)
            coming.removeLast()
        }
        if isAbort {
            aborting.remove(producerID)
            return true
        }
        return isTransactional && aborting.contains(producerID)
    }
}
