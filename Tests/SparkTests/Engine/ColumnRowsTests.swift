import Testing

@testable import Spark

/// Rows gathered, put end to end, and encoded as keys, for every type.
@Suite struct ColumnRowsTests {
    private static let point = StructType([StructField("x", .integer), StructField("y", .string)])

    /// Values of each type in their order.
    static let ordered: [(DataType, [Literal])] = [
        (.boolean, [.boolean(false), .boolean(true)]), (.byte, [.byte(-128), .byte(-1), .byte(0), .byte(127)]),
        (.short, [.short(-300), .short(0), .short(300)]), (.integer, [.integer(.min), .integer(-1), .integer(0), .integer(.max)]),
        (.long, [.long(.min), .long(-5), .long(7), .long(.max)]),
        (.float, [.float(-.infinity), .float(-1.5), .float(0), .float(2), .float(.nan)]),
        (.double, [.double(-.infinity), .double(-1e-300), .double(0), .double(1e300), .double(.infinity), .double(.nan)]),
        (
            .decimal(precision: 38, scale: 2),
            [-(Int128(1) << 100), -1, 0, 1, Int128(1) << 100].map { .decimal(unscaled: $0, precision: 38, scale: 2) }
        ),
        (.string, [.string(""), .string("\0"), .string("a"), .string("a\0b"), .string("aa"), .string("ä")]),
        (.binary, [.binary([]), .binary([0]), .binary([0, 1]), .binary([1]), .binary([255])]),
        (.date, [.date(-719_162), .date(0), .date(19_000)]), (.timestamp, [.timestamp(-1), .timestamp(0), .timestamp(1)]),
        (.yearMonthInterval(.yearToMonth), [.yearMonthInterval(-13), .yearMonthInterval(2)]),
        (.dayTimeInterval(.dayToSecond), [.dayTimeInterval(-1), .dayTimeInterval(5)]),
        (
            .array(.integer, containsNull: true),
            [[], [.null], [.integer(1)], [.integer(1), .null], [.integer(1), .integer(0)], [.integer(2)]].map {
                .array($0, element: .integer)
            }
        ),
        (
            .structure(point),
            [[.null, .string("z")], [.integer(1), .null], [.integer(1), .string("a")], [.integer(2), .string("")]].map {
                .structure($0, point)
            }
        ),
    ]

    private func column(_ literals: [Literal], _ type: DataType) -> Column { MemorySource.column(literals, type) }

    /// NaN equals itself in what the tests compare.
    private func texts(_ column: Column) -> [String?] { (0..<column.count).map { column.text($0) } }

    @Test(arguments: ordered.indices) func keysAreOrderedAsTheirValues(index: Int) {
        let (type, literals) = Self.ordered[index]
        let column = column([.null] + literals, type)
        for (isAscending, nullsFirst) in [(true, true), (false, false), (true, false), (false, true)] {
            let encoding = RowKeyEncoding([.init(column: column, isAscending: isAscending, nullsFirst: nullsFirst)])
            let keys = (0..<column.count).map { row -> [UInt8] in
                var key: [UInt8] = []
                encoding.append(row, to: &key)
                return key
            }
            for a in 1..<column.count {
                for b in 1..<column.count where a < b {
                    #expect(keys[a].lexicographicallyPrecedes(keys[b]) == isAscending, "\(literals[a - 1]) and \(literals[b - 1])")
                    #expect(column.order(a, column, b) < 0)
                }
                #expect(keys[0].lexicographicallyPrecedes(keys[a]) == nullsFirst)
            }
            #expect(encoding.hasNull(0) && !encoding.hasNull(1))
        }
    }

    @Test(arguments: ordered.indices) func rowsAreGatheredAndJoined(index: Int) {
        let (type, literals) = Self.ordered[index]
        let all = column(literals + [.null], type)
        let reversed = all.gathered((0..<Int32(all.count)).reversed().map { $0 })
        #expect(texts(reversed) == texts(all).reversed())
        #expect(texts(all.gathered([-1, 0])) == [nil, all.text(0)])
        let owned = all.gathered(.rows([0, Int32(all.count - 1)]))
        #expect(texts(owned) == [all.text(0), nil])
        let constant = Column.constant(literals[literals.count - 1], type: type, count: 2)
        let joined = Column.concatenated([all, constant, Column.nulls(type, count: 1), reversed], type)
        #expect(texts(joined) == texts(all) + texts(constant) + [nil] + texts(reversed))
    }

    @Test func mapsAreGathered() {
        let type = DataType.map(key: .string, value: .integer, valueContainsNull: true)
        func map(_ pairs: [(String, Int32?)]) -> Literal {
            .map(keys: pairs.map { .string($0.0) }, values: pairs.map { $0.1.map { .integer($0) } ?? .null }, key: .string, value: .integer)
        }
        let column = column([map([("a", 1), ("b", nil)]), .null, map([])], type)
        #expect(texts(column.gathered([2, 0, 1, 0])) == ["{}", "{a -> 1, b -> NULL}", nil, "{a -> 1, b -> NULL}"])
        #expect(column.literal(0) == map([("a", 1), ("b", nil)]))
    }

    @Test func zeroesAreOneKey() {
        let encoding = RowKeyEncoding([column([.double(0), .double(-0.0)], .double)])
        let (bytes, offsets) = encoding.keys(.all(2))
        #expect(Array(bytes[offsets[0]..<offsets[1]]) == Array(bytes[offsets[1]..<offsets[2]]))
    }

    @Test func zonesTurnClocksIntoInstants() throws {
        let berlin = try ZoneRules.named("Europe/Berlin")
        func micros(_ text: String) throws -> Int64 { try #require(DateTimeText.timestamp(text)) }
        #expect(berlin.local(try micros("2024-07-01 10:00:00")) == (try micros("2024-07-01 12:00:00")))
        // A time that the clock jumps over moves on by an hour; one that it shows twice is the first.
        #expect(berlin.instant(try micros("2024-03-31 02:30:00")) == (try micros("2024-03-31 01:30:00")))
        #expect(berlin.instant(try micros("2024-10-27 02:30:00")) == (try micros("2024-10-27 00:30:00")))
        // Beyond the file's own transitions its rule goes on.
        #expect(berlin.local(try micros("2150-07-01 10:00:00")) == (try micros("2150-07-01 12:00:00")))
        #expect(try ZoneRules.named("+05:30").offset(at: 0) == 19_800)
        #expect(throws: SparkError.self) { try ZoneRules.named("Mars/Phobos") }
        #expect(throws: SparkError.self) { try ZoneRules.named("../../etc/passwd") }
    }
}
