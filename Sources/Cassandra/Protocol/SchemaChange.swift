/// What a DDL statement changed: the body of a Schema_change result and of a SCHEMA_CHANGE event (v5, section 4.2.6).
package struct SchemaChange: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        case created = "CREATED"
        case updated = "UPDATED"
        case dropped = "DROPPED"
    }

    package enum Target: Hashable, Sendable {
        case keyspace
        case table(String)
        case type(String)
        case function(String, arguments: [String])
        case aggregate(String, arguments: [String])
    }

    package let kind: Kind
    package let keyspace: String
    package let target: Target

    package init(_ kind: Kind, keyspace: String, target: Target = .keyspace) {
        self.kind = kind
        self.keyspace = keyspace
        self.target = target
    }
}
