/// A Spark SQL type. Names, widths and order follow Spark's data type reference; `simpleString` is what Spark prints in schemas
/// and error messages (`bigint`, `struct<id:string>`), `sql` what it prints in DDL and casts (`BIGINT`).
package indirect enum DataType: Hashable, Sendable {
    /// The type of a bare NULL (`void` in Spark).
    case null
    case boolean
    case byte
    case short
    case integer
    case long
    case float
    case double
    case decimal(precision: Int, scale: Int)
    case string
    case binary
    /// Days since 1970-01-01.
    case date
    /// Microseconds since 1970-01-01T00:00:00Z, shown in the session's time zone.
    case timestamp
    /// Microseconds of a local date and time without zone.
    case timestampNTZ
    /// Months.
    case yearMonthInterval(YearMonthField.Range)
    /// Microseconds.
    case dayTimeInterval(DayTimeField.Range)
    /// Months, days and microseconds.
    case calendarInterval
    case array(DataType, containsNull: Bool)
    case map(key: DataType, value: DataType, valueContainsNull: Bool)
    case structure(StructType)

    package var simpleString: String {
        switch self {
        case .null: "void"
        case .boolean: "boolean"
        case .byte: "tinyint"
        case .short: "smallint"
        case .integer: "int"
        case .long: "bigint"
        case .float: "float"
        case .double: "double"
        case .decimal(let precision, let scale): "decimal(\(precision),\(scale))"
        case .string: "string"
        case .binary: "binary"
        case .date: "date"
        case .timestamp: "timestamp"
        case .timestampNTZ: "timestamp_ntz"
        case .yearMonthInterval(let range): "interval \(range.simpleString)"
        case .dayTimeInterval(let range): "interval \(range.simpleString)"
        case .calendarInterval: "interval"
        case .array(let element, _): "array<\(element.simpleString)>"
        case .map(let key, let value, _): "map<\(key.simpleString),\(value.simpleString)>"
        case .structure(let type):
            "struct<" + type.fields.map { "\($0.name):\($0.dataType.simpleString)" }.joined(separator: ",") + ">"
        }
    }

    package var sql: String {
        switch self {
        case .array(let element, _): "ARRAY<\(element.sql)>"
        case .map(let key, let value, _): "MAP<\(key.sql), \(value.sql)>"
        case .structure(let type):
            "STRUCT<"
                + type.fields.map { "\($0.name): \($0.dataType.sql)" + ($0.nullable ? "" : " NOT NULL") }.joined(separator: ", ") + ">"
        default: simpleString.uppercased()
        }
    }

    package var isNumeric: Bool {
        switch self {
        case .byte, .short, .integer, .long, .float, .double, .decimal: true
        default: false
        }
    }

    package var isIntegral: Bool {
        switch self {
        case .byte, .short, .integer, .long: true
        default: false
        }
    }

    package var isFractional: Bool { self == .float || self == .double }
    package var isBytes: Bool { self == .string || self == .binary }
    package var isInterval: Bool {
        switch self {
        case .yearMonthInterval, .dayTimeInterval, .calendarInterval: true
        default: false
        }
    }
    /// A date or a timestamp.
    package var isMoment: Bool { self == .date || self == .timestamp || self == .timestampNTZ }
    /// Whether values can be sorted and compared.
    package var hasOrder: Bool {
        switch self {
        case .map, .calendarInterval: false
        case .array(let element, _): element.hasOrder
        case .structure(let type): type.fields.allSatisfy { $0.dataType.hasOrder }
        default: true
        }
    }
    package var isNested: Bool {
        switch self {
        case .array, .map, .structure: true
        default: false
        }
    }
}

/// One field of a struct or one column of a frame.
package struct StructField: Hashable, Sendable {
    package var name: String
    package var dataType: DataType
    package var nullable: Bool
    /// Free-form notes that Spark carries along (`comment` among them).
    package var metadata: [String: String]

    package init(_ name: String, _ dataType: DataType, nullable: Bool = true, metadata: [String: String] = [:]) {
        self.name = name
        self.dataType = dataType
        self.nullable = nullable
        self.metadata = metadata
    }
}

/// The schema of a frame, and the type of a struct column.
package struct StructType: Hashable, Sendable {
    package var fields: [StructField]

    package init(_ fields: [StructField] = []) {
        self.fields = fields
    }

    package var names: [String] { fields.map(\.name) }

    /// Spark resolves names without regard to case (`spark.sql.caseSensitive` is false by default).
    package func indices(of name: String) -> [Int] {
        fields.indices.filter { fields[$0].name.equalsIgnoringCase(name) }
    }

    /// What `printSchema()` prints.
    package var treeString: String {
        var text = "root\n"
        Self.tree(fields, prefix: " |-- ", into: &text)
        return text
    }

    private static func tree(_ fields: [StructField], prefix: String, into text: inout String) {
        for field in fields {
            text += "\(prefix)\(field.name): \(typeName(field.dataType)) (nullable = \(field.nullable))\n"
            subtree(field.dataType, prefix: " |   " + prefix, into: &text)
        }
    }

    private static func subtree(_ type: DataType, prefix: String, into text: inout String) {
        switch type {
        case .structure(let type): tree(type.fields, prefix: prefix, into: &text)
        case .array(let element, let containsNull):
            text += "\(prefix)element: \(typeName(element)) (containsNull = \(containsNull))\n"
            subtree(element, prefix: " |   " + prefix, into: &text)
        case .map(let key, let value, let valueContainsNull):
            text += "\(prefix)key: \(typeName(key))\n"
            subtree(key, prefix: " |   " + prefix, into: &text)
            text += "\(prefix)value: \(typeName(value)) (valueContainsNull = \(valueContainsNull))\n"
            subtree(value, prefix: " |   " + prefix, into: &text)
        default: break
        }
    }

    /// The long names that JSON schemas and `printSchema` use (`long` where `simpleString` says `bigint`).
    package static func typeName(_ type: DataType) -> String {
        switch type {
        case .byte: "byte"
        case .short: "short"
        case .integer: "integer"
        case .long: "long"
        case .array: "array"
        case .map: "map"
        case .structure: "struct"
        default: type.simpleString
        }
    }
}

extension StringProtocol {
    /// ASCII case-insensitive equality, as SQL identifiers compare.
    package func equalsIgnoringCase(_ other: some StringProtocol) -> Bool {
        utf8.elementsEqual(other.utf8) { first, second in
            first == second || (first | 0x20 == second | 0x20 && (0x61...0x7A).contains(first | 0x20))
        }
    }
}
