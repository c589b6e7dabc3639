internal import CCRC32C
internal import CCodecs
internal import NIOCore

/// Decodes what a fetch returned for one partition: checks each batch's CRC32C, unpacks it, and notes where each record's parts lie.
///
/// Batches that are not compressed stay in the response's frame; when at least one is compressed, all go into one allocation,
/// one after the other. Format: KIP-98, "message format"; https://kafka.apache.org/documentation/#recordbatch.
struct RecordDecoder {
    let topicPartition: TopicPartition
    /// The offset that was asked for; a broker answers with whole batches, which may begin below it.
    let requestedOffset: Int64
    /// A batch that unpacks to more is refused.
    var batchBytesMax: Int
    /// When the arena has grown this large, the batches that remain are left for the next fetch.
    var arenaBytesMax: Int
    /// Whose batches are left out, when committed records alone are read.
    var aborted: [FetchResponse.AbortedTransaction] = []

    private static let batchHeaderCount = 61
    /// Length, attributes, two deltas, two lengths and a header count of one byte each.
    private static let recordBytesMin = 7

    /// - Parameters:
    ///   - frame: the response, ``RecordArena/padding`` zero bytes at its end.
    ///   - range: where the partition's batches lie, counted from the frame's first readable byte.
    /// - Throws: ``KafkaError/corruptRecords(_:offset:reason:)`` when not even the first wanted batch can be read. A malformed batch
    ///   further on ends the decoding before it, so that the next fetch begins at it and names its offset.
    func decode(
        frame: ByteBuffer, range: Range<Int>, highWatermark: Int64, logStartOffset: Int64, contexts: CodecContextPool
    ) throws -> FetchedRecords {
        var rows = RecordRows()
        var nextOffset = requestedOffset
        let arena = try frame.withUnsafeReadableBytes { bytes in
            let (batches, defect) = scan(bytes, range)
            let arena: RecordArena
            if batches.contains(where: { $0.codec != LEAT_CODEC_NONE && !$0.isLeftOut }) {
                arena = try unpack(batches, from: bytes, into: &rows, nextOffset: &nextOffset, contexts)
            } else {
                for batch in batches {
                    guard try read(batch, from: bytes, batch.records, into: &rows, nextOffset: &nextOffset) else { break }
                }
                arena = rows.count == 0 ? .empty : RecordArena(frame: frame)
            }
            if let defect, nextOffset == requestedOffset {
                throw KafkaError.corruptRecords(topicPartition, offset: defect.offset, reason: defect.defect.text)
            }
            return arena
        }
        return FetchedRecords(
            topicPartition: topicPartition, highWatermark: highWatermark, logStartOffset: logStartOffset, nextOffset: nextOffset,
            rows: rows, arena: arena)
    }

    // MARK: batches

    private struct Batch {
        var baseOffset: Int64
        var lastOffsetDelta: Int32
        var baseTimestamp: Int64
        var maxTimestamp: Int64
        var recordCount: Int32
        var codec: leat_codec
        /// The batch's maximum timestamp stands for each record's (`message.timestamp.type=LogAppendTime`).
        var isStampedByLog: Bool
        /// A transaction's end, or records of an aborted transaction: no rows come of it.
        var isLeftOut: Bool
        /// Where its records, perhaps compressed, lie in the frame.
        var records: Range<Int>

        var lastOffset: Int64 { baseOffset + Int64(lastOffsetDelta) }
    }

    /// Finds the complete batches that hold wanted offsets, up to the first malformed one.
    private func scan(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> ([Batch], (offset: Int64, defect: RecordDefect)?) {
        var batches: [Batch] = []
        var at = range.lowerBound
        var expectedOffset: Int64 = 0
        var isFirst = true
        var aborted = AbortedProducers(self.aborted)
        while range.upperBound - at >= 17 {
            let baseOffset = bytes.bigEndian(at: at, as: Int64.self)
            let batchLength = bytes.bigEndian(at: at + 8, as: Int32.self)
            let magic = bytes[at + 16]
            guard magic == 2 else { return (batches, (baseOffset, .magic(magic))) }
            guard batchLength >= Self.batchHeaderCount - 12 else { return (batches, (baseOffset, .batchLength(batchLength))) }
            // A broker may cut the last batch at the size that was asked for.
            guard Int(batchLength) <= range.upperBound - at - 12 else { break }
            isFirst = false
            let end = at + 12 + Int(batchLength)
            let attributes = bytes.bigEndian(at: at + 21, as: UInt16.self)
            var batch = Batch(
                baseOffset: baseOffset, lastOffsetDelta: bytes.bigEndian(at: at + 23, as: Int32.self),
                baseTimestamp: bytes.bigEndian(at: at + 27, as: Int64.self),
                maxTimestamp: bytes.bigEndian(at: at + 35, as: Int64.self),
                recordCount: bytes.bigEndian(at: at + 57, as: Int32.self), codec: leat_codec(UInt32(attributes & 7)),
                isStampedByLog: attributes & 8 != 0, isLeftOut: attributes & 32 != 0,
                records: at + Self.batchHeaderCount..<end)
            guard baseOffset >= expectedOffset, baseOffset < Int64.max - Int64(Int32.max), batch.lastOffsetDelta >= 0 else {
                return (batches, (baseOffset, .offsetOutOfOrder(batch.lastOffsetDelta)))
            }
            expectedOffset = batch.lastOffset + 1
            if batch.lastOffset >= requestedOffset {
                let stored = bytes.bigEndian(at: at + 17, as: UInt32.self)
                let computed = crc32c_extend(0, bytes.baseAddress! + at + 21, end - at - 21)
                guard stored == computed else { return (batches, (baseOffset, .crc(stored: stored, computed: computed))) }
                guard attributes & 7 <= 4 else { return (batches, (baseOffset, .codec(UInt8(attributes & 7)))) }
                if !aborted.isEmpty {
                    let isAbort = batch.isLeftOut && ControlRecord(UnsafeRawBufferPointer(rebasing: bytes[batch.records]))?.kind == .abort
                    let leavesOut = aborted.leavesOut(
                        producerID: bytes.bigEndian(at: at + 43, as: Int64.self), isTransactional: attributes & 16 != 0,
                        isAbort: isAbort, lastOffset: batch.lastOffset)
                    batch.isLeftOut = batch.isLeftOut || leavesOut
                }
                batches.append(batch)
            }
            at = end
        }
        // Since KIP-74 the first batch comes whole, whatever its size.
        if isFirst, at < range.upperBound { return (batches, (requestedOffset, .truncated)) }
        return (batches, nil)
    }

    /// Unpacks all batches into one allocation and reads them there.
    private func unpack(
        _ batches: [Batch], from frame: UnsafeRawBufferPointer, into rows: inout RecordRows, nextOffset: inout Int64,
        _ contexts: CodecContextPool
    ) throws -> RecordArena {
        var buffer = leat_buffer()
        defer { leat_buffer_free(&buffer) }
        try contexts.withContext { context in
            for batch in batches {
                let start = buffer.count
                if start >= arenaBytesMax { break }
                if !batch.isLeftOut {
                    let status = leat_decompress(
                        context, batch.codec, frame.baseAddress! + batch.records.lowerBound, batch.records.count, &buffer,
                        batchBytesMax)
                    if let defect = defect(status, codec: batch.codec) {
                        guard nextOffset == requestedOffset else { break }
                        throw KafkaError.corruptRecords(topicPartition, offset: batch.baseOffset, reason: defect.text)
                    }
                }
                let unpacked = UnsafeRawBufferPointer(start: buffer.bytes, count: buffer.count)
                guard try read(batch, from: unpacked, start..<buffer.count, into: &rows, nextOffset: &nextOffset) else { break }
            }
        }
        guard rows.count > 0 else { return .empty }
        guard let arena = RecordArena(taking: &buffer) else { throw CodecContextPool.OutOfMemory() }
        return arena
    }

    private func defect(_ status: leat_codec_status, codec: leat_codec) -> RecordDefect? {
        switch status {
        case LEAT_CODEC_OK: nil
        case LEAT_CODEC_TOO_LARGE: .tooLarge(limit: batchBytesMax)
        case LEAT_CODEC_NO_MEMORY: .outOfMemory
        default: .compressed(codec: ["", "gzip", "snappy", "lz4", "zstd"][Int(codec.rawValue)])
        }
    }

    // MARK: records

    /// Reads one batch's records and moves `nextOffset` past it.
    ///
    /// - Returns: false when the batch is malformed and others were read before it.
    private func read(
        _ batch: Batch, from bytes: UnsafeRawBufferPointer, _ range: Range<Int>, into rows: inout RecordRows,
        nextOffset: inout Int64
    ) throws -> Bool {
        if !batch.isLeftOut {
            do {
                try readRecords(of: batch, VarintReader(bytes, range), into: &rows)
            } catch {
                guard nextOffset == requestedOffset else { return false }
                throw KafkaError.corruptRecords(topicPartition, offset: batch.baseOffset, reason: error.text)
            }
        }
        nextOffset = batch.lastOffset + 1
        return true
    }

    private func readRecords(of batch: Batch, _ reader: VarintReader, into rows: inout RecordRows) throws(RecordDefect) {
        var reader = reader
        let batchEnd = reader.end
        guard batch.recordCount >= 0, Int(batch.recordCount) <= reader.remaining / Self.recordBytesMin else {
            throw .recordCountImpossible(batch.recordCount)
        }
        let target = rows.reserve(Int(batch.recordCount))
        var added = 0
        var previousDelta: Int64 = -1
        for _ in 0..<batch.recordCount {
            let length = try reader.varint()
            guard length >= 0, length <= Int64(batchEnd &- reader.position) else { throw .lengthOutOfRange("body", length) }
            reader.end = reader.position &+ Int(length)
            try reader.skip(1)
            let timestampDelta = try reader.varint()
            let offsetDelta = try reader.varint()
            guard offsetDelta > previousDelta, offsetDelta <= Int64(batch.lastOffsetDelta) else {
                throw .offsetOutOfOrder(Int32(truncatingIfNeeded: offsetDelta))
            }
            previousDelta = offsetDelta
            let key = try reader.skipBytes("key")
            let value = try reader.skipBytes("value")
            let headers = reader.position
            try reader.checkHeaders()
            let recordEnd = reader.end
            reader.end = batchEnd
            let offset = batch.baseOffset &+ offsetDelta
            if offset < requestedOffset { continue }
            (target + added).initialize(
                to: RecordRow(
                    offset: offset,
                    timestamp: batch.isStampedByLog ? batch.maxTimestamp : batch.baseTimestamp &+ timestampDelta,
                    keyStart: Int32(truncatingIfNeeded: key.start), keyLength: Int32(truncatingIfNeeded: key.length),
                    valueStart: Int32(truncatingIfNeeded: value.start), valueLength: Int32(truncatingIfNeeded: value.length),
                    headerStart: Int32(truncatingIfNeeded: headers),
                    headerLength: Int32(truncatingIfNeeded: recordEnd &- headers)))
            added &+= 1
        }
        guard reader.remaining == 0 else { throw .trailingBytes(reader.remaining) }
        rows.commit(added)
    }
}

extension UnsafeRawBufferPointer {
    @inline(__always)
    fileprivate func bigEndian<T: FixedWidthInteger>(at offset: Int, as type: T.Type) -> T {
        T(bigEndian: loadUnaligned(fromByteOffset: offset, as: type))
    }
}
