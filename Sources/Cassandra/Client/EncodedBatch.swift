package import NIOCore

/// Rows of one prepared statement, written straight into the body of one UNLOGGED BATCH request.
///
/// Call ``beginRow()`` and then one `append` for each bind column, in order. It is sent as idempotent: an attempt whose outcome is not
/// known is repeated, which changes nothing where the statement sets its timestamp.
package struct EncodedBatch: Sendable {
    /// A BATCH counts its statements in a short.
    package static let rowsMax = 65_535

    package let statement: PreparedStatement
    package let consistency: Consistency
    /// In microseconds, for statements without USING TIMESTAMP.
    package var defaultTimestamp: Int64?
    package private(set) var rowCount = 0

    private var body: ByteBuffer
    /// The first row's values: where they begin and how long they are, for routing.
    private var firstRow: [BoundValues.Entry] = []
    private var valuesInRow: Int
    private let rowPrefix: ByteBuffer

    package init(_ statement: PreparedStatement, consistency: Consistency = .localQuorum, capacity: Int = 4_096) {
        self.statement = statement
        self.consistency = consistency
        body = ByteBufferAllocator().buffer(capacity: capacity)
        body.writeInteger(BatchKind.unlogged.rawValue)
        body.writeInteger(UInt16(0))
        var prefix = ByteBuffer()
        prefix.writeInteger(UInt8(1))
        statement.id.write(to: &prefix)
        prefix.writeInteger(UInt16(statement.bindColumns.count))
        rowPrefix = prefix
        valuesInRow = statement.bindColumns.count
    }

    package var byteCount: Int { body.readableBytes }
    package var isEmpty: Bool { rowCount == 0 }

    package mutating func beginRow() {
        precondition(valuesInRow == statement.bindColumns.count, "a row has one value for each marker of its statement")
        precondition(rowCount < Self.rowsMax, "a batch holds at most \(Self.rowsMax) rows")
        rowCount += 1
        valuesInRow = 0
        body.writeImmutableBuffer(rowPrefix)
    }

    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        note(length: bytes.count)
        body.writeInteger(Int32(bytes.count))
        body.writeBytes(bytes)
    }

    package mutating func append(_ bytes: ByteBuffer) {
        note(length: bytes.readableBytes)
        body.writeInteger(Int32(bytes.readableBytes))
        body.writeImmutableBuffer(bytes)
    }

    package mutating func append(utf8 text: String) {
        note(length: text.utf8.count)
        body.writeInteger(Int32(text.utf8.count))
        body.writeString(text)
    }

    package mutating func append(int8 value: Int8) { appendInteger(value) }
    package mutating func append(int16 value: Int16) { appendInteger(value) }
    package mutating func append(int32 value: Int32) { appendInteger(value) }
    package mutating func append(int64 value: Int64) { appendInteger(value) }
    package mutating func append(float value: Float) { appendInteger(value.bitPattern) }
    package mutating func append(double value: Double) { appendInteger(value.bitPattern) }
    package mutating func append(boolean value: Bool) { appendInteger(UInt8(value ? 1 : 0)) }

    package mutating func append(uuid value: CQLUUID) {
        note(length: 16)
        body.writeMultipleIntegers(Int32(16), value.high, value.low)
    }

    package mutating func appendNull() {
        note(length: -1)
        body.writeInteger(Int32(-1))
    }

    /// "Not set": the column keeps what it has.
    package mutating func appendUnset() {
        note(length: -2)
        body.writeInteger(Int32(-2))
    }

    /// - Throws: ``CQLError`` (Invalid) where the value does not fit the column; the row is then unfinished: go back with ``removeRows(since:)``.
    package mutating func append(_ value: CQLValue) throws(CQLError) {
        let type = statement.bindColumns[valuesInRow].type
        switch value {
        case .null: appendNull()
        case .unset: appendUnset()
        default: append(try value.bytes(as: type))
        }
    }

    /// Where the batch stands, to go back to when a row turns out bad halfway: take it before ``beginRow()``.
    package struct Mark: Sendable {
        fileprivate let writerIndex: Int
        fileprivate let rowCount: Int
    }

    package var mark: Mark { Mark(writerIndex: body.writerIndex, rowCount: rowCount) }

    package mutating func removeRows(since mark: Mark) {
        body.moveWriterIndex(to: mark.writerIndex)
        rowCount = mark.rowCount
        valuesInRow = statement.bindColumns.count
        if rowCount == 0 { firstRow.removeAll(keepingCapacity: true) }
    }

    package mutating func removeAll() {
        body.moveWriterIndex(to: body.readerIndex + 3)
        rowCount = 0
        valuesInRow = statement.bindColumns.count
        firstRow.removeAll(keepingCapacity: true)
    }

    private mutating func appendInteger(_ value: some FixedWidthInteger) {
        note(length: value.bitWidth / 8)
        body.writeInteger(Int32(value.bitWidth / 8))
        body.writeInteger(value)
    }

    private mutating func note(length: Int) {
        precondition(valuesInRow < statement.bindColumns.count, "a row has one value for each marker of its statement")
        valuesInRow += 1
        if rowCount == 1 {
            firstRow.append(BoundValues.Entry(start: Int32(body.writerIndex - body.readerIndex + 4), length: Int32(length)))
        }
    }

    /// The token of the first row, which the batch is routed by.
    package var token: Int64? {
        let indices = statement.partitionKeyIndices
        guard rowCount > 0, !indices.isEmpty else { return nil }
        var components: [ByteBuffer] = []
        for index in indices {
            let entry = firstRow[index]
            guard entry.length >= 0, let slice = body.getSlice(at: body.readerIndex + Int(entry.start), length: Int(entry.length)) else {
                return nil
            }
            components.append(slice)
        }
        return Murmur3Token.token(components: components)
    }

    /// The body of the request.
    func finished(_ version: ProtocolVersion) -> ByteBuffer {
        precondition(valuesInRow == statement.bindColumns.count, "a row has one value for each marker of its statement")
        var whole = body
        whole.setInteger(UInt16(rowCount), at: whole.readerIndex + 1)
        let request = StatementRequest(consistency: consistency, defaultTimestamp: defaultTimestamp)
        Batch.writeTrailer(request, to: &whole, version: version)
        return whole
    }
}
