internal import NIOCore

/// BATCH: several statements, by text or prepared, as one: v5, section 4.1.7.
///
/// v3 and v4: flags of one byte; v5: of four, a keyspace, "now in seconds". Names for values cannot be read in any version, as the
/// flag follows the values (CASSANDRA-10246): such a batch is refused.
package struct Batch: Sendable {
    package enum Statement: Sendable {
        case text(String)
        case prepared(PreparedID)
    }

    package var kind: BatchKind
    package var statements: [(statement: Statement, values: BoundValues)]
    /// Its values are empty.
    package var request: StatementRequest

    package init(kind: BatchKind, statements: [(statement: Statement, values: BoundValues)], request: StatementRequest) {
        self.kind = kind
        self.statements = statements
        self.request = request
    }

    init(from body: inout ByteBuffer, version: ProtocolVersion) throws(CQLError) {
        let kindCode = try body.readCQLInteger(UInt8.self, "batch type")
        guard let kind = BatchKind(rawValue: kindCode) else { throw .protocolError("Invalid BATCH message type \(kindCode)") }
        self.kind = kind
        let count = Int(try body.readCQLInteger(UInt16.self, "statement count"))
        let frame = body
        var parsed: [(statement: Statement, entriesEnd: Int)] = []
        parsed.reserveCapacity(min(count, body.readableBytes / 5))
        var entries: [BoundValues.Entry] = []
        entries.reserveCapacity(min(body.readableBytes / 16, 4_096))
        for _ in 0..<count {
            let statement: Statement
            switch try body.readCQLInteger(UInt8.self, "statement kind") {
            case 0: statement = .text(try body.readCQLLongString("statement"))
            case 1: statement = .prepared(try PreparedID.read(from: &body))
            default: throw .protocolError("Invalid query kind in BATCH messages. Must be 0 or 1")
            }
            let valueCount = try body.readCQLInteger(UInt16.self, "value count")
            for _ in 0..<valueCount { entries.append(try BoundValues.Entry.read(from: &body, of: frame, version: version)) }
            parsed.append((statement, entries.count))
        }
        request = StatementRequest(consistency: try Consistency.read(from: &body))
        let flags = try QueryParameters.Flags.read(from: &body, version: version)
        if flags.contains(.names) { throw .protocolError("a BATCH cannot name its values: the flag follows them") }
        if flags.contains(.serialConsistency) { request.serialConsistency = try Consistency.read(from: &body) }
        if flags.contains(.defaultTimestamp) { request.defaultTimestamp = try body.readCQLTimestamp() }
        if version >= .v5 {
            if flags.contains(.keyspace) { request.keyspace = try body.readCQLString("keyspace") }
            if flags.contains(.nowInSeconds) { request.nowInSeconds = try body.readCQLInteger(Int32.self, "now in seconds") }
        }
        statements = []
        statements.reserveCapacity(parsed.count)
        var begin = 0
        for (statement, end) in parsed {
            statements.append((statement, BoundValues(buffer: frame, entries: entries, range: begin..<end)))
            begin = end
        }
    }

    func write(to body: inout ByteBuffer, version: ProtocolVersion) {
        body.writeInteger(kind.rawValue)
        body.writeInteger(UInt16(statements.count))
        for (statement, values) in statements {
            switch statement {
            case .text(let text):
                body.writeInteger(UInt8(0))
                body.writeCQLLongString(text)
            case .prepared(let id):
                body.writeInteger(UInt8(1))
                id.write(to: &body)
            }
            body.writeInteger(UInt16(values.count))
            for index in 0..<values.count { values.writeValue(at: index, to: &body) }
        }
        Self.writeTrailer(request, to: &body, version: version)
    }

    /// What follows the statements.
    static func writeTrailer(_ request: StatementRequest, to body: inout ByteBuffer, version: ProtocolVersion) {
        body.writeInteger(request.consistency.rawValue)
        var flags: QueryParameters.Flags = []
        if request.serialConsistency != .serial { flags.insert(.serialConsistency) }
        if request.defaultTimestamp != nil { flags.insert(.defaultTimestamp) }
        if version >= .v5 {
            if request.keyspace != nil { flags.insert(.keyspace) }
            if request.nowInSeconds != nil { flags.insert(.nowInSeconds) }
        }
        flags.write(to: &body, version: version)
        if request.serialConsistency != .serial { body.writeInteger(request.serialConsistency.rawValue) }
        if let timestamp = request.defaultTimestamp { body.writeInteger(timestamp) }
        guard version >= .v5 else { return }
        if let keyspace = request.keyspace { body.writeCQLString(keyspace) }
        if let now = request.nowInSeconds { body.writeInteger(now) }
    }
}
