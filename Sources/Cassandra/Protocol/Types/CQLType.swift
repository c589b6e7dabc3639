/// The type of a CQL column or value.
///
/// `varchar` is `text` under another name (both in CQL and on the wire), so there is one case for the two. Whether a collection
/// is frozen does not change its bytes and is not sent in result metadata, but it is part of a column's definition: hence
/// ``frozen(_:)``, which ``unfrozen`` takes off.
package indirect enum CQLType: Hashable, Sendable {
    case ascii, bigint, blob, boolean, counter, date, decimal, double, duration, float, inet, int, smallint, text, time, timestamp,
        timeuuid, tinyint, uuid, varint
    case list(CQLType)
    case set(CQLType)
    case map(CQLType, CQLType)
    case tuple([CQLType])
    case frozen(CQLType)
    /// A user-defined type. The embedded store has none; a real Cassandra's are read through it.
    case userDefined(UserDefinedType)
    /// A type known by its server-side class name only; its values are bytes.
    case custom(String)

    package static var varchar: CQLType { .text }

    package struct UserDefinedType: Hashable, Sendable {
        package let keyspace: String
        package let name: String
        package let fields: [Field]

        package struct Field: Hashable, Sendable {
            package let name: String
            package let type: CQLType
        }
    }

    /// The type without `frozen` at its outside.
    package var unfrozen: CQLType {
        if case .frozen(let inner) = self { inner.unfrozen } else { self }
    }

    package var isFrozen: Bool {
        if case .frozen = self { true } else { false }
    }

    package var isCollection: Bool {
        switch self {
        case .list, .set, .map: true
        case .frozen(let inner): inner.isCollection
        default: false
        }
    }

    /// The number of bytes of every value of the type, or nil where values differ in length.
    package var fixedLength: Int? {
        switch self {
        case .boolean, .tinyint: 1
        case .smallint: 2
        case .int, .float, .date: 4
        case .bigint, .counter, .double, .time, .timestamp: 8
        case .uuid, .timeuuid: 16
        default: nil
        }
    }
}
