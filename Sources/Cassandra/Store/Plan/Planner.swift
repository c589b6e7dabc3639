/// Resolves parsed statements against a schema.
struct Planner {
    let schema: Schema
    let keyspace: String?

    func plan(_ cql: String) throws(CQLError) -> PlannedStatement {
        let parsed = try CQLParser.parse(cql)
        switch parsed.statement {
        case .select(let select): return try plan(select, parsed, cql)
        case .modification(let modification): return try plan(modification, parsed, cql)
        case .batch(let batch): return try plan(batch, parsed, cql)
        case .use(let name): return make(cql, .use(name))
        case .describe(let what): return make(cql, .describe(what))
        default:
            guard parsed.markers.isEmpty else { throw .syntaxError("bind markers have no place in this statement") }
            return make(cql, .schema(parsed.statement))
        }
    }

    private func make(_ cql: String, _ plan: PlannedStatement.Plan) -> PlannedStatement {
        PlannedStatement(cql: cql, keyspace: keyspace, bindColumns: [], plan: plan, generation: schema.generation)
    }

    /// Whether each partition key column is bound by one marker: then clients can route by it.
    func routing(_ parts: [ModificationPlan.KeyPart]) -> [UInt16] {
        var list: [UInt16] = []
        for part in parts {
            guard part.sources.count == 1, !part.isList, case .bind(let index) = part.sources[0] else { return [] }
            list.append(UInt16(index))
        }
        return list
    }

    static func undefined(_ column: String, _ table: Table) -> CQLError {
        .invalid("Undefined column name \(column) in table \(table.keyspace).\(table.name)")
    }

    // MARK: Keys

    func keyPart(_ column: Column, _ relation: Relation, _ binder: inout TermBinder) throws(CQLError) -> ModificationPlan.KeyPart {
        if relation.isList {
            let receiver = binder.specification("in(\(column.name))", .list(column.type))
            return try keyPart(column, sources: [try binder.bind(relation.terms[0], receiver)], isList: true)
        }
        let receiver = binder.specification(column.name, column.type)
        var sources: [ValueSource] = []
        for term in relation.terms { sources.append(try binder.bind(term, receiver)) }
        return try keyPart(column, sources: sources, isList: false)
    }

    func keyPart(_ column: Column, sources: [ValueSource], isList: Bool) throws(CQLError) -> ModificationPlan.KeyPart {
        .init(
            column: column, check: ValueCheck(column.type), encoding: try OrderedEncoding(column.type), sources: sources, isList: isList)
    }

    // MARK: BATCH

    private func plan(_ batch: BatchStatement, _ parsed: ParsedCQL, _ cql: String) throws(CQLError) -> PlannedStatement {
        guard let first = batch.statements.first else {
            let plan = BatchPlan(statements: [], constants: PlanConstants(), timestamp: nil)
            return make(cql, .batch(plan))
        }
        let table = try schema.table(first.table, keyspace: keyspace)
        var binder = TermBinder(markers: parsed.markers, keyspace: table.keyspace, table: table.name)
        var timestamp: ValueSource?
        if let term = batch.timestamp { timestamp = try binder.bind(term, binder.specification("[timestamp]", .bigint)) }
        var plans: [ModificationPlan] = []
        for statement in batch.statements {
            if batch.timestamp != nil, statement.timestamp != nil {
                throw .invalid("Timestamp must be set either on BATCH or individual statements")
            }
            let plan = try modification(statement, &binder)
            plans.append(plan)
            try batch.kind.check(plan, first: plans[0])
        }
        if batch.timestamp != nil, plans[0].addsToCounters { throw .invalid("Cannot provide custom timestamp for counter BATCH") }
        let columns = try binder.specifications()
        return PlannedStatement(
            cql: cql, keyspace: keyspace, bindColumns: columns, partitionKeyBindIndices: routing(plans[0].partitionKey),
            plan: .batch(BatchPlan(statements: plans, constants: binder.constants, timestamp: timestamp)), generation: schema.generation)
    }

    // MARK: INSERT, UPDATE, DELETE

    private func plan(_ statement: ModificationStatement, _ parsed: ParsedCQL, _ cql: String) throws(CQLError) -> PlannedStatement {
        let table = try schema.table(statement.table, keyspace: keyspace)
        var binder = TermBinder(markers: parsed.markers, keyspace: table.keyspace, table: table.name)
        let plan = try modification(statement, &binder)
        let columns = try binder.specifications()
        return PlannedStatement(
            cql: cql, keyspace: keyspace, bindColumns: columns, partitionKeyBindIndices: routing(plan.partitionKey),
            plan: .modification(plan),
            generation: schema.generation)
    }
}
