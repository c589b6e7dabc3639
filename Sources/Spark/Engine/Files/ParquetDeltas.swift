/// The delta encodings of Encodings.md: numbers as differences packed in blocks, and texts by their lengths so packed.
struct ParquetDeltas {
    let bytes: UnsafeRawBufferPointer
    private(set) var place = 0
    private static let blockMax: UInt64 = 1 << 16

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    private mutating func zigzag() throws -> Int64 {
        let value = try ParquetRuns.varint(bytes, &place)
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// The next `count` numbers, which are all that the block holds.
    mutating func numbers(_ count: Int) throws -> Buffer<Int64> {
        let block = try ParquetRuns.varint(bytes, &place)
        let parts = try ParquetRuns.varint(bytes, &place)
        let total = try ParquetRuns.varint(bytes, &place)
        guard block > 0, block <= Self.blockMax, parts > 0, parts <= block, block % parts == 0, (block / parts) % 8 == 0 else {
            throw ParquetError.malformed("deltas in blocks of \(block) values and \(parts) parts")
        }
        guard total == UInt64(count) else { throw ParquetError.malformed("\(total) deltas where \(count) values are wanted") }
        let result = Buffer<Int64>(count: count)
        var value = try zigzag()
        guard count > 0 else { return result }
        result[0] = value
        var filled = 1
        let size = Int(block / parts)
        while filled < count {
            let least = try zigzag()
            let widths = place
            guard bytes.count - place >= Int(parts) else { throw ParquetRuns.ended() }
            place += Int(parts)
            for part in 0..<Int(parts) where filled < count {
                let width = Int(bytes[widths + part])
                let wanted = min(size, count - filled)
                guard width <= 64 else { throw ParquetError.malformed("deltas of \(width) bits") }
                guard bytes.count - place >= (wanted * width + 7) / 8 else { throw ParquetRuns.ended() }
                for index in 0..<wanted {
                    value = value &+ least &+ packed(at: index * width, width)
                    result.pointer[filled + index] = value
                }
                filled += wanted
                place = min(bytes.count, place + size * width / 8)
            }
        }
        return result
    }

    @inline(__always) private func packed(at bit: Int, _ width: Int) -> Int64 {
        guard width > 0, let base = bytes.baseAddress else { return 0 }
        let start = base + place + bit >> 3
        let shift = UInt64(bit & 7)
        var word = UInt64(littleEndian: start.loadUnaligned(as: UInt64.self)) >> shift
        if Int(shift) + width > 64 { word |= UInt64(start.load(fromByteOffset: 8, as: UInt8.self)) << (64 - shift) }
        return Int64(bitPattern: width == 64 ? word : word & (1 << UInt64(width) - 1))
    }

    /// Texts whose lengths stand before them.
    mutating func texts(_ count: Int) throws -> Buffer<ByteView> {
        let lengths = try numbers(count)
        let views = Buffer<ByteView>(count: count)
        for index in 0..<count {
            let length = lengths.pointer[index]
            guard length >= 0, length <= bytes.count - place, let base = bytes.baseAddress else { throw ParquetRuns.ended() }
            views.pointer[index] = ByteView(start: (base + place).assumingMemoryBound(to: UInt8.self), length: Int(length))
            place += Int(length)
        }
        return views
    }

    /// Texts that begin as the one before them.
    mutating func prefixedTexts(_ count: Int, bytesMax: Int) throws -> (Buffer<ByteView>, ByteArena) {
        let prefixes = try numbers(count)
        let suffixes = try texts(count)
        let views = Buffer<ByteView>(count: count)
        let arena = ByteArena()
        var last = ByteView.empty
        var total = 0
        for index in 0..<count {
            let prefix = prefixes.pointer[index], suffix = suffixes.pointer[index]
            guard prefix >= 0, prefix <= last.length else {
                throw ParquetError.malformed("a text begins with more than the one before it has")
            }
            let length = Int(prefix) + suffix.length
            total += length
            guard total <= bytesMax else { throw ParquetError.malformed("the texts of one page have more than \(bytesMax) bytes") }
            let target = arena.reserve(length)
            if prefix > 0, let start = last.start { target.update(from: start, count: Int(prefix)) }
            if suffix.length > 0, let start = suffix.start { (target + Int(prefix)).update(from: start, count: suffix.length) }
            last = arena.keep(length)
            views.pointer[index] = last
        }
        return (views, arena)
    }
}
