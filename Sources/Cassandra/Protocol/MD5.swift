/// MD5 (RFC 1321): statement ids are MD5 digests, as Cassandra's are. An identifier, not a defence.
struct MD5 {
    private var a: UInt32 = 0x6745_2301
    private var b: UInt32 = 0xEFCD_AB89
    private var c: UInt32 = 0x98BA_DCFE
    private var d: UInt32 = 0x1032_5476
    private var pending: [UInt8] = []
    private var length: UInt64 = 0

    private static let shifts: [UInt32] =
        [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]].flatMap { row in (0..<16).map { row[$0 % 4] } }

    /// "The integer part of 4294967296 times abs(sin(i))", i in radians.
    private static let sines: [UInt32] = [
        0xd76a_a478, 0xe8c7_b756, 0x2420_70db, 0xc1bd_ceee, 0xf57c_0faf, 0x4787_c62a, 0xa830_4613, 0xfd46_9501, 0x6980_98d8, 0x8b44_f7af,
        0xffff_5bb1, 0x895c_d7be, 0x6b90_1122, 0xfd98_7193, 0xa679_438e, 0x49b4_0821, 0xf61e_2562, 0xc040_b340, 0x265e_5a51, 0xe9b6_c7aa,
        0xd62f_105d, 0x0244_1453, 0xd8a1_e681, 0xe7d3_fbc8, 0x21e1_cde6, 0xc337_07d6, 0xf4d5_0d87, 0x455a_14ed, 0xa9e3_e905, 0xfcef_a3f8,
        0x676f_02d9, 0x8d2a_4c8a, 0xfffa_3942, 0x8771_f681, 0x6d9d_6122, 0xfde5_380c, 0xa4be_ea44, 0x4bde_cfa9, 0xf6bb_4b60, 0xbebf_bc70,
        0x289b_7ec6, 0xeaa1_27fa, 0xd4ef_3085, 0x0488_1d05, 0xd9d4_d039, 0xe6db_99e5, 0x1fa2_7cf8, 0xc4ac_5665, 0xf429_2244, 0x432a_ff97,
        0xab94_23a7, 0xfc93_a039, 0x655b_59c3, 0x8f0c_cc92, 0xffef_f47d, 0x8584_5dd1, 0x6fa8_7e4f, 0xfe2c_e6e0, 0xa301_4314, 0x4e08_11a1,
        0xf753_7e82, 0xbd3a_f235, 0x2ad7_d2bb, 0xeb86_d391,
    ]

    mutating func update(_ text: String) { update(text.utf8) }

    mutating func update(_ bytes: some Sequence<UInt8>) {
        for byte in bytes {
            pending.append(byte)
            length += 1
            if pending.count == 64 { consumeBlock() }
        }
    }

    consuming func finished() -> [UInt8] {
        let bits = length &* 8
        update(CollectionOfOne(UInt8(0x80)))
        while pending.count != 56 { update(CollectionOfOne(UInt8(0))) }
        update((0..<8).map { UInt8(truncatingIfNeeded: bits >> UInt64($0 * 8)) })
        return [a, b, c, d].flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32($0 * 8)) } }
    }

    static func digest(_ text: String) -> [UInt8] {
        var digest = MD5()
        digest.update(text)
        return digest.finished()
    }

    private mutating func consumeBlock() {
        var words = [UInt32](repeating: 0, count: 16)
        for index in 0..<64 { words[index / 4] |= UInt32(pending[index]) << UInt32(index % 4 * 8) }
        pending.removeAll(keepingCapacity: true)
        var (p, q, r, s) = (a, b, c, d)
        for index in 0..<64 {
            let mixed: UInt32
            let word: Int
            switch index / 16 {
            case 0: (mixed, word) = (q & r | ~q & s, index)
            case 1: (mixed, word) = (s & q | ~s & r, (5 * index + 1) % 16)
            case 2: (mixed, word) = (q ^ r ^ s, (3 * index + 5) % 16)
            default: (mixed, word) = (r ^ (q | ~s), 7 * index % 16)
            }
            let sum = mixed &+ p &+ Self.sines[index] &+ words[word]
            let shift = Self.shifts[index]
            (p, s, r, q) = (s, r, q, q &+ (sum << shift | sum >> (32 - shift)))
        }
        a &+= p
        b &+= q
        c &+= r
        d &+= s
    }
}
