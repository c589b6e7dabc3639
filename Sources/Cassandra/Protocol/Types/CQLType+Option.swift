package import NIOCore

/// Types as result metadata carries them: CQL native protocol v5, section 4.2.5.2, "[option]".
extension CQLType {
    /// The `id` of the option.
    private var optionID: UInt16 {
        switch self {
        case .custom: 0x0000
        case .ascii: 0x0001
        case .bigint: 0x0002
        case .blob: 0x0003
        case .boolean: 0x0004
        case .counter: 0x0005
        case .decimal: 0x0006
        case .double: 0x0007
        case .float: 0x0008
        case .int: 0x0009
        case .timestamp: 0x000B
        case .uuid: 0x000C
        case .text: 0x000D
        case .varint: 0x000E
        case .timeuuid: 0x000F
        case .inet: 0x0010
        case .date: 0x0011
        case .time: 0x0012
        case .smallint: 0x0013
        case .tinyint: 0x0014
        case .duration: 0x0015
        case .list: 0x0020
        case .map: 0x0021
        case .set: 0x0022
        case .userDefined: 0x0030
        case .tuple: 0x0031
        case .frozen(let inner): inner.optionID
        }
    }

    private static let scalars: [UInt16: CQLType] = {
        let all: [CQLType] = [
            .ascii, .bigint, .blob, .boolean, .counter, .date, .decimal, .double, .duration, .float, .inet, .int, .smallint, .text, .time,
            .timestamp, .timeuuid, .tinyint, .uuid, .varint,
        ]
        return Dictionary(uniqueKeysWithValues: all.map { ($0.optionID, $0) })
    }()

    /// - Parameter version: v3 and v4 know `duration` (v5) only by its class name; drivers of those versions read it so.
    package func write(to buffer: inout ByteBuffer, version: ProtocolVersion) {
        if version < .v5, unfrozen == .duration {
            buffer.writeInteger(UInt16(0))
            buffer.writeCQLString("org.apache.cassandra.db.marshal.DurationType")
            return
        }
        if version < .v4 {
            // "date, time, smallint and tinyint" came with v4: to v3 they are custom types, as Cassandra sends them.
            let name: String? =
                switch unfrozen {
                case .date: "SimpleDateType"
                case .time: "TimeType"
                case .smallint: "ShortType"
                case .tinyint: "ByteType"
                default: nil
                }
            if let name {
                buffer.writeInteger(UInt16(0))
                buffer.writeCQLString("org.apache.cassandra.db.marshal." + name)
                return
            }
        }
        if case .frozen(let inner) = self { return inner.write(to: &buffer, version: version) }
        buffer.writeInteger(optionID)
        switch self {
        case .custom(let name):
            buffer.writeCQLString(name)
        case .list(let element), .set(let element):
            element.write(to: &buffer, version: version)
        case .map(let key, let value):
            key.write(to: &buffer, version: version)
            value.write(to: &buffer, version: version)
        case .tuple(let elements):
            buffer.writeInteger(UInt16(elements.count))
            for element in elements { element.write(to: &buffer, version: version) }
        case .userDefined(let type):
            buffer.writeCQLString(type.keyspace)
            buffer.writeCQLString(type.name)
            buffer.writeInteger(UInt16(type.fields.count))
            for field in type.fields {
                buffer.writeCQLString(field.name)
                field.type.write(to: &buffer, version: version)
            }
        default:
            break
        }
    }

    package static func read(from buffer: inout ByteBuffer, depth: Int = 0) throws(CQLError) -> CQLType {
        guard depth < depthMax else { throw .protocolError("types nest deeper than \(depthMax)") }
        let id = try buffer.readCQLInteger(UInt16.self, "type")
        if let scalar = scalars[id] { return scalar }
        switch id {
        case 0x0000:
            return custom(named: try buffer.readCQLString("type name"))
        case 0x0020:
            return .list(try read(from: &buffer, depth: depth + 1))
        case 0x0021:
            let key = try read(from: &buffer, depth: depth + 1)
            return .map(key, try read(from: &buffer, depth: depth + 1))
        case 0x0022:
            return .set(try read(from: &buffer, depth: depth + 1))
        case 0x0030:
            let keyspace = try buffer.readCQLString("type's keyspace")
            let name = try buffer.readCQLString("type name")
            let count = try buffer.readCQLInteger(UInt16.self, "field count")
            var fields: [UserDefinedType.Field] = []
            for _ in 0..<count {
                let field = try buffer.readCQLString("field name")
                fields.append(.init(name: field, type: try read(from: &buffer, depth: depth + 1)))
            }
            return .userDefined(.init(keyspace: keyspace, name: name, fields: fields))
        case 0x0031:
            let count = try buffer.readCQLInteger(UInt16.self, "element count")
            var elements: [CQLType] = []
            for _ in 0..<count { elements.append(try read(from: &buffer, depth: depth + 1)) }
            return .tuple(elements)
        default:
            throw .protocolError("unknown type id \(id)")
        }
    }

    private static func custom(named name: String) -> CQLType {
        switch name {
        case "org.apache.cassandra.db.marshal.DurationType": .duration
        case "org.apache.cassandra.db.marshal.SimpleDateType": .date
        case "org.apache.cassandra.db.marshal.TimeType": .time
        case "org.apache.cassandra.db.marshal.ShortType": .smallint
        case "org.apache.cassandra.db.marshal.ByteType": .tinyint
        default: .custom(name)
        }
    }
}
