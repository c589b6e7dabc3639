import ArgumentParser
import Cassandra
import Foundation
import Histogram
import IO
import Logging
import NIOCore
import Stack
import Synchronization

/// `leat bench store`: inserts, reads and batches by prepared statements against any address, with what they cost the server.
struct BenchStoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store",
        abstract: "Measure inserts, reads and batches of a store.",
        discussion: """
            Without --store it starts `leat store` in a process of its own, in a temporary folder. Writes rows of a user's shape (a uuid and eleven texts, about 450 bytes) into leat_bench.users, which it makes anew.
            CPU is that of the server's process, found by its port on this machine, or named by --pid.

            EXAMPLES
              leat bench store
              leat bench store --store 127.0.0.1:9042 --count 500000 --in-flight 512 --json
              leat bench store --setting store.cache.bytes=256MiB
            """)

    @Option(help: ArgumentHelp("Measure this store instead of one that is started for it.", valueName: "host:port"))
    var store: String?

    @Option(help: ArgumentHelp("Settings of the store that is started.", valueName: "key=value"))
    var setting: [String] = []

    @Option(name: .long, help: "How many inserts, and as many reads.")
    var count = 200_000

    @Option(name: .long, help: "Requests on the way at a time.")
    var inFlight = 512

    @Option(name: .long, help: "Connections.")
    var connections = 2

    @Option(name: .long, help: "Rows a batch.")
    var batch = 32

    @Option(name: .long, help: "The server's process, where it cannot be found by its port.")
    var pid: Int32?

    @Flag(name: .long, help: "One JSON object instead of a table.")
    var json = false

    func validate() throws {
        guard count > 0, inFlight > 0, connections > 0, (1...1_000).contains(batch) else {
            throw ValidationError("--count, --in-flight, --connections and --batch are numbers above 0, --batch up to 1000")
        }
    }

    func run() async throws {
        guard let store else {
            let server = try await BenchedBox.start(.store, settings: setting)
            do {
                try await measure(server.endpoint, pid: server.pid, folder: server.folder.path, isOurs: true)
            } catch {
                await server.stop()
                throw error
            }
            return await server.stop()
        }
        let endpoint = try Endpoint(parsing: store, defaultPort: 9_042)
        try await measure(
            endpoint, pid: pid ?? ProcessCPU.listener(onPort: endpoint.port), folder: FileManager.default.temporaryDirectory.path,
            isOurs: false)
    }

    private func measure(_ endpoint: Endpoint, pid server: Int32?, folder: String, isOurs: Bool) async throws {
        var configuration = CassandraClientConfiguration(contactPoints: [endpoint])
        configuration.connectionsPerHost = connections
        configuration.inFlightMax = max(32, inFlight)
        configuration.requestTimeout = .seconds(30)
        if !isOurs { configuration.retryTimeout = .zero }
        var logger = Logger(label: "leat.bench")
        logger.logLevel = .error
        let client = CassandraClient(configuration, logger: logger)
        let sync = try DiskSync.median(in: folder)
        try await prepareTable(client)
        var figures: [Figures] = []
        figures.append(try await inserts(client, server))
        figures.append(try await reads(client, server))
        figures.append(try await batches(client, server))
        await client.close()
        report(figures, sync: sync, hasServer: server != nil, endpoint: endpoint)
    }

    private func prepareTable(_ client: CassandraClient) async throws {
        _ = try await client.query(
            "CREATE KEYSPACE IF NOT EXISTS leat_bench WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
            isIdempotent: true)
        _ = try await client.query("DROP TABLE IF EXISTS leat_bench.users", isIdempotent: true)
        _ = try await client.query(
            "CREATE TABLE IF NOT EXISTS leat_bench.users (id uuid PRIMARY KEY, "
                + Self.columns.map { "\($0) text" }.joined(separator: ", ") + ")", isIdempotent: true)
    }

    private static let columns = [
        "first_name", "last_name", "gender", "address", "post_code", "email", "username", "dob", "registered_date", "phone", "picture",
    ]
    private static let texts = [
        "Margarete", "Hofmann-Lindner", "female", "4711 Rue de la République, Clermont-Ferrand, Auvergne, France", "63000",
        "margarete.hofmann@example.com", "yellowpeacock117", "1984-03-21T13:57:09.412Z", "2011-07-02T04:10:55.301Z", "02-48-17-33-90",
        "https://randomuser.me/api/portraits/med/women/75.jpg and some more text, so that the row is as long as a user's record is",
    ]
    private static let insert =
        "INSERT INTO leat_bench.users (id, \(columns.joined(separator: ", "))) VALUES (?\(String(repeating: ", ?", count: columns.count)))"

    /// Keys are spread as hashes are, and known again for the reads.
    private static func key(_ index: Int) -> CQLUUID {
        var word = UInt64(index) &+ 0x9E37_79B9_7F4A_7C15
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        word ^= word >> 31
        return CQLUUID(high: word & ~0xF000 | 0x4000, low: UInt64(index) | 0x8000 << 48)
    }

    private func inserts(_ client: CassandraClient, _ server: Int32?) async throws -> Figures {
        let statement = try await client.prepare(Self.insert)
        return try await measure("insert", operations: count, rowsEach: 1, server) { index in
            var buffer = ByteBufferAllocator().buffer(capacity: 512)
            var entries: [BoundValues.Entry] = [.init(start: 0, length: 16)]
            let key = Self.key(index)
            buffer.writeMultipleIntegers(key.high, key.low)
            for text in Self.texts {
                let start = buffer.writerIndex
                buffer.writeString(text)
                entries.append(.init(start: Int32(start), length: Int32(buffer.writerIndex - start)))
            }
            let request = StatementRequest(values: BoundValues(buffer: buffer, entries: entries), consistency: .localOne)
            _ = try await client.execute(statement, encoded: request)
        }
    }

    private func reads(_ client: CassandraClient, _ server: Int32?) async throws -> Figures {
        let statement = try await client.prepare("SELECT id, \(Self.columns.joined(separator: ", ")) FROM leat_bench.users WHERE id = ?")
        return try await measure("read", operations: count, rowsEach: 1, server) { index in
            var buffer = ByteBufferAllocator().buffer(capacity: 16)
            // Every key once, in another order than they were written.
            let key = Self.key(Int((UInt64(index) &* 2_654_435_761) % UInt64(count)))
            buffer.writeMultipleIntegers(key.high, key.low)
            let request = StatementRequest(
                values: BoundValues(buffer: buffer, entries: [.init(start: 0, length: 16)]), consistency: .localOne)
            guard case .rows(let rows) = try await client.execute(statement, encoded: request).result, rows.rowCount == 1 else {
                throw CQLCommandError(
                    problem: "a row that was written is not read again: \(key)", nextStep: "the server has lost an acknowledged write")
            }
        }
    }

    private func batches(_ client: CassandraClient, _ server: Int32?) async throws -> Figures {
        let statement = try await client.prepare(Self.insert)
        let rows = batch
        return try await measure("batch of \(rows)", operations: max(1, count / rows), rowsEach: rows, server) { index in
            var encoded = EncodedBatch(statement, consistency: .localOne, capacity: rows * 600)
            for row in 0..<rows {
                encoded.beginRow()
                encoded.append(uuid: Self.key(1_000_000_000 + index * rows + row))
                for text in Self.texts { encoded.append(utf8: text) }
            }
            try await client.execute(encoded)
        }
    }

    /// Runs the operation for every index, so many at a time, and times each.
    private func measure(
        _ name: String, operations: Int, rowsEach: Int, _ server: Int32?, _ operation: @escaping @Sendable (Int) async throws -> Void
    ) async throws -> Figures {
        let progress = Progress()
        let cpuBefore = server.flatMap(ProcessCPU.seconds)
        let clock = ContinuousClock()
        let begin = clock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<min(inFlight, operations) {
                group.addTask {
                    while true {
                        let index = progress.nextIndex()
                        guard index < operations else { return }
                        let sent = clock.now
                        try await operation(index)
                        progress.record(clock.now - sent)
                    }
                }
            }
            try await group.waitForAll()
        }
        let seconds = (clock.now - begin).inSeconds
        let cpu = server.flatMap(ProcessCPU.seconds).flatMap { after in cpuBefore.map { after - $0 } }
        return progress.latencies.withLock { latencies in
            Figures(
                name: name, operations: operations, rows: operations * rowsEach, seconds: seconds,
                p50: Double(latencies.valueAtPercentile(50)) / 1_000, p99: Double(latencies.valueAtPercentile(99)) / 1_000,
                cpuPerRow: cpu.map { $0 * 1_000_000 / Double(operations * rowsEach) })
        }
    }

    /// What the tasks of one phase share.
    private final class Progress: Sendable {
        let latencies = Mutex(Histogram<UInt64>(highestTrackableValue: 60_000_000, numberOfSignificantValueDigits: .three))
        private let next = Mutex(0)

        func nextIndex() -> Int {
            next.withLock { next in
                defer { next += 1 }
                return next
            }
        }

        func record(_ latency: Duration) {
            let microseconds = UInt64(latency.inSeconds * 1_000_000)
            latencies.withLock { _ = $0.record(microseconds) }
        }
    }

    private struct Figures {
        let name: String
        let operations: Int
        let rows: Int
        let seconds: Double
        /// Milliseconds.
        let p50: Double
        let p99: Double
        /// Microseconds.
        let cpuPerRow: Double?
    }

    private func report(_ figures: [Figures], sync: Double, hasServer: Bool, endpoint: Endpoint) {
        if json {
            let phases = figures.map { phase in
                "{\"name\":\"\(phase.name)\",\"operations\":\(phase.operations),\"rows\":\(phase.rows),\"seconds\":\(Self.number(phase.seconds, 3)),"
                    + "\"rows_per_second\":\(Self.number(Double(phase.rows) / phase.seconds, 0)),\"p50_ms\":\(Self.number(phase.p50, 3)),"
                    + "\"p99_ms\":\(Self.number(phase.p99, 3)),\"cpu_us_per_row\":\(phase.cpuPerRow.map { Self.number($0, 2) } ?? "null")}"
            }
            print(
                "{\"store\":\"\(endpoint)\",\"in_flight\":\(inFlight),\"connections\":\(connections),"
                    + "\"fdatasync_ms\":\(Self.number(sync, 3)),\"phases\":[\(phases.joined(separator: ","))]}")
            return
        }
        var table = TextTable([
            .init("phase"), .init("rows", alignsRight: true), .init("rows/s", alignsRight: true), .init("p50 ms", alignsRight: true),
            .init("p99 ms", alignsRight: true), .init("CPU µs/row", alignsRight: true),
        ])
        for phase in figures {
            table.add([
                phase.name, "\(phase.rows)", Self.number(Double(phase.rows) / phase.seconds, 0), Self.number(phase.p50, 2),
                Self.number(phase.p99, 2), phase.cpuPerRow.map { Self.number($0, 1) } ?? "-",
            ])
        }
        print(table.text(), terminator: "")
        print(
            "\(inFlight) in flight on \(connections) connections to \(endpoint); this disk's fdatasync takes \(Self.number(sync, 3)) ms (median)."
        )
        if !hasServer { print("The server's process was not found on this machine: name it with --pid for its CPU.") }
    }

    private static func number(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }
}
