internal import NIOCore

/// Cuts a connection's bytes into responses: a length of four bytes, then as many bytes.
///
/// Each response gets a buffer of exactly its size plus ``RecordArena/padding``, and the bytes are copied into it once: a fetch's
/// records stay there for good. A length that is negative or above the limit is refused before anything is allocated.
struct ResponseAssembler {
    /// The longest response that is taken.
    let responseBytesMax: Int

    private var lengthBytes: (value: UInt32, count: Int) = (0, 0)
    private var body: ByteBuffer?
    private var missing = 0

    init(responseBytesMax: Int) {
        self.responseBytesMax = responseBytesMax
    }

    struct LengthRefused: Error, Equatable {
        let length: Int32
    }

    /// Takes bytes until one response is complete.
    ///
    /// - Returns: a response, or nil when `bytes` is used up.
    mutating func next(from bytes: inout ByteBuffer) throws(LengthRefused) -> ByteBuffer? {
        while bytes.readableBytes > 0 {
            if body == nil {
                if lengthBytes.count == 0, let length = bytes.readInteger(as: UInt32.self) {
                    lengthBytes = (length, 4)
                } else if let byte = bytes.readInteger(as: UInt8.self) {
                    lengthBytes = (lengthBytes.value << 8 | UInt32(byte), lengthBytes.count + 1)
                }
                guard lengthBytes.count == 4 else { continue }
                let length = Int32(bitPattern: lengthBytes.value)
                // A response carries at least its correlation id.
                guard length >= 4, Int(length) <= responseBytesMax else { throw LengthRefused(length: length) }
                body = ByteBufferAllocator().buffer(capacity: Int(length) + RecordArena.padding)
                missing = Int(length)
                lengthBytes = (0, 0)
            }
            let count = min(missing, bytes.readableBytes)
            if count > 0 {
                bytes.readWithUnsafeReadableBytes { chunk in
                    body!.writeBytes(UnsafeRawBufferPointer(rebasing: chunk[..<count]))
                    return count
                }
                missing -= count
            }
            if missing == 0 {
                // Zeros past the end, which `moveWriterIndex` makes readable without a copy.
                body!.writeRepeatingByte(0, count: RecordArena.padding)
                body!.moveWriterIndex(to: body!.writerIndex - RecordArena.padding)
                defer { body = nil }
                return body
            }
        }
        return nil
    }
}
