/// The records of one fetch, laid out for kernels: columns of positions into one arena, no object a record.
///
/// The arena is followed by at least 64 readable zero bytes. Records below the offset that was asked for and control batches
/// (transaction markers, KIP-98) are left out. The client reads uncommitted, as Kafka's `isolation.level=read_uncommitted`
/// does by default: records of aborted transactions are among them.
package final class FetchedRecords: Sendable {
    package let topicPartition: TopicPartition
    package let count: Int
    /// One past the last offset that consumers may see.
    package let highWatermark: Int64
    package let logStartOffset: Int64
    /// Where the next fetch begins: past the last batch received, also where its records were compacted away.
    package let nextOffset: Int64

    package let offsets: [Int64]
    /// Milliseconds since 1970; -1 where the producer gave none.
    package let timestamps: [Int64]
    package let keyStarts: [Int32]
    /// -1 is null.
    package let keyLengths: [Int32]
    package let valueStarts: [Int32]
    /// -1 is null: a tombstone.
    package let valueLengths: [Int32]
    /// The headers' bytes, beginning with their count as a varint. They were checked when the fetch was decoded.
    package let headerStarts: [Int32]
    package let headerLengths: [Int32]

    private let arena: RecordArena

    init(
        topicPartition: TopicPartition, highWatermark: Int64, logStartOffset: Int64, nextOffset: Int64, columns: RecordColumns,
        arena: RecordArena
    ) {
        self.topicPartition = topicPartition
        count = columns.offsets.count
        self.highWatermark = highWatermark
        self.logStartOffset = logStartOffset
        self.nextOffset = nextOffset
        offsets = columns.offsets
        timestamps = columns.timestamps
        keyStarts = columns.keyStarts
        keyLengths = columns.keyLengths
        valueStarts = columns.valueStarts
        valueLengths = columns.valueLengths
        headerStarts = columns.headerStarts
        headerLengths = columns.headerLengths
        self.arena = arena
    }

    /// Lends the arena. The bytes after the buffer's end are zero and readable for 64 bytes.
    package func withArena<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try arena.withBytes(body)
    }

    /// Bytes held by the arena.
    package var byteCount: Int { arena.count }

    // MARK: one record at a time, for cold paths

    package func key(at index: Int) -> [UInt8]? {
        bytes(at: keyStarts[index], length: keyLengths[index])
    }

    package func value(at index: Int) -> [UInt8]? {
        bytes(at: valueStarts[index], length: valueLengths[index])
    }

    /// The record's headers in the order they were sent; a header's value may be null (KIP-82).
    package func headers(at index: Int) -> [(key: String, value: [UInt8]?)] {
        arena.withBytes { bytes in
            let start = Int(headerStarts[index])
            var reader = VarintReader(bytes, start..<start + Int(headerLengths[index]))
            return (try? reader.headers()) ?? []
        }
    }

    private func bytes(at start: Int32, length: Int32) -> [UInt8]? {
        guard length >= 0 else { return nil }
        return arena.withBytes { [UInt8]($0[Int(start)..<Int(start) + Int(length)]) }
    }
}

/// The columns of ``FetchedRecords`` while they are filled.
struct RecordColumns {
    var offsets: [Int64] = []
    var timestamps: [Int64] = []
    var keyStarts: [Int32] = []
    var keyLengths: [Int32] = []
    var valueStarts: [Int32] = []
    var valueLengths: [Int32] = []
    var headerStarts: [Int32] = []
    var headerLengths: [Int32] = []

    mutating func reserve(_ count: Int) {
        guard offsets.count + count > offsets.capacity else { return }
        // At least double: the batches of one fetch come one after the other.
        let wanted = max(offsets.count + count, offsets.capacity * 2)
        offsets.reserveCapacity(wanted)
        timestamps.reserveCapacity(wanted)
        keyStarts.reserveCapacity(wanted)
        keyLengths.reserveCapacity(wanted)
        valueStarts.reserveCapacity(wanted)
        valueLengths.reserveCapacity(wanted)
        headerStarts.reserveCapacity(wanted)
        headerLengths.reserveCapacity(wanted)
    }

    /// Forgets the records after the first `count`: those of a batch that turned out to be malformed.
    mutating func truncate(to count: Int) {
        let extra = offsets.count - count
        guard extra > 0 else { return }
        offsets.removeLast(extra)
        timestamps.removeLast(extra)
        keyStarts.removeLast(extra)
        keyLengths.removeLast(extra)
        valueStarts.removeLast(extra)
        valueLengths.removeLast(extra)
        headerStarts.removeLast(extra)
        headerLengths.removeLast(extra)
    }
}
