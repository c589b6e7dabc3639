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
        for box in Box.allCases { try checkAddress(of: box) }
    }

    /// An address that can be none is refused before anything starts.
    private func checkAddress(of box: Box) throws {
        guard case .address(let text) = placement(of: box) else { return }
        let complaint: String?
        let scheme = text.firstRange(of: "://").map { text[..<$0.lowerBound].lowercased() }
        let schemes = box == .engine ? ["sc"] : ["http", "https"]
        if let scheme, !schemes.contains(scheme) {
            complaint = schemes.map { $0 + "://" }.joined(separator: " or ") + " is wanted"
        } else if box == .api, scheme == nil, (try? Endpoint(parsing: text)) == nil {
            complaint = "'embedded', a URL such as https://randomuser.me/api/ or an address such as 127.0.0.1:8088 is wanted"
        } else {
            do {
                let port = scheme == "https" ? 443 : scheme == "http" ? 80 : values.integer("\(box.rawValue).port")
                complaint = try Endpoint.list(parsing: Self.withoutScheme(text), defaultPort: port).isEmpty ? "an address is wanted" : nil
            } catch {
                complaint = "'embedded' or an address such as host:port is wanted"
            }
        }
        if let complaint {
            let key = "\(box.rawValue).use"
            throw SettingError.malformed(key: key, text: text, complaint: complaint, origin: values.origin(of: key))
        }
    }

    package func placement(of box: Box) -> Placement {
        let text = values.text("\(box.rawValue).use")
        return text == "embedded" || text.isEmpty ? .embedded : .address(text)
    }

    /// The folder in which a box keeps its state.
    package func folder(of box: Box) -> String { values.text("data") + "/" + box.rawValue }

    /// From where a box is looked at.
    package enum Viewpoint: Sendable {
        /// From this process, which reaches an embedded box where it listens.
        case inside
        /// From anywhere: an embedded box is told by its advertised address, where it has one.
        case outside
    }

    /// Where clients find a box: the address that is configured, its advertised one, or where it listens.
    package func endpoints(of box: Box, for viewpoint: Viewpoint = .outside) throws -> [Endpoint] {
        var port = values.integer("\(box.rawValue).port")
        switch placement(of: box) {
        case .address(let text):
            return try Endpoint.list(parsing: Self.withoutScheme(text), defaultPort: port)
        case .embedded:
            let advertised = values.text("\(box.rawValue).advertised")
            if viewpoint == .outside, !advertised.isEmpty { return [try Endpoint(parsing: advertised, defaultPort: port)] }
            let host = values.text("\(box.rawValue).host")
            if viewpoint == .inside { port = values.integer(insidePort(of: box)) }
            return [Endpoint(host: ["0.0.0.0", "::"].contains(host) ? "127.0.0.1" : host, port: port)]
        }
    }

    /// The setting of the port by which this process reaches an embedded box.
    ///
    /// Kafka's clients go on to the address that a listener advertises, which may be one that only others reach: then the second listener
    /// serves, unless it advertises one too.
    func insidePort(of box: Box) -> String {
        box == .broker && values.isSet("broker.advertised") && !values.isSet("broker.container.advertised")
            ? "broker.container.port" : "\(box.rawValue).port"
    }

    /// A box's address as a URL without a trailing slash: `http://127.0.0.1:8080`.
    package func url(of box: Box, for viewpoint: Viewpoint = .outside) throws -> String {
        if case .address(let text) = placement(of: box), text.contains("://") {
            return text.hasSuffix("/") ? String(text.dropLast()) : text
        }
        return "http://\(try endpoints(of: box, for: viewpoint)[0])"
    }

    /// The address that the pipeline fetches its users from.
    package func apiAddress(for viewpoint: Viewpoint = .outside) throws -> String {
        switch placement(of: .api) {
        case .address(let text): text.contains("://") ? text : "http://\(text)/api/"
        case .embedded: "http://\(try endpoints(of: .api, for: viewpoint)[0])/api/"
        }
    }

    package var logLevel: Logger.Level { Logger.Level(rawValue: values.text("log.level"))! }

    private static func withoutScheme(_ text: String) -> String {
        guard let end = text.firstRange(of: "://") else { return text }
        return String(text[end.upperBound...].prefix { $0 != "/" })
    }
}
