import ArgumentParser
import Foundation
import IO
import Stack

/// The flags by which every command that reads the configuration finds it.
struct ConfigurationOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The configuration file; leat.yaml in the working directory by default.", valueName: "file"), completion: .file()
    )
    var config: String?

    @Option(help: ArgumentHelp("A profile of that file, for example 'real'.", valueName: "name"))
    var profile: String?

    /// - Parameter shorthands: settings that a command has short flags for; they stand over the dotted flags.
    func load(_ shorthands: [(key: String, text: String?)] = []) throws -> StackConfiguration {
        try StackConfiguration.load(
            path: config, profile: profile, environment: ProcessInfo.processInfo.environment,
            flags: SettingFlags.current.pairs + shorthands.compactMap { pair in pair.text.map { (pair.key, $0) } })
    }
}
