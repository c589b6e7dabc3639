internal import IO
internal import NIOCore

extension PartitionLog {
    /// Which bytes answer a fetch from an offset on.
    enum Location: Sendable {
        case outOfRange
        /// The offset is the one that the next readable batch will have.
        case atEnd
        /// Recently appended bytes, from a batch's begin to a batch's end.
        case hot(SegmentFile, Range<Int>)
        /// Bytes that may not be in memory, or whose begin has to be looked for: for a file thread.
        case cold(ColdRead)

        /// Bytes that will come of it, at most.
        var bytesMax: Int {
            switch self {
            case .outOfRange, .atEnd: 0
            case .hot(_, let range): range.count
            case .cold(let read): min(read.maxBytes, read.limit - read.hint)
            }
        }
    }

    /// - Parameters:
    ///   - below: the high watermark: its offset and its place.
    ///   - hotBytes: how far behind the log's end the page cache is trusted to hold what was written.
    func locate(_ offset: Int64, maxBytes: Int, below limit: (offset: Int64, place: Place), hotBytes: Int) -> Location {
        guard offset >= startOffset, offset <= nextOffset else { return .outOfRange }
        guard offset < limit.offset else { return .atEnd }
        let number = segmentNumber(holding: offset)
        let segment = segments[number]
        let bound = segment.baseOffset == limit.place.segment ? limit.place.position : segment.size
        if number == segments.count - 1, let found = recent.index(holding: offset), segment.size - recent[found].position <= hotBytes {
            let start = recent[found].position
            let end: Int
            if start + maxBytes >= bound {
                end = bound
            } else {
                // At least one batch goes out whole, however small the fetch (KIP-74).
                let next = found + 1 < recent.count ? recent[found + 1].position : segment.size
                end = min(bound, recent.position(atMost: start + maxBytes, from: found) ?? next)
            }
            return .hot(segment.file, start..<end)
        }
        let isActive = number == segments.count - 1
        let hint = isActive ? index.position(forRelativeOffset: Int32(offset - segment.baseOffset)) : 0
        return .cold(
            ColdRead(
                file: segment.file, indexPath: isActive ? nil : segment.path, baseOffset: segment.baseOffset, offset: offset,
                hint: hint, limit: bound, maxBytes: maxBytes))
    }

    /// The transactions that were aborted and have records from `offset` on and below `limit`.
    func abortedTransactions(from offset: Int64, below limit: Int64) -> [AbortedTransaction] {
        var found: [AbortedTransaction] = []
        for number in segmentNumber(holding: offset)..<segments.count {
            let index = segments[number].aborted
            var low = 0, high = index.count
            while low < high {
                let middle = (low + high) / 2
                if index[middle].lastOffset < offset { low = middle + 1 } else { high = middle }
            }
            for transaction in index[low...] {
                if transaction.firstOffset < limit { found.append(transaction) }
                // Whatever ended later begins at or after this one's last stable offset.
                if transaction.lastStableOffset >= limit { return found }
            }
        }
        return found
    }

    /// The offset of the batch that begins at a position of the active segment, or the log's end.
    func offset(atPosition position: Int) -> Int64 { recent.offset(atPosition: position) ?? nextOffset }

    func segmentNumber(holding offset: Int64) -> Int {
        var low = 0, high = segments.count
        while low < high {
            let middle = (low + high) / 2
            if segments[middle].baseOffset <= offset { low = middle + 1 } else { high = middle }
        }
        return max(0, low - 1)
    }
}

/// A read for a file thread: finds where the offset's batch begins, and reads whole batches from there.
struct ColdRead: Sendable {
    let file: SegmentFile
    /// Of a rolled segment, whose index is read from its file; nil for the active one, whose index gave the hint.
    let indexPath: String?
    let baseOffset: Int64
    let offset: Int64
    /// A position at or before the batch.
    let hint: Int
    /// Where what may be read ends.
    let limit: Int
    var maxBytes: Int

    /// The offset after the last whole batch of what was read; nil when that is nothing.
    static func nextOffset(_ buffer: ByteBuffer) -> Int64? {
        buffer.withUnsafeReadableBytes { bytes in
            var next: Int64?
            var position = 0
            while let header = RecordBatchHeader(UnsafeRawBufferPointer(rebasing: bytes[position...])),
                header.size > RecordBatchHeader.overhead, header.size <= bytes.count - position
            {
                next = header.nextOffset
                position += header.size
            }
            return next
        }
    }

    func perform(allocator: ByteBufferAllocator) throws(FileError) -> ByteBuffer {
        var position = hint
        if let indexPath, let index = SegmentIndex(path: indexPath, intervalBytes: 0) {
            position = index.position(forRelativeOffset: Int32(offset - baseOffset))
        }
        // A segment of more than 2 GiB is never written, and a batch that ends before the offset is passed over.
        var first: RecordBatchHeader?
        while let header = try file.header(at: position, limit: limit) {
            if header.lastOffset >= offset {
                first = header
                break
            }
            guard header.size > RecordBatchHeader.overhead else { break }
            position += header.size
        }
        guard let first else { return ByteBuffer() }
        let length = min(limit - position, max(first.size, maxBytes))
        var buffer = allocator.buffer(capacity: length)
        let count = try read(length, at: position, into: &buffer)
        buffer.moveWriterIndex(to: Self.wholeBatches(buffer, count))
        return buffer
    }

    private func read(_ length: Int, at position: Int, into buffer: inout ByteBuffer) throws(FileError) -> Int {
        let result = buffer.withUnsafeMutableWritableBytes { bytes -> Result<Int, FileError> in
            do throws(FileError) {
                return .success(try file.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[..<length]), at: position))
            } catch {
                return .failure(error)
            }
        }
        let count = try result.get()
        buffer.moveWriterIndex(forwardBy: count)
        return count
    }

    /// How many of the first `count` bytes are whole batches.
    private static func wholeBatches(_ buffer: ByteBuffer, _ count: Int) -> Int {
        var end = 0
        while count - end >= RecordBatchHeader.overhead,
            let length = buffer.getInteger(at: buffer.readerIndex + end + 8, as: Int32.self), length > 0,
            Int(length) + RecordBatchHeader.overhead <= count - end
        {
            end += Int(length) + RecordBatchHeader.overhead
        }
        return end
    }
}
