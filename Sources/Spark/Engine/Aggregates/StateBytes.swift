/// Writes accumulators' states: whole numbers in as few bytes as they need, others as they lie in memory, little-endian.
struct StateWriter {
    private(set) var bytes: [UInt8] = []

    var count: Int { bytes.count }

    mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    mutating func write(_ value: UInt8) { bytes.append(value) }

    /// Zigzag, seven bits a byte, lowest first.
    mutating func write(number value: Int64) {
        var rest = UInt64(bitPattern: value << 1 ^ value >> 63)
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func write<T: BitwiseCopyable>(plain value: T) {
        withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
    }

    mutating func write(_ content: some Collection<UInt8>) {
        write(number: Int64(content.count))
        bytes.append(contentsOf: content)
    }
}

/// Reads what ``StateWriter`` wrote; bytes that end too soon are an error, not a crash.
struct StateReader {
    private var rest: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

    var isAtEnd: Bool { rest.isEmpty }

    static var corrupt: SparkError {
        SparkError("STATE_STORE_VALUE_CORRUPT", sqlState: "XXKST", "The state of a streaming query holds a value that cannot be read.")
    }

    mutating func byte() throws -> UInt8 {
        guard let first = rest.first else { throw Self.corrupt }
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst())
        return first
    }

    mutating func number() throws -> Int64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = try byte()
            guard shift < 64 else { throw Self.corrupt }
            value |= UInt64(next & 0x7F) << shift
            shift += 7
            if next & 0x80 == 0 { break }
        }
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    mutating func plain<T: BitwiseCopyable>(_: T.Type) throws -> T {
        guard rest.count >= MemoryLayout<T>.size else { throw Self.corrupt }
        let value = rest.loadUnaligned(as: T.self)
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(MemoryLayout<T>.size))
        return value
    }

    mutating func content() throws -> UnsafeRawBufferPointer {
        let count = try number()
        guard count >= 0, count <= rest.count else { throw Self.corrupt }
        let part = UnsafeRawBufferPointer(rebasing: rest.prefix(Int(count)))
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(Int(count)))
        return part
    }
}
