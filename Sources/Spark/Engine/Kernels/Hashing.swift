/// Murmur3 of 32 bits as Spark computes it: the last bytes one at a time and signed, which the standard does not.
enum Murmur3 {
    @inline(__always) private static func mixed(_ value: UInt32) -> UInt32 {
        let scaled = value &* 0xcc9e_2d51
        return (scaled << 15 | scaled >> 17) &* 0x1b87_3593
    }

    @inline(__always) private static func step(_ hash: UInt32, _ value: UInt32) -> UInt32 {
        let mixed = hash ^ value
        return (mixed << 13 | mixed >> 19) &* 5 &+ 0xe654_6b64
    }

    @inline(__always) private static func finished(_ hash: UInt32, _ length: Int) -> Int32 {
        var value = hash ^ UInt32(truncatingIfNeeded: length)
        value ^= value >> 16
        value = value &* 0x85eb_ca6b
        value ^= value >> 13
        value = value &* 0xc2b2_ae35
        value ^= value >> 16
        return Int32(bitPattern: value)
    }

    static func int(_ value: Int32, _ seed: Int32) -> Int32 {
        finished(step(UInt32(bitPattern: seed), mixed(UInt32(bitPattern: value))), 4)
    }

    static func long(_ value: Int64, _ seed: Int32) -> Int32 {
        let bits = UInt64(bitPattern: value)
        let low = step(UInt32(bitPattern: seed), mixed(UInt32(truncatingIfNeeded: bits)))
        return finished(step(low, mixed(UInt32(truncatingIfNeeded: bits >> 32))), 8)
    }

    private static func word(_ bytes: UnsafeBufferPointer<UInt8>, _ at: Int) -> UInt32 {
        UInt32(bytes[at]) | UInt32(bytes[at + 1]) << 8 | UInt32(bytes[at + 2]) << 16 | UInt32(bytes[at + 3]) << 24
    }

    static func bytes(_ bytes: UnsafeBufferPointer<UInt8>, _ seed: Int32) -> Int32 {
        let whole = bytes.count & ~3
        var hash = UInt32(bitPattern: seed)
        for at in stride(from: 0, to: whole, by: 4) { hash = step(hash, mixed(word(bytes, at))) }
        for at in whole..<bytes.count { hash = step(hash, mixed(UInt32(bitPattern: Int32(Int8(bitPattern: bytes[at]))))) }
        return finished(hash, bytes.count)
    }

    /// As the standard has it, for the seeds of random numbers.
    static func standard(_ bytes: UnsafeBufferPointer<UInt8>, seed: Int32) -> Int32 {
        let whole = bytes.count & ~3
        var hash = UInt32(bitPattern: seed)
        for at in stride(from: 0, to: whole, by: 4) { hash = step(hash, mixed(word(bytes, at))) }
        var rest: UInt32 = 0
        for at in (whole..<bytes.count).reversed() { rest = rest << 8 | UInt32(bytes[at]) }
        if whole < bytes.count { hash ^= mixed(rest) }
        return finished(hash, bytes.count)
    }
}

/// xxHash of 64 bits (Yann Collet's XXH64).
enum XXHash64 {
    private static let p1: UInt64 = 0x9E37_79B1_85EB_CA87
    private static let p2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
    private static let p3: UInt64 = 0x1656_67B1_9E37_79F9
    private static let p4: UInt64 = 0x85EB_CA77_C2B2_AE63
    private static let p5: UInt64 = 0x27D4_EB2F_1656_67C5

    @inline(__always) private static func rotated(_ value: UInt64, _ count: UInt64) -> UInt64 { value << count | value >> (64 - count) }
    @inline(__always) private static func round(_ lane: UInt64, _ value: UInt64) -> UInt64 { rotated(lane &+ value &* p2, 31) &* p1 }

    private static func finished(_ hash: UInt64) -> Int64 {
        var value = hash
        value ^= value >> 33
        value = value &* p2
        value ^= value >> 29
        value = value &* p3
        value ^= value >> 32
        return Int64(bitPattern: value)
    }

    static func int(_ value: Int32, _ seed: Int64) -> Int64 {
        var hash = UInt64(bitPattern: seed) &+ p5 &+ 4
        hash ^= UInt64(UInt32(bitPattern: value)) &* p1
        return finished(rotated(hash, 23) &* p2 &+ p3)
    }

    static func long(_ value: Int64, _ seed: Int64) -> Int64 {
        var hash = UInt64(bitPattern: seed) &+ p5 &+ 8
        hash ^= round(0, UInt64(bitPattern: value))
        return finished(rotated(hash, 27) &* p1 &+ p4)
    }

    static func bytes(_ bytes: UnsafeBufferPointer<UInt8>, _ seed: Int64) -> Int64 {
        func word(_ at: Int, width: Int = 8) -> UInt64 {
            var value: UInt64 = 0
            for byte in 0..<width { value |= UInt64(bytes[at + byte]) << UInt64(byte * 8) }
            return value
        }
        let seed = UInt64(bitPattern: seed)
        var hash: UInt64
        var at = 0
        if bytes.count >= 32 {
            var lanes = (seed &+ p1 &+ p2, seed &+ p2, seed, seed &- p1)
            while at + 32 <= bytes.count {
                lanes.0 = round(lanes.0, word(at))
                lanes.1 = round(lanes.1, word(at + 8))
                lanes.2 = round(lanes.2, word(at + 16))
                lanes.3 = round(lanes.3, word(at + 24))
                at += 32
            }
            hash = rotated(lanes.0, 1) &+ rotated(lanes.1, 7) &+ rotated(lanes.2, 12) &+ rotated(lanes.3, 18)
            for lane in [lanes.0, lanes.1, lanes.2, lanes.3] { hash = (hash ^ round(0, lane)) &* p1 &+ p4 }
        } else {
            hash = seed &+ p5
        }
        hash = hash &+ UInt64(bytes.count)
        while at + 8 <= bytes.count {
            hash = rotated(hash ^ round(0, word(at)), 27) &* p1 &+ p4
            at += 8
        }
        if at + 4 <= bytes.count {
            hash = rotated(hash ^ word(at, width: 4) &* p1, 23) &* p2 &+ p3
            at += 4
        }
        while at < bytes.count {
            hash = rotated(hash ^ UInt64(bytes[at]) &* p5, 11) &* p1
            at += 1
        }
        return finished(hash)
    }
}

/// Spark's hash of a row's values, one after the other, each with the hash so far as its seed; a null leaves it as it is.
extension Column {
    func murmur3(_ row: Int, _ seed: Int32) -> Int32 {
        if isNull(row) { return seed }
        let index = row &* stride
        switch values {
        case .none: return seed
        case .boolean(let b): return Murmur3.int(b.pointer[index] ? 1 : 0, seed)
        case .byte(let b): return Murmur3.int(Int32(b.pointer[index]), seed)
        case .short(let b): return Murmur3.int(Int32(b.pointer[index]), seed)
        case .integer(let b): return Murmur3.int(b.pointer[index], seed)
        case .long(let b): return Murmur3.long(b.pointer[index], seed)
        case .float(let b):
            return Murmur3.int(
                Int32(bitPattern: b.pointer[index] == 0 ? 0 : b.pointer[index].isNaN ? 0x7fc0_0000 : b.pointer[index].bitPattern), seed)
        case .double(let b):
            return Murmur3.long(
                Int64(bitPattern: b.pointer[index] == 0 ? 0 : b.pointer[index].isNaN ? 0x7ff8_0000_0000_0000 : b.pointer[index].bitPattern),
                seed)
        case .bytes(let b): return Murmur3.bytes(b.pointer[index].bytes, seed)
        case .decimal(let b):
            if case .decimal(let precision, _) = type, precision <= 18 {
                return Murmur3.long(Int64(truncatingIfNeeded: b.pointer[index]), seed)
            }
            return Self.bigEndian(b.pointer[index]).withUnsafeBufferPointer { Murmur3.bytes($0, seed) }
        case .interval(let b):
            let value = b.pointer[index]
            return Murmur3.int(value.months, Murmur3.int(value.days, Murmur3.long(value.micros, seed)))
        case .structure(let children): return children.reduce(seed) { $1?.murmur3(index, $0) ?? $0 }
        case .array(let offsets, let elements): return (offsets[index]..<offsets[index + 1]).reduce(seed) { elements.murmur3(Int($1), $0) }
        case .map(let offsets, let keys, let values):
            return (offsets[index]..<offsets[index + 1]).reduce(seed) { values.murmur3(Int($1), keys.murmur3(Int($1), $0)) }
        }
    }

    func xxHash64(_ row: Int, _ seed: Int64) -> Int64 {
        if isNull(row) { return seed }
        let index = row &* stride
        switch values {
        case .none: return seed
        case .boolean(let b): return XXHash64.int(b.pointer[index] ? 1 : 0, seed)
        case .byte(let b): return XXHash64.int(Int32(b.pointer[index]), seed)
        case .short(let b): return XXHash64.int(Int32(b.pointer[index]), seed)
        case .integer(let b): return XXHash64.int(b.pointer[index], seed)
        case .long(let b): return XXHash64.long(b.pointer[index], seed)
        case .float(let b):
            return XXHash64.int(
                Int32(bitPattern: b.pointer[index] == 0 ? 0 : b.pointer[index].isNaN ? 0x7fc0_0000 : b.pointer[index].bitPattern), seed)
        case .double(let b):
            return XXHash64.long(
                Int64(bitPattern: b.pointer[index] == 0 ? 0 : b.pointer[index].isNaN ? 0x7ff8_0000_0000_0000 : b.pointer[index].bitPattern),
                seed)
        case .bytes(let b): return XXHash64.bytes(b.pointer[index].bytes, seed)
        case .decimal(let b):
            if case .decimal(let precision, _) = type, precision <= 18 {
                return XXHash64.long(Int64(truncatingIfNeeded: b.pointer[index]), seed)
            }
            return Self.bigEndian(b.pointer[index]).withUnsafeBufferPointer { XXHash64.bytes($0, seed) }
        case .interval(let b):
            let value = b.pointer[index]
            return XXHash64.int(value.months, XXHash64.int(value.days, XXHash64.long(value.micros, seed)))
        case .structure(let children): return children.reduce(seed) { $1?.xxHash64(index, $0) ?? $0 }
        case .array(let offsets, let elements): return (offsets[index]..<offsets[index + 1]).reduce(seed) { elements.xxHash64(Int($1), $0) }
        case .map(let offsets, let keys, let values):
            return (offsets[index]..<offsets[index + 1]).reduce(seed) { values.xxHash64(Int($1), keys.xxHash64(Int($1), $0)) }
        }
    }

    /// The fewest bytes of two's complement, as Java's BigInteger gives them.
    private static func bigEndian(_ value: Int128) -> [UInt8] {
        var bytes = withUnsafeBytes(of: value.bigEndian) { Array($0) }
        while bytes.count > 1, bytes[0] == 0 && bytes[1] < 0x80 || bytes[0] == 0xFF && bytes[1] >= 0x80 { bytes.removeFirst() }
        return bytes
    }
}
