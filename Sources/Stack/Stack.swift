internal import Cassandra
internal import Console
package import IO
internal import Kafka
package import Logging
internal import NIOConcurrencyHelpers
internal import RandomUser
package import Scheduler
internal import SchemaRegistry
package import Spark
internal import ZooKeeper

/// The boxes that run in this process, started in the order in which they dial one another, and stopped in the opposite one.
///
/// A box that is configured as an address is not started; the others are told the address. They find an embedded one by its
/// address just so: over TCP, by its protocol.
package final class Stack: Sendable {
    /// The configuration in force, with the ports that were really bound and the addresses that the boxes were told.
    package let configuration: StackConfiguration
    package let engine: Engine?
    private let scheduler: SchedulerServer?
    /// What runs in this process, in the order of its start.
    package let started: [Box]
    private let running: NIOLockedValueBox<[RunningBox]>
    private let logger: Logger

    private init(configuration: StackConfiguration, running: [RunningBox], engine: Engine?, scheduler: SchedulerServer?, logger: Logger) {
        self.configuration = configuration
        self.engine = engine
        self.scheduler = scheduler
        self.logger = logger
        started = running.map(\.box)
        self.running = NIOLockedValueBox(running)
    }

    /// Starts the boxes of `wanted` that are configured as embedded. Returns when each answers; stops what has started when one cannot.
    ///
    /// - Parameters:
    ///   - dags: what the scheduler is to run.
    ///   - logger: the log that each box writes to, under its own label.
    /// - Throws: the box's own ``DescribedError``: a taken port, a data folder in use or from a newer version, an unusable setting.
    package static func start(
        _ configuration: StackConfiguration, boxes wanted: Set<Box> = Set(Box.allCases), dags: [DAGDefinition] = [], logger: Logger
    ) async throws -> Stack {
        var start = StackStart(configuration: configuration, wanted: wanted, dags: dags, logger: logger)
        try configuration.checkPorts(of: wanted)
        do {
            // Boxes of one wave do not dial one another while they start, and are ready the sooner for starting together.
            for wave in [[.api, .broker, .store], [.zookeeper, .registry, .engine, .scheduler], [.console]] as [[Box]] {
                try await start.start(wave: wave)
                try Task.checkCancellation()
            }
        } catch {
            // In a task of its own: a start that is cancelled still stops in order.
            let running = start.running
            await Task { for box in running.reversed() { await box.stop() } }.value
            throw error
        }
        return Stack(
            configuration: start.configuration, running: start.running, engine: start.engine, scheduler: start.scheduler, logger: logger)
    }

    /// Ends what the scheduler of this process runs, so that nothing more is produced; everything goes on answering.
    package func drain() async { await scheduler?.drain() }

    /// Stops the boxes, the last started first, each within `stop.timeout`. Idempotent.
    package func stop() async {
        let boxes = running.withLockedValue { running in
            defer { running = [] }
            return running
        }
        let timeout = configuration.values.duration("stop.timeout")
        for box in boxes.reversed() {
            let isStopped = await within(timeout) { await box.stop() }
            if !isStopped {
                logger.error("the \(box.box.role) has not stopped within \(timeout.text); going on without it (stop.timeout)")
            }
        }
    }
}

/// One started box, known only by how it is stopped.
struct RunningBox: Sendable {
    let box: Box
    let stop: @Sendable () async -> Void
}

/// Whether `work` ended before `limit`; work that did not goes on unobserved.
private func within(_ limit: Duration, _ work: @escaping @Sendable () async -> Void) async -> Bool {
    let (ends, continuation) = AsyncStream.makeStream(of: Bool.self)
    let working = Task {
        await work()
        continuation.yield(true)
    }
    let waiting = Task {
        try? await Task.sleep(for: limit)
        continuation.yield(false)
    }
    defer {
        working.cancel()
        waiting.cancel()
    }
    for await isDone in ends { return isDone }
    return false
}
