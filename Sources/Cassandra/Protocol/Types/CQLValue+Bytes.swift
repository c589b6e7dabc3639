package import NIOCore

/// Values to and from the protocol's bytes (v5, section 6).
extension CQLValue {
    /// Reads the bytes of one value, all of them.
    ///
    /// - Throws: ``CQLError`` (Invalid) where the bytes are none of the type, worded as Cassandra words it.
    package init(bytes: ByteBuffer, type: CQLType) throws(CQLError) {
        var buffer = bytes
        self = try Self.read(&buffer, type)
        guard buffer.readableBytes == 0 else { throw Self.malformed(type, bytes.readableBytes) }
    }

    /// A nil is null.
    package init(bytes: ByteBuffer?, type: CQLType) throws(CQLError) {
        guard let bytes else {
            self = .null
            return
        }
        try self.init(bytes: bytes, type: type)
    }

    private static func malformed(_ type: CQLType, _ count: Int) -> CQLError {
        .invalid("\(count) byte(s) are no value of type \(type)")
    }

    private static func fixed<T: FixedWidthInteger>(_ buffer: inout ByteBuffer, _ type: CQLType) throws(CQLError) -> T {
        let count = buffer.readableBytes
        guard count == MemoryLayout<T>.size, let value = buffer.readInteger(as: T.self) else { throw malformed(type, count) }
        return value
    }

    private static func text(_ buffer: inout ByteBuffer, _ type: CQLType) throws(CQLError) -> String {
        let count = buffer.readableBytes
        let read: String?
        do { read = try buffer.readUTF8ValidatedString(length: count) } catch { throw .invalid("String didn't validate.") }
        guard let read else { throw malformed(type, count) }
        return read
    }

    private static func uuid(_ buffer: inout ByteBuffer, _ type: CQLType) throws(CQLError) -> CQLUUID {
        let count = buffer.readableBytes
        guard count == 16, let high = buffer.readInteger(as: UInt64.self), let low = buffer.readInteger(as: UInt64.self) else {
            throw malformed(type, count)
        }
        return CQLUUID(high: high, low: low)
    }

    private static func read(_ buffer: inout ByteBuffer, _ type: CQLType) throws(CQLError) -> CQLValue {
        let count = buffer.readableBytes
        // Thrift's time left "empty" values of every type; drivers read them as null.
        if count == 0 {
            switch type.unfrozen {
            case .ascii: return .ascii("")
            case .text: return .text("")
            case .blob: return .blob([])
            case .custom: return .custom([])
            default: return .null
            }
        }
        switch type {
        case .frozen(let inner): return try read(&buffer, inner)
        case .ascii:
            let text = try text(&buffer, type)
            guard text.utf8.allSatisfy({ $0 < 0x80 }) else { throw .invalid("Invalid byte for ascii: a value above 127") }
            return .ascii(text)
        case .bigint: return .bigint(try fixed(&buffer, type))
        case .blob: return .blob(Array(buffer.readBytes(length: count) ?? []))
        case .boolean: return .boolean(try fixed(&buffer, type) as UInt8 != 0)
        case .counter: return .counter(try fixed(&buffer, type))
        case .date: return .date(Int32(truncatingIfNeeded: Int64(try fixed(&buffer, type) as UInt32) - 0x8000_0000))
        case .decimal:
            guard count > 4, let scale = buffer.readInteger(as: Int32.self) else { throw malformed(type, count) }
            return .decimal(CQLDecimal(unscaled: CQLVarint(bytes: buffer.readBytes(length: count - 4) ?? []), scale: scale))
        case .double: return .double(Double(bitPattern: try fixed(&buffer, type)))
        case .duration:
            guard let value = CQLDuration.read(from: &buffer) else { throw malformed(type, count) }
            return .duration(value)
        case .float: return .float(Float(bitPattern: try fixed(&buffer, type)))
        case .inet:
            guard let address = InternetAddress(bytes: buffer.readBytes(length: count) ?? []) else { throw malformed(type, count) }
            return .inet(address)
        case .int: return .int(try fixed(&buffer, type))
        case .smallint: return .smallint(try fixed(&buffer, type))
        case .text: return .text(try text(&buffer, type))
        case .time:
            let value: Int64 = try fixed(&buffer, type)
            guard (0..<86_400_000_000_000).contains(value) else { throw .invalid("\(value) is no time of day in nanoseconds") }
            return .time(value)
        case .timestamp: return .timestamp(try fixed(&buffer, type))
        case .timeuuid: return .timeuuid(try uuid(&buffer, type))
        case .tinyint: return .tinyint(try fixed(&buffer, type))
        case .uuid: return .uuid(try uuid(&buffer, type))
        case .varint: return .varint(CQLVarint(bytes: buffer.readBytes(length: count) ?? []))
        case .list(let element): return .list(try elements(&buffer, element, type))
        case .set(let element): return .set(try elements(&buffer, element, type))
        case .map(let keyType, let valueType):
            var entries: [Entry] = []
            for _ in 0..<(try elementCount(&buffer, type)) {
                let key = try element(&buffer, keyType, of: type)
                entries.append(Entry(key, try element(&buffer, valueType, of: type)))
            }
            return .map(entries)
        case .tuple(let types):
            return .tuple(try fields(&buffer, types, of: type))
        case .userDefined(let definition):
            return .tuple(try fields(&buffer, definition.fields.map(\.type), of: type))
        case .custom: return .custom(Array(buffer.readBytes(length: count) ?? []))
        }
    }

    private static func elementCount(_ buffer: inout ByteBuffer, _ type: CQLType) throws(CQLError) -> Int32 {
        let length = buffer.readableBytes
        guard let count = buffer.readInteger(as: Int32.self), count >= 0, Int(count) <= length / 4 else { throw malformed(type, length) }
        return count
    }

    private static func element(_ buffer: inout ByteBuffer, _ element: CQLType, of type: CQLType) throws(CQLError) -> CQLValue {
        let left = buffer.readableBytes
        guard let length = buffer.readInteger(as: Int32.self) else { throw malformed(type, left) }
        guard length >= 0 else { return .null }
        guard let slice = buffer.readSlice(length: Int(length)) else { throw malformed(type, left) }
        return try CQLValue(bytes: slice, type: element)
    }

    private static func elements(_ buffer: inout ByteBuffer, _ element: CQLType, _ type: CQLType) throws(CQLError) -> [CQLValue] {
        var values: [CQLValue] = []
        for _ in 0..<(try elementCount(&buffer, type)) { values.append(try self.element(&buffer, element, of: type)) }
        return values
    }

    /// A tuple may hold fewer fields than its type has: the rest are null.
    private static func fields(_ buffer: inout ByteBuffer, _ types: [CQLType], of type: CQLType) throws(CQLError) -> [CQLValue] {
        var values: [CQLValue] = []
        for field in types { values.append(buffer.readableBytes == 0 ? .null : try element(&buffer, field, of: type)) }
        return values
    }
}

extension CQLValue {
    /// Appends `[value]`: a length and the bytes as a value of `type`, -1 for null, -2 for unset.
    ///
    /// - Throws: ``CQLError`` (Invalid) where the value cannot be one of the type.
    package func writeValue(to buffer: inout ByteBuffer, type: CQLType) throws(CQLError) {
        switch self {
        case .null: buffer.writeInteger(Int32(-1))
        case .unset: buffer.writeInteger(Int32(-2))
        default:
            let lengthIndex = buffer.writerIndex
            buffer.writeInteger(Int32(0))
            try writeBytes(to: &buffer, type: type)
            buffer.setInteger(Int32(buffer.writerIndex - lengthIndex - 4), at: lengthIndex)
        }
    }

    /// The bytes alone; nothing for null and unset.
    package func bytes(as type: CQLType) throws(CQLError) -> ByteBuffer {
        var buffer = ByteBuffer()
        try writeBytes(to: &buffer, type: type)
        return buffer
    }

    /// Appends the bytes as a value of `type`, without a length.
    package func writeBytes(to buffer: inout ByteBuffer, type: CQLType) throws(CQLError) {
        switch (type, self) {
        case (_, .null), (_, .unset): return
        case (.frozen(let inner), _): try writeBytes(to: &buffer, type: inner)
        case (.text, .text(let text)), (.text, .ascii(let text)): buffer.writeString(text)
        case (.ascii, .ascii(let text)), (.ascii, .text(let text)):
            guard text.utf8.allSatisfy({ $0 < 0x80 }) else { throw mismatch(type) }
            buffer.writeString(text)
        case (.blob, .blob(let bytes)), (.custom, .custom(let bytes)), (.custom, .blob(let bytes)), (.blob, .custom(let bytes)):
            buffer.writeBytes(bytes)
        case (.boolean, .boolean(let flag)): buffer.writeInteger(UInt8(flag ? 1 : 0))
        case (.date, .date(let days)): buffer.writeInteger(UInt32(truncatingIfNeeded: Int64(days) + 0x8000_0000))
        case (.decimal, .decimal(let decimal)):
            buffer.writeInteger(decimal.scale)
            buffer.writeBytes(decimal.unscaled.bytes)
        case (.double, .double(let value)): buffer.writeInteger(value.bitPattern)
        case (.double, .float(let value)): buffer.writeInteger(Double(value).bitPattern)
        case (.float, .float(let value)): buffer.writeInteger(value.bitPattern)
        case (.float, .double(let value)): buffer.writeInteger(Float(value).bitPattern)
        case (.duration, .duration(let value)): value.write(to: &buffer)
        case (.inet, .inet(let address)): buffer.writeBytes(address.bytes)
        case (.time, .time(let nanoseconds)): buffer.writeInteger(nanoseconds)
        case (.timestamp, .timestamp(let milliseconds)): buffer.writeInteger(milliseconds)
        case (.uuid, .uuid(let value)), (.timeuuid, .timeuuid(let value)), (.uuid, .timeuuid(let value)), (.timeuuid, .uuid(let value)):
            buffer.writeInteger(value.high)
            buffer.writeInteger(value.low)
        case (.varint, .varint(let value)): buffer.writeBytes(value.bytes)
        case (.list(let element), .list(let values)), (.set(let element), .set(let values)), (.list(let element), .set(let values)),
            (.set(let element), .list(let values)):
            buffer.writeInteger(Int32(values.count))
            for value in values { try value.writeValue(to: &buffer, type: element) }
        case (.map(let keyType, let valueType), .map(let entries)):
            buffer.writeInteger(Int32(entries.count))
            for entry in entries {
                try entry.key.writeValue(to: &buffer, type: keyType)
                try entry.value.writeValue(to: &buffer, type: valueType)
            }
        case (.map, .set(let values)) where values.isEmpty:
            buffer.writeInteger(Int32(0))
        case (.tuple(let types), .tuple(let values)) where values.count <= types.count:
            for (value, element) in zip(values, types) { try value.writeValue(to: &buffer, type: element) }
        case (.userDefined(let definition), .tuple(let values)) where values.count <= definition.fields.count:
            for (value, field) in zip(values, definition.fields) { try value.writeValue(to: &buffer, type: field.type) }
        default:
            try writeInteger(to: &buffer, type: type)
        }
    }

    private func writeInteger(to buffer: inout ByteBuffer, type: CQLType) throws(CQLError) {
        guard let value = integer else { throw mismatch(type) }
        switch type {
        case .bigint, .counter: buffer.writeInteger(value)
        case .timestamp: buffer.writeInteger(value)
        case .varint: buffer.writeBytes(CQLVarint(value).bytes)
        case .double: buffer.writeInteger(Double(value).bitPattern)
        case .float: buffer.writeInteger(Float(value).bitPattern)
        case .decimal:
            buffer.writeInteger(Int32(0))
            buffer.writeBytes(CQLVarint(value).bytes)
        case .int:
            guard let narrow = Int32(exactly: value) else { throw mismatch(type) }
            buffer.writeInteger(narrow)
        case .smallint:
            guard let narrow = Int16(exactly: value) else { throw mismatch(type) }
            buffer.writeInteger(narrow)
        case .tinyint:
            guard let narrow = Int8(exactly: value) else { throw mismatch(type) }
            buffer.writeInteger(narrow)
        default: throw mismatch(type)
        }
    }

    /// The value of any integer case that fits into 64 bits.
    package var integer: Int64? {
        switch self {
        case .bigint(let value), .counter(let value): value
        case .int(let value): Int64(value)
        case .smallint(let value): Int64(value)
        case .tinyint(let value): Int64(value)
        case .varint(let value): value.int64
        default: nil
        }
    }

    private func mismatch(_ type: CQLType) -> CQLError { .invalid("\(self) is no value of type \(type)") }
}
