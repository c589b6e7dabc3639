import IO
import NIOCore
import Testing

@testable import Kafka

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

struct PartitionLogTests {
    private func config(_ overrides: [String: String] = [:]) throws -> TopicConfig {
        try BrokerConfiguration(values: SettingValues(BrokerConfiguration.settings), folder: "").topicDefaults.overridden(by: overrides)
    }

    private func open(_ folder: TemporaryFolder, _ overrides: [String: String] = [:], isClean: Bool = false, recoveryPoint: Int64 = 0)
        throws
        -> (log: PartitionLog, recovery: PartitionLog.Recovery)
    {
        try PartitionLog.open(
            folder: folder.path + "/t-0", config: config(overrides), isClean: isClean, recoveryPoint: recoveryPoint,
            producers: ProducerStates(countMax: 100, expirationMs: 1_000_000), nowMs: 1_000)
    }

    @discardableResult
    private func append(_ log: inout PartitionLog, _ batch: ByteBuffer, nowMs: Int64 = 1_000) throws -> RecordBatchHeader {
        try batch.withUnsafeReadableBytes { try log.append(RecordBatchHeader($0)!, $0, leaderEpoch: 0, nowMs: nowMs) }
    }

    private func read(_ log: PartitionLog, from offset: Int64, maxBytes: Int = 1 << 20, hotBytes: Int) throws -> [RecordBatchHeader] {
        switch log.locate(offset, maxBytes: maxBytes, below: (log.nextOffset, log.end), hotBytes: hotBytes) {
        case .outOfRange, .atEnd: return []
        case .cold(let read): return headers(try read.perform(allocator: ByteBufferAllocator()))
        case .hot(let file, let range):
            var buffer = ByteBuffer(repeating: 0, count: range.count)
            _ = try buffer.withUnsafeMutableReadableBytes { try file.read(into: $0, at: range.lowerBound) }
            return headers(buffer)
        }
    }

    @Test func whatIsAppendedIsReadFromEveryOffsetHotAndCold() throws {
        let folder = TemporaryFolder()
        var (log, _) = try open(folder, ["segment.bytes": "20000", "index.interval.bytes": "500"])
        for number in 0..<200 { try append(&log, makeBatch(1 + number % 4, value: String(repeating: "v", count: 50 + number))) }
        #expect(log.segments.count > 3)
        for hotBytes in [-1, Int.max] {
            for offset in 0..<log.nextOffset {
                let first = try #require(try read(log, from: offset, maxBytes: 2_000, hotBytes: hotBytes).first)
                #expect(first.baseOffset <= offset && offset <= first.lastOffset)
            }
        }
        #expect(try read(log, from: 3, maxBytes: 1, hotBytes: -1).count == 1, "one batch goes out whole, however small the fetch")
        #expect(try read(log, from: log.nextOffset - 1, maxBytes: 1, hotBytes: .max).count == 1)
        guard case .outOfRange = log.locate(log.nextOffset + 1, maxBytes: 1, below: (log.nextOffset, log.end), hotBytes: 0) else {
            Issue.record("beyond the end is out of range")
            return
        }
    }

    @Test func filesHaveKafkasNamesAndIndexFormat() throws {
        let folder = TemporaryFolder()
        var (log, _) = try open(folder, ["segment.bytes": "2000", "index.interval.bytes": "100"])
        for _ in 0..<30 { try append(&log, makeBatch(2)) }
        let names = TemporaryFolder.names(folder.path + "/t-0")
        #expect(names.contains("00000000000000000000.log") && names.contains("00000000000000000000.index"))
        #expect(names.contains("00000000000000000000.timeindex"))
        let index = try #require(TemporaryFolder.readBytes(folder.path + "/t-0/00000000000000000000.index"))
        #expect(index.count % 8 == 0 && !index.isEmpty)
        // Relative offset of a batch's last record, and the position where the batch begins.
        let entry = index.withUnsafeBytes {
            (Int32(bigEndian: $0.load(as: Int32.self)), Int32(bigEndian: $0.load(fromByteOffset: 4, as: Int32.self)))
        }
        let header = try #require(try log.segments[0].file.header(at: Int(entry.1), limit: log.segments[0].size))
        #expect(header.lastOffset == Int64(entry.0))
    }

    @Test func aTornTailIsCutAndTheRestIsKept() throws {
        let folder = TemporaryFolder()
        var (log, _) = try open(folder)
        for _ in 0..<10 { try append(&log, makeBatch(3)) }
        let path = folder.path + "/t-0/00000000000000000000.log"
        let bytes = try #require(TemporaryFolder.readBytes(path))
        let size = bytes.count / 10
        for cut in [1, 12, 60, 61, size - 1] {
            TemporaryFolder.writeBytes(Array(bytes[..<(9 * size + cut)]), path)
            let (recovered, recovery) = try open(folder)
            #expect(recovered.nextOffset == 27)
            #expect(recovery.truncatedBytes == cut)
            #expect(TemporaryFolder.readBytes(path)?.count == 9 * size)
        }
    }

    @Test func aBatchWithAWrongChecksumEndsTheLogAndLaterSegmentsGo() throws {
        let folder = TemporaryFolder()
        var (log, _) = try open(folder, ["segment.bytes": "1024"])
        for _ in 0..<30 { try append(&log, makeBatch(2)) }
        #expect(log.segments.count > 2)
        let second = log.segments[1].path + ".log"
        let base = log.segments[1].baseOffset
        var bytes = try #require(TemporaryFolder.readBytes(second))
        bytes[RecordBatchHeader.size + 3] ^= 0x40
        TemporaryFolder.writeBytes(bytes, second)
        let (recovered, recovery) = try open(folder, ["segment.bytes": "1024"])
        #expect(recovered.nextOffset == base)
        #expect(recovery.removedSegments == log.segments.count - 2)
        #expect(recovery.truncatedBytes == bytes.count)
    }

    /// No checksum covers a base offset.
    @Test(arguments: [0, 2, 3]) func aBaseOffsetBeyondTheSegmentsReachEndsTheLog(byte: Int) throws {
        let folder = TemporaryFolder()
        var (log, _) = try open(folder)
        for _ in 0..<3 { try append(&log, makeBatch(2)) }
        let path = folder.path + "/t-0/00000000000000000000.log"
        var bytes = try #require(TemporaryFolder.readBytes(path))
        let third = 2 * bytes.count / 3
        bytes[third + byte] ^= 0x41
        TemporaryFolder.writeBytes(bytes, path)
        let (recovered, recovery) = try open(folder)
        #expect(recovered.nextOffset == 4)
        #expect(recovery.truncatedBytes == bytes.count - third)
    }

    @Test func aBatchWithoutTimestampMayComeFirstInAnySegment() throws {
        let folder = TemporaryFolder()
        mkdir(folder.path + "/t-0", 0o755)
        TemporaryFolder.writeBytes([], folder.path + "/t-0/00000000003000000000.log")
        var (log, _) = try open(folder)
        try append(&log, makeBatch(2, timestamp: -1_000))
        #expect(log.nextOffset == 3_000_000_002)
        #expect(try open(folder).log.nextOffset == 3_000_000_002)
    }

    @Test func segmentsBelowTheRecoveryPointAreNotReadAgain() throws {
        let folder = TemporaryFolder()
        var (log, _) = try open(folder, ["segment.bytes": "1024"])
        for _ in 0..<30 { try append(&log, makeBatch(2)) }
        let active = log.segments[log.segments.count - 1]
        let (recovered, recovery) = try open(folder, ["segment.bytes": "1024"], recoveryPoint: active.baseOffset)
        #expect(recovery.scannedBytes == active.size)
        #expect(recovered.nextOffset == log.nextOffset)
        #expect(recovered.segments.map(\.maxTimestamp) == log.segments.map(\.maxTimestamp))
    }

    @Test func missingAndTornIndexesAreRebuilt() throws {
        let folder = TemporaryFolder()
        var (log, _) = try open(folder, ["segment.bytes": "4000", "index.interval.bytes": "200"])
        for _ in 0..<100 { try append(&log, makeBatch(2)) }
        let original = try #require(TemporaryFolder.readBytes(log.segments[0].path + ".index"))
        unlink(log.segments[0].path + ".index")
        TemporaryFolder.writeBytes([1, 2, 3], log.segments[1].path + ".timeindex")
        let (recovered, recovery) = try open(folder, ["segment.bytes": "4000", "index.interval.bytes": "200"], isClean: true)
        #expect(recovery.rebuiltIndexes == 2)
        #expect(TemporaryFolder.readBytes(log.segments[0].path + ".index") == original)
        #expect(recovered.nextOffset == log.nextOffset)
    }

    @Test func theDedupeWindowIsRebuiltFromTheLog() throws {
        let folder = TemporaryFolder()
        var (log, _) = try open(folder)
        for number in Int32(0)..<8 { try append(&log, makeBatch(2, producerID: 9, epoch: 0, sequence: number * 2)) }
        for isClean in [true, false] {
            let (recovered, _) = try open(folder, isClean: isClean)
            let again = makeBatch(2, producerID: 9, epoch: 0, sequence: 14).withUnsafeReadableBytes { RecordBatchHeader($0)! }
            guard case .duplicate(let batch) = recovered.producers.verdict(on: again) else {
                Issue.record("a batch sent again after a restart is not recognised")
                return
            }
            #expect(batch.baseOffset == 14)
        }
    }

    @Test func retentionDeletesWholeSegmentsByTimeAndBySize() throws {
        let folder = TemporaryFolder()
        var (log, _) = try open(folder, ["segment.bytes": "1024", "retention.ms": "1000"])
        for number in 0..<40 { try append(&log, makeBatch(1, timestamp: Int64(number) * 100), nowMs: Int64(number) * 100) }
        #expect(try log.expireSegments(nowMs: 4_000, below: 0).isEmpty, "nothing above the high watermark goes")
        let removed = try log.expireSegments(nowMs: 4_000, below: log.nextOffset)
        #expect(!removed.isEmpty)
        #expect(removed.allSatisfy { $0.maxTimestamp < 3_000 })
        #expect(log.segments[0].maxTimestamp >= 3_000)
        #expect(log.startOffset == log.segments[0].baseOffset)
        #expect(try log.expireSegments(nowMs: 1_000_000, below: log.nextOffset).isEmpty == false)
        #expect(log.sizeBytes == 0 && log.startOffset == log.nextOffset, "when all is too old, an empty segment is left")

        let other = TemporaryFolder()
        var (sized, _) = try open(other, ["segment.bytes": "1024", "retention.bytes": "3000", "retention.ms": "-1"])
        for _ in 0..<100 { try append(&sized, makeBatch(1)) }
        _ = try sized.expireSegments(nowMs: 1_000, below: sized.nextOffset)
        #expect(sized.sizeBytes >= 3_000 && sized.sizeBytes < 3_000 + 1_024)
    }

    @Test func aSegmentIsRolledByAge() throws {
        let folder = TemporaryFolder()
        var (log, _) = try open(folder, ["segment.ms": "500"])
        try append(&log, makeBatch(), nowMs: 1_000)
        try append(&log, makeBatch(), nowMs: 1_499)
        #expect(log.segments.count == 1)
        try append(&log, makeBatch(), nowMs: 1_500)
        #expect(log.segments.count == 2)
    }

    @Test func aReaderKeepsASegmentThatRetentionDeletes() throws {
        let folder = TemporaryFolder()
        var (log, _) = try open(folder, ["segment.bytes": "1024", "retention.ms": "1"])
        for _ in 0..<20 { try append(&log, makeBatch(1, timestamp: 10), nowMs: 10) }
        guard case .cold(let read) = log.locate(0, maxBytes: 500, below: (log.nextOffset, log.end), hotBytes: -1) else {
            Issue.record("a cold read is wanted")
            return
        }
        for segment in try log.expireSegments(nowMs: 1_000, below: log.nextOffset) { SegmentFile.unlinkAll(segment.path) }
        #expect(try headers(read.perform(allocator: ByteBufferAllocator())).first?.baseOffset == 0)
    }

    @Test func timesAreFoundToTheRecord() throws {
        let folder = TemporaryFolder()
        var (log, _) = try open(folder, ["segment.bytes": "2000", "index.interval.bytes": "100"])
        for number in 0..<60 { try append(&log, makeBatch(3, timestamp: Int64(number) * 10)) }
        for (timestamp, offset) in [(0, 0), (1, 1), (2, 2), (3, 3), (299, 90), (301, 91), (592, 179)] as [(Int64, Int64)] {
            #expect(try log.search(for: timestamp, below: (log.nextOffset, log.end))?.perform()?.offset == offset, "at \(timestamp)")
        }
        #expect(log.search(for: 593, below: (log.nextOffset, log.end)) == nil)
        #expect(log.maxTimestamp == 592)
    }

    @Test func logAppendTimeIsStampedWithAChecksumThatHolds() throws {
        let folder = TemporaryFolder()
        var (log, _) = try open(folder, ["message.timestamp.type": "LogAppendTime"])
        try append(&log, makeBatch(3), nowMs: 123_456)
        let header = try #require(try read(log, from: 0, hotBytes: -1).first)
        #expect(header.hasLogAppendTime && header.maxTimestamp == 123_456)
    }
}

struct FlushTurnTests {
    @Test func aSecondThreadLeavesItsWorkToTheFirst() {
        var turn = FlushTurn()
        let wanted = [turn.want(), turn.want()]
        #expect(wanted == [true, false], "it stands in the queue once")
        let first = turn.begin()
        let isWantedAnew = turn.want()
        let second = turn.begin()
        #expect(first && isWantedAnew && !second, "what is appended meanwhile is not covered, and left to the first")
        let ends = [turn.end(), turn.want()]
        #expect(ends == [true, false], "the first queues it for the second")
        let third = turn.begin()
        let isLast = !turn.end()
        #expect(third && isLast)
    }
}
