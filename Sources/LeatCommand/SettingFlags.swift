import IO
import Stack

/// The flags that are settings: `--broker.port 9192` or `--broker.port=9192`, wherever they stand on the command line.
///
/// Every setting of every box is a flag. They are taken out before the subcommand's own flags are parsed, so that they are
/// declared once, beside the box.
struct SettingFlags: Sendable {
    /// What was found, in order.
    private(set) var pairs: [(key: String, text: String)] = []
    /// Settings whose values are missing: the line ends there, or the next flag stands there.
    private(set) var missing: [String] = []
    /// The arguments that are left for the subcommand.
    private(set) var rest: [String] = []

    nonisolated(unsafe) private static var given = SettingFlags(rest: [])

    /// None: every argument is the subcommand's.
    init(rest: [String]) {
        self.rest = rest
    }

    /// The flags of this process; set once, by `main`, before anything else runs.
    static var current: SettingFlags {
        get { given }
        set { given = newValue }
    }

    /// - Parameter keys: the known settings' keys.
    init(arguments: [String], keys: Set<String>) {
        var index = arguments.startIndex
        while index < arguments.endIndex {
            let argument = arguments[index]
            index += 1
            guard argument != "--" else {
                rest += arguments[(index - 1)...]
                break
            }
            guard argument.hasPrefix("--") else {
                rest.append(argument)
                continue
            }
            let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            // A dotted name can be nothing but a setting; a misspelt one is told so, with the nearest known key.
            guard keys.contains(name) || name.contains(".") else {
                rest.append(argument)
                continue
            }
            if parts.count == 2 {
                pairs.append((name, String(parts[1])))
            } else if index < arguments.endIndex, !arguments[index].hasPrefix("--") {
                pairs.append((name, arguments[index]))
                index += 1
            } else {
                missing.append(name)
            }
        }
    }

    /// - Throws: ``SettingFlagError`` for a flag without a value.
    func check() throws {
        if let name = missing.first {
            throw SettingFlagError(problem: "--\(name) wants a value", nextStep: "write --\(name)=VALUE for one that begins with '--'")
        }
    }

    /// The pairs that a command reads, which is only some of the settings.
    ///
    /// - Throws: ``SettingFlagError`` for a setting that has no effect there.
    func pairs(readBy command: String, _ keys: [String]) throws -> [(key: String, text: String)] {
        try check()
        if let other = pairs.first(where: { !keys.contains($0.key) }) {
            throw SettingFlagError(
                problem: "the setting \(other.key) has no effect on \(command)",
                nextStep: keys.isEmpty ? nil : "those that have are \(keys.map { "--" + $0 }.joined(separator: ", "))")
        }
        return pairs
    }

    /// Adds what a command's own short flag stands for.
    mutating func add(_ key: String, _ text: String) { pairs.append((key, text)) }
}

struct SettingFlagError: DescribedError {
    let problem: String
    let nextStep: String?
}
