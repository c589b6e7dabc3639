internal import CCodecs
package import NIOCore

/// v5's outer framing, uncompressed: a header of 17 bits of length and one bit "self-contained" with a CRC-24, the payload, and its
/// CRC-32 (v5, section 2.1). All three little-endian, unlike everything inside.
package struct Segment: Sendable {
    package static let headerBytes = 6
    package static let trailerBytes = 4
    /// "A payload of at most 128 KiB - 1".
    package static let payloadBytesMax = 131_071

    package let isSelfContained: Bool
    package let payload: ByteBuffer

    /// Takes one whole segment, or nothing when more bytes are needed. The header is checked as soon as it is there.
    static func read(from buffer: inout ByteBuffer) throws(CQLError) -> Segment? {
        let start = buffer.readerIndex
        guard let low = buffer.getInteger(at: start, endianness: .little, as: UInt32.self),
            let high = buffer.getInteger(at: start + 4, endianness: .little, as: UInt16.self)
        else { return nil }
        let word = low & 0xFF_FFFF
        let stated = low >> 24 | UInt32(high) << 8
        let computed = crc24(word)
        guard stated == computed else {
            throw .protocolError("segment header corrupted: CRC-24 \(stated) stated, \(computed) computed")
        }
        guard word >> 18 == 0 else { throw .protocolError("segment header with bits set that are kept at zero") }
        let length = Int(word & 0x1_FFFF)
        guard buffer.readableBytes >= headerBytes + length + trailerBytes else { return nil }
        buffer.moveReaderIndex(forwardBy: headerBytes)
        guard let payload = buffer.readSlice(length: length), let check = buffer.readInteger(endianness: .little, as: UInt32.self) else {
            throw .truncated("segment")
        }
        let actual = payload.withUnsafeReadableBytes { crc32($0) }
        guard check == actual else { throw .protocolError("segment payload corrupted: CRC-32 \(check) stated, \(actual) computed") }
        return Segment(isSelfContained: word & 0x2_0000 != 0, payload: payload)
    }

    /// Fills in the header at `start`, whose place was left free, and appends the checksum of all that follows it.
    static func finish(_ buffer: inout ByteBuffer, at start: Int, isSelfContained: Bool) {
        let length = buffer.writerIndex - start - headerBytes
        setHeader(&buffer, at: start, length: length, isSelfContained: isSelfContained)
        let checksum = buffer.withUnsafeReadableBytes { bytes in
            crc32(UnsafeRawBufferPointer(rebasing: bytes[(start - buffer.readerIndex + headerBytes)...]))
        }
        buffer.writeInteger(checksum, endianness: .little)
    }

    private static func setHeader(_ buffer: inout ByteBuffer, at start: Int, length: Int, isSelfContained: Bool) {
        let word = UInt32(length) | (isSelfContained ? 0x2_0000 : 0)
        let check = crc24(word)
        buffer.setInteger(word | check << 24, at: start, endianness: .little)
        buffer.setInteger(UInt16(check >> 8), at: start + 4, endianness: .little)
    }

    /// CRC-24 with polynomial 0x1974F0B and start 0x875060 over the three header bytes.
    static func crc24(_ word: UInt32) -> UInt32 {
        var crc: UInt32 = 0x87_5060
        for shift: UInt32 in [0, 8, 16] {
            crc ^= (word >> shift & 0xFF) << 16
            for _ in 0..<8 {
                crc <<= 1
                if crc & 0x100_0000 != 0 { crc ^= 0x197_4F0B }
            }
        }
        return crc
    }

    /// zlib's CRC-32, begun with the bytes FA 2D 55 CA, so that a payload of zeros has a checksum that is none.
    static func crc32(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        UInt32(truncatingIfNeeded: CCodecs.crc32(crc32Start, bytes.bindMemory(to: UInt8.self).baseAddress, UInt32(bytes.count)))
    }

    private static let crc32Start: UInt = CCodecs.crc32(0, [0xFA, 0x2D, 0x55, 0xCA], 4)
}
