import ArgumentParser
import Cassandra
import Foundation
import IO
import Logging

/// Executes statements and the prompt's own commands, and prints what they give.
final class CQLSession {
    private(set) var client: CassandraClient
    private(set) var keyspace: String?
    private let isJSON: Bool
    /// Asks whether to go on after a page; nil where nobody is there to ask, and all pages are printed.
    private let asksForMore: (() -> Bool)?
    private let logger: Logger
    private var consistency = Consistency.one
    private var pageSize: Int32
    private var isTimed = false
    /// The schema may have changed since the last completion.
    var schemaChanged: (() -> Void)?

    init(_ configuration: CassandraClientConfiguration, isJSON: Bool, asksForMore: (() -> Bool)?, logger: Logger) {
        client = CassandraClient(configuration, logger: logger)
        keyspace = configuration.keyspace
        self.isJSON = isJSON
        self.asksForMore = asksForMore
        self.logger = logger
        pageSize = asksForMore == nil ? 5_000 : 100
    }

    func close() async { await client.close() }

    /// Everything goes out in order through the one descriptor; a reader that has gone away ends the command.
    private static func say(_ text: String) throws { try OutputBuffer.write(text + "\n") }

    /// False when the statement asks to leave.
    func run(_ statement: String) async throws -> Bool {
        let words = statement.split(whereSeparator: { $0.isWhitespace || $0 == ";" }).map(String.init)
        switch words.first?.uppercased() {
        case nil: return true
        case "EXIT", "QUIT": return false
        case "HELP", "?": try Self.say(Self.help)
        case "DESCRIBE", "DESC": try await describe(Array(words.dropFirst()))
        case "TIMING": isTimed = words.count > 1 ? words[1].uppercased() == "ON" : !isTimed
        case "PAGING": try setPaging(words.dropFirst().first)
        case "CONSISTENCY": try setConsistency(words.dropFirst().first)
        case "SOURCE":
            let path = words.dropFirst().joined(separator: " ").trimmingCharacters(in: CharacterSet(charactersIn: "'\""))
            return try await run(file: path)
        default: try await execute(statement)
        }
        return true
    }

    func run(file path: String) async throws -> Bool {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CQLCommandError(problem: "cannot read \(path)", nextStep: "check the path and its permissions")
        }
        var splitter = StatementSplitter()
        for (index, line) in String(decoding: data, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            for statement in splitter.append(line: String(line)) {
                do {
                    guard try await run(statement) else { return false }
                } catch let error as any DescribedError {
                    throw CQLCommandError(problem: error.problem, nextStep: error.nextStep, place: "\(path):\(index + 1)")
                }
            }
        }
        return splitter.rest.isEmpty ? true : try await run(splitter.rest)
    }

    private func execute(_ statement: String) async throws {
        let clock = ContinuousClock()
        let start = clock.now
        var waited = Duration.zero
        var page = try await client.query(statement, pageSize: pageSize, consistency: consistency)
        waited += clock.now - start
        if let name = page.keyspace { await use(name) }
        if page.schemaChange != nil { schemaChanged?() }
        var count = 0
        while true {
            for warning in page.warnings { Terminal.note("Warning: \(warning)") }
            count += page.rows.count
            try output(page)
            guard let state = page.pagingState else { break }
            if let asksForMore, !asksForMore() { break }
            let before = clock.now
            page = try await client.query(statement, pageSize: pageSize, pagingState: state, consistency: consistency)
            waited += clock.now - before
        }
        if !isJSON, !page.columns.isEmpty { try Self.say("(\(count) row\(count == 1 ? "" : "s"))\n") }
        if isTimed { Terminal.note("\(waited.text) to the server and back") }
    }

    /// A pool's connections each have their own keyspace: a new pool has it on all of them.
    private func use(_ name: String) async {
        var configuration = client.configuration
        configuration.keyspace = name
        await client.close()
        client = CassandraClient(configuration, logger: logger)
        keyspace = name
    }

    private func output(_ page: CQLRows) throws {
        guard !page.columns.isEmpty else { return }
        if isJSON {
            var text = ""
            for line in page.jsonLines() { text += line + "\n" }
            return try OutputBuffer.write(text)
        }
        var table = TextTable(page.columns.map { .init($0.name, alignsRight: Self.isNumeric($0.type)) })
        for row in page.rows { table.add(row.map(\.description)) }
        try OutputBuffer.write(table.text())
    }

    private static func isNumeric(_ type: CQLType) -> Bool {
        switch type {
        case .bigint, .counter, .decimal, .double, .float, .int, .smallint, .tinyint, .varint: true
        default: false
        }
    }

    private func setPaging(_ word: String?) throws {
        switch word?.uppercased() {
        case nil: try Self.say("\(pageSize) rows a page")
        case "OFF": pageSize = 5_000
        case let word?:
            guard let size = Int32(word), size > 0 else {
                throw CQLCommandError(problem: "'\(word)' is no page size", nextStep: "write PAGING 100 or PAGING OFF")
            }
            pageSize = size
        }
    }

    private func setConsistency(_ word: String?) throws {
        guard let word else { return try Self.say("Consistency level is \(consistency).") }
        guard let level = Consistency(parsing: word) else {
            let names = Consistency.allCases.map(\.description).joined(separator: ", ")
            throw CQLCommandError(problem: "there is no consistency level '\(word)'", nextStep: "the levels are \(names)")
        }
        consistency = level
    }

    private func describe(_ words: [String]) async throws {
        let schema = SchemaText(client: client)
        switch (words.first?.uppercased(), words.count) {
        case ("KEYSPACES", 1):
            let names = try await schema.keyspaces().map(SchemaText.identifier)
            try Self.say(names.joined(separator: "\n"))
        case ("TABLES", 1):
            for (name, tables) in try await schema.tables() where keyspace == nil || name == keyspace {
                try Self.say("Keyspace \(SchemaText.identifier(name)):")
                for table in tables { try Self.say("  \(SchemaText.identifier(table))") }
            }
        case ("KEYSPACE", 1...2):
            guard let name = words.dropFirst().first.map(Self.name) ?? keyspace else { throw Self.noKeyspace }
            guard let text = try await schema.keyspace(name) else {
                throw CQLCommandError(problem: "there is no keyspace \(name)", nextStep: "DESCRIBE KEYSPACES lists them")
            }
            try Self.say(text)
        case ("TABLE", 2): try await describeTable(words[1], schema)
        case (_?, 1) where !["TABLE", "KEYSPACE"].contains(words[0].uppercased()):
            if let text = try await schema.keyspace(Self.name(words[0])) {
                try Self.say(text)
            } else {
                try await describeTable(words[0], schema)
            }
        default:
            throw CQLCommandError(
                problem: "DESCRIBE of what?", nextStep: "write DESCRIBE KEYSPACES, TABLES, KEYSPACE name or TABLE keyspace.name")
        }
    }

    private static let noKeyspace = CQLCommandError(
        problem: "no keyspace is chosen", nextStep: "write the name with its keyspace (keyspace.table), or USE keyspace first")

    private func describeTable(_ word: String, _ schema: SchemaText) async throws {
        let parts = word.split(separator: ".", maxSplits: 1).map { Self.name(String($0)) }
        guard let owner = parts.count == 2 ? parts[0] : keyspace else { throw Self.noKeyspace }
        guard let text = try await schema.table(keyspace: owner, name: parts[parts.count - 1]) else {
            throw CQLCommandError(problem: "there is no table \(word)", nextStep: "DESCRIBE TABLES lists them")
        }
        try Self.say(text)
    }

    /// A name as CQL understands it: lower case unless quoted.
    private static func name(_ word: String) -> String {
        word.hasPrefix("\"") && word.hasSuffix("\"") && word.count >= 2 ? String(word.dropFirst().dropLast()) : word.lowercased()
    }

    static let help = """
        Statements end with ';' and may take several lines. Besides CQL:
          DESCRIBE KEYSPACES | TABLES | KEYSPACE name | TABLE name   what there is, as CQL
          CONSISTENCY [level]    the consistency level of statements
          PAGING n | OFF         rows shown before asking whether to go on
          TIMING ON | OFF        how long statements take
          SOURCE 'file'          runs a file of statements
          EXIT                   leaves (also Ctrl-D)
        """
}

struct CQLCommandError: DescribedError {
    let problem: String
    var nextStep: String?
    var place: String?
}
