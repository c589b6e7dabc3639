/// Arrow's types as Spark maps its own to them (`ArrowUtils.toArrowType`), in the metadata of `Schema.fbs` and `Message.fbs`.
enum ArrowType {
    static let null: UInt8 = 1
    static let int: UInt8 = 2
    static let floatingPoint: UInt8 = 3
    static let binary: UInt8 = 4
    static let utf8: UInt8 = 5
    static let bool: UInt8 = 6
    static let decimal: UInt8 = 7
    static let date: UInt8 = 8
    static let timestamp: UInt8 = 10
    static let interval: UInt8 = 11
    static let list: UInt8 = 12
    static let structure: UInt8 = 13
    static let map: UInt8 = 17
    static let duration: UInt8 = 18
    static let largeBinary: UInt8 = 19
    static let largeUtf8: UInt8 = 20
    static let largeList: UInt8 = 21

    static let names: [UInt8: String] = [
        9: "time", 14: "union", 15: "fixed-size binary", 16: "fixed-size list", 22: "run-end encoding", 23: "binary view", 24: "utf8 view",
        25: "list view", 26: "large list view",
    ]

    static let microseconds: Int16 = 2
}

/// How Spark's types go out: what the session's settings choose.
struct ArrowOptions: Hashable, Sendable {
    /// What timestamps are marked with (`spark.sql.session.timeZone`).
    var timeZone = "UTC"
    /// Strings and binaries with offsets of 64 bits (`spark.sql.execution.arrow.useLargeVarTypes`).
    var usesLargeTypes = false
    var compression = ArrowCompression.none
}

enum ArrowCompression: String, Hashable, Sendable {
    case none
    case lz4
    case zstd
}

extension FlatBufferWriter {
    /// An encapsulated schema message: marker, length, metadata.
    static func schemaMessage(_ schema: StructType, _ options: ArrowOptions) -> [UInt8] {
        var writer = FlatBufferWriter()
        let fields = schema.fields.map { writer.field($0.name, $0.dataType, nullable: $0.nullable, options) }
        let list = writer.vector(fields)
        let root = writer.table([.short(0, 0), .reference(1, list)])
        let message = writer.table([.short(0, 4), .byte(1, 1), .reference(2, root), .long(3, 0)])
        return encapsulated(writer.finish(message))
    }

    static func batchMessage(
        rows: Int, nodes: [(Int64, Int64)], buffers: [(Int64, Int64)], bodyLength: Int, _ compression: ArrowCompression
    ) -> [UInt8] {
        var writer = FlatBufferWriter()
        var fields: [Field] = [.long(0, Int64(rows)), .reference(1, writer.vector(nodes)), .reference(2, writer.vector(buffers))]
        if compression != .none {
            fields.append(.reference(3, writer.table([.byte(0, compression == .lz4 ? 0 : 1), .byte(1, 0)])))
        }
        let batch = writer.table(fields)
        let message = writer.table([.short(0, 4), .byte(1, 3), .reference(2, batch), .long(3, Int64(bodyLength))])
        return encapsulated(writer.finish(message))
    }

    /// Marker and length before metadata, which is a multiple of eight bytes long by itself.
    private static func encapsulated(_ metadata: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF]
        withUnsafeBytes(of: Int32(metadata.count).littleEndian) { bytes.append(contentsOf: $0) }
        return bytes + metadata
    }

    private mutating func field(_ name: String, _ type: DataType, nullable: Bool, _ options: ArrowOptions) -> Int {
        var children: [Int] = []
        let (kind, details) = arrowType(type, options)
        switch type {
        case .array(let element, let containsNull):
            children = [field("element", element, nullable: containsNull, options)]
        case .map(let key, let value, let valueContainsNull):
            let entries = StructType([StructField("key", key, nullable: false), StructField("value", value, nullable: valueContainsNull)])
            children = [field("entries", .structure(entries), nullable: false, options)]
        case .structure(let fields):
            children = fields.fields.map { field($0.name, $0.dataType, nullable: $0.nullable, options) }
        default: break
        }
        let name = string(name)
        let typeTable = table(details)
        let list = vector(children)
        return table([
            .reference(0, name), .byte(1, nullable ? 1 : 0), .byte(2, kind), .reference(3, typeTable), .reference(5, list),
        ])
    }

    private mutating func arrowType(_ type: DataType, _ options: ArrowOptions) -> (UInt8, [Field]) {
        func integer(_ bits: Int32) -> (UInt8, [Field]) { (ArrowType.int, [.int(0, bits), .byte(1, 1)]) }
        switch type {
        case .null: return (ArrowType.null, [])
        case .boolean: return (ArrowType.bool, [])
        case .byte: return integer(8)
        case .short: return integer(16)
        case .integer: return integer(32)
        case .long: return integer(64)
        case .float: return (ArrowType.floatingPoint, [.short(0, 1)])
        case .double: return (ArrowType.floatingPoint, [.short(0, 2)])
        case .decimal(let precision, let scale):
            return (ArrowType.decimal, [.int(0, Int32(precision)), .int(1, Int32(scale)), .int(2, 128)])
        case .string: return (options.usesLargeTypes ? ArrowType.largeUtf8 : ArrowType.utf8, [])
        case .binary: return (options.usesLargeTypes ? ArrowType.largeBinary : ArrowType.binary, [])
        case .date: return (ArrowType.date, [.short(0, 0)])
        case .timestamp:
            let zone = string(options.timeZone)
            return (ArrowType.timestamp, [.short(0, ArrowType.microseconds), .reference(1, zone)])
        case .timestampNTZ: return (ArrowType.timestamp, [.short(0, ArrowType.microseconds)])
        case .yearMonthInterval: return (ArrowType.interval, [.short(0, 0)])
        case .dayTimeInterval: return (ArrowType.duration, [.short(0, ArrowType.microseconds)])
        case .calendarInterval: return (ArrowType.interval, [.short(0, 2)])
        case .array: return (ArrowType.list, [])
        case .map: return (ArrowType.map, [.byte(0, 0)])
        case .structure: return (ArrowType.structure, [])
        }
    }
}
