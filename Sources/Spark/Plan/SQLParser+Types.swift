/// Types and the fields of schemas.
extension SQLParser {
    mutating func field() throws -> StructField {
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

    mutating func dataType() throws -> DataType {
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

    mutating func decimalType() throws -> DataType {
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

    mutating func openAngle() throws { try wantSymbol("<") }

    mutating func closeAngle() throws {
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
