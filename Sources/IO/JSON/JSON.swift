/// A JSON value (RFC 8259), for the small texts of the cold path: API bodies, schemas, offsets, options, progress. Records of a
/// stream never come here.
///
/// Objects keep the order in which they were written, so that what Leat writes reads the way it was built; as values they are equal
/// whatever their order, as the RFC has them.
package indirect enum JSON: Sendable, Hashable {
    case null
    case bool(Bool)
    /// A number without fraction and exponent that fits; all others are doubles.
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSON])
    case object(Members)
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral, ExpressibleByFloatLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int64) { self = .integer(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(floatLiteral value: Double) { self = .number(value) }
    package init(arrayLiteral elements: JSON...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, JSON)...) { self = .object(Members(elements)) }
    package init(nilLiteral: ()) { self = .null }
}

/// What a value is, strictly: nil where it is of another kind.
extension JSON {
    /// A member of an object; nil as well where the value is none.
    package subscript(_ name: String) -> JSON? { object?[name] }

    package var isNull: Bool { self == .null }
    package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    package var string: String? { if case .string(let text) = self { text } else { nil } }
    package var array: [JSON]? { if case .array(let elements) = self { elements } else { nil } }
    package var object: Members? { if case .object(let members) = self { members } else { nil } }

    /// A whole number, also one that is written as `12.0` or `1e3`.
    package var integer: Int64? {
        switch self {
        case .integer(let value): value
        case .number(let value): Int64(exactly: value)
        default: nil
        }
    }

    package var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }
}

/// What a value can be taken for: for answers whose shape differs a little from one release of a box to the next.
extension JSON {
    /// An array's elements; none where the value is no array.
    package var elements: [JSON] { array ?? [] }

    /// An object's members; none where the value is no object.
    package var members: Members { object ?? [:] }

    /// A number without its fraction, also one that is written as a string.
    package var wholeNumber: Int64? {
        switch self {
        case .integer(let value): value
        case .number(let value): Int64(exactly: value.rounded(.towardZero))
        case .string(let text): Int64(text)
        default: nil
        }
    }

    /// The value as one would print it: a string bare, all else as JSON.
    package var shown: String { string ?? text }
}
