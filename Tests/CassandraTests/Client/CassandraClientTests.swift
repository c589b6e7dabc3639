import Foundation
import IO
import Logging
import NIOCore
import Testing

@testable import Cassandra

@Suite(.timeLimit(.minutes(1))) struct CassandraClientTests {
    private func client(_ endpoint: Endpoint, _ change: (inout CassandraClientConfiguration) -> Void = { _ in }) -> CassandraClient {
        var configuration = CassandraClientConfiguration(contactPoints: [endpoint])
        configuration.retryTimeout = .seconds(10)
        change(&configuration)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return CassandraClient(configuration, logger: logger)
    }

    private func makeTable(_ client: CassandraClient) async throws {
        _ = try await client.query("CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
        _ = try await client.query("CREATE TABLE ks.t (p text, c int, v text, PRIMARY KEY (p, c)) WITH CLUSTERING ORDER BY (c DESC)")
    }

    @Test(arguments: [nil, ProtocolVersion.v3, .v4, .v5]) func statementsGoToAndFro(version: ProtocolVersion?) async throws {
        try await withStore { _, endpoint in
            let client = client(endpoint) { $0.protocolVersion = version }
            try await makeTable(client)
            _ = try await client.query("INSERT INTO ks.t (p, c, v) VALUES (?, ?, ?)", values: [.text("a"), .int(1), .text("x")])
            let rows = try await client.query("SELECT p, c, v FROM ks.t WHERE p = ?", values: [.text("a")])
            #expect(rows.rows == [[.text("a"), .int(1), .text("x")]])
            #expect(rows.columns.map(\.name) == ["p", "c", "v"] && rows.columns[1].type == .int)
            await client.close()
        }
    }

    @Test func pagesFollowEachOther() async throws {
        try await withStore { _, endpoint in
            let client = client(endpoint)
            try await makeTable(client)
            let insert = try await client.prepare("INSERT INTO ks.t (p, c, v) VALUES (?, ?, ?)")
            var batch = EncodedBatch(insert)
            for index in 0..<1_000 {
                batch.beginRow()
                batch.append(utf8: "p")
                batch.append(int32: Int32(index))
                batch.append(utf8: "value \(index)")
            }
            try await client.execute(batch)
            var seen: [CQLValue] = []
            var pages = 0
            var state: ByteBuffer?
            repeat {
                let page = try await client.query("SELECT c FROM ks.t WHERE p = 'p'", pageSize: 300, pagingState: state)
                #expect(page.rows.count <= 300)
                seen += page.rows.map { $0[0] }
                state = page.pagingState
                pages += 1
            } while state != nil
            #expect(seen == (0..<1_000).reversed().map { .int($0) })
            #expect(pages >= 4)
            await client.close()
        }
    }

    @Test func manyRequestsShareFewStreams() async throws {
        try await withStore { _, endpoint in
            let client = client(endpoint) { $0.inFlightMax = 4 }
            try await makeTable(client)
            let insert = try await client.prepare("INSERT INTO ks.t (p, c, v) VALUES (?, ?, ?)")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<400 {
                    group.addTask { _ = try await client.execute(insert, values: [.text("p"), .int(Int32(index)), .null]) }
                }
                try await group.waitForAll()
            }
            #expect(try await client.query("SELECT count(*) FROM ks.t").rows == [[.bigint(400)]])
            await client.close()
        }
    }

    @Test func tablesAreDescribed() async throws {
        try await withStore { _, endpoint in
            let client = client(endpoint)
            try await makeTable(client)
            let table = try #require(try await client.table(keyspace: "ks", name: "t"))
            #expect(table.columns.map(\.name) == ["p", "c", "v"])
            #expect(table.columns.map(\.kind) == [.partitionKey, .clustering, .regular])
            #expect(table.columns.map(\.type) == [.text, .int, .text])
            #expect(table.clusteringKey[0].isDescending)
            #expect(try await client.table(keyspace: "ks", name: "nowhere") == nil)
            await client.close()
        }
    }

    /// The second store has never seen the statement: its host prepares it again, and the caller does not notice.
    @Test func aRestartedServerIsDialledAgainAndItsStatementsPreparedAgain() async throws {
        let folder = NSTemporaryDirectory() + "leat-store-test-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        typealias Prepared = (client: CassandraClient, insert: PreparedStatement, select: PreparedStatement, port: Int)
        let (client, insert, select, port) = try await withStore(folder: folder) { _, endpoint -> Prepared in
            let client = self.client(endpoint)
            try await makeTable(client)
            let insert = try await client.prepare("INSERT INTO ks.t (p, c, v) VALUES (?, ?, ?)")
            let select = try await client.prepare("SELECT v FROM ks.t WHERE p = ?")
            _ = try await client.execute(insert, values: [.text("a"), .int(1), .text("before")])
            return (client, insert, select, endpoint.port)
        }
        try await withStore(["store.port": "\(port)"], folder: folder) { _, _ in
            var batch = EncodedBatch(insert)
            batch.beginRow()
            batch.append(utf8: "b")
            batch.append(int32: 1)
            batch.append(utf8: "after")
            try await client.execute(batch)
            #expect(try await client.execute(select, values: [.text("a")]).rows == [[.text("before")]])
            #expect(try await client.execute(select, values: [.text("b")]).rows == [[.text("after")]])
            await client.close()
        }
    }

    @Test func errorsNameHostAndStatement() async throws {
        try await withStore { _, endpoint in
            let client = client(endpoint)
            let error = await #expect(throws: CassandraClientError.self) { try await client.query("SELECT * FROM no.thing") }
            #expect(error?.serverError?.code == .invalid)
            #expect(error?.description.contains("\(endpoint)") == true && error?.description.contains("SELECT * FROM no.thing") == true)
            await client.close()
            let closed = await #expect(throws: CassandraClientError.self) { try await client.query("SELECT * FROM no.thing") }
            #expect(closed?.kind == .closed)
        }
    }

    @Test func nobodyListeningIsSaidAtOnceWhereNothingIsToBeRepeated() async throws {
        // A port that was free a moment ago.
        let endpoint = try await withStore { _, endpoint in endpoint }
        let client = client(endpoint) { $0.retryTimeout = .zero }
        let error = await #expect(throws: CassandraClientError.self) { try await client.query("SELECT key FROM system.local") }
        guard case .cannotConnect = error?.kind else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(error?.nextStep?.contains("leat store") == true)
        await client.close()
    }

    @Test func connectionsBeginInTheirKeyspace() async throws {
        try await withStore { _, endpoint in
            let first = client(endpoint)
            try await makeTable(first)
            let second = client(endpoint) { $0.keyspace = "ks" }
            #expect(try await second.query("SELECT * FROM t").rows == [])
            let third = client(endpoint) {
                $0.keyspace = "nowhere"
                $0.retryTimeout = .zero
            }
            let error = await #expect(throws: CassandraClientError.self) { try await third.query("SELECT * FROM t") }
            #expect(error?.serverError?.code == .invalid)
            for client in [first, second, third] { await client.close() }
        }
    }

    @Test func aValueThatDoesNotFitIsRefusedBeforeItIsSent() async throws {
        try await withStore { _, endpoint in
            let client = client(endpoint)
            try await makeTable(client)
            let insert = try await client.prepare("INSERT INTO ks.t (p, c, v) VALUES (?, ?, ?)")
            for values: [CQLValue] in [[.text("a"), .text("no number"), .null], [.text("a")]] {
                let error = await #expect(throws: CassandraClientError.self) { try await client.execute(insert, values: values) }
                guard case .badValue = error?.kind else {
                    Issue.record("\(String(describing: error))")
                    continue
                }
            }
            await client.close()
        }
    }

    /// Before v5 an answer without columns would be read by those of the preparation, which may be others by then.
    @Test(arguments: [ProtocolVersion.v3, .v4, .v5]) func aPreparedStatementShowsTheColumnsThatItsTableHas(version: ProtocolVersion)
        async throws
    {
        try await withStore { _, endpoint in
            let client = client(endpoint) { $0.protocolVersion = version }
            let other = self.client(endpoint)
            try await makeTable(client)
            _ = try await client.query("INSERT INTO ks.t (p, c, v) VALUES ('a', 1, 'x')")
            let select = try await client.prepare("SELECT * FROM ks.t WHERE p = ?")
            #expect(try await client.execute(select, values: [.text("a")]).columns.map(\.name) == ["p", "c", "v"])
            _ = try await other.query("ALTER TABLE ks.t ADD b int")
            for _ in 0..<2 {
                let rows = try await client.execute(select, values: [.text("a")])
                #expect(rows.columns.map(\.name) == ["p", "c", "b", "v"])
                #expect(rows.rows == [[.text("a"), .int(1), .null, .text("x")]])
            }
            #expect(select.resultColumns.count == 4)
            // Another client's preparation makes the server hold the new columns, this one's the old ones.
            _ = try await other.query("ALTER TABLE ks.t DROP b")
            let again = try await other.prepare("SELECT * FROM ks.t WHERE p = ?")
            _ = try await other.execute(again, values: [.text("a")])
            let rows = try await client.execute(select, values: [.text("a")])
            #expect(rows.columns.map(\.name) == ["p", "c", "v"] && rows.rows.count == 1)
            await client.close()
            await other.close()
        }
    }
}
