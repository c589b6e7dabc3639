import Testing

@testable import Cassandra

@Suite struct CQLParserTests {
    @Test(arguments: [
        "SELECT * FROM t", "select a, b as c from k.t where a = 1 and b in (1, 2) limit 10 allow filtering;",
        "INSERT INTO t (a, b,) VALUES (1, 'x''y')", "INSERT INTO t (a) VALUES (?) IF NOT EXISTS USING TTL 10 AND TIMESTAMP 5",
        "UPDATE t USING TTL ? SET a = 1, l = l + [1], m['k'] = 'v', s = s - {1} WHERE k = :key",
        "DELETE a, m['x'] FROM t USING TIMESTAMP 3 WHERE k = 1", "DELETE FROM t WHERE k = 1 AND c > 2",
        "BEGIN UNLOGGED BATCH INSERT INTO t (a) VALUES (1); UPDATE t SET b = 2 WHERE a = 1 APPLY BATCH",
        "CREATE TABLE IF NOT EXISTS t (id uuid PRIMARY KEY, name text,)",
        "CREATE TABLE t (a int, b int, c frozen<map<text, list<int>>>, PRIMARY KEY ((a), b,)) WITH CLUSTERING ORDER BY (b DESC) AND comment = 'x'",
        "CREATE KEYSPACE IF NOT EXISTS k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': '1'} AND durable_writes = true",
        "-- a comment\nSELECT /* another */ \"Quoted\" FROM t // last", "SELECT count(*), token(id), writetime(a) FROM t",
        "INSERT INTO t (a, b, c, d) VALUES (0xCAFE, $$it's$$, 1.5e-3, 5f7c8a9e-0000-4000-8000-000000000001)",
        "ALTER TABLE t ADD (a int, b text)", "TRUNCATE TABLE k.t", "DESCRIBE KEYSPACE k", "USE \"Mixed\"",
        "SELECT * FROM t WHERE token(a) > -9223372036854775808 AND token(a) <= 5", "SELECT CAST(a AS text) FROM t",
        "INSERT INTO t (l, s, m, u) VALUES ([1, 2], {1}, {'a': 1}, {})", "SELECT ttl FROM t", "UPDATE t SET c = c -1 WHERE k = 1",
    ])
    func takes(_ cql: String) throws {
        _ = try CQLParser.parse(cql)
    }

    @Test(arguments: [
        ("SELEC * FROM t", "line 1:0 no viable alternative at input 'SELEC'"),
        ("SELECT * FORM t", "line 1:9 mismatched input 'FORM' expecting K_FROM"),
        ("SELECT *\nFROM\n  where", "line 3:2 no viable alternative at input 'where'"),
        ("SELECT * FROM t WHERE", "line 1:21 no viable alternative at input '<EOF>'"),
        ("INSERT INTO t (a VALUES (1)", "line 1:17 mismatched input 'VALUES' expecting ')'"),
        ("SELECT 'open FROM t", "line 1:7 the string is not closed"),
        ("SELECT a ~ b FROM t", "line 1:9 no viable alternative at character '~'"),
        ("SELECT * FROM t; SELECT 1", "line 1:17 mismatched input 'SELECT' expecting EOF"),
    ])
    func saysWhere(_ cql: String, _ message: String) {
        #expect(throws: CQLError.syntaxError(message)) { try CQLParser.parse(cql) }
    }

    @Test(arguments: [
        ("CREATE INDEX ON t (a)", "CREATE INDEX"), ("CREATE TYPE u (a int)", "CREATE TYPE"), ("SELECT JSON * FROM t", "SELECT JSON"),
        ("INSERT INTO t JSON '{}'", "INSERT JSON"), ("SELECT a FROM t GROUP BY a", "GROUP BY"), ("GRANT ALL ON t TO u", "GRANT"),
        ("CREATE MATERIALIZED VIEW v AS SELECT * FROM t", "CREATE MATERIALIZED VIEW"),
    ])
    func refusesByName(_ cql: String, _ name: String) {
        #expect(throws: CQLError.invalid("\(name) is not served by this store")) { try CQLParser.parse(cql) }
    }

    @Test func foldsNamesAndKeepsQuotedOnes() throws {
        guard case .select(let select) = try CQLParser.parse("SELECT Foo, \"Bar\" FROM KS.\"T\"").statement else { return }
        #expect(select.table == TableName(keyspace: "ks", name: "T"))
        #expect(select.items?.map(\.text) == ["foo", "Bar"])
    }

    @Test func countsMarkersInOrder() throws {
        let parsed = try CQLParser.parse("UPDATE t USING TTL ? SET a = :a WHERE k = :k AND c IN ?")
        #expect(parsed.markers == [nil, "a", "k", nil])
    }

    @Test func refusesDeepNesting() {
        let cql = "INSERT INTO t (a) VALUES (" + String(repeating: "[", count: 100) + String(repeating: "]", count: 100) + ")"
        #expect(throws: CQLError.self) { try CQLParser.parse(cql) }
    }
}
