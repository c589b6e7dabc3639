internal import NIOCore

/// Cuts the bytes of one connection into frames, each a slice of the buffer into which the socket was read.
///
/// It decides where the next read goes: right behind the part of a frame that is already there, so that a frame which arrives in
/// several reads comes to lie in one piece without being copied. Only when a frame does not fit behind its beginning, is that
/// beginning moved to a new buffer.
///
/// NIO asks the channel's `RecvByteBufferAllocator` for a buffer, reads into it, and passes it on. The buffer with the frame's
/// beginning is lent out for that. A read that returned nothing would lose it; a stream socket that is readable does not do that,
/// and if one did, the connection is ended (``FrameError/lostRead``) rather than the stream misread.
///
/// Used on the connection's event loop only.
final class FrameReceiver {
    private var held = ByteBuffer()
    /// The buffer with a frame's beginning is out for a read.
    private var isLent = false
    private var isLost = false
    private var capacity = FrameReceiver.capacityMin
    private var isFirst = true
    let frameBytesMax: Int

    static let capacityMin = 64 << 10
    static let capacityMax = 1 << 20
    private static let writableMin = 4 << 10

    init(frameBytesMax: Int) { self.frameBytesMax = frameBytesMax }

    /// The buffer for the next read.
    func lend(_ allocator: ByteBufferAllocator) -> ByteBuffer {
        if isFirst {
            // The channel keeps its first buffer for itself.
            isFirst = false
            return allocator.buffer(capacity: 1_024)
        }
        if isLent { isLost = true }
        let partial = held.readableBytes
        if partial == 0 {
            if held.capacity >= capacity { held.clear() } else { held = allocator.buffer(capacity: capacity) }
        } else {
            let frame = held.getInteger(at: held.readerIndex, as: UInt32.self).map { Int($0) + 4 } ?? 4
            let wanted = max(frame, partial + Self.writableMin)
            if held.storageCapacity - held.readerIndex < wanted || held.capacity - held.readerIndex < wanted {
                var moved = allocator.buffer(capacity: max(wanted, capacity))
                moved.writeImmutableBuffer(held)
                held = moved
            }
            isLent = true
        }
        let buffer = held
        held = ByteBuffer()
        return buffer
    }

    func receive(_ buffer: ByteBuffer) throws(FrameError) {
        if isLost { throw .lostRead }
        if isLent || held.readableBytes == 0 {
            isLent = false
            held = buffer
        } else {
            held.writeImmutableBuffer(buffer)
        }
    }

    /// The next whole frame without its length, nil when there is none yet.
    func next() throws(FrameError) -> ByteBuffer? {
        guard let length = held.getInteger(at: held.readerIndex, as: Int32.self) else { return nil }
        guard length >= 0, Int(length) <= frameBytesMax else { throw .length(Int(length), max: frameBytesMax) }
        guard held.readableBytes - 4 >= Int(length) else { return nil }
        // Large frames deserve buffers that take several of them.
        if Int(length) * 8 > capacity { capacity = min(Self.capacityMax, max(Int(length) * 8, capacity)) }
        held.moveReaderIndex(forwardBy: 4)
        return held.readSlice(length: Int(length))
    }
}

enum FrameError: Error, Equatable, CustomStringConvertible {
    case length(Int, max: Int)
    case lostRead

    var description: String {
        switch self {
        case .length(let length, let max): "a frame claims \(length) bytes; 0 to \(max) are accepted (broker.request.bytes.max)"
        case .lostRead: "a read of the socket returned nothing"
        }
    }
}

/// What the channel asks for buffers: passes the question on to the connection's receiver.
///
/// `@unchecked Sendable`: the channel uses its allocator on its event loop only, where the receiver lives too.
struct FrameReceiveAllocator: RecvByteBufferAllocator, @unchecked Sendable {
    let receiver: FrameReceiver

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer { receiver.lend(allocator) }
    /// No pooling: each buffer is asked for.
    func nextBufferSize() -> Int? { nil }
    mutating func record(actualReadBytes: Int) -> Bool { true }
}
