import CRocksDB
import Foundation
import NIOCore
import Testing

@testable import Cassandra

/// Writes that are decided by what is there count, whatever timestamps stand there.
@Suite struct ConditionalWriteTests {
    private static let now: Int64 = 1_800_000_000_000_000

    @Test func noIncrementIsLostWhateverItsClientsClockSays() throws {
        let store = try EngineFixture.with("CREATE TABLE c (k int PRIMARY KEY, n counter)")
        try store.run("UPDATE c SET n = n + 1 WHERE k = 1", timestamp: Self.now)
        try store.run("UPDATE c SET n = n + 1 WHERE k = 1", timestamp: Self.now - 1)
        try store.run("UPDATE c SET n = n + 5 WHERE k = 2", timestamp: Self.now)
        try store.run("UPDATE c SET n = n - 3 WHERE k = 2", timestamp: Self.now)
        #expect(try store.text("SELECT k, n FROM c").sorted() == ["1|2", "2|2"])
    }

    @Test func noIncrementIsLostWhenTheClockStandsStillOrGoesBack() throws {
        let store = try EngineFixture.with("CREATE TABLE c (k int PRIMARY KEY, n counter)")
        store.engine.clock.set(microseconds: Self.now)
        for _ in 0..<3 { try store.run("UPDATE c SET n = n + 1 WHERE k = 1") }
        try store.reopen()
        store.engine.clock.set(microseconds: Self.now - 60_000_000)
        for _ in 0..<3 { try store.run("UPDATE c SET n = n + 1 WHERE k = 1") }
        #expect(try store.text("SELECT n FROM c") == ["6"])
    }

    @Test func concurrentIncrementsAddUp() async throws {
        let store = try EngineFixture.with("CREATE TABLE c (k int PRIMARY KEY, n counter)")
        let update = try store.engine.prepare("UPDATE c SET n = n + 1 WHERE k = 1", keyspace: "k")
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<4 {
                group.addTask {
                    for index in 0..<250 {
                        // Each client has its own clock, some far off.
                        let request = StatementRequest(defaultTimestamp: Self.now + Int64(worker) * 1_000_000 + Int64(index))
                        await withCheckedContinuation { continuation in
                            store.engine.execute(update, request) { _ in continuation.resume() }
                        }
                    }
                }
            }
        }
        #expect(try store.text("SELECT n FROM c") == ["1000"])
    }

    @Test func aDeletedCounterIsCountedFromZeroAgain() throws {
        let store = try EngineFixture.with("CREATE TABLE c (p int, k int, n counter, PRIMARY KEY (p, k))")
        for delete in ["DELETE n FROM c WHERE p = 1 AND k = 1", "DELETE FROM c WHERE p = 1 AND k = 1", "DELETE FROM c WHERE p = 1"] {
            try store.run("UPDATE c SET n = n + 7 WHERE p = 1 AND k = 1")
            // A client's clock that is behind or ahead decides neither.
            try store.run(delete, timestamp: 5)
            #expect(try store.text("SELECT n FROM c WHERE p = 1 AND k = 1").filter { $0 != "null" } == [])
            try store.run("UPDATE c SET n = n + 2 WHERE p = 1 AND k = 1")
            #expect(try store.text("SELECT n FROM c WHERE p = 1 AND k = 1") == ["2"])
            try store.run(delete, timestamp: Self.now * 2)
        }
        try store.run("UPDATE c SET n = n + 1 WHERE p = 1 AND k = 1")
        try store.reopen()
        #expect(try store.text("SELECT n FROM c WHERE p = 1 AND k = 1") == ["1"])
    }

    @Test func countersOfOneRowAndStaticOnesAreKeptApart() throws {
        let store = try EngineFixture.with("CREATE TABLE c (p int, k int, a counter, b counter, s counter static, PRIMARY KEY (p, k))")
        try store.run("UPDATE c SET a = a + 1 WHERE p = 1 AND k = 1")
        try store.run("UPDATE c SET b = b + 2, a = a + 10, s = s + 100 WHERE p = 1 AND k = 1")
        try store.run("UPDATE c SET s = s + 1 WHERE p = 1")
        #expect(try store.text("SELECT a, b, s FROM c WHERE p = 1") == ["11|2|101"])
        #expect(store.error("UPDATE c SET a = a + 1, a = a + 1 WHERE p = 1 AND k = 1")?.code == .invalid)
        #expect(
            store.error("UPDATE c SET a = a + 1 WHERE p = 1 AND k = 1 IF EXISTS")?.message
                == "Conditional updates are not supported on counter tables")
    }

    @Test func anIncrementLeavesOneValueToRead() throws {
        let store = try EngineFixture.with("CREATE TABLE c (k int PRIMARY KEY, n counter)")
        for _ in 0..<5 { try store.run("UPDATE c SET n = n + 1 WHERE k = 1") }
        let table = try store.engine.schema.table(TableName(keyspace: "k", name: "c"), keyspace: nil)
        let prefix = table.storageID.bigEndianBytes
        func flags() -> Int? {
            let iterator = store.engine.database.iterator(KeySpan(start: prefix, end: KeyLayout.successor(prefix)))
            iterator.seekToFirst()
            return iterator.isValid ? Int(iterator.value[0]) : nil
        }
        // Folded, hence plain: nothing of the former totals is left.
        #expect(flags() == LEAT_ROW_PLAIN)
    }

    @Test func aCounterBatchCountsAllOfItOrNothing() throws {
        let store = try EngineFixture.with(
            "CREATE TABLE c (k int PRIMARY KEY, n counter)", "CREATE TABLE t (k int PRIMARY KEY, v int)")
        try store.run(
            "BEGIN COUNTER BATCH UPDATE c SET n = n + 1 WHERE k = 1; UPDATE c SET n = n + ? WHERE k = 1; APPLY BATCH", [.bigint(4)])
        #expect(try store.text("SELECT n FROM c WHERE k = 1") == ["5"])
        let update = try store.engine.prepare("UPDATE c SET n = n + ? WHERE k = ?", keyspace: "k")
        func run(_ kind: BatchKind, _ rows: [(CQLValue, Int32)]) throws {
            let batch = try rows.map { (update, try BoundValues([($0.0, .bigint), (.int($0.1), .int)])) }
            let done = DispatchSemaphore(value: 0)
            nonisolated(unsafe) var failure: CQLError?
            store.engine.execute(batch: batch, kind: kind, StatementRequest()) { result in
                if case .failure(let error) = result { failure = error }
                done.signal()
            }
            done.wait()
            if let failure { throw failure }
        }
        try run(.counter, [(.bigint(1), 1), (.bigint(2), 2), (.bigint(3), 1)])
        #expect(try store.text("SELECT k, n FROM c").sorted() == ["1|9", "2|2"])
        #expect(throws: CQLError.self) { try run(.counter, [(.bigint(1), 1), (.null, 2)]) }
        #expect(throws: CQLError.invalid("Cannot include a counter statement in a logged batch")) { try run(.logged, [(.bigint(1), 1)]) }
        #expect(try store.text("SELECT k, n FROM c").sorted() == ["1|9", "2|2"])
        for cql in [
            "BEGIN BATCH UPDATE c SET n = n + 1 WHERE k = 1; APPLY BATCH",
            "BEGIN COUNTER BATCH INSERT INTO t (k) VALUES (1); APPLY BATCH",
            "BEGIN UNLOGGED BATCH UPDATE c SET n = n + 1 WHERE k = 1; INSERT INTO t (k) VALUES (1); APPLY BATCH",
            "BEGIN COUNTER BATCH USING TIMESTAMP 5 UPDATE c SET n = n + 1 WHERE k = 1; APPLY BATCH",
        ] { #expect(store.error(cql)?.code == .invalid, "\(cql)") }
    }

    /// What is said to be applied is seen, though a deletion of another client's clock stands there.
    @Test func anAppliedConditionIsSeenOverLaterTimestamps() throws {
        let store = try EngineFixture.with(
            "CREATE TABLE t (k int PRIMARY KEY, v int)", "CREATE TABLE p (p int, c int, v int, PRIMARY KEY (p, c))")
        let ahead = Self.now + 3_600_000_000
        store.engine.clock.set(microseconds: Self.now)
        try store.run("INSERT INTO t (k, v) VALUES (1, 1)", timestamp: ahead)
        try store.run("DELETE FROM t WHERE k = 1", timestamp: ahead)
        #expect(try store.text("INSERT INTO t (k, v) VALUES (1, 2) IF NOT EXISTS") == ["True"])
        #expect(try store.text("SELECT v FROM t WHERE k = 1") == ["2"])
        try store.run("INSERT INTO t (k, v) VALUES (2, 1)", timestamp: ahead)
        #expect(try store.rows(try store.run("UPDATE t SET v = 9 WHERE k = 2 IF v = 1", timestamp: Self.now)).rows == [[.boolean(true)]])
        #expect(try store.text("SELECT v FROM t WHERE k = 2") == ["9"])
        try store.run("DELETE v FROM t WHERE k = 2", timestamp: ahead + 5)
        #expect(try store.text("UPDATE t SET v = 3 WHERE k = 2 IF v = null") == ["True"])
        #expect(try store.text("SELECT v FROM t WHERE k = 2") == ["3"])
        for delete in ["DELETE FROM p WHERE p = 1", "DELETE FROM p WHERE p = 1 AND c > 0"] {
            try store.run(delete, timestamp: ahead + 10)
            #expect(try store.text("INSERT INTO p (p, c, v) VALUES (1, 1, 1) IF NOT EXISTS") == ["True"])
            #expect(try store.text("SELECT v FROM p WHERE p = 1") == ["1"])
            #expect(try store.text("DELETE FROM p WHERE p = 1 AND c = 1 IF EXISTS") == ["True"])
            #expect(try store.text("SELECT v FROM p WHERE p = 1") == [])
        }
        try store.run("INSERT INTO t (k, v) VALUES (3, 1)", timestamp: .max)
        #expect(store.error("UPDATE t SET v = 2 WHERE k = 3 IF v = 1")?.code == .invalid)
    }

    @Test func conditionsThatAreNotServedSaySo() throws {
        let store = try EngineFixture.with("CREATE TABLE t (p int, c int, s int static, l list<int> static, v int, PRIMARY KEY (p, c))")
        #expect(
            store.error("DELETE FROM t WHERE p = 1 IF EXISTS")?.message
                == "DELETE statements must restrict all PRIMARY KEY columns with equality relations in order to use IF condition on non static columns, but column 'c' is not restricted"
        )
        #expect(
            store.error("INSERT INTO t (p, s) VALUES (1, 1) IF NOT EXISTS")?.message
                == "IF conditions on static columns alone are not served by this store")
        #expect(store.error("UPDATE t SET l[0] = 1 WHERE p = 1")?.message.contains("static") == true)
        #expect(store.error("UPDATE t SET v = 1 WHERE p = 1 AND c IN (1, 2) IF v = 1")?.message.hasPrefix("IN on the primary key") == true)
    }

    @Test func aConditionOnAMapsElementTakesNull() throws {
        let store = try EngineFixture.with("CREATE TABLE t (k int PRIMARY KEY, m map<text, int>, v int)")
        try store.run("INSERT INTO t (k, m) VALUES (1, {'a': 1})")
        #expect(try store.text("UPDATE t SET v = 1 WHERE k = 1 IF m['x'] = null") == ["True"])
        #expect(try store.text("UPDATE t SET v = 2 WHERE k = 1 IF m['a'] = null") == ["False|{'a': 1}"])
        #expect(try store.text("UPDATE t SET v = 3 WHERE k = 1 IF m['a'] = 1") == ["True"])
    }
}
