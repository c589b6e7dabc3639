package import NIOCore

/// Messages to a connection's bytes: many frames into one buffer, in v5 into as few segments as hold them.
///
/// Bodies are written in place; the lengths, headers and checksums are filled in after.
package struct FrameEncoder: Sendable {
    private let isServer: Bool
    private var output: ByteBuffer
    private var isSegmented = false
    /// Where the open segment's header stands.
    private var segmentStart: Int?
    /// The size that the last output reached, for the next one's first allocation.
    private var lastCapacity = 512

    package init(isServer: Bool) {
        self.isServer = isServer
        output = ByteBuffer()
    }

    package mutating func beginSegments() { isSegmented = true }

    /// Bytes that ``take()`` would give, but for the last checksum.
    package var byteCount: Int { output.readableBytes }

    /// Appends one frame, whose body `body` writes.
    package mutating func write<E: Error>(
        _ version: ProtocolVersion, stream: Int16, _ opcode: Opcode, flags: FrameHeader.Flags = [],
        body: (inout ByteBuffer) throws(E) -> Void
    ) throws(E) {
        if output.capacity == 0 { output = ByteBufferAllocator().buffer(capacity: lastCapacity) }
        let before = output.writerIndex
        var openedHere = false
        if isSegmented, segmentStart == nil {
            segmentStart = before
            output.writeRepeatingByte(0, count: Segment.headerBytes)
            openedHere = true
        }
        let start = output.writerIndex
        FrameHeader(version: version, isResponse: isServer, flags: flags, stream: stream, opcode: opcode, length: 0).write(to: &output)
        do throws(E) {
            try body(&output)
        } catch {
            output.moveWriterIndex(to: before)
            if openedHere { segmentStart = nil }
            throw error
        }
        output.setInteger(Int32(output.writerIndex - start - FrameHeader.byteCount), at: start + 5)
        if isSegmented { fitSegment(lastFrameAt: start) }
    }

    /// All that was written since the last call, ready for the socket; nil when nothing was.
    package mutating func take() -> ByteBuffer? {
        finishSegment()
        guard output.readableBytes > 0 else { return nil }
        let taken = output
        lastCapacity = min(max(512, taken.readableBytes), 64 << 10)
        output = ByteBuffer()
        return taken
    }

    private mutating func finishSegment() {
        guard let start = segmentStart else { return }
        Segment.finish(&output, at: start, isSelfContained: true)
        segmentStart = nil
    }

    /// Puts a frame that no longer fits its segment into the next one, or into several of its own.
    private mutating func fitSegment(lastFrameAt start: Int) {
        guard let segment = segmentStart, output.writerIndex - segment - Segment.headerBytes > Segment.payloadBytesMax else { return }
        var frame = ByteBufferAllocator().buffer(capacity: output.writerIndex - start)
        if let slice = output.getSlice(at: start, length: output.writerIndex - start) { frame.writeImmutableBuffer(slice) }
        if start == segment + Segment.headerBytes {
            output.moveWriterIndex(to: segment)
            segmentStart = nil
        } else {
            output.moveWriterIndex(to: start)
            finishSegment()
        }
        let isLong = frame.readableBytes > Segment.payloadBytesMax
        while let part = frame.readSlice(length: min(frame.readableBytes, Segment.payloadBytesMax)), part.readableBytes > 0 {
            let next = output.writerIndex
            output.writeRepeatingByte(0, count: Segment.headerBytes)
            output.writeImmutableBuffer(part)
            if isLong { Segment.finish(&output, at: next, isSelfContained: false) } else { segmentStart = next }
        }
    }
}
