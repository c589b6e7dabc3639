import ArgumentParser
import Cassandra
import Foundation
import Histogram
import IO
import Logging
import NIOCore
import Synchronization

/// `leat bench store`: inserts, reads and batches by prepared statements against any address, with what they cost the server.
struct BenchStoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store",
        abstract: "Measure inserts, reads and batches of a store.",
        discussion: """
            Writes rows of a user's shape (a uuid and eleven texts, about 450 bytes) into leat_bench.users, which it makes anew.
            CPU is that of the server's process, found by its port on this machine, or named by --pid.

            EXAMPLES
              leat bench store
              leat bench store --store 127.0.0.1:9042 --count 500000 --in-flight 512 --json
              leat bench store --start
            """)

    @Option(name: .long, help: ArgumentHelp("The server's address.", valueName: "host:port"))
    var store = "127.0.0.1:9042"

    @Flag(name: .long, help: "Start a `leat store` of this binary for the measurement, on a free port and a temporary folder.")
    var start = false

    @Option(name: .long, help: "How many inserts, and as many reads.")
    var count = 200_000

    @Option(name: .long, help: "Requests on the way at a time.")
    var inFlight = 512

    @Option(name: .long, help: "Connections.")
    var connections = 2

    @Option(name: .long, help: "Rows a batch.")
    var batch = 32

    @Option(name: .long, help: "The server's process, where it cannot be found by its port.")
    var pid: Int?

    @Flag(name: .long, help: "One JSON object instead of a table.")
    var json = false

    func validate() throws {
        guard count > 0, inFlight > 0, connections > 0, (1...1_000).contains(batch) else {
            throw ValidationError("--count, --in-flight, --connections and --batch are numbers above 0, --batch up to 1000")
        }
    }

    func run() async throws {
        let child = start ? try StoreProcess() : nil
        defer { child?.stop() }
        let endpoint = try child?.endpoint ?? Endpoint(parsing: store, defaultPort: 9_042)
        var configuration = CassandraClientConfiguration(contactPoints: [endpoint])
        configuration.connectionsPerHost = connections
        configuration.inFlightMax = max(32, inFlight)
        configuration.requestTimeout = .seconds(30)
        if child == nil { configuration.retryTimeout = .zero }
        var logger = Logger(label: "leat.bench")
        logger.logLevel = .error
        let client = CassandraClient(configuration, logger: logger)
        let sync = try DiskSync.median(folder: child?.folder ?? FileManager.default.currentDirectoryPath)
        try await prepareTable(client)
        let server = pid ?? child?.pid ?? ProcessCPU.listening(on: endpoint.port)
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

    private func inserts(_ client: CassandraClient, _ server: Int?) async throws -> Figures {
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

    private func reads(_ client: CassandraClient, _ server: Int?) async throws -> Figures {
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

    private func batches(_ client: CassandraClient, _ server: Int?) async throws -> Figures {
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
        _ name: String, operations: Int, rowsEach: Int, _ server: Int?, _ operation: @escaping @Sendable (Int) async throws -> Void
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

    private func report(_ figures: [Figures], sync: Duration, hasServer: Bool, endpoint: Endpoint) {
        if json {
            let phases = figures.map { phase in
                "{\"name\":\"\(phase.name)\",\"operations\":\(phase.operations),\"rows\":\(phase.rows),\"seconds\":\(Self.number(phase.seconds, 3)),"
                    + "\"rows_per_second\":\(Self.number(Double(phase.rows) / phase.seconds, 0)),\"p50_ms\":\(Self.number(phase.p50, 3)),"
                    + "\"p99_ms\":\(Self.number(phase.p99, 3)),\"cpu_us_per_row\":\(phase.cpuPerRow.map { Self.number($0, 2) } ?? "null")}"
            }
            print(
                "{\"store\":\"\(endpoint)\",\"in_flight\":\(inFlight),\"connections\":\(connections),"
                    + "\"fdatasync_ms\":\(Self.number(sync.inMilliseconds, 3)),\"phases\":[\(phases.joined(separator: ","))]}")
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
        print("\(inFlight) in flight on \(connections) connections to \(endpoint); this disk's fdatasync takes \(sync.text) (median).")
        if !hasServer { print("The server's process was not found on this machine: name it with --pid for its CPU.") }
    }

    private static func number(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }
}

/// The processor time of another process, by Linux's /proc.
enum ProcessCPU {
    /// User and system time of all its threads.
    static func seconds(_ pid: Int) -> Double? {
        guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/stat") else { return nil }
        // The name, in parentheses, may hold anything: the numbers begin after the last one.
        let text = String(decoding: data, as: UTF8.self)
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return nil }
        return (user + system) / Double(sysconf(CInt(_SC_CLK_TCK)))
    }

    /// The process that listens on a port of this machine.
    static func listening(on port: Int) -> Int? {
        var inodes: Set<String> = []
        for path in ["/proc/net/tcp", "/proc/net/tcp6"] {
            guard let data = FileManager.default.contents(atPath: path) else { continue }
            for line in String(decoding: data, as: UTF8.self).split(separator: "\n").dropFirst() {
                let fields = line.split(separator: " ")
                // State 0A is LISTEN.
                guard fields.count > 9, fields[3] == "0A", let colon = fields[1].lastIndex(of: ":"),
                    Int(fields[1][fields[1].index(after: colon)...], radix: 16) == port
                else { continue }
                inodes.insert("socket:[\(fields[9])]")
            }
        }
        guard !inodes.isEmpty, let entries = try? FileManager.default.contentsOfDirectory(atPath: "/proc") else { return nil }
        for pid in entries.compactMap({ Int($0) }) {
            guard let descriptors = try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd") else { continue }
            for descriptor in descriptors {
                if let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/\(descriptor)"),
                    inodes.contains(target)
                {
                    return pid
                }
            }
        }
        return nil
    }
}

/// What a sync of this disk takes: the floor under every durable write.
enum DiskSync {
    static func median(folder: String, rounds: Int = 40) throws -> Duration {
        let path = folder + "/.leat-fdatasync-\(getpid())"
        let descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC, 0o600)
        guard descriptor >= 0 else {
            throw CQLCommandError(problem: "cannot write \(path) to time the disk", nextStep: "run it in a folder that can be written")
        }
        defer {
            close(descriptor)
            unlink(path)
        }
        let block = [UInt8](repeating: 7, count: 4_096)
        let clock = ContinuousClock()
        var times: [Duration] = []
        for _ in 0..<rounds {
            let before = clock.now
            guard write(descriptor, block, block.count) == block.count, fdatasync(descriptor) == 0 else { break }
            times.append(clock.now - before)
        }
        return times.sorted().dropFirst(times.count / 2).first ?? .zero
    }
}

/// A `leat store` of this binary, on a free port and a folder that goes with it.
final class StoreProcess {
    let endpoint: Endpoint
    let folder: String
    private let process = Process()

    var pid: Int { Int(process.processIdentifier) }

    init() throws {
        folder = NSTemporaryDirectory() + "leat-bench-\(getpid())"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        endpoint = Endpoint(host: "127.0.0.1", port: try Self.freePort())
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["store", "--data", folder, "--store.port", "\(endpoint.port)"]
        process.standardOutput = FileHandle.nullDevice
        try process.run()
    }

    /// The kernel's choice; free again until the store takes it.
    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else { throw CQLCommandError(problem: "no free port on 127.0.0.1", nextStep: nil) }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    func stop() {
        process.terminate()
        process.waitUntilExit()
        try? FileManager.default.removeItem(atPath: folder)
    }
}
