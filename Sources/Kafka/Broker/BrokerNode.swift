internal import IO
internal import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOPosix

/// Milliseconds since 1970, as Kafka stamps them.
enum WallClock {
    static var nowMs: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A port that clients connect to, and the address under which they are told to come back.
final class Listener: Sendable {
    let name: String
    let advertised: NIOLockedValueBox<Endpoint>

    init(name: String) {
        self.name = name
        advertised = NIOLockedValueBox(Endpoint(host: "", port: 0))
    }

    var endpoint: Endpoint { advertised.withLockedValue { $0 } }
}

/// What all connections share: the topics, the groups, the threads, the limits. One broker's inside without its listeners.
final class BrokerNode: Sendable {
    /// There is one node.
    static let id: Int32 = 1

    /// Settings that requests look at, read once.
    struct Limits: Sendable {
        var inFlightMax: Int
        var answerBytesMax: Int
        var idleMax: Duration
        var requestBytesMax: Int
        var fetchBytesMax: Int
        var fetchWaitMs: Int64
        var hotBytes: Int
        var sendfileBytesMin: Int
        var connectionsMax: Int
        var createsTopics: Bool
    }

    let configuration: BrokerConfiguration
    let limits: Limits
    let clusterID: String
    let topics: Topics
    let producerIDs: ProducerIDs
    let flusher: GroupCommitFlusher
    let logger: Logger
    /// Reads of cold parts of logs.
    let fileThreads: NIOThreadPool
    /// One thread, on which topics are made, changed and deleted one after the other.
    private let administration: NIOThreadPool
    private let coordinatorBox = NIOLockedValueBox<GroupCoordinator?>(nil)

    private let transactionsBox = NIOLockedValueBox<TransactionCoordinator?>(nil)

    var coordinator: GroupCoordinator { coordinatorBox.withLockedValue { $0! } }
    var transactions: TransactionCoordinator { transactionsBox.withLockedValue { $0! } }

    init(configuration: BrokerConfiguration, clusterID: String, logger: Logger) {
        self.configuration = configuration
        self.clusterID = clusterID
        self.logger = logger
        let values = configuration.values
        limits = Limits(
            inFlightMax: values.integer("broker.requests.inflight.max"), answerBytesMax: values.bytes("broker.connection.answer.bytes.max"),
            idleMax: values.duration("broker.connection.idle.max"), requestBytesMax: values.bytes("broker.request.bytes.max"),
            fetchBytesMax: values.bytes("broker.fetch.bytes.max"),
            fetchWaitMs: Int64(values.duration("broker.fetch.wait.max").inMilliseconds),
            hotBytes: values.bytes("broker.fetch.hot.bytes"), sendfileBytesMin: values.bytes("broker.fetch.sendfile.bytes.min"),
            connectionsMax: values.integer("broker.connections.max"), createsTopics: values.boolean("broker.auto.create.topics"))
        flusher = GroupCommitFlusher(threads: values.integer("broker.log.flush.threads"))
        topics = Topics(configuration: configuration, flusher: flusher, logger: logger)
        producerIDs = ProducerIDs(path: configuration.folder + "/producer-ids")
        fileThreads = NIOThreadPool(numberOfThreads: values.integer("broker.files.threads"))
        administration = NIOThreadPool(numberOfThreads: 1)
        fileThreads.start()
        administration.start()
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let coordinator = GroupCoordinator(node: self, loop: loop)
        coordinatorBox.withLockedValue { $0 = coordinator }
        let transactions = TransactionCoordinator(node: self, loop: loop)
        transactionsBox.withLockedValue { $0 = transactions }
    }

    /// Runs `body` on the administrative thread.
    func administer(_ body: @escaping @Sendable () -> Void) {
        administration.submit { state in if state == .active { body() } }
    }

    func readFiles(_ body: @escaping @Sendable () -> Void) {
        fileThreads.submit { state in if state == .active { body() } }
    }

    func stopThreads() async {
        try? await fileThreads.shutdownGracefully()
        try? await administration.shutdownGracefully()
    }

    /// Hands a request to the file that serves it.
    func dispatch(_ key: APIKey, _ header: RequestHeader, _ body: ByteBuffer, on connection: KafkaConnection) throws(WireError) {
        func open<Request: KafkaRequest>(_: Request.Type) throws(WireError) -> (Request, Reply<Request>) {
            let request = try Request(decoding: body, version: header.version)
            return (request, connection.reply(Request.self, version: header.version, header.correlationID))
        }
        switch key {
        case .produce:
            let (request, reply) = try open(ProduceRequest.self)
            produce(request, reply)
        case .fetch:
            let (request, reply) = try open(FetchRequest.self)
            fetch(request, reply, connection)
        case .listOffsets:
            let (request, reply) = try open(ListOffsetsRequest.self)
            listOffsets(request, reply)
        case .metadata:
            let (request, reply) = try open(MetadataRequest.self)
            metadata(request, reply, connection.listener)
        case .offsetCommit:
            let (request, reply) = try open(OffsetCommitRequest.self)
            coordinator.commit(request, reply)
        case .offsetFetch:
            let (request, reply) = try open(OffsetFetchRequest.self)
            coordinator.fetch(request, reply)
        case .findCoordinator:
            let (request, reply) = try open(FindCoordinatorRequest.self)
            findCoordinator(request, reply, connection.listener)
        case .joinGroup:
            let (request, reply) = try open(JoinGroupRequest.self)
            coordinator.join(request, header, clientHost: connection.clientHost, reply)
        case .heartbeat:
            let (request, reply) = try open(HeartbeatRequest.self)
            coordinator.heartbeat(request, reply)
        case .leaveGroup:
            let (request, reply) = try open(LeaveGroupRequest.self)
            coordinator.leave(request, reply)
        case .syncGroup:
            let (request, reply) = try open(SyncGroupRequest.self)
            coordinator.sync(request, reply)
        case .describeGroups:
            let (request, reply) = try open(DescribeGroupsRequest.self)
            coordinator.describe(request, reply)
        case .listGroups:
            let (request, reply) = try open(ListGroupsRequest.self)
            coordinator.list(request, reply)
        case .apiVersions:
            let (_, reply) = try open(APIVersionsRequest.self)
            reply.send(.advertised)
        case .createTopics:
            let (request, reply) = try open(CreateTopicsRequest.self)
            createTopics(request, reply)
        case .deleteTopics:
            let (request, reply) = try open(DeleteTopicsRequest.self)
            deleteTopics(request, reply)
        case .initProducerID:
            let (request, reply) = try open(InitProducerIDRequest.self)
            initProducerID(request, reply)
        case .describeConfigs:
            let (request, reply) = try open(DescribeConfigsRequest.self)
            describeConfigs(request, reply)
        case .createPartitions:
            let (request, reply) = try open(CreatePartitionsRequest.self)
            createPartitions(request, reply)
        case .deleteGroups:
            let (request, reply) = try open(DeleteGroupsRequest.self)
            coordinator.delete(request, reply)
        case .deleteRecords:
            let (request, reply) = try open(DeleteRecordsRequest.self)
            deleteRecords(request, reply)
        case .offsetForLeaderEpoch:
            let (request, reply) = try open(OffsetForLeaderEpochRequest.self)
            offsetForLeaderEpoch(request, reply)
        case .addPartitionsToTxn:
            let (request, reply) = try open(AddPartitionsToTxnRequest.self)
            addPartitionsToTxn(request, reply)
        case .addOffsetsToTxn:
            let (request, reply) = try open(AddOffsetsToTxnRequest.self)
            addOffsetsToTxn(request, reply)
        case .endTxn:
            let (request, reply) = try open(EndTxnRequest.self)
            endTxn(request, reply)
        case .txnOffsetCommit:
            let (request, reply) = try open(TxnOffsetCommitRequest.self)
            txnOffsetCommit(request, reply)
        case .alterConfigs:
            let (request, reply) = try open(AlterConfigsRequest.self)
            alterConfigs(request, reply)
        case .incrementalAlterConfigs:
            let (request, reply) = try open(IncrementalAlterConfigsRequest.self)
            incrementalAlterConfigs(request, reply)
        case .offsetDelete:
            let (request, reply) = try open(OffsetDeleteRequest.self)
            coordinator.delete(request, reply)
        case .describeProducers:
            let (request, reply) = try open(DescribeProducersRequest.self)
            describeProducers(request, reply)
        case .describeTransactions:
            let (request, reply) = try open(DescribeTransactionsRequest.self)
            describeTransactions(request, reply)
        case .listTransactions:
            let (request, reply) = try open(ListTransactionsRequest.self)
            listTransactions(request, reply)
        case .describeCluster:
            let (request, reply) = try open(DescribeClusterRequest.self)
            describeCluster(request, reply, connection.listener)
        }
    }
}
