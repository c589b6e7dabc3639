import NIOCore
import Testing

@testable import Cassandra

@Suite struct ValueTests {
    static let values: [(CQLValue, CQLType)] = [
        (.ascii("plain"), .ascii), (.bigint(.min), .bigint), (.blob([0, 255]), .blob), (.boolean(true), .boolean), (.counter(7), .counter),
        (.date(-1), .date), (.date(.min), .date), (.decimal(CQLDecimal("-12.340")!), .decimal), (.double(-0.5), .double),
        (.duration(CQLDuration(months: 14, days: 3, nanoseconds: 1_234_567_890_123)), .duration),
        (.duration(CQLDuration(months: -1, days: -2, nanoseconds: .min)), .duration), (.float(1.5), .float),
        (.inet(InternetAddress("127.0.0.1")!), .inet), (.inet(InternetAddress("2001:db8::1")!), .inet), (.int(-5), .int),
        (.smallint(-300), .smallint), (.text("Zürich 東京"), .text), (.text(""), .text), (.time(86_399_999_999_999), .time),
        (.timestamp(-1), .timestamp), (.timeuuid(CQLUUID("d2177dd0-eaa2-11de-a572-001b779c76e3")!), .timeuuid), (.tinyint(-128), .tinyint),
        (.uuid(CQLUUID("c37d661d-7e61-49ea-96a5-68c34e83db3a")!), .uuid),
        (.varint(CQLVarint("-170141183460469231731687303715884105729")!), .varint),
        (.list([.int(1), .int(2)]), .list(.int)), (.set([.text("a")]), .frozen(.set(.text))),
        (.map([.init(.text("k"), .list([.bigint(1)]))]), .map(.text, .frozen(.list(.bigint)))),
        (.tuple([.int(1), .null, .text("x")]), .tuple([.int, .int, .text])),
    ]

    @Test(arguments: values) func survivesTheWire(value: CQLValue, type: CQLType) throws {
        #expect(try CQLValue(bytes: value.bytes(as: type), type: type) == value)
    }

    @Test(arguments: values) func refusesBytesThatAreCutShort(value: CQLValue, type: CQLType) throws {
        let whole = try value.bytes(as: type)
        // Every prefix is either refused or another value of the type; none may trap.
        for length in 0..<whole.readableBytes {
            let cut = whole.getSlice(at: 0, length: length)!
            if let other = try? CQLValue(bytes: cut, type: type) { #expect(other != value) }
        }
    }

    @Test func aCollectionThatPromisesMoreThanItHasIsRefusedWithoutAllocating() {
        var bytes = ByteBuffer()
        bytes.writeInteger(Int32.max)
        #expect(throws: CQLError.self) { try CQLValue(bytes: bytes, type: .list(.int)) }
        #expect(throws: CQLError.self) { try CQLValue(bytes: bytes, type: .map(.int, .int)) }
    }

    @Test func textThatIsNotUTF8IsRefused() {
        #expect(throws: CQLError.self) { try CQLValue(bytes: ByteBuffer(bytes: [0xC3]), type: .text) }
        #expect(throws: CQLError.self) { try CQLValue(bytes: ByteBuffer(bytes: [0x80]), type: .ascii) }
    }

    @Test func integersFitWhereTheirValueDoes() throws {
        #expect(try CQLValue.int(5).bytes(as: .bigint) == ByteBuffer(integer: Int64(5)))
        #expect(try CQLValue.bigint(5).bytes(as: .tinyint) == ByteBuffer(integer: Int8(5)))
        #expect(throws: CQLError.self) { try CQLValue.int(500).bytes(as: .tinyint) }
        #expect(throws: CQLError.self) { try CQLValue.text("5").bytes(as: .int) }
    }

    @Test(
        arguments: [
            ("0", [0]), ("127", [0x7F]), ("128", [0, 0x80]), ("-128", [0x80]), ("-129", [0xFF, 0x7F]), ("256", [1, 0]),
            ("18446744073709551616", [1, 0, 0, 0, 0, 0, 0, 0, 0]),
        ] as [(String, [UInt8])]) func varintsAreShortestTwosComplement(text: String, bytes: [UInt8])
    {
        #expect(CQLVarint(text)?.bytes == bytes)
        #expect(CQLVarint(bytes: bytes).description == text)
        #expect(CQLVarint(bytes: (bytes[0] >= 0x80 ? [0xFF, 0xFF] : [0, 0]) + bytes).bytes == bytes)
    }

    @Test func varintsOrderByValue() {
        let ordered = ["-18446744073709551617", "-300", "-129", "-128", "-1", "0", "1", "127", "128", "256", "18446744073709551616"].map {
            CQLVarint($0)!
        }
        #expect(ordered.shuffled().sorted() == ordered)
    }

    @Test(arguments: [
        ("1.50", "1.50"), ("-0.001", "-0.001"), ("12", "12"), ("1e3", "1E+3"), ("1.5E-10", "1.5E-10"), ("0.0000001", "1E-7"),
    ]) func decimalsKeepTheirScale(text: String, shown: String) {
        #expect(CQLDecimal(text)?.description == shown)
    }

    @Test(arguments: [
        ("1y2mo3d4h5m6s7ms8us9ns", CQLDuration(months: 14, days: 3, nanoseconds: 14_706_007_008_009)),
        ("-2w", CQLDuration(months: 0, days: -14, nanoseconds: 0)),
    ]) func durationsAreRead(text: String, value: CQLDuration) {
        #expect(CQLDuration(text) == value)
    }

    @Test func datesFollowTheCalendar() {
        for (days, text) in [
            (0, "1970-01-01"), (-1, "1969-12-31"), (11_016, "2000-02-29"), (19_782, "2024-02-29"), (-719_528, "0000-01-01"),
        ] {
            #expect(CivilDate(days: Int64(days)).description == text)
        }
        for days in stride(from: Int64(-800_000), to: 800_000, by: 37) { #expect(CivilDate(days: days).days == days) }
        #expect(CivilDate(year: 2023, month: 2, day: 29) == nil)
        #expect(CQLValue.timestampText(-1) == "1969-12-31 23:59:59.999000+0000")
    }

    @Test func uuidsKnowTheirTime() {
        let uuid = CQLUUID("d2177dd0-eaa2-11de-a572-001b779c76e3")!
        #expect(uuid.description == "d2177dd0-eaa2-11de-a572-001b779c76e3")
        #expect(uuid.version == 1)
        #expect(CQLUUID.timeBased(ticks: uuid.ticks, clockSequenceAndNode: uuid.low) == uuid)
        #expect(uuid.unixMilliseconds == 1_261_009_589_805)
        #expect(CQLUUID("d2177dd0eaa2-11de-a572-001b779c76e3-") == nil)
        #expect(CQLUUID.random().version == 4)
    }

    @Test(arguments: [
        ("127.0.0.1", "127.0.0.1"), ("::", "::"), ("::1", "::1"), ("2001:db8:0:0:1::2", "2001:db8::1:0:0:2"),
        ("fe80::ffff:10.0.0.1", "fe80::ffff:a00:1"),
        ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
    ]) func addressesAreReadAndShown(text: String, shown: String) {
        #expect(InternetAddress(text)?.description == shown)
    }

    @Test(arguments: ["", "1.2.3", "1.2.3.256", "1.2.3.4.5", "1:2:3:4:5:6:7", "1::2::3", ":::", "12345::", "g::", "1.2.3.4:", "+1.2.3.4"])
    func whatIsNoAddressIsRefused(text: String) {
        #expect(InternetAddress(text) == nil)
    }
}
