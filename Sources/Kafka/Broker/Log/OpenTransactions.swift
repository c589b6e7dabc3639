/// The transactions of one partition that are not decided for readers: those that are open, and those whose end is written but
/// does not lie below the high watermark yet. The first offset of any of them is the last stable offset (KIP-98).
struct OpenTransactions: Sendable {
    struct Entry: Sendable, Equatable {
        var producerID: Int64
        var firstOffset: Int64
        /// Where the batch with the first offset begins; nil until it has been looked for, after a snapshot was read.
        var place: PartitionLog.Place?
    }

    /// By rising first offset, since each begins at the log's end.
    private(set) var entries: [Entry] = []
    private var ended: [(entry: Entry, markerOffset: Int64)] = []

    var isEmpty: Bool { entries.isEmpty && ended.isEmpty }

    /// The first offset of the oldest transaction that is open.
    var firstOpenOffset: Int64? { entries.first?.firstOffset }

    /// The oldest of all that are undecided.
    var first: Entry? {
        var first = entries.first
        for (entry, _) in ended where entry.firstOffset < first?.firstOffset ?? .max { first = entry }
        return first
    }

    mutating func begin(producerID: Int64, firstOffset: Int64, place: PartitionLog.Place?) {
        entries.append(Entry(producerID: producerID, firstOffset: firstOffset, place: place))
    }

    mutating func end(producerID: Int64, markerOffset: Int64) {
        guard let index = entries.firstIndex(where: { $0.producerID == producerID }) else { return }
        ended.append((entries.remove(at: index), markerOffset))
    }

    /// The high watermark has moved: what ended below it is decided.
    mutating func settle(below highWatermark: Int64) {
        guard !ended.isEmpty else { return }
        ended.removeAll { $0.markerOffset < highWatermark }
    }

    /// Looks for the places that are not known.
    mutating func locate<Failure: Error>(_ body: (Int64) throws(Failure) -> PartitionLog.Place) throws(Failure) {
        for index in entries.indices where entries[index].place == nil {
            entries[index].place = try body(entries[index].firstOffset)
        }
    }
}
