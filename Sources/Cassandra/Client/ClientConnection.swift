internal import IO
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOPosix

/// One connection to one host: requests from any thread, pipelined over its streams.
///
/// Callers put requests into the outbox under a short lock; the event loop takes all that have come in one hop and writes them in one
/// flush.
final class ClientConnection: Sendable {
    struct Pending: Sendable {
        let opcode: Opcode
        let body: ByteBuffer
        let deadline: NIODeadline
        let continuation: CheckedContinuation<Frame, any Error>
    }

    struct Outbox: Sendable {
        var pending: [Pending] = []
        var isScheduled = false
        /// Requests that have no stream yet, in `pending` or with the handler.
        var queued = 0
        /// Set once the connection is of no more use.
        var failure: CassandraClientError?
    }

    let endpoint: Endpoint
    let version: ProtocolVersion
    private let channel: any Channel
    private let handler: NIOLoopBound<ClientConnectionHandler>
    private let outbox: NIOLockedValueBox<Outbox>
    private let waitingMax: Int
    private let requestTimeout: Duration

    private init(
        endpoint: Endpoint, version: ProtocolVersion, channel: any Channel, handler: NIOLoopBound<ClientConnectionHandler>,
        outbox: NIOLockedValueBox<Outbox>, configuration: CassandraClientConfiguration
    ) {
        self.endpoint = endpoint
        self.version = version
        self.channel = channel
        self.handler = handler
        self.outbox = outbox
        waitingMax = configuration.waitingMax
        requestTimeout = configuration.requestTimeout
    }

    /// Connects and shakes hands in exactly that version.
    ///
    /// - Throws: ``CassandraClientError``: `.server` for the server's refusal.
    static func connect(
        to endpoint: Endpoint, version: ProtocolVersion, configuration: CassandraClientConfiguration
    ) async throws -> ClientConnection {
        let outbox = NIOLockedValueBox(Outbox())
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let ready = loop.makePromise(of: NIOLoopBound<ClientConnectionHandler>.self)
        let limit = TimeAmount(configuration.connectTimeout)
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(limit)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = ClientConnectionHandler(
                        endpoint: endpoint, version: version, configuration: configuration, outbox: outbox, ready: ready)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
        let channel: any Channel
        do {
            channel = try await bootstrap.connect(host: endpoint.host, port: endpoint.port).get()
        } catch {
            ready.fail(error)
            throw CassandraClientError(.cannotConnect(Self.reason(error)), host: endpoint)
        }
        let timeout = loop.scheduleTask(in: limit) { channel.close(promise: nil) }
        let handler = try await ready.futureResult.get()
        timeout.cancel()
        return ClientConnection(
            endpoint: endpoint, version: version, channel: channel, handler: handler, outbox: outbox, configuration: configuration)
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            if let dns = error.dnsAError ?? error.dnsAAAAError { return "\(dns)" }
            return error.connectionErrors.first.map { reason($0.error) } ?? "no address"
        case let error as IOError:
            return IOErrorText.text(error.errnoCode)
        case ChannelError.connectTimeout:
            return "no answer within the connect time-out"
        default:
            return "\(error)"
        }
    }

    var isUsable: Bool { outbox.withLockedValue { $0.failure == nil } }
    /// Requests that wait for a stream; a measure of load.
    var queuedCount: Int { outbox.withLockedValue { $0.queued } }

    /// Sends one request and returns its answer, an ERROR too.
    ///
    /// - Throws: ``CassandraClientError``.
    func send(_ opcode: Opcode, _ body: ByteBuffer) async throws -> Frame {
        try await withCheckedThrowingContinuation { continuation in
            let pending = Pending(
                opcode: opcode, body: body, deadline: .now() + TimeAmount(requestTimeout), continuation: continuation)
            let (isFirst, failure) = outbox.withLockedValue { outbox -> (Bool, CassandraClientError?) in
                if let failure = outbox.failure { return (false, failure) }
                guard outbox.queued < waitingMax else {
                    return (false, CassandraClientError(.tooManyWaiting(outbox.queued), host: endpoint))
                }
                outbox.pending.append(pending)
                outbox.queued += 1
                let isFirst = !outbox.isScheduled
                outbox.isScheduled = true
                return (isFirst, nil)
            }
            if let failure { return continuation.resume(throwing: failure) }
            if isFirst { channel.eventLoop.execute { [handler] in handler.value.drain() } }
        }
    }

    /// Sends one request and reads its RESULT.
    ///
    /// - Throws: ``CassandraClientError``, for an ERROR too.
    func request(_ opcode: Opcode, _ body: ByteBuffer) async throws -> (result: ResultMessage, warnings: [String]) {
        var frame = try await send(opcode, body)
        let outcome: Result<(ResultMessage, [String]), CQLError>
        do throws(CQLError) {
            let warnings = try frame.readWarnings()
            switch frame.header.opcode {
            case .result: outcome = .success((try ResultMessage(from: &frame.body, version: version), warnings))
            case .error: outcome = .failure(try CQLError(from: &frame.body, version: version))
            default: throw .protocolError("\(frame.header.opcode.name) in answer to \(opcode.name)")
            }
        } catch {
            throw CassandraClientError(.badAnswer(error), host: endpoint)
        }
        switch outcome {
        case .success(let answer): return answer
        case .failure(let error): throw CassandraClientError(.server(error), host: endpoint)
        }
    }

    func prepare(_ statement: String) async throws -> ResultMessage.Prepared {
        var body = ByteBuffer()
        Prepare(statement: statement).write(to: &body, version: version)
        guard case .prepared(let prepared) = try await request(.prepare, body).result else {
            throw CassandraClientError(.badAnswer(.protocolError("the answer to PREPARE is none")), host: endpoint)
        }
        return prepared
    }

    func close() async {
        try? await channel.close().get()
    }
}

extension TimeAmount {
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self = .nanoseconds(
            seconds.multipliedReportingOverflow(by: 1_000_000_000).overflow
                ? .max / 4 : seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
