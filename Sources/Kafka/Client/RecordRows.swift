/// Where one record's parts lie, while a fetch is decoded.
struct RecordRow {
    var offset: Int64
    var timestamp: Int64
    var keyStart: Int32
    var keyLength: Int32
    var valueStart: Int32
    var valueLength: Int32
    var headerStart: Int32
    var headerLength: Int32
}

/// The records of a fetch while it is decoded: one append a record, turned into columns at the end.
///
/// Rows are written past the end and counted when their batch has turned out to be well-formed.
struct RecordRows: ~Copyable {
    private var base: UnsafeMutablePointer<RecordRow>?
    private(set) var count = 0
    private var capacity = 0

    init() {}

    deinit { base?.deallocate() }

    /// Room for `extra` rows past the end, uninitialised; good until the next call.
    mutating func reserve(_ extra: Int) -> UnsafeMutablePointer<RecordRow> {
        if let base, capacity - count >= extra { return base + count }
        // At least double: the batches of one fetch come one after the other.
        let wanted = max(count + extra, capacity * 2, 64)
        let grown = UnsafeMutablePointer<RecordRow>.allocate(capacity: wanted)
        if let base {
            grown.moveInitialize(from: base, count: count)
            base.deallocate()
        }
        base = grown
        capacity = wanted
        return grown + count
    }

    /// Counts rows that were written where ``reserve(_:)`` said.
    mutating func commit(_ added: Int) {
        precondition(added >= 0 && added <= capacity - count)
        count += added
    }

    @inline(__always)
    func column<Value>(_ path: KeyPath<RecordRow, Value>) -> [Value] {
        guard let base, count > 0 else { return [] }
        return [Value](unsafeUninitializedCapacity: count) { column, filled in
            for index in 0..<count { column.initializeElement(at: index, to: base[index][keyPath: path]) }
            filled = count
        }
    }
}
