import NIOCore
import Testing

@testable import Cassandra

/// Vectors as `cassandra.murmur3` of DataStax's Python driver computes them.
@Suite struct Murmur3TokenTests {
    @Test(
        arguments: [
            ([0x61], -8_839_064_797_231_613_815),
            ([0x61, 0x62, 0x63], -5_434_086_359_492_102_041),
            (Array("hello world".utf8), 5_998_619_086_395_760_910),
            (Array(0..<40), -4_350_383_952_250_503_068),
            (Array(repeating: 0xFF, count: 15), -2_195_530_867_418_009_455),
            ([0xC8, 0xC9, 0xCA], -709_599_701_920_638_447),
            (Array("Ünïcödé text value".utf8), -5_316_846_661_788_697_887),
            (
                [0xC3, 0x7D, 0x66, 0x1D, 0x7E, 0x61, 0x49, 0xEA, 0x96, 0xA5, 0x68, 0xC3, 0x4E, 0x83, 0xDB, 0x3A],
                -6_671_118_463_055_819_003
            ),
        ] as [([UInt8], Int64)]) func agreesWithTheDriver(key: [UInt8], token: Int64)
    {
        #expect(Murmur3Token.token(key) == token)
    }

    @Test func aKeyOfSeveralColumnsIsTheirComposite() {
        let composite: [UInt8] = [0, 1, 0x61, 0, 0, 4, 0, 0, 0, 7, 0]
        let components = [ByteBuffer(bytes: [0x61]), ByteBuffer(bytes: [0, 0, 0, 7])]
        #expect(Murmur3Token.token(components: components) == Murmur3Token.token(composite))
        #expect(Murmur3Token.token(components: [components[0]]) == Murmur3Token.token([0x61]))
    }
}

@Suite struct MD5Tests {
    /// RFC 1321, A.5.
    @Test(arguments: [
        ("", "d41d8cd98f00b204e9800998ecf8427e"), ("abc", "900150983cd24fb0d6963f7d28e17f72"),
        ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
        (String(repeating: "1234567890", count: 8), "57edf4a22be3c955ac49da2e2107b67a"),
    ]) func agreesWithTheSpecification(text: String, digest: String) {
        #expect(CQLValue.hexadecimal(MD5.digest(text)) == digest)
    }
}
