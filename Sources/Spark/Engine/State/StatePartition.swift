/// The groups of one event time (a window's end, a time bucket, or all of them where there is no event time) of one stateful operator.
///
/// What is in memory is a cache of the store: `isComplete` says that the store holds nothing else, so that a group which is not here is new.
/// Groups that a batch touched are marked, and written with the batch's commit.
final class StatePartition {
    let eventTime: Int64
    /// How many groups there are, here and in the store.
    var rows = 0
    var isComplete: Bool
    /// Whether the store has anything of it.
    var isStored: Bool
    private(set) var table = RowKeyTable(slots: 16)
    private(set) var accumulators: [any Accumulator]
    private(set) var touched: [Int32] = []
    private var isTouched: [Bool] = []
    /// The batch that last used it.
    var batchLast: Int64 = 0

    init(_ eventTime: Int64, accumulators: [any Accumulator], isStored: Bool) {
        self.eventTime = eventTime
        self.accumulators = accumulators
        self.isStored = isStored
        isComplete = !isStored
    }

    var count: Int { table.count }
    var byteCount: Int { table.byteCount + table.count * (9 + 24 * accumulators.count) }

    func touch(_ groups: [Int32]) {
        isTouched.withUnsafeMutableBufferPointer { marks in
            for group in groups where !marks[Int(group)] {
                marks[Int(group)] = true
                touched.append(group)
            }
        }
    }

    func settle() {
        for group in touched { isTouched[Int(group)] = false }
        touched.removeAll(keepingCapacity: true)
    }

    /// The numbers of the keys, which are added where they are new, without a look at the store.
    func insert(_ keys: RowKeys) -> [Int32] {
        let groups = table.insert(keys)
        grow()
        return groups
    }

    func insert(_ key: UnsafeBufferPointer<UInt8>) -> Int32 {
        let group = table.insert(key)
        grow()
        return group
    }

    private func grow() {
        isTouched.grow(to: table.count, false)
        for accumulator in accumulators { accumulator.grow(to: table.count) }
    }

    func find(_ keys: RowKeys) -> [Int32] { table.find(keys) }

    // MARK: States as bytes

    private static let version: UInt8 = 1

    func save(_ group: Int, into writer: inout StateWriter) {
        writer.write(Self.version)
        for accumulator in accumulators { accumulator.save(group, into: &writer) }
    }

    func load(_ group: Int, _ bytes: UnsafeRawBufferPointer) throws {
        var reader = StateReader(bytes)
        guard try reader.byte() == Self.version else { throw StateReader.corrupt }
        for accumulator in accumulators { try accumulator.load(group, from: &reader) }
    }

    func loaded() {
        for accumulator in accumulators { accumulator.loaded() }
    }
}
