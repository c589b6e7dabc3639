package import NIOCore

/// Bytes of a connection to frames, for server and client: the nine-byte header of v3 and v4, and, once ``beginSegments()`` was
/// called, v5's checksummed segments round the same frames.
///
/// A value with no I/O: give it what arrives, ask for frames until there is none. A frame's body is a slice of what was read; only
/// a frame that several reads bring is put together, into one buffer of its size. The longest frame is bounded before any of it is
/// kept: a longer request is read past without being kept, as Cassandra does, since a client that is still sending would see its
/// connection reset instead of the error. It is then thrown as ``MalformedFrame/isPassed``, and the next frame follows.
package struct FrameDecoder: Sendable {
    private var state: HeaderRules
    /// Bytes as they arrived: frames, or segments.
    private var inbound = Accumulator()
    /// What segments held.
    private var envelopes = Accumulator()
    private var isSegmented = false
    /// What is left of a frame that is too long, and what is said of it once it is past.
    private var passing: (left: Int, error: MalformedFrame)?
    /// Whether ``envelopes`` began in a segment that is part of a longer frame.
    private var isWithinLongFrame = false

    package init(readsResponses: Bool, bodyBytesMax: Int) {
        state = HeaderRules(readsResponses: readsResponses, bodyBytesMax: bodyBytesMax)
    }

    package mutating func append(_ buffer: ByteBuffer) { inbound.append(buffer) }

    /// From here on the connection carries v5's segments: after STARTUP was answered by READY or AUTHENTICATE.
    package mutating func beginSegments() { isSegmented = true }

    /// Bytes that wait for the rest of their frame, or for a call of ``next()``.
    package var bufferedBytes: Int { inbound.buffer.readableBytes + envelopes.buffer.readableBytes }

    /// The next frame, or nil when more bytes are needed.
    package mutating func next() throws(MalformedFrame) -> Frame? {
        guard isSegmented else {
            if let passed = Self.pass(&inbound, &passing) { throw passed }
            guard passing == nil else { return nil }
            if let frame = try Self.nextFrame(&inbound, &state, &passing) { return frame }
            if let passed = Self.pass(&inbound, &passing) { throw passed }
            return nil
        }
        while true {
            if passing != nil {
                if let passed = Self.pass(&envelopes, &passing) {
                    guard !isWithinLongFrame || envelopes.buffer.readableBytes == 0 else {
                        throw state.malformed("a segment of a long frame holds more than that frame")
                    }
                    isWithinLongFrame = false
                    throw passed
                }
                guard isWithinLongFrame else { throw state.malformed("a self-contained segment ends within a frame") }
            } else if envelopes.buffer.readableBytes > 0 {
                if let frame = try Self.nextFrame(&envelopes, &state, &passing) {
                    guard !isWithinLongFrame || envelopes.buffer.readableBytes == 0 else {
                        throw state.malformed("a segment of a long frame holds more than that frame")
                    }
                    if isWithinLongFrame { isWithinLongFrame = false }
                    return frame
                }
                if passing != nil { continue }
                guard isWithinLongFrame else { throw state.malformed("a self-contained segment ends within a frame") }
            }
            guard let segment = try nextSegment() else { return nil }
            if isWithinLongFrame, segment.isSelfContained {
                throw state.malformed("a self-contained segment stands within a long frame")
            }
            isWithinLongFrame = !segment.isSelfContained
            envelopes.append(segment.payload)
        }
    }

    /// Drops what has come of a frame that is too long; its error when that was the last of it.
    private static func pass(
        _ accumulator: inout Accumulator, _ passing: inout (left: Int, error: MalformedFrame)?
    ) -> MalformedFrame? {
        guard var (left, error) = passing else { return nil }
        let count = min(left, accumulator.buffer.readableBytes)
        accumulator.buffer.moveReaderIndex(forwardBy: count)
        left -= count
        passing = left > 0 ? (left, error) : nil
        guard left == 0 else { return nil }
        error.isPassed = true
        return error
    }

    private mutating func nextSegment() throws(MalformedFrame) -> Segment? {
        let segment: Segment?
        do throws(CQLError) {
            segment = try Segment.read(from: &inbound.buffer)
        } catch {
            throw MalformedFrame(error: error, stream: 0, version: state.version)
        }
        guard let segment else {
            inbound.needed = Segment.headerBytes + Segment.payloadBytesMax + Segment.trailerBytes
            return nil
        }
        inbound.isShared = true
        return segment
    }

    private static func nextFrame(
        _ accumulator: inout Accumulator, _ state: inout HeaderRules, _ passing: inout (left: Int, error: MalformedFrame)?
    ) throws(MalformedFrame) -> Frame? {
        // The version stands in the first byte, but an answer needs the stream too: wait for the whole header.
        guard let header = try state.readHeader(accumulator.buffer) else { return nil }
        if header.length > state.bodyBytesMax {
            let error = state.tooLong(header)
            guard !state.readsResponses else { throw error }
            state.version = header.version
            passing = (FrameHeader.byteCount + header.length, error)
            return nil
        }
        guard accumulator.buffer.readableBytes >= FrameHeader.byteCount + header.length else {
            accumulator.needed = FrameHeader.byteCount + header.length
            return nil
        }
        accumulator.buffer.moveReaderIndex(forwardBy: FrameHeader.byteCount)
        guard let body = accumulator.buffer.readSlice(length: header.length) else { return nil }
        accumulator.isShared = true
        state.version = header.version
        return Frame(header: header, body: body)
    }

}

/// What a header must be on this connection.
private struct HeaderRules: Sendable {
    let readsResponses: Bool
    let bodyBytesMax: Int
    /// That of the first frame; it holds for the connection.
    var version: ProtocolVersion?

    func readHeader(_ buffer: ByteBuffer) throws(MalformedFrame) -> FrameHeader? {
        var buffer = buffer
        guard
            let (first, flags, stream, opcode, length) = buffer.readMultipleIntegers(as: (UInt8, UInt8, Int16, UInt8, Int32).self)
        else { return nil }
        let number = first & 0x7F
        guard (first & 0x80 != 0) == readsResponses else {
            throw malformed(
                readsResponses ? "the server sent a request" : "a response (version byte \(first)) instead of a request", stream)
        }
        guard let version = ProtocolVersion(rawValue: number) else {
            // Drivers look for "unsupported protocol version" and go on with a lower one. v1 and v2 clients can read no later header;
            // those that know more than v5 know v4 too.
            let supported = ProtocolVersion.allCases.map { "\($0.rawValue)/\($0)" }.joined(separator: ", ")
            throw MalformedFrame(
                error: .protocolError("Invalid or unsupported protocol version (\(number)); supported versions are (\(supported))"),
                stream: max(0, stream), version: number < ProtocolVersion.v3.rawValue ? .v3 : .v4)
        }
        if let established = self.version, established != version {
            throw malformed(
                "Invalid message version. Got \(version) but previous messages on this connection had version \(established)", stream)
        }
        guard let opcode = Opcode(rawValue: opcode) else {
            throw MalformedFrame(error: .protocolError("Unknown opcode \(opcode)"), stream: stream, version: version)
        }
        guard stream >= 0 || readsResponses else {
            throw MalformedFrame(error: .protocolError("stream \(stream) is negative: those are the server's"), stream: 0, version: version)
        }
        guard length >= 0 else {
            throw MalformedFrame(error: .protocolError("a frame of \(length) bytes"), stream: max(0, stream), version: version)
        }
        return FrameHeader(
            version: version, isResponse: readsResponses, flags: .init(rawValue: flags), stream: stream, opcode: opcode, length: Int(length)
        )
    }

    func tooLong(_ header: FrameHeader) -> MalformedFrame {
        MalformedFrame(
            error: .invalid(
                readsResponses
                    ? "an answer of \(header.length) bytes is longer than \(bodyBytesMax)"
                    : "Request is too big: length \(header.length) exceeds maximum allowed length \(bodyBytesMax)."),
            stream: header.stream, version: header.version)
    }

    func malformed(_ message: String, _ stream: Int16 = 0) -> MalformedFrame {
        MalformedFrame(error: .protocolError(message), stream: max(0, stream), version: version)
    }
}

/// Bytes that arrived and are not taken yet. What arrives at an empty one is kept as it is; what arrives later is appended, to a
/// buffer of the size that is needed, so that slices which are out (``isShared``) are neither moved nor make every append a copy.
private struct Accumulator: Sendable {
    var buffer = ByteBuffer()
    var isShared = false
    /// How many bytes the frame at the front has, when that is known.
    var needed = 0

    mutating func append(_ bytes: ByteBuffer) {
        guard buffer.readableBytes > 0 else {
            buffer = bytes
            isShared = true
            return
        }
        if isShared {
            var whole = ByteBufferAllocator().buffer(capacity: max(needed, buffer.readableBytes + bytes.readableBytes))
            whole.writeImmutableBuffer(buffer)
            buffer = whole
            isShared = false
        }
        buffer.writeImmutableBuffer(bytes)
    }
}
