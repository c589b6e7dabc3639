import ArgumentParser
import Foundation
import IO
import Leat
import Stack
import Users

/// `leat`: the streaming data stack in one binary.
struct LeatCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "leat",
        abstract:
            "The streaming data stack in one binary: Kafka, Schema Registry, Spark, Cassandra, Airflow's roles, over their own protocols.",
        discussion: """
            EXAMPLES
              leat up                          start everything and run the users pipeline
              leat up --for 2m --rate 100      stop by itself after two minutes, 100 users a second
              leat submit pyspark_stream.py    run a PySpark script on the engine
              leat consume users_created       what is in the topic
              leat cql -e "SELECT * FROM spark_streams.created_users LIMIT 5"
              leat config                      every setting, its value, and where the value came from

            Every setting is also a flag (--broker.port 9192) and an environment variable (LEAT_BROKER_PORT=9192).
            """,
        version: "leat 0.1.0",
        groupedSubcommands: [
            CommandGroup(name: "Run", subcommands: [UpCommand.self, RunCommand.self, SubmitCommand.self, ConfigCommand.self]),
            CommandGroup(
                name: "Look and act", subcommands: [TopicCommand.self, ProduceCommand.self, ConsumeCommand.self, CQLCommand.self]),
            CommandGroup(
                name: "One box alone",
                subcommands: [
                    APICommand.self, BrokerCommand.self, RegistryCommand.self, StoreCommand.self, EngineCommand.self, SchedulerCommand.self,
                    ConsoleCommand.self, ZooKeeperCommand.self,
                ]),
            CommandGroup(name: "Measure", subcommands: [BenchCommand.self]),
        ])
}

/// The pipelines that are compiled into this command.
enum Pipelines {
    static let all: [any Pipeline] = [UsersPipeline()]

    static func named(_ name: String) throws -> any Pipeline {
        if let pipeline = all.first(where: { $0.name == name }) { return pipeline }
        throw PipelineError(
            problem: "there is no pipeline '\(name)' in this command",
            nextStep: "it has: \(all.map(\.name).joined(separator: ", "))")
    }
}

@main
enum Main {
    static func main() async {
        ProcessMemory.limitArenas()
        // A reader that has gone away is noticed where the output is written.
        signal(SIGPIPE, SIG_IGN)
        let arguments = Array(CommandLine.arguments.dropFirst())
        // A script's own flags are no settings.
        let isSubmit = arguments.first == SubmitCommand.configuration.commandName
        SettingFlags.current =
            isSubmit ? SettingFlags(rest: arguments) : SettingFlags(arguments: arguments, keys: Set(StackSettings.all.map(\.key)))
        do {
            var command = try LeatCommand.parseAsRoot(SettingFlags.current.rest)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch is OutputClosed {
            exit(0)
        } catch let error as any DescribedError {
            Terminal.note(Terminal.error.style.red("leat: ") + error.description)
            exit(1)
        } catch {
            LeatCommand.exit(withError: error)
        }
    }
}
