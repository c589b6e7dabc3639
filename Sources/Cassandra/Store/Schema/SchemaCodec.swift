internal import NIOCore

/// The schema's form on disk, under table id 0: one entry a keyspace, one a table.
///
///     0x00000000 'k' name                  -> replication, durability
///     0x00000000 't' keyspace 0x00 table   -> ids, columns, properties
///     0x00000000 'h' storage id            -> present when partitions of the table have heads
///     0x00000000 'n'                       -> the next storage id
///     0x00000000 'c'                       -> what `system.local` tells of this node: host id
enum SchemaCodec {
    static let prefix: [UInt8] = [0, 0, 0, 0]

    static func keyspaceKey(_ name: String) -> [UInt8] { prefix + [0x6B] + Array(name.utf8) }
    static func tableKey(_ keyspace: String, _ table: String) -> [UInt8] {
        prefix + [0x74] + Array(keyspace.utf8) + [0] + Array(table.utf8)
    }
    static func headsKey(_ storageID: UInt32) -> [UInt8] { prefix + [0x68] + storageID.bigEndianBytes }
    static let nextIDKey: [UInt8] = prefix + [0x6E]
    static let hostKey: [UInt8] = prefix + [0x63]

    static func encode(_ keyspace: Schema.Keyspace) -> [UInt8] {
        var buffer = ByteBuffer()
        buffer.writeCQLString(keyspace.name)
        buffer.writeCQLStringMap(keyspace.replication)
        buffer.writeInteger(UInt8(keyspace.isDurable ? 1 : 0))
        return Array(buffer.readableBytesView)
    }

    static func decodeKeyspace(_ bytes: [UInt8]) throws(CQLError) -> Schema.Keyspace {
        var buffer = ByteBuffer(bytes: bytes)
        let name = try buffer.readCQLString("keyspace")
        let replication = try buffer.readCQLStringMap("replication")
        let isDurable = try buffer.readCQLInteger(UInt8.self, "durable_writes") == 1
        return Schema.Keyspace(name: name, replication: replication, isDurable: isDurable, tables: [:])
    }

    static func encode(_ table: Table) -> [UInt8] {
        var buffer = ByteBuffer()
        buffer.writeCQLString(table.keyspace)
        buffer.writeCQLString(table.name)
        buffer.writeInteger(table.id.high)
        buffer.writeInteger(table.id.low)
        buffer.writeInteger(table.storageID)
        buffer.writeInteger(table.nextColumnID)
        buffer.writeInteger(UInt16(table.columns.count))
        for column in table.columns {
            buffer.writeInteger(column.id)
            buffer.writeCQLString(column.name)
            buffer.writeCQLString(column.type.description)
            buffer.writeCQLString(column.kind.rawValue)
            buffer.writeInteger(Int16(column.position))
            buffer.writeInteger(UInt8(column.isDescending ? 1 : 0))
        }
        buffer.writeInteger(UInt16(table.properties.count))
        for (key, value) in table.properties.sorted(by: { $0.key < $1.key }) {
            buffer.writeCQLString(key)
            switch value {
            case .text(let text):
                buffer.writeInteger(UInt8(0))
                buffer.writeCQLString(text)
            case .map(let map):
                buffer.writeInteger(UInt8(1))
                buffer.writeCQLStringMap(map)
            }
        }
        buffer.writeInteger(UInt16(table.droppedColumns.count))
        for column in table.droppedColumns {
            buffer.writeCQLString(column.name)
            buffer.writeCQLString(column.type.description)
            buffer.writeCQLString(column.kind.rawValue)
            buffer.writeInteger(column.droppedAt)
        }
        return Array(buffer.readableBytesView)
    }

    static func decodeTable(_ bytes: [UInt8], hasHeads: (UInt32) -> Bool) throws(CQLError) -> Table {
        var buffer = ByteBuffer(bytes: bytes)
        let keyspace = try buffer.readCQLString("keyspace")
        let name = try buffer.readCQLString("table")
        let high = try buffer.readCQLInteger(UInt64.self, "id")
        let id = CQLUUID(high: high, low: try buffer.readCQLInteger(UInt64.self, "id"))
        let storageID = try buffer.readCQLInteger(UInt32.self, "storage id")
        let nextColumnID = try buffer.readCQLInteger(UInt32.self, "next column id")
        var columns: [Column] = []
        for _ in 0..<(try buffer.readCQLInteger(UInt16.self, "columns")) {
            let columnID = try buffer.readCQLInteger(UInt32.self, "column id")
            let columnName = try buffer.readCQLString("column")
            let type = try CQLType(parsing: try buffer.readCQLString("type"))
            let kind = Column.Kind(rawValue: try buffer.readCQLString("kind")) ?? .regular
            let position = try buffer.readCQLInteger(Int16.self, "position")
            let isDescending = try buffer.readCQLInteger(UInt8.self, "order") == 1
            columns.append(
                Column(id: columnID, name: columnName, type: type, kind: kind, position: Int(position), isDescending: isDescending))
        }
        var properties: [String: PropertyValue] = [:]
        for _ in 0..<(try buffer.readCQLInteger(UInt16.self, "properties")) {
            let key = try buffer.readCQLString("property")
            properties[key] =
                try buffer.readCQLInteger(UInt8.self, "property") == 0
                ? .text(try buffer.readCQLString("property")) : .map(try buffer.readCQLStringMap("property"))
        }
        var dropped: [Table.DroppedColumn] = []
        for _ in 0..<(try buffer.readCQLInteger(UInt16.self, "dropped columns")) {
            let droppedName = try buffer.readCQLString("column")
            let type = try CQLType(parsing: try buffer.readCQLString("type"))
            let kind = Column.Kind(rawValue: try buffer.readCQLString("kind")) ?? .regular
            dropped.append(
                .init(name: droppedName, type: type, kind: kind, droppedAt: try buffer.readCQLInteger(Int64.self, "dropped at")))
        }
        return Table(
            keyspace: keyspace, name: name, id: id, storageID: storageID, columns: columns, nextColumnID: nextColumnID,
            properties: properties, droppedColumns: dropped, marks: TableMarks(hasPartitionHeads: hasHeads(storageID)))
    }
}

extension UInt32 {
    var bigEndianBytes: [UInt8] {
        [
            UInt8(truncatingIfNeeded: self >> 24), UInt8(truncatingIfNeeded: self >> 16), UInt8(truncatingIfNeeded: self >> 8),
            UInt8(truncatingIfNeeded: self),
        ]
    }
}
