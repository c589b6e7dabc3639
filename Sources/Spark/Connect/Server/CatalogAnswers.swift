/// Answers a client's questions about the session's catalog: one catalog, the database `default`, the session's temporary views, the memory
/// sinks' tables, and the functions.
struct CatalogAnswers {
    let service: ConnectService
    let session: ConnectSession

    private static let catalog = "spark_catalog"
    private static let globalDatabase = "global_temp"

    struct Answer {
        var schema: StructType
        var rows: [[Literal]]

        var batch: ResultBatch {
            ResultBatch(
                columns: schema.fields.indices.map { index in MemorySource.column(rows.map { $0[index] }, schema.fields[index].dataType) },
                count: rows.count)
        }
    }

    // MARK: Shapes, as Spark's own classes give them

    private static func texts(_ names: String...) -> StructType { StructType(names.map { StructField($0, .string) }) }
    private static let namespace = DataType.array(.string, containsNull: true)
    private static let databases = texts("name", "catalog", "description", "locationUri")
    private static let tables = StructType([
        StructField("name", .string), StructField("catalog", .string), StructField("namespace", namespace),
        StructField("description", .string), StructField("tableType", .string), StructField("isTemporary", .boolean, nullable: false),
    ])
    private static let functions = StructType([
        StructField("name", .string), StructField("catalog", .string), StructField("namespace", namespace),
        StructField("description", .string), StructField("className", .string), StructField("isTemporary", .boolean, nullable: false),
    ])
    private static let columns = StructType([
        StructField("name", .string), StructField("description", .string), StructField("dataType", .string),
        StructField("nullable", .boolean, nullable: false), StructField("isPartition", .boolean, nullable: false),
        StructField("isBucket", .boolean, nullable: false), StructField("isCluster", .boolean, nullable: false),
    ])
    private static let text = StructType([StructField("value", .string)])
    private static let flag = StructType([StructField("value", .boolean, nullable: false)])

    /// Without running the operation.
    func schema(of operation: CatalogOperation) async throws -> StructType {
        switch operation {
        case .listDatabases, .database: Self.databases
        case .listTables, .listViews, .table: Self.tables
        case .listFunctions, .function: Self.functions
        case .listColumns: Self.columns
        case .listCatalogs: Self.texts("name", "description")
        case .databaseExists, .tableExists, .functionExists, .dropTempView, .dropGlobalTempView, .isCached: Self.flag
        case .notServed(let what): throw ConnectError.notServed(what)
        default: Self.text
        }
    }

    func answer(_ operation: CatalogOperation) async throws -> Answer {
        let nothing = Answer(schema: Self.text, rows: [])
        func flag(_ value: Bool) -> Answer { Answer(schema: Self.flag, rows: [[.boolean(value)]]) }
        func text(_ value: String) -> Answer { Answer(schema: Self.text, rows: [[.string(value)]]) }
        switch operation {
        case .currentDatabase: return text(session.database)
        case .setCurrentDatabase(let name):
            try requireDatabase(name)
            session.database = name.lowercased()
            return nothing
        case .listDatabases(let pattern):
            return Answer(schema: Self.databases, rows: [Self.databaseRow("default")].filter { Self.matches($0[0], pattern) })
        case .database(let name):
            try requireDatabase(name)
            return Answer(schema: Self.databases, rows: [Self.databaseRow(name.split(separator: ".").last?.lowercased() ?? name)])
        case .databaseExists(let name): return flag(isDatabase(name))
        case .currentCatalog: return text(Self.catalog)
        case .setCurrentCatalog(let name):
            guard name.equalsIgnoringCase(Self.catalog) else {
                throw SparkError("CATALOG_NOT_FOUND", sqlState: "42P08", "The catalog `\(name)` not found. There is only \(Self.catalog).")
            }
            return nothing
        case .listCatalogs(let pattern):
            return Answer(
                schema: Self.texts("name", "description"),
                rows: [[.string(Self.catalog), .null]].filter { Self.matches($0[0], pattern) })
        case .listTables(let database, let pattern):
            try requireDatabase(database ?? session.database)
            let isGlobal = database?.lowercased() == Self.globalDatabase
            return Answer(
                schema: Self.tables,
                rows: session.plans.viewNames.filter {
                    $0.hasPrefix("\(Self.globalDatabase).") == isGlobal || !$0.hasPrefix("\(Self.globalDatabase).")
                }
                .map(Self.viewRow).filter { Self.matches($0[0], pattern) })
        case .listViews(let database, let pattern): return try await answer(.listTables(database: database, pattern: pattern))
        case .table(let name, let database):
            let plan = try await table(name, database)
            return Answer(schema: Self.tables, rows: [plan.isView ? Self.viewRow(plan.name) : Self.memoryRow(plan.name)])
        case .tableExists(let name, let database): return flag((try? await table(name, database)) != nil)
        case .listColumns(let name, let database):
            let plan = try await table(name, database)
            let schema = try await service.requiredEngine().schema(of: plan.plan, in: session.plans)
            return Answer(
                schema: Self.columns,
                rows: schema.fields.map { field in
                    [
                        .string(field.name), field.metadata["comment"].map { .string($0) } ?? .null, .string(field.dataType.simpleString),
                        .boolean(field.nullable), .boolean(false), .boolean(false), .boolean(false),
                    ]
                })
        case .dropTempView(let name): return flag(session.plans.dropView(name))
        case .dropGlobalTempView(let name): return flag(session.plans.dropView("\(Self.globalDatabase).\(name)"))
        case .dropView(let name, let ifExists):
            guard session.plans.dropView(name) || ifExists else { throw Self.notFound(name) }
            return nothing
        case .listFunctions(let database, let pattern):
            try requireDatabase(database ?? session.database)
            return Answer(schema: Self.functions, rows: functionRows().filter { Self.matches($0[0], pattern) })
        case .function(let name, _):
            guard let row = functionRows().first(where: { $0[0] == .string(name.lowercased()) || $0[0] == .string(name) }) else {
                throw SparkError(
                    "UNRESOLVED_ROUTINE", sqlState: "42883",
                    "Cannot resolve routine `\(name)` on search path [`system`.`builtin`, `system`.`session`, `\(Self.catalog)`.`default`]."
                )
            }
            return Answer(schema: Self.functions, rows: [row])
        case .functionExists(let name, _):
            let last = Expression.nameParts(name).last ?? name
            return flag(functionRows().contains { $0[0] == .string(last.lowercased()) || $0[0] == .string(last) })
        case .isCached(let name):
            let plan = try await table(name, nil)
            return flag(session.storageLevel(plan.plan) != nil)
        case .cacheTable(let name):
            session.persist(try await table(name, nil).plan, .memoryAndDisk)
            return nothing
        case .uncacheTable(let name):
            session.unpersist(try await table(name, nil).plan)
            return nothing
        case .clearCache:
            session.unpersistAll()
            return nothing
        case .refresh: return nothing
        case .notServed(let what): throw ConnectError.notServed(what)
        }
    }

    // MARK: Databases

    private func isDatabase(_ name: String) -> Bool {
        let parts = Expression.nameParts(name)
        guard let last = parts.last, parts.count == 1 || (parts.count == 2 && parts[0] == Self.catalog) else { return false }
        return last.equalsIgnoringCase("default") || last.equalsIgnoringCase(Self.globalDatabase)
    }

    private func requireDatabase(_ name: String) throws {
        guard isDatabase(name) else {
            throw SparkError(
                "SCHEMA_NOT_FOUND", sqlState: "42704",
                "The schema `\(Self.catalog)`.`\(name)` cannot be found. Verify the spelling and correctness of the schema and catalog.")
        }
    }

    private static func databaseRow(_ name: String) -> [Literal] {
        [.string(name), .string(catalog), .string("default database"), .string("")]
    }

    // MARK: Tables

    private struct Table {
        var name: String
        var plan: LogicalPlan
        var isView: Bool
    }

    private func table(_ name: String, _ database: String?) async throws -> Table {
        var parts = Expression.nameParts(name)
        if parts.count == 3, parts[0] == Self.catalog { parts.removeFirst() }
        if let database { parts = [database] + parts.suffix(1) }
        let whole = parts.joined(separator: ".")
        if let view = session.plans.view(whole) { return Table(name: whole, plan: view, isView: true) }
        if parts.count == 1 || parts[0].equalsIgnoringCase("default") {
            let last = parts[parts.count - 1]
            if let view = session.plans.view(last), parts.count == 1 { return Table(name: last, plan: view, isView: true) }
            let plan = LogicalPlan.table(UnresolvedTable([last]))
            if try service.requiredEngine().memoryTable(last) != nil { return Table(name: last, plan: plan, isView: false) }
        }
        throw Self.notFound(whole)
    }

    private static func notFound(_ name: String) -> SparkError {
        SparkError(
            "TABLE_OR_VIEW_NOT_FOUND", sqlState: "42P01",
            "The table or view `\(name)` cannot be found. Verify the spelling and correctness of the schema and catalog.\n"
                + "If you did not qualify the name with a schema, verify the current_schema() output, or qualify the name with the correct schema "
                + "and catalog.\nTo tolerate the error on drop use DROP VIEW IF EXISTS or DROP TABLE IF EXISTS.")
    }

    private static func viewRow(_ name: String) -> [Literal] {
        let isGlobal = name.hasPrefix("\(globalDatabase).")
        let last = isGlobal ? String(name.dropFirst(globalDatabase.count + 1)) : name
        return [
            .string(last), .null, isGlobal ? .array([.string(globalDatabase)], element: .string) : .array([], element: .string), .null,
            .string("TEMPORARY"), .boolean(true),
        ]
    }

    private static func memoryRow(_ name: String) -> [Literal] {
        [.string(name), .null, .array([], element: .string), .null, .string("TEMPORARY"), .boolean(true)]
    }

    // MARK: Functions

    private func functionRows() -> [[Literal]] {
        session.plans.functionNames.map { [.string($0), .null, .null, .null, .string("PythonFunction"), .boolean(true)] }
            + Set(FunctionCatalog.names).union(AggregateCatalog.names).union(WindowFunctions.names).union(Generators.names).sorted().map {
                [.string($0), .null, .null, .null, .string("leat.\($0)"), .boolean(true)]
            }
    }

    /// SHOW's patterns: `*` for any text, `|` between alternatives, without regard to case. (Spark, `StringUtils.filterPattern`.)
    static func matches(_ name: Literal, _ pattern: String?) -> Bool {
        guard case .string(let name) = name, let pattern else { return true }
        return pattern.split(separator: "|").contains { alternative in
            let pieces = alternative.trimmingPrefix(while: \.isWhitespace).lowercased().split(
                separator: "*", omittingEmptySubsequences: false)
            guard pieces.count > 1 else { return name.lowercased() == pieces.first.map(String.init) }
            var rest = name.lowercased()[...]
            for (index, piece) in pieces.enumerated() where !piece.isEmpty {
                if index == 0 {
                    guard rest.hasPrefix(piece) else { return false }
                    rest = rest.dropFirst(piece.count)
                } else if index == pieces.count - 1 {
                    return rest.hasSuffix(piece)
                } else {
                    guard let found = rest.firstRange(of: piece) else { return false }
                    rest = rest[found.upperBound...]
                }
            }
            return pieces.last?.isEmpty == true || rest.isEmpty
        }
    }
}
