/// Bytes that grow at their end: where keys and rows are encoded. Reused, so that encoding allocates nothing in the steady state.
///
/// `@unchecked Sendable`: an arena belongs to one thread, or to what a lock protects.
final class ByteArena: @unchecked Sendable {
    private(set) var base: UnsafeMutableRawPointer
    private(set) var capacity: Int
    private(set) var count = 0

    init(capacity: Int = 256) {
        self.capacity = max(capacity, 64)
        base = .allocate(byteCount: self.capacity, alignment: 16)
    }

    deinit { base.deallocate() }

    /// Good until the arena grows or goes: who holds the arena in a local variable has to keep it alive (`withExtendedLifetime`).
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }
    var array: [UInt8] { Array(bytes) }

    func bytes(from start: Int) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base + start, count: count - start) }

    @inline(__always) func truncate(to count: Int) { self.count = count }

    /// Gives memory back that one large request took.
    func shrink(to limit: Int) {
        guard capacity > limit, count == 0 else { return }
        base.deallocate()
        capacity = limit
        base = .allocate(byteCount: limit, alignment: 16)
    }

    @inline(__always) func reserve(_ extra: Int) {
        if count + extra > capacity { grow(extra) }
    }

    @inline(never) private func grow(_ extra: Int) {
        capacity = max(capacity * 2, count + extra)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
        larger.copyMemory(from: base, byteCount: count)
        base.deallocate()
        base = larger
    }

    @inline(__always) func append(_ byte: UInt8) {
        reserve(1)
        base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count += 1
    }

    @inline(__always) func append(_ source: UnsafeRawBufferPointer) {
        guard let start = source.baseAddress, source.count > 0 else { return }
        reserve(source.count)
        (base + count).copyMemory(from: start, byteCount: source.count)
        count += source.count
    }

    func append(copying other: ByteArena) { append(other.bytes) }

    func append(_ source: [UInt8]) { source.withUnsafeBytes { append($0) } }

    /// In the machine's order, which every platform of Leat has little-endian; the C side reads it the same way.
    @inline(__always) func append<T: FixedWidthInteger>(little value: T) {
        reserve(MemoryLayout<T>.size)
        base.storeBytes(of: value.littleEndian, toByteOffset: count, as: T.self)
        count += MemoryLayout<T>.size
    }

    @inline(__always) func append<T: FixedWidthInteger>(big value: T) {
        reserve(MemoryLayout<T>.size)
        base.storeBytes(of: value.bigEndian, toByteOffset: count, as: T.self)
        count += MemoryLayout<T>.size
    }

    @inline(__always) func append(varint value: Int) {
        var value = UInt32(truncatingIfNeeded: value)
        while value >= 0x80 {
            append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        append(UInt8(truncatingIfNeeded: value))
    }

    /// Leaves room for a number that is written later by ``patch(varint:at:)``: four bytes, whatever it is.
    @inline(__always) func reserveVarint() -> Int {
        reserve(4)
        count += 4
        return count - 4
    }

    /// A varint in four bytes: the leading ones carry their continuation bit even where the number is small, which readers take.
    @inline(__always) func patch(varint value: Int, at index: Int) {
        precondition(value >= 0 && value < 1 << 28)
        let value = UInt32(truncatingIfNeeded: value)
        let word =
            (value & 0x7F | 0x80) | (value >> 7 & 0x7F | 0x80) << 8 | (value >> 14 & 0x7F | 0x80) << 16 | (value >> 21 & 0x7F) << 24
        base.storeBytes(of: word.littleEndian, toByteOffset: index, as: UInt32.self)
    }

    @inline(__always) func patch<T: FixedWidthInteger>(big value: T, at index: Int) {
        base.storeBytes(of: value.bigEndian, toByteOffset: index, as: T.self)
    }

    @inline(__always) func patch(_ byte: UInt8, at index: Int) { base.storeBytes(of: byte, toByteOffset: index, as: UInt8.self) }

    /// Turns every byte from `start` on into its complement: the descending order of what was encoded ascending.
    @inline(__always) func complement(from start: Int) {
        let bytes = UnsafeMutableRawBufferPointer(start: base + start, count: count - start)
        for index in bytes.indices { bytes[index] = ~bytes[index] }
    }
}

extension [UInt8] {
    /// `withUnsafeBytes` that keeps the error's type.
    @inline(__always)
    func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        let result: Result<R, E> = withUnsafeBytes { bytes in
            do throws(E) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}
