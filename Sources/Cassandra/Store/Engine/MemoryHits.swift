internal import Synchronization

/// Whether asking memory first pays: a read that memory does not answer is looked up twice.
///
/// Keeps the share of hits among the last reads (a moving average in 1/65536); below a third only one read in sixteen asks memory, to find
/// out when that has changed. Lost updates between threads do no harm.
final class MemoryHits: Sendable {
    private let share = Atomic<Int>(65_536)
    private let reads = Atomic<Int>(0)

    init() {}

    var isWorthAsking: Bool {
        if share.load(ordering: .relaxed) > 21_845 { return true }
        return reads.wrappingAdd(1, ordering: .relaxed).oldValue & 15 == 0
    }

    /// Counts a read that asked memory.
    func count(isHit: Bool) {
        let old = share.load(ordering: .relaxed)
        share.store(old + ((isHit ? 65_536 : 0) - old) / 64, ordering: .relaxed)
    }
}
