import CCodecs
import Testing

@Suite struct CodecTests {
    static let codecs: [leat_codec] = [
        LEAT_CODEC_NONE, LEAT_CODEC_GZIP, LEAT_CODEC_SNAPPY, LEAT_CODEC_SNAPPY_XERIAL, LEAT_CODEC_LZ4, LEAT_CODEC_ZSTD,
    ]

    @Test(arguments: codecs, [0, 1, 100, 65_536, 1_000_003])
    func whatIsPackedUnpacksToTheSame(codec: leat_codec, count: Int) throws {
        let input = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 7) }
        let packed = try #require(Codec.compress(input, codec))
        let result = Codec.decompress(packed, codec.reading, limit: count)
        #expect(result.status == LEAT_CODEC_OK)
        #expect(result.bytes == input)
    }

    @Test(arguments: codecs)
    func moreThanTheLimitIsRefusedAndTheBufferIsAsItWas(codec: leat_codec) throws {
        let packed = try #require(Codec.compress([UInt8](repeating: 7, count: 50_000_000), codec))
        let result = Codec.decompress(packed, codec.reading, limit: 1_000_000, prefix: [1, 2, 3])
        #expect(result.status == LEAT_CODEC_TOO_LARGE)
        #expect(result.bytes == [1, 2, 3])
        // A bomb is told from its beginning: it never gets the memory that it claims. Uncompressed and snappy data say their size.
        #expect(result.capacity < 3_000_000)
    }

    @Test(arguments: codecs.dropFirst())
    func aCutOffInputIsMalformed(codec: leat_codec) throws {
        let packed = try #require(Codec.compress((0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) }, codec))
        for count in [1, 3, 10, packed.count / 2, packed.count - 1] {
            let result = Codec.decompress(Array(packed.prefix(count)), codec.reading, limit: 1_000_000)
            #expect(result.status == LEAT_CODEC_MALFORMED, "\(count) of \(packed.count) bytes")
            #expect(result.bytes.isEmpty)
        }
    }

    @Test(arguments: codecs.dropFirst())
    func damagedInputNeverGoesPastTheLimit(codec: leat_codec) throws {
        let packed = try #require(Codec.compress((0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) }, codec))
        var generator = Seeded(seed: 42)
        for _ in 0..<500 {
            var damaged = packed
            for _ in 0..<3 { damaged[Int.random(in: damaged.indices, using: &generator)] = .random(in: 0...255, using: &generator) }
            let result = Codec.decompress(damaged, codec.reading, limit: 30_000)
            #expect(result.bytes.count <= 30_000)
        }
    }

    @Test func oneContextServesBatchAfterBatchAlsoAfterAMalformedOne() throws {
        let contexts = leat_codec_contexts_new()
        defer { leat_codec_contexts_free(contexts) }
        for codec in [LEAT_CODEC_GZIP, LEAT_CODEC_LZ4, LEAT_CODEC_ZSTD] {
            let packed = try #require(Codec.compress([UInt8]("a record".utf8), codec))
            for _ in 0..<3 {
                #expect(Codec.decompress(Array(packed.dropLast(2)), codec, limit: 100, contexts: contexts).status == LEAT_CODEC_MALFORMED)
                #expect(Codec.decompress(packed, codec, limit: 100, contexts: contexts).bytes == [UInt8]("a record".utf8))
            }
        }
    }

    @Test func gzipMembersAndLZ4AndZstdFramesFollowOneAnother() throws {
        for codec in [LEAT_CODEC_GZIP, LEAT_CODEC_LZ4, LEAT_CODEC_ZSTD] {
            let two = try #require(Codec.compress([1, 2], codec)) + #require(Codec.compress([3], codec))
            #expect(Codec.decompress(two, codec, limit: 3).bytes == [1, 2, 3])
        }
    }

    @Test func aSnappyLengthThatTheInputCannotHoldGetsNoMemory() {
        // The length 64 MiB as a varint, then three bytes of data.
        let result = Codec.decompress([0x80, 0x80, 0x80, 0x20, 0, 0, 0], LEAT_CODEC_SNAPPY, limit: 1 << 30)
        #expect(result.status == LEAT_CODEC_MALFORMED)
        #expect(result.capacity < 1 << 20)
    }

    @Test func anLZ4BlockUnpacksToExactlyItsLength() throws {
        let input = [UInt8](repeating: 9, count: 10_000)
        var packed = leat_buffer(), unpacked = leat_buffer()
        defer {
            leat_buffer_free(&packed)
            leat_buffer_free(&unpacked)
        }
        #expect(leat_lz4_block_compress(input, input.count, &packed) == LEAT_CODEC_OK)
        #expect(leat_lz4_block_decompress(packed.bytes, packed.count, &unpacked, 9_999) == LEAT_CODEC_MALFORMED)
        #expect(leat_lz4_block_decompress(packed.bytes, packed.count, &unpacked, 10_001) == LEAT_CODEC_MALFORMED)
        #expect(leat_lz4_block_decompress(packed.bytes, packed.count, &unpacked, 10_000) == LEAT_CODEC_OK)
        #expect([UInt8](UnsafeBufferPointer(start: unpacked.bytes, count: unpacked.count)) == input)
    }
}

/// The C functions over arrays.
enum Codec {
    static func compress(_ input: [UInt8], _ codec: leat_codec) -> [UInt8]? {
        let contexts = leat_codec_contexts_new()
        var buffer = leat_buffer()
        defer {
            leat_buffer_free(&buffer)
            leat_codec_contexts_free(contexts)
        }
        guard leat_compress(contexts, codec, input, input.count, &buffer) == LEAT_CODEC_OK else { return nil }
        return [UInt8](UnsafeBufferPointer(start: buffer.bytes, count: buffer.count))
    }

    static func decompress(
        _ input: [UInt8], _ codec: leat_codec, limit: Int, prefix: [UInt8] = [], contexts: OpaquePointer? = nil
    ) -> (status: leat_codec_status, bytes: [UInt8], capacity: Int) {
        let own = contexts == nil ? leat_codec_contexts_new() : nil
        var buffer = leat_buffer()
        defer {
            leat_buffer_free(&buffer)
            leat_codec_contexts_free(own)
        }
        _ = leat_buffer_append(&buffer, prefix, prefix.count)
        let status = leat_decompress(contexts ?? own, codec, input, input.count, &buffer, limit)
        return (status, [UInt8](UnsafeBufferPointer(start: buffer.bytes, count: buffer.count)), buffer.capacity)
    }
}

extension leat_codec {
    /// The number that stands in a batch written by this one.
    var reading: leat_codec { self == LEAT_CODEC_SNAPPY_XERIAL ? LEAT_CODEC_SNAPPY : self }
}

/// SplitMix64: the same numbers in every run.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
