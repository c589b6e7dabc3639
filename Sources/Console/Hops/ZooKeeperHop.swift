internal import IO
internal import NIOCore
internal import NIOPosix

/// ZooKeeper: asks `ruok` and expects `imok` (Administrator's guide, "The Four Letter Words"). It closes the connection after its answer.
struct ZooKeeperHop: Sendable {
    let endpoint: Endpoint
    let timeout: Duration

    func look(_: Interest) async throws -> (Void, detail: String) {
        let answer: String
        do {
            let promise = MultiThreadedEventLoopGroup.singleton.any().makePromise(of: String.self)
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(TimeAmount(timeout))
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(WordReader(promise: promise))
                    }
                }
                .connect(host: endpoint.host, port: endpoint.port).flatMapErrorThrowing {
                    promise.fail($0)
                    throw $0
                }.get()
            let late = channel.eventLoop.scheduleTask(in: TimeAmount(timeout)) { channel.close(promise: nil) }
            channel.writeAndFlush(ByteBuffer(string: "ruok"), promise: nil)
            answer = try await promise.futureResult.get()
            late.cancel()
        } catch {
            throw ConsoleError.unreachable(box: "ZooKeeper", reason: "\(endpoint): \(HTTPProbe.words(error))")
        }
        guard answer.hasPrefix("imok") else {
            let said = answer.isEmpty ? "nothing in time" : "'\(answer.prefix(80))'"
            throw ConsoleError.unreachable(box: "ZooKeeper", reason: "\(endpoint) answered ruok with \(said)")
        }
        return ((), detail: "imok")
    }

    /// Collects the few bytes of an answer until the other side closes, or more came than an answer has.
    private final class WordReader: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let promise: EventLoopPromise<String>
        private var text = ""

        init(promise: EventLoopPromise<String>) { self.promise = promise }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            text += String(buffer: unwrapInboundIn(data))
            if text.utf8.count >= 4 { context.close(promise: nil) }
        }

        func channelInactive(context: ChannelHandlerContext) { promise.succeed(text) }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            promise.fail(error)
            context.close(promise: nil)
        }
    }
}
