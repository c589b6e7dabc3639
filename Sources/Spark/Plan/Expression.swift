/// An unresolved expression, in Spark's vocabulary: what the DataFrame API builds, a SQL text parses to, and a Spark Connect
/// message decodes to.
///
/// Operators are functions, named as Spark Connect names them (`+`, `==`, `and`, `not`, `isNull`, `when`), so that there is one
/// vocabulary and one registry: adding a function touches nothing here.
package indirect enum Expression: Hashable, Sendable {
    /// A column by its name parts: `a` is `["a"]`, `data.id` is `["data", "id"]`, `` `a.b` `` is `["a.b"]`.
    case attribute([String])
    /// `*` (no target) or `data.*`.
    case star([String])
    case literal(Literal)
    /// `CAST(child AS to)`, or `TRY_CAST` (null instead of an error).
    case cast(Expression, to: DataType, isTry: Bool)
    case alias(Expression, name: String)
    case function(name: String, arguments: [Expression])
    /// `child.name`, `child['name']`, `child[0]`.
    case extractValue(Expression, key: Expression)

    package static func column(_ name: String) -> Expression {
        // `col("data.*")` and `col("*")` are stars, as in Spark; other names are split at dots outside backquotes.
        if name == "*" { return .star([]) }
        if name.hasSuffix(".*") { return .star(Self.nameParts(String(name.dropLast(2)))) }
        return .attribute(nameParts(name))
    }

    package static func lit(_ value: Literal) -> Expression { .literal(value) }

    package static func call(_ name: String, _ arguments: Expression...) -> Expression {
        .function(name: name, arguments: arguments)
    }

    /// Splits `a.b` into its parts, honouring backquotes (`` `a.b`.c `` is `a.b`, `c`; a doubled backquote is one).
    package static func nameParts(_ name: String) -> [String] {
        var parts: [String] = []
        var part = ""
        var isQuoted = false
        var index = name.startIndex
        while index < name.endIndex {
            let character = name[index]
            index = name.index(after: index)
            if character == "`" {
                if isQuoted, index < name.endIndex, name[index] == "`" {
                    part.append("`")
                    index = name.index(after: index)
                } else {
                    isQuoted.toggle()
                }
            } else if character == ".", !isQuoted {
                parts.append(part)
                part = ""
            } else {
                part.append(character)
            }
        }
        parts.append(part)
        return parts
    }
}

/// A constant. Dates are days, timestamps microseconds, as the columns hold them.
package enum Literal: Hashable, Sendable {
    case null
    case boolean(Bool)
    case byte(Int8)
    case short(Int16)
    case integer(Int32)
    case long(Int64)
    case float(Float)
    case double(Double)
    /// `unscaled` × 10^-scale.
    case decimal(unscaled: Int64, precision: Int, scale: Int)
    case string(String)
    case binary([UInt8])
    case date(Int32)
    case timestamp(Int64)
    case timestampNTZ(Int64)

    package var dataType: DataType {
        switch self {
        case .null: .null
        case .boolean: .boolean
        case .byte: .byte
        case .short: .short
        case .integer: .integer
        case .long: .long
        case .float: .float
        case .double: .double
        case .decimal(_, let precision, let scale): .decimal(precision: precision, scale: scale)
        case .string: .string
        case .binary: .binary
        case .date: .date
        case .timestamp: .timestamp
        case .timestampNTZ: .timestampNTZ
        }
    }
}
