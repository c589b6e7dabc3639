extension Expression {
    /// Parses a Spark SQL expression, as `expr("…")` and `filter("…")` do.
    ///
    /// - Throws: ``SparkError`` of class `PARSE_SYNTAX_ERROR` with the line and position in the text.
    package init(sql text: String) throws {
        var parser = try SQLParser(text)
        self = try parser.parseWhole()
    }

    /// Parses one element of `selectExpr`: an expression with an optional alias, or a star.
    package init(selectItem text: String, functions: @escaping @Sendable (String) -> PythonFunction? = { _ in nil }) throws {
        var parameters = SQLParameters()
        parameters.functions = functions
        var parser = try SQLParser(text, parameters: parameters)
        self = try parser.parseWholeNamed()
    }
}

extension StructType {
    /// Parses a DDL schema (`id STRING, age INT NOT NULL`, also `struct<…>`), or a JSON schema when the text begins with `{`.
    package init(ddl text: String) throws {
        if text.drop(while: \.isWhitespace).hasPrefix("{") {
            self = try StructType(json: text)
            return
        }
        var parser = try SQLParser(text)
        self = try parser.parseWholeSchema()
    }
}

extension DataType {
    /// Parses a type (`bigint`, `DECIMAL(10, 2)`, `array<struct<a: int>>`).
    package init(ddl text: String) throws {
        var parser = try SQLParser(text)
        self = try parser.parseWholeType()
    }
}
