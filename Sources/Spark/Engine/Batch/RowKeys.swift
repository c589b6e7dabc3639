#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The keys of a batch's rows, encoded end to end (``RowKeyEncoding``): equal rows have equal bytes, and the order of the bytes is theirs.
struct RowKeys {
    let bytes: [UInt8]
    /// Row n's key is `offsets[n]..<offsets[n + 1]`.
    let offsets: [Int]

    var count: Int { offsets.count - 1 }

    init(_ columns: [Column], count: Int) {
        (bytes, offsets) = RowKeyEncoding(columns).keys(.all(count))
    }

    init(_ parts: [RowKeyEncoding.Part], count: Int) {
        (bytes, offsets) = RowKeyEncoding(parts).keys(.all(count))
    }

    /// Of the selected rows, in their order.
    init(_ columns: [Column], _ selection: Selection) {
        (bytes, offsets) = RowKeyEncoding(columns).keys(selection)
    }

    func withBytes<R>(_ row: Int, _ body: (UnsafeBufferPointer<UInt8>) throws -> R) rethrows -> R {
        try bytes.withUnsafeBufferPointer { try body(UnsafeBufferPointer(rebasing: $0[offsets[row]..<offsets[row + 1]])) }
    }

    func key(_ row: Int) -> ArraySlice<UInt8> { bytes[offsets[row]..<offsets[row + 1]] }

    /// Rows in the order of their keys; equal ones stay as they are.
    func sorted() -> [Int32] {
        var rows = (0..<Int32(count)).map { $0 }
        bytes.withUnsafeBufferPointer { bytes in
            offsets.withUnsafeBufferPointer { offsets in
                guard let base = bytes.baseAddress else { return }
                func precedes(_ a: Int32, _ b: Int32) -> Bool {
                    let (i, j) = (Int(a), Int(b))
                    let (x, y) = (offsets[i + 1] - offsets[i], offsets[j + 1] - offsets[j])
                    let order = memcmp(base + offsets[i], base + offsets[j], min(x, y))
                    return order != 0 ? order < 0 : x != y ? x < y : a < b
                }
                rows.sort(by: precedes)
            }
        }
        return rows
    }

    func areEqual(_ a: Int, _ b: Int) -> Bool {
        let (x, y) = (offsets[a + 1] - offsets[a], offsets[b + 1] - offsets[b])
        guard x == y else { return false }
        return bytes.withUnsafeBufferPointer { bytes in
            bytes.baseAddress.map { memcmp($0 + offsets[a], $0 + offsets[b], x) == 0 } ?? true
        }
    }

    @inline(__always) static func hash(_ key: UnsafeBufferPointer<UInt8>) -> UInt64 {
        var hash: UInt64 = 0x9E37_79B9_7F4A_7C15 ^ UInt64(key.count)
        guard let base = key.baseAddress else { return hash }
        let raw = UnsafeRawPointer(base)
        var index = 0
        while index + 8 <= key.count {
            hash = mix(hash ^ raw.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            index += 8
        }
        var tail: UInt64 = 0
        while index < key.count {
            tail = tail << 8 | UInt64(key[index])
            index += 1
        }
        return mix(hash ^ tail)
    }

    @inline(__always) private static func mix(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
        return product.high ^ product.low
    }
}

/// Numbers distinct keys in the order of their first appearance: an open-addressing table over key bytes that it copies.
struct RowKeyTable {
    /// Group number plus one; zero is free.
    private var slots: [Int32]
    private var hashes: [UInt64] = []
    private var bytes: [UInt8] = []
    private var offsets: [Int] = [0]

    /// - Parameter slots: a power of two.
    init(slots: Int = 1_024) { self.slots = Array(repeating: 0, count: slots) }

    func withKey<R>(_ number: Int, _ body: (UnsafeBufferPointer<UInt8>) throws -> R) rethrows -> R {
        try bytes.withUnsafeBufferPointer { try body(UnsafeBufferPointer(rebasing: $0[offsets[number]..<offsets[number + 1]])) }
    }

    var count: Int { hashes.count }
    var byteCount: Int { bytes.count + slots.count * 4 + hashes.count * 16 }

    /// The number of each row's key, which is added where it is new.
    mutating func insert(_ keys: RowKeys) -> [Int32] {
        var result = [Int32](repeating: 0, count: keys.count)
        for row in 0..<keys.count {
            result[row] = keys.withBytes(row) { insert($0) }
        }
        return result
    }

    mutating func insert(_ key: UnsafeBufferPointer<UInt8>) -> Int32 {
        let hash = RowKeys.hash(key)
        let slot = self.slot(key, hash)
        if slots[slot] != 0 { return slots[slot] - 1 }
        let number = Int32(hashes.count)
        slots[slot] = number + 1
        hashes.append(hash)
        bytes.append(contentsOf: key)
        offsets.append(bytes.count)
        if hashes.count * 2 > slots.count { grow() }
        return number
    }

    /// The number of each row's key, or -1.
    func find(_ keys: RowKeys) -> [Int32] {
        var result = [Int32](repeating: -1, count: keys.count)
        for row in 0..<keys.count {
            result[row] = keys.withBytes(row) { key in slots[slot(key, RowKeys.hash(key))] - 1 }
        }
        return result
    }

    func find(_ key: UnsafeBufferPointer<UInt8>) -> Int32 { slots[slot(key, RowKeys.hash(key))] - 1 }

    private func slot(_ key: UnsafeBufferPointer<UInt8>, _ hash: UInt64) -> Int {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 {
            let number = Int(slots[slot] - 1)
            if hashes[number] == hash, offsets[number + 1] - offsets[number] == key.count,
                bytes.withUnsafeBufferPointer({ stored in
                    guard let a = stored.baseAddress, let b = key.baseAddress else { return true }
                    return memcmp(a + offsets[number], b, key.count) == 0
                })
            {
                return slot
            }
            slot = (slot + 1) & mask
        }
        return slot
    }

    private mutating func grow() {
        var bigger = [Int32](repeating: 0, count: slots.count * 2)
        let mask = bigger.count - 1
        for (number, hash) in hashes.enumerated() {
            var slot = Int(truncatingIfNeeded: hash) & mask
            while bigger[slot] != 0 { slot = (slot + 1) & mask }
            bigger[slot] = Int32(number + 1)
        }
        slots = bigger
    }
}
