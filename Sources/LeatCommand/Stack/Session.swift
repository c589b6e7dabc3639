import Foundation
import IO
import Leat
import Logging
import Stack

/// One run of `leat up` or `leat run`: start, show, stop in order, sum up.
struct Session {
    let configuration: StackConfiguration
    let plan: PipelineRuntime.Plan
    let watched: any Pipeline
    let limit: Duration?
    let isLive: Bool
    let logPath: String

    func run() async throws {
        try LineLogHandler.bootstrap(
            path: logPath, bytesMax: configuration.values.bytes("log.file.bytes.max"), level: configuration.logLevel)
        let signals = StopSignals()
        let began = ContinuousClock.now
        let runtime = try await signals.starting { [configuration, plan] in
            try await PipelineRuntime.start(configuration, plan: plan, logger: Logger(label: "leat"))
        }
        guard let runtime else { return Terminal.note("stopped before everything had started") }
        let startup = ContinuousClock.now - began
        let gatherer = try StatusGatherer(watched, configuration: runtime.stack.configuration, queries: runtime.queries)
        let output = ViewOutput()
        let view: any StatusView =
            isLive
            ? LiveView(
                addresses: try Addresses.of(runtime.stack.configuration), startup: startup, logPath: logPath,
                style: Terminal.output.style, output: output)
            : JSONView(output: output)

        await withTaskGroup(of: Void.self) { group in
            group.addTask { await signals.wait() }
            if let limit { group.addTask { try? await Task.sleep(for: limit) } }
            // It ends where nobody reads any more, and the run with it.
            group.addTask { try? await Self.show(gatherer, view) }
            await group.next()
            group.cancelAll()
        }
        try? view.stopping()
        let summary = await drain(runtime, gatherer)
        await gatherer.close()
        await runtime.stop()
        try? view.summary(summary)
        if let loss = output.loss { Terminal.note(loss) }
    }

    /// Ends the DAG's runs and lets the query read what they have sent, for as long as `stop.drain` allows.
    private func drain(_ runtime: PipelineRuntime, _ gatherer: StatusGatherer) async -> PipelineStatus {
        await runtime.stack.drain()
        let deadline = ContinuousClock.now + configuration.values.duration("stop.drain")
        while true {
            let status = await Self.round(gatherer, countsTable: false)
            // A query that has ended reads nothing more.
            let isBehind = status.query.map { $0.isActive && $0.lag > 0 } ?? false
            // The table is counted once more when the last batch is in it.
            if !isBehind || ContinuousClock.now >= deadline { return await Self.round(gatherer, countsTable: true) }
            try? await Task.sleep(for: .milliseconds(50))
        }
    }

    private static func show(_ gatherer: StatusGatherer, _ view: any StatusView) async throws {
        let interval = Duration.seconds(1)
        var next = ContinuousClock.now
        while !Task.isCancelled {
            let status = await round(gatherer, countsTable: false)
            if Task.isCancelled { return }
            try view.show(status)
            next += interval
            try? await Task.sleep(until: next, clock: .continuous)
        }
    }

    private static func round(_ gatherer: StatusGatherer, countsTable: Bool) async -> PipelineStatus {
        var status = await gatherer.gather(countsTable: countsTable)
        status.memoryMiB = (ProcessMemory.resident().now * 10).rounded() / 10
        return status
    }
}

/// Where a person opens what runs.
enum Addresses {
    struct Entry: Sendable {
        let name: String
        let address: String
    }

    static func of(_ configuration: StackConfiguration) throws -> [Entry] {
        func list(_ box: Box) throws -> String { try configuration.endpoints(of: box).map(\.description).joined(separator: ",") }
        return [
            Entry(name: "Console", address: try configuration.url(of: .console)),
            Entry(name: "DAGs", address: try configuration.url(of: .scheduler) + "/home"),
            Entry(name: "Kafka", address: try list(.broker)),
            Entry(name: "Cassandra", address: try list(.store)),
            Entry(name: "Spark Connect", address: "sc://" + (try list(.engine))),
            Entry(name: "Schema Registry", address: try configuration.url(of: .registry)),
            Entry(name: "RandomUser API", address: try configuration.apiAddress()),
            Entry(name: "ZooKeeper", address: try list(.zookeeper)),
        ]
    }
}
