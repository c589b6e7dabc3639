/// CQL statements as written: names not yet looked up, values not yet typed.
enum CQLStatement: Sendable {
    case select(SelectStatement)
    case modification(ModificationStatement)
    case batch(BatchStatement)
    case use(String)
    case createKeyspace(KeyspaceDefinition, ifNotExists: Bool)
    case alterKeyspace(KeyspaceDefinition, ifExists: Bool)
    case dropKeyspace(String, ifExists: Bool)
    case createTable(TableDefinition)
    case alterTable(TableName, AlterTable, ifExists: Bool)
    case dropTable(TableName, ifExists: Bool)
    case truncate(TableName)
    case describe(DescribeStatement)
}

struct TableName: Sendable, Hashable {
    let keyspace: String?
    let name: String
}

/// A value as written.
indirect enum Term: Sendable {
    case null
    case constant(Constant)
    /// The statement's n-th bind marker.
    case marker(Int)
    case list([Term])
    /// Also `{}`, which may be an empty map.
    case set([Term])
    case map([MapEntry])
    case tuple([Term])
    case function(String, [Term])
    /// `(type) term`, or `CAST(term AS type)`.
    case cast(CQLType, Term)

    struct Constant: Sendable, Hashable {
        enum Kind: String, Sendable {
            case string = "STRING"
            case integer = "INTEGER"
            case float = "FLOAT"
            case boolean = "BOOLEAN"
            case uuid = "UUID"
            case hexadecimal = "HEX"
            case duration = "DURATION"
        }
        let kind: Kind
        let text: String
    }

    struct MapEntry: Sendable {
        let key: Term
        let value: Term
    }
}

/// What a SELECT shows of a row.
indirect enum Selector: Sendable {
    case column(String)
    case writeTime(String)
    case ttl(String)
    case countRows
    case function(String, [Selector])
    case cast(Selector, CQLType)
    case literal(Term)
}

struct SelectStatement: Sendable {
    struct Item: Sendable {
        let selector: Selector
        let alias: String?
        /// As written, lower-cased: the column's name in the result when there is no alias.
        let text: String
    }

    var table: TableName
    /// Nil for `*`.
    var items: [Item]?
    var isDistinct = false
    var relations: [Relation] = []
    var order: [(column: String, isDescending: Bool)] = []
    var limit: Term?
    var perPartitionLimit: Term?
    var allowFiltering = false
}

/// One condition of WHERE or IF.
struct Relation: Sendable {
    enum Target: Sendable {
        case column(String)
        /// `col[key]`
        case element(String, Term)
        case token([String])
        case tuple([String])
    }

    enum Operator: String, Sendable {
        case equal = "="
        case notEqual = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
        case isIn = "IN"
        case contains = "CONTAINS"
        case containsKey = "CONTAINS KEY"
    }

    let target: Target
    let comparison: Operator
    /// One term, or those of `IN (…)`; `IN ?` has one term and ``isList`` set.
    let terms: [Term]
    /// The one term of IN is itself a list.
    let isList: Bool
}

struct ModificationStatement: Sendable {
    enum Kind: String, Sendable {
        case insert = "INSERT"
        case update = "UPDATE"
        case delete = "DELETE"
    }

    /// What is done to one column.
    enum Operation: Sendable {
        case set(String, Term)
        /// `col[key] = term`
        case setElement(String, key: Term, Term)
        /// `col = col + term`, `col += term`
        case add(String, Term)
        /// `col = term + col`
        case prepend(String, Term)
        /// `col = col - term`, `col -= term`
        case remove(String, Term)
        /// `DELETE col`
        case delete(String)
        /// `DELETE col[key]`
        case deleteElement(String, key: Term)
    }

    var kind: Kind
    var table: TableName
    var operations: [Operation] = []
    var relations: [Relation] = []
    var timestamp: Term?
    var ttl: Term?
    var ifNotExists = false
    var ifExists = false
    var conditions: [Relation] = []

    var isConditional: Bool { ifNotExists || ifExists || !conditions.isEmpty }
}

struct BatchStatement: Sendable {
    var kind: BatchKind
    var timestamp: Term?
    var statements: [ModificationStatement]
}

/// A property of WITH: `'text'`, a number, or a map.
enum PropertyValue: Sendable, Hashable {
    case text(String)
    case map([String: String])

    var text: String? { if case .text(let text) = self { text } else { nil } }
    var map: [String: String]? { if case .map(let map) = self { map } else { nil } }
}

struct KeyspaceDefinition: Sendable {
    let name: String
    let properties: [String: PropertyValue]
}

struct TableDefinition: Sendable {
    struct Column: Sendable {
        let name: String
        let type: CQLType
        let isStatic: Bool
    }

    var table: TableName
    var ifNotExists = false
    var columns: [Column] = []
    var partitionKey: [String] = []
    var clusteringKey: [String] = []
    var order: [(column: String, isDescending: Bool)] = []
    var properties: [String: PropertyValue] = [:]
}

enum AlterTable: Sendable {
    case add([TableDefinition.Column], ifNotExists: Bool)
    case drop([String], ifExists: Bool)
    case rename([(from: String, to: String)])
    case with([String: PropertyValue])
}

enum DescribeStatement: Sendable {
    case keyspaces, tables, cluster
    case schema(isFull: Bool)
    case keyspace(String?, isOnly: Bool)
    case table(TableName)
    case types, functions, aggregates
    /// A kind of thing that the store has none of, by its name: always absent.
    case absent(kind: String, TableName)
    case any(TableName)
}

/// A parsed text: the statement and its bind markers.
struct ParsedCQL: Sendable {
    let statement: CQLStatement
    /// One a marker, in order: the name of `:name`, nil for `?`. The same `:name` twice is two markers.
    let markers: [String?]
}
