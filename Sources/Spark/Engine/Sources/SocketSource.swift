internal import IO
internal import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOPosix

/// Spark's socket source, for trying things out: lines of a text that a server sends (`nc -lk 9999`), one a row.
///
/// The server sends a line once. What it sent is in memory alone, so a line that was not written when the engine ended is gone, and a
/// batch that is replayed after that has no rows: Spark's documentation says the same of its own.
final class SocketSource: StreamSource {
    struct Limits: Sendable {
        /// Lines that wait for the query; the server is not read from beyond it.
        var linesMax: Int
        var batchRows: Int
    }

    static let partition = SourcePartition(topic: "socket", partition: 0)

    private struct State {
        var lines: [String] = []
        var times: [Int64] = []
        /// The number of the first of the lines.
        var first: Int64 = 0
        var problem: String?
        var failure: SparkError?
        var channel: (any Channel)?
        var isHeld = false
    }

    private let endpoint: Endpoint
    private let includesTimestamp: Bool
    private let limits: Limits
    private let signal: SourceSignal
    private let logger: Logger
    private let clock: @Sendable () -> Int64
    private let state = NIOLockedValueBox(State())

    init(_ options: Options, limits: Limits, signal: SourceSignal, logger: Logger, clock: @escaping @Sendable () -> Int64) throws {
        guard let host = options["host"] else {
            throw SparkError("INVALID_SOURCE_OPTION", sqlState: "42616", "Set a host to read from with option(\"host\", ...).")
        }
        guard let text = options["port"] else {
            throw SparkError("INVALID_SOURCE_OPTION", sqlState: "42616", "Set a port to read from with option(\"port\", ...).")
        }
        guard let port = Int(text), (1...65_535).contains(port) else {
            throw SparkError("INVALID_SOURCE_OPTION", sqlState: "42616", "'\(text)' is no port.")
        }
        endpoint = Endpoint(host: host, port: port)
        includesTimestamp = Self.includesTimestamp(options) ?? false
        self.limits = limits
        self.signal = signal
        self.logger = logger
        self.clock = clock
    }

    private static func includesTimestamp(_ options: Options) -> Bool? {
        switch (options["includeTimestamp"] ?? "false").lowercased() {
        case "true": true
        case "false": false
        default: nil
        }
    }

    static func schema(_ options: Options) throws -> StructType {
        guard let includesTimestamp = includesTimestamp(options) else {
            throw SparkError(
                "INVALID_SOURCE_OPTION", sqlState: "42616", "includeTimestamp must be set to either \"true\" or \"false\"")
        }
        let value = StructField("value", .string)
        return StructType(includesTimestamp ? [value, StructField("timestamp", .timestamp)] : [value])
    }

    var description: String { "TextSocketV2[host: \(endpoint.host), port: \(endpoint.port)]" }
    var waitingReason: String? { state.withLockedValue { $0.problem } }

    func initialOffset() async throws -> SourceOffset { SourceOffset([Self.partition: 0]) }

    func start(at offset: SourceOffset, identities: [String: String]) async throws {
        state.withLockedValue { $0.first = offset.positions[Self.partition] ?? 0 }
        let channel: any Channel
        do {
            channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).channelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        LineReader { [weak self] in
                            self?.took($0)
                        } onEnd: { [weak self] in
                            self?.ended($0)
                        })
                }
            }.connect(host: endpoint.host, port: endpoint.port).get()
        } catch {
            throw SparkError(
                "SOCKET_SOURCE_UNREACHABLE", sqlState: "08001", "The socket source cannot connect to \(endpoint): \(error).",
                nextStep: "start its server first, such as `nc -lk \(endpoint.port)`")
        }
        state.withLockedValue { $0.channel = channel }
    }

    private func took(_ lines: [String]) {
        let now = clock()
        let isFull = state.withLockedValue { state in
            state.lines += lines
            state.times += [Int64](repeating: now, count: lines.count)
            let isFull = state.lines.count >= limits.linesMax && !state.isHeld
            if isFull { state.isHeld = true }
            return isFull ? state.channel : nil
        }
        isFull?.setOption(.autoRead, value: false).whenFailure { _ in }
        signal.raise()
    }

    private func ended(_ reason: String) {
        state.withLockedValue { $0.problem = "The socket \(endpoint) was closed: \(reason)" }
        logger.warning("\(description): the server closed the connection: \(reason)")
        signal.raise()
    }

    func waiting(after offset: SourceOffset) throws -> SourceRange? {
        let position = offset.positions[Self.partition] ?? 0
        let (end, held) = state.withLockedValue { state -> (Int64, (any Channel)?) in
            // What lies before is written.
            let done = Int(min(Int64(state.lines.count), max(0, position - state.first)))
            state.lines.removeFirst(done)
            state.times.removeFirst(done)
            // After a batch whose lines an earlier run had, numbers go on behind it.
            state.first = max(state.first, position)
            let isFree = state.isHeld && state.lines.count < limits.linesMax / 2
            if isFree { state.isHeld = false }
            return (state.first + Int64(state.lines.count), isFree ? state.channel : nil)
        }
        held?.setOption(.autoRead, value: true).whenFailure { _ in }
        let last = min(end, position + Int64(limits.batchRows))
        return last > position ? SourceRange(start: offset, end: SourceOffset([Self.partition: last])) : nil
    }

    func latest() async throws -> SourceOffset {
        state.withLockedValue { SourceOffset([Self.partition: $0.first + Int64($0.lines.count)]) }
    }

    func newest() -> SourceOffset? { nil }

    func read(_ range: SourceRange, firstOrdinal: Int64, _ body: (SourceChunk) async throws -> Void) async throws {
        let start = range.start.positions[Self.partition] ?? 0
        let end = range.end.positions[Self.partition] ?? 0
        guard end > start else { return }
        let (lines, times) = state.withLockedValue { state -> ([String], [Int64]) in
            let from = Int(start - state.first), to = Int(end - state.first)
            guard from >= 0, to <= state.lines.count else { return ([], []) }
            return (Array(state.lines[from..<to]), Array(state.times[from..<to]))
        }
        guard !lines.isEmpty else {
            logger.warning("\(description): the lines \(start) to \(end) went with the engine that had read them")
            return
        }
        var columns = [MemorySource.column(lines.map { .string($0) }, .string)]
        if includesTimestamp { columns.append(Column(.timestamp, count: times.count, values: .long(Buffer(times)))) }
        try await body(
            SourceChunk(
                storage: .batch(ColumnBatch(count: lines.count, columns: columns)), ordinalFirst: firstOrdinal, count: lines.count,
                byteCount: lines.count * 64))
    }

    func stop() async {
        let channel = state.withLockedValue { $0.channel }
        try? await channel?.close()
    }
}

extension QueryLauncher {
    var socketLimits: SocketSource.Limits {
        SocketSource.Limits(
            linesMax: configuration.values.integer("engine.socket.lines"), batchRows: configuration.values.integer("engine.batch.rows"))
    }
}

/// Cuts what comes in at line feeds.
private final class LineReader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    /// A longer line ends the connection.
    private static let bytesMax = 1 << 20
    private let onLines: ([String]) -> Void
    private let onEnd: (String) -> Void
    private var rest = ByteBuffer()
    private var reason = "it has no more to send"

    init(_ onLines: @escaping ([String]) -> Void, onEnd: @escaping (String) -> Void) {
        self.onLines = onLines
        self.onEnd = onEnd
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var part = unwrapInboundIn(data)
        rest.writeBuffer(&part)
        var lines: [String] = []
        while let length = rest.readableBytesView.firstIndex(of: UInt8(ascii: "\n")).map({ $0 - rest.readerIndex }) {
            var line = rest.readString(length: length) ?? ""
            rest.moveReaderIndex(forwardBy: 1)
            if line.hasSuffix("\r") { line.removeLast() }
            lines.append(line)
        }
        rest.discardReadBytes()
        if !lines.isEmpty { onLines(lines) }
        if rest.readableBytes > Self.bytesMax {
            reason = "a line is longer than \(Self.bytesMax) bytes"
            context.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        reason = "\(error)"
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { onEnd(reason) }
}
