/// Where the last batches of the active segment begin, so that readers near the log's end are served without reading headers
/// from the file. A ring that grows up to a bound; older batches are found by the index.
struct RecentBatches: Sendable {
    static let countMax = 4_096

    struct Entry: Sendable {
        var lastOffset: Int64
        var position: Int
    }

    private var ring: [Entry] = []
    /// The oldest entry's place once the ring is full.
    private var start = 0

    var count: Int { ring.count }

    subscript(index: Int) -> Entry { ring[(start + index) % ring.count] }

    mutating func append(lastOffset: Int64, position: Int) {
        let entry = Entry(lastOffset: lastOffset, position: position)
        if ring.count < Self.countMax {
            ring.append(entry)
        } else {
            ring[start] = entry
            start = (start + 1) % ring.count
        }
    }

    mutating func removeAll() {
        ring.removeAll()
        start = 0
    }

    /// The batch that holds `offset`, by its index here; nil when it is older than the ring, or not yet there.
    func index(holding offset: Int64) -> Int? {
        let index = firstIndex { $0.lastOffset >= offset }
        guard index < count else { return nil }
        // The first entry may hold more than `offset` and so not be its batch: only a predecessor proves where it begins.
        return index > 0 ? index : nil
    }

    /// The greatest position of a batch's begin that is at most `limit`, given that the batch at `index` begins before it.
    func position(atMost limit: Int, from index: Int) -> Int? {
        let after = firstIndex { $0.position > limit }
        guard after - 1 > index else { return nil }
        return self[after - 1].position
    }

    /// The offset of the batch that begins at `position`, given that the batch before it is in the ring.
    func offset(atPosition position: Int) -> Int64? {
        let index = firstIndex { $0.position >= position }
        return index > 0 && index < count ? self[index - 1].lastOffset + 1 : nil
    }

    private func firstIndex(where holds: (Entry) -> Bool) -> Int {
        var low = 0, high = count
        while low < high {
            let middle = (low + high) / 2
            if holds(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
