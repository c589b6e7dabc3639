internal import NIOCore

/// Record bytes of a fetch response, sent as they lie.
enum Payload: Sendable {
    case file(SegmentFile, Range<Int>)
    case buffer(ByteBuffer)

    var length: Int {
        switch self {
        case .file(_, let range): range.count
        case .buffer(let buffer): buffer.readableBytes
        }
    }

    var memoryBytes: Int { if case .buffer(let buffer) = self { buffer.readableBytes } else { 0 } }
}

/// The answer that is owed to one request. It may be given from any thread, once; answers leave in the order of the requests.
struct Reply<Request: KafkaRequest>: Sendable {
    let connection: NIOLoopBound<KafkaConnection>
    let eventLoop: any EventLoop
    let sequence: Int
    let version: Int16
    let correlationID: Int32

    /// - Parameter held: what the connection was told to hold for this answer (``KafkaConnection/hold(_:)``).
    func send(_ response: Request.Response, payloads: [Payload] = [], held: Int = 0) {
        if eventLoop.inEventLoop {
            connection.value.complete(self, response, payloads, held: held)
        } else {
            eventLoop.execute { connection.value.complete(self, response, payloads, held: held) }
        }
    }

    /// Nothing is sent: a produce with acks=0.
    func sendNothing() {
        if eventLoop.inEventLoop {
            connection.value.completeWithoutAnswer(sequence)
        } else {
            eventLoop.execute { connection.value.completeWithoutAnswer(sequence) }
        }
    }

    /// The connection is closed instead of an answer that the client does not want.
    func refuseSilently(_ reason: String) {
        if eventLoop.inEventLoop {
            connection.value.closeWithoutAnswer(reason)
        } else {
            eventLoop.execute { connection.value.closeWithoutAnswer(reason) }
        }
    }
}
