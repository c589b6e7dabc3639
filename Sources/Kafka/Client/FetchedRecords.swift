/// The records of one fetch, laid out for kernels: columns of positions into one arena, no object a record.
///
/// The arena is followed by at least 64 readable zero bytes. Records below the offset that was asked for and control batches
/// (transaction markers, KIP-98) are left out, and so are, with ``IsolationLevel/readCommitted``, records of aborted transactions. By
/// default the client reads uncommitted, as Kafka's does.
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
        topicPartition: TopicPartition, highWatermark: Int64, logStartOffset: Int64, nextOffset: Int64, rows: borrowing RecordRows,
        arena: RecordArena
    ) {
        self.topicPartition = topicPartition
        count = rows.count
        self.highWatermark = highWatermark
        self.logStartOffset = logStartOffset
        self.nextOffset = nextOffset
        offsets = rows.column(\.offset)
        timestamps = rows.column(\.timestamp)
        keyStarts = rows.column(\.keyStart)
        keyLengths = rows.column(\.keyLength)
        valueStarts = rows.column(\.valueStart)
        valueLengths = rows.column(\.valueLength)
        headerStarts = rows.column(\.headerStart)
        headerLengths = rows.column(\.headerLength)
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
