internal import DequeModule
internal import IO
internal import Logging
internal import NIOCore

/// One client's connection: cuts frames, hands requests to the node, and writes the answers in the order of the requests.
///
/// Requests of one connection are worked on side by side (a fetch may wait while a produce is answered), up to a bound beyond
/// which the socket is not read; nor is it while the client does not read its answers, or while answers that hold memory wait for their
/// turn. Bytes that are no request end the connection with an error in the log, and nothing else.
final class KafkaConnection: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private enum Slot {
        case waiting
        case nothing
        case ready(ByteBuffer, externals: [(offset: Int, length: Int)], payloads: [Payload])
    }

    let node: BrokerNode
    let listener: Listener
    private let receiver: FrameReceiver
    private var context: ChannelHandlerContext?
    private var slots: Deque<Slot> = []
    /// The sequence number of the first slot.
    private var firstSequence = 0
    private var isReadWanted = false
    private var isProcessing = false
    private(set) var isClosing = false
    private(set) var clientHost = ""
    private let inFlightMax: Int
    private let answerBytesMax: Int
    /// Bytes of answers that are in memory and wait for an earlier one, or are being read from files.
    private var heldBytes = 0
    /// Fetches that wait, to be let go when the connection ends.
    var waiters: [ObjectIdentifier: FetchWaiter] = [:]

    init(node: BrokerNode, listener: Listener, receiver: FrameReceiver) {
        self.node = node
        self.listener = listener
        self.receiver = receiver
        inFlightMax = node.limits.inFlightMax
        answerBytesMax = node.limits.answerBytesMax
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        clientHost = context.remoteAddress?.ipAddress ?? ""
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelInactive(context: ChannelHandlerContext) {
        isClosing = true
        // Each takes itself out.
        let abandoned = Array(waiters.values)
        for waiter in abandoned { waiter.abandon() }
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosing else { return }
        do {
            try receiver.receive(unwrapInboundIn(data))
        } catch {
            return fail(error)
        }
        process()
    }

    func read(context: ChannelHandlerContext) {
        guard mayRead else { return isReadWanted = true }
        context.read()
    }

    /// A peer that died without a word is let go of, as one that has nothing to ask for is. A fetch that waits is something.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event is IdleStateHandler.IdleStateEvent else { return context.fireUserInboundEventTriggered(event) }
        guard slots.isEmpty else { return }
        node.logger.debug("an idle connection was closed", metadata: ["client": "\(clientHost)"])
        context.close(promise: nil)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { process() }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        node.logger.debug("a connection failed", metadata: ["client": "\(clientHost)", "error": "\(error)"])
        context.close(promise: nil)
    }

    private var mayRead: Bool {
        slots.count < inFlightMax && heldBytes < answerBytesMax && (context?.channel.isWritable ?? false) && !isClosing
    }

    /// Bytes that are on their way from a file to an answer; `complete` counts what they became.
    func hold(_ bytes: Int) { heldBytes += bytes }

    /// Works on the frames that are there, as far as the bound allows, and writes what has become ready.
    private func process() {
        guard !isProcessing, let context else { return }
        isProcessing = true
        do {
            // What is answered at once makes room for further frames that are here already.
            var isMore: Bool
            repeat {
                isMore = false
                while mayRead, let frame = try receiver.next() {
                    isMore = true
                    try handle(frame)
                }
                writeReady(context)
            } while isMore && mayRead
        } catch {
            fail(error)
        }
        isProcessing = false
        if isReadWanted, mayRead {
            isReadWanted = false
            context.read()
        }
    }

    private func fail(_ error: any Error) {
        isClosing = true
        node.logger.error(
            "a connection sent what is no Kafka request and was closed",
            metadata: ["client": "\(clientHost)", "listener": "\(listener.name)", "error": "\(error)"])
        context?.close(promise: nil)
    }

    private func handle(_ frame: ByteBuffer) throws(WireError) {
        let (rawKey, version, correlationID) = try RequestHeader.peek(frame)
        guard let key = APIKey(rawValue: rawKey) else { throw .unknownAPI(rawKey) }
        let versions = APIVersionTable.versions(key)
        if !versions.served.contains(version) {
            guard key == .apiVersions else { throw .unservedVersion(api: key, version: version) }
            // KIP-511: in v0, with the list, so that the client can choose again.
            var answer = APIVersionsResponse.advertised
            answer.error = .unsupportedVersion
            reply(APIVersionsRequest.self, version: 0, correlationID).send(answer)
            return
        }
        var body = frame
        let header = try RequestHeader(reading: &body, flexible: versions.isFlexible(version))
        try node.dispatch(key, header, body, on: self)
    }

    /// Opens a slot for an answer.
    func reply<Request: KafkaRequest>(_: Request.Type, version: Int16, _ correlationID: Int32) -> Reply<Request> {
        let context = self.context!
        slots.append(.waiting)
        return Reply(
            connection: NIOLoopBound(self, eventLoop: context.eventLoop), eventLoop: context.eventLoop,
            sequence: firstSequence + slots.count - 1, version: version, correlationID: correlationID)
    }

    /// - Parameter held: what ``hold(_:)`` was told of this answer.
    func complete<Request: KafkaRequest>(_ reply: Reply<Request>, _ response: Request.Response, _ payloads: [Payload], held: Int) {
        heldBytes -= held
        guard let context, !isClosing else { return }
        do throws(WireError) {
            let (buffer, externals) = try Request.responseFrame(
                response, version: reply.version, correlationID: reply.correlationID, allocator: context.channel.allocator)
            heldBytes += Self.bytes(buffer, payloads)
            slots[reply.sequence - firstSequence] = .ready(buffer, externals: externals, payloads: payloads)
        } catch {
            return fail(error)
        }
        finish(context)
    }

    func completeWithoutAnswer(_ sequence: Int) {
        guard let context, !isClosing else { return }
        slots[sequence - firstSequence] = .nothing
        finish(context)
    }

    /// Closes, as Kafka does, where a producer that wants no answers has to learn that something was refused.
    func closeWithoutAnswer(_ reason: String) {
        guard let context, !isClosing else { return }
        isClosing = true
        node.logger.warning(
            "a connection was closed, since its producer wants no answers (acks=0) and a batch was refused",
            metadata: ["client": "\(clientHost)", "reason": "\(reason)"])
        context.close(promise: nil)
    }

    private func finish(_ context: ChannelHandlerContext) {
        guard !isProcessing else { return }
        writeReady(context)
        process()
    }

    private func writeReady(_ context: ChannelHandlerContext) {
        var wrote = false
        loop: while let first = slots.first {
            switch first {
            case .waiting:
                break loop
            case .nothing:
                break
            case .ready(let buffer, let externals, let payloads):
                heldBytes -= Self.bytes(buffer, payloads)
                write(context, buffer, externals, payloads)
                wrote = true
            }
            slots.removeFirst()
            firstSequence += 1
        }
        if wrote { context.flush() }
    }

    private static func bytes(_ buffer: ByteBuffer, _ payloads: [Payload]) -> Int {
        payloads.reduce(buffer.readableBytes) { $0 + $1.memoryBytes }
    }

    private func write(
        _ context: ChannelHandlerContext, _ buffer: ByteBuffer, _ externals: [(offset: Int, length: Int)], _ payloads: [Payload]
    ) {
        var rest = buffer
        for (external, payload) in zip(externals, payloads) {
            if let part = rest.readSlice(length: external.offset - rest.readerIndex) {
                context.write(wrapOutboundOut(.byteBuffer(part)), promise: nil)
            }
            switch payload {
            case .buffer(let bytes):
                context.write(wrapOutboundOut(.byteBuffer(bytes)), promise: nil)
            case .file(let file, let range):
                do throws(FileError) {
                    let handle = try file.fileHandle()
                    let region = FileRegion(fileHandle: handle, readerIndex: range.lowerBound, endIndex: range.upperBound)
                    let promise = context.eventLoop.makePromise(of: Void.self)
                    promise.futureResult.whenComplete { _ in try? handle.close() }
                    context.write(wrapOutboundOut(.fileRegion(region)), promise: promise)
                } catch {
                    node.logger.error("a segment cannot be sent", metadata: ["error": "\(error)"])
                    isClosing = true
                    return context.close(promise: nil)
                }
            }
        }
        if rest.readableBytes > 0 { context.write(wrapOutboundOut(.byteBuffer(rest)), promise: nil) }
    }
}

/// The versions by key, looked up once for each request.
enum APIVersionTable {
    private static let table: [APIVersions?] = {
        var table = [APIVersions?](repeating: nil, count: Int(APIKey.allCases.map(\.rawValue).max() ?? 0) + 1)
        for key in APIKey.allCases { table[Int(key.rawValue)] = key.versions }
        return table
    }()

    static func versions(_ key: APIKey) -> APIVersions { table[Int(key.rawValue)]! }
}
