#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A block of plain values, followed by 64 readable bytes, as the JSON scan wants of everything that it reads.
///
/// Written by the one kernel that made it, and only read once it is part of a column: hence `@unchecked Sendable`.
final class Buffer<Element: BitwiseCopyable>: @unchecked Sendable {
    let pointer: UnsafeMutablePointer<Element>
    let count: Int

    static var padding: Int { 64 }

    init(count: Int, zeroed: Bool = false) {
        let bytes = Self.byteCount(count)
        let memory = bytes >= BlockPool.blockMin ? BlockPool.take(bytes, zeroed: zeroed) : zeroed ? calloc(1, bytes) : malloc(bytes)
        guard let memory else { preconditionFailure("out of memory for \(bytes) bytes") }
        pointer = memory.bindMemory(to: Element.self, capacity: max(1, count))
        self.count = count
    }

    convenience init(_ elements: [Element]) {
        self.init(count: elements.count)
        elements.withUnsafeBufferPointer { source in
            if let base = source.baseAddress { pointer.update(from: base, count: source.count) }
        }
    }

    deinit {
        let bytes = Self.byteCount(count)
        if bytes >= BlockPool.blockMin { BlockPool.give(pointer, bytes) } else { free(pointer) }
    }

    private static func byteCount(_ count: Int) -> Int { max(1, count) * MemoryLayout<Element>.stride + padding }

    subscript(index: Int) -> Element {
        get { pointer[index] }
        set { pointer[index] = newValue }
    }
}

/// Bytes of a string or binary value, wherever they lie; 64 bytes beyond their end are readable. Laid out as C's `leat_view`.
struct ByteView: BitwiseCopyable, @unchecked Sendable {
    // Unchecked: the column that holds the view also holds what owns the bytes, which nobody writes any more.
    var start: UnsafePointer<UInt8>?
    var length: Int

    static let empty = ByteView(start: nil, length: 0)

    var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: start, count: length) }
    var string: String { String(decoding: bytes, as: UTF8.self) }

    /// Order of the bytes as unsigned numbers, Spark's binary collation.
    static func compare(_ first: ByteView, _ second: ByteView) -> Int32 {
        let common = min(first.length, second.length)
        if common > 0, let a = first.start, let b = second.start {
            let order = memcmp(a, b, common)
            if order != 0 { return order }
        }
        return first.length == second.length ? 0 : first.length < second.length ? -1 : 1
    }

    static func areEqual(_ first: ByteView, _ second: ByteView) -> Bool {
        guard first.length == second.length else { return false }
        guard let a = first.start, let b = second.start else { return true }
        return memcmp(a, b, first.length) == 0
    }
}

/// One bit a row; set where the value is not null.
final class Bitmap: @unchecked Sendable {
    // Unchecked for the same reason as Buffer.
    let words: Buffer<UInt64>
    let count: Int

    init(count: Int) {
        self.count = count
        words = Buffer(count: (count + 63) / 64, zeroed: true)
    }

    @inline(__always) subscript(index: Int) -> Bool {
        get { words.pointer[index >> 6] >> UInt64(index & 63) & 1 != 0 }
        set {
            let bit: UInt64 = 1 << UInt64(index & 63)
            if newValue { words.pointer[index >> 6] |= bit } else { words.pointer[index >> 6] &= ~bit }
        }
    }

    func setAll() {
        for index in 0..<words.count { words.pointer[index] = .max }
    }
}

/// Memory that views point into, filled from the front; a new block when one is full, so that views stay valid.
final class ByteArena: @unchecked Sendable {
    // Unchecked for the same reason as Buffer.
    private var blocks: [Buffer<UInt8>] = []
    private var used = 0
    private var next = 4_096

    func reserve(_ count: Int) -> UnsafeMutablePointer<UInt8> {
        if let block = blocks.last, used + count <= block.count { return block.pointer + used }
        let block = Buffer<UInt8>(count: max(count, next))
        next = min(next * 2, 1 << 20)
        blocks.append(block)
        used = 0
        return block.pointer
    }

    /// Keeps `count` bytes of what was last reserved.
    func keep(_ count: Int) -> ByteView {
        guard let block = blocks.last else { return .empty }
        defer { used += count }
        return ByteView(start: UnsafePointer(block.pointer + used), length: count)
    }

    func copy(_ bytes: UnsafeBufferPointer<UInt8>) -> ByteView {
        let target = reserve(bytes.count)
        if let base = bytes.baseAddress { target.update(from: base, count: bytes.count) }
        return keep(bytes.count)
    }

    func copy(_ text: String) -> ByteView {
        var text = text
        return text.withUTF8 { copy($0) }
    }
}
