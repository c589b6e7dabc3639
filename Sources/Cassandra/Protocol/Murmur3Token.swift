package import NIOCore

/// Tokens of Cassandra's Murmur3Partitioner: the first 64 bits of MurmurHash3 x64 128 with seed 0, in Cassandra's variant, which
/// takes the tail's bytes as signed. The smallest token is not given out: `Int64.min` becomes `Int64.max`.
package enum Murmur3Token {
    private static let c1: UInt64 = 0x87C3_7B91_1142_53D5
    private static let c2: UInt64 = 0x4CF5_AD43_2745_937F

    package static func token(_ key: UnsafeRawBufferPointer) -> Int64 {
        // "The empty key" is the minimum token of the ring (Murmur3Partitioner.getToken).
        guard key.count > 0 else { return .min }
        let hash = Int64(bitPattern: firstWord(key))
        return hash == .min ? .max : hash
    }

    package static func token(_ key: [UInt8]) -> Int64 { key.withUnsafeBytes { token($0) } }

    private static func rotated(_ value: UInt64, _ count: UInt64) -> UInt64 { value &<< count | value &>> (64 &- count) }

    private static func mixed(_ value: UInt64) -> UInt64 {
        var k = value
        k ^= k &>> 33
        k &*= 0xFF51_AFD7_ED55_8CCD
        k ^= k &>> 33
        k &*= 0xC4CE_B9FE_1A85_EC53
        k ^= k &>> 33
        return k
    }

    private static func firstWord(_ key: UnsafeRawBufferPointer) -> UInt64 {
        var h1: UInt64 = 0
        var h2: UInt64 = 0
        let blocks = key.count / 16
        for block in 0..<blocks {
            var k1 = UInt64(littleEndian: key.loadUnaligned(fromByteOffset: block * 16, as: UInt64.self))
            var k2 = UInt64(littleEndian: key.loadUnaligned(fromByteOffset: block * 16 + 8, as: UInt64.self))
            k1 &*= c1
            k1 = rotated(k1, 31)
            k1 &*= c2
            h1 ^= k1
            h1 = rotated(h1, 27)
            h1 &+= h2
            h1 = h1 &* 5 &+ 0x52DC_E729
            k2 &*= c2
            k2 = rotated(k2, 33)
            k2 &*= c1
            h2 ^= k2
            h2 = rotated(h2, 31)
            h2 &+= h1
            h2 = h2 &* 5 &+ 0x3849_5AB5
        }
        var k1: UInt64 = 0
        var k2: UInt64 = 0
        let tail = key.count & 15
        for index in 0..<tail {
            // The sign extension is Cassandra's (CASSANDRA-2975 kept it for compatibility).
            let byte = UInt64(bitPattern: Int64(Int8(bitPattern: key[blocks * 16 + index])))
            if index < 8 { k1 ^= byte &<< UInt64(index * 8) } else { k2 ^= byte &<< UInt64((index - 8) * 8) }
        }
        if tail > 8 {
            k2 &*= c2
            k2 = rotated(k2, 33)
            k2 &*= c1
            h2 ^= k2
        }
        if tail > 0 {
            k1 &*= c1
            k1 = rotated(k1, 31)
            k1 &*= c2
            h1 ^= k1
        }
        h1 ^= UInt64(key.count)
        h2 ^= UInt64(key.count)
        h1 &+= h2
        h2 &+= h1
        h1 = mixed(h1)
        h2 = mixed(h2)
        h1 &+= h2
        return h1
    }
}

extension Murmur3Token {
    /// The token of a partition key of several columns: each component as a short length, its bytes and a zero byte
    /// (CompositeType); a single column's bytes stand alone.
    package static func token(components: [ByteBuffer]) -> Int64 {
        if components.count == 1 { return components[0].withUnsafeReadableBytes { token($0) } }
        var composite = ByteBuffer()
        for component in components {
            composite.writeInteger(UInt16(truncatingIfNeeded: component.readableBytes))
            composite.writeImmutableBuffer(component)
            composite.writeInteger(UInt8(0))
        }
        return composite.withUnsafeReadableBytes { token($0) }
    }
}
