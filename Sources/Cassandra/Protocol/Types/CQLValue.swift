/// One CQL value, typed; for schema, prompts, consoles and tests. Rows on hot paths stay bytes.
///
/// Its bytes depend on the type that it is written as: `.int(5)` may be bound to a `bigint` column, `.text` to an `ascii` one.
package indirect enum CQLValue: Hashable, Sendable {
    case null
    /// "Not set": the column keeps what it has (v4 and later).
    case unset
    case ascii(String)
    case bigint(Int64)
    case blob([UInt8])
    case boolean(Bool)
    case counter(Int64)
    /// Days since 1970-01-01.
    case date(Int32)
    case decimal(CQLDecimal)
    case double(Double)
    case duration(CQLDuration)
    case float(Float)
    case inet(InternetAddress)
    case int(Int32)
    case smallint(Int16)
    case text(String)
    /// Nanoseconds since midnight.
    case time(Int64)
    /// Milliseconds since 1970-01-01T00:00:00Z.
    case timestamp(Int64)
    case timeuuid(CQLUUID)
    case tinyint(Int8)
    case uuid(CQLUUID)
    case varint(CQLVarint)
    case list([CQLValue])
    case set([CQLValue])
    /// In the order of the wire (Cassandra sorts by key).
    case map([Entry])
    /// Of a tuple or a user-defined type, in order.
    case tuple([CQLValue])
    /// Bytes of a custom type.
    case custom([UInt8])

    package struct Entry: Hashable, Sendable {
        package let key: CQLValue
        package let value: CQLValue

        package init(_ key: CQLValue, _ value: CQLValue) {
            self.key = key
            self.value = value
        }
    }

    package var isNull: Bool { self == .null }
}
