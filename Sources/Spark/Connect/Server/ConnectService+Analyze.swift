internal import NIOCore

/// `AnalyzePlan`: questions about a plan that need no rows.
extension ConnectService {
    func analyze(_ request: AnalyzePlanRequest) async throws -> AnalyzePlanResponse {
        let session = try sessions.session(request.session)
        guard let analysis = request.analysis else { throw ConnectError.notServed("an AnalyzePlanRequest without a question") }
        return AnalyzePlanResponse(
            sessionID: session.key.sessionID, serverSideID: session.serverSideID, try await result(of: analysis, in: session))
    }

    private func result(of analysis: AnalyzePlanRequest.Analysis, in session: ConnectSession) async throws -> AnalyzePlanResponse.Result {
        switch analysis {
        case .sparkVersion: return .sparkVersion(ConnectServer.sparkVersion)
        case .schema(let plan): return .schema(.structure(try await schema(of: plan, in: session)))
        case .treeString(let plan, let level):
            return .treeString(Self.treeString(try await schema(of: plan, in: session), level: level))
        case .explain(let plan, let mode):
            let shape: SQLStatement.ExplainMode =
                switch mode {
                case .simple, .codegen: .simple
                case .extended, .cost: .extended
                case .formatted: .formatted
                }
            return .explain(try await requiredEngine().explain(lowered(plan, in: session), shape, in: session.plans))
        case .isLocal(let plan):
            if case .local = try compared(plan, in: session) { return .isLocal(true) }
            return .isLocal(false)
        case .isStreaming(let plan): return .isStreaming(try lowered(plan, in: session).isStreaming)
        case .inputFiles(let plan):
            _ = try await schema(of: plan, in: session)
            return .inputFiles([])
        case .parseDDL(let text): return .parsedDDL(try DataType(schemaText: text))
        case .ddlOfJSON(let text):
            guard case .structure(let type) = try DataType(schemaText: text) else {
                throw SparkError("INVALID_SCHEMA.NON_STRUCT_TYPE", sqlState: "42K07", "The input schema \(text) is not a struct.")
            }
            return .ddl(type.ddl)
        case .sameSemantics(let first, let second):
            return .sameSemantics(try compared(first, in: session) == compared(second, in: session))
        case .semanticHash(let plan):
            return .semanticHash(Int32(truncatingIfNeeded: try compared(plan, in: session).hashValue))
        case .persist(let relation, let level):
            session.persist(try compared(.root(relation), in: session), level ?? .memoryAndDisk)
            return .persist
        case .unpersist(let relation):
            session.unpersist(try compared(.root(relation), in: session))
            return .unpersist
        case .storageLevel(let relation):
            return .storageLevel(session.storageLevel(try compared(.root(relation), in: session)) ?? .none)
        case .notServed(let what): throw ConnectError.notServed("AnalyzePlan.\(what)")
        }
    }

    /// A plan with its frames' numbers, as it is resolved.
    func lowered(_ plan: ConnectPlan, in session: ConnectSession) throws -> LogicalPlan {
        try decoder(for: session).relation(ProtobufReader(relation(of: plan)))
    }

    /// A plan without its frames' numbers, which differ between two frames that mean the same.
    private func compared(_ plan: ConnectPlan, in session: ConnectSession) throws -> LogicalPlan {
        var decoder = decoder(for: session)
        decoder.keepsPlanIDs = false
        return try decoder.relation(ProtobufReader(relation(of: plan)))
    }

    private func schema(of plan: ConnectPlan, in session: ConnectSession) async throws -> StructType {
        let relation = try relation(of: plan)
        if let operation = try CatalogOperation(relation: relation) {
            return try await CatalogAnswers(service: self, session: session).schema(of: operation)
        }
        return try await requiredEngine().schema(of: decoder(for: session).relation(ProtobufReader(relation)), in: session.plans)
    }

    private static func treeString(_ schema: StructType, level: Int?) -> String {
        guard let level, level > 0 else { return schema.treeString }
        return schema.treeString.split(separator: "\n", omittingEmptySubsequences: true).filter { line in
            // Each level is five places further in.
            guard let mark = line.firstRange(of: "|-- ")?.lowerBound else { return true }
            return line.distance(from: line.startIndex, to: mark) / 5 < level
        }.joined(separator: "\n") + "\n"
    }
}

extension StructType {
    /// `id BIGINT NOT NULL,name STRING` (Spark, `StructType.toDDL`).
    var ddl: String {
        fields.map { field in
            let isPlain = field.name.utf8.allSatisfy {
                Character(UnicodeScalar($0)).isLetter || Character(UnicodeScalar($0)).isNumber || $0 == UInt8(ascii: "_")
            }
            let name = isPlain && !field.name.isEmpty ? field.name : "`" + field.name.replacing("`", with: "``") + "`"
            let comment = field.metadata["comment"].map { " COMMENT '\($0.replacing("'", with: "\\'"))'" } ?? ""
            return "\(name) \(field.dataType.sql)\(field.nullable ? "" : " NOT NULL")\(comment)"
        }.joined(separator: ",")
    }
}

/// Plans as `explain()` prints them.
enum PlanText {
    static func explain(_ plan: LogicalPlan, _ schema: StructType, mode: AnalyzePlanRequest.ExplainMode) -> String {
        let tree = tree(plan)
        switch mode {
        case .simple, .codegen, .formatted: return "== Physical Plan ==\n\(tree)\n"
        case .cost: return "== Optimized Logical Plan ==\n\(tree)\n== Physical Plan ==\n\(tree)\n"
        case .extended:
            let columns = schema.fields.map { "\($0.name): \($0.dataType.simpleString)" }.joined(separator: ", ")
            return "== Parsed Logical Plan ==\n\(tree)\n== Analyzed Logical Plan ==\n\(columns)\n\(tree)\n"
                + "== Optimized Logical Plan ==\n\(tree)\n== Physical Plan ==\n\(tree)\n"
        }
    }

    static func tree(_ plan: LogicalPlan) -> String {
        var text = ""
        write(plan, prefix: "", isLast: true, isRoot: true, into: &text)
        return text
    }

    private static func write(_ plan: LogicalPlan, prefix: String, isLast: Bool, isRoot: Bool, into text: inout String) {
        // A frame's number says nothing to a reader.
        if case .identified(_, let child) = plan { return write(child, prefix: prefix, isLast: isLast, isRoot: isRoot, into: &text) }
        text += isRoot ? "" : prefix + (isLast ? "+- " : ":- ")
        text += line(plan) + "\n"
        let children = plan.children
        for (index, child) in children.enumerated() {
            write(
                child, prefix: isRoot ? "" : prefix + (isLast ? "   " : ":  "), isLast: index == children.count - 1, isRoot: false,
                into: &text)
        }
    }

    private static func line(_ plan: LogicalPlan) -> String {
        func list(_ expressions: [Expression]) -> String { "[" + expressions.map(\.prettySQL).joined(separator: ", ") + "]" }
        switch plan {
        case .project(let expressions, _): return "Project \(list(expressions))"
        case .filter(let condition, _): return "Filter \(condition.prettySQL)"
        case .limit(let count, _): return "GlobalLimit \(count)"
        case .offset(let count, _): return "Offset \(count)"
        case .tail(let count, _): return "Tail \(count)"
        case .range(let start, let end, let step): return "Range (\(start), \(end), step=\(step))"
        case .local(let relation): return "LocalTableScan [\(relation.schema?.names.joined(separator: ", ") ?? "")]"
        case .table(let table): return "UnresolvedRelation [\(table.name.joined(separator: ", "))]"
        case .read(let read): return "Scan \(read.format)"
        case .sort(let order, let isGlobal, _): return "Sort [\(order.map(\.prettySQL).joined(separator: ", "))], \(isGlobal)"
        case .aggregate(let aggregate, _): return "Aggregate \(list(aggregate.keys)), \(list(aggregate.aggregates))"
        case .join(let join, _, _): return "Join \(join.kind)"
        case .alias(let name, _, _): return "SubqueryAlias \(name)"
        default:
            let name = plan.operatorName
            return name.prefix(1).uppercased() + name.dropFirst()
        }
    }
}
