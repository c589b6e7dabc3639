import Testing

@testable import Cassandra
@testable import Console

@Suite("Rows by CQL")
struct RowSelectionTests {
    private func selection(_ columns: [(name: String, type: CQLType, kind: String)]) throws -> RowSelection {
        let rows = columns.enumerated().map { index, column -> [CQLValue] in
            [
                .text(column.name), .text("\(column.type)"), .text(column.kind), .int(column.kind == "regular" ? -1 : Int32(index)),
                .text("none"),
            ]
        }
        let names = ["column_name", "type", "kind", "position", "clustering_order"]
        let specifications = names.map { ColumnSpecification(keyspace: "system_schema", table: "columns", name: $0, type: .text) }
        let answer = CQLRows(columns: specifications, rows: rows)
        return RowSelection(
            metadata: try #require(try TableMetadata(keyspace: "ks", name: "My\"Table", columns: answer)), rowsMax: 3, valueBytesMax: 4)
    }

    @Test("names are quoted, and writetime is asked of plain columns that are not of the key")
    func statement() throws {
        let selection = try selection([
            ("id", .uuid, "partition_key"), ("at", .int, "clustering"), ("name", .text, "regular"), ("tags", .set(.text), "regular"),
        ])
        #expect(
            selection.byKey
                == #"SELECT "id", "at", "name", "tags", writetime("name") FROM "ks"."My""Table" WHERE "id" = ? AND "at" = ?"#)
        #expect(selection.some(5).hasSuffix(#"FROM "ks"."My""Table" LIMIT 5"#))
    }

    @Test("a record that is a JSON object with the key's columns names a row; others do not")
    func keys() throws {
        let selection = try selection([("id", .uuid, "partition_key"), ("at", .int, "clustering"), ("name", .text, "regular")])
        func key(_ value: String?, size: Int? = nil) -> [CQLValue]? {
            selection.key(
                in: RecordSnapshot(partition: 0, offset: 0, timestamp: 0, value: value, valueSize: size ?? value?.utf8.count ?? 0))
        }
        let id = "123e4567-e89b-12d3-a456-426614174000"
        #expect(key(#"{"id":"\#(id)","at":3}"#) == [.uuid(try #require(CQLUUID(id))), .bigint(3)])
        for value in ["not json", #"{"id":"\#(id)"}"#, #"{"id":"not a uuid","at":3}"#, "[]", nil] {
            #expect(key(value) == nil, "\(value ?? "null")")
        }
        #expect(key(#"{"id":"\#(id)","at":3}"#, size: 9_999) == nil, "a value that was cut")
    }

    @Test("a row shows its values in the columns' order, long ones cut, with the latest time of writing")
    func row() throws {
        let selection = try selection([("id", .text, "partition_key"), ("a", .text, "regular"), ("b", .int, "regular")])
        let row = selection.row([.text("k"), .text("abcdefgh"), .null, .bigint(1_000_000), .bigint(2_000_000)])
        #expect(row == RowSnapshot(key: "k", writtenAt: 2_000, values: ["k", "abcd…", nil]))
    }
}
