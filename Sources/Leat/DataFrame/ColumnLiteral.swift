internal import Spark

/// What may stand where a column is wanted: a ``Column``, or a Swift value that becomes a constant.
public protocol ColumnConvertible: Sendable {
    /// The value as a column.
    var asColumn: Column { get }
}

extension Column: ColumnConvertible {
    /// The column itself.
    public var asColumn: Column { self }
}

extension String: ColumnConvertible {
    /// A text constant.
    public var asColumn: Column { Column(literal: .string(self)) }
}

extension Bool: ColumnConvertible {
    /// A boolean constant.
    public var asColumn: Column { Column(literal: .boolean(self)) }
}

extension Int: ColumnConvertible {
    /// An `INT` constant where the value fits into 32 bits, else a `BIGINT`, as Spark types Python's integers.
    public var asColumn: Column { Column(literal: Int32(exactly: self).map { .integer($0) } ?? .long(Int64(self))) }
}

extension Int8: ColumnConvertible {
    /// A `TINYINT` constant.
    public var asColumn: Column { Column(literal: .byte(self)) }
}

extension Int16: ColumnConvertible {
    /// A `SMALLINT` constant.
    public var asColumn: Column { Column(literal: .short(self)) }
}

extension Int32: ColumnConvertible {
    /// An `INT` constant.
    public var asColumn: Column { Column(literal: .integer(self)) }
}

extension Int64: ColumnConvertible {
    /// A `BIGINT` constant.
    public var asColumn: Column { Column(literal: .long(self)) }
}

extension Float: ColumnConvertible {
    /// A `FLOAT` constant.
    public var asColumn: Column { Column(literal: .float(self)) }
}

extension Double: ColumnConvertible {
    /// A `DOUBLE` constant.
    public var asColumn: Column { Column(literal: .double(self)) }
}

extension [UInt8]: ColumnConvertible {
    /// A `BINARY` constant.
    public var asColumn: Column { Column(literal: .binary(self)) }
}
