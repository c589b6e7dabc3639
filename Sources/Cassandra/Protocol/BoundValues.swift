package import NIOCore

/// The values bound to one statement: slices of the frame that carried them, nothing copied.
///
/// Positional: the server has put named values into the markers' order before the store sees them. Several statements of one
/// BATCH share one array of entries and one buffer.
package struct BoundValues: Sendable {
    package struct Entry: Sendable {
        /// Where the bytes begin, from the buffer's `readerIndex`.
        package let start: Int32
        /// The `[value]` length: -1 for null, -2 for unset.
        package let length: Int32

        package static let null = Entry(start: 0, length: -1)
        package static let unset = Entry(start: 0, length: -2)

        package init(start: Int32, length: Int32) {
            self.start = start
            self.length = length
        }

        package var isNull: Bool { length == -1 }
        package var isUnset: Bool { length == -2 }
    }

    /// The bytes that ``Entry/start`` counts in.
    package let buffer: ByteBuffer
    private let entries: [Entry]
    private let first: Int
    package let count: Int

    package init(buffer: ByteBuffer, entries: [Entry], range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= entries.count)
        self.buffer = buffer
        self.entries = entries
        first = range.lowerBound
        count = range.count
    }

    package init(buffer: ByteBuffer, entries: [Entry]) {
        self.init(buffer: buffer, entries: entries, range: 0..<entries.count)
    }

    package static let empty = BoundValues(buffer: ByteBuffer(), entries: [])

    /// Encodes typed values, for callers that have no frame.
    package init(_ values: [(value: CQLValue, type: CQLType)]) throws(CQLError) {
        var buffer = ByteBuffer()
        var entries: [Entry] = []
        for (value, type) in values {
            switch value {
            case .null: entries.append(.null)
            case .unset: entries.append(.unset)
            default:
                let start = buffer.writerIndex
                try value.writeBytes(to: &buffer, type: type)
                entries.append(Entry(start: Int32(start), length: Int32(buffer.writerIndex - start)))
            }
        }
        self.init(buffer: buffer, entries: entries)
    }

    package var isEmpty: Bool { count == 0 }

    package subscript(index: Int) -> Entry {
        precondition(index >= 0 && index < count)
        return entries[first + index]
    }

    package func isNull(at index: Int) -> Bool { self[index].isNull }
    package func isUnset(at index: Int) -> Bool { self[index].isUnset }

    /// The value's bytes as a slice that shares the frame's storage; nil for null and unset.
    package func slice(at index: Int) -> ByteBuffer? {
        let entry = self[index]
        guard entry.length >= 0 else { return nil }
        return buffer.getSlice(at: buffer.readerIndex + Int(entry.start), length: Int(entry.length))
    }

    /// All bytes that the entries point into: for loops over several values, `bytes[start..<start + length]` without a slice each.
    package func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        // ByteBuffer's own function rethrows untyped; the result carries the typed error across it.
        let result: Result<R, E> = buffer.withUnsafeReadableBytes { bytes in
            do throws(E) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// Decodes one value.
    package func value(at index: Int, type: CQLType) throws(CQLError) -> CQLValue {
        if isUnset(at: index) { return .unset }
        return try CQLValue(bytes: slice(at: index), type: type)
    }
}
