import NIOCore
import Testing

@testable import Cassandra

@Suite struct OrderedEncodingTests {
    private func encoded(_ value: CQLValue, _ type: CQLType, isDescending: Bool = false) throws -> [UInt8] {
        let arena = ByteArena()
        try OrderedEncoding(type).encode(Array(try value.bytes(as: type).readableBytesView), to: arena)
        if isDescending { arena.complement(from: 0) }
        return arena.array
    }

    /// Values in the order that Cassandra gives them.
    static let ordered: [(CQLType, [CQLValue])] = [
        (.int, [.int(.min), .int(-1), .int(0), .int(1), .int(.max)]),
        (.tinyint, [.tinyint(-128), .tinyint(-1), .tinyint(0), .tinyint(127)]),
        (.smallint, [.smallint(-300), .smallint(0), .smallint(300)]),
        (.bigint, [.bigint(.min), .bigint(-5), .bigint(0), .bigint(1 << 40), .bigint(.max)]),
        (.timestamp, [.timestamp(-1), .timestamp(0), .timestamp(1_700_000_000_000)]),
        (.date, [.date(-400), .date(0), .date(20_000)]),
        (.double, [.double(-.infinity), .double(-2.5), .double(-0.0), .double(0.0), .double(1e-300), .double(3), .double(.infinity)]),
        (.float, [.float(-8), .float(-1.5), .float(0), .float(1.5)]),
        (.boolean, [.boolean(false), .boolean(true)]),
        (
            .text,
            [.text(""), .text("\u{0}"), .text("\u{0}a"), .text("a"), .text("a\u{0}"), .text("a\u{1}"), .text("ab"), .text("b"), .text("é")]
        ),
        (.blob, [.blob([]), .blob([0]), .blob([0, 0]), .blob([0, 255]), .blob([1]), .blob([255, 255])]),
        (
            .varint,
            ["-70000000000000000000", "-129", "-128", "-1", "0", "1", "127", "128", "70000000000000000000"].map { .varint(CQLVarint($0)!) }
        ),
        (
            .decimal,
            ["-100.5", "-100", "-1E-5", "0", "0.00001", "0.1", "0.11", "1", "1.5", "10", "99.9", "100", "1E+20"].map {
                .decimal(CQLDecimal($0)!)
            }
        ),
        (
            .timeuuid,
            [
                .timeuuid(CQLUUID("00000000-0000-1000-8000-000000000000")!), .timeuuid(CQLUUID("ffffffff-0000-1000-8000-000000000000")!),
                .timeuuid(CQLUUID("00000000-0001-1000-8000-000000000000")!), .timeuuid(CQLUUID("00000000-0000-1001-8000-000000000000")!),
            ]
        ),
        (.list(.int), [.list([]), .list([.int(-1)]), .list([.int(1)]), .list([.int(1), .int(0)]), .list([.int(2)])]),
        (.tuple([.int, .text]), [.tuple([.null, .text("z")]), .tuple([.int(1), .text("a")]), .tuple([.int(1), .text("b")])]),
    ]

    @Test(arguments: ordered)
    func keepsTheOrderBothWays(_ type: CQLType, _ values: [CQLValue]) throws {
        for left in values.indices {
            for right in values.indices where left < right {
                let a = try encoded(values[left], type), b = try encoded(values[right], type)
                #expect(a.lexicographicallyPrecedes(b), "\(values[left]) < \(values[right])")
                #expect(!b.starts(with: a), "\(values[left]) is no prefix")
                let c = try encoded(values[left], type, isDescending: true), d = try encoded(values[right], type, isDescending: true)
                #expect(d.lexicographicallyPrecedes(c), "\(values[left]) > \(values[right]) descending")
            }
        }
    }

    @Test(arguments: ordered)
    func givesValuesBack(_ type: CQLType, _ values: [CQLValue]) throws {
        for value in values {
            for isDescending in [false, true] {
                let input = ByteArena(), output = ByteArena()
                defer { withExtendedLifetime(input) {} }
                input.append(try encoded(value, type, isDescending: isDescending))
                // Something behind it, as in a key of several columns.
                input.append([7, 7])
                var position = 0
                #expect(try OrderedEncoding(type).decode(input.bytes, at: &position, isDescending: isDescending, to: output))
                #expect(position == input.count - 2)
                let decoded = try CQLValue(bytes: ByteBuffer(bytes: output.array), type: type)
                if type == .decimal {
                    // Equal numbers are one: the scale is not kept.
                    #expect(ScalarFunction.double(decoded) == ScalarFunction.double(value))
                } else {
                    #expect(decoded == value)
                }
            }
        }
    }

    @Test func keepsTheOrderOfRandomIntegersAndBytes() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            let a = Int64.random(in: .min ... .max, using: &random), b = Int64.random(in: .min ... .max, using: &random)
            #expect(try encoded(.bigint(a), .bigint).lexicographicallyPrecedes(try encoded(.bigint(b), .bigint)) == (a < b))
            let x = (0..<Int.random(in: 0...4)).map { _ in UInt8.random(in: 0...2) }
            let y = (0..<Int.random(in: 0...4)).map { _ in UInt8.random(in: 0...2) }
            #expect(try encoded(.blob(x), .blob).lexicographicallyPrecedes(try encoded(.blob(y), .blob)) == x.lexicographicallyPrecedes(y))
        }
    }

    @Test func refusesWhatIsNoValueOfTheType() throws {
        let arena = ByteArena()
        #expect(throws: CQLError.self) { try OrderedEncoding(.int).encode([1, 2, 3], to: arena) }
        #expect(throws: CQLError.self) { try OrderedEncoding(.duration) }
    }
}
