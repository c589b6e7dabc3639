internal import Cassandra
internal import Console
internal import IO
internal import Kafka
internal import Logging
internal import RandomUser
internal import Scheduler
internal import SchemaRegistry
internal import Spark
internal import ZooKeeper

/// A start under way: what runs so far, and the configuration as it fills with the addresses of what runs.
struct StackStart {
    private(set) var configuration: StackConfiguration
    private(set) var running: [RunningBox] = []
    private(set) var engine: Engine?
    private(set) var scheduler: SchedulerServer?
    private let wanted: Set<Box>
    private let dags: [DAGDefinition]
    private let logger: Logger

    init(configuration: StackConfiguration, wanted: Set<Box>, dags: [DAGDefinition], logger: Logger) {
        self.configuration = configuration
        self.wanted = wanted
        self.dags = dags
        self.logger = logger
    }

    /// Starts the boxes of one wave together, and notes each one's address for the waves that follow.
    mutating func start(wave: [Box]) async throws {
        try tellAddresses(to: wave)
        let configuration = self.configuration, dags = self.dags, logger = self.logger
        let chosen = wave.filter { wanted.contains($0) && configuration.placement(of: $0) == .embedded }
        let outcomes = await withTaskGroup(of: Outcome.self) { group in
            for box in chosen {
                group.addTask {
                    do {
                        return .started(try await StartedBox.start(box, configuration, dags: dags, logger: logger))
                    } catch {
                        return .failed(error)
                    }
                }
            }
            var outcomes: [Outcome] = []
            for await outcome in group { outcomes.append(outcome) }
            return outcomes
        }
        var failure: (any Error)?
        for outcome in outcomes {
            switch outcome {
            case .started(let started):
                running.append(RunningBox(box: started.box, stop: started.stop))
                engine = started.engine ?? engine
                scheduler = started.scheduler ?? scheduler
                if let port = started.endpoints.first?.port { try note(port, as: "\(started.box.rawValue).port") }
                if started.box == .broker, started.endpoints.count > 1 { try note(started.endpoints[1].port, as: "broker.container.port") }
            case .failed(let error):
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
    }

    /// Keeps the port that was bound where the setting asked for any free one.
    private mutating func note(_ port: Int, as key: String) throws {
        guard configuration.values.integer(key) != port else { return }
        try configuration.values.set(key, to: "\(port)", from: configuration.values.origin(of: key))
    }

    /// Tells each box of a wave where the others are, unless a setting says it already.
    private mutating func tellAddresses(to wave: [Box]) throws {
        for link in StackLinks.all where wave.contains(link.box) && configuration.values.origin(of: link.key) == .builtIn {
            guard let address = try link.address(configuration) else { continue }
            try configuration.values.set(link.key, to: address, from: .builtIn)
        }
    }
}

private enum Outcome: Sendable {
    case started(StartedBox)
    case failed(any Error)
}

/// A box that answers.
private final class StartedBox: Sendable {
    let box: Box
    let endpoints: [Endpoint]
    let engine: Engine?
    let scheduler: SchedulerServer?
    let stop: @Sendable () async -> Void

    private init(
        _ box: Box, _ endpoints: [Endpoint], engine: Engine? = nil, scheduler: SchedulerServer? = nil,
        stop: @escaping @Sendable () async -> Void
    ) {
        self.box = box
        self.endpoints = endpoints
        self.engine = engine
        self.scheduler = scheduler
        self.stop = stop
    }

    static func start(_ box: Box, _ configuration: StackConfiguration, dags: [DAGDefinition], logger: Logger) async throws -> StartedBox {
        let values = configuration.values
        let folder = configuration.folder(of: box)
        var logger = logger
        logger[metadataKey: "box"] = "\(box.rawValue)"
        switch box {
        case .api:
            let api = try await RandomUserAPI.start(RandomUserConfiguration(values: values), logger: logger)
            return StartedBox(box, api.endpoints) { await api.stop() }
        case .zookeeper:
            let port = try await ZooKeeperPort.start(ZooKeeperConfiguration(values: values, folder: folder), logger: logger)
            return StartedBox(box, port.endpoints) { await port.stop() }
        case .broker:
            let broker = try await Broker.start(BrokerConfiguration(values: values, folder: folder), logger: logger)
            return StartedBox(box, broker.endpoints) { await broker.stop() }
        case .store:
            let store = try await Store.start(StoreConfiguration(values: values, folder: folder), logger: logger)
            return StartedBox(box, store.endpoints) { await store.stop() }
        case .registry:
            let registry = try await SchemaRegistryServer.start(SchemaRegistryConfiguration(values: values, folder: folder), logger: logger)
            return StartedBox(box, registry.endpoints) { await registry.stop() }
        case .engine:
            let engine = try await Engine.start(EngineConfiguration(values: values, folder: folder), logger: logger)
            return StartedBox(box, engine.endpoints, engine: engine) { await engine.stop() }
        case .scheduler:
            let scheduler = try await SchedulerServer.start(
                SchedulerConfiguration(values: values, folder: folder), dags: dags, logger: logger)
            return StartedBox(box, scheduler.endpoints, scheduler: scheduler) { await scheduler.stop() }
        case .console:
            let console = try await ConsoleServer.start(ConsoleConfiguration(values: values, folder: folder), logger: logger)
            return StartedBox(box, console.endpoints) { await console.stop() }
        }
    }
}
