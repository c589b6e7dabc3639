import CCodecs
import IO
import NIOCore
import Testing

@testable import Kafka

@Suite struct RecordDecoderTests {
    static let partition = TopicPartition(topic: "users_created", partition: 2)

    /// A batch as a broker would hand it out.
    static func batch(
        _ values: [String?], baseOffset: Int64, codec: leat_codec = LEAT_CODEC_NONE, attributes: Int16 = 0,
        edit: (inout RecordBatchHeader) -> Void = { _ in }
    ) -> ByteBuffer {
        var builder = RecordBatchBuilder()
        for (index, value) in values.enumerated() {
            builder.append(
                key: index % 2 == 0 ? ByteBuffer(string: "key-\(index)") : nil, value: value.map { ByteBuffer(string: $0) },
                headers: index == 0 ? [("trace", ByteBuffer(string: "t0")), ("none", nil)] : [], timestamp: 1_000 + Int64(index))
        }
        var header = builder.header
        let plain = builder.finish()
        let records = [UInt8](plain.readableBytesView.dropFirst(RecordBatchHeader.size))
        var batch = ByteBuffer(repeating: 0, count: RecordBatchHeader.size)
        batch.writeBytes(Codec.compress(records, codec)!)
        header.baseOffset = baseOffset
        header.attributes = Int16(codec.reading.rawValue) | attributes
        edit(&header)
        batch.withUnsafeMutableReadableBytes { header.write(over: $0) }
        return batch
    }

    static func decode(_ batches: [ByteBuffer], from offset: Int64 = 0, batchBytesMax: Int = 1 << 20, arenaBytesMax: Int = 1 << 20) throws
        -> FetchedRecords
    {
        // Bytes before the records, as in a response.
        var frame = ByteBuffer(repeating: 0xEE, count: 7)
        for batch in batches { frame.writeImmutableBuffer(batch) }
        let range = 7..<frame.readableBytes
        frame.writeBytes([0, 0, 0])
        frame.writeRepeatingByte(0, count: RecordArena.padding)
        return try RecordDecoder(
            topicPartition: partition, requestedOffset: offset, batchBytesMax: batchBytesMax, arenaBytesMax: arenaBytesMax
        ).decode(frame: frame, range: range, highWatermark: 100, logStartOffset: 0, contexts: CodecContextPool())
    }

    static func values(_ records: FetchedRecords) -> [String?] {
        (0..<records.count).map { records.value(at: $0).map { String(decoding: $0, as: UTF8.self) } }
    }

    @Test(arguments: CodecTests.codecs)
    func recordsOfEveryCodecComeOutAsTheyWentIn(codec: leat_codec) throws {
        let records = try Self.decode([Self.batch(["zero", nil, "", "three"], baseOffset: 40, codec: codec)], from: 40)
        #expect(records.count == 4)
        #expect(records.offsets == [40, 41, 42, 43])
        #expect(records.timestamps == [1_000, 1_001, 1_002, 1_003])
        #expect(Self.values(records) == ["zero", nil, "", "three"])
        #expect(records.valueLengths == [4, -1, 0, 5])
        #expect(records.keyLengths == [5, -1, 5, -1])
        #expect(records.key(at: 2).map { String(decoding: $0, as: UTF8.self) } == "key-2")
        #expect(records.nextOffset == 44)
        #expect(records.highWatermark == 100)
        let headers = records.headers(at: 0)
        #expect(headers.map(\.key) == ["trace", "none"])
        #expect(headers.first?.value == [UInt8]("t0".utf8))
        #expect(headers.last?.value == nil)
        #expect(records.headers(at: 1).isEmpty)
    }

    @Test(arguments: CodecTests.codecs)
    func theArenaIsFollowedByZeros(codec: leat_codec) throws {
        let records = try Self.decode([Self.batch(["last value"], baseOffset: 0, codec: codec)])
        records.withArena { arena in
            let end = arena.baseAddress! + arena.count
            for offset in 0..<64 { #expect(end.load(fromByteOffset: offset, as: UInt8.self) == 0) }
            let start = Int(records.valueStarts[0])
            #expect(String(decoding: arena[start..<start + 10], as: UTF8.self) == "last value")
        }
    }

    @Test func plainAndCompressedBatchesShareOneArena() throws {
        let batches = [
            Self.batch(["a", "b"], baseOffset: 0), Self.batch(["c"], baseOffset: 2, codec: LEAT_CODEC_ZSTD),
            Self.batch(["d"], baseOffset: 3, codec: LEAT_CODEC_SNAPPY_XERIAL), Self.batch(["e"], baseOffset: 9),
        ]
        let records = try Self.decode(batches)
        #expect(Self.values(records) == ["a", "b", "c", "d", "e"])
        #expect(records.offsets == [0, 1, 2, 3, 9])
        #expect(records.nextOffset == 10)
    }

    @Test func recordsBelowTheOffsetAskedForAreLeftOut() throws {
        let batches = [Self.batch(["a", "b", "c"], baseOffset: 0), Self.batch(["d", "e", "f"], baseOffset: 3)]
        let records = try Self.decode(batches, from: 4)
        #expect(Self.values(records) == ["e", "f"])
        #expect(records.offsets == [4, 5])
    }

    @Test func controlBatchesAreLeftOutAndPassed() throws {
        let marker = Self.batch(["marker"], baseOffset: 1, attributes: 0x30)
        let records = try Self.decode([Self.batch(["a"], baseOffset: 0), marker, Self.batch(["b"], baseOffset: 2)])
        #expect(Self.values(records) == ["a", "b"])
        let alone = try Self.decode([marker], from: 1)
        #expect(alone.count == 0)
        #expect(alone.nextOffset == 2)
    }

    @Test func aCompactedBatchsEndCountsForTheNextOffset() throws {
        let records = try Self.decode([Self.batch(["kept"], baseOffset: 5) { $0.lastOffsetDelta = 9 }], from: 5)
        #expect(records.offsets == [5])
        #expect(records.nextOffset == 15)
    }

    @Test func logAppendTimeStandsForEveryRecord() throws {
        let records = try Self.decode([Self.batch(["a", "b"], baseOffset: 0, attributes: 0x08) { $0.maxTimestamp = 77 }])
        #expect(records.timestamps == [77, 77])
    }

    @Test func aLastBatchThatWasCutOffIsLeftForTheNextFetch() throws {
        let whole = Self.batch(["a"], baseOffset: 0), cut = Self.batch(["b"], baseOffset: 1)
        for count in [1, 16, 17, 60, cut.readableBytes - 1] {
            let records = try Self.decode([whole, cut.getSlice(at: 0, length: count)!])
            #expect(Self.values(records) == ["a"])
            #expect(records.nextOffset == 1)
        }
    }

    @Test func nothingFetchedLeavesTheOffsetAsItWas() throws {
        let records = try Self.decode([], from: 12)
        #expect(records.count == 0)
        #expect(records.nextOffset == 12)
    }

    @Test func aFullArenaLeavesTheRestForTheNextFetch() throws {
        let value = String(repeating: "x", count: 1_000)
        let batches = (0..<5).map { Self.batch([value], baseOffset: Int64($0), codec: LEAT_CODEC_LZ4) }
        let records = try Self.decode(batches, arenaBytesMax: 1_500)
        #expect(records.count == 2)
        #expect(records.nextOffset == 2)
    }

    // MARK: hostile bytes

    static func corruption(_ body: () throws -> FetchedRecords) -> (offset: Int64, reason: String)? {
        do {
            _ = try body()
            return nil
        } catch KafkaError.corruptRecords(let partition, let offset, let reason) {
            #expect(partition == Self.partition)
            return (offset, reason)
        } catch {
            return nil
        }
    }

    @Test func everyFlippedBitIsFoundByTheChecksum() throws {
        let batch = Self.batch(["value"], baseOffset: 3)
        for byte in 21..<batch.readableBytes {
            var damaged = batch
            damaged.setInteger(damaged.getInteger(at: byte, as: UInt8.self)! ^ 0x10, at: byte)
            #expect(Self.corruption { try Self.decode([damaged], from: 3) }?.offset == 3, "byte \(byte)")
        }
    }

    @Test func theErrorNamesTopicPartitionAndOffset() throws {
        let batch = Self.batch(["value"], baseOffset: 1_043) { $0.recordCount = 1_000_000 }
        let error = #expect(throws: KafkaError.self) { try Self.decode([batch], from: 1_043) }
        #expect(error?.place == "users_created[2]@1043")
        #expect(error?.description.contains("1000000 records") == true)
    }

    @Test func aMalformedBatchFurtherOnEndsTheFetchBeforeIt() throws {
        var bad = Self.batch(["b"], baseOffset: 1)
        bad.setInteger(0 as UInt8, at: bad.readableBytes - 2)
        let records = try Self.decode([Self.batch(["a"], baseOffset: 0), bad])
        #expect(Self.values(records) == ["a"])
        #expect(records.nextOffset == 1)
        #expect(Self.corruption { try Self.decode([bad], from: 1) }?.offset == 1)
    }

    @Test(arguments: CodecTests.codecs.dropFirst())
    func aDecompressionBombIsRefused(codec: leat_codec) {
        let bomb = Self.batch([String(repeating: "0", count: 3_000_000)], baseOffset: 0, codec: codec)
        let found = Self.corruption { try Self.decode([bomb], batchBytesMax: 1_000_000) }
        #expect(found?.reason == "the batch unpacks to more than 1000000 bytes")
    }

    @Test func impossibleHeadersAreNamed() {
        let cases: [(String, (inout RecordBatchHeader) -> Void)] = [
            ("message format 1", { $0.magic = 1 }), ("codec 7", { $0.attributes = 7 }), ("claims -1 records", { $0.recordCount = -1 }),
            ("offset delta", { $0.lastOffsetDelta = -1 }), ("cannot be unpacked", { $0.attributes = 4 }),
            ("follow the last record", { $0.recordCount = 1 }), ("offset delta 1", { $0.lastOffsetDelta = 0 }),
        ]
        for (expected, edit) in cases {
            let found = Self.corruption { try Self.decode([Self.batch(["a", "b"], baseOffset: 0, edit: edit)]) }
            #expect(found?.reason.contains(expected) == true, "\(expected): \(found?.reason ?? "decoded")")
        }
    }

    /// Whatever a record's bytes are, with a checksum that fits: an error, or positions within the arena.
    @Test func damagedRecordsWithAFittingChecksumNeverReachOutsideTheArena() {
        var generator = Seeded(seed: 7)
        let batch = Self.batch(["one", nil, "three", "four"], baseOffset: 0)
        var decoded = 0
        for _ in 0..<20_000 {
            var damaged = batch
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let at = Int.random(in: RecordBatchHeader.size..<damaged.readableBytes, using: &generator)
                damaged.setInteger(UInt8.random(in: 0...255, using: &generator), at: at)
            }
            damaged.withUnsafeMutableReadableBytes { bytes in
                let header = RecordBatchHeader(UnsafeRawBufferPointer(bytes))!
                header.write(over: bytes)
            }
            guard let records = try? Self.decode([damaged]) else { continue }
            decoded += 1
            for index in 0..<records.count {
                for (start, length) in [
                    (records.keyStarts[index], records.keyLengths[index]), (records.valueStarts[index], records.valueLengths[index]),
                    (records.headerStarts[index], records.headerLengths[index]),
                ] {
                    #expect(start >= 0 && length >= -1 && Int(start) + Int(max(0, length)) <= records.byteCount)
                }
                _ = records.headers(at: index)
            }
        }
        #expect(decoded > 0)
    }

    @Test func varintsOfAllLengthsAreRead() throws {
        for value in [0, -1, 1, 63, -64, 64, 8_191, 8_192, Int64(Int32.max), Int64(Int32.min), Int64.max, Int64.min] {
            var buffer = ByteBuffer()
            RecordBatchBuilder.writeVarint(value, to: &buffer)
            let read = try buffer.withUnsafeReadableBytes { bytes in
                var reader = VarintReader(bytes, 0..<bytes.count)
                defer { #expect(reader.remaining == 0) }
                return try reader.varint()
            }
            #expect(read == value)
        }
        let tooLong: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02]
        tooLong.withUnsafeBytes { bytes in
            _ = #expect(throws: RecordDefect.varintTooLong) {
                var reader = VarintReader(bytes, 0..<bytes.count)
                return try reader.varint()
            }
        }
    }
}
