/// The `system`, `system_schema` and `system_virtual_schema` tables that drivers and cqlsh read, made from the schema when they are read.
struct SystemTables {
    private let node: NodeDescription

    init(node: NodeDescription) { self.node = node }

    private static let local = ["class": "org.apache.cassandra.locator.LocalStrategy"]

    var keyspaces: [Schema.Keyspace] {
        [
            keyspace("system", [systemLocal, peers, peersV2, sizeEstimates, availableRanges, builtViews]),
            keyspace(
                "system_schema",
                [schemaKeyspaces, schemaTables, schemaColumns, droppedColumns, types, functions, aggregates, triggers, indexes, views]),
            keyspace("system_virtual_schema", [virtualKeyspaces, virtualTables, virtualColumns], isVirtual: true),
        ]
    }

    private func keyspace(_ name: String, _ definitions: [Definition], isVirtual: Bool = false) -> Schema.Keyspace {
        var tables: [String: Table] = [:]
        for (index, definition) in definitions.enumerated() {
            tables[definition.name] = definition.table(keyspace: name, number: UInt64(index))
        }
        return Schema.Keyspace(
            name: name, replication: isVirtual ? [:] : Self.local, isDurable: true, tables: tables, isVirtual: isVirtual, isSystem: true)
    }

    /// A table by its columns; rows by name.
    struct Definition {
        let name: String
        /// How many of the columns are the partition key, and how many more the clustering key.
        let partitionCount: Int
        let clusteringCount: Int
        let columns: [(String, String)]
        let rows: @Sendable (Schema) -> [[String: CQLValue]]

        init(
            _ name: String, _ partitionCount: Int, _ clusteringCount: Int, _ columns: [(String, String)],
            rows: @escaping @Sendable (Schema) -> [[String: CQLValue]] = { _ in [] }
        ) {
            self.name = name
            self.partitionCount = partitionCount
            self.clusteringCount = clusteringCount
            self.columns = columns
            self.rows = rows
        }

        func table(keyspace: String, number: UInt64) -> Table {
            var list: [Column] = []
            for (index, (column, type)) in columns.enumerated() {
                let kind: Column.Kind =
                    index < partitionCount ? .partitionKey : index < partitionCount + clusteringCount ? .clustering : .regular
                let position = kind == .regular ? -1 : index - (kind == .clustering ? partitionCount : 0)
                guard let type = try? CQLType(parsing: type) else { continue }
                list.append(
                    Column(id: UInt32(index) + 1, name: column, type: type, kind: kind, position: position, isDescending: false))
            }
            var digest = MD5()
            digest.update(keyspace + "." + name)
            let bytes = digest.finished()
            let word = { (range: Range<Int>) in bytes[range].reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
            let id = CQLUUID(high: word(0..<8) & ~0xF000 | 0x3000, low: word(8..<16) & ~(0xC000 << 48) | 0x8000 << 48)
            let rows = rows
            // The order of the table's columns is that of `SELECT *`, which need not be that of the definition.
            let names = Table(
                keyspace: keyspace, name: name, id: id, storageID: 0, columns: list, nextColumnID: UInt32(list.count) + 1
            ).columns.map(\.name)
            return Table(
                keyspace: keyspace, name: name, id: id, storageID: 0, columns: list, nextColumnID: UInt32(list.count) + 1,
                virtual: VirtualTable { schema in rows(schema).map { row in names.map { row[$0] ?? .null } } })
        }
    }

    // MARK: system

    private var systemLocal: Definition {
        let node = node
        return Definition(
            "local", 1, 0,
            [
                ("key", "text"), ("bootstrapped", "text"), ("broadcast_address", "inet"), ("broadcast_port", "int"),
                ("cluster_name", "text"), ("cql_version", "text"), ("data_center", "text"), ("gossip_generation", "int"),
                ("host_id", "uuid"), ("listen_address", "inet"), ("listen_port", "int"), ("native_protocol_version", "text"),
                ("partitioner", "text"), ("rack", "text"), ("release_version", "text"), ("rpc_address", "inet"), ("rpc_port", "int"),
                ("schema_version", "uuid"), ("tokens", "set<text>"), ("truncated_at", "map<uuid, blob>"),
            ]
        ) { schema in
            [
                [
                    "key": .text("local"), "bootstrapped": .text("COMPLETED"), "broadcast_address": .inet(node.address),
                    "broadcast_port": .int(7_000), "cluster_name": .text(node.cluster), "cql_version": .text(NodeDescription.cqlVersion),
                    "data_center": .text(node.dataCenter), "gossip_generation": .int(1), "host_id": .uuid(node.hostID),
                    "listen_address": .inet(node.listenAddress), "listen_port": .int(7_000), "native_protocol_version": .text("5"),
                    "partitioner": .text(NodeDescription.partitioner), "rack": .text(node.rack),
                    "release_version": .text(NodeDescription.releaseVersion), "rpc_address": .inet(node.address),
                    "rpc_port": .int(Int32(node.port)), "schema_version": .uuid(schema.version),
                    "tokens": .set([.text(NodeDescription.token)]),
                ]
            ]
        }
    }

    private var peers: Definition {
        Definition(
            "peers", 1, 0,
            [
                ("peer", "inet"), ("data_center", "text"), ("host_id", "uuid"), ("preferred_ip", "inet"), ("rack", "text"),
                ("release_version", "text"), ("rpc_address", "inet"), ("schema_version", "uuid"), ("tokens", "set<text>"),
            ])
    }

    private var peersV2: Definition {
        Definition(
            "peers_v2", 1, 1,
            [
                ("peer", "inet"), ("peer_port", "int"), ("data_center", "text"), ("host_id", "uuid"), ("native_address", "inet"),
                ("native_port", "int"), ("preferred_ip", "inet"), ("preferred_port", "int"), ("rack", "text"), ("release_version", "text"),
                ("schema_version", "uuid"), ("tokens", "set<text>"),
            ])
    }

    private var sizeEstimates: Definition {
        Definition(
            "size_estimates", 1, 3,
            [
                ("keyspace_name", "text"), ("table_name", "text"), ("range_start", "text"), ("range_end", "text"),
                ("mean_partition_size", "bigint"), ("partitions_count", "bigint"),
            ])
    }

    private var availableRanges: Definition {
        Definition(
            "available_ranges_v2", 1, 0, [("keyspace_name", "text"), ("full_ranges", "set<blob>"), ("transient_ranges", "set<blob>")])
    }

    private var builtViews: Definition {
        Definition("built_views", 1, 1, [("keyspace_name", "text"), ("view_name", "text"), ("status_replicated", "boolean")])
    }

    // MARK: system_schema

    private static func texts(_ map: [String: String]) -> CQLValue {
        .map(map.sorted { $0.key < $1.key }.map { .init(.text($0.key), .text($0.value)) })
    }

    private var schemaKeyspaces: Definition {
        Definition(
            "keyspaces", 1, 0, [("keyspace_name", "text"), ("durable_writes", "boolean"), ("replication", "frozen<map<text, text>>")]
        ) { schema in
            schema.allKeyspaces.filter { !$0.isVirtual }.map { keyspace in
                [
                    "keyspace_name": .text(keyspace.name), "durable_writes": .boolean(keyspace.isDurable),
                    "replication": Self.texts(keyspace.replication),
                ]
            }
        }
    }

    private static func tables(_ schema: Schema, isVirtual: Bool = false) -> [Table] {
        schema.allKeyspaces.filter { $0.isVirtual == isVirtual }.flatMap { $0.tables.values.sorted { $0.name < $1.name } }
    }

    /// What `tables` and `views` tell alike: drivers read the same options from both.
    private static let tableOptions = [
        ("additional_write_policy", "text"), ("bloom_filter_fp_chance", "double"), ("caching", "frozen<map<text, text>>"),
        ("cdc", "boolean"), ("comment", "text"), ("compaction", "frozen<map<text, text>>"), ("compression", "frozen<map<text, text>>"),
        ("crc_check_chance", "double"), ("dclocal_read_repair_chance", "double"), ("default_time_to_live", "int"),
        ("extensions", "frozen<map<text, blob>>"), ("gc_grace_seconds", "int"), ("id", "uuid"), ("max_index_interval", "int"),
        ("memtable_flush_period_in_ms", "int"), ("min_index_interval", "int"), ("read_repair", "text"), ("read_repair_chance", "double"),
        ("speculative_retry", "text"),
    ]

    private var schemaTables: Definition {
        Definition(
            "tables", 1, 1,
            [("keyspace_name", "text"), ("table_name", "text"), ("flags", "frozen<set<text>>")] + Self.tableOptions
        ) { schema in
            Self.tables(schema).map { table in
                var row: [String: CQLValue] = [
                    "keyspace_name": .text(table.keyspace), "table_name": .text(table.name), "id": .uuid(table.id),
                    "flags": .set([.text("compound")]), "dclocal_read_repair_chance": .double(0), "read_repair_chance": .double(0),
                ]
                if table.columns.contains(where: { $0.type == .counter }) { row["flags"] = .set([.text("compound"), .text("counter")]) }
                for (name, kind, _) in TableProperties.known {
                    let value = TableProperties.value(name, of: table)
                    switch kind {
                    case .text: row[name] = .text(value.text ?? "")
                    case .integer: row[name] = .int(value.text.flatMap { Int32($0) } ?? 0)
                    case .real: row[name] = .double(value.text.flatMap(Double.init) ?? 0)
                    case .boolean: row[name] = .boolean(value.text == "true")
                    case .map: row[name] = name == "extensions" ? .map([]) : Self.texts(value.map ?? [:])
                    }
                }
                return row
            }
        }
    }

    private static let columnColumns = [
        ("keyspace_name", "text"), ("table_name", "text"), ("column_name", "text"), ("clustering_order", "text"),
        ("column_name_bytes", "blob"), ("kind", "text"), ("position", "int"), ("type", "text"),
    ]

    private static func columns(_ tables: [Table]) -> [[String: CQLValue]] {
        tables.flatMap { table in
            table.columns.sorted { $0.name < $1.name }.map { column in
                [
                    "keyspace_name": .text(table.keyspace), "table_name": .text(table.name), "column_name": .text(column.name),
                    "clustering_order": .text(column.kind == .clustering ? (column.isDescending ? "desc" : "asc") : "none"),
                    "column_name_bytes": .blob(Array(column.name.utf8)), "kind": .text(column.kind.rawValue),
                    "position": .int(Int32(column.position)), "type": .text(column.type.description),
                ]
            }
        }
    }

    private var schemaColumns: Definition {
        Definition("columns", 1, 2, Self.columnColumns) { schema in Self.columns(Self.tables(schema)) }
    }

    private var droppedColumns: Definition {
        Definition(
            "dropped_columns", 1, 2,
            [
                ("keyspace_name", "text"), ("table_name", "text"), ("column_name", "text"), ("dropped_time", "timestamp"), ("kind", "text"),
                ("type", "text"),
            ]
        ) { schema in
            Self.tables(schema).flatMap { table in
                table.droppedColumns.map { column in
                    [
                        "keyspace_name": .text(table.keyspace), "table_name": .text(table.name), "column_name": .text(column.name),
                        "dropped_time": .timestamp(column.droppedAt), "kind": .text(column.kind.rawValue),
                        "type": .text(column.type.description),
                    ]
                }
            }
        }
    }

    private var types: Definition {
        Definition(
            "types", 1, 1,
            [
                ("keyspace_name", "text"), ("type_name", "text"), ("field_names", "frozen<list<text>>"),
                ("field_types", "frozen<list<text>>"),
            ])
    }

    private var functions: Definition {
        Definition(
            "functions", 1, 2,
            [
                ("keyspace_name", "text"), ("function_name", "text"), ("argument_types", "frozen<list<text>>"),
                ("argument_names", "frozen<list<text>>"), ("body", "text"), ("called_on_null_input", "boolean"), ("language", "text"),
                ("return_type", "text"),
            ])
    }

    private var aggregates: Definition {
        Definition(
            "aggregates", 1, 2,
            [
                ("keyspace_name", "text"), ("aggregate_name", "text"), ("argument_types", "frozen<list<text>>"), ("final_func", "text"),
                ("initcond", "text"), ("return_type", "text"), ("state_func", "text"), ("state_type", "text"),
            ])
    }

    private var triggers: Definition {
        Definition(
            "triggers", 1, 2,
            [("keyspace_name", "text"), ("table_name", "text"), ("trigger_name", "text"), ("options", "frozen<map<text, text>>")])
    }

    private var indexes: Definition {
        Definition(
            "indexes", 1, 2,
            [
                ("keyspace_name", "text"), ("table_name", "text"), ("index_name", "text"), ("kind", "text"),
                ("options", "frozen<map<text, text>>"),
            ])
    }

    private var views: Definition {
        Definition(
            "views", 1, 1,
            [
                ("keyspace_name", "text"), ("view_name", "text"), ("base_table_id", "uuid"), ("base_table_name", "text"),
                ("include_all_columns", "boolean"), ("where_clause", "text"),
            ] + Self.tableOptions)
    }

    // MARK: system_virtual_schema

    private var virtualKeyspaces: Definition {
        Definition("keyspaces", 1, 0, [("keyspace_name", "text")]) { schema in
            schema.allKeyspaces.filter(\.isVirtual).map { ["keyspace_name": .text($0.name)] }
        }
    }

    private var virtualTables: Definition {
        Definition("tables", 1, 1, [("keyspace_name", "text"), ("table_name", "text"), ("comment", "text")]) { schema in
            Self.tables(schema, isVirtual: true).map {
                ["keyspace_name": .text($0.keyspace), "table_name": .text($0.name), "comment": .text("")]
            }
        }
    }

    private var virtualColumns: Definition {
        Definition("columns", 1, 2, Self.columnColumns) { schema in Self.columns(Self.tables(schema, isVirtual: true)) }
    }
}
