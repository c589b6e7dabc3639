internal import IO

/// What the columns of a resolved plan may be called: their names are the schema's, these are their qualifiers and frames.
struct ColumnOrigin: Hashable {
    /// `t` of `t.a`; more than one after a join by USING, whose column stands for both sides'.
    var qualifiers: [[String]] = []
    /// The frames whose column this is.
    var planIDs: Set<Int64> = []
}

/// A resolved plan with the names of its columns.
struct Relation {
    var plan: ResolvedPlan
    var origins: [ColumnOrigin]

    init(_ plan: ResolvedPlan, origins: [ColumnOrigin]? = nil) {
        self.plan = plan
        self.origins = origins ?? plan.schema.fields.map { _ in ColumnOrigin() }
    }

    var scope: Scope { Scope(schema: plan.schema, origins: origins) }
    var schema: StructType { plan.schema }
}

/// The columns that an expression may name.
struct Scope {
    var schema: StructType
    var origins: [ColumnOrigin]

    init(schema: StructType, origins: [ColumnOrigin]? = nil) {
        self.schema = schema
        self.origins = origins ?? schema.fields.map { _ in ColumnOrigin() }
    }

    static func + (left: Scope, right: Scope) -> Scope {
        Scope(schema: StructType(left.schema.fields + right.schema.fields), origins: left.origins + right.origins)
    }

    func column(_ index: Int) -> ResolvedExpression {
        let field = schema.fields[index]
        return .column(index, field.dataType, nullable: field.nullable)
    }

    /// The columns that the parts name, and the struct fields that remain of them.
    func matches(_ parts: [String], planID: Int64? = nil) -> (columns: [Int], rest: ArraySlice<String>) {
        func narrowed(_ columns: [Int]) -> [Int] {
            guard let planID else { return columns }
            let own = columns.filter { origins[$0].planIDs.contains(planID) }
            return own.isEmpty ? columns : own
        }
        for length in stride(from: min(3, parts.count - 1), to: 0, by: -1) {
            let qualifier = parts[..<length]
            let found = schema.fields.indices.filter { index in
                schema.fields[index].name.equalsIgnoringCase(parts[length])
                    && origins[index].qualifiers.contains { Self.ends($0, with: qualifier) }
            }
            if !found.isEmpty { return (narrowed(found), parts[(length + 1)...]) }
        }
        return (narrowed(schema.indices(of: parts[0])), parts[1...])
    }

    private static func ends(_ qualifier: [String], with parts: ArraySlice<String>) -> Bool {
        guard qualifier.count >= parts.count else { return false }
        return zip(qualifier.suffix(parts.count), parts).allSatisfy { $0.equalsIgnoringCase($1) }
    }

    /// The columns of `t.*`; nil where no table is called so.
    func columns(of target: [String], planID: Int64?) -> [Int]? {
        if target.isEmpty {
            guard let planID else { return Array(schema.fields.indices) }
            let own = schema.fields.indices.filter { origins[$0].planIDs.contains(planID) }
            return own.isEmpty ? Array(schema.fields.indices) : own
        }
        let found = schema.fields.indices.filter { index in origins[index].qualifiers.contains { Self.ends($0, with: target[...]) } }
        return found.isEmpty ? nil : found
    }

    func qualifiedName(_ index: Int) -> String {
        ((origins[index].qualifiers.first ?? []) + [schema.fields[index].name]).map { "`\($0)`" }.joined(separator: ".")
    }

    func ambiguous(_ parts: [String], _ columns: [Int]) -> SparkError {
        SparkError(
            "AMBIGUOUS_REFERENCE", sqlState: "42704",
            "Reference \(Self.text(parts)) is ambiguous, could be: [\(columns.map(qualifiedName).joined(separator: ", "))].")
    }

    static func text(_ parts: some Sequence<String>) -> String { parts.map { "`\($0)`" }.joined(separator: ".") }
    static func list(_ names: [String]) -> String { names.map { "`\($0)`" }.joined(separator: ", ") }

    func unresolved(_ parts: [String]) -> SparkError {
        let name = Self.text(parts)
        guard !schema.fields.isEmpty else {
            return SparkError(
                "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", sqlState: "42703",
                "A column, variable, or function parameter with name \(name) cannot be resolved.")
        }
        // A qualifier that all have says nothing.
        let isQualified = Set(origins.map { $0.qualifiers.first ?? [] }).count > 1
        let wanted = (isQualified ? parts.joined(separator: ".") : parts[parts.count - 1]).lowercased()
        let single = parts[0].lowercased()
        let near = schema.fields.indices.map { index -> (String, Int) in
            let text = isQualified ? qualifiedName(index) : "`\(schema.fields[index].name)`"
            let plain = text.filter { $0 != "`" }.lowercased()
            return (text, min(editDistance(plain, wanted), editDistance(schema.fields[index].name.lowercased(), single)))
        }
        let suggestions = near.sorted { $0.1 < $1.1 }.prefix(5).map(\.0)
        return SparkError(
            "UNRESOLVED_COLUMN.WITH_SUGGESTION", sqlState: "42703",
            "A column, variable, or function parameter with name \(name) cannot be resolved. Did you mean one of the following? [\(suggestions.joined(separator: ", "))]."
        )
    }
}

/// Ordinals beyond every real column stand for what becomes a column once the plan around an expression is known.
enum Placeholder {
    static let aggregate = 1 << 32
    static let window = 2 << 32
    static let subquery = 3 << 32
    /// Columns of the query around a subquery.
    static let outer = 4 << 32
    static let generator = 5 << 32
}

extension ResolvedExpression {
    /// The same expression with its columns replaced.
    func mapColumns(_ transform: (Int, DataType, Bool) throws -> ResolvedExpression) rethrows -> ResolvedExpression {
        if case .column(let index, let type, let nullable) = self { return try transform(index, type, nullable) }
        return try mapChildren { try $0.mapColumns(transform) }
    }

    func shifted(by distance: Int) -> ResolvedExpression {
        mapColumns { index, type, nullable in .column(index + distance, type, nullable: nullable) }
    }

    var isCorrelated: Bool { columns.contains { $0 >= Placeholder.outer && $0 < Placeholder.generator } }

    /// The sides of a conjunction.
    var conjuncts: [ResolvedExpression] {
        if case .call(.and, let sides, _) = self { return sides.flatMap(\.conjuncts) }
        return [self]
    }

    static func conjunction(_ conditions: [ResolvedExpression]) -> ResolvedExpression? {
        conditions.dropFirst().reduce(conditions.first) { result, condition in result.map { .call(.and, [$0, condition], .boolean) } }
    }
}
