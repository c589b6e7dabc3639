internal import Synchronization

/// A column of a table.
struct Column: Sendable, Hashable {
    enum Kind: String, Sendable {
        case partitionKey = "partition_key"
        case clustering
        case regular
        case `static`
    }

    /// Stands for the column in stored rows; never given out twice in a table, so that a dropped column's cells stay dropped.
    let id: UInt32
    var name: String
    let type: CQLType
    let kind: Kind
    /// Within the partition or clustering key; -1 for other columns.
    let position: Int
    let isDescending: Bool

    /// A collection whose elements are cells of their own.
    var isMultiCell: Bool { !type.isFrozen && type.isCollection }
}

/// A table as of one schema version. Immutable but for ``marks``, hence `Sendable`.
final class Table: Sendable {
    let keyspace: String
    let name: String
    let id: CQLUUID
    /// The first four bytes of every key of the table. A truncated table gets another, and the old range is deleted.
    let storageID: UInt32
    /// In Cassandra's order for `SELECT *`: partition key, clustering, then static and regular ones by name.
    let columns: [Column]
    let nextColumnID: UInt32
    let properties: [String: PropertyValue]
    let droppedColumns: [DroppedColumn]

    let partitionKey: [Column]
    let clusteringKey: [Column]
    let indices: [String: Int]
    let gcGraceSeconds: UInt32
    let defaultTTL: Int32
    let hasStatics: Bool
    let isCounter: Bool
    /// What a reader must know before it trusts a row alone; shared by all versions of the table.
    let marks: TableMarks
    /// The rows of a table that is made up when read.
    let virtual: VirtualTable?
    let readIndex: ReadIndex

    /// What readers of rows look up: made once a table.
    struct ReadIndex: Sendable {
        /// Index into the table's columns by column id; -1 for dropped columns and those of the key.
        let indexOfID: [Int16]
        let clusteringEncodings: [OrderedEncoding]
    }

    struct DroppedColumn: Sendable, Hashable {
        let name: String
        let type: CQLType
        let kind: Column.Kind
        let droppedAt: Int64
    }

    init(
        keyspace: String, name: String, id: CQLUUID, storageID: UInt32, columns: [Column], nextColumnID: UInt32,
        properties: [String: PropertyValue] = [:], droppedColumns: [DroppedColumn] = [], marks: TableMarks = TableMarks(),
        virtual: VirtualTable? = nil
    ) {
        self.keyspace = keyspace
        self.name = name
        self.id = id
        self.storageID = storageID
        let partitionKey = columns.filter { $0.kind == .partitionKey }.sorted { $0.position < $1.position }
        let clusteringKey = columns.filter { $0.kind == .clustering }.sorted { $0.position < $1.position }
        let statics = columns.filter { $0.kind == .static }.sorted { $0.name < $1.name }
        let regulars = columns.filter { $0.kind == .regular }.sorted { $0.name < $1.name }
        self.columns = partitionKey + clusteringKey + statics + regulars
        self.nextColumnID = nextColumnID
        self.properties = properties
        self.droppedColumns = droppedColumns
        self.partitionKey = partitionKey
        self.clusteringKey = clusteringKey
        indices = Dictionary(uniqueKeysWithValues: self.columns.enumerated().map { ($1.name, $0) })
        gcGraceSeconds = properties["gc_grace_seconds"]?.text.flatMap { UInt32($0) } ?? 864_000
        defaultTTL = properties["default_time_to_live"]?.text.flatMap { Int32($0) } ?? 0
        hasStatics = !statics.isEmpty
        isCounter = (statics + regulars).contains { $0.type == .counter }
        self.marks = marks
        self.virtual = virtual
        var indexOfID = [Int16](repeating: -1, count: Int(nextColumnID))
        for (index, column) in self.columns.enumerated() where column.kind == .regular || column.kind == .static {
            indexOfID[Int(column.id)] = Int16(index)
        }
        readIndex = ReadIndex(indexOfID: indexOfID, clusteringEncodings: clusteringKey.compactMap { try? OrderedEncoding($0.type) })
    }

    func column(_ name: String) -> Column? { indices[name].map { columns[$0] } }

    func specification(_ column: Column) -> ColumnSpecification {
        ColumnSpecification(keyspace: keyspace, table: self.name, name: column.name, type: column.type)
    }

    /// The same table with some parts changed.
    func changed(
        columns: [Column]? = nil, nextColumnID: UInt32? = nil, properties: [String: PropertyValue]? = nil,
        droppedColumns: [DroppedColumn]? = nil, storageID: UInt32? = nil
    ) -> Table {
        Table(
            keyspace: keyspace, name: name, id: id, storageID: storageID ?? self.storageID, columns: columns ?? self.columns,
            nextColumnID: nextColumnID ?? self.nextColumnID, properties: properties ?? self.properties,
            droppedColumns: droppedColumns ?? self.droppedColumns, marks: storageID == nil ? marks : TableMarks())
    }
}

/// Whether any partition of a table has a head (a deletion of the partition or of a range, static columns): until one does, a reader
/// of one row needs no second look-up. Set before the first such write is applied, and kept with the schema.
final class TableMarks: Sendable {
    private let flag: Atomic<Bool>

    init(hasPartitionHeads: Bool = false) { flag = Atomic(hasPartitionHeads) }

    var hasPartitionHeads: Bool { flag.load(ordering: .acquiring) }

    /// True for the caller that set it first.
    func setPartitionHeads() -> Bool { !flag.exchange(true, ordering: .acquiringAndReleasing) }
}

/// The rows of a `system` table, made when it is read: one value a column, in the table's column order.
struct VirtualTable: Sendable {
    let rows: @Sendable (Schema) -> [[CQLValue]]
}
