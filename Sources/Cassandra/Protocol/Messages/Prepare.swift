internal import NIOCore

/// PREPARE: v5, section 4.1.5. v5 adds flags and a keyspace.
package struct Prepare: Hashable, Sendable {
    package var statement: String
    package var keyspace: String?

    package init(statement: String, keyspace: String? = nil) {
        self.statement = statement
        self.keyspace = keyspace
    }

    init(from body: inout ByteBuffer, version: ProtocolVersion) throws(CQLError) {
        statement = try body.readCQLLongString("statement")
        guard version >= .v5 else { return }
        let flags = try body.readCQLInteger(UInt32.self, "flags")
        if flags & 0x01 != 0 { keyspace = try body.readCQLString("keyspace") }
    }

    func write(to body: inout ByteBuffer, version: ProtocolVersion) {
        body.writeCQLLongString(statement)
        guard version >= .v5 else { return }
        body.writeInteger(UInt32(keyspace == nil ? 0 : 1))
        if let keyspace { body.writeCQLString(keyspace) }
    }
}
