internal import IO
internal import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// One TCP connection to a broker: requests go out as they come, responses come back in the same order.
///
/// Kafka answers a connection's requests one after the other, so that a response belongs to the oldest request without one; the
/// correlation id is held against it. A request without an answer in time closes the connection, since all that follow wait behind it.
final class BrokerConnection: Sendable {
    let endpoint: Endpoint
    private let channel: any Channel
    private let handler: NIOLoopBound<ResponseHandler>
    private let correlation = Atomic<Int32>(0)
    /// The versions that the broker serves, by API key; set by the handshake before the connection is handed out.
    let versions: NIOLockedValueBox<[Int16: ClosedRange<Int16>]> = NIOLockedValueBox([:])

    private init(endpoint: Endpoint, channel: any Channel, handler: NIOLoopBound<ResponseHandler>) {
        self.endpoint = endpoint
        self.channel = channel
        self.handler = handler
    }

    /// Connects and asks for the versions that the broker serves.
    ///
    /// - Throws: ``KafkaError/unreachable(_:reason:isAdvertised:)``, or what the first request met.
    static func dial(
        _ endpoint: Endpoint, isAdvertised: Bool, clientID: String, limits: ConnectionLimits, logger: Logger
    ) async throws -> BrokerConnection {
        let connection = try await connect(endpoint, isAdvertised: isAdvertised, limits: limits, logger: logger)
        do {
            try await connection.handshake(clientID: clientID, timeout: limits.requestTimeout)
        } catch {
            await connection.close()
            throw error
        }
        return connection
    }

    private static func connect(
        _ endpoint: Endpoint, isAdvertised: Bool, limits: ConnectionLimits, logger: Logger
    ) async throws -> BrokerConnection {
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(TimeAmount(limits.connectTimeout))
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelOption(.maxMessagesPerRead, value: 4)
            .channelOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 4 << 10, initial: 16 << 10, maximum: 1 << 20))
        do {
            let (channel, handler) = try await bootstrap.connect(host: endpoint.host, port: endpoint.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = ResponseHandler(endpoint: endpoint, responseBytesMax: limits.responseBytesMax, logger: logger)
                    try channel.pipeline.syncOperations.addHandler(handler)
                    return (channel, NIOLoopBound(handler, eventLoop: channel.eventLoop))
                }
            }
            return BrokerConnection(endpoint: endpoint, channel: channel, handler: handler)
        } catch let error as CancellationError {
            throw error
        } catch {
            throw KafkaError.unreachable([endpoint], reason: Self.reason(error, endpoint), isAdvertised: isAdvertised)
        }
    }

    func nextCorrelationID() -> Int32 {
        correlation.wrappingAdd(1, ordering: .relaxed).newValue & Int32.max
    }

    var isOpen: Bool { channel.isActive }

    /// Called on the event loop when the connection has closed.
    func whenClosed(_ body: @escaping @Sendable () -> Void) {
        channel.closeFuture.whenComplete { _ in body() }
    }

    /// Writes a frame and awaits its response.
    ///
    /// - Parameters:
    ///   - frame: the whole request, its length first.
    ///   - onSettled: called once when the response has come or never will, also when the caller is gone.
    /// - Returns: the response, its correlation id checked and read.
    func roundTrip(
        _ frame: ByteBuffer, correlationID: Int32, operation: String, timeout: Duration, onSettled: @escaping @Sendable () -> Void = {}
    ) async throws -> ByteBuffer {
        let completion = Completion<ByteBuffer>()
        let handler = self.handler
        let request = PendingRequest(
            correlationID: correlationID, operation: operation, timeout: timeout, completion: completion, onSettled: onSettled)
        channel.eventLoop.execute { handler.value.send(frame, request) }
        return try await completion.value()
    }

    /// Sends a request in the highest version that both ends know.
    ///
    /// - Parameters:
    ///   - versionMax: the highest that this client uses, where it is below what the protocol layer reads.
    ///   - onSettled: called once when the answer has come or never will, whatever becomes of the caller.
    /// - Returns: the answer, and the bytes that it was read from, without the response's header.
    func call<Request: KafkaRequest>(
        _ request: Request, clientID: String, versionMax: Int16 = .max, timeout: Duration,
        onSettled: @escaping @Sendable () -> Void = {}
    ) async throws -> (response: Request.Response, body: ByteBuffer) {
        let version: Int16
        let frame: ByteBuffer
        let correlationID = nextCorrelationID()
        do {
            version = try chosenVersion(Request.self, versionMax: versionMax)
            frame = try request.frame(
                version: version, correlationID: correlationID, clientID: clientID, allocator: ByteBufferAllocator())
        } catch {
            onSettled()
            throw error
        }
        var body = try await roundTrip(
            frame, correlationID: correlationID, operation: "\(Request.key)", timeout: timeout, onSettled: onSettled)
        do {
            if Request.responseHeaderIsFlexible(version) { try Self.skipTags(&body) }
            return (try Request.decodeResponse(body, version: version), body)
        } catch {
            throw KafkaError.malformedResponse(endpoint, operation: "\(Request.key)", reason: error.problem)
        }
    }

    func chosenVersion<Request: KafkaRequest>(_ request: Request.Type, versionMax: Int16 = .max) throws(KafkaError) -> Int16 {
        let served = Request.versions.served
        guard let offered = versions.withLockedValue({ $0[Request.key.rawValue] }) else {
            throw .unsupportedVersion(endpoint, operation: "\(Request.key)", offered: nil)
        }
        let highest = min(served.upperBound, offered.upperBound, versionMax)
        guard highest >= max(served.lowerBound, offered.lowerBound) else {
            throw .unsupportedVersion(endpoint, operation: "\(Request.key)", offered: offered)
        }
        return highest
    }

    /// Asks which versions the broker serves.
    ///
    /// KIP-511: a broker that does not know the version asked in answers in version 0, with UNSUPPORTED_VERSION and, from Kafka 2.4
    /// on, with the versions of ApiVersions itself.
    func handshake(clientID: String, timeout: Duration) async throws {
        var version: Int16 = 3
        while true {
            let request = APIVersionsRequest(clientSoftwareName: "leat", clientSoftwareVersion: "1.0")
            let correlationID = nextCorrelationID()
            let frame = try request.frame(
                version: version, correlationID: correlationID, clientID: clientID, allocator: ByteBufferAllocator())
            let body = try await roundTrip(frame, correlationID: correlationID, operation: "ApiVersions", timeout: timeout)
            let code = ErrorCode(rawValue: body.getInteger(at: body.readerIndex) ?? -1)
            if code == .unsupportedVersion, version > 0 {
                let answer = try? APIVersionsRequest.decodeResponse(body, version: 0)
                let offered = answer?.keys.first { $0.key == APIKey.apiVersions.rawValue }?.maxVersion ?? 0
                version = max(0, min(version - 1, offered))
                continue
            }
            guard code == .none else {
                throw KafkaError.refused(code, operation: "ApiVersions", subject: "this client", broker: endpoint, message: nil)
            }
            do {
                let answer = try APIVersionsRequest.decodeResponse(body, version: version)
                let ranges = answer.keys.filter { $0.minVersion <= $0.maxVersion }.map { ($0.key, $0.minVersion...$0.maxVersion) }
                versions.withLockedValue { $0 = Dictionary(ranges) { $1 } }
                return
            } catch {
                throw KafkaError.malformedResponse(endpoint, operation: "ApiVersions", reason: error.problem)
            }
        }
    }

    private static func skipTags(_ body: inout ByteBuffer) throws(WireError) {
        var decoder = WireDecoder(body, version: 0, flexible: true)
        try decoder.tags()
        body = decoder.buffer
    }

    func close() async {
        try? await channel.close()
    }

    private static func reason(_ error: any Error, _ endpoint: Endpoint) -> String {
        switch error {
        case let error as NIOConnectionError:
            if let first = error.connectionErrors.first { return Self.reason(first.error, endpoint) }
            return "the name '\(endpoint.host)' is not known"
        case let error as IOError where error.errnoCode == ECONNREFUSED: return "nothing listens there"
        case let error as ChannelError:
            if case .connectTimeout(let after) = error { return "no answer within \(after.nanoseconds / 1_000_000) ms" }
            return "\(error)"
        default: return "\(error)"
        }
    }
}

struct ConnectionLimits: Sendable {
    var connectTimeout: Duration
    var requestTimeout: Duration
    var responseBytesMax: Int
}

/// A request that is written and not yet answered.
struct PendingRequest: Sendable {
    let correlationID: Int32
    let operation: String
    let timeout: Duration
    let completion: Completion<ByteBuffer>
    let onSettled: @Sendable () -> Void

    func settle(_ result: Result<ByteBuffer, any Error>) {
        completion.settle(result)
        onSettled()
    }
}

/// Pairs responses with requests on a connection's event loop.
final class ResponseHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let endpoint: Endpoint
    private let logger: Logger
    private var assembler: ResponseAssembler
    private var pending = CircularBuffer<(request: PendingRequest, timeout: Scheduled<Void>)>()
    private var context: ChannelHandlerContext?
    private var failure: KafkaError?

    init(endpoint: Endpoint, responseBytesMax: Int, logger: Logger) {
        self.endpoint = endpoint
        self.logger = logger
        assembler = ResponseAssembler(responseBytesMax: responseBytesMax)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        failAll()
    }

    func send(_ frame: ByteBuffer, _ request: PendingRequest) {
        guard let context, context.channel.isActive, failure == nil else {
            request.settle(.failure(failure ?? KafkaError.disconnected(endpoint, operation: request.operation)))
            return
        }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let timeout = context.eventLoop.scheduleTask(in: TimeAmount(request.timeout)) {
            bound.value.fail(KafkaError.requestTimedOut(bound.value.endpoint, operation: request.operation, after: request.timeout))
        }
        pending.append((request, timeout))
        context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        do {
            while let response = try assembler.next(from: &bytes) { receive(response) }
        } catch {
            fail(
                .malformedResponse(endpoint, operation: pending.first?.request.operation ?? "none", reason: "its length is \(error.length)")
            )
        }
    }

    private func receive(_ response: ByteBuffer) {
        guard failure == nil else { return }
        var response = response
        guard let (request, timeout) = pending.popFirst() else {
            fail(.malformedResponse(endpoint, operation: "none", reason: "no request waits for it"))
            return
        }
        timeout.cancel()
        let id = response.readInteger(as: Int32.self)
        guard id == request.correlationID else {
            let error = KafkaError.malformedResponse(
                endpoint, operation: request.operation, reason: "its correlation id is \(id ?? -1) instead of \(request.correlationID)")
            request.settle(.failure(error))
            fail(error)
            return
        }
        request.settle(.success(response))
    }

    func channelInactive(context: ChannelHandlerContext) {
        failAll()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        logger.debug("a connection failed", metadata: ["broker": "\(endpoint)", "error": "\(error)"])
        context.close(promise: nil)
    }

    private func fail(_ error: KafkaError) {
        guard failure == nil else { return }
        failure = error
        logger.debug("closing a connection", metadata: ["broker": "\(endpoint)", "error": "\(error.problem)"])
        failAll()
        context?.close(promise: nil)
    }

    private func failAll() {
        while let (request, timeout) = pending.popFirst() {
            timeout.cancel()
            request.settle(.failure(failure ?? KafkaError.disconnected(endpoint, operation: request.operation)))
        }
    }
}

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif
