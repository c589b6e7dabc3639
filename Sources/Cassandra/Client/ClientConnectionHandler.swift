internal import DequeModule
internal import IO
internal import NIOConcurrencyHelpers
internal import NIOCore

/// The event loop's half of a ``ClientConnection``: frames to streams and back, deadlines, the end.
final class ClientConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let endpoint: Endpoint
    private let version: ProtocolVersion
    private let requestTimeout: Duration
    private let outbox: NIOLockedValueBox<ClientConnection.Outbox>
    private var ready: EventLoopPromise<NIOLoopBound<ClientConnectionHandler>>?

    private var handshake: ClientHandshake
    private var decoder: FrameDecoder
    private var encoder = FrameEncoder(isServer: false)
    private var streams: StreamTable<ClientConnection.Pending>
    private var waiting: Deque<ClientConnection.Pending> = []
    private var context: ChannelHandlerContext?
    private var deadlines: RepeatedTask?
    private var failure: CassandraClientError?

    init(
        endpoint: Endpoint, version: ProtocolVersion, configuration: CassandraClientConfiguration,
        outbox: NIOLockedValueBox<ClientConnection.Outbox>, ready: EventLoopPromise<NIOLoopBound<ClientConnectionHandler>>
    ) {
        self.endpoint = endpoint
        self.version = version
        requestTimeout = configuration.requestTimeout
        self.outbox = outbox
        self.ready = ready
        let credentials = configuration.username.map { (user: $0, password: configuration.password ?? "") }
        handshake = ClientHandshake(version: version, keyspace: configuration.keyspace, credentials: credentials)
        decoder = FrameDecoder(readsResponses: true, bodyBytesMax: configuration.responseBytesMax)
        streams = StreamTable(capacity: min(max(1, configuration.inFlightMax), 32_768))
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { channelActive(context: context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        write(.startup, handshake.startup(), stream: 0)
        flush(context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        decoder.append(unwrapInboundIn(data))
        do throws(MalformedFrame) {
            while let frame = try decoder.next() { received(frame, context) }
        } catch {
            fail(CassandraClientError(.badAnswer(error.error), host: endpoint), context)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if !waiting.isEmpty { drain() }
    }

    private func received(_ frame: Frame, _ context: ChannelHandlerContext) {
        guard handshake.isFinished else { return shakeHands(frame, context) }
        // Events come on stream -1; nothing was registered for, so that none is waited for.
        if frame.header.stream < 0 { return }
        switch streams.answer(frame.header.stream) {
        case .request(let request): request.continuation.resume(returning: frame)
        case .late: break
        case .unknown:
            fail(
                CassandraClientError(
                    .badAnswer(.protocolError("an answer on stream \(frame.header.stream), where nothing was asked")), host: endpoint),
                context)
        }
    }

    private func shakeHands(_ frame: Frame, _ context: ChannelHandlerContext) {
        switch handshake.received(frame) {
        case .send(let opcode, let body, let beginsSegments):
            if beginsSegments { beginSegments() }
            write(opcode, body, stream: 0)
            flush(context)
        case .finish(let beginsSegments):
            if beginsSegments { beginSegments() }
            let interval = min(max(requestTimeout / 8, .milliseconds(20)), .seconds(1))
            let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
            deadlines = context.eventLoop.scheduleRepeatedTask(initialDelay: TimeAmount(interval), delay: TimeAmount(interval)) { _ in
                bound.value.checkDeadlines()
            }
            ready?.succeed(bound)
            ready = nil
        case .fail(let error):
            fail(CassandraClientError(.server(error), host: endpoint), context)
        }
    }

    private func beginSegments() {
        decoder.beginSegments()
        encoder.beginSegments()
    }

    private func write(_ opcode: Opcode, _ body: ByteBuffer, stream: Int16) {
        encoder.write(version, stream: stream, opcode) { $0.writeImmutableBuffer(body) }
    }

    private func flush(_ context: ChannelHandlerContext) {
        if let bytes = encoder.take() { context.writeAndFlush(wrapOutboundOut(bytes), promise: nil) }
    }

    /// Gives streams to requests that wait, and writes them.
    func drain() {
        let incoming = outbox.withLockedValue { outbox in
            outbox.isScheduled = false
            defer { outbox.pending.removeAll(keepingCapacity: true) }
            return outbox.pending
        }
        waiting.append(contentsOf: incoming)
        guard let context, failure == nil else { return failWaiting() }
        var written = 0
        // What the socket does not take waits here, under the callers' deadlines.
        while context.channel.isWritable || written == 0, streams.hasFree, let request = waiting.popFirst() {
            guard let stream = streams.take(request, deadline: request.deadline) else { break }
            write(request.opcode, request.body, stream: stream)
            written += 1
            if encoder.byteCount > 1 << 20 { flush(context) }
        }
        if written > 0 {
            outbox.withLockedValue { $0.queued -= written }
            flush(context)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable, !waiting.isEmpty { drain() }
        context.fireChannelWritabilityChanged()
    }

    private func checkDeadlines() {
        let now = NIODeadline.now()
        let timeout = CassandraClientError(.timedOut(requestTimeout), host: endpoint)
        for request in streams.expire(now: now) { request.continuation.resume(throwing: timeout) }
        let count = waiting.count
        waiting.removeAll { request in
            guard request.deadline <= now else { return false }
            request.continuation.resume(throwing: timeout)
            return true
        }
        let expired = count - waiting.count
        if expired > 0 { outbox.withLockedValue { $0.queued -= expired } }
        // A server that answers nothing any more is left, so that its streams are not lost one by one.
        if streams.abandonedCount > streams.capacity / 2, let context {
            fail(CassandraClientError(.connectionLost("half of its streams wait for late answers"), host: endpoint), context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let reason = (error as? IOError).map { IOErrorText.text($0.errnoCode) } ?? "\(error)"
        fail(CassandraClientError(.connectionLost(reason), host: endpoint), context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(CassandraClientError(.connectionLost("the server closed it"), host: endpoint), context)
    }

    private func fail(_ error: CassandraClientError, _ context: ChannelHandlerContext) {
        guard failure == nil else { return }
        failure = error
        deadlines?.cancel()
        let pending = outbox.withLockedValue { outbox in
            outbox.failure = error
            defer { outbox.pending = [] }
            return outbox.pending
        }
        waiting.append(contentsOf: pending)
        for request in streams.removeAll() { request.continuation.resume(throwing: error) }
        failWaiting()
        ready?.fail(error)
        ready = nil
        context.close(promise: nil)
    }

    private func failWaiting() {
        guard let failure else { return }
        for request in waiting { request.continuation.resume(throwing: failure) }
        waiting.removeAll()
    }
}
