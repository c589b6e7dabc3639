package import NIOCore

/// RESULT, as a client reads it: v5, section 4.2.5.
package enum ResultMessage: Sendable {
    case void
    case rows(Rows)
    case setKeyspace(String)
    case prepared(Prepared)
    case schemaChange(SchemaChange)

    package struct Rows: Sendable {
        /// Nil where the server was asked to leave them out.
        package var columns: [ColumnSpecification]?
        package var columnCount: Int
        package var pagingState: ByteBuffer?
        /// v5: set when the metadata has changed since the statement was prepared.
        package var newMetadataID: [UInt8]?
        package var rowCount: Int
        package var content: ByteBuffer
    }

    /// v4 adds the partition key's indices, v5 the result metadata's id.
    package struct Prepared: Sendable {
        package var id: PreparedID
        package var resultMetadataID: [UInt8]?
        package var bindColumns: [ColumnSpecification]
        package var partitionKeyIndices: [UInt16]
        /// Empty for statements that give no rows.
        package var resultColumns: [ColumnSpecification]
    }

    struct Flags: OptionSet {
        let rawValue: UInt32
        static let globalTable = Flags(rawValue: 0x01)
        static let hasMorePages = Flags(rawValue: 0x02)
        static let noMetadata = Flags(rawValue: 0x04)
        static let metadataChanged = Flags(rawValue: 0x08)
    }

    init(from body: inout ByteBuffer, version: ProtocolVersion) throws(CQLError) {
        let kind = try body.readCQLInteger(Int32.self, "result kind")
        switch kind {
        case 1: self = .void
        case 2: self = .rows(try Rows(from: &body, version: version))
        case 3: self = .setKeyspace(try body.readCQLString("keyspace"))
        case 4: self = .prepared(try Prepared(from: &body, version: version))
        case 5: self = .schemaChange(try SchemaChange(from: &body))
        default: throw .protocolError("unknown kind of RESULT \(kind)")
        }
    }

    static func writeVoid(to body: inout ByteBuffer) { body.writeInteger(Int32(1)) }

    static func writeSetKeyspace(_ keyspace: String, to body: inout ByteBuffer) {
        body.writeInteger(Int32(3))
        body.writeCQLString(keyspace)
    }

    static func writeSchemaChange(_ change: SchemaChange, to body: inout ByteBuffer) {
        body.writeInteger(Int32(5))
        change.write(to: &body)
    }

    /// - Parameters:
    ///   - skipsMetadata: the client asked to leave the columns out.
    ///   - clientMetadataID: v5: what the client holds; when it is not the rows', the columns are sent all the same.
    static func writeRows(
        _ rows: ResultRows, skipsMetadata: Bool, clientMetadataID: [UInt8]?, to body: inout ByteBuffer, version: ProtocolVersion
    ) {
        body.writeInteger(Int32(2))
        let hasChanged = version >= .v5 && clientMetadataID.map { $0 != rows.metadata.id } ?? false
        var flags: Flags = []
        if rows.pagingState != nil { flags.insert(.hasMorePages) }
        if hasChanged { flags.insert(.metadataChanged) }
        let writesColumns = !skipsMetadata || hasChanged
        if !writesColumns {
            flags.insert(.noMetadata)
        } else if rows.metadata.hasGlobalTable {
            flags.insert(.globalTable)
        }
        body.writeInteger(flags.rawValue)
        body.writeInteger(Int32(rows.metadata.columns.count))
        if let pagingState = rows.pagingState { body.writeCQLBytes(pagingState) }
        if hasChanged { body.writeCQLShortBytes(rows.metadata.id) }
        if writesColumns { body.writeImmutableBuffer(rows.metadata.encoded(version)) }
        body.writeInteger(Int32(rows.rowCount))
        body.writeImmutableBuffer(rows.content)
    }

    static func writePrepared(
        id: PreparedID, bindColumns: [ColumnSpecification], partitionKeyIndices: [UInt16], result: ResultMetadata?,
        to body: inout ByteBuffer,
        version: ProtocolVersion
    ) {
        body.writeInteger(Int32(4))
        id.write(to: &body)
        if version >= .v5 { body.writeCQLShortBytes((result ?? .empty).id) }
        let binds = ResultMetadata(bindColumns)
        body.writeInteger(binds.hasGlobalTable ? Flags.globalTable.rawValue : 0)
        body.writeInteger(Int32(bindColumns.count))
        if version >= .v4 {
            body.writeInteger(Int32(partitionKeyIndices.count))
            for index in partitionKeyIndices { body.writeInteger(index) }
        }
        body.writeImmutableBuffer(binds.encoded(version))
        guard let result, !result.columns.isEmpty else {
            body.writeInteger(Flags.noMetadata.rawValue)
            body.writeInteger(Int32(0))
            return
        }
        body.writeInteger(result.hasGlobalTable ? Flags.globalTable.rawValue : 0)
        body.writeInteger(Int32(result.columns.count))
        body.writeImmutableBuffer(result.encoded(version))
    }
}

extension ResultMessage.Rows {
    init(from body: inout ByteBuffer, version: ProtocolVersion) throws(CQLError) {
        let flags = ResultMessage.Flags(rawValue: try body.readCQLInteger(UInt32.self, "flags"))
        columnCount = Int(try body.readCQLInteger(Int32.self, "column count"))
        guard columnCount >= 0 else { throw .protocolError("\(columnCount) columns") }
        if flags.contains(.hasMorePages) { pagingState = try body.readCQLBytes("paging state") }
        if version >= .v5, flags.contains(.metadataChanged) {
            newMetadataID = Array(try body.readCQLShortBytes("metadata id").readableBytesView)
        }
        if !flags.contains(.noMetadata) {
            columns = try ResultMetadata.readColumns(count: columnCount, hasGlobalTable: flags.contains(.globalTable), from: &body)
        }
        rowCount = Int(try body.readCQLInteger(Int32.self, "row count"))
        guard rowCount >= 0 else { throw .protocolError("\(rowCount) rows") }
        content = body
    }

    /// Decodes every cell.
    ///
    /// - Parameter known: the columns from the preparation, for results without.
    package func decoded(known: [ColumnSpecification]? = nil) throws(CQLError) -> [[CQLValue]] {
        guard let columns = columns ?? known, columns.count == columnCount else {
            throw .protocolError("rows of \(columnCount) columns without a description of them")
        }
        var body = content
        var rows: [[CQLValue]] = []
        rows.reserveCapacity(min(rowCount, body.readableBytes / max(4, columnCount * 4)))
        for _ in 0..<rowCount {
            guard columnCount == 0 || body.readableBytes > 0 else { throw .truncated("rows") }
            var row: [CQLValue] = []
            row.reserveCapacity(columnCount)
            for column in columns { row.append(try CQLValue(bytes: try body.readCQLBytes("cell"), type: column.type)) }
            rows.append(row)
        }
        return rows
    }
}

extension ResultMessage.Prepared {
    init(from body: inout ByteBuffer, version: ProtocolVersion) throws(CQLError) {
        id = try PreparedID.read(from: &body)
        if version >= .v5 { resultMetadataID = Array(try body.readCQLShortBytes("result metadata id").readableBytesView) }
        let flags = ResultMessage.Flags(rawValue: try body.readCQLInteger(UInt32.self, "flags"))
        let count = Int(try body.readCQLInteger(Int32.self, "marker count"))
        guard (0...65_535).contains(count) else { throw .protocolError("\(count) markers") }
        partitionKeyIndices = []
        if version >= .v4 {
            let indices = try body.readCQLInteger(Int32.self, "partition key indices")
            guard (0...65_535).contains(indices) else { throw .protocolError("\(indices) partition key indices") }
            for _ in 0..<indices { partitionKeyIndices.append(try body.readCQLInteger(UInt16.self, "partition key index")) }
        }
        bindColumns = try ResultMetadata.readColumns(count: count, hasGlobalTable: flags.contains(.globalTable) && count > 0, from: &body)
        let resultFlags = ResultMessage.Flags(rawValue: try body.readCQLInteger(UInt32.self, "flags"))
        let resultCount = Int(try body.readCQLInteger(Int32.self, "column count"))
        guard (0...65_535).contains(resultCount) else { throw .protocolError("\(resultCount) columns") }
        resultColumns =
            resultFlags.contains(.noMetadata) || resultCount == 0
            ? [] : try ResultMetadata.readColumns(count: resultCount, hasGlobalTable: resultFlags.contains(.globalTable), from: &body)
    }
}
