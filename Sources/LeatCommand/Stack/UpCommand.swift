import ArgumentParser
import Foundation
import IO
import Leat
import Stack

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Start every box in this process and run a pipeline, with a live view.",
        discussion: """
            Starts the RandomUser API, the broker, the Schema Registry, the store, the engine, the scheduler, the console and ZooKeeper's port,
            but for those that leat.yaml gives an address for; then deploys the pipeline and triggers its DAGs once.
            Ctrl-C drains and stops in order; a second Ctrl-C stops at once. On a pipe one JSON object a second is printed.

            EXAMPLES
              leat up
              leat up --for 90s --rate 50
              leat up --json | jq .table.rows
              leat up --data /var/lib/leat --broker.port 19092
              leat up --profile real --engine.use embedded --scheduler.use embedded
            """)

    @OptionGroup var options: ConfigurationOptions

    @Option(help: ArgumentHelp("The pipeline to run.", valueName: "name"), completion: .list(["users"]))
    var pipeline = "users"

    @Option(name: .customLong("for"), help: ArgumentHelp("Stop by itself after this long, with a summary.", valueName: "duration"))
    var duration: String?

    @Option(help: ArgumentHelp("Users fetched a second (pipeline.rate).", valueName: "n"))
    var rate: String?

    @Option(
        help: ArgumentHelp("Serve these recorded API responses instead of generated users (api.replay).", valueName: "file"),
        completion: .file())
    var replay: String?

    @Flag(help: "One JSON object a second instead of the live view.")
    var json = false

    func run() async throws {
        let configuration = try options.load([("pipeline.rate", rate), ("api.replay", replay)])
        let limit = try duration.map { try Duration(parsing: $0) }
        let chosen = try Pipelines.named(pipeline)
        let isLive = !json && Terminal.output.isTerminal
        let values = configuration.values
        let log = values.isSet("log.file") || !isLive ? values.text("log.file") : values.text("data") + "/leat.log"
        let plan = PipelineRuntime.Plan(
            boxes: Set(Box.allCases), pipelines: [chosen], runsQueries: true, triggers: values.boolean("pipeline.trigger"))
        try await Session(configuration: configuration, plan: plan, watched: chosen, limit: limit, isLive: isLive, logPath: log).run()
    }
}

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run one pipeline, its scheduler and engine in this process, against boxes that run elsewhere.",
        discussion: """
            The API, the broker and the store are where leat.yaml or the flags say; where they say nothing, at their usual ports on this machine.

            EXAMPLES
              leat run users --broker.use kafka-1:9092 --store.use cassandra-1:9042
              leat run users --profile real --for 10m
              leat run users --api.use https://randomuser.me/api/
            """)

    @Argument(help: ArgumentHelp("The pipeline.", valueName: "pipeline"), completion: .list(["users"]))
    var pipeline: String

    @OptionGroup var options: ConfigurationOptions

    @Option(name: .customLong("for"), help: ArgumentHelp("Stop by itself after this long, with a summary.", valueName: "duration"))
    var duration: String?

    @Option(help: ArgumentHelp("Users fetched a second (pipeline.rate).", valueName: "n"))
    var rate: String?

    @Flag(help: "One JSON object a second instead of the live view.")
    var json = false

    func run() async throws {
        let configuration = try options.load([("pipeline.rate", rate)])
        let limit = try duration.map { try Duration(parsing: $0) }
        let chosen = try Pipelines.named(pipeline)
        let isLive = !json && Terminal.output.isTerminal
        let values = configuration.values
        let log = values.isSet("log.file") || !isLive ? values.text("log.file") : values.text("data") + "/leat.log"
        let plan = PipelineRuntime.Plan(
            boxes: [.engine, .scheduler], pipelines: [chosen], runsQueries: true, triggers: values.boolean("pipeline.trigger"))
        try await Session(configuration: configuration, plan: plan, watched: chosen, limit: limit, isLive: isLive, logPath: log).run()
    }
}
