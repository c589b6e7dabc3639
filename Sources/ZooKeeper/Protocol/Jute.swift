internal import NIOCore

/// Reads ZooKeeper's record encoding (jute): big-endian integers, one-byte booleans, and byte strings and vectors led by a
/// 32-bit count, where -1 stands for null.
///
/// Every count is checked against the bytes that are there before anything is allocated, so that a hostile count costs nothing.
struct JuteReader {
    private var buffer: ByteBuffer

    init(_ buffer: ByteBuffer) {
        self.buffer = buffer
    }

    var isAtEnd: Bool { buffer.readableBytes == 0 }

    mutating func int() throws(JuteError) -> Int32 {
        guard let value = buffer.readInteger(as: Int32.self) else { throw .truncated }
        return value
    }

    mutating func long() throws(JuteError) -> Int64 {
        guard let value = buffer.readInteger(as: Int64.self) else { throw .truncated }
        return value
    }

    mutating func bool() throws(JuteError) -> Bool {
        guard let value = buffer.readInteger(as: UInt8.self) else { throw .truncated }
        return value != 0
    }

    mutating func bytes() throws(JuteError) -> ByteBuffer? {
        let count = try int()
        if count == -1 { return nil }
        guard count >= 0, let slice = buffer.readSlice(length: Int(count)) else { throw .badCount(count) }
        return slice
    }

    mutating func string() throws(JuteError) -> String {
        guard var slice = try bytes() else { return "" }
        do {
            return try slice.readUTF8ValidatedString(length: slice.readableBytes) ?? ""
        } catch {
            throw .notUTF8
        }
    }
}

/// Why bytes are no jute record.
enum JuteError: Error, Equatable {
    case truncated
    case badCount(Int32)
    case notUTF8
}

extension ByteBuffer {
    mutating func writeJute(bool: Bool) { writeInteger(UInt8(bool ? 1 : 0)) }

    mutating func writeJute(string: String) {
        writeInteger(Int32(string.utf8.count))
        writeString(string)
    }

    mutating func writeJute(bytes: some Collection<UInt8>) {
        writeInteger(Int32(bytes.count))
        writeBytes(bytes)
    }

    mutating func writeJute(strings: [String]) {
        writeInteger(Int32(strings.count))
        for string in strings { writeJute(string: string) }
    }
}
