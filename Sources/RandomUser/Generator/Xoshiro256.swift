/// The generator's source of randomness: xoshiro256** (Blackman and Vigna, 2018), its state filled by SplitMix64 as its authors advise.
///
/// The standard library's `random(in:)` promises nothing about the sequence that it draws for a given generator, so the
/// draws below are written out: the same seed must give the same users in every version of Leat and of Swift.
struct Xoshiro256: RandomNumberGenerator, Sendable {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    init(seed: UInt64) {
        var split = seed
        func step() -> UInt64 {
            split &+= 0x9E37_79B9_7F4A_7C15
            return Self.mix(split)
        }
        state = (step(), step(), step(), step())
    }

    mutating func next() -> UInt64 {
        let result = Self.rotate(state.1 &* 5, 7) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = Self.rotate(state.3, 45)
        return result
    }

    /// A number in `0..<bound`, by the high half of a 64 by 64 bit product; the bias is below one in 2⁴⁰ for every bound used here.
    mutating func below(_ bound: Int) -> Int {
        Int(truncatingIfNeeded: UInt64(bound).multipliedFullWidth(by: next()).high)
    }

    mutating func element<T>(of list: [T]) -> T { list[below(list.count)] }

    /// SplitMix64's finaliser, also used to spread a seed's text and a user's index over 64 bits.
    static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    private static func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 { (value << count) | (value >> (64 - count)) }
}
