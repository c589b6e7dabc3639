internal import CCodecs
internal import NIOCore

/// The bytes that a fetch's records live in, followed by ``RecordArena/padding`` zero bytes, so that a kernel may load a whole
/// vector at the last value.
///
/// Either the response's own frame (no batch was compressed: the bytes stay where the socket's reader put them), or one
/// allocation into which the batches were unpacked.
final class RecordArena: @unchecked Sendable {
    // Unchecked: the bytes are written before the initialiser returns and only read afterwards.

    /// simdjson wants 64 bytes that may be read after the document (`SIMDJSON_PADDING`).
    static let padding = 64

    private enum Storage {
        case frame(ByteBuffer)
        case unpacked(leat_buffer)
    }

    private let storage: Storage
    /// Bytes of the arena, the padding not counted.
    let count: Int

    static let empty = RecordArena(frame: ByteBuffer(repeating: 0, count: padding))

    /// - Parameter frame: its last ``padding`` readable bytes are zero.
    init(frame: ByteBuffer) {
        precondition(frame.readableBytes >= Self.padding)
        storage = .frame(frame)
        count = frame.readableBytes - Self.padding
    }

    /// Takes the buffer over.
    ///
    /// - Returns: nil when there is no memory for the padding; the buffer then stays the caller's.
    init?(taking buffer: inout leat_buffer) {
        let zeros = [UInt8](repeating: 0, count: Self.padding)
        guard leat_buffer_append(&buffer, zeros, Self.padding) else { return nil }
        buffer.count -= Self.padding
        storage = .unpacked(buffer)
        count = buffer.count
        buffer = leat_buffer()
    }

    deinit {
        if case .unpacked(var buffer) = storage { leat_buffer_free(&buffer) }
    }

    func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        switch storage {
        case .frame(let frame):
            try frame.withUnsafeReadableBytes { try body(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        case .unpacked(let buffer):
            try body(UnsafeRawBufferPointer(start: buffer.bytes, count: buffer.count))
        }
    }
}
