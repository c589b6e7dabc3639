internal import IO

/// The log of one partition: a folder of segments in Kafka's format, the last of which is written to.
///
/// A value that ``Partition`` holds under its lock. Appends are page-cache writes; making them durable is the partition's
/// flush. Reading is described, not done, here: ``locate(_:maxBytes:below:hotBytes:)`` says which bytes of which file.
struct PartitionLog: Sendable {
    struct Segment: Sendable {
        let baseOffset: Int64
        let file: SegmentFile
        /// The path without an extension.
        let path: String
        var size = 0
        var maxTimestamp: Int64 = -1
        /// The last offset of the batch with the greatest timestamp.
        var offsetOfMaxTimestamp: Int64 = -1
        /// When the first batch was appended, in the broker's milliseconds; for recovered segments, its timestamp.
        var firstAppendMs: Int64?
        /// The transactions that a marker in this segment aborts, by rising marker offset. Held in memory, some 32 bytes each.
        var aborted: [AbortedTransaction] = []
    }

    /// A place in the log: a byte position in the segment with that base offset.
    struct Place: Sendable, Equatable {
        var segment: Int64
        var position: Int
    }

    let folder: String
    var config: TopicConfig
    var segments: [Segment]
    /// Of the active segment.
    var index: SegmentIndex
    var recent = RecentBatches()
    var nextOffset: Int64
    var producers: ProducerStates
    /// What was deleted up to by request (DeleteRecords), though a segment may still hold it.
    var deletedBelow: Int64 = 0
    /// Rolled segments, and the small files beside them, that no flush has covered yet.
    var unsynced: [SegmentFile] = []
    /// A file was created or removed since the folder was last synced.
    var isFolderDirty = false

    var startOffset: Int64 { max(deletedBelow, segments[0].baseOffset) }
    var end: Place { Place(segment: segments[segments.count - 1].baseOffset, position: segments[segments.count - 1].size) }
    var sizeBytes: Int { segments.reduce(0) { $0 + $1.size } }

    static func path(_ folder: String, _ baseOffset: Int64) -> String {
        let digits = String(baseOffset)
        return folder + "/" + String(repeating: "0", count: 20 - digits.count) + digits
    }

    /// Appends one batch that has been found sound.
    ///
    /// The head is stamped on the stack and written together with the rest from where it was received: nothing is copied.
    /// - Returns: the stamped header.
    mutating func append(
        _ received: RecordBatchHeader, _ bytes: UnsafeRawBufferPointer, leaderEpoch: Int32, nowMs: Int64
    ) throws(FileError) -> RecordBatchHeader {
        try rollIfNeeded(forBytes: bytes.count, lastOffsetDelta: received.lastOffsetDelta, nowMs: nowMs)
        var header = received
        header.baseOffset = nextOffset
        header.leaderEpoch = leaderEpoch
        let stampsTime = config.stampsLogAppendTime
        var words: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)
        let last = segments.count - 1
        let position = segments[last].size
        let file = segments[last].file
        let result = withUnsafeMutableBytes(of: &words) { words -> Result<Void, FileError> in
            let head = UnsafeMutableRawBufferPointer(rebasing: words[..<RecordBatchHeader.size])
            let rest = UnsafeRawBufferPointer(rebasing: bytes[RecordBatchHeader.size...])
            head.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<RecordBatchHeader.size]))
            RecordBatchHeader.stamp(head, baseOffset: header.baseOffset, leaderEpoch: leaderEpoch)
            if stampsTime { RecordBatchHeader.stampLogAppendTime(head: head, rest: rest, timestamp: nowMs) }
            do throws(FileError) {
                try file.write(UnsafeRawBufferPointer(head), rest, at: position)
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        if case .failure(let error) = result {
            // A torn batch must not be followed by another: take back what was written of it.
            try? file.truncate(to: position)
            throw error
        }
        if stampsTime { header.maxTimestamp = nowMs }
        let place = end
        note(header, at: position, nowMs: nowMs)
        let control =
            header.isControl ? ControlRecord(UnsafeRawBufferPointer(rebasing: bytes[RecordBatchHeader.size...])) : nil
        track(header, at: place, control, nowMs: nowMs)
        return header
    }

    /// Keeps the producers' states, and the index of aborted transactions.
    mutating func track(_ header: RecordBatchHeader, at place: Place, _ control: ControlRecord?, nowMs: Int64) {
        if let aborted = producers.record(header, place: place, control: control, nowMs: nowMs) {
            segments[segments.count - 1].aborted.append(aborted)
        }
    }

    /// Book-keeping for a batch that the active segment now ends with.
    mutating func note(_ header: RecordBatchHeader, at position: Int, nowMs: Int64) {
        let last = segments.count - 1
        let base = segments[last].baseOffset
        if segments[last].firstAppendMs == nil { segments[last].firstAppendMs = nowMs }
        if header.maxTimestamp > segments[last].maxTimestamp {
            segments[last].maxTimestamp = header.maxTimestamp
            segments[last].offsetOfMaxTimestamp = header.lastOffset
        }
        index.append(
            lastRelativeOffset: Int32(header.lastOffset - base), position: position, size: header.size,
            maxTimestamp: segments[last].maxTimestamp,
            // No offset while no batch has had a timestamp; the index makes no time entry then.
            relativeOffsetOfMaxTimestamp: Int32(max(0, segments[last].offsetOfMaxTimestamp - base)))
        recent.append(lastOffset: header.lastOffset, position: position)
        segments[last].size = position + header.size
        nextOffset = header.nextOffset
    }

    private mutating func rollIfNeeded(forBytes bytes: Int, lastOffsetDelta: Int32, nowMs: Int64) throws(FileError) {
        let active = segments[segments.count - 1]
        guard active.size > 0 else { return }
        let isFull = active.size + bytes > config.segmentBytes
        let isOld = active.firstAppendMs.map { nowMs - $0 >= config.segmentMs } ?? false
        // Relative offsets in the index are 32 bits wide.
        let isWide = nextOffset + Int64(lastOffsetDelta) - active.baseOffset > Int64(Int32.max)
        if isFull || isOld || isWide { try roll() }
    }

    /// Closes the active segment and begins one at the log's end.
    mutating func roll() throws(FileError) {
        let active = segments[segments.count - 1]
        try index.write(path: active.path)
        let path = Self.path(folder, nextOffset)
        let snapshot = try SegmentFile.make(path + ProducerSnapshot.suffix, ProducerSnapshot.encode(producers.snapshot))
        if !active.aborted.isEmpty {
            unsynced.append(try SegmentFile.make(active.path + TransactionIndex.suffix, TransactionIndex.encode(active.aborted)))
        }
        let file = try SegmentFile(path: path + ".log", create: true)
        unsynced.append(active.file)
        unsynced.append(snapshot)
        segments.append(Segment(baseOffset: nextOffset, file: file, path: path))
        index = SegmentIndex(intervalBytes: config.indexIntervalBytes)
        recent.removeAll()
        isFolderDirty = true
    }

    /// Takes the segments that retention no longer keeps out of the log; the caller unlinks their files.
    ///
    /// Only whole segments below `limit` (the last stable offset: what an open transaction reaches is kept) go. When all of them are old enough, an empty one is begun first.
    mutating func expireSegments(nowMs: Int64, below limit: Int64) throws(FileError) -> [Segment] {
        let deleted = removeSegments(before: min(deletedBelow, limit))
        guard !config.isCompacted else { return deleted }
        let retentionMs = config.retentionMs, retentionBytes = config.retentionBytes
        func isExpired(_ segment: Segment) -> Bool {
            retentionMs >= 0 && segment.size > 0 && segment.maxTimestamp >= 0 && nowMs - segment.maxTimestamp > retentionMs
        }
        let active = segments[segments.count - 1]
        if isExpired(active), segments.allSatisfy(isExpired), nextOffset <= limit { try roll() }
        var total = Int64(sizeBytes)
        var removed: [Segment] = []
        while segments.count > 1, segments[1].baseOffset <= limit {
            let first = segments[0]
            let isOver = retentionBytes >= 0 && total - Int64(first.size) >= retentionBytes
            guard isExpired(first) || isOver else { break }
            total -= Int64(first.size)
            removed.append(segments.removeFirst())
        }
        noteRemoval(of: removed)
        return deleted + removed
    }

    /// Nobody syncs what is deleted, and nothing but readers holds its files open.
    private mutating func noteRemoval(of removed: [Segment]) {
        guard !removed.isEmpty else { return }
        isFolderDirty = true
        unsynced.removeAll { file in removed.contains { $0.file === file } }
    }

    /// Takes all segments that end at or before `offset` out of the log.
    mutating func removeSegments(before offset: Int64) -> [Segment] {
        var removed: [Segment] = []
        while segments.count > 1, segments[1].baseOffset <= offset { removed.append(segments.removeFirst()) }
        noteRemoval(of: removed)
        return removed
    }
}
