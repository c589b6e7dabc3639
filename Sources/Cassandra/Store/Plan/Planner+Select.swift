internal import NIOCore

/// SELECT.
extension Planner {
    static let filteringMessage =
        "Cannot execute this query as it might involve data filtering and thus may have unpredictable performance. If you want to execute this query despite the performance unpredictability, use ALLOW FILTERING"

    func plan(_ statement: SelectStatement, _ parsed: ParsedCQL, _ cql: String) throws(CQLError) -> PlannedStatement {
        let table = try schema.table(statement.table, keyspace: keyspace)
        var binder = TermBinder(markers: parsed.markers, keyspace: table.keyspace, table: table.name)
        let (items, columns) = try selection(statement, table, &binder)
        var restrictions = Restrictions()
        for relation in statement.relations { try restrictions.add(relation, table, self, &binder) }
        if statement.isDistinct { try checkDistinct(statement, items, table) }
        let access = try access(table, restrictions, statement)
        var limit: ValueSource?
        var perPartitionLimit: ValueSource?
        if let term = statement.perPartitionLimit {
            perPartitionLimit = try binder.bind(term, binder.specification("[per_partition_limit]", .int))
        }
        if let term = statement.limit { limit = try binder.bind(term, binder.specification("[limit]", .int)) }
        let isReversed = try order(statement, table, access.access)
        let metadata = ResultMetadata(columns)
        let plan = SelectPlan(
            table: table, constants: binder.constants, access: access.access, filters: access.filters, items: items,
            isDistinct: statement.isDistinct, isReversed: isReversed, limit: limit, perPartitionLimit: perPartitionLimit,
            metadata: metadata)
        var routing: [UInt16] = []
        if case .partitions(let parts, _, _) = access.access { routing = self.routing(parts) }
        return PlannedStatement(
            cql: cql, keyspace: keyspace, bindColumns: try binder.specifications(), partitionKeyBindIndices: routing,
            resultMetadata: metadata,
            plan: .select(plan), generation: schema.generation)
    }

    // MARK: What is shown

    private func selection(
        _ statement: SelectStatement, _ table: Table, _ binder: inout TermBinder
    ) throws(CQLError) -> ([SelectExpression], [ColumnSpecification]) {
        guard let selected = statement.items else {
            return (table.columns.indices.map { .column($0, table.columns[$0].type) }, table.columns.map { table.specification($0) })
        }
        var items: [SelectExpression] = []
        var columns: [ColumnSpecification] = []
        for item in selected {
            let expression = try expression(item.selector, table, &binder)
            items.append(expression)
            var name = item.alias ?? item.text
            if item.alias == nil {
                switch item.selector {
                case .column(let column): name = column
                case .countRows: name = "count"
                case .function(let function, _) where function != "token" && !Self.aggregates.contains(function):
                    name = "system." + item.text
                case .function(let function, _) where Self.aggregates.contains(function): name = "system." + item.text
                case .function: name = "system." + item.text
                default: break
                }
            }
            columns.append(ColumnSpecification(keyspace: table.keyspace, table: table.name, name: name, type: expression.type))
        }
        return (items, columns)
    }

    private static let aggregates: Set<String> = ["count", "min", "max", "sum", "avg"]

    private func index(_ name: String, _ table: Table) throws(CQLError) -> Int {
        guard let index = table.indices[name] else { throw Self.undefined(name, table) }
        return index
    }

    private func expression(_ selector: Selector, _ table: Table, _ binder: inout TermBinder) throws(CQLError) -> SelectExpression {
        switch selector {
        case .column(let name):
            let index = try index(name, table)
            return .column(index, table.columns[index].type)
        case .writeTime(let name), .ttl(let name):
            let index = try index(name, table)
            let column = table.columns[index]
            var function = "ttl"
            if case .writeTime = selector { function = "writeTime" }
            guard column.kind == .regular || column.kind == .static else {
                throw .invalid("Cannot use selection function \(function) on PRIMARY KEY part \(name)")
            }
            guard !column.isMultiCell else { throw .invalid("Cannot use selection function \(function) on non-frozen collection \(name)") }
            return function == "ttl" ? .ttl(index) : .writeTime(index)
        case .countRows: return .aggregate(.count, nil)
        case .cast(let inner, let type): return .cast(try expression(inner, table, &binder), type)
        case .literal(let term):
            let type: CQLType
            switch term {
            case .constant(let constant):
                switch constant.kind {
                case .string: type = .text
                case .integer: type = Int32(constant.text) == nil ? .bigint : .int
                case .float: type = .double
                case .boolean: type = .boolean
                case .uuid: type = .uuid
                case .hexadecimal: type = .blob
                case .duration: type = .duration
                }
            case .cast(let target, _): type = target
            default: throw .invalid("Cannot infer type for term in selection clause (try using a cast to force a type)")
            }
            return .source(try binder.bind(term, binder.specification("[selection]", type)), type)
        case .function(let name, let arguments):
            if name == "token" {
                let names = arguments.compactMap { if case .column(let name) = $0 { name } else { nil } }
                guard names == table.partitionKey.map(\.name) else {
                    throw .invalid("The token function takes the partition key: \(table.partitionKey.map(\.name).joined(separator: ", "))")
                }
                return .token
            }
            var typed: [SelectExpression] = []
            for argument in arguments { typed.append(try expression(argument, table, &binder)) }
            if Self.aggregates.contains(name), let kind = SelectExpression.Aggregate(rawValue: name) {
                guard typed.count == 1 else { throw .invalid("Invalid number of arguments for function system.\(name)") }
                if kind == .sum || kind == .avg {
                    let number: Set<CQLType> = [.int, .bigint, .smallint, .tinyint, .float, .double, .decimal, .varint, .counter]
                    guard number.contains(typed[0].type.unfrozen) else {
                        throw .invalid("Invalid call to function \(name): \(typed[0].type) is not a number")
                    }
                    if typed[0].type.unfrozen == .varint { throw .invalid("\(name) of varint is not served by this store") }
                }
                return .aggregate(kind, typed[0])
            }
            return .call(try ScalarFunction.find(name, arguments: typed.count, given: typed.map(\.type)), typed)
        }
    }

    private func checkDistinct(_ statement: SelectStatement, _ items: [SelectExpression], _ table: Table) throws(CQLError) {
        var shown: Set<String> = []
        for item in items {
            guard case .column(let index, _) = item,
                table.columns[index].kind == .partitionKey || table.columns[index].kind == .static
            else {
                throw .invalid("SELECT DISTINCT queries must only request partition key columns and/or static columns")
            }
            shown.insert(table.columns[index].name)
        }
        if let missing = table.partitionKey.first(where: { !shown.contains($0.name) }) {
            throw .invalid("SELECT DISTINCT queries must request all the partition key columns (missing \(missing.name))")
        }
    }

    // MARK: Which rows

    struct Restrictions {
        var equal: [String: ModificationPlan.KeyPart] = [:]
        var slices: [String: [SelectPlan.Slice]] = [:]
        /// The relation of each key condition, for when it has to be a filter after all.
        var filters: [(column: String, predicate: FilterPredicate)] = []
        var keyFilters: [String: [FilterPredicate]] = [:]
        var tokens: [SelectPlan.TokenBound] = []

        mutating func add(_ relation: Relation, _ table: Table, _ planner: Planner, _ binder: inout TermBinder) throws(CQLError) {
            switch relation.target {
            case .token(let names):
                guard names == table.partitionKey.map(\.name) else {
                    throw .invalid(
                        "The token function arguments must be in the partition key order: \(table.partitionKey.map(\.name).joined(separator: ", "))"
                    )
                }
                guard relation.comparison != .isIn, relation.comparison != .notEqual else {
                    throw .invalid("\(relation.comparison.rawValue) cannot be used with the token function")
                }
                tokens.append(.init(comparison: relation.comparison, source: try planner.token(relation.terms[0], table, &binder)))
            case .tuple(let names):
                try addTuple(names, relation, table, planner, &binder)
            case .element: try addFilter(relation, table, planner, &binder)
            case .column(let name):
                guard let column = table.column(name) else { throw Planner.undefined(name, table) }
                if relation.comparison == .notEqual {
                    throw .invalid("Unsupported \"!=\" relation: \(name) != \(relation.terms.count == 1 ? "..." : "(...)")")
                }
                guard column.kind == .partitionKey || column.kind == .clustering, relation.comparison != .contains,
                    relation.comparison != .containsKey
                else { return try addFilter(relation, table, planner, &binder) }
                try addKey(column, relation, table, planner, &binder)
            }
        }

        private mutating func addFilter(
            _ relation: Relation, _ table: Table, _ planner: Planner, _ binder: inout TermBinder
        ) throws(CQLError) {
            let predicate = try planner.filter(relation, table, &binder)
            filters.append((table.columns[predicate.column].name, predicate))
        }

        private mutating func addKey(
            _ column: Column, _ relation: Relation, _ table: Table, _ planner: Planner, _ binder: inout TermBinder
        ) throws(CQLError) {
            let name = column.name
            keyFilters[name, default: []].append(try planner.filter(relation, table, &binder))
            let part = try planner.keyPart(column, relation, &binder)
            switch relation.comparison {
            case .equal, .isIn:
                guard equal[name] == nil, slices[name] == nil else {
                    throw .invalid(
                        "\(name) cannot be restricted by more than one relation if it includes \(relation.comparison == .equal ? "an Equal" : "a IN")"
                    )
                }
                equal[name] = part
            default:
                guard equal[name] == nil else {
                    throw .invalid("\(name) cannot be restricted by more than one relation if it includes an Equal")
                }
                let isLower = relation.comparison == .greater || relation.comparison == .greaterOrEqual
                for other in slices[name] ?? [] where (other.comparison == .greater || other.comparison == .greaterOrEqual) == isLower {
                    throw .invalid("More than one restriction was found for the \(isLower ? "start" : "end") bound on \(name)")
                }
                slices[name, default: []].append(.init(part: part, comparison: relation.comparison))
            }
        }

        /// `(a, b) = (1, 2)` and `(a) > (1)` are the conditions on the columns alone; other forms are refused.
        private mutating func addTuple(
            _ names: [String], _ relation: Relation, _ table: Table, _ planner: Planner, _ binder: inout TermBinder
        ) throws(CQLError) {
            guard relation.comparison == .equal || names.count == 1, !relation.isList, case .tuple(let terms) = relation.terms[0],
                terms.count == names.count, relation.comparison != .isIn
            else {
                throw .invalid(
                    "Multi-column relations other than = are not served by this store: (\(names.joined(separator: ", "))) \(relation.comparison.rawValue)"
                )
            }
            for (name, term) in zip(names, terms) {
                try add(
                    Relation(target: .column(name), comparison: relation.comparison, terms: [term], isList: false), table, planner, &binder)
            }
        }
    }

    private func token(_ term: Term, _ table: Table, _ binder: inout TermBinder) throws(CQLError) -> ValueSource {
        guard case .function("token", let arguments) = term else {
            return try binder.bind(term, binder.specification("partition key token", .bigint))
        }
        guard arguments.count == table.partitionKey.count else {
            throw .invalid(
                "Invalid number of arguments in call to function token: \(table.partitionKey.count) required but \(arguments.count) provided"
            )
        }
        var bound: [BoundTerm] = []
        for (argument, column) in zip(arguments, table.partitionKey) {
            bound.append(.source(try binder.bind(argument, binder.specification(column.name, column.type)), column.type))
        }
        let types = table.partitionKey.map(\.type)
        let function = ScalarFunction(name: "token", arguments: types, result: .bigint) { (values, _) throws(CQLError) in
            var bytes: [[UInt8]] = []
            for (value, type) in zip(values, types) { bytes.append(Array(try value.bytes(as: type).readableBytesView)) }
            return .bigint(Murmur3Token.token(components: bytes.map { .init(bytes: $0) }))
        }
        return .computed(.call(function, bound))
    }

    func filter(_ relation: Relation, _ table: Table, _ binder: inout TermBinder) throws(CQLError) -> FilterPredicate {
        func make(_ name: String) throws(CQLError) -> (Int, Column) {
            guard let index = table.indices[name] else { throw Self.undefined(name, table) }
            return (index, table.columns[index])
        }
        switch relation.target {
        case .column(let name):
            let (index, column) = try make(name)
            switch relation.comparison {
            case .contains, .containsKey:
                let element: CQLType
                switch (relation.comparison, column.type.unfrozen) {
                case (.contains, .list(let type)), (.contains, .set(let type)), (.contains, .map(_, let type)),
                    (.containsKey, .map(let type, _)):
                    element = type
                default:
                    throw .invalid("Cannot use \(relation.comparison.rawValue) on non-collection column \(name)")
                }
                let receiver = binder.specification(relation.comparison == .contains ? "value(\(name))" : "key(\(name))", element)
                return .init(
                    column: index, type: column.type, test: relation.comparison == .contains ? .contains : .containsKey,
                    sources: [try binder.bind(relation.terms[0], receiver)])
            case .isIn:
                if relation.isList {
                    let receiver = binder.specification("in(\(name))", .list(column.type))
                    return .init(
                        column: index, type: column.type, test: .isIn(isList: true), sources: [try binder.bind(relation.terms[0], receiver)]
                    )
                }
                var sources: [ValueSource] = []
                for term in relation.terms { sources.append(try binder.bind(term, binder.specification(name, column.type))) }
                return .init(column: index, type: column.type, test: .isIn(isList: false), sources: sources)
            default:
                if column.isMultiCell, relation.comparison != .equal, relation.comparison != .notEqual {
                    throw .invalid(
                        "Collection column '\(name)' (\(column.type)) cannot be restricted by a '\(relation.comparison.rawValue)' relation")
                }
                return .init(
                    column: index, type: column.type, test: .compare(relation.comparison),
                    sources: [try binder.bind(relation.terms[0], binder.specification(name, column.type))])
            }
        case .element(let name, let key):
            let (index, column) = try make(name)
            guard case .map(let keyType, let valueType) = column.type.unfrozen, relation.comparison == .equal else {
                throw .invalid("Conditions on elements of \(name) are served for = on maps only")
            }
            let keySource = try binder.bind(key, binder.specification("key(\(name))", keyType))
            return .init(
                column: index, type: column.type, test: .element(key: keySource),
                sources: [try binder.bind(relation.terms[0], binder.specification("value(\(name))", valueType))])
        default: throw .invalid("This condition is not served by this store")
        }
    }

    private func access(
        _ table: Table, _ restrictions: Restrictions, _ statement: SelectStatement
    ) throws(CQLError) -> (access: SelectPlan.Access, filters: [FilterPredicate]) {
        var filters = restrictions.filters.map(\.predicate)
        var needsFiltering = !filters.isEmpty
        let partitionParts = table.partitionKey.compactMap { restrictions.equal[$0.name] }
        for column in table.partitionKey where restrictions.slices[column.name] != nil {
            guard statement.allowFiltering else {
                throw .invalid("Only EQ and IN relation are supported on the partition key (unless you use the token() function)")
            }
        }
        let access: SelectPlan.Access
        if partitionParts.count == table.partitionKey.count, restrictions.tokens.isEmpty, table.virtual == nil {
            var clustering: [ModificationPlan.KeyPart] = []
            var slices: [SelectPlan.Slice] = []
            var isClosed = false
            var gap: String?
            for column in table.clusteringKey {
                let equal = restrictions.equal[column.name], sliced = restrictions.slices[column.name]
                if !isClosed, let equal {
                    clustering.append(equal)
                } else if !isClosed, let sliced {
                    slices = sliced
                    isClosed = true
                    gap = column.name
                } else {
                    if equal != nil || sliced != nil {
                        guard statement.allowFiltering else {
                            throw .invalid(
                                slices.isEmpty
                                    ? "PRIMARY KEY column \"\(column.name)\" cannot be restricted as preceding column \"\(gap ?? "")\" is not restricted"
                                    : "Clustering column \"\(column.name)\" cannot be restricted (preceding column \"\(gap ?? "")\" is restricted by a non-EQ relation)"
                            )
                        }
                        filters += restrictions.keyFilters[column.name] ?? []
                    }
                    if !isClosed { gap = column.name }
                    isClosed = true
                }
            }
            access = .partitions(partitionParts, clustering: clustering, slices: slices)
        } else {
            for column in table.partitionKey + table.clusteringKey {
                guard let predicates = restrictions.keyFilters[column.name] else { continue }
                filters += predicates
                needsFiltering = true
            }
            access = .scan(restrictions.tokens)
        }
        if needsFiltering, !statement.allowFiltering, table.virtual == nil { throw .invalid(Self.filteringMessage) }
        return (access, filters)
    }

    /// - Returns: whether rows are read backwards.
    private func order(_ statement: SelectStatement, _ table: Table, _ access: SelectPlan.Access) throws(CQLError) -> Bool {
        guard !statement.order.isEmpty else { return false }
        guard case .partitions(let parts, let clustering, _) = access else {
            throw .invalid("ORDER BY is only supported when the partition key is restricted by an EQ or an IN.")
        }
        guard parts.allSatisfy({ $0.sources.count == 1 && !$0.isList }) else {
            throw .invalid(
                "Cannot page queries with both ORDER BY and a IN restriction on the partition key; you must either remove the ORDER BY or the IN and sort client side, or disable paging for this query"
            )
        }
        var isReversed: Bool?
        let fixed = Set(clustering.filter { $0.sources.count == 1 && !$0.isList }.map(\.column.name))
        var expected = table.clusteringKey[...]
        for (name, isDescending) in statement.order {
            guard let column = table.column(name) else { throw Self.undefined(name, table) }
            guard column.kind == .clustering else {
                throw .invalid("Order by is currently only supported on the clustered columns of the PRIMARY KEY, got \(name)")
            }
            while let next = expected.first, next.name != name, fixed.contains(next.name) { expected = expected.dropFirst() }
            guard expected.first?.name == name else {
                throw .invalid("Order by currently only supports the ordering of columns following their declared order in the PRIMARY KEY")
            }
            expected = expected.dropFirst()
            let reverses = isDescending != column.isDescending
            if let isReversed, isReversed != reverses { throw .invalid("Unsupported order by relation") }
            isReversed = reverses
        }
        return isReversed ?? false
    }
}
