import NIOCore
import Testing

@testable import Spark

/// Columns to Arrow streams and back; other people's readers and writers are in the interoperability tests.
@Suite struct ArrowTests {
    private static let schema = StructType([
        StructField("b", .boolean), StructField("t", .byte), StructField("s", .short), StructField("i", .integer), StructField("l", .long),
        StructField("f", .float), StructField("d", .double), StructField("dec", .decimal(precision: 38, scale: 3)),
        StructField("text", .string), StructField("bytes", .binary), StructField("date", .date), StructField("ts", .timestamp),
        StructField("tn", .timestampNTZ), StructField("ym", .yearMonthInterval(.yearToMonth)),
        StructField("dt", .dayTimeInterval(.dayToSecond)),
        StructField("ci", .calendarInterval), StructField("list", .array(.long, containsNull: true)),
        StructField("map", .map(key: .string, value: .integer, valueContainsNull: true)),
        StructField("struct", .structure(StructType([StructField("x", .integer), StructField("y", .array(.string, containsNull: true))]))),
        StructField("none", .null),
    ])

    private static func row(_ seed: Int) -> [Literal] {
        guard seed % 5 != 3 else { return schema.fields.map { _ in .null } }
        let small = Int32(truncatingIfNeeded: seed)
        guard case .structure(let inner) = schema.fields[18].dataType else { return [] }
        return [
            .boolean(seed % 2 == 0), .byte(Int8(truncatingIfNeeded: seed)), .short(Int16(truncatingIfNeeded: seed * 31)),
            .integer(small &* 7_919),
            .long(Int64(seed) &* 6_364_136_223_846_793_005), .float(Float(seed) / 3), .double(Double(seed) / 7),
            .decimal(unscaled: Int128(seed) * 1_000_000_000_000_000_000_007, precision: 38, scale: 3),
            .string(String(repeating: "ä", count: seed % 4)), .binary([UInt8](repeating: UInt8(seed % 256), count: seed % 3)),
            .date(small - 9),
            .timestamp(Int64(seed) * 1_000_003 - 5), .timestampNTZ(Int64(seed)), .yearMonthInterval(small), .dayTimeInterval(Int64(-seed)),
            .calendarInterval(months: small, days: -small, micros: Int64(seed) * 3),
            .array((0..<seed % 4).map { $0 == 1 ? .null : .long(Int64($0)) }, element: .long),
            .map(
                keys: (0..<seed % 3).map { .string("k\($0)") }, values: (0..<seed % 3).map { $0 == 1 ? .null : .integer(Int32($0)) },
                key: .string, value: .integer),
            .structure([.integer(small), seed % 2 == 0 ? .null : .array([.string("z"), .null], element: .string)], inner), .null,
        ]
    }

    private static func batch(_ rows: [[Literal]]) -> ResultBatch {
        ResultBatch(
            columns: schema.fields.indices.map { index in MemorySource.column(rows.map { $0[index] }, schema.fields[index].dataType) },
            count: rows.count)
    }

    private static func literals(_ batches: [ResultBatch]) -> [[Literal]] {
        batches.flatMap { batch in (0..<batch.count).map { row in batch.columns.map { $0.literal(row) } } }
    }

    @Test(arguments: [ArrowCompression.none, .lz4, .zstd], [false, true])
    func everyTypeComesBackAsItWent(compression: ArrowCompression, large: Bool) throws {
        let rows = (0..<97).map(Self.row)
        let writer = ArrowWriter(Self.schema, ArrowOptions(timeZone: "UTC", usesLargeTypes: large, compression: compression))
        let stream = try writer.stream([Self.batch(rows)])
        let read = try ArrowReader.rows([Array(stream.readableBytesView)], schema: nil)
        #expect(read.schema.fields.map(\.dataType) == Self.schema.fields.map(\.dataType))
        #expect(Self.literals(read.batches) == rows)
    }

    @Test func aPartOfABatchHoldsItsRowsAlone() throws {
        let rows = (0..<40).map(Self.row)
        let stream = try ArrowWriter(Self.schema).stream(Self.batch(rows), rows: 11..<29)
        let read = try ArrowReader.rows([Array(stream.readableBytesView)], schema: Self.schema)
        #expect(Self.literals(read.batches) == Array(rows[11..<29]))
    }

    @Test func noRowsStillCarryTheSchema() throws {
        let stream = try ArrowWriter(Self.schema).stream([])
        let read = try ArrowReader.rows([Array(stream.readableBytesView)], schema: nil)
        #expect(read.schema.names == Self.schema.names)
        #expect(read.batches.map(\.count) == [0])
    }

    @Test func constantColumnsAreSpelledOut() throws {
        let schema = StructType([StructField("a", .integer), StructField("s", .string), StructField("n", .double)])
        let batch = ResultBatch(
            columns: [
                Column.constant(.integer(7), type: .integer, count: 3), Column.constant(.string("x"), type: .string, count: 3),
                Column.nulls(.double, count: 3),
            ], count: 3)
        let read = try ArrowReader.rows([Array(try ArrowWriter(schema).stream([batch]).readableBytesView)], schema: nil)
        #expect(Self.literals(read.batches) == [[Literal]](repeating: [.integer(7), .string("x"), .null], count: 3))
    }

    /// Whatever a byte is changed to, or wherever the stream ends: an error or some rows, never a trap.
    @Test func damagedStreamsAreRefusedOrRead() throws {
        let rows = (0..<9).map(Self.row)
        let bytes = Array(try ArrowWriter(Self.schema).stream([Self.batch(rows)]).readableBytesView)
        var outcomes = (read: 0, refused: 0)
        func attempt(_ bytes: [UInt8]) {
            do {
                let read = try ArrowReader.rows([bytes], schema: nil)
                for batch in read.batches { for column in batch.columns { for row in 0..<batch.count { _ = column.isNull(row) } } }
                outcomes.read += 1
            } catch {
                outcomes.refused += 1
            }
        }
        for end in stride(from: 0, to: bytes.count, by: 3) { attempt(Array(bytes[..<end])) }
        for index in bytes.indices {
            for flip: UInt8 in [0xFF, 0x80, 0x01] {
                var damaged = bytes
                damaged[index] ^= flip
                attempt(damaged)
            }
        }
        #expect(outcomes.refused > 100)
        #expect(outcomes.read > 0)
    }
}
