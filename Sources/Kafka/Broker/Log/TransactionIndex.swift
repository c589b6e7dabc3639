internal import IO
internal import NIOCore

/// A transaction that was aborted, as the index of aborted transactions keeps it.
struct AbortedTransaction: Sendable, Equatable {
    var producerID: Int64
    var firstOffset: Int64
    /// That of the marker.
    var lastOffset: Int64
    /// The last stable offset once this transaction had ended: no transaction that ended later reaches below it.
    var lastStableOffset: Int64
}

/// The aborted transactions whose markers lie in one segment, in Kafka's `.txnindex` format: entries of 34 bytes, big-endian, by rising
/// marker offset: version (0), producer id, first offset, last offset, last stable offset. A segment without any has no file.
///
/// Written and synced when the segment is rolled, and read at start; for the segments that recovery scans it is built anew.
enum TransactionIndex {
    static let suffix = ".txnindex"
    private static let entryBytes = 34

    static func encode(_ transactions: [AbortedTransaction]) -> [UInt8] {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(transactions.count * entryBytes)
        for transaction in transactions {
            buffer.writeMultipleIntegers(
                0 as Int16, transaction.producerID, transaction.firstOffset, transaction.lastOffset, transaction.lastStableOffset)
        }
        return Array(buffer.readableBytesView)
    }

    /// nil when the bytes are no sound index, so that the caller builds it anew.
    static func decode(_ bytes: [UInt8]) -> [AbortedTransaction]? {
        guard bytes.count % entryBytes == 0 else { return nil }
        var buffer = ByteBuffer(bytes: bytes)
        var transactions: [AbortedTransaction] = []
        while let (version, producer, first, last, stable) = buffer.readMultipleIntegers(as: (Int16, Int64, Int64, Int64, Int64).self) {
            guard version == 0, first >= 0, first <= last, last > transactions.last?.lastOffset ?? -1 else { return nil }
            transactions.append(
                AbortedTransaction(producerID: producer, firstOffset: first, lastOffset: last, lastStableOffset: stable))
        }
        return transactions
    }

    /// A rolled segment's index; empty when there is no file, nil when it is not sound.
    static func read(path: String) -> [AbortedTransaction]? {
        guard let bytes = SegmentFile.bytes(path + suffix) else { return [] }
        return decode(bytes)
    }
}
