package import IO
package import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOPosix

/// The Kafka broker: one node that speaks Kafka's protocol on two ports and keeps Kafka's segments on disk.
///
/// `docs/broker.md` says which requests in which versions, and what an acknowledgement survives.
package final class Broker: Sendable {
    private struct State {
        var channels: [any Channel] = []
        var connections: [ObjectIdentifier: any Channel] = [:]
        var housekeeping: [RepeatedTask] = []
        var isStopping = false
    }

    /// The layout of the data folder that this build writes.
    private static let layoutVersion = 1

    private let node: BrokerNode
    private let dataFolder: DataFolder
    private let checkpoints: Checkpoints
    private let state = NIOLockedValueBox(State())
    private let listeners: [Listener]

    private init(node: BrokerNode, dataFolder: DataFolder, checkpoints: Checkpoints) {
        self.node = node
        self.dataFolder = dataFolder
        self.checkpoints = checkpoints
        listeners = [Listener(name: "broker.port"), Listener(name: "broker.container.port")]
    }

    /// Opens the logs and binds both ports; returns when requests are answered.
    ///
    /// - Throws: ``DataFolderError`` for a folder that is in use, newer or unusable; ``ListenerError`` for a port that is taken;
    ///   ``FileError``.
    package static func start(_ configuration: BrokerConfiguration, logger: Logger) async throws -> Broker {
        let dataFolder = try DataFolder(path: configuration.folder, box: "broker", version: layoutVersion)
        let checkpoints = Checkpoints(folder: configuration.folder)
        let node = BrokerNode(configuration: configuration, clusterID: try checkpoints.clusterID(), logger: logger)
        let broker = Broker(node: node, dataFolder: dataFolder, checkpoints: checkpoints)
        do {
            let isClean = try checkpoints.takeCleanMark()
            try node.topics.open(
                isClean: isClean, recoveryPoints: try checkpoints.recoveryPoints(), logStarts: try checkpoints.logStarts(),
                nowMs: WallClock.nowMs)
            try node.coordinator.replay()
            try node.transactions.replay()
            try await broker.listen()
        } catch {
            await broker.abandonStart()
            throw error
        }
        broker.startHousekeeping()
        logger.info(
            "the broker answers",
            metadata: ["endpoints": "\(broker.endpoints.map(\.description).joined(separator: ", "))", "cluster": "\(node.clusterID)"])
        return broker
    }

    /// The addresses that are really bound: the first port's, then the containers'.
    package var endpoints: [Endpoint] {
        state.withLockedValue { $0.channels }.map { channel in
            Endpoint(host: channel.localAddress?.ipAddress ?? "", port: channel.localAddress?.port ?? 0)
        }
    }

    /// For tests: how many fetches wait for a partition.
    func waiterCount(_ topic: String, _ partition: Int32) -> Int { node.topics.partition(topic, partition)?.waiterCount ?? 0 }

    // MARK: Listening

    private func listen() async throws {
        let values = node.configuration.values
        let host = values.text("broker.host")
        for (listener, advertised) in zip(listeners, ["broker.advertised", "broker.container.advertised"]) {
            let endpoint = Endpoint(host: host, port: values.integer(listener.name))
            let channel: any Channel
            do {
                channel = try await bootstrap(listener).bind(host: endpoint.host, port: endpoint.port).get()
            } catch {
                throw ListenerError(box: "broker", endpoint: endpoint, setting: "--" + listener.name, underlying: error)
            }
            // Set before anybody can have asked: nothing is accepted until the channel reads.
            let bound = Endpoint(host: Self.reachable(host), port: channel.localAddress?.port ?? endpoint.port)
            listener.advertised.withLockedValue { $0 = values.isSet(advertised) ? values.endpoint(advertised) : bound }
            state.withLockedValue { $0.channels.append(channel) }
            channel.read()
            try await channel.setOption(.autoRead, value: true).get()
        }
    }

    /// Clients cannot dial "any address".
    private static func reachable(_ host: String) -> String { host == "0.0.0.0" || host == "::" ? "127.0.0.1" : host }

    private func bootstrap(_ listener: Listener) -> ServerBootstrap {
        let node = self.node
        let console = node.configuration.values.text("broker.console")
        let greeting =
            "This is Leat's Kafka broker; it speaks Kafka's protocol, not HTTP."
            + (console.isEmpty ? "" : " The console is at \(console)")
        return ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.autoRead, value: false)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 256 << 10, high: 1 << 20))
            .childChannelInitializer { [weak self] channel in
                guard let self, self.admit(channel) else {
                    node.logger.warning("a connection was closed: there are broker.connections.max already")
                    return channel.close()
                }
                return channel.eventLoop.makeCompletedFuture {
                    let receiver = FrameReceiver(frameBytesMax: node.limits.requestBytesMax)
                    try channel.syncOptions?.setOption(.recvAllocator, value: FrameReceiveAllocator(receiver: receiver))
                    if node.limits.idleMax > .zero {
                        let idle = IdleStateHandler(readTimeout: .nanoseconds(Int64(node.limits.idleMax.inMilliseconds) * 1_000_000))
                        try channel.pipeline.syncOperations.addHandler(idle)
                    }
                    try channel.pipeline.syncOperations.addHandler(BrowserGreeting(line: greeting))
                    try channel.pipeline.syncOperations.addHandler(KafkaConnection(node: node, listener: listener, receiver: receiver))
                }
            }
    }

    private func admit(_ channel: any Channel) -> Bool {
        let key = ObjectIdentifier(channel)
        let isAdmitted = state.withLockedValue { state -> Bool in
            guard !state.isStopping, state.connections.count < node.limits.connectionsMax else { return false }
            state.connections[key] = channel
            return true
        }
        if isAdmitted {
            channel.closeFuture.whenComplete { [weak self] _ in self?.state.withLockedValue { $0.connections[key] = nil } }
        }
        return isAdmitted
    }

    // MARK: Housekeeping

    private func startHousekeeping() {
        let values = node.configuration.values
        func every(_ duration: Duration, _ body: @escaping @Sendable () -> Void) {
            let amount = TimeAmount.nanoseconds(max(1_000_000, Int64(duration.inSeconds * 1e9)))
            let task = MultiThreadedEventLoopGroup.singleton.next().scheduleRepeatedTask(initialDelay: amount, delay: amount) { _ in body()
            }
            state.withLockedValue { $0.housekeeping.append(task) }
        }
        let node = self.node, checkpoints = self.checkpoints
        every(values.duration("broker.log.retention.check")) {
            node.administer { Self.applyRetention(node) }
            node.coordinator.tidy()
            node.transactions.tidy()
        }
        every(values.duration("broker.log.checkpoint")) { node.administer { Self.checkpoint(node, checkpoints) } }
        if case .interval(let interval) = node.configuration.flush {
            every(interval) { for topic in node.topics.all { for partition in topic.partitions { partition.scheduleFlush() } } }
        }
    }

    /// Deletes what retention no longer keeps. Also called by tests.
    static func applyRetention(_ node: BrokerNode, nowMs: Int64 = WallClock.nowMs) {
        for topic in node.topics.all {
            for partition in topic.partitions {
                do throws(FileError) {
                    let count = try partition.applyRetention(nowMs: nowMs)
                    if count > 0 {
                        node.logger.info(
                            "old segments were deleted",
                            metadata: ["partition": "\(topic.name)-\(partition.index)", "segments": "\(count)"])
                    }
                } catch {
                    node.logger.error("retention failed", metadata: ["partition": "\(topic.name)-\(partition.index)", "error": "\(error)"])
                }
            }
        }
    }

    private static func checkpoint(_ node: BrokerNode, _ checkpoints: Checkpoints) {
        do throws(FileError) {
            try checkpoints.write(recoveryPoints: node.topics.all.flatMap(\.partitions))
        } catch {
            node.logger.error("recovery points cannot be written", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Stopping

    /// Stops accepting, lets what was appended become durable, closes the connections and marks the folder clean. May be called
    /// more than once.
    package func stop() async {
        let work = state.withLockedValue { state -> State? in
            guard !state.isStopping else { return nil }
            state.isStopping = true
            return state
        }
        guard let work else { return }
        for task in work.housekeeping { task.cancel() }
        for channel in work.channels { try? await channel.close() }
        for channel in state.withLockedValue({ Array($0.connections.values) }) { try? await channel.close() }
        await node.stopThreads()
        let node = self.node, checkpoints = self.checkpoints
        do {
            try await NIOThreadPool.singleton.runIfActive {
                node.flusher.stop()
                let partitions = node.topics.all.flatMap(\.partitions)
                for partition in partitions {
                    try partition.sealForStop()
                    partition.close()
                }
                try checkpoints.write(recoveryPoints: partitions)
                try checkpoints.markClean()
            }
            node.logger.info("the broker has stopped")
        } catch {
            node.logger.error("the broker stopped without a clean mark; the next start checks its logs", metadata: ["error": "\(error)"])
        }
        await node.transactions.stop()
        withExtendedLifetime(dataFolder) {}
    }

    private func abandonStart() async {
        for channel in state.withLockedValue({ $0.channels }) { try? await channel.close() }
        await node.stopThreads()
        let node = self.node
        try? await NIOThreadPool.singleton.runIfActive { node.flusher.stop() }
        await node.transactions.stop()
    }
}
