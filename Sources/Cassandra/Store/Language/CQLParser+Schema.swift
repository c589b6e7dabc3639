/// CREATE, ALTER and DROP.
extension CQLParser {
    /// What CREATE, ALTER and DROP know besides keyspaces and tables.
    private static let unserved: [String: String] = [
        "index": "INDEX", "custom": "CUSTOM INDEX", "type": "TYPE", "function": "FUNCTION", "aggregate": "AGGREGATE", "trigger": "TRIGGER",
        "materialized": "MATERIALIZED VIEW", "role": "ROLE", "user": "USER", "or": "OR REPLACE",
    ]

    private mutating func what(_ verb: String) throws(CQLError) -> String {
        advance()
        guard case .word(let word) = token.kind else { throw unexpected() }
        if let name = Self.unserved[word] { throw refused("\(verb) \(name)") }
        advance()
        return word
    }

    mutating func create() throws(CQLError) -> CQLStatement {
        switch try what("CREATE") {
        case "keyspace", "schema":
            let ifNotExists = try ifNotExists()
            let name = try name()
            return .createKeyspace(
                KeyspaceDefinition(name: name, properties: isWord("with") ? try properties() : [:]), ifNotExists: ifNotExists)
        case "table", "columnfamily": return .createTable(try table())
        default: throw unexpected()
        }
    }

    mutating func alter() throws(CQLError) -> CQLStatement {
        switch try what("ALTER") {
        case "keyspace", "schema":
            let ifExists = try ifExists()
            let name = try name()
            return .alterKeyspace(KeyspaceDefinition(name: name, properties: try properties()), ifExists: ifExists)
        case "table", "columnfamily":
            let ifExists = try ifExists()
            let table = try tableName()
            return .alterTable(table, try alteration(), ifExists: ifExists)
        default: throw unexpected()
        }
    }

    mutating func drop() throws(CQLError) -> CQLStatement {
        switch try what("DROP") {
        case "keyspace", "schema":
            let ifExists = try ifExists()
            return .dropKeyspace(try name(), ifExists: ifExists)
        case "table", "columnfamily":
            let ifExists = try ifExists()
            return .dropTable(try tableName(), ifExists: ifExists)
        default: throw unexpected()
        }
    }

    private mutating func alteration() throws(CQLError) -> AlterTable {
        if skip(word: "add") {
            let ifNotExists = try ifNotExists()
            let inBrackets = skip("(")
            var columns = [try column()]
            while skip(",") {
                if inBrackets, isSymbol(")") { break }
                columns.append(try column())
            }
            if inBrackets { try expect(")") }
            return .add(columns, ifNotExists: ifNotExists)
        }
        if skip(word: "drop") {
            let ifExists = try ifExists()
            if isSymbol("(") { return .drop(try names(), ifExists: ifExists) }
            var list = [try name()]
            while skip(",") { list.append(try name()) }
            if isWord("using") { throw refused("DROP … USING TIMESTAMP") }
            return .drop(list, ifExists: ifExists)
        }
        if skip(word: "rename") {
            if try ifExists() { throw refused("RENAME IF EXISTS") }
            var list: [(from: String, to: String)] = []
            repeat {
                let from = try name()
                try expect(word: "to")
                list.append((from, try name()))
            } while skip(word: "and")
            return .rename(list)
        }
        if isWord("with") { return .with(try properties()) }
        if isWord("alter") { throw .invalid("Altering column types is no longer supported") }
        throw unexpected()
    }

    private mutating func column() throws(CQLError) -> TableDefinition.Column {
        let name = try name()
        let type = try type()
        return .init(name: name, type: type, isStatic: skip(word: "static"))
    }

    private mutating func table() throws(CQLError) -> TableDefinition {
        let ifNotExists = try ifNotExists()
        var definition = TableDefinition(table: try tableName(), ifNotExists: ifNotExists)
        var hasKey = false
        try expect("(")
        repeat {
            // A trailing comma before the bracket is legal.
            if isSymbol(")") { break }
            if isWord("primary") {
                if hasKey { throw .invalid("Multiple PRIMARY KEYs specified (exactly one required)") }
                hasKey = true
                try primaryKey(&definition)
                continue
            }
            let column = try column()
            definition.columns.append(column)
            if skip(word: "primary") {
                try expect(word: "key")
                if hasKey { throw .invalid("Multiple PRIMARY KEYs specified (exactly one required)") }
                hasKey = true
                definition.partitionKey = [column.name]
            }
        } while skip(",")
        try expect(")")
        if isWord("with") { try tableProperties(&definition) }
        return definition
    }

    private mutating func primaryKey(_ definition: inout TableDefinition) throws(CQLError) {
        advance()
        try expect(word: "key")
        try expect("(")
        definition.partitionKey = isSymbol("(") ? try names() : [try name()]
        while skip(",") {
            if isSymbol(")") { break }
            definition.clusteringKey.append(try name())
        }
        try expect(")")
    }

    private mutating func tableProperties(_ definition: inout TableDefinition) throws(CQLError) {
        try expect(word: "with")
        repeat {
            if isWord("compact"), ahead(1).kind == .word("storage") { throw .invalid("COMPACT STORAGE tables are not allowed") }
            if isWord("clustering"), ahead(1).kind == .word("order") {
                advance()
                advance()
                try expect(word: "by")
                try expect("(")
                repeat {
                    if isSymbol(")") { break }
                    let column = try name()
                    let isDescending = skip(word: "desc")
                    if !isDescending { _ = skip(word: "asc") }
                    definition.order.append((column, isDescending))
                } while skip(",")
                try expect(")")
                continue
            }
            let (key, value) = try property()
            definition.properties[key] = value
        } while skip(word: "and")
    }

    private mutating func properties() throws(CQLError) -> [String: PropertyValue] {
        try expect(word: "with")
        var list: [String: PropertyValue] = [:]
        repeat {
            let (key, value) = try property()
            if list.updateValue(value, forKey: key) != nil { throw .syntaxError("Multiple definition for property '\(key)'") }
        } while skip(word: "and")
        return list
    }

    private mutating func property() throws(CQLError) -> (String, PropertyValue) {
        let key = try name()
        try expect("=")
        guard skip("{") else { return (key, .text(try propertyText())) }
        var map: [String: String] = [:]
        while !isSymbol("}") {
            let name = try propertyText()
            try expect(":")
            map[name] = try propertyText()
            guard skip(",") else { break }
        }
        try expect("}")
        return (key, .map(map))
    }

    private mutating func propertyText() throws(CQLError) -> String {
        switch token.kind {
        case .string(let text), .integer(let text), .float(let text), .uuid(let text), .word(let text):
            advance()
            return text
        default: throw unexpected()
        }
    }

    /// A type as written, `'class.name'` too.
    mutating func type() throws(CQLError) -> CQLType {
        if case .string(let name) = token.kind { throw refused("the custom type '\(name)'") }
        let place = token
        // The one type whose name is a keyword.
        let name = skip(word: "set") ? "set" : try self.name()
        if skip(".") { throw .invalid("Unknown type \(name).\(try self.name())") }
        if ["list", "set", "map", "tuple", "frozen", "vector"].contains(name) {
            try expect("<")
            let arguments = try nested { (parser) throws(CQLError) in
                var arguments = [try parser.type()]
                while parser.skip(",") { arguments.append(try parser.type()) }
                return arguments
            }
            try expect(">")
            switch (name, arguments.count) {
            case ("list", 1): return .list(arguments[0])
            case ("set", 1): return .set(arguments[0])
            case ("map", 2): return .map(arguments[0], arguments[1])
            case ("tuple", _): return .tuple(arguments)
            case ("frozen", 1): return .frozen(arguments[0].unfrozen)
            case ("vector", _): throw refused("the type vector")
            default: throw .syntaxError("line \(place.line):\(place.column) \(name) does not take \(arguments.count) type(s)")
            }
        }
        guard let type = CQLType(scalarName: name) else { throw .invalid("Unknown type \(name)") }
        return type
    }
}
