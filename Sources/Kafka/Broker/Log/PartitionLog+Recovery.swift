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
        folder: String, config: TopicConfig, isClean: Bool, recoveryPoint: Int64, producers: ProducerStates, nowMs: Int64
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
        for (number, base) in bases.enumerated() {
            let path = path(folder, base)
            let isLast = number == bases.count - 1
            guard base >= log.nextOffset, recovery.truncatedBytes == 0 else {
                // It lies behind a cut: its records were never acknowledged, or the log would have a hole.
                for suffix in [".log", ".index", ".timeindex"] { unlink(path + suffix) }
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
            // The dedupe window needs the newest batches only; older segments with sound indexes are read from their last entry on.
            let remembersProducers = verifies || number >= bases.count - 2
            var start = 0
            if let stored, !remembersProducers, let last = stored.offsets.last, Int(last.position) < size {
                start = Int(last.position)
                log.segments[log.segments.count - 1].maxTimestamp = stored.times.last?.timestamp ?? -1
                log.segments[log.segments.count - 1].offsetOfMaxTimestamp = base + Int64(stored.times.last?.relativeOffset ?? 0)
                log.segments[log.segments.count - 1].firstAppendMs = stored.times.first?.timestamp
            }
            let end = try LogScanner.scan(file, from: start, size: size, minimumOffset: base, checksums: verifies) { header, position in
                log.note(header, at: position, nowMs: header.maxTimestamp >= 0 ? header.maxTimestamp : nowMs)
                if remembersProducers { log.producers.record(header, nowMs: nowMs) }
            }
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
        }
        if log.segments.isEmpty {
            let path = path(folder, 0)
            log.segments = [Segment(baseOffset: 0, file: try SegmentFile(path: path + ".log", create: true), path: path)]
            log.nextOffset = 0
            log.isFolderDirty = true
        }
        if log.isFolderDirty || recovery != Recovery() {
            try DurableFile.syncFolder(of: folder + "/x")
            log.isFolderDirty = false
        }
        return (log, recovery)
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
