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
        let configuration = try options.load()
        let values = configuration.values
        let settings = values.settings.filter { $0.key.hasPrefix(prefix) && (!changed || values.origin(of: $0.key) != .builtIn) }
        let links = Dictionary(try configuration.linkedSettings().map { ($0.key, (value: $0.value, from: $0.from)) }) { $1 }
        let entries = settings.map { Entry($0, values, links[$0.key]) }
        if json {
            let object = Dictionary(uniqueKeysWithValues: zip(settings.map(\.key), entries))
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            print(String(decoding: try encoder.encode(object), as: UTF8.self))
            return
        }
        if settings.isEmpty, !changed {
            throw NoSuchSettings(prefix: prefix, nearest: Self.nearest(to: prefix, among: values.settings.map(\.key)))
        }
        var table = TextTable([.init("SETTING"), .init("VALUE"), .init("FROM"), .init("WHAT IT IS")])
        for (setting, entry) in zip(settings, entries) { table.add([setting.key, entry.value, entry.origin, setting.help]) }
        print(table.text(maximumCellWidth: 100), terminator: "")
    }

    /// The setting, or the first words of settings, with the fewest edits to what was written.
    static func nearest(to text: String, among keys: [String]) -> String? {
        var beginnings: Set<String> = []
        for key in keys {
            let parts = key.split(separator: ".")
            for count in 1...parts.count { beginnings.insert(parts.prefix(count).joined(separator: ".")) }
        }
        return beginnings.sorted().map { ($0, editDistance($0, text)) }.min { $0.1 < $1.1 }
            .flatMap { $0.1 <= max(2, text.count / 3) ? $0.0 : nil }
    }

    private struct Entry: Encodable {
        let value, origin, `default`, help, environment: String

        /// - Parameter link: what a box is told that the setting itself does not say.
        init(_ setting: Setting, _ values: SettingValues, _ link: (value: String, from: String)?) {
            let text = link?.value ?? values.text(setting.key)
            // Who may see the configuration need not know the passwords.
            value = setting.key.hasSuffix("password") && !text.isEmpty ? "********" : text
            origin = link.map { "from \($0.from)" } ?? values.origin(of: setting.key).description
            `default` = setting.defaultValue
            help = setting.help
            environment = setting.environmentName
        }
    }
}

private struct NoSuchSettings: DescribedError {
    let prefix: String
    let nearest: String?
    var problem: String { "no setting's name begins with '\(prefix)'" }
    var nextStep: String? { nearest.map { "did you mean '\($0)'?" } }
}
