internal import IO
internal import Logging

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

extension PartitionLog {
    /// What opening a log found out and mended.
    struct Recovery: Sendable, Equatable {
        var truncatedBytes = 0
        var removedSegments = 0
        var scannedBytes = 0
        var rebuiltIndexes = 0
    }

    /// Opens a partition's folder, creating it when absent.
    ///
    /// After a clean stop the files are trusted. Otherwise every segment that reaches beyond the recovery point, and the last one
    /// in any case, is read batch by batch and held against its checksums; at the first batch that is torn or unsound the log is
    /// cut, and later segments go. What is kept is then synced, since the process that wrote it may have died before its flush.
    static func open(
        folder: String, config: TopicConfig, isClean: Bool, recoveryPoint: Int64, deletedBelow: Int64 = 0, producers: ProducerStates,
        nowMs: Int64
    ) throws(FileError) -> (log: PartitionLog, recovery: Recovery) {
        if mkdir(folder, 0o755) == 0 {
            try DurableFile.syncFolder(of: folder)
        } else if errno != EEXIST {
            throw FileError(call: "mkdir", path: folder)
        }
        let bases = try baseOffsets(folder)
        var recovery = Recovery()
        var log = PartitionLog(
            folder: folder, config: config, segments: [], index: SegmentIndex(intervalBytes: config.indexIntervalBytes),
            nextOffset: bases.first ?? 0, producers: producers)
        let scanned = Scan(bases: bases, folder: folder, isClean: isClean, recoveryPoint: recoveryPoint)
        log.producers.restore(scanned.producers)
        for (number, base) in bases.enumerated() {
            let path = path(folder, base)
            let isLast = number == bases.count - 1
            guard base >= log.nextOffset, recovery.truncatedBytes == 0 else {
                // It lies behind a cut: its records were never acknowledged, or the log would have a hole.
                SegmentFile.unlinkAll(path)
                recovery.removedSegments += 1
                continue
            }
            let file = try SegmentFile(path: path + ".log", create: false)
            let size = try file.size()
            log.segments.append(Segment(baseOffset: base, file: file, path: path))
            log.index = SegmentIndex(intervalBytes: config.indexIntervalBytes)
            log.recent.removeAll()
            log.nextOffset = base
            let reachesBeyond = isLast || bases[number + 1] > recoveryPoint
            let verifies = !isClean && reachesBeyond
            let stored = verifies ? nil : SegmentIndex(path: path, intervalBytes: config.indexIntervalBytes)
            let remembersProducers = number >= scanned.first
            if remembersProducers {
                if number > scanned.first, number <= scanned.wanted || SegmentFile.bytes(path + ProducerSnapshot.suffix) == nil {
                    _ = try SegmentFile.make(path + ProducerSnapshot.suffix, ProducerSnapshot.encode(log.producers.snapshot))
                }
            } else {
                log.segments[log.segments.count - 1].aborted = scanned.aborted[number]
            }
            var start = 0
            if let stored, !remembersProducers, let last = stored.offsets.last, Int(last.position) < size {
                start = Int(last.position)
                log.segments[log.segments.count - 1].maxTimestamp = stored.times.last?.timestamp ?? -1
                log.segments[log.segments.count - 1].offsetOfMaxTimestamp = base + Int64(stored.times.last?.relativeOffset ?? 0)
                log.segments[log.segments.count - 1].firstAppendMs = stored.times.first?.timestamp
            }
            var failure: FileError?
            let end = try LogScanner.scan(file, from: start, size: size, minimumOffset: base, checksums: verifies) { header, position in
                log.note(header, at: position, nowMs: header.maxTimestamp >= 0 ? header.maxTimestamp : nowMs)
                guard remembersProducers, header.isIdempotent else { return }
                do throws(FileError) {
                    let control = header.isControl ? try file.controlRecord(of: header, at: position) : nil
                    log.track(header, at: Place(segment: base, position: position), control, nowMs: nowMs)
                } catch {
                    failure = error
                }
            }
            if let failure { throw failure }
            recovery.scannedBytes += verifies ? end : 0
            if end < size {
                recovery.truncatedBytes += size - end
                try file.truncate(to: end)
            }
            if verifies { try file.sync() }
            if !isLast, start == 0, stored == nil {
                try log.index.write(path: path)
                recovery.rebuiltIndexes += 1
            }
            if !isLast, remembersProducers {
                // The scan is the truth; a file that a crash may have left behind the log's new end is not.
                let index = log.segments[log.segments.count - 1].aborted
                if index != TransactionIndex.read(path: path) {
                    log.unsynced.append(try SegmentFile.make(path + TransactionIndex.suffix, TransactionIndex.encode(index)))
                }
            }
        }
        if log.segments.isEmpty {
            let path = path(folder, 0)
            log.segments = [Segment(baseOffset: 0, file: try SegmentFile(path: path + ".log", create: true), path: path)]
            log.nextOffset = 0
            log.isFolderDirty = true
        }
        log.deletedBelow = min(deletedBelow, log.nextOffset)
        let opened = log
        try log.producers.open.locate { offset throws(FileError) in try opened.place(of: offset) }
        log.producers.open.settle(below: log.nextOffset)
        if log.isFolderDirty || recovery != Recovery() {
            try DurableFile.syncFolder(of: folder + "/x")
            log.isFolderDirty = false
        }
        return (log, recovery)
    }

    /// Which segments are read for the producers' states and the aborted transactions, and from what they begin.
    ///
    /// The de-duplication window wants the last two segments; all that is held against checksums is read in any case. A
    /// producer's state, and a transaction that is open, may be older: they come from the snapshot where the reading begins. Where
    /// there is no sound one, the reading begins further back.
    private struct Scan {
        var first: Int
        let wanted: Int
        var producers: [ProducerSnapshot.Entry] = []
        /// Of the segments before `first`.
        var aborted: [[AbortedTransaction]] = []

        init(bases: [Int64], folder: String, isClean: Bool, recoveryPoint: Int64) {
            var first = max(0, bases.count - 2)
            if !isClean, let verified = bases.indices.dropLast().first(where: { bases[$0 + 1] > recoveryPoint }) {
                first = min(first, verified)
            }
            for number in 0..<first {
                guard let index = TransactionIndex.read(path: path(folder, bases[number])) else {
                    first = number
                    break
                }
                aborted.append(index)
            }
            wanted = first
            while first >= 0, first < bases.count {
                if let entries = ProducerSnapshot.read(path: path(folder, bases[first])) {
                    producers = entries
                    break
                }
                if first == 0 { break }
                first -= 1
            }
            self.first = first
        }
    }

    /// Where the batch that holds an offset begins. Blocks.
    private func place(of offset: Int64) throws(FileError) -> Place {
        let number = segmentNumber(holding: offset)
        let segment = segments[number]
        var position = 0
        if number < segments.count - 1, let index = SegmentIndex(path: segment.path, intervalBytes: 0) {
            position = index.position(forRelativeOffset: Int32(clamping: offset - segment.baseOffset))
        }
        while let header = try segment.file.header(at: position, limit: segment.size), header.lastOffset < offset,
            header.size > RecordBatchHeader.overhead
        {
            position += header.size
        }
        return Place(segment: segment.baseOffset, position: position)
    }

    /// Base offsets of the segments in the folder, rising.
    private static func baseOffsets(_ folder: String) throws(FileError) -> [Int64] {
        guard let stream = opendir(folder) else { throw FileError(call: "opendir", path: folder) }
        defer { closedir(stream) }
        var bases: [Int64] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            guard name.hasSuffix(".log"), name.utf8.count == 24, let base = Int64(name.dropLast(4)) else { continue }
            bases.append(base)
        }
        return bases.sorted()
    }
}

extension SegmentFile {
    /// What the control batch at `position` says.
    fileprivate func controlRecord(of header: RecordBatchHeader, at position: Int) throws(FileError) -> ControlRecord? {
        let length = min(header.size - RecordBatchHeader.size, ControlRecord.recordBytesMax)
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: 8)
        defer { bytes.deallocate() }
        let count = try read(into: bytes, at: position + RecordBatchHeader.size)
        return ControlRecord(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
    }
}
