/// A place in a JSON text (RFC 8259): values are skipped, copied without space, or read, straight from the bytes.
struct JSONCursor {
    let bytes: UnsafeBufferPointer<UInt8>
    var index = 0
    private var depth = 0
    private static let depthMax = 500

    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    enum Kind {
        case object, array, string, number, boolean, null
    }

    var peek: UInt8 { index < bytes.count ? bytes[index] : 0 }
    var isAtEnd: Bool { index >= bytes.count }

    mutating func skipSpace() {
        while index < bytes.count, bytes[index] == 0x20 || bytes[index] == 0x0A || bytes[index] == 0x0D || bytes[index] == 0x09 {
            index += 1
        }
    }

    mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        guard !isAtEnd, bytes[index] == byte else { return false }
        index += 1
        return true
    }

    /// What the next value is; nil where none begins.
    mutating func kind() -> Kind? {
        skipSpace()
        switch peek {
        case 0x7B: return .object
        case 0x5B: return .array
        case 0x22: return .string
        case 0x2D, 0x30...0x39: return .number
        case 0x74, 0x66: return .boolean
        case 0x6E: return .null
        default: return nil
        }
    }

    private mutating func word(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard index + count <= bytes.count else { return false }
        for offset in 0..<count where bytes[index + offset] != text.utf8Start[offset] { return false }
        index += count
        return true
    }

    mutating func boolean() -> Bool? { word("true") ? true : word("false") ? false : nil }
    mutating func null() -> Bool { word("null") }

    /// The bytes of a number, and whether it is whole.
    mutating func number() -> (UnsafeBufferPointer<UInt8>, isWhole: Bool)? {
        let start = index
        if peek == 0x2D { index += 1 }
        let first = index
        while peek &- 0x30 < 10 { index += 1 }
        guard index > first, !(bytes[first] == 0x30 && index - first > 1) else { return nil }
        var isWhole = true
        if peek == 0x2E {
            isWhole = false
            index += 1
            let digits = index
            while peek &- 0x30 < 10 { index += 1 }
            guard index > digits else { return nil }
        }
        if peek | 0x20 == 0x65 {
            isWhole = false
            index += 1
            if peek == 0x2B || peek == 0x2D { index += 1 }
            let digits = index
            while peek &- 0x30 < 10 { index += 1 }
            guard index > digits else { return nil }
        }
        return (UnsafeBufferPointer(rebasing: bytes[start..<index]), isWhole)
    }

    /// Passes a string; true when it had an escape.
    private mutating func passString() -> Bool? {
        guard peek == 0x22, !isAtEnd else { return nil }
        index += 1
        var hasEscape = false
        while index < bytes.count {
            switch bytes[index] {
            case 0x22:
                index += 1
                return hasEscape
            case 0x5C:
                hasEscape = true
                index += 2
            case 0..<0x20: return nil
            default: index += 1
            }
        }
        return nil
    }

    /// A string's text, appended.
    mutating func string(to out: inout [UInt8]) -> Bool {
        let start = index + 1
        guard let hasEscape = passString() else { return false }
        let body = bytes[start..<(index - 1)]
        guard hasEscape else {
            out += body
            return true
        }
        var at = body.startIndex
        func hex(_ at: Int) -> UInt32? {
            guard at + 4 <= body.endIndex else { return nil }
            var value: UInt32 = 0
            for offset in 0..<4 {
                let byte = bytes[at + offset]
                let digit: UInt8
                switch byte {
                case 0x30...0x39: digit = byte - 0x30
                case 0x41...0x46: digit = byte - 0x37
                case 0x61...0x66: digit = byte - 0x57
                default: return nil
                }
                value = value << 4 | UInt32(digit)
            }
            return value
        }
        while at < body.endIndex {
            let byte = bytes[at]
            at += 1
            guard byte == 0x5C else {
                out.append(byte)
                continue
            }
            guard at < body.endIndex else { return false }
            let escape = bytes[at]
            at += 1
            switch escape {
            case 0x22, 0x5C, 0x2F: out.append(escape)
            case 0x62: out.append(8)
            case 0x66: out.append(12)
            case 0x6E: out.append(10)
            case 0x72: out.append(13)
            case 0x74: out.append(9)
            case 0x75:
                guard var code = hex(at) else { return false }
                at += 4
                if (0xD800..<0xDC00).contains(code), at + 6 <= body.endIndex, bytes[at] == 0x5C, bytes[at + 1] == 0x75,
                    let low = hex(at + 2),
                    (0xDC00..<0xE000).contains(low)
                {
                    code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
                    at += 6
                }
                UTF8Text.append(Unicode.Scalar(code) ?? "\u{FFFD}", to: &out)
            default: return false
            }
        }
        return true
    }

    /// Goes through an object's members or an array's elements; `body` passes each value. False where the text is malformed.
    mutating func members(_ body: (inout JSONCursor, [UInt8]) -> Bool) -> Bool {
        guard take(0x7B), depth < Self.depthMax else { return false }
        depth += 1
        defer { depth -= 1 }
        if take(0x7D) { return true }
        repeat {
            skipSpace()
            var name: [UInt8] = []
            guard string(to: &name), take(0x3A), body(&self, name) else { return false }
        } while take(0x2C)
        return take(0x7D)
    }

    mutating func elements(_ body: (inout JSONCursor, Int) -> Bool) -> Bool {
        guard take(0x5B), depth < Self.depthMax else { return false }
        depth += 1
        defer { depth -= 1 }
        if take(0x5D) { return true }
        var position = 0
        repeat {
            guard body(&self, position) else { return false }
            position += 1
        } while take(0x2C)
        return take(0x5D)
    }

    mutating func skip() -> Bool {
        switch kind() {
        case .object: return members { cursor, _ in cursor.skip() }
        case .array: return elements { cursor, _ in cursor.skip() }
        case .string: return passString() != nil
        case .number: return number() != nil
        case .boolean: return boolean() != nil
        case .null: return null()
        case nil: return false
        }
    }

    /// Copies a value without the space between its tokens.
    mutating func copy(to out: inout [UInt8]) -> Bool {
        switch kind() {
        case .object:
            out.append(0x7B)
            var isFirst = true
            let isWhole = members { cursor, name in
                if !isFirst { out.append(0x2C) }
                isFirst = false
                name.withUnsafeBufferPointer { JSONText.quote($0, into: &out) }
                out.append(0x3A)
                return cursor.copy(to: &out)
            }
            out.append(0x7D)
            return isWhole
        case .array:
            out.append(0x5B)
            let isWhole = elements { cursor, position in
                if position > 0 { out.append(0x2C) }
                return cursor.copy(to: &out)
            }
            out.append(0x5D)
            return isWhole
        case .string:
            var text: [UInt8] = []
            guard string(to: &text) else { return false }
            text.withUnsafeBufferPointer { JSONText.quote($0, into: &out) }
            return true
        case .number:
            guard let (digits, isWhole) = number() else { return false }
            // A fraction is written as the double that it is.
            if !isWhole, let value = TextNumbers.double(digits) { out += NumberText.text(value).utf8 } else { out += digits }
            return true
        default:
            let start = index
            guard skip() else { return false }
            out += bytes[start..<index]
            return true
        }
    }

    static func arrayLength(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        var cursor = JSONCursor(bytes)
        guard cursor.kind() == .array else { return nil }
        var count = 0
        guard
            cursor.elements({ cursor, _ in
                count += 1
                return cursor.skip()
            })
        else { return nil }
        return count
    }

    static func objectKeys(_ bytes: UnsafeBufferPointer<UInt8>) -> [String]? {
        var cursor = JSONCursor(bytes)
        guard cursor.kind() == .object else { return nil }
        var keys: [String] = []
        guard
            cursor.members({ cursor, name in
                keys.append(String(decoding: name, as: UTF8.self))
                return cursor.skip()
            })
        else { return nil }
        return keys
    }
}

/// A path of `get_json_object`: `$.a.b[0]['c'][*].*`.
struct JSONPath {
    private enum Step {
        case member([UInt8])
        case element(Int)
        case every
        case everyMember
    }

    private var steps: [Step] = []

    init?(_ text: String) {
        var rest = Substring(text)
        guard rest.popFirst() == "$" else { return nil }
        while let character = rest.popFirst() {
            switch character {
            case ".":
                let name = rest.prefix { $0 != "." && $0 != "[" }
                guard !name.isEmpty else { return nil }
                steps.append(name == "*" ? .everyMember : .member(Array(name.utf8)))
                rest = rest.dropFirst(name.count)
            case "[":
                guard let end = rest.firstIndex(of: "]") else { return nil }
                let body = rest[..<end]
                if body == "*" {
                    steps.append(.every)
                } else if let number = Int(body), number >= 0 {
                    steps.append(.element(number))
                } else if body.count >= 2, body.first == "'", body.last == "'" {
                    let name = body.dropFirst().dropLast()
                    steps.append(name == "*" ? .everyMember : .member(Array(name.utf8)))
                } else {
                    return nil
                }
                rest = rest[rest.index(after: end)...]
            default: return nil
            }
        }
    }

    /// Writes what the path finds: a lone string as its text, all else as JSON; several finds as an array. False: nothing.
    func write(_ bytes: UnsafeBufferPointer<UInt8>, to out: inout [UInt8]) -> Bool {
        var finds: [[UInt8]] = []
        var texts: [Bool] = []
        var cursor = JSONCursor(bytes)
        guard collect(&cursor, 0, &finds, &texts) else { return false }
        let isMany = steps.contains { if case .every = $0 { true } else { false } }
        guard !finds.isEmpty else { return false }
        if finds.count == 1, !(isMany && texts[0]) {
            if texts[0] {
                return finds[0].withUnsafeBufferPointer { bytes in
                    var inner = JSONCursor(bytes)
                    return inner.string(to: &out)
                }
            }
            if finds[0] == Array("null".utf8) { return false }
            out += finds[0]
            return true
        }
        if finds.count == 1 {
            out += finds[0]
            return true
        }
        out.append(0x5B)
        for (position, find) in finds.enumerated() {
            if position > 0 { out.append(0x2C) }
            out += find
        }
        out.append(0x5D)
        return true
    }

    /// Goes through a value whole, so that a malformed text gives nothing.
    private func collect(_ cursor: inout JSONCursor, _ depth: Int, _ finds: inout [[UInt8]], _ texts: inout [Bool]) -> Bool {
        guard depth < steps.count else {
            var value: [UInt8] = []
            let kind = cursor.kind()
            guard cursor.copy(to: &value) else { return false }
            finds.append(value)
            texts.append(kind == .string)
            return true
        }
        switch (steps[depth], cursor.kind()) {
        case (.member(let wanted), .object):
            var isFound = false
            return cursor.members { cursor, name in
                guard !isFound, name == wanted else { return cursor.skip() }
                isFound = true
                return collect(&cursor, depth + 1, &finds, &texts)
            }
        case (.everyMember, .object):
            return cursor.members { cursor, _ in collect(&cursor, depth + 1, &finds, &texts) }
        case (.element(let wanted), .array):
            return cursor.elements { cursor, position in
                position == wanted ? collect(&cursor, depth + 1, &finds, &texts) : cursor.skip()
            }
        case (.every, .array): return cursor.elements { cursor, _ in collect(&cursor, depth + 1, &finds, &texts) }
        default: return cursor.skip()
        }
    }
}
