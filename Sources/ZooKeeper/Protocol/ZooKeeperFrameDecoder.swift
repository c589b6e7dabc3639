internal import NIOCore

/// Cuts a connection's bytes into what a ZooKeeper client sends: one four-letter word, or packets led by their length.
///
/// A word and a length share the first four bytes: every word is ASCII letters, which as a length would be over 1.6 GB and so
/// beyond any limit. Words are looked for at the very start only, as ZooKeeper does, and end the conversation.
struct ZooKeeperFrameDecoder: ByteToMessageDecoder {
    typealias InboundOut = Frame

    enum Frame: Equatable, Sendable {
        case word(String)
        case packet(ByteBuffer)
    }

    /// ZooKeeper's `jute.maxbuffer`.
    private let maximumBytes: Int
    private var isFirst = true
    private var isDone = false

    init(maximumBytes: Int) {
        self.maximumBytes = maximumBytes
    }

    mutating func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
        guard let frame = try next(&buffer) else { return .needMoreData }
        context.fireChannelRead(Self.wrapInboundOut(frame))
        return .continue
    }

    mutating func decodeLast(context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool) throws -> DecodingState {
        try decode(context: context, buffer: &buffer)
    }

    /// The next whole frame, or nil until more bytes are there.
    mutating func next(_ buffer: inout ByteBuffer) throws(ZooKeeperFrameError) -> Frame? {
        if isDone {
            buffer.clear()
            return nil
        }
        guard let length = buffer.getInteger(at: buffer.readerIndex, as: Int32.self) else { return nil }
        if isFirst, let word = buffer.getString(at: buffer.readerIndex, length: 4), word.utf8.allSatisfy({ 0x61...0x7a ~= $0 }) {
            buffer.moveReaderIndex(forwardBy: 4)
            isDone = true
            return .word(word)
        }
        guard length >= 0, length <= maximumBytes else { throw ZooKeeperFrameError(length: length, maximum: maximumBytes) }
        guard buffer.readableBytes >= 4 + Int(length) else { return nil }
        buffer.moveReaderIndex(forwardBy: 4)
        isFirst = false
        guard let packet = buffer.readSlice(length: Int(length)) else { return nil }
        return .packet(packet)
    }
}

/// A packet longer than the limit, or of negative length: the connection cannot be read on.
struct ZooKeeperFrameError: Error, Equatable {
    let length: Int32
    let maximum: Int
}
