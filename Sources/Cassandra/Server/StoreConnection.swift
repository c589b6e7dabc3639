internal import Logging
internal import NIOCore

/// One connection of the store's listener: frames in, statements to the engine, answers out as they are done.
///
/// All of it runs on the connection's event loop but for the engine, which completes on its own threads and posts to the
/// ``CompletionMailbox``. Answers go out in the order in which they are done: the stream id tells the client which is which. What goes
/// wrong with one statement is an ERROR on its stream; what goes wrong with the bytes themselves ends this connection, after an ERROR
/// that says why.
final class StoreConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Phase {
        case awaitingStartup
        case serving
        /// An error was sent, or the store is stopping; nothing more is read.
        case ending
    }

    /// A statement that was taken from a frame.
    private struct PendingRequest {
        let plan: PlannedStatement
        let request: StatementRequest
        let stream: Int16
        let frameBytes: Int32
        let skipsMetadata: Bool
        let clientMetadataID: [UInt8]?
        let answer: CQLEngine.AnswerSize
    }

    let service: StatementService
    private(set) var version = ProtocolVersion.v4
    private(set) var keyspace: String?
    private var phase = Phase.awaitingStartup
    private var decoder: FrameDecoder
    private var encoder = FrameEncoder(isServer: true)
    private var admission: RequestAdmission
    private let mailbox: CompletionMailbox
    private var drained: [CompletionMailbox.Completion] = []
    /// Requests that were taken and wait until there is room for their answers.
    private var waiting = CircularBuffer<PendingRequest>()
    /// A queue of the store is full: it calls when there is room.
    private var isWaitingForStore = false
    private var context: ChannelHandlerContext?
    /// A read that the channel was not granted, as the bounds were reached.
    private var isReadHeldBack = false
    private var isAdmitted = false
    private var isReading = false

    init(service: StatementService, eventLoop: any EventLoop) {
        self.service = service
        let configuration = service.configuration
        decoder = FrameDecoder(readsResponses: false, bodyBytesMax: configuration.requestBytesMax)
        admission = RequestAdmission(
            requestsMax: configuration.inFlightMax, bytesMax: configuration.inFlightBytesMax, answersMax: configuration.answerBytesMax)
        mailbox = CompletionMailbox(eventLoop: eventLoop)
    }

    private var id: ObjectIdentifier { ObjectIdentifier(self) }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        mailbox.attach(bound)
        isAdmitted = service.connections.add(bound, id: id)
        if !isAdmitted {
            service.logger.warning(
                "connection refused: too many",
                metadata: ["max": "\(service.configuration.connectionsMax)", "setting": "store.connections"])
            context.close(promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { leave() }
    func channelInactive(context: ChannelHandlerContext) { leave() }

    private func leave() {
        context = nil
        phase = .ending
        admission.isEnding = true
        waiting.removeAll()
        mailbox.attach(nil)
        if isAdmitted { service.connections.remove(id) }
        isAdmitted = false
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard phase != .ending else { return }
        decoder.append(unwrapInboundIn(data))
        isReading = true
        takeRequests()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        // What was answered at once (and what the engine completed meanwhile) leaves in one write.
        flush()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        admission.isWritable = context.channel.isWritable
        if admission.isWritable { resume() } else { setAutoRead() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        service.logger.debug("connection failed", metadata: ["error": "\(error)"])
        context.close(promise: nil)
    }

    private func takeRequests() {
        // Answers that are made at once are looked at between requests: they leave with the next drain, which comes back here.
        while admission.takesRequests, mailbox.byteCount < admission.answersMax, !waitsForStore() {
            do throws(MalformedFrame) {
                guard let frame = try decoder.next() else { break }
                handle(frame)
            } catch {
                guard error.isPassed else {
                    end(error)
                    break
                }
                answer(error.stream, error.error)
            }
        }
        setAutoRead()
    }

    /// Whether a queue of the store is full: then it has been asked to call.
    private func waitsForStore() -> Bool {
        while !isWaitingForStore, let gate = service.engine.closedGate, let context {
            let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
            isWaitingForStore = gate.wait {
                bound.onLoop { connection in
                    connection.isWaitingForStore = false
                    connection.resume()
                }
            }
        }
        return isWaitingForStore
    }

    private func resume() {
        beginWaiting()
        takeRequests()
        if !isReading { flush() }
    }

    /// Reads while requests are taken; beyond the bounds, bytes stay in the socket.
    private func setAutoRead() {
        guard let context, phase != .ending else { return }
        let holdsBack = !admission.takesRequests || isWaitingForStore
        guard holdsBack != isReadHeldBack else { return }
        isReadHeldBack = holdsBack
        context.channel.setOption(.autoRead, value: !holdsBack).whenFailure { _ in }
    }

    // MARK: Requests

    private func handle(_ frame: Frame) {
        var frame = frame
        let stream = frame.header.stream
        version = frame.header.version
        do throws(CQLError) {
            guard !frame.header.flags.contains(.compression) else {
                throw .protocolError("this connection was opened without compression, and the frame says that it is compressed")
            }
            try frame.skipCustomPayload()
            switch (phase, frame.header.opcode) {
            case (_, .options): answer(stream, .supported) { Self.supported.write(to: &$0) }
            case (.awaitingStartup, .startup): try startup(&frame)
            case (.awaitingStartup, let opcode):
                throw .protocolError("Unexpected message \(opcode.name), expecting STARTUP or OPTIONS")
            case (_, .query): try query(&frame)
            case (_, .prepare): try prepare(&frame)
            case (_, .execute): try execute(&frame)
            case (_, .batch): try batch(&frame)
            case (_, .register):
                let register = try Register(from: &frame.body)
                if let context, register.events.contains(.schemaChange) {
                    service.connections.register(id, eventLoop: context.eventLoop)
                }
                answer(stream, .ready) { _ in }
            case (_, let opcode):
                throw .protocolError("Unexpected message \(opcode.name), expecting QUERY, PREPARE, EXECUTE, BATCH or REGISTER")
            }
        } catch {
            answer(stream, error)
        }
    }

    static let supported = Supported(options: [
        "CQL_VERSION": ["3.4.7"], "COMPRESSION": [],
        "PROTOCOL_VERSIONS": ProtocolVersion.allCases.map { "\($0.rawValue)/\($0)" },
    ])

    private func startup(_ frame: inout Frame) throws(CQLError) {
        let startup = try Startup(from: &frame.body)
        guard let cqlVersion = startup.cqlVersion else { throw .protocolError("Missing value CQL_VERSION in STARTUP message") }
        guard cqlVersion.hasPrefix("3.") else {
            throw .protocolError("CQL version \(cqlVersion) is not supported; supported is 3.x")
        }
        if let compression = startup.compression {
            throw .protocolError("Unknown compression algorithm: \(compression) (OPTIONS names those that are known)")
        }
        phase = .serving
        answer(frame.header.stream, .ready) { _ in }
        guard version >= .v5 else { return }
        // READY itself is the last plain frame.
        flush()
        decoder.beginSegments()
        encoder.beginSegments()
    }

    private func query(_ frame: inout Frame) throws(CQLError) {
        let query = try Query(from: &frame.body, version: version)
        let plan = try service.engine.prepare(query.statement, keyspace: query.parameters.request.keyspace ?? keyspace)
        try run(plan, query.parameters, frame, clientMetadataID: nil)
    }

    private func execute(_ frame: inout Frame) throws(CQLError) {
        let execute = try Execute(from: &frame.body, version: version)
        let plan = try service.plan(execute.id, version: version)
        try run(plan, execute.parameters, frame, clientMetadataID: execute.resultMetadataID)
    }

    private func run(
        _ plan: PlannedStatement, _ parameters: QueryParameters, _ frame: Frame, clientMetadataID: [UInt8]?
    ) throws(CQLError) {
        var request = parameters.request
        request.values = try request.values.bound(to: plan.bindColumns, names: parameters.names)
        if request.keyspace == nil { request.keyspace = keyspace }
        let frameBytes = take(frame)
        let pending = PendingRequest(
            plan: plan, request: request, stream: frame.header.stream, frameBytes: frameBytes, skipsMetadata: parameters.skipsMetadata,
            clientMetadataID: clientMetadataID, answer: service.engine.answerSize(plan, request))
        if case .small = pending.answer { return begin(pending, answerBytes: 0, isRow: false) }
        waiting.append(pending)
        beginWaiting()
    }

    /// Begins the requests that wait for room for their answers, in their order.
    private func beginWaiting() {
        while let first = waiting.first {
            var isRow = false
            let answerBytes: Int
            switch first.answer {
            case .small: answerBytes = 0
            case .row: (answerBytes, isRow) = (admission.rowBytes, true)
            case .upTo(let most): answerBytes = most
            }
            guard admission.mayBegin(answer: answerBytes) else { return }
            waiting.removeFirst()
            begin(first, answerBytes: answerBytes, isRow: isRow)
        }
    }

    private func begin(_ pending: PendingRequest, answerBytes: Int, isRow: Bool) {
        admission.began(answer: answerBytes)
        let metadata = pending.plan.resultMetadata
        service.engine.execute(pending.plan, pending.request) { [mailbox] result in
            mailbox.post(
                .init(
                    stream: pending.stream, requestBytes: pending.frameBytes, answerBytes: answerBytes, isRow: isRow,
                    skipsMetadata: pending.skipsMetadata, clientMetadataID: pending.clientMetadataID, preparedMetadata: metadata,
                    result: result))
        }
    }

    private func batch(_ frame: inout Frame) throws(CQLError) {
        let batch = try Batch(from: &frame.body, version: version)
        var request = batch.request
        if request.keyspace == nil { request.keyspace = keyspace }
        var planned: [(PlannedStatement, BoundValues)] = []
        planned.reserveCapacity(batch.statements.count)
        // The rows of a batch mostly are of one statement.
        var last: (id: PreparedID, plan: PlannedStatement)?
        for (statement, values) in batch.statements {
            let plan: PlannedStatement
            switch statement {
            case .text(let text):
                plan = try service.engine.prepare(text, keyspace: request.keyspace)
            case .prepared(let id):
                if let last, last.id == id {
                    plan = last.plan
                } else {
                    plan = try service.plan(id, version: version)
                    last = (id, plan)
                }
            }
            planned.append((plan, try values.bound(to: plan.bindColumns, names: nil)))
        }
        let stream = frame.header.stream, frameBytes = take(frame)
        service.engine.execute(batch: planned, kind: batch.kind, request) { [mailbox] result in
            mailbox.post(
                .init(
                    stream: stream, requestBytes: frameBytes, answerBytes: 0, isRow: false, skipsMetadata: false, clientMetadataID: nil,
                    preparedMetadata: nil, result: result))
        }
    }

    private func prepare(_ frame: inout Frame) throws(CQLError) {
        let prepare = try Prepare(from: &frame.body, version: version)
        let (id, plan) = try service.prepare(prepare.statement, keyspace: prepare.keyspace ?? keyspace)
        answer(frame.header.stream, .result) { [version] body in
            ResultMessage.writePrepared(
                id: id, bindColumns: plan.bindColumns, partitionKeyIndices: plan.partitionKeyBindIndices, result: plan.resultMetadata,
                to: &body, version: version)
        }
    }

    /// What the request counts for in the bytes that are worked on.
    private func take(_ frame: Frame) -> Int32 {
        let bytes = frame.header.length + FrameHeader.byteCount
        admission.took(bytes: bytes)
        return Int32(bytes)
    }

    // MARK: Answers

    /// Takes what the engine has finished, encodes it, writes it in one flush, and goes on with requests that waited.
    func drainMailbox() {
        mailbox.take(&drained)
        guard context != nil else {
            drained = []
            return
        }
        for completion in drained {
            if completion.isRow, case .success(.rows(let rows)) = completion.result {
                admission.answered(row: rows.content.readableBytes)
            }
            // The answer is written before its place is given away, so that the channel's state already counts it.
            answer(completion)
            admission.finished(bytes: Int(completion.requestBytes), answer: completion.answerBytes)
        }
        drained.removeAll(keepingCapacity: true)
        if phase == .ending, admission.requests == 0 { return close() }
        if !waiting.isEmpty {
            flush()
            beginWaiting()
        }
        takeRequests()
        flush()
    }

    private func answer(_ completion: CompletionMailbox.Completion) {
        switch completion.result {
        case .success(.void):
            answer(completion.stream, .result) { ResultMessage.writeVoid(to: &$0) }
        case .success(.rows(let rows)):
            // v3 has no warnings.
            let warns = !rows.warnings.isEmpty && version >= .v4
            answer(completion.stream, .result, flags: warns ? .warning : []) { [version] body in
                if warns { body.writeCQLStringList(rows.warnings) }
                // The table may have changed since the plan was looked up: then the client needs the columns that it has not seen.
                let isKnown = completion.preparedMetadata.map { $0 === rows.metadata || $0.id == rows.metadata.id } ?? false
                ResultMessage.writeRows(
                    rows, skipsMetadata: completion.skipsMetadata && isKnown, clientMetadataID: completion.clientMetadataID, to: &body,
                    version: version)
            }
        case .success(.setKeyspace(let name)):
            keyspace = name
            answer(completion.stream, .result) { ResultMessage.writeSetKeyspace(name, to: &$0) }
        case .success(.schemaChange(let change)):
            answer(completion.stream, .result) { ResultMessage.writeSchemaChange(change, to: &$0) }
        case .failure(let error):
            answer(completion.stream, error)
        }
        if encoder.byteCount > 256 << 10 { flush() }
    }

    private func answer(_ stream: Int16, _ error: CQLError) {
        if error.code == .serverError { service.logger.error("statement failed", metadata: ["error": "\(error.message)"]) }
        answer(stream, .error) { [version] body in error.write(to: &body, version: version) }
    }

    private func answer(_ stream: Int16, _ opcode: Opcode, flags: FrameHeader.Flags = [], body: (inout ByteBuffer) -> Void) {
        encoder.write(version, stream: stream, opcode, flags: flags, body: body)
    }

    func push(_ event: Event) {
        guard context != nil, phase == .serving else { return }
        // "EVENT messages have a stream id of -1".
        answer(-1, .event) { event.write(to: &$0) }
        flush()
    }

    private func flush() {
        guard let context, let bytes = encoder.take() else { return }
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }

    // MARK: The end

    /// Bytes that are no frames: nothing that follows them can be trusted.
    private func end(_ malformed: MalformedFrame) {
        // A version that is not known is how drivers find out which one is.
        let level: Logger.Level = malformed.error.message.hasPrefix("Invalid or unsupported protocol version") ? .debug : .info
        service.logger.log(level: level, "connection closed: malformed frame", metadata: ["error": "\(malformed.error.message)"])
        if let version = malformed.version { self.version = version }
        answer(malformed.stream, malformed.error)
        finish()
    }

    /// Answers what is being worked on, then closes; for stopping.
    func finish() {
        guard let context, phase != .ending else { return }
        phase = .ending
        admission.isEnding = true
        context.channel.setOption(.autoRead, value: false).whenFailure { _ in }
        flush()
        if admission.requests == 0 { close() }
    }

    /// Closes when the client has taken what was written; one that does not read is not waited for longer than stopping is.
    private func close() {
        flush()
        guard let context else { return }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        let late = context.eventLoop.scheduleTask(in: TimeAmount(service.configuration.stopTimeout)) { bound.value.close(promise: nil) }
        // An empty write completes after all that was written before it.
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in
            late.cancel()
            bound.value.close(promise: nil)
        }
    }

    /// Closes at once; what the client has not taken is dropped.
    func abort() { context?.close(promise: nil) }
}
