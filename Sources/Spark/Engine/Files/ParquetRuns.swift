/// The hybrid of runs and bit-packed groups in which Parquet writes levels, dictionary indices and flags (Encodings.md, RLE).
///
/// What is read must be followed by readable bytes, as a ``Buffer``'s are: groups are unpacked by loads of eight bytes.
enum ParquetRuns {
    static func decode<T: FixedWidthInteger>(
        _ bytes: UnsafeRawBufferPointer, width: Int, count: Int, into target: UnsafeMutablePointer<T>
    ) throws {
        guard (0...32).contains(width) else { throw ParquetError.malformed("values of \(width) bits") }
        guard width > 0 else { return target.update(repeating: 0, count: count) }
        var place = 0
        var filled = 0
        while filled < count {
            let header = try varint(bytes, &place)
            guard header <= UInt64(Int32.max) else { throw ParquetError.malformed("a run of \(header >> 1) values") }
            let left = bytes.count - place
            if header & 1 == 0 {
                let size = (width + 7) / 8
                guard left >= size else { throw ended() }
                var value: UInt32 = 0
                for index in 0..<size { value |= UInt32(bytes[place + index]) << UInt32(8 * index) }
                place += size
                let run = min(Int(header >> 1), count - filled)
                (target + filled).update(repeating: T(truncatingIfNeeded: value), count: run)
                filled += run
            } else {
                let groups = Int(header >> 1)
                let run = min(groups * 8, count - filled)
                guard left >= (run * width + 7) / 8 else { throw ended() }
                unpack(bytes, at: place, width: width, count: run, into: target + filled)
                filled += run
                place += min(left, groups * width)
            }
        }
    }

    @inline(__always) private static func unpack<T: FixedWidthInteger>(
        _ bytes: UnsafeRawBufferPointer, at place: Int, width: Int, count: Int, into target: UnsafeMutablePointer<T>
    ) {
        guard let base = bytes.baseAddress else { return }
        let mask: UInt64 = 1 << UInt64(width) - 1
        var bit = 0
        for index in 0..<count {
            let word = UInt64(littleEndian: (base + place + bit >> 3).loadUnaligned(as: UInt64.self))
            target[index] = T(truncatingIfNeeded: word >> UInt64(bit & 7) & mask)
            bit += width
        }
    }

    static func varint(_ bytes: UnsafeRawBufferPointer, _ place: inout Int) throws -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while place < bytes.count, shift < 64 {
            let next = bytes[place]
            place += 1
            value |= UInt64(next & 0x7F) << shift
            if next < 0x80 { return value }
            shift += 7
        }
        throw ended()
    }

    static func ended() -> ParquetError { .malformed("a page ends in the middle of its values") }

    // MARK: Writing

    /// Runs of eight equal values and more as runs, all else in groups of eight.
    static func encode(_ values: UnsafeBufferPointer<UInt8>, width: Int, into out: inout [UInt8]) {
        func varint(_ value: Int) {
            var rest = UInt64(value)
            while rest >= 0x80 {
                out.append(UInt8(truncatingIfNeeded: rest) | 0x80)
                rest >>= 7
            }
            out.append(UInt8(rest))
        }
        func run(from start: Int, atMost: Int) -> Int {
            var end = start
            while end < values.count, end - start < atMost, values[end] == values[start] { end += 1 }
            return end - start
        }
        var place = 0
        while place < values.count {
            let length = run(from: place, atMost: .max)
            if length >= 8 || place + length == values.count {
                varint(length << 1)
                out.append(values[place])
                place += length
                continue
            }
            let start = place
            repeat { place += 8 } while place < values.count && run(from: place, atMost: 8) < 8 && (place - start) / 8 < 1 << 16
            let groups = (place - start) / 8
            varint(groups << 1 | 1)
            var word: UInt64 = 0
            var bits = 0
            for index in start..<place {
                word |= UInt64(index < values.count ? values[index] : 0) << UInt64(bits)
                bits += width
                while bits >= 8 {
                    out.append(UInt8(truncatingIfNeeded: word))
                    word >>= 8
                    bits -= 8
                }
            }
            place = min(place, values.count)
        }
    }
}
