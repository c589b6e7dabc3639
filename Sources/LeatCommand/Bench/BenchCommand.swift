import ArgumentParser

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure the broker, the store, the engine or the whole pipeline, each in a process of its own.",
        discussion: """
            EXAMPLES
              leat bench broker                          CPU seconds and time for each GiB produced and consumed
              leat bench store --store 10.0.0.7:9042     µs of CPU for each insert and read, of any Cassandra
              leat bench engine                          rows/s of queries, beside any other Spark's
              leat bench pipeline --json                 rows/s from topic to table, and latency from producer to reader
            """,
        subcommands: [BenchBrokerCommand.self, BenchStoreCommand.self, BenchEngineCommand.self, BenchPipelineCommand.self])
}
