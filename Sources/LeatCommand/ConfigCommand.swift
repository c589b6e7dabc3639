import ArgumentParser
import Foundation
import IO
import Stack

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Print every setting, its value, and where the value came from.",
        discussion: """
            Later sources stand over earlier ones: default, leat.yaml, its profile, environment, flags.

            EXAMPLES
              leat config
              leat config broker               the settings whose names begin with 'broker'
              leat config --profile real --changed
              leat config --json | jq '."store.port"'
            """)

    @OptionGroup var options: ConfigurationOptions

    @Argument(help: "Only the settings whose names begin so.")
    var prefix: String = ""

    @Flag(help: "Only the settings that are not at their default.")
    var changed = false

    @Flag(help: "One JSON object: key to value, origin, default and help.")
    var json = false

    func run() throws {
        let values = try options.load().values
        let settings = values.settings.filter { $0.key.hasPrefix(prefix) && (!changed || values.origin(of: $0.key) != .builtIn) }
        if json {
            let object = Dictionary(uniqueKeysWithValues: settings.map { ($0.key, Entry($0, values)) })
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            print(String(decoding: try encoder.encode(object), as: UTF8.self))
            return
        }
        if settings.isEmpty, !changed {
            throw PipelineSettingError(prefix: prefix, nearest: values.nearest(to: prefix))
        }
        var table = TextTable([.init("SETTING"), .init("VALUE"), .init("FROM"), .init("WHAT IT IS")])
        for setting in settings {
            table.add([setting.key, values.text(setting.key), values.origin(of: setting.key).description, setting.help])
        }
        print(table.text(maximumCellWidth: 100), terminator: "")
    }

    private struct Entry: Encodable {
        let value, origin, `default`, help, environment: String

        init(_ setting: Setting, _ values: SettingValues) {
            value = values.text(setting.key)
            origin = values.origin(of: setting.key).description
            `default` = setting.defaultValue
            help = setting.help
            environment = setting.environmentName
        }
    }
}

private struct PipelineSettingError: DescribedError {
    let prefix: String
    let nearest: String?
    var problem: String { "no setting's name begins with '\(prefix)'" }
    var nextStep: String? { nearest.map { "did you mean '\($0)'?" } }
}
