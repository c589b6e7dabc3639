/// How a schema's columns are written in Parquet: Spark's types under the annotations of LogicalTypes.md, lists and maps in three levels.
///
/// Every column is optional but the keys of maps, whatever the frame says of nulls: what is read back is so in Spark too. Timestamps are
/// microseconds; Spark's own default is still the twelve bytes of Impala, which it reads as well as these.
struct ParquetLayout {
    struct Node {
        indirect enum Kind {
            case leaf(Int)
            case structure([Node])
            case list(Node)
            case map(key: Node, value: Node)
        }

        var name: String
        var type: DataType
        var isOptional: Bool
        var definition: Int
        var kind: Kind
    }

    struct Leaf {
        var path: [String]
        var type: DataType
        var physical: ParquetPhysicalType
        /// Bytes of a value of fixed length.
        var length: Int
        var definitionMax: Int
        var repetitionMax: Int
        var isOptional: Bool
    }

    let schema: StructType
    private(set) var columns: [Node] = []
    private(set) var leaves: [Leaf] = []

    init(_ schema: StructType) throws {
        self.schema = schema
        for field in schema.fields {
            columns.append(try node(field.name, field.dataType, [field.name], isOptional: true, definition: 0, repetition: 0))
        }
    }

    private mutating func node(
        _ name: String, _ type: DataType, _ path: [String], isOptional: Bool, definition outer: Int, repetition: Int
    ) throws -> Node {
        let definition = outer + (isOptional ? 1 : 0)
        let kind: Node.Kind
        switch type {
        case .structure(let structure):
            guard !structure.fields.isEmpty else {
                throw SparkError(
                    "EMPTY_SCHEMA_NOT_SUPPORTED_FOR_DATASOURCE", sqlState: "0A000",
                    "The Parquet datasource does not support writing empty or nested empty schemas. Please make sure the data schema has at least one or more column(s).",
                    nextStep: "drop the struct '\(name)' or give it a field")
            }
            kind = .structure(
                try structure.fields.map {
                    try node($0.name, $0.dataType, path + [$0.name], isOptional: true, definition: definition, repetition: repetition)
                })
        case .array(let element, _):
            kind = .list(
                try node(
                    "element", element, path + ["list", "element"], isOptional: true, definition: definition + 1, repetition: repetition + 1
                ))
        case .map(let key, let value, _):
            kind = .map(
                key: try node(
                    "key", key, path + ["key_value", "key"], isOptional: false, definition: definition + 1, repetition: repetition + 1),
                value: try node(
                    "value", value, path + ["key_value", "value"], isOptional: true, definition: definition + 1, repetition: repetition + 1)
            )
        default:
            kind = .leaf(leaves.count)
            let (physical, length) = try Self.physical(type, name)
            guard definition < 128 else { throw Resolver.unserved("A Parquet column nested more than 60 deep") }
            leaves.append(
                Leaf(
                    path: path, type: type, physical: physical, length: length, definitionMax: definition, repetitionMax: repetition,
                    isOptional: isOptional))
        }
        return Node(name: name, type: type, isOptional: isOptional, definition: definition, kind: kind)
    }

    private static func physical(_ type: DataType, _ name: String) throws -> (ParquetPhysicalType, Int) {
        switch type {
        case .boolean: return (.boolean, 0)
        case .byte, .short, .integer, .date, .yearMonthInterval: return (.int32, 0)
        case .long, .timestamp, .timestampNTZ, .dayTimeInterval: return (.int64, 0)
        case .float: return (.float, 0)
        case .double: return (.double, 0)
        case .string, .binary: return (.byteArray, 0)
        case .decimal(let precision, _):
            if precision <= 9 { return (.int32, 0) }
            if precision <= 18 { return (.int64, 0) }
            return (.fixed, decimalBytes(precision))
        default:
            throw SparkError(
                "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE", sqlState: "0A000",
                "The Parquet datasource doesn't support the column `\(name)` of the type \"\(type.sql)\".")
        }
    }

    /// The least bytes that hold every decimal of the precision.
    private static func decimalBytes(_ precision: Int) -> Int {
        var most: Int128 = 1
        for _ in 0..<precision { most *= 10 }
        return (128 - (most - 1).leadingZeroBitCount) / 8 + 1
    }

    // MARK: Footer

    /// The schema's elements, the root first.
    func write(_ writer: inout ThriftWriter) {
        var elements: [(inout ThriftWriter) -> Void] = []
        elements.append { writer in
            writer.write(4, "spark_schema")
            writer.write(5, Int32(columns.count))
        }
        for column in columns { add(column, &elements) }
        writer.list(2, .structure, elements) { writer, element in writer.nested(element) }
    }

    private func add(_ node: Node, _ elements: inout [(inout ThriftWriter) -> Void]) {
        let repetition: Int32 = node.isOptional ? 1 : 0
        func group(_ children: Int, converted: Int32?, logical: Int16?) {
            elements.append { writer in
                writer.write(3, repetition)
                writer.write(4, node.name)
                writer.write(5, Int32(children))
                if let converted { writer.write(6, converted) }
                if let logical { writer.structure(10) { $0.structure(logical) { _ in } } }
            }
        }
        func repeated(_ name: String, _ children: Int) {
            elements.append { writer in
                writer.write(3, Int32(2))
                writer.write(4, name)
                writer.write(5, Int32(children))
            }
        }
        switch node.kind {
        case .structure(let children):
            group(children.count, converted: nil, logical: nil)
            for child in children { add(child, &elements) }
        case .list(let element):
            group(1, converted: 3, logical: 3)
            repeated("list", 1)
            add(element, &elements)
        case .map(let key, let value):
            group(1, converted: 1, logical: 2)
            repeated("key_value", 2)
            add(key, &elements)
            add(value, &elements)
        case .leaf(let index):
            let leaf = leaves[index]
            elements.append { writer in
                writer.write(1, leaf.physical.rawValue)
                if leaf.physical == .fixed { writer.write(2, Int32(leaf.length)) }
                writer.write(3, repetition)
                writer.write(4, node.name)
                Self.annotate(leaf.type, &writer)
            }
        }
    }

    private static func annotate(_ type: DataType, _ writer: inout ThriftWriter) {
        switch type {
        case .byte, .short:
            let bits: Int8 = type == .byte ? 8 : 16
            writer.write(6, Int32(type == .byte ? 15 : 16))
            writer.structure(10) {
                $0.structure(10) {
                    $0.write(1, byte: bits)
                    $0.write(2, true)
                }
            }
        case .string:
            writer.write(6, Int32(0))
            writer.structure(10) { $0.structure(1) { _ in } }
        case .date:
            writer.write(6, Int32(6))
            writer.structure(10) { $0.structure(6) { _ in } }
        case .timestamp, .timestampNTZ:
            // The older annotation means an instant, which a local time is not.
            if type == .timestamp { writer.write(6, Int32(10)) }
            writer.structure(10) {
                $0.structure(8) {
                    $0.write(1, type == .timestamp)
                    $0.structure(2) { $0.structure(2) { _ in } }
                }
            }
        case .decimal(let precision, let scale):
            writer.write(6, Int32(5))
            writer.write(7, Int32(scale))
            writer.write(8, Int32(precision))
            writer.structure(10) {
                $0.structure(5) {
                    $0.write(1, Int32(scale))
                    $0.write(2, Int32(precision))
                }
            }
        default: break
        }
    }
}
