package import NIOCore

/// What a statement gave: the kinds of RESULT (v5, section 4.2.5) but for Prepared.
package enum StatementResult: Sendable {
    case void
    case rows(ResultRows)
    case setKeyspace(String)
    case schemaChange(SchemaChange)
}

/// One page of rows, encoded as the protocol wants them, so that the server only puts a header before them.
package struct ResultRows: Sendable {
    package var metadata: ResultMetadata
    package var rowCount: Int
    /// `rowCount` times the columns' `[bytes]`, as ``RowsWriter`` makes them.
    package var content: ByteBuffer
    /// Nil on the last page.
    package var pagingState: ByteBuffer?
    package var warnings: [String]

    package init(metadata: ResultMetadata, rowCount: Int, content: ByteBuffer, pagingState: ByteBuffer? = nil, warnings: [String] = []) {
        self.metadata = metadata
        self.rowCount = rowCount
        self.content = content
        self.pagingState = pagingState
        self.warnings = warnings
    }
}

/// Encodes a page of rows: one call a cell, one a row.
package struct RowsWriter: Sendable {
    package private(set) var content: ByteBuffer
    package private(set) var rowCount = 0

    package init(capacity: Int = 0) {
        content = ByteBufferAllocator().buffer(capacity: capacity)
    }

    package var byteCount: Int { content.readableBytes }

    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        content.writeInteger(Int32(bytes.count))
        content.writeBytes(bytes)
    }

    package mutating func append(_ bytes: some Collection<UInt8>) {
        content.writeInteger(Int32(bytes.count))
        content.writeBytes(bytes)
    }

    package mutating func append(_ bytes: ByteBuffer?) { content.writeCQLBytes(bytes) }

    package mutating func appendNull() { content.writeInteger(Int32(-1)) }

    package mutating func append(int32 value: Int32) {
        content.writeInteger(Int32(4))
        content.writeInteger(value)
    }

    package mutating func append(int64 value: Int64) {
        content.writeInteger(Int32(8))
        content.writeInteger(value)
    }

    /// For cells that are computed, and for system tables.
    package mutating func append(_ value: CQLValue, type: CQLType) throws(CQLError) {
        try value.writeValue(to: &content, type: type)
    }

    /// A cell written by the caller: `body` appends its bytes, the length is filled in after.
    package mutating func append<E: Error>(writing body: (inout ByteBuffer) throws(E) -> Void) throws(E) {
        let lengthIndex = content.writerIndex
        content.writeInteger(Int32(0))
        try body(&content)
        content.setInteger(Int32(content.writerIndex - lengthIndex - 4), at: lengthIndex)
    }

    package mutating func endRow() { rowCount += 1 }

    package consuming func rows(_ metadata: ResultMetadata, pagingState: ByteBuffer? = nil, warnings: [String] = []) -> ResultRows {
        ResultRows(metadata: metadata, rowCount: rowCount, content: content, pagingState: pagingState, warnings: warnings)
    }
}
