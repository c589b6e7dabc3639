import ArgumentParser
import Cassandra
import Foundation
import IO
import Logging
import Stack

/// `leat cql`: a prompt for CQL, and a way to run statements from scripts, against any server that speaks the native protocol.
struct CQLCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cql",
        abstract: "Run CQL at a prompt, from a file, or from a pipe.",
        discussion: """
            Works with Leat's store, Apache Cassandra and ScyllaDB.

            EXAMPLES
              leat cql
              leat cql -e "SELECT * FROM spark_streams.created_users LIMIT 5"
              leat cql --json -e "SELECT id, email FROM spark_streams.created_users" | jq .email
              leat cql -f schema.cql --store cassandra.example:9042 --user me --password secret
              echo "DESCRIBE TABLES" | leat cql
            """)

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The server's address; by default what leat.yaml, LEAT_STORE_USE or --store.use say, or 127.0.0.1:9042.", valueName: "host:port"
        ))
    var store: String?

    @Option(name: [.customShort("e"), .long], help: ArgumentHelp("Run these statements and leave.", valueName: "statements"))
    var execute: String?

    @Option(name: [.customShort("f"), .long], help: ArgumentHelp("Run the statements of a file and leave.", valueName: "path"))
    var file: String?

    @Option(name: [.customShort("k"), .long], help: "The keyspace to begin in.")
    var keyspace: String?

    @Flag(name: .long, help: "One JSON object a row instead of tables.")
    var json = false

    @Option(name: .long, help: "The user name, where the server asks for one.")
    var user: String?

    @Option(name: .long, help: "The password that goes with it.")
    var password: String?

    @Option(name: .long, help: "How long a statement may take.")
    var timeout: String = "30s"

    func run() async throws {
        let interactive = execute == nil && file == nil && isatty(STDIN_FILENO) == 1
        let editor = interactive ? LineEditor(historyPath: Self.historyPath) : nil
        let session = try makeSession(interactive: interactive)
        do {
            if let execute {
                try await run(lines: execute.split(separator: "\n", omittingEmptySubsequences: false).map(String.init), session)
            }
            if let file { _ = try await session.run(file: file) }
            if let editor {
                try await prompt(editor, session)
            } else if execute == nil, file == nil {
                try await runStandardInput(session)
            }
        } catch {
            await session.close()
            throw error
        }
        await session.close()
    }

    private static var historyPath: String { (ProcessInfo.processInfo.environment["HOME"] ?? NSHomeDirectory()) + "/.leat_cql_history" }

    private func makeSession(interactive: Bool) throws -> CQLSession {
        let endpoints: [Endpoint]
        if let store {
            _ = try SettingFlags.current.pairs(readBy: "leat cql beside --store", [])
            endpoints = try Endpoint.list(parsing: store, defaultPort: 9_042)
        } else {
            endpoints = try ConfigurationOptions.address(of: .store, for: "leat cql")
        }
        var configuration = CassandraClientConfiguration(
            contactPoints: endpoints, keyspace: keyspace, username: user, password: password)
        configuration.requestTimeout = try Duration(parsing: timeout)
        // A person sees an error and decides.
        configuration.retryTimeout = .zero
        var logger = Logger(label: "leat.cql")
        logger.logLevel = .error
        let asks: (() -> Bool)? = interactive && Terminal.output.isTerminal ? { Self.askForMore() } : nil
        return CQLSession(configuration, isJSON: json, asksForMore: asks, logger: logger)
    }

    private static func askForMore() -> Bool {
        Terminal.note("--- Enter for more, q to stop ---")
        return Swift.readLine().map { !$0.lowercased().hasPrefix("q") } ?? false
    }

    private func run(lines: [String], _ session: CQLSession) async throws {
        var splitter = StatementSplitter()
        for line in lines { for statement in splitter.append(line: line) { guard try await session.run(statement) else { return } } }
        if !splitter.rest.isEmpty { _ = try await session.run(splitter.rest) }
    }

    private func runStandardInput(_ session: CQLSession) async throws {
        var splitter = StatementSplitter()
        while let line = Swift.readLine() {
            for statement in splitter.append(line: line) { guard try await session.run(statement) else { return } }
        }
        if !splitter.rest.isEmpty { _ = try await session.run(splitter.rest) }
    }

    // MARK: The prompt

    private func prompt(_ editor: LineEditor, _ session: CQLSession) async throws {
        try await greet(session)
        await refreshWords(editor, session)
        var wordsAreStale = false
        session.schemaChanged = { wordsAreStale = true }
        var splitter = StatementSplitter()
        while true {
            if wordsAreStale {
                await refreshWords(editor, session)
                wordsAreStale = false
            }
            let name = session.keyspace.map { "cql:\($0)" } ?? "cql"
            let prompt = splitter.isWithinStatement ? String(repeating: " ", count: name.count - 1) + "...> " : name + "> "
            guard let line = await Self.readLine(editor, prompt: prompt) else {
                print()
                return
            }
            // The prompt's own commands need no ';'.
            var statements = splitter.append(line: line)
            if statements.isEmpty, Self.isOwnCommand(splitter.rest) {
                statements = [splitter.rest]
                splitter.clear()
            }
            for statement in statements {
                editor.remember(statement + ";")
                do {
                    guard try await session.run(statement) else { return }
                } catch {
                    Terminal.note(Terminal.error.style.red("\(error)"))
                }
            }
        }
    }

    private static func isOwnCommand(_ text: String) -> Bool {
        let word = text.prefix { !$0.isWhitespace }.uppercased()
        return ["EXIT", "QUIT", "HELP", "?", "DESCRIBE", "DESC", "TIMING", "PAGING", "CONSISTENCY", "SOURCE"].contains(word)
    }

    /// libedit waits for the keyboard: on a thread that nobody else needs.
    private static func readLine(_ editor: LineEditor, prompt: String) async -> String? {
        nonisolated(unsafe) let editor = editor
        return await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: editor.readLine(prompt: prompt)) }
        }
    }

    private func greet(_ session: CQLSession) async throws {
        let local = try await session.client.query("SELECT cluster_name, release_version FROM system.local", consistency: .one)
        let name = local.column("cluster_name")?.first?.description ?? "a cluster"
        let version = local.column("release_version")?.first?.description ?? "?"
        let address = session.client.configuration.contactPoints.map(\.description).joined(separator: ", ")
        print("Connected to \(name) at \(address) (Cassandra \(version)). HELP lists the prompt's own commands.")
    }

    /// Keywords, keyspaces, tables and columns.
    private func refreshWords(_ editor: LineEditor, _ session: CQLSession) async {
        var words = Set(Keywords.completed)
        if let page = try? await session.client.query(
            "SELECT keyspace_name, table_name, column_name FROM system_schema.columns", pageSize: 10_000, consistency: .one)
        {
            for row in page.rows where row.count == 3 {
                let names = row.map { SchemaText.identifier($0.description) }
                words.formUnion([names[0], names[1], "\(names[0]).\(names[1])", names[2]])
            }
        }
        editor.setWords(Array(words))
    }
}
