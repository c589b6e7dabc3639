import IO
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Testing

@testable import Kafka

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A folder of a test's own, removed with the value.
final class TemporaryFolder: Sendable {
    let path: String

    init() {
        var template = Array("\(getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp")/leat-broker-XXXXXX".utf8CString)
        path = String(cString: mkdtemp(&template)!)
    }

    deinit { Self.remove(path) }

    static func remove(_ path: String) {
        for name in names(path) {
            let child = path + "/" + name
            if unlink(child) != 0 { remove(child) }
        }
        rmdir(path)
    }

    static func names(_ path: String) -> [String] {
        guard let stream = opendir(path) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// A copy as it is on disk now: what a process that is killed at this moment leaves.
    func copy() -> TemporaryFolder {
        let other = TemporaryFolder()
        Self.copy(path, other.path)
        return other
    }

    private static func copy(_ from: String, _ to: String) {
        for name in names(from) {
            let source = from + "/" + name, target = to + "/" + name
            if let bytes = readBytes(source) { writeBytes(bytes, target) } else { mkdir(target, 0o755); copy(source, target) }
        }
    }

    static func readBytes(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        fstat(descriptor, &status)
        guard status.st_mode & S_IFMT == S_IFREG else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        return read(descriptor, &bytes, bytes.count) == bytes.count ? bytes : nil
    }

    static func writeBytes(_ bytes: [UInt8], _ path: String) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        defer { close(descriptor) }
        #expect(write(descriptor, bytes, bytes.count) == bytes.count)
    }
}

func startBroker(_ folder: TemporaryFolder, _ settings: [String: String] = [:]) async throws -> Broker {
    var values = SettingValues(BrokerConfiguration.settings)
    try values.set("broker.port", to: "0", from: .builtIn)
    try values.set("broker.container.port", to: "0", from: .builtIn)
    for (key, value) in settings { try values.set(key, to: value, from: .builtIn) }
    return try await Broker.start(
        BrokerConfiguration(values: values, folder: folder.path), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
}

/// A client of bytes: sends requests, and matches answers in order.
final class WireClient: Sendable {
    let channel: any Channel
    private let handler: Handler

    private final class Handler: ChannelInboundHandler, @unchecked Sendable {
        // `@unchecked`: `waiting` is touched on the event loop only.
        typealias InboundIn = ByteBuffer
        var waiting: [EventLoopPromise<ByteBuffer>] = []
        var held = ByteBuffer()

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var buffer = unwrapInboundIn(data)
            held.writeBuffer(&buffer)
            while let length = held.getInteger(at: held.readerIndex, as: Int32.self), held.readableBytes >= Int(length) + 4 {
                held.moveReaderIndex(forwardBy: 4)
                let frame = held.readSlice(length: Int(length))!
                if !waiting.isEmpty { waiting.removeFirst().succeed(frame) }
            }
        }

        func channelInactive(context: ChannelHandlerContext) {
            for promise in waiting { promise.fail(ChannelError.eof) }
            waiting = []
        }
    }

    private init(_ channel: any Channel, _ handler: Handler) {
        self.channel = channel
        self.handler = handler
    }

    static func connect(_ endpoint: Endpoint) async throws -> WireClient {
        let handler = Handler()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { $0.pipeline.addHandler(handler) }
            .connect(host: endpoint.host, port: endpoint.port).get()
        return WireClient(channel, handler)
    }

    func write(_ bytes: ByteBuffer) async throws { try await channel.writeAndFlush(bytes) }

    /// The request is on its way when this returns; the future ends with its answer.
    func start<Request: KafkaRequest>(_ request: Request, version: Int16, correlationID: Int32 = 1) throws -> EventLoopFuture<
        Request.Response
    > {
        let frame = try request.frame(version: version, correlationID: correlationID, clientID: "test", allocator: ByteBufferAllocator())
        let promise = channel.eventLoop.makePromise(of: ByteBuffer.self)
        channel.eventLoop.execute { [handler, channel] in
            guard channel.isActive else { return promise.fail(ChannelError.eof) }
            handler.waiting.append(promise)
            channel.writeAndFlush(frame, promise: nil)
        }
        return promise.futureResult.flatMapThrowing { frame in
            var body = frame
            let header = try ResponseHeader(reading: &body, flexible: Request.responseHeaderIsFlexible(version))
            #expect(header.correlationID == correlationID)
            return try Request.decodeResponse(body, version: version)
        }
    }

    func send<Request: KafkaRequest>(_ request: Request, version: Int16? = nil) async throws -> Request.Response {
        try await start(request, version: version ?? Request.versions.served.upperBound).get()
    }

    // Shorthands.

    func createTopic(_ name: String, partitions: Int32 = 1, configs: [String: String] = [:]) async throws {
        let answer = try await send(
            CreateTopicsRequest(topics: [
                .init(name: name, partitions: partitions, configs: configs.map { .init(name: $0.key, value: $0.value) })
            ]))
        #expect(answer.topics.first?.error == ErrorCode.none, "\(answer.topics.first?.errorMessage ?? "")")
    }

    func produce(_ topic: String, _ batch: ByteBuffer, partition: Int32 = 0, acks: Int16 = -1, version: Int16 = 9) async throws
        -> ProduceResponse.Partition
    {
        let request = ProduceRequest(
            acks: acks, topics: [.init(name: topic, partitions: [.init(index: partition, records: .bytes(batch))])])
        return try await send(request, version: version).topics[0].partitions[0]
    }

    func fetch(
        _ topic: String, from offset: Int64, partition: Int32 = 0, maxBytes: Int32 = 1 << 20, maxWaitMs: Int32 = 0, minBytes: Int32 = 1,
        version: Int16 = 11
    ) async throws -> FetchResponse.Partition {
        let request = FetchRequest(
            maxWaitMs: maxWaitMs, minBytes: minBytes,
            topics: [.init(name: topic, partitions: [.init(index: partition, fetchOffset: offset, maxBytes: maxBytes)])])
        return try await send(request, version: version).topics[0].partitions[0]
    }
}

/// A batch of records `value-0`, `value-1`, … .
func makeBatch(
    _ count: Int = 1, value: String = "value", timestamp: Int64 = 1_700_000_000_000, producerID: Int64 = -1, epoch: Int16 = -1,
    sequence: Int32 = -1, codec: CompressionCodec = .none
) -> ByteBuffer {
    var builder = RecordBatchBuilder(producerID: producerID, producerEpoch: epoch, baseSequence: sequence)
    for index in 0..<count {
        builder.append(key: nil, value: ByteBuffer(string: "\(value)-\(index)"), timestamp: timestamp + Int64(index))
    }
    var batch = builder.finish()
    guard codec != .none else { return batch }
    // The broker does not unpack records, so that any bytes will do for them.
    batch.withUnsafeMutableReadableBytes { bytes in
        var header = RecordBatchHeader(UnsafeRawBufferPointer(bytes))!
        header.attributes = Int16(codec.rawValue)
        header.write(over: bytes)
    }
    return batch
}

/// The headers of the batches in fetched bytes.
func headers(_ bytes: ByteBuffer?) -> [RecordBatchHeader] {
    var headers: [RecordBatchHeader] = []
    bytes?.withUnsafeReadableBytes { raw in
        var position = 0
        while let header = RecordBatchHeader(UnsafeRawBufferPointer(rebasing: raw[position...])), header.size <= raw.count - position {
            #expect(
                header.checksum
                    == RecordBatchHeader.computeChecksum(UnsafeRawBufferPointer(rebasing: raw[position..<position + header.size])))
            headers.append(header)
            position += header.size
        }
    }
    return headers
}

/// Waits for a condition with a deadline.
func eventually(_ what: String, within: Duration = .seconds(30), _ condition: () async throws -> Bool) async throws {
    let end = ContinuousClock.now + within
    while ContinuousClock.now < end {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(5))
    }
    Issue.record("it did not come to pass: \(what)")
}
