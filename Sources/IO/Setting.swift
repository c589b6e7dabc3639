/// One named setting: its key, what it takes, its default, and a line of documentation.
///
/// Each box declares its settings once; the file, the flags, the environment, `leat config` and the documentation are all
/// made from the declarations.
package struct Setting: Sendable {
    package enum Kind: Sendable, Equatable {
        case text
        case integer(ClosedRange<Int>)
        case duration
        /// A number of bytes, written with an optional unit: `1048576`, `64MiB`, `1GiB`.
        case bytes
        case boolean
        case choice([String])
        case endpoint
        case path
    }

    /// Dotted, the box first: `broker.log.flush`. As a flag `--broker.log.flush`, in the environment `LEAT_BROKER_LOG_FLUSH`.
    package let key: String
    package let kind: Kind
    package let defaultValue: String
    package let help: String

    package init(_ key: String, _ kind: Kind, default defaultValue: String, _ help: String) {
        self.key = key
        self.kind = kind
        self.defaultValue = defaultValue
        self.help = help
    }

    package var environmentName: String {
        "LEAT_" + key.uppercased().map { $0 == "." || $0 == "-" ? "_" : String($0) }.joined()
    }

    /// Why `text` is no value of this setting, or nil when it is one. An empty text stands for "not set" where the default is empty.
    package func complaint(about text: String) -> String? {
        if text.isEmpty, defaultValue.isEmpty { return nil }
        switch kind {
        case .text, .path:
            return nil
        case .integer(let range):
            guard let value = Int(text) else { return "a whole number is wanted" }
            return range.contains(value) ? nil : "a number from \(range.lowerBound) to \(range.upperBound) is wanted"
        case .duration:
            return (try? Duration(parsing: text)) == nil ? "a duration such as 250ms, 90s or 1m30s is wanted" : nil
        case .bytes:
            return Self.bytes(text) == nil ? "a number of bytes such as 1048576, 64MiB or 1GiB is wanted" : nil
        case .boolean:
            return ["true", "false"].contains(text) ? nil : "true or false is wanted"
        case .choice(let choices):
            return choices.contains(text) ? nil : "one of \(choices.joined(separator: ", ")) is wanted"
        case .endpoint:
            return (try? Endpoint(parsing: text)) == nil ? "an address such as 127.0.0.1:9092 is wanted" : nil
        }
    }

    /// Bytes from `1048576`, `64KiB`, `64MiB`, `1GiB`, `1KB`, `1MB`, `1GB`.
    package static func bytes(_ text: String) -> Int? {
        let digits = text.prefix { $0.isNumber }
        guard let number = Int(digits) else { return nil }
        let units = [
            "": 1, "B": 1, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000,
        ]
        guard let unit = units[text.dropFirst(digits.count).uppercased()] else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: unit)
        return overflow ? nil : bytes
    }
}

/// The values in force for a set of declared settings, each with where it came from.
package struct SettingValues: Sendable {
    /// Where a value came from, weakest first.
    package enum Origin: Sendable, Equatable, CustomStringConvertible {
        case builtIn
        case file(name: String, line: Int)
        case environment(String)
        case flag(String)

        package var description: String {
            switch self {
            case .builtIn: "default"
            case .file(let name, let line): "\(name):\(line)"
            case .environment(let name): "environment \(name)"
            case .flag(let flag): "flag \(flag)"
            }
        }
    }

    package let settings: [Setting]
    private var indices: [String: Int] = [:]
    private var values: [(text: String, origin: Origin)]

    package init(_ settings: [Setting]) {
        self.settings = settings
        values = settings.map { ($0.defaultValue, .builtIn) }
        for (index, setting) in settings.enumerated() {
            precondition(indices.updateValue(index, forKey: setting.key) == nil, "\(setting.key) is declared twice")
            precondition(setting.complaint(about: setting.defaultValue) == nil, "\(setting.key)'s default is no value of it")
        }
    }

    /// Sets one value.
    ///
    /// - Throws: ``SettingError`` for an unknown key (with the nearest known one) or a value of the wrong form.
    package mutating func set(_ key: String, to text: String, from origin: Origin) throws {
        guard let index = indices[key] else {
            throw SettingError.unknown(key: key, nearest: nearest(to: key), origin: origin)
        }
        if let complaint = settings[index].complaint(about: text) {
            throw SettingError.malformed(key: key, text: text, complaint: complaint, origin: origin)
        }
        values[index] = (text, origin)
    }

    package func origin(of key: String) -> Origin { values[index(of: key)].origin }
    package func text(_ key: String) -> String { values[index(of: key)].text }
    package func isSet(_ key: String) -> Bool { !text(key).isEmpty }
    package func integer(_ key: String) -> Int { Int(text(key))! }
    package func boolean(_ key: String) -> Bool { text(key) == "true" }
    package func bytes(_ key: String) -> Int { Setting.bytes(text(key))! }
    package func duration(_ key: String) -> Duration { try! Duration(parsing: text(key)) }
    package func endpoint(_ key: String) -> Endpoint { try! Endpoint(parsing: text(key)) }

    private func index(of key: String) -> Int {
        guard let index = indices[key] else { preconditionFailure("the setting \(key) is read but not declared") }
        return index
    }

    /// The known key with the fewest edits to `key`, when it is near enough to have been meant.
    package func nearest(to key: String) -> String? {
        settings.map { ($0.key, editDistance($0.key, key)) }
            .min { $0.1 < $1.1 }
            .flatMap { $0.1 <= max(2, key.count / 3) ? $0.0 : nil }
    }
}

package enum SettingError: DescribedError {
    case unknown(key: String, nearest: String?, origin: SettingValues.Origin)
    case malformed(key: String, text: String, complaint: String, origin: SettingValues.Origin)

    package var problem: String {
        switch self {
        case .unknown(let key, _, _): "there is no setting '\(key)'"
        case .malformed(let key, let text, let complaint, _): "'\(text)' is no value for \(key): \(complaint)"
        }
    }

    package var place: String? {
        switch self {
        case .unknown(_, _, let origin), .malformed(_, _, _, let origin): origin == .builtIn ? nil : origin.description
        }
    }

    package var nextStep: String? {
        switch self {
        case .unknown(_, let nearest?, _): "did you mean '\(nearest)'? `leat config` lists them all"
        case .unknown: "`leat config` lists all settings"
        case .malformed: nil
        }
    }
}

/// Levenshtein distance: the single-character insertions, deletions and substitutions from one text to the other.
package func editDistance(_ first: String, _ second: String) -> Int {
    let first = Array(first), second = Array(second)
    var row = Array(0...second.count)
    for i in first.indices {
        var diagonal = row[0]
        row[0] = i + 1
        for j in second.indices {
            let substituted = diagonal + (first[i] == second[j] ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = Swift.min(substituted, row[j] + 1, row[j + 1] + 1)
        }
    }
    return row[second.count]
}
