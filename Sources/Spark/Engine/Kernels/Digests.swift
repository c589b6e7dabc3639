/// MD5 (RFC 1321), SHA-1 and SHA-2 (FIPS 180-4), and CRC-32 over bytes: what SQL functions of these names give.
enum Digests {
    /// The message, a one bit, zeros, and its length in bits, in whole blocks.
    private static func padded(_ bytes: UnsafeBufferPointer<UInt8>, block: Int, isLittleEndian: Bool = false) -> [UInt8] {
        var message = Array(bytes)
        message.append(0x80)
        let lengthBytes = block / 8
        while message.count % block != block - lengthBytes { message.append(0) }
        let bits = UInt64(bytes.count) * 8
        if lengthBytes == 16 { message += [UInt8](repeating: 0, count: 8) }
        for index in 0..<8 { message.append(UInt8(truncatingIfNeeded: bits >> UInt64(isLittleEndian ? index * 8 : 56 - index * 8))) }
        return message
    }

    private static let md5Shifts: [UInt32] = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21]
    /// The integer parts of 2^32 × |sin(n)|.
    private static let md5Constants: [UInt32] = [
        0xd76a_a478, 0xe8c7_b756, 0x2420_70db, 0xc1bd_ceee, 0xf57c_0faf, 0x4787_c62a, 0xa830_4613, 0xfd46_9501, 0x6980_98d8, 0x8b44_f7af,
        0xffff_5bb1, 0x895c_d7be, 0x6b90_1122, 0xfd98_7193, 0xa679_438e, 0x49b4_0821, 0xf61e_2562, 0xc040_b340, 0x265e_5a51, 0xe9b6_c7aa,
        0xd62f_105d, 0x0244_1453, 0xd8a1_e681, 0xe7d3_fbc8, 0x21e1_cde6, 0xc337_07d6, 0xf4d5_0d87, 0x455a_14ed, 0xa9e3_e905, 0xfcef_a3f8,
        0x676f_02d9, 0x8d2a_4c8a, 0xfffa_3942, 0x8771_f681, 0x6d9d_6122, 0xfde5_380c, 0xa4be_ea44, 0x4bde_cfa9, 0xf6bb_4b60, 0xbebf_bc70,
        0x289b_7ec6, 0xeaa1_27fa, 0xd4ef_3085, 0x0488_1d05, 0xd9d4_d039, 0xe6db_99e5, 0x1fa2_7cf8, 0xc4ac_5665, 0xf429_2244, 0x432a_ff97,
        0xab94_23a7, 0xfc93_a039, 0x655b_59c3, 0x8f0c_cc92, 0xffef_f47d, 0x8584_5dd1, 0x6fa8_7e4f, 0xfe2c_e6e0, 0xa301_4314, 0x4e08_11a1,
        0xf753_7e82, 0xbd3a_f235, 0x2ad7_d2bb, 0xeb86_d391,
    ]

    static func md5(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        let message = padded(bytes, block: 64, isLittleEndian: true)
        var state: [UInt32] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476]
        for start in stride(from: 0, to: message.count, by: 64) {
            let words = (0..<16).map { word -> UInt32 in
                var value: UInt32 = 0
                for byte in 0..<4 { value |= UInt32(message[start + word * 4 + byte]) << UInt32(byte * 8) }
                return value
            }
            var (a, b, c, d) = (state[0], state[1], state[2], state[3])
            for round in 0..<64 {
                var mix: UInt32
                let word: Int
                switch round / 16 {
                case 0: (mix, word) = (b & c | ~b & d, round)
                case 1: (mix, word) = (d & b | ~d & c, (5 * round + 1) % 16)
                case 2: (mix, word) = (b ^ c ^ d, (3 * round + 5) % 16)
                default: (mix, word) = (c ^ (b | ~d), 7 * round % 16)
                }
                mix = mix &+ a &+ md5Constants[round] &+ words[word]
                let shift = md5Shifts[round / 16 * 4 + round % 4]
                (a, d, c, b) = (d, c, b, b &+ (mix << shift | mix >> (32 - shift)))
            }
            state[0] &+= a
            state[1] &+= b
            state[2] &+= c
            state[3] &+= d
        }
        return state.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32($0 * 8)) } }
    }

    static func sha1(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        let message = padded(bytes, block: 64)
        var state: [UInt32] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0]
        func rotated(_ value: UInt32, _ count: UInt32) -> UInt32 { value << count | value >> (32 - count) }
        var words = [UInt32](repeating: 0, count: 80)
        for start in stride(from: 0, to: message.count, by: 64) {
            for word in 0..<16 {
                var value: UInt32 = 0
                for byte in 0..<4 { value = value << 8 | UInt32(message[start + word * 4 + byte]) }
                words[word] = value
            }
            for word in 16..<80 { words[word] = rotated(words[word - 3] ^ words[word - 8] ^ words[word - 14] ^ words[word - 16], 1) }
            var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
            for round in 0..<80 {
                let (mix, constant): (UInt32, UInt32) =
                    round < 20
                    ? (b & c | ~b & d, 0x5a82_7999)
                    : round < 40 ? (b ^ c ^ d, 0x6ed9_eba1) : round < 60 ? (b & c | b & d | c & d, 0x8f1b_bcdc) : (b ^ c ^ d, 0xca62_c1d6)
                let next = rotated(a, 5) &+ mix &+ e &+ constant &+ words[round]
                (e, d, c, b, a) = (d, c, rotated(b, 30), a, next)
            }
            for (index, value) in [a, b, c, d, e].enumerated() { state[index] &+= value }
        }
        return state.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(24 - $0 * 8)) } }
    }

    /// The first bits of the fractional parts of the cube roots of the first 80 primes.
    private static let sha512Constants: [UInt64] = primes(80).map { fraction(ofRoot: 3, $0) }
    private static let sha256Constants: [UInt32] = sha512Constants.prefix(64).map { UInt32($0 >> 32) }

    private static func primes(_ count: Int) -> [UInt64] {
        var found: [UInt64] = []
        var candidate: UInt64 = 2
        while found.count < count {
            if found.allSatisfy({ candidate % $0 != 0 }) { found.append(candidate) }
            candidate += 1
        }
        return found
    }

    /// The first 64 bits after the point of a square or cube root, found bit by bit in whole numbers.
    private static func fraction(ofRoot degree: Int, _ value: UInt64) -> UInt64 {
        var root: UInt64 = 1
        while (0..<degree).reduce(UInt64(1), { product, _ in product * (root + 1) }) <= value { root += 1 }
        // root.fraction^degree ≤ value, compared in fixed point with 64 bits after the point.
        func isWithin(_ fraction: UInt64) -> Bool {
            var limbs: [UInt64] = [1]
            for _ in 0..<degree { limbs = product(limbs, [fraction, root]) }
            // Now degree × 64 bits lie after the point.
            return limbs.count <= degree || limbs[degree] < value && limbs.dropFirst(degree + 1).allSatisfy { $0 == 0 }
        }
        var result: UInt64 = 0
        for bit in (0..<UInt64(64)).reversed() where isWithin(result | 1 << bit) { result |= 1 << bit }
        return result
    }

    private static func product(_ a: [UInt64], _ b: [UInt64]) -> [UInt64] {
        var result = [UInt64](repeating: 0, count: a.count + b.count)
        for i in a.indices {
            var carry: UInt64 = 0
            for j in b.indices {
                let (high, low) = a[i].multipliedFullWidth(by: b[j])
                let (first, c1) = result[i + j].addingReportingOverflow(low)
                let (second, c2) = first.addingReportingOverflow(carry)
                result[i + j] = second
                carry = high + (c1 ? 1 : 0) + (c2 ? 1 : 0)
            }
            result[i + b.count] = carry
        }
        return result
    }

    private static let sha256Start: [UInt32] = primes(8).map { UInt32(fraction(ofRoot: 2, $0) >> 32) }
    /// SHA-224 takes the second halves of the roots of the ninth to sixteenth primes.
    private static let sha224Start: [UInt32] = primes(16).suffix(8).map { UInt32(truncatingIfNeeded: fraction(ofRoot: 2, $0)) }
    private static let sha512Start: [UInt64] = primes(8).map { fraction(ofRoot: 2, $0) }
    private static let sha384Start: [UInt64] = primes(16).suffix(8).map { fraction(ofRoot: 2, $0) }

    private static func rounds<W: FixedWidthInteger & UnsignedInteger>(
        _ message: [UInt8], _ start: [W], _ constants: [W], big: (W, W, W), bigE: (W, W, W), small: (W, W, W), smallB: (W, W, W)
    ) -> [W] {
        let width = W.bitWidth / 8
        func rotated(_ value: W, _ count: W) -> W { value >> count | value << (W(W.bitWidth) - count) }
        var state = start
        var words = [W](repeating: 0, count: constants.count)
        for base in stride(from: 0, to: message.count, by: width * 16) {
            for word in 0..<16 {
                var value: W = 0
                for byte in 0..<width { value = value << 8 | W(message[base + word * width + byte]) }
                words[word] = value
            }
            for word in 16..<constants.count {
                let (x, y) = (words[word - 15], words[word - 2])
                let s0 = rotated(x, small.0) ^ rotated(x, small.1) ^ x >> small.2
                let s1 = rotated(y, smallB.0) ^ rotated(y, smallB.1) ^ y >> smallB.2
                words[word] = words[word - 16] &+ s0 &+ words[word - 7] &+ s1
            }
            var v = state
            for round in constants.indices {
                let s1 = rotated(v[4], bigE.0) ^ rotated(v[4], bigE.1) ^ rotated(v[4], bigE.2)
                let choice = v[4] & v[5] ^ ~v[4] & v[6]
                let first = v[7] &+ s1 &+ choice &+ constants[round] &+ words[round]
                let s0 = rotated(v[0], big.0) ^ rotated(v[0], big.1) ^ rotated(v[0], big.2)
                let majority = v[0] & v[1] ^ v[0] & v[2] ^ v[1] & v[2]
                v = [first &+ s0 &+ majority, v[0], v[1], v[2], v[3] &+ first, v[4], v[5], v[6]]
            }
            for index in 0..<8 { state[index] &+= v[index] }
        }
        return state
    }

    /// SHA-2 of 224, 256, 384 or 512 bits; nil for others.
    static func sha2(_ bytes: UnsafeBufferPointer<UInt8>, bits: Int) -> [UInt8]? {
        switch bits {
        case 224, 256:
            let words = rounds(
                padded(bytes, block: 64), bits == 224 ? sha224Start : sha256Start, sha256Constants, big: (2, 13, 22), bigE: (6, 11, 25),
                small: (7, 18, 3), smallB: (17, 19, 10))
            return Array(words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(24 - $0 * 8)) } }.prefix(bits / 8))
        case 384, 512:
            let words = rounds(
                padded(bytes, block: 128), bits == 384 ? sha384Start : sha512Start, sha512Constants, big: (28, 34, 39), bigE: (14, 18, 41),
                small: (1, 8, 7), smallB: (19, 61, 6))
            return Array(words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - $0 * 8)) } }.prefix(bits / 8))
        default: return nil
        }
    }

    private static let crcTable: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ value >> 1 : value >> 1 }
    }

    static func crc32(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt32 {
        var crc = ~UInt32(0)
        for byte in bytes { crc = crcTable[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] ^ crc >> 8 }
        return ~crc
    }
}
