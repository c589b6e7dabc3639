internal import NIOCore

/// CREATE, ALTER, DROP and TRUNCATE: jobs of the writer's thread, so that schema changes come one after another and behind the writes that
/// were sent before them.
extension CQLEngine {
    func alter(_ statement: CQLStatement, keyspace: String?, _ completion: @escaping Completion) throws(CQLError) {
        try writer.append(
            job: { [self] _ in
                do throws(CQLError) {
                    var change = SchemaAlteration(schema: schema, keyspace: keyspace, clock: clock, node: configuration.node)
                    let result = try change.apply(statement)
                    guard change.isChanged else { return .success(.init(result: result, batch: nil, applied: nil)) }
                    var changed = change.schema
                    changed.generation += 1
                    // Rows are no part of the schema: TRUNCATE moves a table but tells clients nothing.
                    if case .schemaChange = result { changed.version = .random() }
                    change.batch.put(SchemaCodec.nextIDKey, changed.nextStorageID.bigEndianBytes)
                    let published = changed
                    return .success(
                        .init(
                            result: result, batch: change.batch.take(), applied: { self.publish(published) },
                            settled: { if case .schemaChange(let change) = result { self.announce(change) } },
                            isAlwaysSynced: true))
                } catch {
                    return .failure(error)
                }
            }, completion: completion)
    }
}

/// One change of the schema: from the statement to the next schema and the entries that keep it.
struct SchemaAlteration {
    private(set) var schema: Schema
    let keyspace: String?
    let clock: StoreClock
    let node: NodeDescription
    let batch = SchemaBatch()
    private(set) var isChanged = false

    init(schema: Schema, keyspace: String?, clock: StoreClock, node: NodeDescription) {
        self.schema = schema
        self.keyspace = keyspace
        self.clock = clock
        self.node = node
    }

    mutating func apply(_ statement: CQLStatement) throws(CQLError) -> StatementResult {
        switch statement {
        case .createKeyspace(let definition, let ifNotExists): try create(definition, ifNotExists)
        case .alterKeyspace(let definition, let ifExists): try alter(definition, ifExists)
        case .dropKeyspace(let name, let ifExists): try drop(name, ifExists)
        case .createTable(let definition): try create(definition)
        case .alterTable(let name, let change, let ifExists): try alter(name, change, ifExists)
        case .dropTable(let name, let ifExists): try drop(name, ifExists)
        case .truncate(let name): try truncate(name)
        default: throw .serverError("not a statement of the schema")
        }
    }

    // MARK: Keyspaces

    /// The longest name of a keyspace or table (Cassandra's SchemaConstants).
    private static let nameMax = 48

    private func check(name: String, of kind: String) throws(CQLError) {
        let isValid =
            !name.isEmpty
            && name.utf8.allSatisfy { byte in
                byte == 0x5F || byte >= 0x30 && byte <= 0x39 || byte >= 0x41 && byte <= 0x5A || byte >= 0x61 && byte <= 0x7A
            }
        guard isValid, name.utf8.count <= Self.nameMax else {
            throw .invalid(
                "\(kind) name must not be empty, more than \(Self.nameMax) characters long, or contain non-alphanumeric-underscore characters (got \"\(name)\")"
            )
        }
    }

    private func checkWritable(_ name: String) throws(CQLError) {
        let systems: Set<String> = [
            "system", "system_schema", "system_auth", "system_distributed", "system_traces", "system_virtual_schema",
        ]
        if systems.contains(name) || schema.keyspaces[name]?.isSystem == true {
            throw .unauthorized("\(name) keyspace is not user-modifiable.")
        }
    }

    private func replication(_ properties: [String: PropertyValue]) throws(CQLError) -> [String: String]? {
        for key in properties.keys where key != "replication" && key != "durable_writes" {
            throw .syntaxError("Unknown property '\(key)'")
        }
        guard let value = properties["replication"] else { return nil }
        guard var map = value.map else { throw .syntaxError("Invalid value for property 'replication'. It should be a map.") }
        guard let given = map["class"] else { throw .configError("Missing replication strategy class") }
        let short = given.split(separator: ".").last.map(String.init) ?? given
        map["class"] = "org.apache.cassandra.locator." + short
        guard map.count <= TableProperties.entriesMax else {
            throw .configError("'replication' has \(map.count) entries, of which \(TableProperties.entriesMax) are the most")
        }
        for (key, text) in map where key != "class" {
            guard let factor = Int(text.split(separator: "/").first ?? ""), factor >= 0 else {
                throw .configError("Replication factor must be numeric, but was '\(text)'")
            }
            if factor == 0, short == "SimpleStrategy" { throw .configError("Replication factor must be positive; found 0") }
        }
        switch short {
        case "SimpleStrategy":
            guard map["replication_factor"] != nil else {
                throw .configError("SimpleStrategy requires a replication_factor strategy option.")
            }
            if let extra = map.keys.first(where: { $0 != "class" && $0 != "replication_factor" }) {
                throw .configError("Unrecognized strategy option {\(extra)} passed to SimpleStrategy for keyspace")
            }
        case "NetworkTopologyStrategy":
            if let factor = map.removeValue(forKey: "replication_factor"), map[node.dataCenter] == nil { map[node.dataCenter] = factor }
            guard map.count > 1 else { throw .configError("Configuration for at least one datacenter must be present") }
        case "LocalStrategy":
            throw .configError("Unable to use given strategy class: LocalStrategy is reserved for internal use.")
        default: throw .configError("Unable to find replication strategy class 'org.apache.cassandra.locator.\(short)'")
        }
        return map
    }

    private func durability(_ properties: [String: PropertyValue]) throws(CQLError) -> Bool? {
        guard let value = properties["durable_writes"] else { return nil }
        switch value.text {
        case "true": return true
        case "false": return false
        default: throw .syntaxError("Invalid boolean value for property 'durable_writes'")
        }
    }

    private mutating func create(_ definition: KeyspaceDefinition, _ ifNotExists: Bool) throws(CQLError) -> StatementResult {
        try checkWritable(definition.name)
        try check(name: definition.name, of: "Keyspace")
        if schema.keyspaces[definition.name] != nil {
            if ifNotExists { return .void }
            throw .alreadyExists(keyspace: definition.name)
        }
        guard let replication = try replication(definition.properties) else {
            throw .configError("Missing mandatory replication strategy class")
        }
        let keyspace = Schema.Keyspace(
            name: definition.name, replication: replication, isDurable: try durability(definition.properties) ?? true, tables: [:])
        put(keyspace)
        return .schemaChange(SchemaChange(.created, keyspace: keyspace.name))
    }

    private mutating func put(_ keyspace: Schema.Keyspace) {
        schema.keyspaces[keyspace.name] = keyspace
        batch.put(SchemaCodec.keyspaceKey(keyspace.name), SchemaCodec.encode(keyspace))
        isChanged = true
    }

    private mutating func alter(_ definition: KeyspaceDefinition, _ ifExists: Bool) throws(CQLError) -> StatementResult {
        try checkWritable(definition.name)
        guard var keyspace = schema.keyspaces[definition.name] else {
            if ifExists { return .void }
            throw .invalid("Keyspace '\(definition.name)' doesn't exist")
        }
        if let replication = try replication(definition.properties) { keyspace.replication = replication }
        if let durability = try durability(definition.properties) { keyspace.isDurable = durability }
        put(keyspace)
        return .schemaChange(SchemaChange(.updated, keyspace: keyspace.name))
    }

    private mutating func drop(_ name: String, _ ifExists: Bool) throws(CQLError) -> StatementResult {
        try checkWritable(name)
        guard let keyspace = schema.keyspaces[name] else {
            if ifExists { return .void }
            throw .invalid("Keyspace '\(name)' doesn't exist")
        }
        for table in keyspace.tables.values { remove(table) }
        schema.keyspaces[name] = nil
        batch.delete(SchemaCodec.keyspaceKey(name))
        isChanged = true
        return .schemaChange(SchemaChange(.dropped, keyspace: name))
    }

    // MARK: Tables

    private mutating func put(_ table: Table) {
        schema.keyspaces[table.keyspace]?.tables[table.name] = table
        batch.put(SchemaCodec.tableKey(table.keyspace, table.name), SchemaCodec.encode(table))
        isChanged = true
    }

    private mutating func remove(_ table: Table) {
        schema.keyspaces[table.keyspace]?.tables[table.name] = nil
        batch.delete(SchemaCodec.tableKey(table.keyspace, table.name))
        batch.delete(SchemaCodec.headsKey(table.storageID))
        batch.deleteRows(table.storageID)
        isChanged = true
    }

    private mutating func create(_ definition: TableDefinition) throws(CQLError) -> StatementResult {
        guard let keyspaceName = definition.table.keyspace ?? keyspace else {
            throw .invalid("No keyspace has been specified. USE a keyspace, or explicitly specify keyspace.tablename")
        }
        let name = definition.table.name
        try checkWritable(keyspaceName)
        guard let keyspace = schema.keyspaces[keyspaceName] else { throw .invalid("Keyspace '\(keyspaceName)' doesn't exist") }
        try check(name: name, of: "Table")
        if keyspace.tables[name] != nil {
            if definition.ifNotExists { return .void }
            throw .alreadyExists(keyspace: keyspaceName, table: name)
        }
        var properties = definition.properties
        var id = CQLUUID.random()
        if let given = properties.removeValue(forKey: "id") {
            guard let text = given.text, let parsed = CQLUUID(text) else { throw .configError("Invalid table id") }
            id = parsed
        }
        let checked = try TableProperties.checked(properties)
        let columns = try TableLayout(definition).columns()
        let table = Table(
            keyspace: keyspaceName, name: name, id: id, storageID: schema.nextStorageID, columns: columns,
            nextColumnID: UInt32(columns.count) + 1, properties: checked)
        schema.nextStorageID += 1
        put(table)
        return .schemaChange(SchemaChange(.created, keyspace: keyspaceName, target: .table(name)))
    }

    private func find(_ name: TableName) throws(CQLError) -> Table? {
        guard let keyspaceName = name.keyspace ?? keyspace else {
            throw .invalid("No keyspace has been specified. USE a keyspace, or explicitly specify keyspace.tablename")
        }
        try checkWritable(keyspaceName)
        return schema.keyspaces[keyspaceName]?.tables[name.name]
    }

    private func absent(_ name: TableName) -> CQLError {
        .invalid("Table '\(name.keyspace ?? keyspace ?? "").\(name.name)' doesn't exist")
    }

    private mutating func drop(_ name: TableName, _ ifExists: Bool) throws(CQLError) -> StatementResult {
        guard let table = try find(name) else {
            if ifExists { return .void }
            throw absent(name)
        }
        remove(table)
        return .schemaChange(SchemaChange(.dropped, keyspace: table.keyspace, target: .table(table.name)))
    }

    private mutating func truncate(_ name: TableName) throws(CQLError) -> StatementResult {
        guard let table = try find(name) else { throw .invalid("table \(name.name) does not exist") }
        batch.deleteRows(table.storageID)
        batch.delete(SchemaCodec.headsKey(table.storageID))
        let moved = table.changed(storageID: schema.nextStorageID)
        schema.nextStorageID += 1
        put(moved)
        return .void
    }

    private mutating func alter(_ name: TableName, _ change: AlterTable, _ ifExists: Bool) throws(CQLError) -> StatementResult {
        guard let table = try find(name) else {
            if ifExists { return .void }
            throw absent(name)
        }
        switch change {
        case .add(let columns, let ifNotExists): try add(columns, to: table, ifNotExists: ifNotExists)
        case .drop(let names, let ifExists): try drop(names, from: table, ifExists: ifExists)
        case .rename(let names): try rename(names, in: table)
        case .with(let properties):
            let merged = table.properties.merging(try TableProperties.checked(properties)) { $1 }
            put(table.changed(properties: merged))
        }
        guard isChanged else { return .void }
        return .schemaChange(SchemaChange(.updated, keyspace: table.keyspace, target: .table(table.name)))
    }

    private mutating func add(_ added: [TableDefinition.Column], to table: Table, ifNotExists: Bool) throws(CQLError) {
        var columns = table.columns
        var next = table.nextColumnID
        for column in added {
            if columns.contains(where: { $0.name == column.name }) {
                if ifNotExists { continue }
                throw .invalid("Column with name '\(column.name)' already exists")
            }
            // Cassandra's TableMetadata.validate.
            let other = columns.first { $0.kind == .regular || $0.kind == .static }
            if let other, (other.type == .counter) != (column.type == .counter) {
                let (kind, tableKind) = column.type == .counter ? ("counter", "non counter") : ("non counter", "counter")
                throw .configError(
                    "\(table.keyspace).\(table.name): Cannot have a \(kind) column (\"\(column.name)\") in a \(tableKind) table")
            }
            if column.isStatic, table.clusteringKey.isEmpty {
                throw .invalid("Static columns are only useful (and thus allowed) if the table has at least one clustering column")
            }
            if let dropped = table.droppedColumns.first(where: { $0.name == column.name }), dropped.type.unfrozen != column.type.unfrozen {
                throw .invalid(
                    "Cannot re-add previously dropped column '\(column.name)' of type \(column.type), incompatible with previous type \(dropped.type)"
                )
            }
            try TableLayout.check(column.name)
            try TableLayout.check(column.type, of: column.name)
            columns.append(
                Column(
                    id: next, name: column.name, type: column.type, kind: column.isStatic ? .static : .regular, position: -1,
                    isDescending: false))
            next += 1
        }
        guard next != table.nextColumnID else { return }
        try TableLayout.check(count: columns.count, of: table.name)
        put(table.changed(columns: columns, nextColumnID: next))
    }

    private mutating func drop(_ names: [String], from table: Table, ifExists: Bool) throws(CQLError) {
        var columns = table.columns
        var dropped = table.droppedColumns
        for name in names {
            guard let column = table.column(name) else {
                if ifExists { continue }
                throw .invalid("Column \(name) was not found in table '\(table.keyspace).\(table.name)'")
            }
            guard column.kind != .partitionKey, column.kind != .clustering else {
                throw .invalid("Cannot drop PRIMARY KEY column \(name)")
            }
            columns.removeAll { $0.name == name }
            dropped.removeAll { $0.name == name }
            dropped.append(.init(name: name, type: column.type, kind: column.kind, droppedAt: clock.microseconds() / 1_000))
        }
        guard columns.count != table.columns.count else { return }
        guard dropped.count <= TableLayout.droppedMax else {
            throw .invalid(
                "Table '\(table.name)' has dropped \(TableLayout.droppedMax) columns, which is the most that it keeps in mind: make a new one"
            )
        }
        put(table.changed(columns: columns, droppedColumns: dropped))
    }

    private mutating func rename(_ names: [(from: String, to: String)], in table: Table) throws(CQLError) {
        var columns = table.columns
        for (from, to) in names {
            guard let index = columns.firstIndex(where: { $0.name == from }) else {
                throw .invalid("Column \(from) was not found in table '\(table.keyspace).\(table.name)'")
            }
            guard columns[index].kind == .partitionKey || columns[index].kind == .clustering else {
                throw .invalid("Cannot rename non PRIMARY KEY column \(from)")
            }
            guard !columns.contains(where: { $0.name == to }) else {
                throw .invalid(
                    "Cannot rename column \(from) to \(to) in table '\(table.keyspace).\(table.name)'; another column with that name already exists"
                )
            }
            try TableLayout.check(to)
            columns[index].name = to
        }
        put(table.changed(columns: columns))
    }
}
