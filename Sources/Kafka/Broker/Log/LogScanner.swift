internal import IO

/// Walks over a segment's batches from the disk, at recovery and when an index is rebuilt.
enum LogScanner {
    /// Visits each batch from `start` on, until the file ends or bytes follow that are no whole, sound batch.
    ///
    /// - Parameters:
    ///   - checksums: read the records too and hold them against their CRC; otherwise only the headers are read.
    ///   - minimumOffset: the segment's base offset. Offsets rise from batch to batch and stay within 32 bits of it, as the index
    ///     writes them; a base offset, which no checksum covers, is not believed beyond that.
    /// - Returns: where the sound batches end.
    static func scan(
        _ file: SegmentFile, from start: Int, size: Int, minimumOffset: Int64, checksums: Bool,
        _ visit: (_ header: RecordBatchHeader, _ position: Int) -> Void
    ) throws(FileError) -> Int {
        var position = start
        var expected = minimumOffset
        var buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 0, alignment: 8)
        defer { buffer.deallocate() }
        while let header = try file.header(at: position, limit: size) {
            guard header.magic == RecordBatchHeader.magic, header.batchLength >= RecordBatchHeader.size - RecordBatchHeader.overhead,
                header.size <= size - position, header.baseOffset >= expected, header.lastOffsetDelta >= 0, header.recordCount >= 0,
                header.baseOffset <= minimumOffset + Int64(Int32.max) - Int64(header.lastOffsetDelta)
            else { break }
            if checksums {
                if buffer.count < header.size {
                    buffer.deallocate()
                    buffer = .allocate(byteCount: max(header.size, 1 << 20), alignment: 8)
                }
                let place = UnsafeMutableRawBufferPointer(rebasing: buffer[..<header.size])
                guard try file.read(into: place, at: position) == header.size,
                    RecordBatchHeader.computeChecksum(UnsafeRawBufferPointer(place)) == header.checksum
                else { break }
            }
            visit(header, position)
            position += header.size
            expected = header.nextOffset
        }
        return position
    }
}
