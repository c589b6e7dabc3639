package import IO
internal import Yams

/// `leat.yaml`, flattened: dotted keys with their texts and the lines that they stand on.
///
///     broker: embedded            # the short form of broker.use
///     store:
///       use: embedded
///       port: 9042
///     profiles:
///       real:                     # chosen with --profile real
///         broker: localhost:9092
///
/// A profile's entries stand over the file's own.
package struct ConfigurationFile: Sendable {
    package struct Entry: Sendable, Equatable {
        package let key: String
        package let text: String
        package let line: Int
    }

    package let name: String
    package let entries: [Entry]
    package let profiles: [String: [Entry]]

    /// - Throws: ``ConfigurationFileError`` that names the file and the line.
    package init(name: String, yaml: String) throws {
        self.name = name
        let root: Node?
        do {
            root = try Yams.compose(yaml: yaml)
        } catch {
            throw ConfigurationFileError(file: name, line: Self.line(of: error, yaml), problem: "this is not YAML: \(Self.reason(error))")
        }
        var entries: [Entry] = []
        var profiles: [String: [Entry]] = [:]
        if let root, !Self.isNull(root) {
            for (key, value) in try Self.mapping(root, file: name, what: "the file") {
                if key.text == "profiles" {
                    for (profile, body) in try Self.mapping(value, file: name, what: "profiles") {
                        profiles[profile.text] = try Self.boxes(body, file: name)
                    }
                } else {
                    try Self.flatten(value, key: key.text, line: key.line, file: name, into: &entries)
                }
            }
        }
        self.entries = entries
        self.profiles = profiles
    }

    private typealias Key = (text: String, line: Int)

    private static func boxes(_ node: Node, file: String) throws -> [Entry] {
        var entries: [Entry] = []
        for (key, value) in try mapping(node, file: file, what: "a profile") {
            try flatten(value, key: key.text, line: key.line, file: file, into: &entries)
        }
        return entries
    }

    private static func flatten(_ node: Node, key: String, line: Int, file: String, into entries: inout [Entry]) throws {
        switch node {
        case .mapping:
            for (inner, value) in try mapping(node, file: file, what: key) {
                try flatten(value, key: "\(key).\(inner.text)", line: inner.line, file: file, into: &entries)
            }
        case .sequence(let sequence):
            let parts = try sequence.map { item in
                guard case .scalar(let scalar) = item else {
                    throw ConfigurationFileError(file: file, line: item.mark?.line ?? line, problem: "\(key) takes a list of plain values")
                }
                return scalar.string
            }
            entries.append(Entry(key: key, text: parts.joined(separator: ","), line: line))
        case .scalar(let scalar):
            let full = Box(rawValue: key) == nil ? key : "\(key).use"
            entries.append(Entry(key: full, text: isNull(node) ? "" : scalar.string, line: line))
        case .alias:
            throw ConfigurationFileError(file: file, line: line, problem: "aliases are not read here")
        }
    }

    private static func mapping(_ node: Node, file: String, what: String) throws -> [(Key, Node)] {
        guard case .mapping(let mapping) = node else {
            throw ConfigurationFileError(file: file, line: node.mark?.line ?? 1, problem: "\(what) must be a mapping of names to values")
        }
        return try mapping.map { key, value in
            guard case .scalar(let scalar) = key else {
                throw ConfigurationFileError(file: file, line: key.mark?.line ?? 1, problem: "a name must be plain text")
            }
            return ((scalar.string, key.mark?.line ?? 1), value)
        }
    }

    private static func isNull(_ node: Node) -> Bool {
        guard case .scalar(let scalar) = node else { return false }
        return scalar.style == .plain && ["", "~", "null"].contains(scalar.string)
    }

    private static func line(of error: any Error, _ yaml: String) -> Int {
        guard let error = error as? YamlError else { return 1 }
        switch error {
        case .duplicatedKeysInMapping(let duplicates, let context):
            return duplicates.first.flatMap { secondLine(of: $0, in: yaml, from: context.mark.line) } ?? context.mark.line
        case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _): return mark.line
        default: return 1
        }
    }

    /// The line on which a name stands for the second time at the depth where it stood first; the parser tells the mapping's first line.
    private static func secondLine(of key: String, in yaml: String, from first: Int) -> Int? {
        var depth: Int?
        for (index, line) in yaml.split(separator: "\n", omittingEmptySubsequences: false).enumerated() where index + 1 >= first {
            let indent = line.prefix { $0 == " " }.count
            let rest = line.dropFirst(indent)
            guard [key, "\"\(key)\"", "'\(key)'"].contains(where: { rest.hasPrefix($0 + ":") }) else { continue }
            if depth == indent { return index + 1 }
            if depth == nil { depth = indent }
        }
        return nil
    }

    private static func reason(_ error: any Error) -> String {
        guard let error = error as? YamlError else { return "\(error)" }
        switch error {
        case .scanner(_, let problem, _, _), .parser(_, let problem, _, _), .composer(_, let problem, _, _): return problem
        case .duplicatedKeysInMapping(let duplicates, _):
            return "'\(duplicates.first ?? "a name")' stands there twice"
        default: return "\(error)"
        }
    }
}

package struct ConfigurationFileError: DescribedError {
    package let file: String
    package let line: Int?
    package let problem: String
    package var place: String? { line.map { "\(file):\($0)" } ?? file }
}
