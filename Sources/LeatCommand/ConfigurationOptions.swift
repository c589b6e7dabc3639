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

    /// A setting as the others are, and named here for the help and for completion: ``SettingFlags`` takes it before it comes to this.
    @Option(
        help: ArgumentHelp("The folder that holds what the boxes keep; leat-data by default.", valueName: "folder"), completion: .directory)
    var data: String?

    /// The configuration for a command that wants no more of it than a box's address.
    static func address(of box: Box, for command: String) throws -> [Endpoint] {
        let keys = ["use", "host", "port", "advertised"].map { "\(box.rawValue).\($0)" }
        let configuration = try StackConfiguration.load(
            path: nil, profile: nil, environment: ProcessInfo.processInfo.environment,
            flags: try SettingFlags.current.pairs(readBy: command, keys))
        return try configuration.endpoints(of: box, for: .inside)
    }

    /// - Parameter shorthands: settings that a command has short flags for; they stand over the dotted flags.
    func load(_ shorthands: [(key: String, text: String?)] = []) throws -> StackConfiguration {
        try SettingFlags.current.check()
        return try StackConfiguration.load(
            path: config, profile: profile, environment: ProcessInfo.processInfo.environment,
            flags: SettingFlags.current.pairs + shorthands.compactMap { pair in pair.text.map { (pair.key, $0) } })
    }
}
