/// Values as bytes whose memcmp order is the type's order in Cassandra, and from which the value can be had back.
///
/// Clustering columns, the elements of sets and the keys of maps are stored so; filters compare by it. No encoding is a prefix of
/// another of the same type.
///
/// | type | bytes |
/// |---|---|
/// | tinyint … bigint, timestamp, time, counter | big-endian with the sign bit turned |
/// | date | big-endian as it is (days from -2^31) |
/// | float, double | big-endian, all bits turned when negative, else the sign bit |
/// | boolean | one byte |
/// | uuid | version first (Cassandra's UUIDType), version 1 by its time, then the bytes |
/// | timeuuid | its time, then the low word by signed bytes (TimeUUIDType) |
/// | text, ascii, blob, inet | the bytes with 00 as 00 FF, closed by 00 00 |
/// | varint | sign and length, then the bytes |
/// | decimal | sign, exponent, digits; equal numbers are one (1.0 is 1), as they compare equal in Cassandra |
/// | list, set, map, tuple | 01 before each element, 00 at the end; a null field of a tuple is 02-less: 01 00, a field 01 01 |
struct OrderedEncoding: Sendable {
    enum Kind: Sendable, Equatable {
        case fixed1, fixed2, fixed4, fixed8
        case unsigned4
        case float4, float8
        case boolean
        case uuid, timeuuid
        case bytes(BytesCheck)
        case varint, decimal
        case structured
    }

    enum BytesCheck: Sendable, Equatable { case none, utf8, ascii, inet }

    let kind: Kind
    let type: CQLType

    /// - Throws: ``CQLError`` for types that have no order (duration).
    init(_ type: CQLType) throws(CQLError) {
        self.type = type.unfrozen
        switch self.type {
        case .tinyint: kind = .fixed1
        case .smallint: kind = .fixed2
        case .int: kind = .fixed4
        case .bigint, .timestamp, .time, .counter: kind = .fixed8
        case .date: kind = .unsigned4
        case .float: kind = .float4
        case .double: kind = .float8
        case .boolean: kind = .boolean
        case .uuid: kind = .uuid
        case .timeuuid: kind = .timeuuid
        case .text: kind = .bytes(.utf8)
        case .ascii: kind = .bytes(.ascii)
        case .blob, .custom: kind = .bytes(.none)
        case .inet: kind = .bytes(.inet)
        case .varint: kind = .varint
        case .decimal: kind = .decimal
        case .list(let element), .set(let element):
            _ = try OrderedEncoding(element)
            kind = .structured
        case .map(let key, let value):
            _ = try OrderedEncoding(key)
            _ = try OrderedEncoding(value)
            kind = .structured
        case .tuple(let types):
            for type in types { _ = try OrderedEncoding(type) }
            kind = .structured
        case .duration: throw .invalid("duration type is not supported here: durations have no order")
        case .userDefined, .frozen: throw .invalid("the type \(type) is not served by this store")
        }
    }

    // MARK: Encoding

    /// Appends the ordered form of a value's bytes.
    ///
    /// - Throws: ``CQLError`` where the bytes are none of the type.
    func encode(_ value: UnsafeRawBufferPointer, to arena: ByteArena) throws(CQLError) {
        switch kind {
        case .fixed1:
            try expect(value, 1)
            arena.append(value[0] ^ 0x80)
        case .fixed2:
            try expect(value, 2)
            arena.append(big: UInt16(bigEndian: value.loadUnaligned(as: UInt16.self)) ^ 0x8000)
        case .fixed4:
            try expect(value, 4)
            arena.append(big: UInt32(bigEndian: value.loadUnaligned(as: UInt32.self)) ^ 0x8000_0000)
        case .fixed8:
            try expect(value, 8)
            arena.append(big: UInt64(bigEndian: value.loadUnaligned(as: UInt64.self)) ^ 1 << 63)
        case .unsigned4:
            try expect(value, 4)
            arena.append(value)
        case .float4:
            try expect(value, 4)
            let bits = UInt32(bigEndian: value.loadUnaligned(as: UInt32.self))
            arena.append(big: bits >> 31 == 1 ? ~bits : bits | 0x8000_0000)
        case .float8:
            try expect(value, 8)
            let bits = UInt64(bigEndian: value.loadUnaligned(as: UInt64.self))
            arena.append(big: bits >> 63 == 1 ? ~bits : bits | 1 << 63)
        case .boolean:
            try expect(value, 1)
            arena.append(value[0] == 0 ? 0 : 1)
        case .uuid:
            try expect(value, 16)
            let high = UInt64(bigEndian: value.loadUnaligned(as: UInt64.self))
            arena.append(big: Self.versionFirst(high))
            arena.append(UnsafeRawBufferPointer(rebasing: value[8..<16]))
        case .timeuuid:
            try expect(value, 16)
            let high = UInt64(bigEndian: value.loadUnaligned(as: UInt64.self))
            guard high >> 12 & 0xF == 1 else { throw .invalid("Invalid version for TimeUUID type.") }
            arena.append(big: Self.versionFirst(high))
            arena.append(big: UInt64(bigEndian: value.loadUnaligned(fromByteOffset: 8, as: UInt64.self)) ^ 0x8080_8080_8080_8080)
        case .bytes(let check):
            try ValueCheck.check(value, check)
            encodeEscaped(value, to: arena)
        case .varint:
            try encodeVarint(value, to: arena)
        case .decimal:
            try encodeDecimal(value, to: arena)
        case .structured:
            try encodeStructured(value, to: arena)
        }
    }

    func encode(_ value: [UInt8], to arena: ByteArena) throws(CQLError) {
        try value.withBytes { (bytes) throws(CQLError) in try encode(bytes, to: arena) }
    }

    @inline(__always) private func expect(_ value: UnsafeRawBufferPointer, _ length: Int) throws(CQLError) {
        guard value.count == length else { throw ValueCheck.wrongLength(type, expected: length, actual: value.count) }
    }

    private func encodeEscaped(_ value: UnsafeRawBufferPointer, to arena: ByteArena) {
        arena.reserve(value.count + 2)
        for byte in value {
            arena.append(byte)
            if byte == 0 { arena.append(0xFF) }
        }
        arena.append(little: UInt16(0))
    }

    /// The version's four bits, then the 60 others: for version 1 the time (high, middle, low), for others as they stand.
    private static func versionFirst(_ high: UInt64) -> UInt64 {
        let version = high >> 12 & 0xF
        if version == 1 {
            return version << 60 | (high & 0x0FFF) << 48 | (high >> 16 & 0xFFFF) << 32 | high >> 32
        }
        return version << 60 | (high >> 16) << 12 | high & 0x0FFF
    }

    private static func versionLast(_ ordered: UInt64) -> UInt64 {
        let version = ordered >> 60
        if version == 1 {
            return (ordered & 0xFFFF_FFFF) << 32 | (ordered >> 32 & 0xFFFF) << 16 | version << 12 | ordered >> 48 & 0x0FFF
        }
        return (ordered >> 12 & 0xFFFF_FFFF_FFFF) << 16 | version << 12 | ordered & 0x0FFF
    }

    private func encodeVarint(_ value: UnsafeRawBufferPointer, to arena: ByteArena) throws(CQLError) {
        guard value.count > 0 else { throw ValueCheck.wrongLength(type, expected: 1, actual: 0) }
        guard value.count <= ValueCheck.digitBytesMax else { throw ValueCheck.tooLong(type, value.count) }
        let number = CQLVarint(bytes: value)
        arena.append(number.isNegative ? 0x7F : 0x80)
        let length = UInt32(number.bytes.count)
        arena.append(big: number.isNegative ? ~length : length)
        arena.append(number.bytes)
    }

    private func encodeDecimal(_ value: UnsafeRawBufferPointer, to arena: ByteArena) throws(CQLError) {
        guard value.count > 4 else { throw ValueCheck.wrongLength(type, expected: 5, actual: value.count) }
        guard value.count - 4 <= ValueCheck.digitBytesMax else { throw ValueCheck.tooLong(type, value.count) }
        let scale = Int64(Int32(bigEndian: value.loadUnaligned(as: Int32.self)))
        let unscaled = CQLVarint(bytes: value[4...])
        var digits = Array(unscaled.description.utf8)
        if unscaled.isNegative { digits.removeFirst() }
        let exponent = Int64(digits.count) - scale
        while digits.last == 0x30 { digits.removeLast() }
        let start = arena.count + 1
        guard !digits.isEmpty else {
            arena.append(0x80)
            return
        }
        arena.append(unscaled.isNegative ? 0x7F : 0x81)
        arena.append(big: UInt64(bitPattern: exponent) ^ 1 << 63)
        arena.append(digits)
        arena.append(0)
        if unscaled.isNegative { arena.complement(from: start) }
    }

    private func encodeStructured(_ value: UnsafeRawBufferPointer, to arena: ByteArena) throws(CQLError) {
        var reader = ValueReader(value)
        switch type {
        case .list(let element), .set(let element):
            let element = try OrderedEncoding(element)
            for _ in 0..<(try reader.count(type)) {
                arena.append(1)
                try element.encode(try reader.element(type), to: arena)
            }
        case .map(let key, let value):
            let key = try OrderedEncoding(key), value = try OrderedEncoding(value)
            for _ in 0..<(try reader.count(type)) {
                arena.append(1)
                try key.encode(try reader.element(type), to: arena)
                try value.encode(try reader.element(type), to: arena)
            }
        case .tuple(let types):
            for type in types {
                guard !reader.isAtEnd, let field = try reader.optionalElement(self.type) else {
                    arena.append(0)
                    continue
                }
                arena.append(1)
                try OrderedEncoding(type).encode(field, to: arena)
            }
            return
        default: break
        }
        arena.append(0)
    }

    // MARK: Decoding

    /// Reads one encoded value from `input` at `position`, whose bytes are complemented when `isDescending`, appends its wire bytes to
    /// `arena`, and moves `position` behind it. False where the bytes are cut short.
    func decode(_ input: UnsafeRawBufferPointer, at position: inout Int, isDescending: Bool, to arena: ByteArena) -> Bool {
        if isDescending {
            // Rare, so one complemented copy of the rest is cheap enough.
            let turned = input[position...].map { ~$0 }
            var inner = 0
            let isWhole = turned.withUnsafeBytes { decode($0, at: &inner, isDescending: false, to: arena) }
            position += inner
            return isWhole
        }
        let left = input.count - position
        switch kind {
        case .fixed1:
            guard left >= 1 else { return false }
            arena.append(input[position] ^ 0x80)
            position += 1
        case .fixed2:
            guard left >= 2 else { return false }
            arena.append(big: UInt16(bigEndian: input.loadUnaligned(fromByteOffset: position, as: UInt16.self)) ^ 0x8000)
            position += 2
        case .fixed4:
            guard left >= 4 else { return false }
            arena.append(big: UInt32(bigEndian: input.loadUnaligned(fromByteOffset: position, as: UInt32.self)) ^ 0x8000_0000)
            position += 4
        case .fixed8:
            guard left >= 8 else { return false }
            arena.append(big: UInt64(bigEndian: input.loadUnaligned(fromByteOffset: position, as: UInt64.self)) ^ 1 << 63)
            position += 8
        case .unsigned4:
            guard left >= 4 else { return false }
            arena.append(UnsafeRawBufferPointer(rebasing: input[position..<position + 4]))
            position += 4
        case .float4:
            guard left >= 4 else { return false }
            let bits = UInt32(bigEndian: input.loadUnaligned(fromByteOffset: position, as: UInt32.self))
            arena.append(big: bits >> 31 == 0 ? ~bits : bits & 0x7FFF_FFFF)
            position += 4
        case .float8:
            guard left >= 8 else { return false }
            let bits = UInt64(bigEndian: input.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            arena.append(big: bits >> 63 == 0 ? ~bits : bits & ~(1 << 63))
            position += 8
        case .boolean:
            guard left >= 1 else { return false }
            arena.append(input[position])
            position += 1
        case .uuid, .timeuuid:
            guard left >= 16 else { return false }
            arena.append(big: Self.versionLast(UInt64(bigEndian: input.loadUnaligned(fromByteOffset: position, as: UInt64.self))))
            let low = UInt64(bigEndian: input.loadUnaligned(fromByteOffset: position + 8, as: UInt64.self))
            arena.append(big: kind == .timeuuid ? low ^ 0x8080_8080_8080_8080 : low)
            position += 16
        case .bytes: return decodeEscaped(input, at: &position, to: arena)
        case .varint: return decodeVarint(input, at: &position, to: arena)
        case .decimal: return decodeDecimal(input, at: &position, to: arena)
        case .structured: return decodeStructured(input, at: &position, to: arena)
        }
        return true
    }

    private func decodeEscaped(_ input: UnsafeRawBufferPointer, at position: inout Int, to arena: ByteArena) -> Bool {
        while position + 1 < input.count {
            let byte = input[position]
            guard byte == 0 else {
                arena.append(byte)
                position += 1
                continue
            }
            let isEnd = input[position + 1] == 0
            position += 2
            if isEnd { return true }
            arena.append(0)
        }
        return false
    }

    private func decodeVarint(_ input: UnsafeRawBufferPointer, at position: inout Int, to arena: ByteArena) -> Bool {
        guard input.count - position > 5 else { return false }
        let coded = UInt32(bigEndian: input.loadUnaligned(fromByteOffset: position + 1, as: UInt32.self))
        let length = Int(input[position] == 0x7F ? ~coded : coded)
        position += 5
        guard length <= input.count - position else { return false }
        arena.append(UnsafeRawBufferPointer(rebasing: input[position..<position + length]))
        position += length
        return true
    }

    private func decodeDecimal(_ input: UnsafeRawBufferPointer, at position: inout Int, to arena: ByteArena) -> Bool {
        guard position < input.count else { return false }
        let sign = input[position]
        position += 1
        if sign == 0x80 {
            arena.append(big: Int32(0))
            arena.append(0)
            return true
        }
        let mask: UInt8 = sign == 0x7F ? 0xFF : 0
        guard input.count - position > 8 else { return false }
        var exponent: UInt64 = 0
        for index in 0..<8 { exponent = exponent << 8 | UInt64(input[position + index] ^ mask) }
        position += 8
        var digits: [UInt8] = sign == 0x7F ? [0x2D] : []
        while position < input.count, input[position] ^ mask != 0 {
            digits.append(input[position] ^ mask)
            position += 1
        }
        guard position < input.count else { return false }
        position += 1
        let count = Int64(digits.count - (sign == 0x7F ? 1 : 0))
        var scale = count - Int64(bitPattern: exponent ^ 1 << 63)
        // 1E+2 is shown as 100 when that is short: trailing zeros were taken off above.
        while scale < 0, scale > -30 {
            digits.append(0x30)
            scale += 1
        }
        guard let unscaled = CQLVarint(String(decoding: digits, as: UTF8.self)) else { return false }
        arena.append(big: Int32(truncatingIfNeeded: scale))
        arena.append(unscaled.bytes)
        return true
    }

    private func decodeStructured(_ input: UnsafeRawBufferPointer, at position: inout Int, to arena: ByteArena) -> Bool {
        func element(_ type: CQLType) -> Bool {
            guard let encoding = try? OrderedEncoding(type) else { return false }
            let lengthAt = arena.count
            arena.append(big: Int32(0))
            guard encoding.decode(input, at: &position, isDescending: false, to: arena) else { return false }
            arena.patch(big: Int32(arena.count - lengthAt - 4), at: lengthAt)
            return true
        }
        if case .tuple(let types) = type {
            for type in types {
                guard position < input.count else { return false }
                position += 1
                if input[position - 1] == 0 {
                    arena.append(big: Int32(-1))
                } else if !element(type) {
                    return false
                }
            }
            return true
        }
        let countAt = arena.count
        arena.append(big: Int32(0))
        var count: Int32 = 0
        while true {
            guard position < input.count else { return false }
            position += 1
            if input[position - 1] == 0 { break }
            switch type {
            case .list(let inner), .set(let inner):
                guard element(inner) else { return false }
            case .map(let key, let value):
                guard element(key), element(value) else { return false }
            default: return false
            }
            count += 1
        }
        arena.patch(big: count, at: countAt)
        return true
    }
}

/// Walks the elements of a collection's or tuple's wire bytes.
struct ValueReader {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isAtEnd: Bool { position >= bytes.count }

    private mutating func length(_ type: CQLType) throws(CQLError) -> Int32 {
        guard bytes.count - position >= 4 else { throw .invalid("Not enough bytes to read a \(type)") }
        defer { position += 4 }
        return Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: position, as: Int32.self))
    }

    mutating func count(_ type: CQLType) throws(CQLError) -> Int32 {
        let count = try length(type)
        guard count >= 0, Int(count) <= bytes.count / 4 else { throw .invalid("Not enough bytes to read a \(type)") }
        return count
    }

    mutating func optionalElement(_ type: CQLType) throws(CQLError) -> UnsafeRawBufferPointer? {
        let length = Int(try length(type))
        guard length >= 0 else { return nil }
        guard length <= bytes.count - position else { throw .invalid("Not enough bytes to read a \(type)") }
        defer { position += length }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<position + length])
    }

    mutating func element(_ type: CQLType) throws(CQLError) -> UnsafeRawBufferPointer {
        guard let element = try optionalElement(type) else { throw .invalid("null is not supported inside collections") }
        return element
    }
}
