/// SQL texts in a session: queries, and the commands on its views and settings.
extension Engine {
    /// Parses a text; a command is done at once, a query waits until it is run.
    package func sqlOutcome(_ text: String, parameters: SQLParameters, in session: SessionState) async throws -> LogicalPlan? {
        if case .query(let plan) = try await sql(text, parameters: parameters, in: session) { return plan }
        return nil
    }

    func sql(_ text: String, parameters: SQLParameters = SQLParameters(), in session: SessionState) async throws -> SQLOutcome {
        var parameters = parameters
        parameters.functions = { session.function($0) }
        var parser = try SQLParser(text, parameters: parameters)
        return try await outcome(try parser.parseStatement(), in: session)
    }

    private func outcome(_ statement: SQLStatement, in session: SessionState) async throws -> SQLOutcome {
        switch statement {
        case .query(let plan):
            // A query's mistakes are the statement's, as in Spark, where `spark.sql` analyses at once.
            _ = try await schema(of: plan, in: session)
            return .query(plan)
        case .explain(let mode, let inner): return Self.rows(["plan"], [[try await explain(inner, mode, session)]])
        case .createView(let name, let columns, let replace, let ifNotExists, let plan):
            let view = columns.isEmpty ? plan : LogicalPlan.toDF(columns, plan)
            _ = try await schema(of: view, in: session)
            let last = name[name.count - 1]
            if !session.setView(last, view, replace: replace), !ifNotExists {
                throw SparkError(
                    "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS", sqlState: "42P07",
                    "Cannot create the temporary view `\(last)` because it already exists.\nChoose a different name, drop or replace the existing view,  or add the IF NOT EXISTS clause to tolerate pre-existing views."
                )
            }
            return .rows(StructType(), [])
        case .dropView(let name, let ifExists):
            if !session.dropView(name[name.count - 1]), !ifExists { throw Self.missing(name) }
            return .rows(StructType(), [])
        case .set(let key, let value): return set(key, value, session)
        case .reset(let key):
            for known in key.map({ [$0] }) ?? Array(session.settings.keys) { session.set(known, nil) }
            return .rows(StructType(), [])
        case .showTables(let pattern):
            return Self.tables(
                ["namespace", "tableName"],
                (session.viewNames.map { ("", $0) } + memoryTableNames.map { ("", $0) }).filter { Self.matches($0.1, pattern) }.sorted {
                    $0.1 < $1.1
                })
        case .showViews(let pattern):
            return Self.tables(["namespace", "viewName"], session.viewNames.filter { Self.matches($0, pattern) }.map { ("", $0) })
        case .showDatabases(let pattern): return Self.rows(["namespace"], Self.matches("default", pattern) ? [["default"]] : [])
        case .showCatalogs: return Self.rows(["catalog"], [["spark_catalog"]])
        case .showFunctions(let pattern):
            let names = Set(FunctionCatalog.names).union(AggregateCatalog.names).union(WindowFunctions.names).union(Generators.names)
            return Self.rows(["function"], names.sorted().filter { Self.matches($0, pattern) }.map { [$0] })
        case .showColumns(let name):
            return Self.rows(["col_name"], try await schema(of: .table(UnresolvedTable(name)), in: session).names.map { [$0] })
        case .describe(let name): return Self.columns(try await schema(of: .table(UnresolvedTable(name)), in: session))
        case .describeQuery(let plan): return Self.columns(try await schema(of: plan, in: session))
        case .describeFunction(let name):
            let isKnown =
                FunctionCatalog.names.contains(name.lowercased()) || AggregateCatalog.contains(name)
                || WindowFunctions.names.contains(name.lowercased())
            guard isKnown else {
                throw SparkError(
                    "UNRESOLVED_ROUTINE", sqlState: "42883",
                    "Cannot resolve routine `\(name)` on search path [`system`.`builtin`, `system`.`session`, `spark_catalog`.`default`].")
            }
            return Self.rows(["function_desc"], [["Function: \(name.lowercased())"]])
        case .use(let name):
            guard name[name.count - 1].equalsIgnoringCase("default") || name.count == 1 && name[0].equalsIgnoringCase("spark_catalog")
            else {
                throw SparkError(
                    "SCHEMA_NOT_FOUND", sqlState: "42704",
                    "The schema `spark_catalog`.\(Scope.text(name)) cannot be found. Verify the spelling and correctness of the schema and catalog."
                )
            }
            return .rows(StructType(), [])
        case .createDatabase(let name, let ifNotExists):
            guard name.equalsIgnoringCase("default") else { throw Resolver.unserved("CREATE DATABASE \(name)") }
            guard ifNotExists else {
                throw SparkError(
                    "SCHEMA_ALREADY_EXISTS", sqlState: "42P06",
                    "Cannot create schema `default` because it already exists. Choose a different name, drop the existing schema, or add the IF NOT EXISTS clause to tolerate pre-existing schema."
                )
            }
            return .rows(StructType(), [])
        case .dropDatabase(let name, let ifExists):
            guard ifExists, !name.equalsIgnoringCase("default") else { throw Resolver.unserved("DROP DATABASE \(name)") }
            return .rows(StructType(), [])
        case .noEffect(_, let name):
            if let name { _ = try await schema(of: .table(UnresolvedTable(name)), in: session) }
            return .rows(StructType(), [])
        }
    }

    private static func missing(_ name: [String]) -> SparkError {
        SparkError(
            "TABLE_OR_VIEW_NOT_FOUND", sqlState: "42P01",
            "The table or view \(Scope.text(name)) cannot be found. Verify the spelling and correctness of the schema and catalog.\nIf you did not qualify the name with a schema, verify the current_schema() output, or qualify the name with the correct schema and catalog.\nTo tolerate the error on drop use DROP VIEW IF EXISTS or DROP TABLE IF EXISTS."
        )
    }

    private func set(_ key: String?, _ value: String?, _ session: SessionState) -> SQLOutcome {
        guard let key else {
            return Self.rows(["key", "value"], session.settings.sorted { $0.key < $1.key }.map { [$0.key, $0.value] })
        }
        if let value { session.set(key, value) }
        return Self.rows(["key", "value"], [[key, session.setting(key) ?? "<undefined>"]])
    }

    /// `*` stands for anything, `|` for or, as in Spark's SHOW.
    private static func matches(_ name: String, _ pattern: String?) -> Bool {
        guard let pattern else { return true }
        return pattern.split(separator: "|").contains { part in
            let parts = part.lowercased().replacing("%", with: "*").split(separator: "*", omittingEmptySubsequences: false)
            var rest = Substring(name.lowercased())
            for (index, piece) in parts.enumerated() where !piece.isEmpty {
                if index == 0 {
                    guard rest.hasPrefix(piece) else { return false }
                    rest = rest.dropFirst(piece.count)
                } else if index == parts.count - 1 {
                    return rest.hasSuffix(piece)
                } else {
                    guard let range = rest.firstRange(of: piece) else { return false }
                    rest = rest[range.upperBound...]
                }
            }
            return parts.count > 1 || rest.isEmpty
        }
    }

    private static func rows(_ names: [String], _ rows: [[String?]]) -> SQLOutcome {
        let schema = StructType(names.map { StructField($0, .string, nullable: $0 == "comment") })
        let columns = names.indices.map { index in
            MemorySource.column(rows.map { $0[index].map { Literal.string($0) } ?? .null }, .string)
        }
        return .rows(schema, [ResultBatch(columns: columns, count: rows.count)])
    }

    private static func columns(_ schema: StructType) -> SQLOutcome {
        rows(["col_name", "data_type", "comment"], schema.fields.map { [$0.name, $0.dataType.simpleString, $0.metadata["comment"]] })
    }

    private static func tables(_ names: [String], _ rows: [(String, String)]) -> SQLOutcome {
        let schema = StructType(
            names.map { StructField($0, .string, nullable: false) } + [StructField("isTemporary", .boolean, nullable: false)])
        let columns = [
            MemorySource.column(rows.map { .string($0.0) }, .string), MemorySource.column(rows.map { .string($0.1) }, .string),
            MemorySource.column(rows.map { _ in .boolean(true) }, .boolean),
        ]
        return .rows(schema, [ResultBatch(columns: columns, count: rows.count)])
    }

    private func explain(_ statement: SQLStatement, _ mode: SQLStatement.ExplainMode, _ session: SessionState) async throws -> String {
        guard case .query(let plan) = statement else { return "== Physical Plan ==\nExecute command\n" }
        return try await explain(plan, mode, in: session)
    }
}
