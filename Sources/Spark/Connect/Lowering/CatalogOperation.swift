internal import NIOCore

/// `Catalog` (`catalog.proto`): a relation whose rows tell of tables, views, databases and functions, or that changes them.
enum CatalogOperation: Hashable {
    case currentDatabase
    case setCurrentDatabase(String)
    case listDatabases(pattern: String?)
    case listTables(database: String?, pattern: String?)
    case listViews(database: String?, pattern: String?)
    case listFunctions(database: String?, pattern: String?)
    case listColumns(table: String, database: String?)
    case database(String)
    case table(String, database: String?)
    case function(String, database: String?)
    case databaseExists(String)
    case tableExists(String, database: String?)
    case functionExists(String, database: String?)
    case dropTempView(String)
    case dropGlobalTempView(String)
    case isCached(String)
    case cacheTable(String)
    case uncacheTable(String)
    case clearCache
    /// What a cache of files would want to know: there is none.
    case refresh
    case currentCatalog
    case setCurrentCatalog(String)
    case listCatalogs(pattern: String?)
    case dropView(String, ifExists: Bool)
    case notServed(String)

    /// nil where the relation is another one.
    init?(relation: ByteBuffer) throws {
        var message = ProtobufReader(relation)
        var body: ProtobufReader?
        while let number = try message.next() {
            if number == 200 { body = try message.message() }
        }
        guard var body else { return nil }
        self = .notServed("an empty Catalog")
        while let number = try body.next() {
            self = try Self.operation(number, Fields(body.message()))
        }
    }

    /// The texts and flags of an operation by their numbers; nested messages and maps are skipped.
    private struct Fields {
        var texts: [Int: String] = [:]
        var flags: [Int: Bool] = [:]

        init(_ message: ProtobufReader) throws {
            var message = message
            while let number = try message.next() {
                switch message.kind {
                case .text: texts[number] = (try? message.string()) ?? ""
                case .number: flags[number] = try message.bool()
                case .other: break
                }
            }
        }

        func text(_ number: Int) -> String { texts[number] ?? "" }
    }

    private static let unserved: [Int: String] = [
        13: "create_external_table", 14: "create_table", 27: "drop_table", 29: "create_database", 30: "drop_database",
        31: "list_partitions", 33: "get_table_properties", 34: "get_create_table_string", 35: "truncate_table", 36: "analyze_table",
    ]

    private static func operation(_ number: Int, _ fields: Fields) -> CatalogOperation {
        switch number {
        case 1: .currentDatabase
        case 2: .setCurrentDatabase(fields.text(1))
        case 3: .listDatabases(pattern: fields.texts[1])
        case 4: .listTables(database: fields.texts[1], pattern: fields.texts[2])
        case 5: .listFunctions(database: fields.texts[1], pattern: fields.texts[2])
        case 6: .listColumns(table: fields.text(1), database: fields.texts[2])
        case 7: .database(fields.text(1))
        case 8: .table(fields.text(1), database: fields.texts[2])
        case 9: .function(fields.text(1), database: fields.texts[2])
        case 10: .databaseExists(fields.text(1))
        case 11: .tableExists(fields.text(1), database: fields.texts[2])
        case 12: .functionExists(fields.text(1), database: fields.texts[2])
        case 15: .dropTempView(fields.text(1))
        case 16: .dropGlobalTempView(fields.text(1))
        case 18: .isCached(fields.text(1))
        case 19: .cacheTable(fields.text(1))
        case 20: .uncacheTable(fields.text(1))
        case 21: .clearCache
        case 17, 22, 23: .refresh
        case 24: .currentCatalog
        case 25: .setCurrentCatalog(fields.text(1))
        case 26: .listCatalogs(pattern: fields.texts[1])
        case 28: .dropView(fields.text(1), ifExists: fields.flags[2] ?? false)
        case 32: .listViews(database: fields.texts[1], pattern: fields.texts[2])
        default: .notServed("Catalog." + (unserved[number] ?? "\(number)"))
        }
    }
}
