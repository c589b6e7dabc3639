extension UTF8Text {
    static func append(_ scalar: Unicode.Scalar, to out: inout [UInt8]) {
        if scalar.value < 0x80 { return out.append(UInt8(scalar.value)) }
        out.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }

    /// The code point that begins at a byte, and its length; one byte as U+FFFD where the bytes are no UTF-8.
    @inline(__always) static func scalar(_ bytes: UnsafeBufferPointer<UInt8>, at index: Int) -> (Unicode.Scalar, Int)? {
        guard index < bytes.count else { return nil }
        let first = bytes[index]
        if first < 0x80 { return (Unicode.Scalar(first), 1) }
        let width = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        guard first >= 0xC2, index + width <= bytes.count else { return ("\u{FFFD}", 1) }
        var value = UInt32(first) & (width == 2 ? 0x1F : width == 3 ? 0x0F : 0x07)
        for offset in 1..<width {
            let next = bytes[index + offset]
            guard next & 0xC0 == 0x80 else { return ("\u{FFFD}", 1) }
            value = value << 6 | UInt32(next & 0x3F)
        }
        return (Unicode.Scalar(value) ?? "\u{FFFD}", width)
    }

    /// The number of code points before a byte.
    static func position(_ view: ByteView, byte: Int) -> Int { count(ByteView(start: view.start, length: byte)) }

    /// The byte at which the n-th code point (from 0) begins; nil beyond the end.
    static func byte(_ view: ByteView, point: Int) -> Int? {
        var point = point
        for (index, byte) in view.bytes.enumerated() where byte & 0xC0 != 0x80 {
            if point == 0 { return index }
            point -= 1
        }
        return point == 0 ? view.length : nil
    }
}
