/// The columns that a CREATE TABLE defines.
struct TableLayout {
    private let definition: TableDefinition

    init(_ definition: TableDefinition) { self.definition = definition }

    /// The most columns of a table: their places are kept in 16 bits, and a row's image has one slot for each.
    static let columnsMax = 8_192
    /// The most columns that were dropped from a table and are remembered, so that none comes back with another type.
    static let droppedMax = 32_768
    /// The longest name of a column, in bytes (Cassandra's FBUtilities.MAX_UNSIGNED_SHORT).
    static let nameMax = 65_535

    static func check(count: Int, of table: String) throws(CQLError) {
        guard count <= columnsMax else { throw .invalid("Table '\(table)' would have \(count) columns: the most is \(columnsMax)") }
    }

    static func check(_ name: String) throws(CQLError) {
        guard name.utf8.count <= nameMax else { throw .invalid("A column's name of \(name.utf8.count) bytes is longer than \(nameMax)") }
    }

    /// - Throws: ``CQLError`` for what is no table: no key, a name twice, a key of a type without order.
    func columns() throws(CQLError) -> [Column] {
        try Self.check(count: definition.columns.count, of: definition.table.name)
        var types: [String: TableDefinition.Column] = [:]
        for column in definition.columns {
            guard types.updateValue(column, forKey: column.name) == nil else {
                throw .invalid("Duplicate column '\(column.name)' declaration for table '\(definition.table.name)'")
            }
            try Self.check(column.name)
            try Self.check(column.type, of: column.name)
        }
        guard !definition.partitionKey.isEmpty else {
            throw .invalid("No PRIMARY KEY specifed for table '\(definition.table.name)' (exactly one required)")
        }
        var positions: [String: (kind: Column.Kind, position: Int)] = [:]
        for (index, name) in definition.partitionKey.enumerated() {
            try checkKey(name, types[name])
            guard positions.updateValue((.partitionKey, index), forKey: name) == nil else {
                throw .invalid("Duplicate column '\(name)' in PRIMARY KEY clause for table '\(definition.table.name)'")
            }
        }
        for (index, name) in definition.clusteringKey.enumerated() {
            try checkKey(name, types[name])
            guard positions.updateValue((.clustering, index), forKey: name) == nil else {
                throw .invalid("Duplicate column '\(name)' in PRIMARY KEY clause for table '\(definition.table.name)'")
            }
        }
        let descending = try checkOrder()
        let hasCounters = definition.columns.contains { $0.type == .counter }
        var columns: [Column] = []
        for (index, column) in definition.columns.enumerated() {
            let place = positions[column.name]
            if column.isStatic, definition.clusteringKey.isEmpty {
                throw .invalid("Static columns are only useful (and thus allowed) if the table has at least one clustering column")
            }
            if hasCounters, place == nil, column.type != .counter {
                throw .invalid("Cannot mix counter and non counter columns in the same table")
            }
            columns.append(
                Column(
                    id: UInt32(index) + 1, name: column.name, type: column.type,
                    kind: place?.kind ?? (column.isStatic ? .static : .regular), position: place?.position ?? -1,
                    isDescending: descending.contains(column.name)))
        }
        return columns
    }

    private func checkKey(_ name: String, _ column: TableDefinition.Column?) throws(CQLError) {
        guard let column else { throw .invalid("Unknown column '\(name)' referenced in PRIMARY KEY for table '\(definition.table.name)'") }
        if column.isStatic { throw .invalid("Static column '\(name)' cannot be part of the PRIMARY KEY") }
        if column.type == .counter { throw .invalid("counter type is not supported for PRIMARY KEY column '\(name)'") }
        if column.type.unfrozen == .duration { throw .invalid("duration type is not supported for PRIMARY KEY column '\(name)'") }
        if column.type.isCollection, !column.type.isFrozen {
            throw .invalid("Invalid non-frozen collection type \(column.type) for PRIMARY KEY column '\(name)'")
        }
        _ = try OrderedEncoding(column.type)
    }

    private func checkOrder() throws(CQLError) -> Set<String> {
        guard !definition.order.isEmpty else { return [] }
        let names = definition.order.map(\.column)
        for name in names where !definition.clusteringKey.contains(name) {
            throw .invalid("Only clustering key columns can be defined in CLUSTERING ORDER directive")
        }
        guard names == Array(definition.clusteringKey.prefix(names.count)) else {
            throw .invalid(
                "The order of columns in the CLUSTERING ORDER directive must match that of the clustering columns (\(definition.clusteringKey.joined(separator: ", ")))"
            )
        }
        guard names.count == definition.clusteringKey.count else {
            throw .invalid("Missing CLUSTERING ORDER for column \(definition.clusteringKey[names.count])")
        }
        return Set(definition.order.filter(\.isDescending).map(\.column))
    }

    /// What a column may be: collections within collections are frozen, elements of sets and keys of maps have an order.
    static func check(_ type: CQLType, of name: String) throws(CQLError) {
        func element(_ element: CQLType) throws(CQLError) {
            if element.isCollection, !element.isFrozen {
                throw .invalid("Non-frozen collections are not allowed inside collections: \(type)")
            }
            if element == .counter { throw .invalid("Counters are not allowed inside collections: \(type)") }
            try check(element, of: name)
        }
        switch type {
        case .frozen(let inner): try checkFrozen(inner)
        case .list(let inner): try element(inner)
        case .set(let inner):
            if inner.unfrozen == .duration { throw .invalid("Durations are not allowed inside sets: \(type)") }
            try element(inner)
        case .map(let key, let value):
            if key.unfrozen == .duration { throw .invalid("Durations are not allowed as map keys: \(type)") }
            try element(key)
            try element(value)
        case .tuple(let types): for type in types { try checkFrozen(type) }
        case .custom(let name): throw .invalid("Unknown type \(name)")
        default: return
        }
    }

    private static func checkFrozen(_ type: CQLType) throws(CQLError) {
        switch type {
        case .counter: throw .invalid("Counters are not allowed inside collections")
        case .frozen(let inner), .list(let inner), .set(let inner): try checkFrozen(inner)
        case .map(let key, let value):
            try checkFrozen(key)
            try checkFrozen(value)
        case .tuple(let types): for type in types { try checkFrozen(type) }
        case .custom(let name): throw .invalid("Unknown type \(name)")
        default: return
        }
    }
}
