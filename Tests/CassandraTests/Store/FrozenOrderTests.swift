import NIOCore
import Testing

@testable import Cassandra

/// Frozen sets and maps are equal whatever order they were written in.
@Suite struct FrozenOrderTests {
    @Test func boundSetsAndMapsFindEachOther() throws {
        let store = try EngineFixture.with(
            "CREATE TABLE s (k frozen<set<text>> PRIMARY KEY, v int)",
            "CREATE TABLE m (p int, c frozen<map<text, int>>, v int, PRIMARY KEY (p, c))")
        func set(_ texts: String...) -> CQLValue { .set(texts.map { .text($0) }) }
        func map(_ entries: (String, Int32)...) -> CQLValue { .map(entries.map { .init(.text($0.0), .int($0.1)) }) }
        try store.run("INSERT INTO s (k, v) VALUES (?, 1)", [set("b", "c", "a", "b")])
        #expect(try store.text("SELECT v FROM s WHERE k = ?", [set("c", "a", "b")]) == ["1"])
        #expect(try store.text("SELECT k FROM s WHERE k = {'a', 'c', 'b'}") == ["{'a', 'b', 'c'}"])
        #expect(try store.text("SELECT v FROM s WHERE k IN ?", [.list([set("x"), set("b", "a", "c")])]) == ["1"])
        #expect(try store.text("SELECT v FROM s WHERE token(k) = token(?)", [set("c", "b", "a")]) == ["1"])
        try store.run("INSERT INTO m (p, c, v) VALUES (1, ?, 1)", [map(("b", 2), ("a", 1))])
        try store.run("INSERT INTO m (p, c, v) VALUES (1, {'a': 1, 'b': 2}, 2)")
        #expect(try store.text("SELECT c, v FROM m WHERE p = 1") == ["{'a': 1, 'b': 2}|2"])
        try store.run("DELETE FROM m WHERE p = 1 AND c = ?", [map(("b", 2), ("a", 9), ("a", 1))])
        #expect(try store.text("SELECT * FROM m") == [])
    }

    @Test func whatIsWithinOtherTypesIsInOrderToo() throws {
        let store = try EngineFixture.with(
            """
            CREATE TABLE t (k int PRIMARY KEY, f frozen<set<int>>, l frozen<list<set<int>>>, u tuple<int, set<int>>,
            n set<frozen<set<int>>>, m map<int, frozen<set<int>>>, e frozen<set<int>>)
            """)
        func set(_ numbers: Int32...) -> CQLValue { .set(numbers.map { .int($0) }) }
        try store.run(
            "INSERT INTO t (k, f, l, u, n, m, e) VALUES (1, ?, ?, ?, ?, ?, ?)",
            [
                set(3, -1, 3), .list([set(2, 1), set()]), .tuple([.int(1), set(9, 8)]), .set([set(2, 1), set(1, 2)]),
                .map([.init(.int(1), set(5, 4))]), set(),
            ])
        let expected = ["{-1, 3}|[{1, 2}, {}]|(1, {8, 9})|{{1, 2}}|{1: {4, 5}}|{}"]
        #expect(try store.text("SELECT f, l, u, n, m, e FROM t") == expected)
        try store.run(
            "INSERT INTO t (k, f, l, u, n, m, e) VALUES (1, {3, 3, -1}, [{2, 1}, {}], (1, {9, 8}), {{2, 1}, {1, 2}}, {1: {5, 4}}, {})")
        #expect(try store.text("SELECT f, l, u, n, m, e FROM t") == expected)
        #expect(try store.text("SELECT k FROM t WHERE f = ? ALLOW FILTERING", [set(3, -1)]) == ["1"])
        #expect(try store.text("UPDATE t SET e = {1} WHERE k = 1 IF f = {3, -1}") == ["True"])
        try store.run("UPDATE t SET n = n - ?, m[2] = ? WHERE k = 1", [.set([set(2, 1)]), set(7, 6)])
        #expect(try store.text("SELECT n, m FROM t") == ["null|{1: {4, 5}, 2: {6, 7}}"])
    }

    @Test func bytesThatAreNoSetAreRefused() throws {
        let order = try #require(FrozenOrder(.frozen(.set(.int)), isWhole: false))
        for bytes: [UInt8] in [
            [0], [0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 1], [0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 0, 0, 9], [0, 0, 0, 1, 0, 0, 0, 1, 5],
        ] {
            var output = ByteBuffer()
            #expect(throws: CQLError.self) {
                try bytes.withBytes { (bytes) throws(CQLError) in try order.append(bytes, to: &output) }
            }
        }
        #expect(FrozenOrder(.set(.int), isWhole: false) == nil && FrozenOrder(.list(.text), isWhole: true) == nil)
        #expect(FrozenOrder(.set(.frozen(.map(.int, .int))), isWhole: false) != nil)
    }
}
