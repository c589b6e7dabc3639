/// Types as CQL writes them and as `system_schema.columns.type` holds them: `frozen<map<text, list<int>>>`.
extension CQLType: CustomStringConvertible {
    package var description: String {
        switch self {
        case .list(let element): "list<\(element)>"
        case .set(let element): "set<\(element)>"
        case .map(let key, let value): "map<\(key), \(value)>"
        case .tuple(let elements): "tuple<\(elements.map(\.description).joined(separator: ", "))>"
        case .frozen(let inner): "frozen<\(inner)>"
        case .userDefined(let type): type.name
        case .custom(let name): "'\(name)'"
        default: scalarName
        }
    }

    private var scalarName: String {
        switch self {
        case .ascii: "ascii"
        case .bigint: "bigint"
        case .blob: "blob"
        case .boolean: "boolean"
        case .counter: "counter"
        case .date: "date"
        case .decimal: "decimal"
        case .double: "double"
        case .duration: "duration"
        case .float: "float"
        case .inet: "inet"
        case .int: "int"
        case .smallint: "smallint"
        case .text: "text"
        case .time: "time"
        case .timestamp: "timestamp"
        case .timeuuid: "timeuuid"
        case .tinyint: "tinyint"
        case .uuid: "uuid"
        default: "varint"
        }
    }

    /// The scalar type of that name (in any case), or nil.
    package init?(scalarName name: some StringProtocol) {
        switch name.lowercased() {
        case "ascii": self = .ascii
        case "bigint": self = .bigint
        case "blob": self = .blob
        case "boolean": self = .boolean
        case "counter": self = .counter
        case "date": self = .date
        case "decimal": self = .decimal
        case "double": self = .double
        case "duration": self = .duration
        case "float": self = .float
        case "inet": self = .inet
        case "int": self = .int
        case "smallint": self = .smallint
        case "text", "varchar": self = .text
        case "time": self = .time
        case "timestamp": self = .timestamp
        case "timeuuid": self = .timeuuid
        case "tinyint": self = .tinyint
        case "uuid": self = .uuid
        case "varint": self = .varint
        default: return nil
        }
    }

    /// How deep types may nest before a text or a frame that holds them is refused.
    static let depthMax = 16

    /// Reads a type's text. A name that is no known type becomes ``custom(_:)``, as a user-defined type of an unknown keyspace.
    ///
    /// - Throws: ``CQLError`` (SyntaxError) where the brackets do not match or the arguments are too many or too few.
    package init(parsing text: String) throws(CQLError) {
        var rest = Substring(text)
        self = try Self.parse(&rest, of: text, depth: 0)
        Self.skipSpaces(&rest)
        guard rest.isEmpty else { throw .syntaxError("'\(text)' is not a type: '\(rest)' follows it") }
    }

    private static func parse(_ rest: inout Substring, of text: String, depth: Int) throws(CQLError) -> CQLType {
        guard depth < depthMax else { throw .syntaxError("'\(text)' nests deeper than \(depthMax) types") }
        skipSpaces(&rest)
        if rest.first == "'" {
            rest.removeFirst()
            guard let end = rest.firstIndex(of: "'") else { throw .syntaxError("'\(text)' is not a type: the quote is not closed") }
            let name = String(rest[..<end])
            rest = rest[rest.index(after: end)...]
            return .custom(name)
        }
        let name = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." || $0 == "\"" }
        guard !name.isEmpty else { throw .syntaxError("'\(text)' is not a type: a type's name is missing") }
        rest = rest.dropFirst(name.count)
        skipSpaces(&rest)
        guard rest.first == "<" else { return CQLType(scalarName: name) ?? .custom(String(name)) }
        rest.removeFirst()
        var arguments: [CQLType] = []
        while true {
            arguments.append(try parse(&rest, of: text, depth: depth + 1))
            skipSpaces(&rest)
            guard let next = rest.popFirst() else { throw .syntaxError("'\(text)' is not a type: '>' is missing") }
            if next == ">" { break }
            guard next == "," else { throw .syntaxError("'\(text)' is not a type: '\(next)' is not expected there") }
        }
        switch (name.lowercased(), arguments.count) {
        case ("list", 1): return .list(arguments[0])
        case ("set", 1): return .set(arguments[0])
        case ("map", 2): return .map(arguments[0], arguments[1])
        case ("tuple", 1...): return .tuple(arguments)
        case ("frozen", 1): return .frozen(arguments[0])
        case ("vector", _): return .custom("vector")
        default: throw .syntaxError("'\(text)' is not a type: \(name) does not take \(arguments.count) type(s)")
        }
    }

    private static func skipSpaces(_ rest: inout Substring) {
        while let first = rest.first, first.isWhitespace { rest.removeFirst() }
    }
}
