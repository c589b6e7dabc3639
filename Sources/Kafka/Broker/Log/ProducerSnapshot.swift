internal import CCRC32C
internal import IO
internal import NIOCore

/// The producers as they stood where a segment begins, in Kafka's `.snapshot` format, so that a start need not read all of the log:
/// version (1), CRC-32C of what follows, then for each producer its id, epoch, last sequence, last offset, the last batch's offset
/// delta, timestamp, coordinator epoch, and the first offset of its open transaction (-1: none).
///
/// Written when a segment is rolled and synced with it. One that is missing or unsound is made up for by reading the log from an
/// earlier one on.
enum ProducerSnapshot {
    static let suffix = ".snapshot"
    private static let version: Int16 = 1

    struct Entry: Sendable, Equatable {
        var producerID: Int64
        var epoch: Int16
        /// -1: nothing is known of its sequences.
        var lastSequence: Int32
        var lastOffset: Int64
        var offsetDelta: Int32
        var timestamp: Int64
        var transactionStart: Int64
    }

    static func encode(_ entries: [Entry]) -> [UInt8] {
        var content = ByteBuffer()
        content.writeInteger(Int32(entries.count))
        for entry in entries.sorted(by: { $0.producerID < $1.producerID }) {
            content.writeMultipleIntegers(
                entry.producerID, entry.epoch, entry.lastSequence, entry.lastOffset, entry.offsetDelta, entry.timestamp, 0 as Int32,
                entry.transactionStart)
        }
        var buffer = ByteBuffer()
        buffer.writeMultipleIntegers(version, checksum(content))
        buffer.writeBuffer(&content)
        return Array(buffer.readableBytesView)
    }

    static func decode(_ bytes: [UInt8]) -> [Entry]? {
        var buffer = ByteBuffer(bytes: bytes)
        guard let (version, stored) = buffer.readMultipleIntegers(as: (Int16, UInt32).self), version == Self.version,
            stored == checksum(buffer), let count = buffer.readInteger(as: Int32.self), count >= 0, Int(count) <= buffer.readableBytes
        else { return nil }
        var entries: [Entry] = []
        for _ in 0..<count {
            guard
                let (producer, epoch, sequence, offset, delta, timestamp, _, start) = buffer.readMultipleIntegers(
                    as: (Int64, Int16, Int32, Int64, Int32, Int64, Int32, Int64).self)
            else { return nil }
            entries.append(
                Entry(
                    producerID: producer, epoch: epoch, lastSequence: sequence, lastOffset: offset, offsetDelta: delta,
                    timestamp: timestamp, transactionStart: start))
        }
        return entries
    }

    private static func checksum(_ buffer: ByteBuffer) -> UInt32 {
        buffer.withUnsafeReadableBytes { $0.baseAddress.map { base in crc32c_extend(0, base, buffer.readableBytes) } ?? 0 }
    }

    /// nil when there is none, or it is not sound.
    static func read(path: String) -> [Entry]? { SegmentFile.bytes(path + suffix).flatMap(decode) }
}

extension ProducerStates {
    var snapshot: [ProducerSnapshot.Entry] {
        producers.map { id, producer in
            let last = producer.batches.last
            return ProducerSnapshot.Entry(
                producerID: id, epoch: producer.epoch, lastSequence: last?.lastSequence ?? -1, lastOffset: last?.lastOffset ?? -1,
                offsetDelta: last.map { Int32($0.lastOffset - $0.baseOffset) } ?? 0, timestamp: producer.lastWrite,
                transactionStart: producer.transactionStart)
        }
    }
}
