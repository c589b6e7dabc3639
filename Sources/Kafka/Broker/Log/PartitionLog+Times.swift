internal import IO

extension PartitionLog {
    /// Where to look for the first record with at least some timestamp: for a file thread.
    struct TimeSearch: Sendable {
        let file: SegmentFile
        let indexPath: String?
        let index: SegmentIndex?
        let baseOffset: Int64
        let limit: Int
        /// nil: the record with the greatest timestamp (KIP-734).
        let timestamp: Int64
        let highWatermark: Int64
    }

    /// nil: no record is that young.
    func search(for timestamp: Int64, below limit: (offset: Int64, place: Place)) -> TimeSearch? {
        for number in segments.indices where segments[number].maxTimestamp >= timestamp && segments[number].size > 0 {
            let segment = segments[number]
            guard segment.baseOffset < limit.offset else { return nil }
            let isActive = number == segments.count - 1
            return TimeSearch(
                file: segment.file, indexPath: isActive ? nil : segment.path, index: isActive ? index : nil,
                baseOffset: segment.baseOffset,
                limit: segment.baseOffset == limit.place.segment ? limit.place.position : segment.size,
                timestamp: timestamp, highWatermark: limit.offset)
        }
        return nil
    }

    /// The greatest timestamp in the log, -1 when there is none.
    var maxTimestamp: Int64 { segments.reduce(-1) { max($0, $1.maxTimestamp) } }
}

extension PartitionLog.TimeSearch {
    /// The first record whose timestamp is at least the one looked for, with its timestamp; nil when there is none.
    ///
    /// In a compressed batch, whose records the broker does not unpack, it is the batch's first record that is answered: a
    /// reader that begins there misses nothing, and sees some older records first.
    func perform() throws(FileError) -> (timestamp: Int64, offset: Int64)? {
        var position = 0
        if let index = index ?? indexPath.flatMap({ SegmentIndex(path: $0, intervalBytes: 0) }) {
            position = index.position(forRelativeOffset: index.relativeOffset(before: timestamp))
        }
        while let header = try file.header(at: position, limit: limit) {
            guard header.size > RecordBatchHeader.overhead, header.baseOffset < highWatermark else { return nil }
            if header.maxTimestamp >= timestamp { return try record(in: header, at: position) }
            position += header.size
        }
        return nil
    }

    private func record(in header: RecordBatchHeader, at position: Int) throws(FileError) -> (timestamp: Int64, offset: Int64) {
        if header.hasLogAppendTime { return (header.maxTimestamp, header.baseOffset) }
        guard header.codec == CompressionCodec.none, header.size <= limit - position else {
            return (header.baseTimestamp, header.baseOffset)
        }
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: header.size - RecordBatchHeader.size, alignment: 8)
        defer { bytes.deallocate() }
        let count = try file.read(into: bytes, at: position + RecordBatchHeader.size)
        var iterator = RecordIterator(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        while let record = try? iterator.next() {
            let (recordTimestamp, overflow) = header.baseTimestamp.addingReportingOverflow(record.timestampDelta)
            if !overflow, recordTimestamp >= timestamp { return (recordTimestamp, header.baseOffset + Int64(record.offsetDelta)) }
        }
        return (header.baseTimestamp, header.baseOffset)
    }
}
