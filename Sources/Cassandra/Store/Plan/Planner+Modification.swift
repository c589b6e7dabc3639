/// INSERT, UPDATE, DELETE.
extension Planner {
    func modification(_ statement: ModificationStatement, _ binder: inout TermBinder) throws(CQLError) -> ModificationPlan {
        let table = try schema.table(statement.table, keyspace: keyspace)
        guard table.virtual == nil else {
            throw .invalid("Modification is not supported by table \(table.keyspace).\(table.name)")
        }
        // The order of the text: TTL and timestamp of UPDATE and DELETE come before the rest, those of INSERT last. Markers are bound by
        // their index, so it does not matter here.
        var timestamp: ValueSource?
        var ttl: ValueSource?
        if let term = statement.timestamp {
            if statement.isConditional { throw .invalid("Cannot provide custom timestamp for conditional updates") }
            timestamp = try binder.bind(term, binder.specification("[timestamp]", .bigint))
        }
        if let term = statement.ttl { ttl = try binder.bind(term, binder.specification("[ttl]", .int)) }
        var restrictions = KeyRestrictions(table)
        var cells: [ModificationPlan.Cell] = []
        var seen: Set<String> = []
        for operation in statement.operations {
            if statement.kind == .insert, case .set(let name, let term) = operation {
                guard let column = table.column(name) else { throw Self.undefined(name, table) }
                guard seen.insert(name).inserted else { throw .invalid("The column names contains duplicates") }
                if column.kind == .partitionKey || column.kind == .clustering {
                    let source = try binder.bind(term, binder.specification(column.name, column.type))
                    restrictions.equal[name] = try keyPart(column, sources: [source], isList: false)
                    continue
                }
            }
            cells.append(try cell(operation, table, statement.kind, &binder))
        }
        try checkRepeats(cells)
        for relation in statement.relations { try add(relation, statement, &restrictions, &binder) }
        return try assemble(
            statement, table, &binder, restrictions, cells: cells, timestamp: timestamp, ttl: ttl)
    }

    private func checkRepeats(_ cells: [ModificationPlan.Cell]) throws(CQLError) {
        var whole: Set<UInt32> = []
        for cell in cells {
            switch cell.operation {
            case .set, .setCollection, .delete, .addCounter:
                guard whole.insert(cell.column.id).inserted else {
                    throw .invalid("Multiple incompatible setting of column \(cell.column.name)")
                }
            default: break
            }
        }
    }

    private struct KeyRestrictions {
        let table: Table
        var equal: [String: ModificationPlan.KeyPart] = [:]
        var slices: [ModificationPlan.Slice] = []

        init(_ table: Table) { self.table = table }
    }

    private func add(
        _ relation: Relation, _ statement: ModificationStatement, _ restrictions: inout KeyRestrictions, _ binder: inout TermBinder
    ) throws(CQLError) {
        let table = restrictions.table
        guard case .column(let name) = relation.target else {
            if case .token = relation.target {
                throw .invalid("The token function cannot be used in WHERE clauses for \(statement.kind.rawValue) statements")
            }
            throw .invalid("Conditions on several columns at once are not served in \(statement.kind.rawValue) by this store")
        }
        guard let column = table.column(name) else { throw Self.undefined(name, table) }
        guard column.kind == .partitionKey || column.kind == .clustering else {
            throw .invalid("Non PRIMARY KEY columns found in where clause: \(name) ")
        }
        switch relation.comparison {
        case .equal, .isIn:
            guard restrictions.equal[name] == nil else {
                throw .invalid("\(name) cannot be restricted by more than one relation if it includes an Equal")
            }
            restrictions.equal[name] = try keyPart(column, relation, &binder)
        case .less, .lessOrEqual, .greater, .greaterOrEqual:
            guard statement.kind == .delete, column.kind == .clustering else {
                if column.kind == .partitionKey {
                    throw .invalid(
                        "Only EQ and IN relation are supported on the partition key (unless you use the token() function) for \(statement.kind.rawValue) statements"
                    )
                }
                throw .invalid("Slice restrictions are not supported on the clustering columns in \(statement.kind.rawValue) statements")
            }
            restrictions.slices.append(.init(part: try keyPart(column, relation, &binder), comparison: relation.comparison))
        default: throw .invalid("Unsupported \"\(relation.comparison.rawValue)\" relation in \(statement.kind.rawValue)")
        }
    }

    private func assemble(
        _ statement: ModificationStatement, _ table: Table, _ binder: inout TermBinder, _ restrictions: KeyRestrictions,
        cells: [ModificationPlan.Cell], timestamp: ValueSource?, ttl: ValueSource?
    ) throws(CQLError) -> ModificationPlan {
        let missing = table.partitionKey.filter { restrictions.equal[$0.name] == nil }.map(\.name)
        guard missing.isEmpty else {
            throw .invalid("Some partition key parts are missing: \(missing.joined(separator: ", "))")
        }
        let partitionKey = table.partitionKey.compactMap { restrictions.equal[$0.name] }
        var clusteringKey: [ModificationPlan.KeyPart] = []
        for column in table.clusteringKey {
            guard let part = restrictions.equal[column.name] else { break }
            clusteringKey.append(part)
        }
        let named = table.clusteringKey.filter { restrictions.equal[$0.name] != nil }
        let sliced = Set(restrictions.slices.map(\.part.column.name))
        let isWhole = clusteringKey.count == table.clusteringKey.count
        if named.count != clusteringKey.count {
            let later = named[clusteringKey.count].name, gap = table.clusteringKey[clusteringKey.count].name
            if statement.kind != .delete {
                throw .invalid("Some clustering keys are missing: \(gap)")
            }
            throw .invalid("PRIMARY KEY column \"\(later)\" cannot be restricted as preceding column \"\(gap)\" is not restricted")
        }
        if !sliced.isEmpty, isWhole || sliced != [table.clusteringKey[clusteringKey.count].name] {
            let name = sliced.sorted()[0]
            throw .invalid("Clustering column \"\(name)\" cannot be restricted (preceding columns are not restricted by equality)")
        }
        let effect = try effect(statement, table, cells, isWhole: isWhole, clusteringCount: clusteringKey.count, hasSlice: !sliced.isEmpty)
        let condition = try condition(statement, table, &binder)
        let plan = ModificationPlan(
            table: table, constants: binder.constants, partitionKey: partitionKey, clusteringKey: clusteringKey,
            slices: restrictions.slices,
            effect: effect, cells: cells, timestamp: timestamp, ttl: ttl, condition: condition)
        try checkReading(plan, statement, table)
        let isCounter = table.isCounter
        if isCounter, statement.kind == .insert {
            throw .invalid("INSERT statements are not allowed on counter tables, use UPDATE instead")
        }
        if isCounter, timestamp != nil || ttl != nil {
            throw .invalid("Cannot provide custom \(timestamp != nil ? "timestamp" : "TTL") for counter updates")
        }
        return plan
    }

    /// What is read before it is written is one row.
    private func checkReading(_ plan: ModificationPlan, _ statement: ModificationStatement, _ table: Table) throws(CQLError) {
        guard plan.needsRead else { return }
        guard plan.hasSingleKey else {
            throw .invalid("IN on the primary key is not supported with conditional updates, counters and lists by index or value")
        }
        if plan.condition != nil {
            if table.isCounter { throw .invalid("Conditional updates are not supported on counter tables") }
            let missing = table.clusteringKey.dropFirst(plan.clusteringKey.count)
            if let column = missing.first {
                if !plan.staticCells.isEmpty, plan.cells.isEmpty {
                    throw .invalid("IF conditions on static columns alone are not served by this store")
                }
                throw .invalid(
                    "\(statement.kind.rawValue) statements must restrict all PRIMARY KEY columns with equality relations in order to use IF condition on non static columns, but column '\(column.name)' is not restricted"
                )
            }
        }
        if !table.isCounter, plan.staticCells.contains(where: { $0.needsRead }) {
            throw .invalid("Lists by index or value in static columns are not served by this store")
        }
    }

    private func effect(
        _ statement: ModificationStatement, _ table: Table, _ cells: [ModificationPlan.Cell], isWhole: Bool, clusteringCount: Int,
        hasSlice: Bool
    ) throws(CQLError) -> ModificationPlan.Effect {
        func requireRow() throws(CQLError) {
            let missing = table.clusteringKey.dropFirst(clusteringCount).map(\.name)
            guard missing.isEmpty else { throw .invalid("Some clustering keys are missing: \(missing.joined(separator: ", "))") }
        }
        let isStaticOnly = !cells.isEmpty && cells.allSatisfy { $0.column.kind == .static } && clusteringCount == 0
        switch statement.kind {
        case .insert:
            if !isStaticOnly { try requireRow() }
            return .cells(isInsert: !isStaticOnly)
        case .update:
            if !isStaticOnly { try requireRow() }
            return .cells(isInsert: false)
        case .delete:
            if !cells.isEmpty {
                if !isStaticOnly { try requireRow() }
                if hasSlice { throw .invalid("Range deletions are not supported for specific columns") }
                return .cells(isInsert: false)
            }
            if isWhole { return .deleteRow }
            return clusteringCount == 0 && !hasSlice ? .deletePartition : .deleteRange
        }
    }

    private func condition(
        _ statement: ModificationStatement, _ table: Table, _ binder: inout TermBinder
    ) throws(CQLError) -> ModificationPlan.Condition? {
        if statement.ifNotExists { return .notExists }
        if statement.ifExists { return .exists }
        guard !statement.conditions.isEmpty else { return nil }
        var predicates: [FilterPredicate] = []
        for relation in statement.conditions {
            let predicate = try filter(relation, table, &binder)
            guard table.columns[predicate.column].kind == .regular else {
                throw .invalid("IF conditions on \(table.columns[predicate.column].name) are not served by this store")
            }
            predicates.append(predicate)
        }
        return .predicates(predicates)
    }

    // MARK: Cells

    private func cell(
        _ operation: ModificationStatement.Operation, _ table: Table, _ kind: ModificationStatement.Kind, _ binder: inout TermBinder
    ) throws(CQLError) -> ModificationPlan.Cell {
        func find(_ name: String) throws(CQLError) -> Column {
            guard let column = table.column(name) else { throw Self.undefined(name, table) }
            guard column.kind != .partitionKey, column.kind != .clustering else {
                if kind == .delete { throw .invalid("Invalid identifier \(name) for deletion (should not be a PRIMARY KEY part)") }
                throw .invalid("PRIMARY KEY part \(name) found in SET part")
            }
            return column
        }
        func make(_ column: Column, _ operation: ModificationPlan.Cell.Operation, _ source: ValueSource = .null, as type: CQLType? = nil)
            -> ModificationPlan.Cell
        {
            .init(column: column, check: ValueCheck(type ?? column.type), operation: operation, source: source)
        }
        switch operation {
        case .set(let name, let term):
            let column = try find(name)
            if column.type == .counter {
                throw .invalid("Cannot set the value of counter column \(name) (counters can only be incremented/decremented, not set)")
            }
            let source = try binder.bind(term, binder.specification(column.name, column.type))
            return make(column, column.isMultiCell ? .setCollection : .set, source)
        case .setElement(let name, let key, let term):
            let column = try find(name)
            switch column.type {
            case .map(let keyType, let valueType):
                let keySource = try binder.bind(key, binder.specification("key(\(name))", keyType))
                let source = try binder.bind(term, binder.specification("value(\(name))", valueType))
                return make(column, .setElement(key: keySource, keyCheck: ValueCheck(keyType)), source, as: valueType)
            case .list(let element):
                let index = try binder.bind(key, binder.specification("idx(\(name))", .int))
                let source = try binder.bind(term, binder.specification("value(\(name))", element))
                return make(column, .setListIndex(index: index), source)
            default: throw .invalid("Invalid operation (\(name)[...] = ...) for \(column.type) column \(name)")
            }
        case .add(let name, let term):
            let column = try find(name)
            if column.type == .counter {
                return make(column, .addCounter(isNegative: false), try binder.bind(term, binder.specification(name, .bigint)))
            }
            guard column.isMultiCell else {
                throw .invalid("Invalid operation (\(name) = \(name) + ...) for non collection column \(name)")
            }
            return make(column, .append, try binder.bind(term, binder.specification(name, column.type)))
        case .prepend(let name, let term):
            let column = try find(name)
            guard case .list = column.type else { throw .invalid("Invalid operation (\(name) = ... + \(name)) for column \(name)") }
            return make(column, .prepend, try binder.bind(term, binder.specification(name, column.type)))
        case .remove(let name, let term):
            let column = try find(name)
            switch column.type {
            case .counter: return make(column, .addCounter(isNegative: true), try binder.bind(term, binder.specification(name, .bigint)))
            case .set(let element), .map(let element, _):
                let type = CQLType.set(element)
                return make(column, .removeElements, try binder.bind(term, binder.specification(name, type)), as: type)
            case .list: return make(column, .removeListValues, try binder.bind(term, binder.specification(name, column.type)))
            default: throw .invalid("Invalid operation (\(name) = \(name) - ...) for non collection column \(name)")
            }
        case .delete(let name): return make(try find(name), .delete)
        case .deleteElement(let name, let key):
            let column = try find(name)
            switch column.type {
            case .map(let type, _), .set(let type):
                return make(column, .deleteElement(key: try binder.bind(key, binder.specification("key(\(name))", type))))
            case .list:
                return make(column, .deleteListIndex(index: try binder.bind(key, binder.specification("idx(\(name))", .int))))
            default: throw .invalid("Invalid deletion operation for non collection column \(name)")
            }
        }
    }
}
