/// Whether bound bytes are a value of a type: decided once a column when a statement is planned, so that executing it looks at bytes only.
enum ValueCheck: Sendable {
    case none
    case fixed(Int)
    case utf8, ascii, inet
    case timeuuid
    case time
    /// Element by element.
    case structured(CQLType)

    init(_ type: CQLType) {
        switch type.unfrozen {
        case .blob, .custom, .userDefined, .frozen: self = .none
        case .text: self = .utf8
        case .ascii: self = .ascii
        case .inet: self = .inet
        case .timeuuid: self = .timeuuid
        case .time: self = .time
        case .varint, .decimal, .duration, .list, .set, .map, .tuple: self = .structured(type.unfrozen)
        default: self = type.unfrozen.fixedLength.map { .fixed($0) } ?? .none
        }
    }

    /// - Throws: ``CQLError`` worded as Cassandra's serializers do.
    @inline(__always)
    func check(_ value: UnsafeRawBufferPointer, of type: CQLType) throws(CQLError) {
        switch self {
        case .none: return
        case .fixed(let length):
            // Cassandra takes empty values of most fixed types, for Thrift's sake.
            guard value.count == length || value.count == 0 else { throw Self.wrongLength(type, expected: length, actual: value.count) }
        case .utf8: try Self.check(value, .utf8)
        case .ascii: try Self.check(value, .ascii)
        case .inet: if value.count > 0 { try Self.check(value, .inet) }
        case .timeuuid:
            guard value.count == 16 || value.count == 0 else { throw Self.wrongLength(type, expected: 16, actual: value.count) }
            if value.count == 16, value[6] >> 4 != 1 { throw .invalid("Invalid version for TimeUUID type.") }
        case .time:
            guard value.count == 8 else { throw Self.wrongLength(type, expected: 8, actual: value.count) }
            let nanoseconds = UInt64(bigEndian: value.loadUnaligned(as: UInt64.self))
            guard nanoseconds < 86_400_000_000_000 else { throw .invalid("\(nanoseconds) is no time of day in nanoseconds") }
        case .structured(let inner): try Self.checkStructured(value, inner, depth: 0)
        }
    }

    static func wrongLength(_ type: CQLType, expected: Int, actual: Int) -> CQLError {
        let unfrozen = type.unfrozen
        if unfrozen == .uuid || unfrozen == .timeuuid { return .invalid("UUID should be 16 or 0 bytes (\(actual))") }
        let name = unfrozen == .bigint ? "long" : unfrozen.description
        return .invalid("Expected \(expected) or 0 byte \(name) (\(actual))")
    }

    static func check(_ value: UnsafeRawBufferPointer, _ check: OrderedEncoding.BytesCheck) throws(CQLError) {
        switch check {
        case .none: return
        case .utf8:
            if !isASCII(value), !isUTF8(value) { throw .invalid("String didn't validate.") }
        case .ascii:
            if !isASCII(value) { throw .invalid("Invalid byte for ascii: a value above 127") }
        case .inet:
            guard value.count == 4 || value.count == 16 else {
                throw .invalid("Expected 4 or 16 byte inetaddress; got \(value.count)")
            }
        }
    }

    /// Eight bytes at a time.
    @inline(__always)
    private static func isASCII(_ value: UnsafeRawBufferPointer) -> Bool {
        var position = 0
        var seen: UInt64 = 0
        while position + 8 <= value.count {
            seen |= value.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            position += 8
        }
        while position < value.count {
            seen |= UInt64(value[position])
            position += 1
        }
        return seen & 0x8080_8080_8080_8080 == 0
    }

    @inline(never)
    private static func isUTF8(_ value: UnsafeRawBufferPointer) -> Bool {
        var position = 0
        let count = value.count
        func isContinuation(_ index: Int, _ range: ClosedRange<UInt8> = 0x80...0xBF) -> Bool {
            index < count && range.contains(value[index])
        }
        while position < count {
            switch value[position] {
            case 0x00...0x7F: position += 1
            case 0xC2...0xDF:
                guard isContinuation(position + 1) else { return false }
                position += 2
            case 0xE0...0xEF:
                let first = value[position]
                let range: ClosedRange<UInt8> = first == 0xE0 ? 0xA0...0xBF : first == 0xED ? 0x80...0x9F : 0x80...0xBF
                guard isContinuation(position + 1, range), isContinuation(position + 2) else { return false }
                position += 3
            case 0xF0...0xF4:
                let first = value[position]
                let range: ClosedRange<UInt8> = first == 0xF0 ? 0x90...0xBF : first == 0xF4 ? 0x80...0x8F : 0x80...0xBF
                guard isContinuation(position + 1, range), isContinuation(position + 2), isContinuation(position + 3) else { return false }
                position += 4
            default: return false
            }
        }
        return true
    }

    /// The longest varint, and unscaled value of a decimal: as many bytes as ``CQLVarint/digitsMax`` digits fill. Turning one into digits
    /// takes time quadratic in them.
    static let digitBytesMax = 4_160

    static func tooLong(_ type: CQLType, _ count: Int) -> CQLError {
        .invalid("A \(type) of \(count) bytes is longer than this store takes: its digits may fill \(digitBytesMax)")
    }

    private static func checkStructured(_ value: UnsafeRawBufferPointer, _ type: CQLType, depth: Int) throws(CQLError) {
        var reader = ValueReader(value)
        switch type {
        case .list(let element), .set(let element):
            let check = ValueCheck(element)
            for _ in 0..<(try reader.count(type)) { try check.check(try reader.element(type), of: element) }
        case .map(let keyType, let valueType):
            let key = ValueCheck(keyType), value = ValueCheck(valueType)
            for _ in 0..<(try reader.count(type)) {
                try key.check(try reader.element(type), of: keyType)
                try value.check(try reader.element(type), of: valueType)
            }
        case .tuple(let types):
            for element in types where !reader.isAtEnd {
                if let field = try reader.optionalElement(type) { try ValueCheck(element).check(field, of: element) }
            }
        case .decimal:
            guard value.count > 4 else { throw .invalid("Expected at least 5 bytes for a decimal (\(value.count))") }
            guard value.count - 4 <= digitBytesMax else { throw tooLong(type, value.count) }
            return
        case .varint:
            guard value.count > 0 else { throw .invalid("Expected at least 1 byte for a varint (0)") }
            guard value.count <= digitBytesMax else { throw tooLong(type, value.count) }
            return
        case .duration:
            guard value.count >= 3 else { throw .invalid("Expected at least 3 bytes for a duration (\(value.count))") }
            return
        default: return
        }
        guard reader.isAtEnd else { throw .invalid("Unexpected extraneous bytes after \(type) value") }
    }
}
