/// Values of one column without the nulls among them, in the types that Parquet stores; timestamps of twelve bytes as microseconds.
enum ParquetValues {
    case boolean(Buffer<Bool>)
    case int32(Buffer<Int32>)
    case int64(Buffer<Int64>)
    case float(Buffer<Float>)
    case double(Buffer<Double>)
    case bytes(Buffer<ByteView>)

    var count: Int {
        switch self {
        case .boolean(let buffer): buffer.count
        case .int32(let buffer): buffer.count
        case .int64(let buffer): buffer.count
        case .float(let buffer): buffer.count
        case .double(let buffer): buffer.count
        case .bytes(let buffer): buffer.count
        }
    }

    /// - Parameter bytes: Followed by readable bytes; texts stay where they are.
    static func plain(_ leaf: ParquetLeaf, _ bytes: UnsafeRawBufferPointer, count: Int) throws -> ParquetValues {
        func fixed<T: BitwiseCopyable>(_: T.Type, _ wrap: (Buffer<T>) -> ParquetValues) throws -> ParquetValues {
            let size = count * MemoryLayout<T>.size
            guard size <= bytes.count else { throw ParquetRuns.ended() }
            let buffer = Buffer<T>(count: count)
            if size > 0, let base = bytes.baseAddress { UnsafeMutableRawPointer(buffer.pointer).copyMemory(from: base, byteCount: size) }
            return wrap(buffer)
        }
        switch leaf.physical {
        case .boolean:
            guard (count + 7) / 8 <= bytes.count else { throw ParquetRuns.ended() }
            let buffer = Buffer<Bool>(count: count)
            for index in 0..<count { buffer.pointer[index] = bytes[index >> 3] >> UInt8(index & 7) & 1 != 0 }
            return .boolean(buffer)
        case .int32: return try fixed(Int32.self) { .int32($0) }
        case .int64: return try fixed(Int64.self) { .int64($0) }
        case .float: return try fixed(Float.self) { .float($0) }
        case .double: return try fixed(Double.self) { .double($0) }
        case .int96:
            guard count * 12 <= bytes.count else { throw ParquetRuns.ended() }
            let buffer = Buffer<Int64>(count: count)
            for index in 0..<count {
                let nanos = Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 12, as: Int64.self))
                let day = Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 12 + 8, as: Int32.self))
                buffer.pointer[index] = (Int64(day) - 2_440_588) &* 86_400_000_000 &+ nanos / 1_000
            }
            return .int64(buffer)
        case .byteArray:
            // Each takes four bytes at least: a greater claim gets no memory.
            guard count <= bytes.count / 4, let base = bytes.baseAddress else {
                if count == 0 { return .bytes(Buffer(count: 0)) }
                throw ParquetRuns.ended()
            }
            let views = Buffer<ByteView>(count: count)
            var place = 0
            for index in 0..<count {
                guard bytes.count - place >= 4 else { throw ParquetRuns.ended() }
                let length = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self)))
                place += 4
                guard length <= bytes.count - place else { throw ParquetRuns.ended() }
                views.pointer[index] = ByteView(start: (base + place).assumingMemoryBound(to: UInt8.self), length: length)
                place += length
            }
            return .bytes(views)
        case .fixed:
            guard count * leaf.length <= bytes.count else { throw ParquetRuns.ended() }
            let views = Buffer<ByteView>(count: count)
            if let base = bytes.baseAddress {
                for index in 0..<count {
                    views.pointer[index] = ByteView(
                        start: (base + index * leaf.length).assumingMemoryBound(to: UInt8.self), length: leaf.length)
                }
            }
            return .bytes(views)
        }
    }

    /// The first bytes of all values, then the second ones, and so on (BYTE_STREAM_SPLIT).
    static func split(_ leaf: ParquetLeaf, _ bytes: UnsafeRawBufferPointer, count: Int) throws -> (ParquetValues, Buffer<UInt8>) {
        let width: Int
        switch leaf.physical {
        case .int32, .float: width = 4
        case .int64, .double: width = 8
        case .fixed: width = leaf.length
        default: throw ParquetError.malformed("values of the type \(leaf.physical) in the encoding BYTE_STREAM_SPLIT")
        }
        guard count * width <= bytes.count else { throw ParquetRuns.ended() }
        let joined = Buffer<UInt8>(count: count * width)
        for part in 0..<width {
            for index in 0..<count { joined.pointer[index * width + part] = bytes[part * count + index] }
        }
        return (try plain(leaf, UnsafeRawBufferPointer(start: joined.pointer, count: joined.count), count: count), joined)
    }

    /// The dictionary's values at the indices.
    func taken(_ indices: Buffer<Int32>) throws -> ParquetValues {
        let limit = UInt32(count)
        for index in 0..<indices.count where UInt32(bitPattern: indices.pointer[index]) >= limit {
            throw ParquetError.malformed("an index of \(indices.pointer[index]) into a dictionary of \(limit) values")
        }
        func taken<T>(_ source: Buffer<T>) -> Buffer<T> {
            let target = Buffer<T>(count: indices.count)
            for index in 0..<indices.count { target.pointer[index] = source.pointer[Int(indices.pointer[index])] }
            return target
        }
        switch self {
        case .boolean(let buffer): return .boolean(taken(buffer))
        case .int32(let buffer): return .int32(taken(buffer))
        case .int64(let buffer): return .int64(taken(buffer))
        case .float(let buffer): return .float(taken(buffer))
        case .double(let buffer): return .double(taken(buffer))
        case .bytes(let buffer): return .bytes(taken(buffer))
        }
    }

    /// The values in these ranges of these, end to end.
    static func joined(_ parts: [(values: ParquetValues, range: Range<Int>)], _ leaf: ParquetLeaf) -> ParquetValues {
        if parts.count == 1, parts[0].range == 0..<parts[0].values.count { return parts[0].values }
        let total = parts.reduce(0) { $0 + $1.range.count }
        func join<T>(_ buffer: (ParquetValues) -> Buffer<T>?) -> Buffer<T> {
            let target = Buffer<T>(count: total)
            var filled = 0
            for part in parts {
                guard let source = buffer(part.values), !part.range.isEmpty else { continue }
                (target.pointer + filled).update(from: source.pointer + part.range.lowerBound, count: part.range.count)
                filled += part.range.count
            }
            return target
        }
        switch leaf.physical {
        case .boolean: return .boolean(join { if case .boolean(let buffer) = $0 { buffer } else { nil } })
        case .int32: return .int32(join { if case .int32(let buffer) = $0 { buffer } else { nil } })
        case .int64, .int96: return .int64(join { if case .int64(let buffer) = $0 { buffer } else { nil } })
        case .float: return .float(join { if case .float(let buffer) = $0 { buffer } else { nil } })
        case .double: return .double(join { if case .double(let buffer) = $0 { buffer } else { nil } })
        case .byteArray, .fixed: return .bytes(join { if case .bytes(let buffer) = $0 { buffer } else { nil } })
        }
    }

    /// As Spark's values.
    func converted(_ leaf: ParquetLeaf) throws -> Column.Values {
        func map<T, R>(_ source: Buffer<T>, _ body: (T) throws -> R) rethrows -> Buffer<R> {
            let target = Buffer<R>(count: source.count)
            for index in 0..<source.count { target.pointer[index] = try body(source.pointer[index]) }
            return target
        }
        switch (self, leaf.conversion) {
        case (_, _) where leaf.type == .null: return .none
        case (.boolean(let buffer), _): return .boolean(buffer)
        case (.float(let buffer), _): return .float(buffer)
        case (.double(let buffer), _): return .double(buffer)
        case (.int32(let buffer), .narrow):
            return leaf.type == .byte
                ? .byte(map(buffer) { Int8(truncatingIfNeeded: $0) }) : .short(map(buffer) { Int16(truncatingIfNeeded: $0) })
        case (.int32(let buffer), .unsigned): return .long(map(buffer) { Int64(UInt32(bitPattern: $0)) })
        case (.int32(let buffer), .decimal): return .decimal(map(buffer) { Int128($0) })
        case (.int32(let buffer), _): return .integer(buffer)
        case (.int64(let buffer), .unsigned): return .decimal(map(buffer) { Int128(UInt64(bitPattern: $0)) })
        case (.int64(let buffer), .decimal): return .decimal(map(buffer) { Int128($0) })
        case (.int64(let buffer), .scaled(let multiply, let divide)):
            if divide == 1 { return .long(map(buffer) { $0 &* multiply }) }
            // Towards the past, as a clock's units do.
            return .long(map(buffer) { $0 >= 0 ? $0 / divide : ($0 &+ 1) / divide - 1 })
        case (.int64(let buffer), _): return .long(buffer)
        case (.bytes(let buffer), .decimal):
            return .decimal(
                try map(buffer) { view in
                    // Big-endian, of any length that a decimal of 38 digits fits in.
                    guard (1...16).contains(view.length) else {
                        throw ParquetError.malformed("a decimal of \(view.length) bytes in the column '\(leaf.name)'")
                    }
                    var value: Int128 = view.bytes[0] >= 0x80 ? -1 : 0
                    for byte in view.bytes { value = value << 8 | Int128(byte) }
                    return value
                })
        case (.bytes(let buffer), _): return .bytes(buffer)
        }
    }
}
