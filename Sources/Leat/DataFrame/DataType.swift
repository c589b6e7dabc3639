internal import Spark

/// A Spark SQL type.
public indirect enum DataType: Hashable, Sendable {
    /// True or false.
    case boolean
    /// A whole number of 8 bits (`TINYINT`).
    case byte
    /// A whole number of 16 bits (`SMALLINT`).
    case short
    /// A whole number of 32 bits (`INT`).
    case integer
    /// A whole number of 64 bits (`BIGINT`).
    case long
    /// A binary floating-point number of 32 bits.
    case float
    /// A binary floating-point number of 64 bits.
    case double
    /// A decimal number of `precision` digits, `scale` of them after the point.
    case decimal(precision: Int, scale: Int)
    /// UTF-8 text.
    case string
    /// Bytes.
    case binary
    /// A day.
    case date
    /// An instant, to the microsecond.
    case timestamp
    /// A date and time of day without a time zone, to the microsecond.
    case timestampNTZ
    /// A list of one type.
    case array(DataType, containsNull: Bool = true)
    /// Keys of one type to values of another.
    case map(DataType, DataType, valueContainsNull: Bool = true)
    /// Named fields.
    case structure(StructType)

    /// The name that Spark prints in schemas and messages, such as `bigint` or `struct<id:string>`.
    public var simpleString: String { (try? plan.simpleString) ?? "invalid" }

    /// The type in the plan's vocabulary.
    var plan: Spark.DataType {
        get throws {
            switch self {
            case .boolean: .boolean
            case .byte: .byte
            case .short: .short
            case .integer: .integer
            case .long: .long
            case .float: .float
            case .double: .double
            case .decimal(let precision, let scale): .decimal(precision: precision, scale: scale)
            case .string: .string
            case .binary: .binary
            case .date: .date
            case .timestamp: .timestamp
            case .timestampNTZ: .timestampNTZ
            case .array(let element, let containsNull): .array(try element.plan, containsNull: containsNull)
            case .map(let key, let value, let valueContainsNull):
                .map(key: try key.plan, value: try value.plan, valueContainsNull: valueContainsNull)
            case .structure(let type): .structure(try type.plan)
            }
        }
    }

    /// - Returns: nil for the type of a bare NULL, which a schema does not name, and for intervals, which no source or sink has.
    init?(_ type: Spark.DataType) {
        switch type {
        case .null, .yearMonthInterval, .dayTimeInterval, .calendarInterval: return nil
        case .boolean: self = .boolean
        case .byte: self = .byte
        case .short: self = .short
        case .integer: self = .integer
        case .long: self = .long
        case .float: self = .float
        case .double: self = .double
        case .decimal(let precision, let scale): self = .decimal(precision: precision, scale: scale)
        case .string: self = .string
        case .binary: self = .binary
        case .date: self = .date
        case .timestamp: self = .timestamp
        case .timestampNTZ: self = .timestampNTZ
        case .array(let element, let containsNull):
            guard let element = DataType(element) else { return nil }
            self = .array(element, containsNull: containsNull)
        case .map(let key, let value, let valueContainsNull):
            guard let key = DataType(key), let value = DataType(value) else { return nil }
            self = .map(key, value, valueContainsNull: valueContainsNull)
        case .structure(let type): self = .structure(StructType(type))
        }
    }
}
