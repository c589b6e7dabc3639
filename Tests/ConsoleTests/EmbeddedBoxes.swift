import Cassandra
import Foundation
import IO
import Kafka
import RandomUser
import Scheduler
import SchemaRegistry
import Spark

@testable import Console

/// The embedded boxes that a test wants, on any free ports, in a folder that goes with them.
struct EmbeddedBoxes {
    let broker: Endpoint
    let store: Endpoint
    let engine: Engine
    /// The console's settings that name all of them.
    let settings: [String: String]
}

/// Runs the body over a RandomUser API, a broker, a registry, a store, an engine, and a scheduler with `dags`.
func withEmbeddedBoxes<R>(
    dags: (Endpoint) throws -> [DAGDefinition], _ body: (EmbeddedBoxes) async throws -> R
) async throws -> R {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("leat-console-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    func values(_ settings: [Setting], _ changes: [String: String]) throws -> SettingValues {
        var values = SettingValues(settings)
        for (key, text) in changes { try values.set(key, to: text, from: .builtIn) }
        return values
    }
    var stops: [() async -> Void] = []
    func stopAll() async {
        for stop in stops.reversed() { await stop() }
    }
    do {
        let broker = try await Broker.start(
            BrokerConfiguration(
                values: values(BrokerConfiguration.settings, ["broker.port": "0", "broker.container.port": "0"]), folder: folder + "/broker"
            ),
            logger: quiet)
        stops.append { await broker.stop() }
        let api = try await RandomUserAPI.start(
            RandomUserConfiguration(values: values(RandomUserConfiguration.settings, ["api.port": "0"])), logger: quiet)
        stops.append { await api.stop() }
        let registry = try await SchemaRegistryServer.start(
            SchemaRegistryConfiguration(values: values(SchemaRegistryConfiguration.settings, ["registry.port": "0"])), logger: quiet)
        stops.append { await registry.stop() }
        let store = try await Store.start(
            StoreConfiguration(values: values(StoreConfiguration.settings, ["store.port": "0"]), folder: folder + "/store"), logger: quiet)
        stops.append { await store.stop() }
        let engine = try await Engine.start(
            EngineConfiguration(
                values: values(
                    EngineConfiguration.settings,
                    [
                        "engine.kafka.bootstrap": "\(broker.endpoints[0])", "engine.cassandra.contact": "\(store.endpoints[0])",
                        "engine.port": "0",
                    ]),
                folder: folder + "/engine"), logger: quiet)
        stops.append { await engine.stop() }
        let scheduler = try await SchedulerServer.start(
            SchedulerConfiguration(
                values: values(SchedulerConfiguration.settings, ["scheduler.port": "0"]), folder: folder + "/scheduler"),
            dags: dags(broker.endpoints[0]), logger: quiet)
        stops.append { await scheduler.stop() }
        let result = try await body(
            EmbeddedBoxes(
                broker: broker.endpoints[0], store: store.endpoints[0], engine: engine,
                settings: [
                    "kafka": "\(broker.endpoints[0])", "engine": "\(engine.endpoints[0])", "registry": "\(registry.endpoints[0])",
                    "scheduler": "\(scheduler.endpoints[0])", "api": "\(api.endpoints[0])", "refresh": "100ms",
                    "store": "\(store.endpoints[0])",
                ]))
        await stopAll()
        return result
    } catch {
        await stopAll()
        throw error
    }
}
