import Foundation
import NIOCore
import Testing

@testable import Cassandra

/// Numbers that a client chooses end in an error of its statement, whatever they are.
@Suite struct HostileValueTests {
    @Test func timesBeyondATimeuuidAreRefused() throws {
        let store = try EngineFixture.with("CREATE TABLE t (k int PRIMARY KEY, u timeuuid)")
        for time in ["9223372036854775807", "-9223372036854775808", "'1500-01-01'", "'9000-01-01'"] {
            #expect(store.error("INSERT INTO t (k, u) VALUES (1, mintimeuuid(\(time)))")?.code == .invalid, "\(time)")
            #expect(store.error("INSERT INTO t (k, u) VALUES (1, maxtimeuuid(\(time)))")?.code == .invalid, "\(time)")
        }
        try store.run("INSERT INTO t (k, u) VALUES (1, mintimeuuid('1969-12-31'))")
        #expect(try store.text("SELECT toDate(u) FROM t") == ["1969-12-31"])
    }

    @Test func tablesHaveABoundOfColumns() throws {
        let store = try EngineFixture.with("CREATE TABLE small (k int PRIMARY KEY)")
        let columns = (0..<33_000).map { "c\($0) int" }.joined(separator: ", ")
        #expect(store.error("CREATE TABLE wide (k int PRIMARY KEY, \(columns))")?.message.contains("\(TableLayout.columnsMax)") == true)
        #expect(store.error("ALTER TABLE small ADD (\(columns))")?.message.contains("\(TableLayout.columnsMax)") == true)
        let long = String(repeating: "x", count: 70_000)
        #expect(store.error("CREATE TABLE long (k int PRIMARY KEY, \(long) int, \(long)y int)")?.code == .invalid)
        let centers = (0..<70_000).map { "'d\($0)': 1" }.joined(separator: ", ")
        #expect(
            store.error("CREATE KEYSPACE big WITH replication = {'class': 'NetworkTopologyStrategy', \(centers)}")?.code == .configError)
        #expect(store.error("CREATE TABLE p (k int PRIMARY KEY) WITH compaction = {'class': 'x', \(centers)}")?.code == .configError)
        try store.reopen()
        #expect(try store.text("SELECT * FROM small") == [])
    }

    @Test func aTTLSeenFromLongAgoIsTheLargest() throws {
        let store = try EngineFixture.with("CREATE TABLE t (k int PRIMARY KEY, v text)")
        try store.run("INSERT INTO t (k, v) VALUES (7, 'a') USING TTL 630720000")
        let select = try store.engine.prepare("SELECT ttl(v) FROM t WHERE k = 7", keyspace: "k")
        let rows = try store.rows(try store.execute(select, StatementRequest(nowInSeconds: 1))).rows
        #expect(rows == [[.int(.max)]])
    }

    @Test func aPagingStateThatIsMadeUpIsRefusedOrHarmless() throws {
        let store = try EngineFixture.with("CREATE TABLE t (k int, c int, PRIMARY KEY (k, c))")
        for c in 0..<10 { try store.run("INSERT INTO t (k, c) VALUES (1, ?)", [.int(Int32(c))]) }
        let state = try #require(try store.rows(try store.run("SELECT * FROM t PER PARTITION LIMIT 8", pageSize: 3)).state)
        for (offset, number) in [(9, Int64.max), (9, .min), (9, 1 << 49), (1, .min)] {
            var forged = state
            forged.setInteger(number, at: forged.readerIndex + offset)
            #expect(throws: CQLError.self) {
                try store.run("SELECT * FROM t PER PARTITION LIMIT 8", pageSize: 3, pagingState: forged)
            }
        }
        var large = state
        large.setInteger(Int64.max, at: large.readerIndex + 1)
        #expect(try store.rows(try store.run("SELECT * FROM t", pageSize: 3, pagingState: large)).rows.count == 3)
        for length in 0..<state.readableBytes {
            _ = try? store.run("SELECT * FROM t", pageSize: 3, pagingState: state.getSlice(at: state.readerIndex, length: length))
        }
    }

    @Test func aLongListIsPrependedInItsOrder() throws {
        let store = try EngineFixture.with("CREATE TABLE t (k int PRIMARY KEY, l list<tinyint>)")
        let count = 1_100_000
        var list = ByteBuffer()
        list.writeInteger(Int32(count))
        for index in 0..<count { list.writeMultipleIntegers(Int32(1), Int8(truncatingIfNeeded: index)) }
        let prepend = try store.engine.prepare("UPDATE t SET l = ? + l WHERE k = 1", keyspace: "k")
        let values = BoundValues(buffer: list, entries: [.init(start: 0, length: Int32(list.readableBytes))])
        _ = try store.execute(prepend, StatementRequest(values: values))
        try store.run("UPDATE t SET l = [-1] + l WHERE k = 1")
        guard case .list(let elements) = try store.select("SELECT l FROM t WHERE k = 1")[0][0] else { return }
        #expect(elements.count == count + 1 && elements[0] == .tinyint(-1))
        #expect(elements.dropFirst().enumerated().allSatisfy { $1 == .tinyint(Int8(truncatingIfNeeded: $0)) })
    }

    @Test func placesInAListNeverMeet() {
        var places: Set<UInt64> = []
        for isPrepend in [true, false, true] {
            let (_, first) = ListPlaces.next(count: 3, microseconds: 1, isPrepend: isPrepend)
            for index in 0..<3 { #expect(places.insert(first &+ UInt64(index)).inserted) }
        }
        let earlier = ListPlaces.next(count: 2, microseconds: 1, isPrepend: true).1
        let later = ListPlaces.next(count: 2, microseconds: 1, isPrepend: true).1
        #expect(later &+ 2 <= earlier)
    }

    @Test func aStatementThatMultipliesItsValuesIsRefused() throws {
        let store = try EngineFixture.with("CREATE TABLE t (p int, c int, v blob, PRIMARY KEY (p, c))")
        let keys = (0..<1_000).map(String.init).joined(separator: ",")
        let error = store.error("UPDATE t SET v = ? WHERE p = 1 AND c IN (\(keys))", [.blob([UInt8](repeating: 1, count: 1 << 20))])
        #expect(error?.message.hasSuffix("is too large for the maximum size of \(MutationEncoder.bytesMax)") == true)
        #expect(try store.text("SELECT count(*) FROM t") == ["0"])
    }

    @Test func theSmallestTimestampOfABatchIsRefused() throws {
        let store = try EngineFixture.with("CREATE TABLE t (k int PRIMARY KEY, l list<int>)")
        let error = store.error("BEGIN BATCH USING TIMESTAMP -9223372036854775808 UPDATE t SET l = [1] WHERE k = 1; APPLY BATCH")
        #expect(error?.message.hasPrefix("Out of bound timestamp") == true)
        try store.run("BEGIN BATCH USING TIMESTAMP -9223372036854775807 UPDATE t SET l = [1] WHERE k = 1; APPLY BATCH")
        #expect(try store.text("SELECT l FROM t") == ["[1]"])
    }

    @Test func numbersOfEndlessDigitsAreRefused() throws {
        let store = try EngineFixture.with("CREATE TABLE t (k int, v varint, d decimal, PRIMARY KEY (k, v))")
        let long = [UInt8](repeating: 1, count: 1 << 20)
        let insert = "INSERT INTO t (k, v, d) VALUES (1, ?, ?)"
        let decimal = CQLDecimal(unscaled: CQLVarint(bytes: long), scale: 0)
        #expect(store.error(insert, [.varint(CQLVarint(bytes: long)), .null])?.code == .invalid)
        #expect(store.error(insert, [.varint(CQLVarint(1)), .decimal(decimal)])?.code == .invalid)
        #expect(store.error("INSERT INTO t (k, v) VALUES (1, blobasvarint(?))", [.blob(long)])?.code == .invalid)
        let digits = String(repeating: "9", count: CQLVarint.digitsMax)
        try store.run("INSERT INTO t (k, v) VALUES (1, \(digits))")
        #expect(try store.text("SELECT v FROM t") == [digits])
    }

    @Test func aNullLimitIsRefusedAndAnUnsetOneIsNone() throws {
        let store = try EngineFixture.with("CREATE TABLE t (k int PRIMARY KEY)")
        for k in 0..<3 { try store.run("INSERT INTO t (k) VALUES (\(k))") }
        #expect(store.error("SELECT * FROM t LIMIT ?", [.null])?.message == "Invalid null value of limit")
        #expect(store.error("SELECT * FROM t LIMIT null")?.message == "Invalid null value of limit")
        #expect(store.error("SELECT * FROM t WHERE k = 1 LIMIT ?", [.null])?.message == "Invalid null value of limit")
        #expect(store.error("SELECT * FROM t PER PARTITION LIMIT ?", [.null])?.message == "Invalid null value of per partition limit")
        #expect(try store.select("SELECT * FROM t LIMIT ?", [.unset]).count == 3)
    }
}
