package import IO
package import Logging

/// The effective configuration: every setting with its value and origin, and where each box is to be found.
package struct StackConfiguration: Sendable {
    package var values: SettingValues

    /// Resolves built-in defaults, then the file, its profile, the environment, and last the flags.
    ///
    /// - Parameters:
    ///   - file: the parsed `leat.yaml`, or nil where there is none.
    ///   - profile: the name of one of the file's profiles.
    ///   - environment: all environment variables; those whose names begin with `LEAT_` are read.
    ///   - flags: the command line's `key` and `text` pairs, the later standing over the earlier.
    /// - Throws: ``SettingError`` or ``ConfigurationFileError``.
    package init(
        file: ConfigurationFile? = nil, profile: String? = nil, environment: [String: String] = [:],
        flags: [(key: String, text: String)] = []
    ) throws {
        values = SettingValues(StackSettings.all)
        if let file {
            var entries = file.entries
            if let profile {
                guard let more = file.profiles[profile] else {
                    let known = file.profiles.keys.sorted().joined(separator: ", ")
                    throw ConfigurationFileError(
                        file: file.name, line: nil,
                        problem: "there is no profile '\(profile)'" + (known.isEmpty ? "; the file has none" : "; it has \(known)"))
                }
                entries += more
            }
            for entry in entries {
                try values.set(entry.key, to: entry.text, from: .file(name: file.name, line: entry.line))
            }
        } else if let profile {
            throw ConfigurationFileError(
                file: "leat.yaml", line: nil, problem: "the profile '\(profile)' was asked for, and there is no such file")
        }
        let names = Dictionary(uniqueKeysWithValues: StackSettings.all.map { ($0.environmentName, $0.key) })
        for (name, text) in environment.sorted(by: { $0.key < $1.key }) where name.hasPrefix("LEAT_") {
            guard let key = names[name] else {
                // These two say where the configuration is, and are read before it.
                if ["LEAT_CONFIG", "LEAT_PROFILE"].contains(name) { continue }
                let meant = String(name.dropFirst(5)).lowercased().split(separator: "_").joined(separator: ".")
                throw SettingError.unknown(key: meant, nearest: values.nearest(to: meant), origin: .environment(name))
            }
            try values.set(key, to: text, from: .environment(name))
        }
        for (key, text) in flags {
            try values.set(key, to: text, from: .flag("--\(key)"))
        }
    }

    package func placement(of box: Box) -> Placement {
        let text = values.text("\(box.rawValue).use")
        return text == "embedded" || text.isEmpty ? .embedded : .address(text)
    }

    /// The folder in which a box keeps its state.
    package func folder(of box: Box) -> String { values.text("data") + "/" + box.rawValue }

    /// Where clients find a box that has one address: its own, or its advertised one, or the one that is configured.
    package func endpoints(of box: Box) throws -> [Endpoint] {
        let port = values.integer("\(box.rawValue).port")
        switch placement(of: box) {
        case .address(let text):
            return try Endpoint.list(parsing: Self.withoutScheme(text), defaultPort: port)
        case .embedded:
            let advertised = values.text("\(box.rawValue).advertised")
            if !advertised.isEmpty { return [try Endpoint(parsing: advertised, defaultPort: port)] }
            let host = values.text("\(box.rawValue).host")
            return [Endpoint(host: ["0.0.0.0", "::"].contains(host) ? "127.0.0.1" : host, port: port)]
        }
    }

    /// A box's address as a URL without a trailing slash: `http://127.0.0.1:8080`.
    package func url(of box: Box) throws -> String {
        if case .address(let text) = placement(of: box), text.contains("://") {
            return text.hasSuffix("/") ? String(text.dropLast()) : text
        }
        return "http://\(try endpoints(of: box)[0])"
    }

    /// The address that the pipeline fetches its users from.
    package func apiAddress() throws -> String {
        switch placement(of: .api) {
        case .address(let text): text.contains("://") ? text : "http://\(text)/api/"
        case .embedded: "http://\(try endpoints(of: .api)[0])/api/"
        }
    }

    package var logLevel: Logger.Level { Logger.Level(rawValue: values.text("log.level"))! }

    private static func withoutScheme(_ text: String) -> String {
        guard let end = text.firstRange(of: "://") else { return text }
        return String(text[end.upperBound...].prefix { $0 != "/" })
    }
}
