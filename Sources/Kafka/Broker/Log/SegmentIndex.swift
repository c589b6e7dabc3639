internal import IO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The sparse indexes of one segment, in Kafka's format: `.index` maps offsets to positions (8 bytes an entry: relative offset,
/// position), `.timeindex` maps times to offsets (12 bytes: timestamp, relative offset), all big-endian and rising.
///
/// The active segment's entries live in memory and are written when the segment is rolled or the broker stops; after a crash
/// they are rebuilt from the log, which is their only source of truth. Entries of rolled segments are read from the files.
struct SegmentIndex: Sendable {
    struct OffsetEntry: Sendable, Equatable {
        /// The last offset of the batch that begins at `position`, less the segment's base.
        var relativeOffset: Int32
        var position: Int32
    }

    struct TimeEntry: Sendable, Equatable {
        /// The greatest timestamp up to and including `relativeOffset`.
        var timestamp: Int64
        var relativeOffset: Int32
    }

    private(set) var offsets: [OffsetEntry] = []
    private(set) var times: [TimeEntry] = []
    private var bytesSinceEntry = 0
    let intervalBytes: Int

    init(intervalBytes: Int) { self.intervalBytes = intervalBytes }

    /// Takes note of an appended batch.
    mutating func append(
        lastRelativeOffset: Int32, position: Int, size: Int, maxTimestamp: Int64, relativeOffsetOfMaxTimestamp: Int32
    ) {
        if bytesSinceEntry > intervalBytes {
            offsets.append(OffsetEntry(relativeOffset: lastRelativeOffset, position: Int32(position)))
            if maxTimestamp > times.last?.timestamp ?? -1 {
                times.append(TimeEntry(timestamp: maxTimestamp, relativeOffset: relativeOffsetOfMaxTimestamp))
            }
            bytesSinceEntry = 0
        }
        bytesSinceEntry += size
    }

    /// A position at or before that of the batch that holds the offset.
    func position(forRelativeOffset offset: Int32) -> Int {
        Int(Self.last(offsets.count) { offsets[$0].relativeOffset <= offset }.map { offsets[$0].position } ?? 0)
    }

    /// A relative offset at or before which no record has a timestamp as great.
    func relativeOffset(before timestamp: Int64) -> Int32 {
        Self.last(times.count) { times[$0].timestamp < timestamp }.map { times[$0].relativeOffset } ?? 0
    }

    /// The greatest index below `count` for which `holds`, which is true up to some point.
    private static func last(_ count: Int, where holds: (Int) -> Bool) -> Int? {
        var low = 0, high = count
        while low < high {
            let middle = (low + high) / 2
            if holds(middle) { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? nil : low - 1
    }

    /// Writes both files. They are not synced: a lost or torn index is rebuilt.
    func write(path: String) throws(FileError) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(offsets.count * 8)
        for entry in offsets {
            Self.append(entry.relativeOffset, to: &bytes)
            Self.append(entry.position, to: &bytes)
        }
        try Self.write(bytes, to: path + ".index")
        bytes.removeAll(keepingCapacity: true)
        for entry in times {
            Self.append(entry.timestamp, to: &bytes)
            Self.append(entry.relativeOffset, to: &bytes)
        }
        try Self.write(bytes, to: path + ".timeindex")
    }

    /// Reads a rolled segment's indexes. nil when a file is missing or of a wrong form, so that the caller rebuilds them.
    init?(path: String, intervalBytes: Int) {
        guard let offsetBytes = Self.read(path + ".index"), let timeBytes = Self.read(path + ".timeindex"),
            offsetBytes.count % 8 == 0, timeBytes.count % 12 == 0
        else { return nil }
        self.init(intervalBytes: intervalBytes)
        offsetBytes.withUnsafeBytes { bytes in
            for start in stride(from: 0, to: bytes.count, by: 8) {
                offsets.append(
                    OffsetEntry(
                        relativeOffset: Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: start, as: Int32.self)),
                        position: Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: start + 4, as: Int32.self))))
            }
        }
        timeBytes.withUnsafeBytes { bytes in
            for start in stride(from: 0, to: bytes.count, by: 12) {
                times.append(
                    TimeEntry(
                        timestamp: Int64(bigEndian: bytes.loadUnaligned(fromByteOffset: start, as: Int64.self)),
                        relativeOffset: Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: start + 8, as: Int32.self))))
            }
        }
        for index in offsets.indices.dropFirst() where offsets[index].position <= offsets[index - 1].position { return nil }
        for index in times.indices.dropFirst() where times[index].timestamp < times[index - 1].timestamp { return nil }
    }

    private static func append<Integer: FixedWidthInteger>(_ value: Integer, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    private static func write(_ bytes: [UInt8], to path: String) throws(FileError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileError(call: "open", path: path) }
        defer { close(descriptor) }
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { systemWrite(descriptor, $0.baseAddress! + done, bytes.count - done) }
            if count < 0, errno != EINTR { throw FileError(call: "write", path: path) }
            done += max(0, count)
        }
    }

    private static func read(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        let count = pread(descriptor, &bytes, bytes.count, 0)
        return count == bytes.count ? bytes : nil
    }
}

/// write(2), under a name that the type's own `write` does not hide.
private func systemWrite(_ descriptor: CInt, _ bytes: UnsafeRawPointer, _ count: Int) -> Int { write(descriptor, bytes, count) }
