import CCRC32C
import Testing

struct CRC32CTests {
    /// RFC 3720, appendix B.4.
    @Test func knownVectors() {
        let ascending = (0..<32).map { UInt8($0) }
        let vectors: [([UInt8], UInt32)] = [
            (Array("123456789".utf8), 0xE306_9283), (Array(repeating: 0, count: 32), 0x8A91_36AA),
            (Array(repeating: 0xFF, count: 32), 0x62A8_AB43), (ascending, 0x46DD_794E), (ascending.reversed(), 0x113F_DB5C),
        ]
        for (bytes, checksum) in vectors {
            #expect(crc32c_extend(0, bytes, bytes.count) == checksum)
            #expect(crc32c_extend_by_tables(0, bytes, bytes.count) == checksum)
        }
    }

    @Test func theInstructionAndTheTablesAgreeAtEveryLengthAndAlignment() {
        var state: UInt64 = 1
        let bytes = (0..<40_000).map { _ -> UInt8 in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
        bytes.withUnsafeBytes { buffer in
            for length in Array(0..<300) + [767, 768, 769, 12_287, 12_288, 12_289, 13_056, 24_576, 39_990] {
                for alignment in 0..<4 {
                    let start = buffer.baseAddress! + alignment
                    #expect(crc32c_extend(7, start, length) == crc32c_extend_by_tables(7, start, length))
                }
            }
        }
    }
}
