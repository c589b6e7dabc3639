/// Parses Spark SQL expressions, select items, types and DDL schemas (the grammar of Spark's SqlBaseParser, its expression part).
///
/// Recursive descent; precedence from loose to tight: OR, AND, NOT, predicates and comparisons, `|`, `^`, `&`, shifts, `+ - ||`,
/// `* / % DIV`, unary signs, then subscripts, dots and `::`.
struct ExpressionParser {
    private let tokens: [SQLToken]
    private var index = 0
    private var depth = 0
    /// Deeper nesting is refused, so that no text overflows the stack.
    static let depthMax = 200

    init(_ text: String) throws {
        tokens = try SQLLexer.tokens(text)
    }

    // MARK: Whole texts

    mutating func parseWhole() throws -> Expression {
        let expression = try expression()
        try end()
        return expression
    }

    mutating func parseWholeNamed() throws -> Expression {
        let expression = try namedExpression()
        try end()
        return expression
    }

    mutating func parseWholeSchema() throws -> StructType {
        var fields: [StructField] = []
        if token.kind != .end {
            repeat { fields.append(try field()) } while takeSymbol(",")
        }
        try end()
        return StructType(fields)
    }

    mutating func parseWholeType() throws -> DataType {
        let type = try dataType()
        try end()
        return type
    }

    // MARK: Tokens

    private var token: SQLToken { tokens[index] }
    private func token(ahead: Int) -> SQLToken { tokens[min(index + ahead, tokens.count - 1)] }

    private mutating func advance() {
        if index < tokens.count - 1 { index += 1 }
    }

    func failure(_ wanted: String? = nil, at token: SQLToken? = nil) -> SparkError {
        let token = token ?? self.token
        let near = token.kind == .end ? "end of input" : "'\(token.text)'"
        return SparkError(
            "PARSE_SYNTAX_ERROR", sqlState: "42601", "Syntax error at or near \(near)" + (wanted.map { ": \($0)." } ?? "."),
            line: token.line, position: token.position)
    }

    func unsupported(_ what: String, at token: SQLToken) -> SparkError {
        SparkError(
            "UNSUPPORTED_FEATURE", sqlState: "0A000", "\(what) is not served by this engine.", line: token.line, position: token.position)
    }

    private mutating func end() throws {
        guard token.kind == .end else { throw failure("an operator or the end is wanted") }
    }

    private func isSymbol(_ symbol: String, ahead: Int = 0) -> Bool { token(ahead: ahead).kind == .symbol(symbol) }

    private func isWord(_ word: String, ahead: Int = 0) -> Bool {
        if case .word(let text) = token(ahead: ahead).kind { return text.equalsIgnoringCase(word) }
        return false
    }

    private mutating func takeSymbol(_ symbol: String) -> Bool {
        guard isSymbol(symbol) else { return false }
        advance()
        return true
    }

    private mutating func takeWord(_ word: String) -> Bool {
        guard isWord(word) else { return false }
        advance()
        return true
    }

    private mutating func wantSymbol(_ symbol: String) throws {
        guard takeSymbol(symbol) else { throw failure("'\(symbol)' is wanted") }
    }

    private mutating func wantWord(_ word: String) throws {
        guard takeWord(word) else { throw failure("\(word) is wanted") }
    }

    /// Words that end an expression, so that they are no implicit alias and no column.
    private static let reserved: Set<String> = [
        "and", "as", "between", "case", "cast", "div", "else", "end", "false", "from", "ilike", "in", "is", "like", "not", "null", "or",
        "rlike", "regexp", "then", "true", "when", "where", "select", "group", "having", "order", "union", "limit", "on", "using", "join",
    ]

    private mutating func identifier() throws -> String {
        switch token.kind {
        case .word(let name):
            advance()
            return name
        case .quotedIdentifier(let name):
            advance()
            return name
        default: throw failure("a name is wanted")
        }
    }

    // MARK: Expressions

    mutating func namedExpression() throws -> Expression {
        let expression = try expression()
        if takeWord("AS") { return .alias(expression, name: try identifier()) }
        switch token.kind {
        case .quotedIdentifier: return .alias(expression, name: try identifier())
        case .word(let name) where !Self.reserved.contains(name.lowercased()): return .alias(expression, name: try identifier())
        default: return expression
        }
    }

    mutating func expression() throws -> Expression {
        depth += 1
        defer { depth -= 1 }
        guard depth < Self.depthMax else { throw failure("expressions nest deeper than \(Self.depthMax)") }
        var left = try conjunction()
        while takeWord("OR") { left = .call("or", left, try conjunction()) }
        return left
    }

    private mutating func conjunction() throws -> Expression {
        var left = try negation()
        while takeWord("AND") { left = .call("and", left, try negation()) }
        return left
    }

    private mutating func negation() throws -> Expression {
        var count = 0
        while takeWord("NOT") || takeSymbol("!") { count += 1 }
        var expression = try predicate()
        for _ in 0..<count { expression = .call("not", expression) }
        return expression
    }

    private static let comparisons = [
        "=": "==", "==": "==", "<=>": "<=>", "<>": "!=", "!=": "!=", "<": "<", "<=": "<=", "!>": "<=", ">": ">", ">=": ">=", "!<": ">=",
    ]

    private mutating func predicate() throws -> Expression {
        var left = try bitOr()
        while true {
            if case .symbol(let symbol) = token.kind, let name = Self.comparisons[symbol] {
                advance()
                let right = try bitOr()
                left = name == "!=" ? .call("not", .call("==", left, right)) : .call(name, left, right)
                continue
            }
            if takeWord("IS") {
                left = try isPredicate(left)
                continue
            }
            let isNegated = isWord("NOT") && ["BETWEEN", "IN", "LIKE", "ILIKE", "RLIKE", "REGEXP"].contains { isWord($0, ahead: 1) }
            if isNegated { advance() }
            guard let test = try wordPredicate(left) else { return left }
            left = isNegated ? .call("not", test) : test
        }
    }

    private mutating func wordPredicate(_ left: Expression) throws -> Expression? {
        let start = token
        if takeWord("BETWEEN") {
            let low = try bitOr()
            try wantWord("AND")
            return .call("and", .call(">=", left, low), .call("<=", left, try bitOr()))
        }
        if takeWord("IN") {
            try wantSymbol("(")
            if isWord("SELECT") || isWord("WITH") { throw unsupported("IN with a subquery", at: token) }
            var values = [left]
            repeat { values.append(try expression()) } while takeSymbol(",")
            try wantSymbol(")")
            return .function(name: "in", arguments: values)
        }
        for word in ["LIKE", "ILIKE"] where takeWord(word) {
            if isWord("ANY") || isWord("ALL") || isWord("SOME") { throw unsupported("\(word) \(token.text)", at: start) }
            var arguments = [left, try bitOr()]
            if takeWord("ESCAPE") { arguments.append(try primary()) }
            return .function(name: word.lowercased(), arguments: arguments)
        }
        if takeWord("RLIKE") || takeWord("REGEXP") { return .call("rlike", left, try bitOr()) }
        return nil
    }

    private mutating func isPredicate(_ left: Expression) throws -> Expression {
        let isNegated = takeWord("NOT")
        if takeWord("NULL") { return .call(isNegated ? "isnotnull" : "isnull", left) }
        let test: Expression
        if takeWord("TRUE") {
            test = .call("<=>", left, .literal(.boolean(true)))
        } else if takeWord("FALSE") {
            test = .call("<=>", left, .literal(.boolean(false)))
        } else if takeWord("UNKNOWN") {
            test = .call("isnull", left)
        } else if takeWord("DISTINCT") {
            try wantWord("FROM")
            let same = Expression.call("<=>", left, try bitOr())
            return isNegated ? same : .call("not", same)
        } else {
            throw failure("NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM is wanted")
        }
        return isNegated ? .call("not", test) : test
    }

    private mutating func bitOr() throws -> Expression {
        var left = try bitXor()
        while takeSymbol("|") { left = .call("|", left, try bitXor()) }
        return left
    }

    private mutating func bitXor() throws -> Expression {
        var left = try bitAnd()
        while takeSymbol("^") { left = .call("^", left, try bitAnd()) }
        return left
    }

    private mutating func bitAnd() throws -> Expression {
        var left = try shift()
        while takeSymbol("&") { left = .call("&", left, try shift()) }
        return left
    }

    private mutating func shift() throws -> Expression {
        var left = try sum()
        while case .symbol(let symbol) = token.kind, symbol == "<<" || symbol == ">>" {
            advance()
            left = .call(symbol == "<<" ? "shiftleft" : "shiftright", left, try sum())
        }
        return left
    }

    private mutating func sum() throws -> Expression {
        var left = try product()
        while case .symbol(let symbol) = token.kind, ["+", "-", "||"].contains(symbol) {
            advance()
            left = .call(symbol == "||" ? "concat" : symbol, left, try product())
        }
        return left
    }

    private mutating func product() throws -> Expression {
        var left = try unary()
        while true {
            if case .symbol(let symbol) = token.kind, ["*", "/", "%"].contains(symbol) {
                advance()
                left = .call(symbol, left, try unary())
            } else if takeWord("DIV") {
                left = .call("div", left, try unary())
            } else {
                return left
            }
        }
    }

    private mutating func unary() throws -> Expression {
        depth += 1
        defer { depth -= 1 }
        guard depth < Self.depthMax else { throw failure("expressions nest deeper than \(Self.depthMax)") }
        if isSymbol("-") {
            advance()
            // A sign before a number belongs to it, so that the least integer can be written.
            if case .number(let text) = token.kind {
                let numberToken = token
                advance()
                return try postfix(.literal(try number("-" + text, at: numberToken)))
            }
            return .call("negative", try unary())
        }
        if takeSymbol("+") { return .call("positive", try unary()) }
        if takeSymbol("~") { return .call("~", try unary()) }
        return try postfix(try primary())
    }

    private mutating func postfix(_ base: Expression) throws -> Expression {
        var base = base
        while true {
            if takeSymbol("[") {
                base = .extractValue(base, key: try expression())
                try wantSymbol("]")
            } else if isSymbol(".") {
                advance()
                if takeSymbol("*") {
                    guard case .attribute(let parts, _) = base else { throw failure("a star follows a column's name only") }
                    return .star(parts)
                }
                let name = try identifier()
                if case .attribute(let parts, _) = base {
                    base = .attribute(parts + [name])
                } else {
                    base = .extractValue(base, key: .literal(.string(name)))
                }
            } else if takeSymbol("::") {
                base = .cast(base, to: try dataType(), isTry: false)
            } else {
                return base
            }
        }
    }

    private mutating func primary() throws -> Expression {
        let start = token
        switch token.kind {
        case .number(let text):
            advance()
            return .literal(try number(text, at: start))
        case .string(var text):
            advance()
            // Adjacent strings are one, as in Spark.
            while case .string(let more) = token.kind {
                advance()
                text += more
            }
            return .literal(.string(text))
        case .quotedIdentifier(let name):
            advance()
            if isSymbol("(") { return try call(name, at: start) }
            return .attribute([name])
        case .symbol("*"):
            advance()
            return .star([])
        case .symbol("("):
            advance()
            if isWord("SELECT") || isWord("WITH") { throw unsupported("A subquery", at: token) }
            let inner = try expression()
            if takeSymbol(",") {
                var elements = [inner]
                repeat { elements.append(try expression()) } while takeSymbol(",")
                try wantSymbol(")")
                return .function(name: "struct", arguments: elements)
            }
            try wantSymbol(")")
            return inner
        case .word(let word): return try wordPrimary(word)
        case .symbol, .end: throw failure()
        }
    }

    private mutating func wordPrimary(_ word: String) throws -> Expression {
        let start = token
        switch word.lowercased() {
        case "null":
            advance()
            return .literal(.null)
        case "true", "false":
            advance()
            return .literal(.boolean(word.equalsIgnoringCase("true")))
        case "case": return try caseWhen()
        case "cast", "try_cast":
            guard isSymbol("(", ahead: 1) else { break }
            advance()
            advance()
            let child = try expression()
            try wantWord("AS")
            let type = try dataType()
            try wantSymbol(")")
            return .cast(child, to: type, isTry: !word.equalsIgnoringCase("cast"))
        case "current_timestamp", "current_date", "localtimestamp":
            guard !isSymbol("(", ahead: 1) else { break }
            advance()
            return .function(name: word.lowercased(), arguments: [])
        case "date", "timestamp", "timestamp_ntz", "timestamp_ltz":
            guard case .string(let text) = token(ahead: 1).kind else { break }
            advance()
            advance()
            return try typedLiteral(word.lowercased(), text, at: start)
        case "x":
            guard case .string(let text) = token(ahead: 1).kind else { break }
            advance()
            advance()
            guard let bytes = hexadecimal(text) else { throw failure("hexadecimal digits are wanted", at: start) }
            return .literal(.binary(bytes))
        case "interval":
            if case .symbol(let symbol) = token(ahead: 1).kind, symbol != "-" { break }
            if token(ahead: 1).kind == .end { break }
            return try interval()
        case "exists":
            if isSymbol("(", ahead: 1), isWord("SELECT", ahead: 2) { throw unsupported("EXISTS with a subquery", at: start) }
        default: break
        }
        if isSymbol("(", ahead: 1), !["and", "or", "not", "in", "like", "between"].contains(word.lowercased()) {
            advance()
            return try call(word, at: start)
        }
        guard !Self.reserved.contains(word.lowercased()) else { throw failure() }
        advance()
        return .attribute([word])
    }

    private mutating func call(_ name: String, at start: SQLToken) throws -> Expression {
        try wantSymbol("(")
        if isWord("DISTINCT") { throw unsupported("DISTINCT in a function call", at: token) }
        var arguments: [Expression] = []
        if !isSymbol(")") {
            repeat {
                if let lambda = try lambda() {
                    arguments.append(lambda)
                    continue
                }
                // struct(a AS b) names its fields so.
                arguments.append(try namedExpression())
                if arguments.count == 1, name.equalsIgnoringCase("extract"), takeWord("FROM") {
                    if case .attribute(let parts, _) = arguments[0] { arguments[0] = .literal(.string(parts[0])) }
                    arguments.append(try expression())
                }
            } while takeSymbol(",")
        }
        try wantSymbol(")")
        if isWord("OVER") { throw unsupported("A window function (OVER)", at: token) }
        if isWord("FILTER"), isSymbol("(", ahead: 1) { throw unsupported("FILTER after an aggregate function", at: token) }
        return .function(name: name, arguments: arguments)
    }

    /// `x -> …` or `(x, y) -> …`.
    private mutating func lambda() throws -> Expression? {
        var names: [String] = []
        let start = index
        if case .word(let name) = token.kind, isSymbol("->", ahead: 1) {
            names = [name]
            advance()
        } else if takeSymbol("(") {
            while case .word(let name) = token.kind {
                names.append(name)
                advance()
                if !takeSymbol(",") { break }
            }
            guard takeSymbol(")"), isSymbol("->") else {
                index = start
                return nil
            }
        } else {
            return nil
        }
        try wantSymbol("->")
        return .lambda(parameters: names, body: try expression())
    }

    private static let dayTimeFields: [String: DayTimeField] = ["day": .day, "hour": .hour, "minute": .minute, "second": .second]
    private static let yearMonthFields: [String: YearMonthField] = ["year": .year, "month": .month]

    private mutating func unit() throws -> String? {
        guard case .word(var word) = token.kind else { return nil }
        word = word.lowercased()
        if word.hasSuffix("s") { word.removeLast() }
        guard Self.dayTimeFields[word] != nil || Self.yearMonthFields[word] != nil else { return nil }
        advance()
        return word
    }

    private mutating func intervalType() throws -> DataType {
        guard let first = try unit() else { return .calendarInterval }
        let second = takeWord("TO") ? try unit() ?? first : first
        if let a = Self.yearMonthFields[first], let b = Self.yearMonthFields[second] { return .yearMonthInterval(.init(a, b)) }
        if let a = Self.dayTimeFields[first], let b = Self.dayTimeFields[second] { return .dayTimeInterval(.init(a, b)) }
        throw failure("fields of one kind are wanted")
    }

    private mutating func interval() throws -> Expression {
        advance()
        let isNegative = takeSymbol("-")
        var text: String
        switch token.kind {
        case .string(let value): text = value
        case .number(let value): text = value
        default: throw failure("an interval is wanted")
        }
        advance()
        if isNegative { text = "-" + text }
        let type = try intervalType()
        return .cast(.literal(.string(text)), to: type, isTry: false)
    }

    /// `CASE WHEN c THEN v … ELSE e END` and `CASE x WHEN y THEN v … END`, both to `when(c1, v1, …, e)`.
    private mutating func caseWhen() throws -> Expression {
        advance()
        let subject = isWord("WHEN") ? nil : try expression()
        var arguments: [Expression] = []
        while takeWord("WHEN") {
            let test = try expression()
            try wantWord("THEN")
            arguments.append(subject.map { .call("==", $0, test) } ?? test)
            arguments.append(try expression())
        }
        guard !arguments.isEmpty else { throw failure("WHEN is wanted") }
        if takeWord("ELSE") { arguments.append(try expression()) }
        try wantWord("END")
        return .function(name: "when", arguments: arguments)
    }

    // MARK: Literals

    private func number(_ text: String, at token: SQLToken) throws -> Literal {
        let digits = text.prefix { $0.isNumber || "+-.".contains($0) }
        var body = String(digits)
        var suffix = text.dropFirst(body.count)
        if suffix.first == "e" || suffix.first == "E", suffix.dropFirst().first.map({ $0.isNumber || $0 == "-" || $0 == "+" }) == true {
            let exponent = suffix.dropFirst().prefix { $0.isNumber || $0 == "-" || $0 == "+" }
            body += "e" + exponent
            suffix = suffix.dropFirst(exponent.count + 1)
        }
        func outOfRange(_ type: String) -> SparkError {
            SparkError(
                "INVALID_NUMERIC_LITERAL_RANGE", sqlState: "22003", "Numeric literal \(text) is outside the valid range for \(type).",
                line: token.line, position: token.position)
        }
        let isWhole = !body.contains(".") && !body.contains("e")
        switch suffix.uppercased() {
        case "" where isWhole:
            if let value = Int32(body) { return .integer(value) }
            if let value = Int64(body) { return .long(value) }
            return try decimal(body, at: token)
        case "" where !body.contains("e"), "BD": return try decimal(body, at: token)
        case "", "D":
            guard let value = Double(body) else { throw failure("a number is wanted", at: token) }
            return .double(value)
        case "F":
            guard let value = Float(body) else { throw failure("a number is wanted", at: token) }
            return .float(value)
        case "L" where isWhole:
            guard let value = Int64(body) else { throw outOfRange("bigint") }
            return .long(value)
        case "S" where isWhole:
            guard let value = Int16(body) else { throw outOfRange("smallint") }
            return .short(value)
        case "Y" where isWhole:
            guard let value = Int8(body) else { throw outOfRange("tinyint") }
            return .byte(value)
        default: throw failure("'\(text)' is no number", at: token)
        }
    }

    private func decimal(_ text: String, at token: SQLToken) throws -> Literal {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let fraction = parts.count > 1 ? parts[1] : ""
        guard parts.count <= 2, let unscaled = Int128(String(parts[0] + fraction)), unscaled.magnitude < Literal.decimalBound else {
            throw SparkError(
                "UNSUPPORTED_FEATURE", sqlState: "0A000",
                "The decimal literal \(text) has more than 38 digits.",
                line: token.line, position: token.position)
        }
        let digits = String(unscaled.magnitude).count
        return .decimal(unscaled: unscaled, precision: max(digits, fraction.count), scale: fraction.count)
    }

    private func typedLiteral(_ type: String, _ text: String, at token: SQLToken) throws -> Expression {
        let value: Literal? =
            switch type {
            case "date": DateTimeText.date(text).map { .date($0) }
            case "timestamp_ntz": DateTimeText.timestamp(text).map { .timestampNTZ($0) }
            default: DateTimeText.timestamp(text).map { .timestamp($0) }
            }
        // Without a zone of its own, the time is the session's.
        if type == "timestamp" || type == "timestamp_ltz" { return .cast(.literal(.string(text)), to: .timestamp, isTry: false) }
        guard let value else {
            throw SparkError(
                "INVALID_TYPED_LITERAL", sqlState: "42604",
                "The value of the typed literal \"\(type.uppercased())\" is invalid: '\(text)'.",
                line: token.line, position: token.position)
        }
        return .literal(value)
    }

    private func hexadecimal(_ text: String) -> [UInt8]? {
        let digits = Array((text.count % 2 == 1 ? "0" : "") + text)
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let byte = UInt8(String(digits[index...index + 1]), radix: 16) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    // MARK: Types

    private mutating func field() throws -> StructField {
        let name = try identifier()
        _ = takeSymbol(":")
        let type = try dataType()
        var field = StructField(name, type)
        if takeWord("NOT") {
            try wantWord("NULL")
            field.nullable = false
        }
        if takeWord("COMMENT") {
            guard case .string(let comment) = token.kind else { throw failure("a string is wanted") }
            advance()
            field.metadata["comment"] = comment
        }
        return field
    }

    private mutating func dataType() throws -> DataType {
        depth += 1
        defer { depth -= 1 }
        guard depth < Self.depthMax else { throw failure("types nest deeper than \(Self.depthMax)") }
        let start = token
        guard case .word(let word) = token.kind else { throw failure("a type is wanted") }
        advance()
        switch word.lowercased() {
        case "boolean": return .boolean
        case "byte", "tinyint": return .byte
        case "short", "smallint": return .short
        case "int", "integer": return .integer
        case "long", "bigint": return .long
        case "float", "real": return .float
        case "double": return .double
        case "string": return .string
        case "char", "character", "varchar":
            // The length is a check on writing in Spark; reading gives strings.
            try wantSymbol("(")
            guard case .number = token.kind else { throw failure("a length is wanted") }
            advance()
            try wantSymbol(")")
            return .string
        case "binary": return .binary
        case "date": return .date
        case "timestamp", "timestamp_ltz": return .timestamp
        case "timestamp_ntz": return .timestampNTZ
        case "void": return .null
        case "interval": return try intervalType()
        case "decimal", "dec", "numeric": return try decimalType()
        case "array":
            try openAngle()
            let element = try dataType()
            try closeAngle()
            return .array(element, containsNull: true)
        case "map":
            try openAngle()
            let key = try dataType()
            try wantSymbol(",")
            let value = try dataType()
            try closeAngle()
            return .map(key: key, value: value, valueContainsNull: true)
        case "struct":
            if takeSymbol("<>") { return .structure(StructType()) }
            try openAngle()
            var fields: [StructField] = []
            if !isSymbol(">") {
                repeat { fields.append(try field()) } while takeSymbol(",")
            }
            try closeAngle()
            return .structure(StructType(fields))
        default:
            throw SparkError(
                "UNSUPPORTED_DATATYPE", sqlState: "0A000", "Unsupported data type \"\(word.uppercased())\".", line: start.line,
                position: start.position)
        }
    }

    private mutating func decimalType() throws -> DataType {
        var numbers: [Int] = []
        if takeSymbol("(") {
            repeat {
                guard case .number(let text) = token.kind, let number = Int(text) else { throw failure("a number of digits is wanted") }
                advance()
                numbers.append(number)
            } while takeSymbol(",")
            try wantSymbol(")")
        }
        let precision = numbers.first ?? 10
        let scale = numbers.count > 1 ? numbers[1] : 0
        guard numbers.count <= 2, (1...38).contains(precision), scale <= precision else {
            throw failure("at most 38 digits, and a scale within them, are wanted")
        }
        return .decimal(precision: precision, scale: scale)
    }

    private mutating func openAngle() throws { try wantSymbol("<") }

    /// Closing angles may have been read as one `>>`: then the first half is taken and the second left.
    private var pendingAngles = 0

    private mutating func closeAngle() throws {
        if pendingAngles > 0 {
            pendingAngles -= 1
            advance()
        } else if isSymbol(">>") {
            pendingAngles = 1
        } else {
            try wantSymbol(">")
        }
    }
}
