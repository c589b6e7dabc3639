import CRocksDB
import Foundation
import NIOCore
import Testing

@testable import Cassandra

@Suite struct CQLEngineTests {
    @Test func readsWhatItWrote() throws {
        let store = try EngineFixture.with("CREATE TABLE users (id int PRIMARY KEY, name text, age int)")
        try store.run("INSERT INTO users (id, name, age) VALUES (1, 'Ada', 36)")
        try store.run("INSERT INTO users (id, name) VALUES (?, ?)", [.int(2), .text("Grace")])
        #expect(try store.text("SELECT * FROM users WHERE id = 1") == ["1|36|Ada"])
        #expect(try store.text("SELECT name, age FROM users WHERE id = ?", [.int(2)]) == ["Grace|null"])
        #expect(try store.text("SELECT name FROM users WHERE id = 3") == [])
        #expect(try store.text("SELECT name FROM users WHERE id IN (1, 2, 9)").sorted() == ["Ada", "Grace"])
        #expect(try store.text("SELECT count(*) FROM users") == ["2"])
    }

    @Test func storesEveryType() throws {
        let store = try EngineFixture.with(
            """
            CREATE TABLE t (k int PRIMARY KEY, a ascii, b bigint, c blob, d boolean, e date, f decimal, g double, h duration, i float, j inet,
            l smallint, m text, n time, o timestamp, p timeuuid, q tinyint, r uuid, s varint, t list<int>, u set<text>, v map<text, int>,
            w frozen<list<text>>, x tuple<int, text>)
            """)
        try store.run(
            """
            INSERT INTO t (k, a, b, c, d, e, f, g, h, i, j, l, m, n, o, p, q, r, s, t, u, v, w, x) VALUES (1, 'x', 2, 0xCAFE, true, '2026-01-31',
            1.50, 2.5, 1h30m, -1.5, '127.0.0.1', -3, 'é', '12:34:56.789', '2026-01-31T12:00:00Z', 5f7c8a9e-0000-1000-8000-000000000001, 7,
            5f7c8a9e-0000-4000-8000-000000000001, 123456789012345678901234567890, [3, 1, 2], {'b', 'a'}, {'y': 2, 'x': 1}, ['q'], (1, 'z'))
            """)
        let row = try store.text("SELECT a, b, c, d, e, f, g, h, i, j, l, m, n, o, q, s, t, u, v, w, x FROM t WHERE k = 1")
        #expect(
            row == [
                "x|2|0xcafe|True|2026-01-31|1.50|2.5|1h30m|-1.5|127.0.0.1|-3|é|12:34:56.789000000|2026-01-31 12:00:00.000000+0000|7|123456789012345678901234567890|[3, 1, 2]|{'a', 'b'}|{'x': 1, 'y': 2}|['q']|(1, 'z')"
            ])
    }

    @Test func lastWriteWinsByTimestampWhateverTheOrder() throws {
        let store = try EngineFixture.with("CREATE TABLE t (k int PRIMARY KEY, v text)")
        try store.run("INSERT INTO t (k, v) VALUES (1, 'new') USING TIMESTAMP 20")
        try store.run("INSERT INTO t (k, v) VALUES (1, 'old') USING TIMESTAMP 10")
        #expect(try store.text("SELECT v, writetime(v) FROM t WHERE k = 1") == ["new|20"])
        try store.run("DELETE FROM t USING TIMESTAMP 15 WHERE k = 1")
        #expect(try store.text("SELECT v FROM t WHERE k = 1") == ["new"])
        try store.run("DELETE FROM t USING TIMESTAMP 20 WHERE k = 1")
        #expect(try store.text("SELECT v FROM t WHERE k = 1") == [])
        try store.run("INSERT INTO t (k, v) VALUES (2, 'd')", timestamp: 7)
        #expect(try store.text("SELECT writetime(v) FROM t WHERE k = 2") == ["7"])
    }

    @Test func anInsertedRowStaysAndAnUpdatedOneGoesWithItsLastValue() throws {
        let store = try EngineFixture.with("CREATE TABLE t (k int PRIMARY KEY, v text)")
        try store.run("INSERT INTO t (k) VALUES (1)")
        try store.run("UPDATE t SET v = 'x' WHERE k = 2")
        #expect(try store.text("SELECT k FROM t").sorted() == ["1", "2"])
        try store.run("UPDATE t SET v = null WHERE k = 2")
        try store.run("DELETE v FROM t WHERE k = 1")
        #expect(try store.text("SELECT k, v FROM t") == ["1|null"])
    }

    @Test func expiresByItsClock() throws {
        let store = try EngineFixture.with(
            "CREATE TABLE t (k int PRIMARY KEY, v text, w text)", "CREATE TABLE d (k int PRIMARY KEY, v int) WITH default_time_to_live = 5")
        let second: Int64 = 1_000_000
        store.engine.clock.set(microseconds: 4_000_000_000 * second)
        try store.run("INSERT INTO t (k, v) VALUES (1, 'a') USING TTL 10")
        try store.run("UPDATE t USING TTL ? SET w = 'b' WHERE k = 1", [.int(20)])
        try store.run("INSERT INTO d (k, v) VALUES (1, 1)")
        #expect(try store.text("SELECT v, ttl(v), w, ttl(w) FROM t WHERE k = 1") == ["a|10|b|20"])
        store.engine.clock.set(microseconds: 4_000_000_009 * second)
        #expect(try store.text("SELECT v, ttl(v) FROM t WHERE k = 1") == ["a|1"])
        #expect(try store.text("SELECT * FROM d") == [])
        store.engine.clock.set(microseconds: 4_000_000_010 * second)
        #expect(try store.text("SELECT v, w FROM t WHERE k = 1") == ["null|b"])
        store.engine.clock.set(microseconds: 4_000_000_020 * second)
        #expect(try store.text("SELECT * FROM t") == [])
    }

    @Test func rangesAndReverseFollowTheClusteringOrder() throws {
        let store = try EngineFixture.with(
            "CREATE TABLE t (p text, a int, b text, v int, PRIMARY KEY (p, a, b)) WITH CLUSTERING ORDER BY (a DESC, b ASC)")
        for a in 1...4 {
            for b in ["x", "y"] { try store.run("INSERT INTO t (p, a, b, v) VALUES ('p', ?, ?, 0)", [.int(Int32(a)), .text(b)]) }
        }
        #expect(try store.text("SELECT a, b FROM t WHERE p = 'p'") == ["4|x", "4|y", "3|x", "3|y", "2|x", "2|y", "1|x", "1|y"])
        #expect(try store.text("SELECT a, b FROM t WHERE p = 'p' AND a > 2") == ["4|x", "4|y", "3|x", "3|y"])
        #expect(try store.text("SELECT a, b FROM t WHERE p = 'p' AND a >= 2 AND a < 4") == ["3|x", "3|y", "2|x", "2|y"])
        #expect(try store.text("SELECT a, b FROM t WHERE p = 'p' AND a = 3 AND b > 'x'") == ["3|y"])
        #expect(try store.text("SELECT a, b FROM t WHERE p = 'p' AND a IN (1, 4)") == ["4|x", "4|y", "1|x", "1|y"])
        #expect(try store.text("SELECT a, b FROM t WHERE p = 'p' ORDER BY a ASC, b DESC LIMIT 3") == ["1|y", "1|x", "2|y"])
        #expect(try store.text("SELECT a, b FROM t WHERE p = 'p' AND a = 2 AND b = 'y'") == ["2|y"])
        #expect(try store.text("SELECT a, b FROM t PER PARTITION LIMIT 1") == ["4|x"])
    }

    @Test func deletesRowsColumnsRangesAndPartitions() throws {
        let store = try EngineFixture.with("CREATE TABLE t (p int, c int, v int, PRIMARY KEY (p, c))")
        for p in 1...2 { for c in 1...6 { try store.run("INSERT INTO t (p, c, v) VALUES (?, ?, 0)", [.int(Int32(p)), .int(Int32(c))]) } }
        try store.run("DELETE FROM t WHERE p = 1 AND c = 1")
        try store.run("DELETE v FROM t WHERE p = 1 AND c = 2")
        try store.run("DELETE FROM t WHERE p = 1 AND c >= 4 AND c < 6")
        #expect(try store.text("SELECT c, v FROM t WHERE p = 1") == ["2|null", "3|0", "6|0"])
        #expect(try store.text("SELECT v FROM t WHERE p = 1 AND c = 4") == [])
        try store.run("INSERT INTO t (p, c, v) VALUES (1, 4, 9)")
        #expect(try store.text("SELECT v FROM t WHERE p = 1 AND c = 4") == ["9"])
        try store.run("DELETE FROM t WHERE p = 2")
        #expect(try store.text("SELECT p, c FROM t") == ["1|2", "1|3", "1|4", "1|6"])
        try store.run("INSERT INTO t (p, c, v) VALUES (2, 1, 1) USING TIMESTAMP 1")
        #expect(try store.text("SELECT c FROM t WHERE p = 2") == [])
        try store.reopen()
        #expect(try store.text("SELECT c FROM t WHERE p = 1 AND c = 5") == [])
        #expect(try store.text("SELECT count(*) FROM t") == ["4"])
    }

    @Test func collectionsChangeByElement() throws {
        let store = try EngineFixture.with("CREATE TABLE t (k int PRIMARY KEY, l list<text>, s set<int>, m map<text, int>)")
        try store.run("INSERT INTO t (k, l, s, m) VALUES (1, ['b'], {2}, {'b': 2})")
        try store.run("UPDATE t SET l = l + ['c', 'd'], s = s + {-1, 3}, m = m + {'a': 1} WHERE k = 1")
        try store.run("UPDATE t SET l = ['a'] + l, s = s - {2}, m['c'] = 3 WHERE k = 1")
        #expect(try store.text("SELECT l, s, m FROM t WHERE k = 1") == ["['a', 'b', 'c', 'd']|{-1, 3}|{'a': 1, 'b': 2, 'c': 3}"])
        try store.run("UPDATE t SET l[1] = 'B', m['a'] = null WHERE k = 1")
        try store.run("UPDATE t SET l = l - ['c'] WHERE k = 1")
        try store.run("DELETE l[0], m['b'] FROM t WHERE k = 1")
        #expect(try store.text("SELECT l, m FROM t WHERE k = 1") == ["['B', 'd']|{'c': 3}"])
        try store.run("INSERT INTO t (k, l) VALUES (1, ['z'])")
        try store.run("UPDATE t SET s = {} WHERE k = 1")
        #expect(try store.text("SELECT l, s FROM t WHERE k = 1") == ["['z']|null"])
        #expect(try store.text("SELECT k FROM t WHERE m CONTAINS KEY 'c' ALLOW FILTERING") == ["1"])
        #expect(try store.text("SELECT k FROM t WHERE l CONTAINS 'y' ALLOW FILTERING") == [])
    }

    @Test func staticColumnsBelongToThePartition() throws {
        let store = try EngineFixture.with("CREATE TABLE t (p int, c int, s text static, v int, PRIMARY KEY (p, c))")
        try store.run("INSERT INTO t (p, s) VALUES (1, 'one')")
        #expect(try store.text("SELECT * FROM t") == ["1|null|one|null"])
        try store.run("INSERT INTO t (p, c, v) VALUES (1, 1, 1)")
        try store.run("INSERT INTO t (p, c, s, v) VALUES (1, 2, 'two', 2)")
        #expect(try store.text("SELECT * FROM t WHERE p = 1") == ["1|1|two|1", "1|2|two|2"])
        #expect(try store.text("SELECT DISTINCT p, s FROM t") == ["1|two"])
    }

    @Test func conditionsAndCounters() throws {
        let store = try EngineFixture.with("CREATE TABLE t (k int PRIMARY KEY, v int)", "CREATE TABLE c (k int PRIMARY KEY, n counter)")
        #expect(try store.text("INSERT INTO t (k, v) VALUES (1, 1) IF NOT EXISTS") == ["True"])
        #expect(try store.text("INSERT INTO t (k, v) VALUES (1, 2) IF NOT EXISTS") == ["False|1|1"])
        #expect(try store.text("UPDATE t SET v = 5 WHERE k = 1 IF v = 2") == ["False|1"])
        #expect(try store.text("UPDATE t SET v = 5 WHERE k = 1 IF v = 1") == ["True"])
        #expect(try store.text("DELETE FROM t WHERE k = 9 IF EXISTS") == ["False"])
        #expect(try store.text("SELECT v FROM t") == ["5"])
        try store.run("UPDATE c SET n = n + 5 WHERE k = 1")
        try store.run("UPDATE c SET n = n - 2 WHERE k = 1")
        #expect(try store.text("SELECT n FROM c WHERE k = 1") == ["3"])
    }

    @Test func pagesAreStableOverWrites() throws {
        let store = try EngineFixture.with("CREATE TABLE t (p int, c int, v int, PRIMARY KEY (p, c))")
        for p in 0..<20 {
            for c in 0..<10 { try store.run("INSERT INTO t (p, c, v) VALUES (?, ?, 0)", [.int(Int32(p)), .int(Int32(c * 2))]) }
        }
        let all = try store.pages("SELECT p, c FROM t", pageSize: 7)
        #expect(all.count == 29)
        #expect(Set(all.rows).count == 200 && all.rows.count == 200)
        #expect(try store.pages("SELECT p, c FROM t LIMIT 30", pageSize: 7).rows.count == 30)
        let changing = try store.pages("SELECT c FROM t WHERE p = 3", pageSize: 4) { page in
            try store.run("INSERT INTO t (p, c, v) VALUES (3, ?, 0)", [.int(Int32(-page))])
            try store.run("DELETE FROM t WHERE p = 3 AND c = 0")
        }
        #expect(changing.rows.map { $0[0] } == (0..<10).map { .int(Int32($0 * 2)) })
        let reversed = try store.pages("SELECT c FROM t WHERE p = 4 ORDER BY c DESC", pageSize: 3)
        #expect(reversed.rows.map { $0[0] } == (0..<10).reversed().map { .int(Int32($0 * 2)) })
        #expect(try store.pages("SELECT p, c FROM t PER PARTITION LIMIT 3", pageSize: 2).rows.count == 60)
        #expect(try store.pages("SELECT DISTINCT p FROM t", pageSize: 6).rows.count == 20)
        #expect(throws: CQLError.invalid("Invalid value for the paging state")) {
            try store.run("SELECT * FROM t", pageSize: 5, pagingState: ByteBuffer(string: "nonsense"))
        }
    }

    @Test func tokenRangesCoverTheRingOnce() throws {
        let store = try EngineFixture.with("CREATE TABLE t (k int PRIMARY KEY)")
        for k in 0..<100 { try store.run("INSERT INTO t (k) VALUES (?)", [.int(Int32(k))]) }
        let low = try store.select("SELECT k FROM t WHERE token(k) <= 0"), high = try store.select("SELECT k FROM t WHERE token(k) > 0")
        #expect(low.count + high.count == 100 && Set(low + high).count == 100 && !low.isEmpty && !high.isEmpty)
        let tokens = try store.select("SELECT token(k) FROM t").compactMap { $0[0].integer }
        #expect(tokens == tokens.sorted())
        #expect(try store.text("SELECT k FROM t WHERE token(k) = token(42)") == ["42"])
    }

    @Test func aggregatesAndFunctions() throws {
        let store = try EngineFixture.with("CREATE TABLE t (k int PRIMARY KEY, v int, d double, s text)")
        for k in 1...4 { try store.run("INSERT INTO t (k, v, d) VALUES (?, ?, 0.5)", [.int(Int32(k)), .int(Int32(k * 10))]) }
        #expect(
            try store.text("SELECT count(*), count(s), min(v), max(v), sum(v), avg(v), sum(d) FROM t") == ["4|0|10|40|100|25|2.0"])
        #expect(try store.text("SELECT v AS n FROM t WHERE v > 15 AND v <= 30 ALLOW FILTERING").sorted() == ["20", "30"])
        #expect(try store.text("SELECT cast(v AS text), intasblob(v) FROM t WHERE k = 1") == ["10|0x0000000a"])
        #expect(try store.text("SELECT toDate(now()) FROM t WHERE k = 1").count == 1)
    }

    @Test func batchesAreWhole() throws {
        let store = try EngineFixture.with("CREATE TABLE t (k int PRIMARY KEY, v text)")
        try store.run(
            "BEGIN BATCH USING TIMESTAMP 5 INSERT INTO t (k, v) VALUES (1, ?); INSERT INTO t (k, v) VALUES (2, ?); APPLY BATCH",
            [.text("a"), .text("b")])
        #expect(try store.text("SELECT k, v, writetime(v) FROM t").sorted() == ["1|a|5", "2|b|5"])
        let insert = try store.engine.prepare("INSERT INTO t (k, v) VALUES (?, ?)", keyspace: "k")
        let good = try BoundValues([(.int(3), .int), (.text("c"), .text)])
        let bad = BoundValues(buffer: ByteBuffer(bytes: [1]), entries: [.init(start: 0, length: 1), .null])
        let failed = DispatchSemaphore(value: 0)
        store.engine.execute(batch: [(insert, good), (insert, bad)], StatementRequest()) { result in
            if case .failure = result { failed.signal() }
        }
        #expect(failed.wait(timeout: .now() + 5) == .success)
        #expect(try store.text("SELECT k FROM t WHERE k = 3") == [])
    }

    @Test(arguments: [
        ("SELECT foo FROM t", "Undefined column name foo in table k.t"), ("SELECT * FROM nope", "table nope does not exist"),
        ("INSERT INTO t (id) VALUES ('x')", "Invalid STRING constant (x) for \"id\" of type uuid"),
        ("INSERT INTO t (v) VALUES (1)", "Some partition key parts are missing: id"),
        ("UPDATE t SET id = uuid() WHERE id = uuid()", "PRIMARY KEY part id found in SET part"),
        ("SELECT * FROM t WHERE v = 1", Planner.filteringMessage),
        ("INSERT INTO t (id, v) VALUES (uuid(), 99999999999)", "Unable to make int from '99999999999'"),
        ("SELECT * FROM missing.t", "keyspace missing does not exist"), ("USE missing", "Keyspace 'missing' doesn't exist"),
        ("SELECT nofunction(v) FROM t", "Unknown function 'nofunction'"),
        ("INSERT INTO t (id, v) VALUES (uuid(), 1) USING TTL -1", "A TTL must be greater or equal to 0, but was -1"),
    ])
    func wordsErrorsAsCassandraDoes(_ cql: String, _ message: String) throws {
        let store = try EngineFixture.with("CREATE TABLE t (id uuid PRIMARY KEY, v int)")
        let error = store.error(cql)
        #expect(error?.message == message)
        #expect(error?.code == .invalid)
    }

    @Test func checksBoundBytesByType() throws {
        let store = try EngineFixture.with("CREATE TABLE t (k int PRIMARY KEY, v int, s text)")
        let insert = try store.engine.prepare("INSERT INTO t (k, v, s) VALUES (1, ?, ?)", keyspace: "k")
        let buffer = ByteBuffer(bytes: [1, 2, 3, 0xFF])
        for entries: [BoundValues.Entry] in [[.init(start: 0, length: 3), .null], [.null, .init(start: 3, length: 1)]] {
            #expect(throws: CQLError.self) {
                try store.execute(insert, StatementRequest(values: BoundValues(buffer: buffer, entries: entries)))
            }
        }
        _ = try store.execute(insert, StatementRequest(values: BoundValues(buffer: buffer, entries: [.unset, .init(start: 0, length: 1)])))
        #expect(try store.text("SELECT v, s FROM t") == ["null|\u{1}"])
    }

    @Test func schemaAndRowsSurviveReopening() throws {
        let store = try EngineFixture.with(
            "CREATE TABLE t (p int, c int, v text, PRIMARY KEY (p, c)) WITH CLUSTERING ORDER BY (c DESC) AND comment = 'x'")
        try store.run("INSERT INTO t (p, c, v) VALUES (1, 1, 'a')")
        try store.run("ALTER TABLE t ADD w int")
        try store.run("INSERT INTO t (p, c, w) VALUES (1, 2, 5)")
        try store.run("ALTER TABLE t DROP v")
        let before = Describe.statement(try store.engine.schema.table(TableName(keyspace: "k", name: "t"), keyspace: nil))
        try store.reopen()
        #expect(try store.text("SELECT * FROM t") == ["1|2|5", "1|1|null"])
        #expect(Describe.statement(try store.engine.schema.table(TableName(keyspace: "k", name: "t"), keyspace: nil)) == before)
        try store.run("ALTER TABLE t ADD v text")
        #expect(try store.text("SELECT v FROM t WHERE p = 1 AND c = 1") == ["null"])
        try store.run("TRUNCATE t")
        #expect(try store.text("SELECT * FROM t") == [])
        try store.run("DROP TABLE t")
        try store.run("CREATE TABLE t (p int, c int, v text, PRIMARY KEY (p, c))")
        #expect(try store.text("SELECT * FROM t") == [])
        #expect(store.error("CREATE TABLE t (p int PRIMARY KEY)")?.code == .alreadyExists)
        try store.run("CREATE TABLE IF NOT EXISTS t (p int PRIMARY KEY)")
    }

    @Test func aPlanFollowsTheSchema() throws {
        let store = try EngineFixture.with("CREATE TABLE t (k int PRIMARY KEY, v int)")
        let select = try store.engine.prepare("SELECT * FROM t", keyspace: "k")
        try store.run("ALTER TABLE t ADD w int")
        try store.run("INSERT INTO t (k, v, w) VALUES (1, 2, 3)")
        #expect(try store.rows(try store.execute(select, StatementRequest())).rows == [[.int(1), .int(2), .int(3)]])
        try store.run("DROP TABLE t")
        #expect(throws: CQLError.self) { try store.execute(select, StatementRequest()) }
    }

    @Test func foldsAndDropsOnCompaction() throws {
        let store = try EngineFixture.with("CREATE TABLE t (k int PRIMARY KEY, v int) WITH gc_grace_seconds = 0")
        for round in 1...3 {
            for k in 0..<50 { try store.run("INSERT INTO t (k, v) VALUES (?, ?)", [.int(Int32(k)), .int(Int32(round))]) }
            store.engine.database.flush()
        }
        for k in 0..<25 { try store.run("DELETE FROM t WHERE k = ?", [.int(Int32(k))]) }
        store.engine.database.flush()
        store.engine.database.compact()
        store.engine.database.compact()
        #expect(try store.text("SELECT count(*), min(v), max(v) FROM t") == ["25|3|3"])
        let table = try store.engine.schema.table(TableName(keyspace: "k", name: "t"), keyspace: nil)
        let prefix = table.storageID.bigEndianBytes
        let iterator = store.engine.database.iterator(KeySpan(start: prefix, end: KeyLayout.successor(prefix)))
        var keys = 0
        iterator.seekToFirst()
        while iterator.isValid {
            keys += 1
            iterator.next()
        }
        #expect(keys == 25)
    }

    @Test func describesTablesWithWhatMakesThemAgain() throws {
        let store = try EngineFixture.with(
            "CREATE TABLE t (p int, c text, \"Mixed\" map<text, int>, PRIMARY KEY (p, c)) WITH CLUSTERING ORDER BY (c DESC)")
        guard case .text(let statement) = try store.select("DESCRIBE TABLE k.t")[0][3] else { return }
        #expect(statement.contains("\"Mixed\" map<text, int>,\n    PRIMARY KEY (p, c)\n) WITH CLUSTERING ORDER BY (c DESC)\n    AND "))
        try store.run("DROP TABLE k.t")
        try store.run(statement)
        #expect(try store.select("DESCRIBE TABLE k.t")[0][3] == .text(statement))
        #expect(try store.text("DESCRIBE KEYSPACES").contains { $0.hasPrefix("k|keyspace") })
        #expect(try store.text("DESCRIBE SCHEMA").count == 2)
    }

    @Test func systemTablesTellOfItself() throws {
        let store = try EngineFixture.with("CREATE TABLE t (a int, b int, PRIMARY KEY (a, b))")
        #expect(try store.text("SELECT release_version, partitioner FROM system.local WHERE key = 'local'").count == 1)
        #expect(try store.text("SELECT * FROM system.peers") == [])
        #expect(
            try store.text("SELECT column_name, kind, position FROM system_schema.columns WHERE keyspace_name = 'k' AND table_name = 't'")
                == ["a|partition_key|0", "b|clustering|0"])
        #expect(try store.text("SELECT keyspace_name FROM system_schema.keyspaces").contains("k"))
        #expect(store.error("DROP KEYSPACE system")?.code == .unauthorized)
        #expect(store.error("INSERT INTO system.local (key) VALUES ('x')")?.code == .invalid)
        for cql in ["tables", "views", "types", "functions", "aggregates", "triggers", "indexes"] {
            _ = try store.select("SELECT * FROM system_schema.\(cql)")
        }
        for cql in ["keyspaces", "tables", "columns"] { #expect(!(try store.select("SELECT * FROM system_virtual_schema.\(cql)")).isEmpty) }
    }

    /// What a process leaves that is killed: the files as they are, never closed.
    @Test func acknowledgedWritesAreInTheFilesOfAKilledProcess() throws {
        let store = try EngineFixture.with("CREATE TABLE t (p int, c int, v int, PRIMARY KEY (p, c))")
        for index in 0..<300 { try store.run("INSERT INTO t (p, c, v) VALUES (1, ?, 1) USING TIMESTAMP 1", [.int(Int32(index))]) }
        store.engine.database.flush()
        for index in 300..<400 { try store.run("INSERT INTO t (p, c, v) VALUES (1, ?, 1) USING TIMESTAMP 1", [.int(Int32(index))]) }
        try store.run("DELETE FROM t USING TIMESTAMP 2 WHERE p = 1 AND c < 50")
        let copy = store.path + "-copy"
        defer { try? FileManager.default.removeItem(atPath: copy) }
        try FileManager.default.copyItem(atPath: store.path, toPath: copy)
        let revived = try EngineFixture(path: copy)
        #expect(try revived.text("SELECT count(*), sum(v) FROM t") == ["350|350"])
        // The mark that partitions have heads came back too, without which this row would show.
        #expect(try revived.text("SELECT v FROM t WHERE p = 1 AND c = 7") == [])
    }

    @Test func concurrentWritersLoseNothing() async throws {
        let store = try EngineFixture.with("CREATE TABLE t (k int PRIMARY KEY, v int)")
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<4 {
                group.addTask {
                    guard let insert = try? store.engine.prepare("INSERT INTO t (k, v) VALUES (?, ?)", keyspace: "k") else { return }
                    for index in 0..<250 {
                        let values = try? BoundValues([(.int(Int32(worker * 250 + index)), .int), (.int(1), .int)])
                        guard let values else { return }
                        await withCheckedContinuation { continuation in
                            store.engine.execute(insert, StatementRequest(values: values)) { _ in continuation.resume() }
                        }
                    }
                }
            }
        }
        #expect(try store.text("SELECT count(*) FROM t") == ["1000"])
        try store.reopen()
        #expect(try store.text("SELECT count(*), sum(v) FROM t") == ["1000|1000"])
    }

    @Test func functionsOfOneNameAreToldApartByTheirArguments() throws {
        let store = try EngineFixture.with("CREATE TABLE f (k int PRIMARY KEY, ts timestamp, d date, b bigint)")
        store.engine.clock.set(microseconds: 1_700_000_000_123_000)
        try store.run(
            "INSERT INTO f (k, ts, b, d) VALUES (1, toTimestamp(currentDate()), toUnixTimestamp(currentTimestamp()), toDate(toTimestamp(mintimeuuid('2023-11-14'))))"
        )
        #expect(try store.text("SELECT ts, b, d FROM f") == ["2023-11-14 00:00:00.000000+0000|1700000000123|2023-11-14"])
        try store.run("UPDATE f SET ts = toTimestamp(5f7c8a9e-0000-1000-8000-000000000001), b = toUnixTimestamp(?) WHERE k = 1", [.null])
        #expect(
            store.error("INSERT INTO f (k, ts) VALUES (1, toTimestamp(currentTime()))")?.message.contains("none of its type signatures")
                == true)
    }

    @Test func countersAndOtherColumnsShareNoTable() throws {
        let store = try EngineFixture.with(
            "CREATE TABLE f (k int PRIMARY KEY, v int)", "CREATE TABLE c (k int PRIMARY KEY, n counter)",
            "CREATE TABLE e (k int PRIMARY KEY)")
        #expect(store.error("ALTER TABLE f ADD q counter")?.message == "k.f: Cannot have a counter column (\"q\") in a non counter table")
        #expect(store.error("ALTER TABLE c ADD q int")?.message == "k.c: Cannot have a non counter column (\"q\") in a counter table")
        #expect(store.error("ALTER TABLE e ADD (a counter, b int)")?.code == .configError)
        try store.run("ALTER TABLE e ADD (a counter, b counter)")
        try store.run("UPDATE e SET a = a + 1, b = b - 1 WHERE k = 1")
        #expect(try store.text("SELECT * FROM e") == ["1|1|-1"])
    }

    @Test func whatIsNoAggregateIsTheFirstRows() throws {
        let store = try EngineFixture.with("CREATE TABLE t (p int, c int, v text, PRIMARY KEY (p, c))")
        #expect(try store.text("SELECT p, count(*) FROM t") == ["null|0"])
        for c in 1...3 { try store.run("INSERT INTO t (p, c, v) VALUES (7, ?, 'v')", [.int(Int32(c))]) }
        #expect(try store.text("SELECT p, c, v, count(*), max(c) FROM t") == ["7|1|v|3|3"])
    }

    /// A read that folds many writes has the row written back as one, so that the next one folds few.
    @Test(arguments: ["SELECT v, w FROM t WHERE k = 1", "SELECT v, w FROM t", "UPDATE t SET w = 7 WHERE k = 1 IF w = 7"])
    func aRowThatIsOverwrittenManyTimesIsFoldedByItsReaders(read: String) throws {
        let store = try EngineFixture.with("CREATE TABLE t (k int PRIMARY KEY, v int, w int)")
        let update = try store.engine.prepare("UPDATE t SET v = ? WHERE k = 1", keyspace: "k")
        try store.run("UPDATE t SET w = 7 WHERE k = 1")
        for index in 0..<300 { _ = try store.execute(update, StatementRequest(values: try BoundValues([(.int(Int32(index)), .int)]))) }
        _ = try store.text(read)
        // Behind what the read asked for.
        try store.run("UPDATE t SET v = 1 WHERE k = 2 IF v = 5")
        let table = try store.engine.schema.table(TableName(keyspace: "k", name: "t"), keyspace: nil)
        let arena = ByteArena()
        try KeyRanges.appendPartition(table, [[0, 0, 0, 1]], to: arena)
        arena.append(KeyLayout.row)
        _ = leat_rows_take_operands()
        #expect(try store.engine.database.copy(of: arena.array) != nil)
        #expect(leat_rows_take_operands() <= 4)
        #expect(try store.text("SELECT v, w FROM t WHERE k = 1") == ["299|7"])
        try store.reopen()
        #expect(try store.text("SELECT v, w FROM t") == ["299|7"])
    }

    /// Drivers read the same options of views and of tables.
    @Test func viewsHaveTheOptionsOfTables() throws {
        let store = try EngineFixture.with()
        #expect(try store.text("SELECT view_name, bloom_filter_fp_chance, compaction, gc_grace_seconds, id FROM system_schema.views") == [])
    }

    /// Its writer aborts the process on a full disk, where assertions are on.
    @Test func theStorageKeepsNoLogOfItsOwn() throws {
        let store = try EngineFixture.with("CREATE TABLE t (k int PRIMARY KEY)")
        store.engine.database.flush()
        try store.reopen()
        for name in try FileManager.default.contentsOfDirectory(atPath: store.path + "/rocksdb") where name.hasPrefix("LOG") {
            let attributes = try FileManager.default.attributesOfItem(atPath: store.path + "/rocksdb/" + name)
            #expect((attributes[.size] as? Int) == 0, "\(name)")
        }
    }
}
