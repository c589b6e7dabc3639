internal import NIOCore

/// EVENT, sent by the server on stream -1: v5, section 4.2.6. The same in v3, v4 and v5.
package enum Event: Hashable, Sendable {
    case schemaChange(SchemaChange)
    /// `change` is `NEW_NODE` or `REMOVED_NODE`.
    case topologyChange(change: String, address: InternetAddress, port: Int32)
    /// `change` is `UP` or `DOWN`.
    case statusChange(change: String, address: InternetAddress, port: Int32)

    init(from body: inout ByteBuffer) throws(CQLError) {
        let name = try body.readCQLString("event type")
        guard let type = Register.EventType(rawValue: name) else { throw .protocolError("unknown event type '\(name)'") }
        switch type {
        case .schemaChange:
            self = .schemaChange(try SchemaChange(from: &body))
        case .topologyChange, .statusChange:
            let change = try body.readCQLString("change")
            let length = Int(try body.readCQLInteger(UInt8.self, "address"))
            let bytes = try body.readCQLSlice(length, "address")
            guard let address = InternetAddress(bytes: bytes.readableBytesView) else {
                throw .protocolError("an address of \(length) bytes")
            }
            let port = try body.readCQLInteger(Int32.self, "port")
            self =
                type == .topologyChange
                ? .topologyChange(change: change, address: address, port: port)
                : .statusChange(change: change, address: address, port: port)
        }
    }

    func write(to body: inout ByteBuffer) {
        switch self {
        case .schemaChange(let change):
            body.writeCQLString(Register.EventType.schemaChange.rawValue)
            change.write(to: &body)
        case .topologyChange(let change, let address, let port):
            write(.topologyChange, change, address, port, to: &body)
        case .statusChange(let change, let address, let port):
            write(.statusChange, change, address, port, to: &body)
        }
    }

    private func write(
        _ type: Register.EventType, _ change: String, _ address: InternetAddress, _ port: Int32, to body: inout ByteBuffer
    ) {
        body.writeCQLString(type.rawValue)
        body.writeCQLString(change)
        body.writeInteger(UInt8(address.bytes.count))
        body.writeBytes(address.bytes)
        body.writeInteger(port)
    }
}

extension SchemaChange {
    init(from body: inout ByteBuffer) throws(CQLError) {
        let kindName = try body.readCQLString("change")
        guard let kind = Kind(rawValue: kindName) else { throw .protocolError("unknown schema change '\(kindName)'") }
        let targetName = try body.readCQLString("target")
        let keyspace = try body.readCQLString("keyspace")
        switch targetName {
        case "KEYSPACE":
            self.init(kind, keyspace: keyspace)
        case "TABLE":
            self.init(kind, keyspace: keyspace, target: .table(try body.readCQLString("table")))
        case "TYPE":
            self.init(kind, keyspace: keyspace, target: .type(try body.readCQLString("type")))
        case "FUNCTION":
            let name = try body.readCQLString("function")
            self.init(kind, keyspace: keyspace, target: .function(name, arguments: try body.readCQLStringList("arguments")))
        case "AGGREGATE":
            let name = try body.readCQLString("aggregate")
            self.init(kind, keyspace: keyspace, target: .aggregate(name, arguments: try body.readCQLStringList("arguments")))
        default:
            throw .protocolError("unknown target of a schema change '\(targetName)'")
        }
    }

    func write(to body: inout ByteBuffer) {
        body.writeCQLString(kind.rawValue)
        switch target {
        case .keyspace:
            body.writeCQLString("KEYSPACE")
            body.writeCQLString(keyspace)
        case .table(let name):
            write("TABLE", name, to: &body)
        case .type(let name):
            write("TYPE", name, to: &body)
        case .function(let name, let arguments):
            write("FUNCTION", name, to: &body)
            body.writeCQLStringList(arguments)
        case .aggregate(let name, let arguments):
            write("AGGREGATE", name, to: &body)
            body.writeCQLStringList(arguments)
        }
    }

    private func write(_ target: String, _ name: String, to body: inout ByteBuffer) {
        body.writeCQLString(target)
        body.writeCQLString(keyspace)
        body.writeCQLString(name)
    }
}
