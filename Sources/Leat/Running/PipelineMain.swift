internal import Foundation
internal import IO
internal import Logging
internal import Stack

/// The command that a type marked `@main` becomes.
enum PipelineMain {
    static func run(_ pipeline: any Pipeline) async {
        do {
            let flags = try flags(CommandLine.arguments.dropFirst())
            let configuration = try StackConfiguration.load(
                path: nil, profile: nil, environment: ProcessInfo.processInfo.environment, flags: flags)
            try LineLogHandler.bootstrap(
                path: configuration.values.text("log.file"), bytesMax: configuration.values.bytes("log.file.bytes.max"),
                level: configuration.logLevel)
            let plan = PipelineRuntime.Plan(
                boxes: [.engine, .scheduler], pipelines: [pipeline], runsQueries: true,
                triggers: configuration.values.boolean("pipeline.trigger"))
            let signals = StopSignals()
            let runtime = try await signals.starting {
                try await PipelineRuntime.start(configuration, plan: plan, logger: Logger(label: "leat"))
            }
            guard let runtime else { return }
            await signals.wait()
            await runtime.stop()
        } catch {
            try? FileHandle.standardError.write(contentsOf: Data("\(pipeline.name): \(error)\n".utf8))
            exit(1)
        }
    }

    private static func flags(_ arguments: ArraySlice<String>) throws -> [(key: String, text: String)] {
        var pairs: [(key: String, text: String)] = []
        var rest = arguments
        while let argument = rest.popFirst() {
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard argument.hasPrefix("--"), let text = parts.count == 2 ? parts[1] : rest.popFirst() else {
                throw PipelineError(
                    problem: "'\(argument)' is not understood",
                    nextStep: "flags are settings: --broker.use kafka-1:9092, --pipeline.rate=10")
            }
            pairs.append((String(parts[0].dropFirst(2)), text))
        }
        return pairs
    }
}
