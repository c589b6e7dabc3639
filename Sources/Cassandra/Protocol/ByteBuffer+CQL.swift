package import NIOCore

/// The notations of the native protocol's section 3: `[string]`, `[long string]`, `[string list]`, `[bytes]`, `[short bytes]`, maps.
///
/// Reads throw a protocol error that names the field; they never read past the frame and never trust a count for an allocation.
extension ByteBuffer {
    package mutating func readCQLInteger<T: FixedWidthInteger>(
        _ type: T.Type, _ field: @autoclosure () -> String
    ) throws(CQLError) -> T {
        guard let value = readInteger(as: type) else { throw CQLError.truncated(field()) }
        return value
    }

    package mutating func readCQLSlice(_ length: Int, _ field: @autoclosure () -> String) throws(CQLError) -> ByteBuffer {
        guard length >= 0, let slice = readSlice(length: length) else { throw .truncated(field()) }
        return slice
    }

    /// `[string]`: a short length and UTF-8.
    package mutating func readCQLString(_ field: @autoclosure () -> String) throws(CQLError) -> String {
        let length = Int(try readCQLInteger(UInt16.self, field()))
        return try readText(length, field())
    }

    /// `[long string]`: an int length and UTF-8.
    package mutating func readCQLLongString(_ field: @autoclosure () -> String) throws(CQLError) -> String {
        let length = Int(try readCQLInteger(Int32.self, field()))
        return try readText(length, field())
    }

    private mutating func readText(_ length: Int, _ field: @autoclosure () -> String) throws(CQLError) -> String {
        guard length >= 0, length <= readableBytes else { throw .truncated(field()) }
        let text: String?
        do {
            text = try readUTF8ValidatedString(length: length)
        } catch {
            throw .protocolError("\(field()) is not UTF-8")
        }
        guard let text else { throw .truncated(field()) }
        return text
    }

    package mutating func readCQLStringList(_ field: @autoclosure () -> String) throws(CQLError) -> [String] {
        let count = try readCQLInteger(UInt16.self, field())
        var list: [String] = []
        for _ in 0..<count { list.append(try readCQLString(field())) }
        return list
    }

    package mutating func readCQLStringMap(_ field: @autoclosure () -> String) throws(CQLError) -> [String: String] {
        let count = try readCQLInteger(UInt16.self, field())
        var map: [String: String] = [:]
        for _ in 0..<count {
            let key = try readCQLString(field())
            map[key] = try readCQLString(field())
        }
        return map
    }

    package mutating func readCQLStringMultimap(_ field: @autoclosure () -> String) throws(CQLError) -> [String: [String]] {
        let count = try readCQLInteger(UInt16.self, field())
        var map: [String: [String]] = [:]
        for _ in 0..<count {
            let key = try readCQLString(field())
            map[key] = try readCQLStringList(field())
        }
        return map
    }

    /// `[bytes]`: an int length and bytes; a negative length is null.
    package mutating func readCQLBytes(_ field: @autoclosure () -> String) throws(CQLError) -> ByteBuffer? {
        let length = Int(try readCQLInteger(Int32.self, field()))
        return length < 0 ? nil : try readCQLSlice(length, field())
    }

    package mutating func readCQLShortBytes(_ field: @autoclosure () -> String) throws(CQLError) -> ByteBuffer {
        let length = Int(try readCQLInteger(UInt16.self, field()))
        return try readCQLSlice(length, field())
    }

    /// `[string]`; a text that is too long for its short length is cut at a character.
    package mutating func writeCQLString(_ text: String) {
        if text.utf8.count <= Int(UInt16.max) {
            writeInteger(UInt16(text.utf8.count))
            writeString(text)
            return
        }
        var end = text.utf8.index(text.utf8.startIndex, offsetBy: Int(UInt16.max))
        while !text.utf8.isBoundary(end, in: text) { end = text.utf8.index(before: end) }
        let cut = text[..<end]
        writeInteger(UInt16(cut.utf8.count))
        writeSubstring(cut)
    }

    package mutating func writeCQLLongString(_ text: String) {
        writeInteger(Int32(text.utf8.count))
        writeString(text)
    }

    package mutating func writeCQLStringList(_ list: [String]) {
        writeInteger(UInt16(list.count))
        for text in list { writeCQLString(text) }
    }

    package mutating func writeCQLStringMap(_ map: [String: String]) {
        writeInteger(UInt16(map.count))
        for (key, value) in map.sorted(by: { $0.key < $1.key }) {
            writeCQLString(key)
            writeCQLString(value)
        }
    }

    package mutating func writeCQLStringMultimap(_ map: [String: [String]]) {
        writeInteger(UInt16(map.count))
        for (key, values) in map.sorted(by: { $0.key < $1.key }) {
            writeCQLString(key)
            writeCQLStringList(values)
        }
    }

    package mutating func writeCQLBytes(_ bytes: ByteBuffer?) {
        guard let bytes else {
            writeInteger(Int32(-1))
            return
        }
        writeInteger(Int32(bytes.readableBytes))
        writeImmutableBuffer(bytes)
    }

    package mutating func writeCQLShortBytes(_ bytes: some Collection<UInt8>) {
        writeInteger(UInt16(bytes.count))
        writeBytes(bytes)
    }
}

extension String.UTF8View {
    fileprivate func isBoundary(_ index: Index, in text: String) -> Bool { index.samePosition(in: text) != nil }
}

extension CQLError {
    package static func truncated(_ field: String) -> CQLError { .protocolError("the message ends within \(field)") }
}
