import ArgumentParser
import Foundation
import IO
import Leat
import Logging
import Stack

/// What the commands that run one box alone share.
protocol BoxCommand: AsyncParsableCommand {
    static var box: Box { get }
    var options: ConfigurationOptions { get }
}

extension BoxCommand {
    static func describe(_ more: String = "", examples: [String]) -> CommandConfiguration {
        CommandConfiguration(
            commandName: box.rawValue, abstract: "Run the \(box.role) alone.",
            discussion: (more.isEmpty ? "" : more + "\n\n") + "EXAMPLES\n" + examples.map { "  " + $0 }.joined(separator: "\n")
                + "\n\n`leat config \(box.rawValue)` lists its settings; each is a flag here.")
    }

    /// Starts the box, says where it listens, and stops it at the first signal.
    func serve(pipelines: [any Pipeline] = [], runsQueries: Bool = false) async throws {
        var configuration = try options.load()
        // Asked for by name, the box runs here, wherever the file says that the pipeline finds it.
        try configuration.values.set("\(Self.box.rawValue).use", to: "embedded", from: .flag("leat \(Self.box.rawValue)"))
        try LineLogHandler.bootstrap(
            path: configuration.values.text("log.file"), bytesMax: configuration.values.bytes("log.file.bytes.max"),
            level: configuration.logLevel)
        let signals = StopSignals()
        let plan = PipelineRuntime.Plan(boxes: [Self.box], pipelines: pipelines, runsQueries: runsQueries, triggers: false)
        let settled = configuration
        let runtime = try await signals.starting {
            try await PipelineRuntime.start(settled, plan: plan, logger: Logger(label: "leat"))
        }
        guard let runtime else { return Terminal.note("stopped before the \(Self.box.role) had started") }
        let addresses = try runtime.stack.configuration.endpoints(of: Self.box).map(\.description).joined(separator: ", ")
        Terminal.note("\(Self.box.role) ready at \(addresses)")
        await signals.wait()
        await runtime.stop()
    }
}

struct APICommand: BoxCommand {
    static let box = Box.api
    static let configuration = describe(
        "Answers as randomuser.me's version 1.4 does, with users of its own making or with recorded ones.",
        examples: ["leat api", "leat api --replay users.json", "curl 'http://127.0.0.1:8088/api/?results=3&nat=fr&format=pretty'"])
    @OptionGroup var options: ConfigurationOptions

    @Option(help: ArgumentHelp("Serve these recorded responses (api.replay).", valueName: "file"), completion: .file())
    var replay: String?

    func run() async throws {
        if let replay { SettingFlags.current.add("api.replay", replay) }
        try await serve()
    }
}

struct BrokerCommand: BoxCommand {
    static let box = Box.broker
    static let configuration = describe(
        "One Kafka node: any Kafka client can produce, consume and administer.",
        examples: ["leat broker", "leat broker --broker.port 19092 --data /var/lib/leat", "leat broker --broker.log.flush interval"])
    @OptionGroup var options: ConfigurationOptions
    func run() async throws { try await serve() }
}

struct RegistryCommand: BoxCommand {
    static let box = Box.registry
    static let configuration = describe(examples: ["leat registry --broker.use kafka-1:9092"])
    @OptionGroup var options: ConfigurationOptions
    func run() async throws { try await serve() }
}

struct StoreCommand: BoxCommand {
    static let box = Box.store
    static let configuration = describe(
        "One Cassandra node: any Cassandra driver and cqlsh can connect.", examples: ["leat store", "leat store --store.port 19042"])
    @OptionGroup var options: ConfigurationOptions
    func run() async throws { try await serve() }
}

struct EngineCommand: BoxCommand {
    static let box = Box.engine
    static let configuration = describe(
        "Runs the streaming queries of the pipelines that it is given, and answers Spark Connect.",
        examples: ["leat engine --pipeline users", "leat engine --pipeline users --broker.use kafka-1:9092 --store.use cassandra-1:9042"])
    @OptionGroup var options: ConfigurationOptions

    @Option(help: ArgumentHelp("A pipeline compiled into this command whose queries it runs; may be repeated.", valueName: "name"))
    var pipeline: [String] = []

    func run() async throws { try await serve(pipelines: try pipeline.map(Pipelines.named), runsQueries: true) }
}

struct SchedulerCommand: BoxCommand {
    static let box = Box.scheduler
    static let configuration = describe(
        "Runs the DAGs of the pipelines that it is given, and answers Airflow's REST API.",
        examples: ["leat scheduler --pipeline users", "curl http://127.0.0.1:8080/api/v2/dags"])
    @OptionGroup var options: ConfigurationOptions

    @Option(help: ArgumentHelp("A pipeline compiled into this command whose DAGs it runs; may be repeated.", valueName: "name"))
    var pipeline: [String] = []

    func run() async throws { try await serve(pipelines: try pipeline.map(Pipelines.named)) }
}

struct ConsoleCommand: BoxCommand {
    static let box = Box.console
    static let configuration = describe(
        "Shows the boxes that leat.yaml names, embedded or real, in a web page.",
        examples: ["leat console", "leat console --profile real --console.port 9121"])
    @OptionGroup var options: ConfigurationOptions
    func run() async throws { try await serve() }
}

struct ZooKeeperCommand: BoxCommand {
    static let box = Box.zookeeper
    static let configuration = describe(
        "Answers ZooKeeper's four-letter words and shows Kafka's znodes, read only.",
        examples: ["leat zookeeper", "echo ruok | nc 127.0.0.1 2181"])
    @OptionGroup var options: ConfigurationOptions
    func run() async throws { try await serve() }
}
