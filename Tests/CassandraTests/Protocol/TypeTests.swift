import NIOCore
import Testing

@testable import Cassandra

@Suite struct TypeTests {
    static let types: [CQLType] = [
        .ascii, .bigint, .blob, .boolean, .counter, .date, .decimal, .double, .duration, .float, .inet, .int, .smallint, .text, .time,
        .timestamp, .timeuuid, .tinyint, .uuid, .varint, .list(.int), .set(.text), .map(.text, .list(.bigint)), .tuple([.int, .text]),
        .custom("org.example.Type"),
        .userDefined(.init(keyspace: "ks", name: "address", fields: [.init(name: "street", type: .text), .init(name: "no", type: .int)])),
    ]

    @Test(arguments: types, ProtocolVersion.allCases) func survivesTheWire(type: CQLType, version: ProtocolVersion) throws {
        var buffer = ByteBuffer()
        type.write(to: &buffer, version: version)
        #expect(try CQLType.read(from: &buffer) == type)
        #expect(buffer.readableBytes == 0)
    }

    @Test(arguments: types.filter { if case .userDefined = $0 { false } else { true } }) func survivesItsText(type: CQLType) throws {
        #expect(try CQLType(parsing: type.description) == type)
        #expect(try CQLType(parsing: "frozen<\(type)>") == .frozen(type))
    }

    @Test func readsNamesInAnyCaseAndSpacing() throws {
        #expect(try CQLType(parsing: " Map < VARCHAR ,frozen<set<Int>> > ") == .map(.text, .frozen(.set(.int))))
    }

    @Test(arguments: ["", "list<", "list<int", "map<int>", "set<int, int>", "list<int>>", "<int>", "list<,>"])
    func refusesTextThatIsNoType(text: String) {
        #expect(throws: CQLError.self) { try CQLType(parsing: text) }
    }

    @Test func refusesTypesThatNestWithoutEnd() {
        var buffer = ByteBuffer()
        for _ in 0..<10_000 { buffer.writeInteger(UInt16(0x0020)) }
        #expect(throws: CQLError.self) { try CQLType.read(from: &buffer) }
        let text = String(repeating: "list<", count: 5_000) + "int" + String(repeating: ">", count: 5_000)
        #expect(throws: CQLError.self) { try CQLType(parsing: text) }
    }
}
