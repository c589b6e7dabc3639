import NIOCore
import Testing

@testable import Kafka

struct RecordBatchTests {
    private func batch() -> ByteBuffer {
        var builder = RecordBatchBuilder(producerID: 5, producerEpoch: 1, baseSequence: .max - 1)
        builder.append(key: ByteBuffer(string: "k"), value: ByteBuffer(string: "value"), timestamp: 1_000)
        builder.append(key: nil, value: nil, headers: [("h", ByteBuffer(string: "1")), ("n", nil)], timestamp: 900)
        builder.append(key: ByteBuffer(), value: ByteBuffer(repeating: 9, count: 70_000), timestamp: 2_000)
        return builder.finish()
    }

    @Test func whatIsBuiltIsReadBack() throws {
        let bytes = batch()
        try bytes.withUnsafeReadableBytes { raw in
            let header = try #require(RecordBatchHeader(raw))
            #expect(header.size == raw.count)
            #expect(header.checksum == RecordBatchHeader.computeChecksum(raw))
            #expect(header.recordCount == 3 && header.lastOffsetDelta == 2)
            #expect(header.baseTimestamp == 1_000 && header.maxTimestamp == 2_000)
            #expect(header.producerID == 5 && header.producerEpoch == 1 && header.codec == CompressionCodec.none)
            #expect(header.lastSequence == 0, "the sequence wraps after Int32.max to 0")
            let records = UnsafeRawBufferPointer(rebasing: raw[RecordBatchHeader.size...])
            var iterator = RecordIterator(records)
            let first = try #require(try iterator.next())
            #expect(String(decoding: records[first.valueStart..<first.valueStart + first.valueLength], as: UTF8.self) == "value")
            let second = try #require(try iterator.next())
            #expect(second.keyLength == -1 && second.valueLength == -1 && second.timestampDelta == -100 && second.offsetDelta == 1)
            #expect(second.headersLength > 1)
            let third = try #require(try iterator.next())
            #expect(third.keyLength == 0 && third.valueLength == 70_000)
            #expect(try iterator.next() == nil)
        }
    }

    @Test func stampingKeepsTheChecksumAndLogAppendTimeRenewsIt() throws {
        var bytes = batch()
        try bytes.withUnsafeMutableReadableBytes { raw in
            RecordBatchHeader.stamp(raw, baseOffset: 77, leaderEpoch: 3)
            var header = try #require(RecordBatchHeader(UnsafeRawBufferPointer(raw)))
            #expect(header.baseOffset == 77 && header.lastOffset == 79 && header.leaderEpoch == 3)
            #expect(header.checksum == RecordBatchHeader.computeChecksum(UnsafeRawBufferPointer(raw)))
            RecordBatchHeader.stampLogAppendTime(raw, timestamp: 5_555)
            header = try #require(RecordBatchHeader(UnsafeRawBufferPointer(raw)))
            #expect(header.hasLogAppendTime && header.maxTimestamp == 5_555)
            #expect(header.checksum == RecordBatchHeader.computeChecksum(UnsafeRawBufferPointer(raw)))
        }
    }

    @Test func recordsCutShortThrow() {
        let bytes = batch()
        bytes.withUnsafeReadableBytes { raw in
            let records = UnsafeRawBufferPointer(rebasing: raw[RecordBatchHeader.size...])
            for length in [1, 2, 3, 8, 20, 40, records.count - 1] {
                #expect(throws: WireError.self) {
                    var iterator = RecordIterator(UnsafeRawBufferPointer(rebasing: records[..<length]))
                    while try iterator.next() != nil {}
                }
            }
        }
    }

    @Test func randomBytesAsRecordsNeverTrap() {
        var generator = SplitMix(state: 4)
        for _ in 0..<5_000 {
            let bytes = (0..<Int.random(in: 0...60, using: &generator)).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            bytes.withUnsafeBytes { raw in
                var iterator = RecordIterator(raw)
                do {
                    while let record = try iterator.next() {
                        #expect(record.headersStart + record.headersLength <= raw.count)
                    }
                } catch {
                    #expect(iterator.position <= raw.count)
                }
            }
        }
    }
}
