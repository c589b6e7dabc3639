import Foundation
import Testing

@testable import Spark

/// Columns to Parquet files and back; other people's readers and writers are in the interoperability tests.
@Suite struct ParquetTests {
    private static let inner = StructType([StructField("x", .integer), StructField("y", .array(.string, containsNull: true))])
    private static let schema = StructType([
        StructField("b", .boolean), StructField("t", .byte), StructField("s", .short), StructField("i", .integer), StructField("l", .long),
        StructField("f", .float), StructField("d", .double), StructField("small", .decimal(precision: 7, scale: 2)),
        StructField("middle", .decimal(precision: 18, scale: 3)), StructField("wide", .decimal(precision: 38, scale: 3)),
        StructField("text", .string), StructField("bytes", .binary), StructField("date", .date), StructField("ts", .timestamp),
        StructField("tn", .timestampNTZ), StructField("ym", .yearMonthInterval(.yearToMonth)),
        StructField("dt", .dayTimeInterval(.dayToSecond)), StructField("list", .array(.long, containsNull: true)),
        StructField("map", .map(key: .string, value: .integer, valueContainsNull: true)), StructField("struct", .structure(inner)),
        StructField("deep", .array(.array(.structure(inner), containsNull: true), containsNull: true)),
    ])

    private static func row(_ seed: Int) -> [Literal] {
        guard seed % 5 != 3 else { return schema.fields.map { _ in .null } }
        let small = Int32(truncatingIfNeeded: seed)
        let nested = Literal.structure([.integer(small), seed % 2 == 0 ? .null : .array([.string("z"), .null], element: .string)], inner)
        let element = DataType.structure(inner)
        return [
            .boolean(seed % 2 == 0), .byte(Int8(truncatingIfNeeded: seed)), .short(Int16(truncatingIfNeeded: seed * 31)),
            .integer(small &* 7_919), .long(Int64(seed) &* 6_364_136_223_846_793_005), .float(Float(seed) / 3), .double(Double(seed) / 7),
            .decimal(unscaled: Int128(seed - 40) * 1_001, precision: 7, scale: 2),
            .decimal(unscaled: Int128(seed - 40) * 1_000_000_000_007, precision: 18, scale: 3),
            .decimal(unscaled: Int128(seed - 40) * 1_000_000_000_000_000_000_007, precision: 38, scale: 3),
            .string(String(repeating: "ä", count: seed % 4)), .binary([UInt8](repeating: UInt8(seed % 256), count: seed % 3)),
            .date(small - 9), .timestamp(Int64(seed) * 1_000_003 - 5), .timestampNTZ(Int64(seed)),
            .yearMonthInterval(small), .dayTimeInterval(Int64(-seed)),
            .array((0..<seed % 4).map { $0 == 1 ? .null : .long(Int64($0)) }, element: .long),
            .map(
                keys: (0..<seed % 3).map { .string("k\($0)") }, values: (0..<seed % 3).map { $0 == 1 ? .null : .integer(Int32($0)) },
                key: .string, value: .integer),
            nested,
            .array(
                (0..<seed % 3).map { $0 == 1 ? .null : .array((0..<seed % 2 + $0).map { $0 == 1 ? .null : nested }, element: element) },
                element: .array(element, containsNull: true)),
        ]
    }

    private static func batch(_ rows: [[Literal]], _ schema: StructType = schema) -> ResultBatch {
        ResultBatch(
            columns: schema.fields.indices.map { index in MemorySource.column(rows.map { $0[index] }, schema.fields[index].dataType) },
            count: rows.count)
    }

    private static let limits = ParquetLimits(pageBytes: 64 << 20, pageValues: 1 << 20)

    private static func write(
        _ batches: [ResultBatch], _ schema: StructType, _ codec: ParquetCodec, groupBytes: Int = 1 << 20, in folder: TemporaryFolder
    ) throws -> String {
        try FilePath.createFolders(folder.path)
        let file = try PartFile(folder: folder.path, name: "part.parquet")
        let writer = ParquetWriter(try ParquetLayout(schema), codec: codec, groupBytes: groupBytes)
        for batch in batches { try writer.append(batch, to: file) }
        try writer.finish(file)
        try file.sync()
        try file.publish()
        return file.path
    }

    private static func read(_ path: String, _ fields: [StructField?]? = nil, batchRows: Int = 17) async throws -> [[Literal]] {
        let file = try ParquetFile(path: path)
        var rows: [[Literal]] = []
        for group in 0..<file.groupCount {
            try await file.read(group: group, fields ?? file.structType.fields, limits: limits, batchRows: batchRows) { batch in
                for row in 0..<batch.count { rows.append(batch.columns.map { $0?.literal(row) ?? .null }) }
            }
        }
        return rows
    }

    @Test(arguments: [ParquetCodec.uncompressed, .snappy, .gzip, .zstd, .lz4Raw])
    func everyTypeComesBackAsItWent(codec: ParquetCodec) async throws {
        let folder = TemporaryFolder()
        let rows = (0..<197).map(Self.row)
        // Two batches in each of several row groups.
        let batches = [rows[..<60], rows[60..<120], rows[120..<180], rows[180...]].map { Self.batch(Array($0)) }
        let path = try Self.write(batches, Self.schema, codec, groupBytes: 9_000, in: folder)
        let file = try ParquetFile(path: path)
        #expect(file.groupCount > 1)
        #expect(file.structType == Self.schema)
        #expect(try await Self.read(path) == rows)
    }

    @Test func theWantedColumnsAloneAreReadAndMissingOnesAreNull() async throws {
        let folder = TemporaryFolder()
        let rows = (0..<40).map(Self.row)
        let path = try Self.write([Self.batch(rows)], Self.schema, .snappy, in: folder)
        let wanted: [StructField?] = [nil, StructField("TEXT", .string), StructField("nowhere", .date), StructField("i", .long)]
        let read = try await Self.read(path, wanted)
        #expect(read.map { $0[1] } == rows.map { $0[10] })
        #expect(read.allSatisfy { $0[0] == .null && $0[2] == .null })
        #expect(read.map { $0[3] } == rows.map { if case .integer(let value) = $0[3] { .long(Int64(value)) } else { .null } })
    }

    @Test func aColumnThatDoesNotFitIsRefusedByName() async throws {
        let folder = TemporaryFolder()
        let path = try Self.write([Self.batch((0..<4).map(Self.row))], Self.schema, .snappy, in: folder)
        let error = await #expect(throws: SparkError.self) { try await Self.read(path, [StructField("text", .integer)]) }
        #expect(error?.errorClass == "FAILED_READ_FILE.PARQUET_COLUMN_DATA_TYPE_MISMATCH")
        #expect(error?.message.contains("text") == true)
    }

    @Test func runsComeBackAsTheyWent() throws {
        var generator = SplitMix(seed: 7)
        for width in 1...8 {
            for _ in 0..<40 {
                var values: [UInt8] = []
                for _ in 0..<Int.random(in: 0..<12, using: &generator) {
                    let value = UInt8(truncatingIfNeeded: generator.next()) & UInt8((1 << width) - 1)
                    values += [UInt8](repeating: value, count: Int.random(in: 1..<30, using: &generator))
                }
                var bytes: [UInt8] = []
                values.withUnsafeBufferPointer { ParquetRuns.encode($0, width: width, into: &bytes) }
                let source = Buffer(bytes), target = Buffer<UInt8>(count: values.count)
                try ParquetRuns.decode(
                    UnsafeRawBufferPointer(start: source.pointer, count: bytes.count), width: width, count: values.count,
                    into: target.pointer)
                #expect(Array(UnsafeBufferPointer(start: target.pointer, count: values.count)) == values)
            }
        }
    }

    @Test func deltasAreRead() throws {
        // 7, 5, 3, 1, 2, 3, 4, 5: the second example of Encodings.md, in blocks of 128 values and four parts.
        let bytes: [UInt8] = [0x80, 0x01, 4, 8, 14, 3, 2, 0, 0, 0, 0b1100_0000, 0b0011_1111, 0, 0, 0, 0, 0, 0]
        let source = Buffer(bytes)
        var deltas = ParquetDeltas(UnsafeRawBufferPointer(start: source.pointer, count: bytes.count))
        let numbers = try deltas.numbers(8)
        #expect((0..<8).map { numbers[$0] } == [7, 5, 3, 1, 2, 3, 4, 5])
    }

    @Test func aHostileFileIsAnErrorAndNoMore() async throws {
        let folder = TemporaryFolder()
        let rows = (0..<60).map(Self.row)
        for codec in [ParquetCodec.uncompressed, .snappy] {
            let path = try Self.write([Self.batch(rows)], Self.schema, codec, in: folder)
            let whole = try Data(contentsOf: URL(fileURLWithPath: path))
            var generator = SplitMix(seed: 42)
            var refused = 0
            let damaged = folder.path + "/damaged.parquet"
            for round in 0..<600 {
                var bytes = whole
                if round % 3 == 0 {
                    bytes = bytes.prefix(Int.random(in: 0..<bytes.count, using: &generator))
                } else {
                    // Flips spread over the file, and others in the footer, which every read believes first.
                    let start = round % 3 == 1 ? 0 : bytes.count * 3 / 4
                    for _ in 0..<Int.random(in: 1..<6, using: &generator) {
                        bytes[Int.random(in: start..<bytes.count, using: &generator)] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                    }
                }
                try Data(bytes).write(to: URL(fileURLWithPath: damaged))
                do { _ = try await Self.read(damaged) } catch is SparkError { refused += 1 }
            }
            #expect(refused > 220)
        }
    }
}

/// A generator that a seed repeats.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}
