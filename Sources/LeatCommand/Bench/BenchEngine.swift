import ArgumentParser
import Foundation
import IO
import Logging
import Spark
import Stack

struct BenchEngineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "engine",
        abstract: "Queries on Leat's engine and on any other Spark Connect server: the same plans over the same data, in turns.",
        discussion: """
            Starts `leat engine` and `leat broker` in processes of their own, in a temporary folder. Each round runs each workload on each
            server, one after the other; the medians over the rounds are printed. CPU time is the server process's, where it runs on this
            machine. A server that has no connector for a workload is left out of it.

            WORKLOADS
              topic      a filled topic to noop: fetch, checksum, from_json of twelve fields
              from_json  lines of text from files, from_json of twelve fields, to noop
              json       the same files by the JSON reader, to noop
              window     counts by key in tumbling windows with a watermark, a million keys, state on disk
              start      from the plan to the running query
              row        CPU time of a batch of one row
              idle       memory and CPU of a hundred queries that wait

            EXAMPLES
              leat bench engine
              leat bench engine --only topic --records 5000000
              leat bench engine --remote spark=sc://127.0.0.1:15003 --remote sail=sc://127.0.0.1:15004 --only json --only from_json
            """)

    @Option(help: ArgumentHelp("A server beside Leat's; may be repeated.", valueName: "name=sc://host:port"))
    var remote: [String] = []

    @Option(help: ArgumentHelp("Only this workload; may be repeated.", valueName: "workload"))
    var only: [BenchEngineWorkload] = []

    @Option(help: "Records of the topic, and keys of the windows.")
    var records = 1_000_000

    @Option(help: "Records of the files.")
    var fileRecords = 2_000_000

    @Option(help: "Rounds.")
    var rounds = 5

    @Option(help: ArgumentHelp("Settings of the engine that is started.", valueName: "key=value"))
    var setting: [String] = []

    @Flag(help: "Write JSON.")
    var json = false

    func validate() throws {
        for text in remote where text.split(separator: "=", maxSplits: 1).count != 2 || !text.contains("=sc://") {
            throw ValidationError("'\(text)' is no name=sc://host:port")
        }
        guard records > 0, fileRecords > 0, rounds > 0 else { throw ValidationError("records and rounds are above zero") }
    }

    func run() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let broker = try await BenchedBox.start(.broker)
        let engine = try await BenchedBox.start(.engine, settings: setting)
        do {
            var servers = [try BenchedEngine("leat", engine.endpoint, pid: engine.pid)]
            for text in remote {
                let parts = text.split(separator: "=", maxSplits: 1)
                let endpoint = try Endpoint(parsing: String(parts[1].dropFirst("sc://".count)), defaultPort: 15_002)
                servers.append(try BenchedEngine(String(parts[0]), endpoint, pid: ProcessCPU.listener(onPort: endpoint.port)))
            }
            let workloads = only.isEmpty ? BenchEngineWorkload.allCases : only
            let data = BenchEngineData(folder: folder.path, broker: broker.endpoint, records: records, fileRecords: fileRecords)
            try await data.prepare(for: workloads)
            var report = BenchEngineReport(rounds: rounds)
            for workload in workloads {
                for round in 1...rounds {
                    for server in servers {
                        Terminal.note("\(workload.rawValue), round \(round) of \(rounds), \(server.name)")
                        await report.add(workload, server) { try await workload.run(on: server, data) }
                    }
                    // What a query leaves running or waiting is measured once.
                    if workload == .idle { break }
                }
            }
            for server in servers { await server.client.close() }
            print(try json ? report.json() : report.text())
        } catch {
            await engine.stop()
            await broker.stop()
            throw error
        }
        await engine.stop()
        await broker.stop()
    }
}

/// A Spark Connect server under measurement.
struct BenchedEngine: Sendable {
    let name: String
    let client: SparkConnectClient
    /// nil: it runs on another machine, or belongs to somebody else.
    let pid: Int32?

    init(_ name: String, _ endpoint: Endpoint, pid: Int32?) throws {
        self.name = name
        self.pid = pid
        client = SparkConnectClient(endpoint: endpoint, timeout: .seconds(60), startTimeout: .seconds(600), logger: .quietBench)
    }

    var cpuSeconds: Double? { pid.flatMap(ProcessCPU.seconds) }

    /// Runs a query until it has read all that was there.
    func run(_ definition: StreamingQueryDefinition) async throws -> Duration {
        let began = ContinuousClock.now
        let query = try await client.start(definition)
        while try await client.status(query.id).isActive { try await Task.sleep(for: .milliseconds(2)) }
        let took = ContinuousClock.now - began
        if let exception = try await client.exception(query.id) { throw BenchError(problem: exception.message) }
        return took
    }
}
