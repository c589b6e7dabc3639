internal import Spark

/// An expression over the columns of a frame.
///
///     col("age") >= 18 && col("country").isNotNull()
///     (col("price") * 1.19).alias("gross")
public struct Column: Sendable {
    /// The expression in the plan's vocabulary, or why a text in it does not parse.
    let expression: Deferred<Spark.Expression>

    init(_ expression: Deferred<Spark.Expression>) {
        self.expression = expression
    }

    init(_ expression: Spark.Expression) {
        self.expression = .success(expression)
    }

    init(literal: Spark.Literal) {
        self.init(.literal(literal))
    }

    /// A column by its name: `id`, `data.id` for a field of a struct, `data.*` for all of its fields; backquotes keep a dot in a
    /// name.
    public init(_ name: String) {
        self.init(Spark.Expression.column(name))
    }

    /// A function call over columns.
    static func call(_ name: String, _ arguments: [any ColumnConvertible]) -> Column {
        Column(.building { .function(name: name, arguments: try arguments.map { try $0.asColumn.expression.get() }) })
    }

    private func map(_ body: (Spark.Expression) throws -> Spark.Expression) -> Column {
        Column(.building { try body(try expression.get()) })
    }

    // MARK: Naming and types

    /// The column under another name.
    public func alias(_ name: String) -> Column { map { .alias($0, name: name) } }

    /// The column as another type; what cannot be converted is an error.
    public func cast(_ to: DataType) -> Column { map { .cast($0, to: try to.plan, isTry: false) } }

    /// The column as another type by its SQL name (`"INT"`, `"ARRAY<STRING>"`).
    public func cast(_ to: String) -> Column { map { .cast($0, to: try Spark.DataType(ddl: to), isTry: false) } }

    /// As ``cast(_:)-(DataType)``, but NULL for what cannot be converted.
    // swift-format-ignore: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation
    public func try_cast(_ to: DataType) -> Column { map { .cast($0, to: try to.plan, isTry: true) } }

    /// As ``cast(_:)-(String)``, but NULL for what cannot be converted.
    // swift-format-ignore: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation
    public func try_cast(_ to: String) -> Column { map { .cast($0, to: try Spark.DataType(ddl: to), isTry: true) } }

    // MARK: Parts

    /// A field of a struct.
    public func getField(_ name: String) -> Column { map { .extractValue($0, key: .literal(.string(name))) } }

    /// An element of an array by its position from 0, or a map's value by its key.
    public func getItem(_ key: some ColumnConvertible) -> Column {
        map { .extractValue($0, key: try key.asColumn.expression.get()) }
    }

    /// As ``getField(_:)`` for a text and ``getItem(_:)`` for the rest.
    public subscript(key: some ColumnConvertible) -> Column { getItem(key) }

    // MARK: Tests

    /// Whether the value is NULL.
    public func isNull() -> Column { .call("isNull", [self]) }

    /// Whether the value is not NULL.
    public func isNotNull() -> Column { .call("isNotNull", [self]) }

    /// Whether a floating-point value is not a number.
    public func isNaN() -> Column { .call("isNaN", [self]) }

    /// Whether the value lies between two others, both included.
    public func between(_ lower: some ColumnConvertible, _ upper: some ColumnConvertible) -> Column { self >= lower && self <= upper }

    /// Whether the value is one of a list.
    public func isin(_ values: any ColumnConvertible...) -> Column { .call("in", [self] + values) }

    /// SQL's LIKE: `_` stands for one character, `%` for any number of them.
    public func like(_ pattern: String) -> Column { .call("like", [self, pattern]) }

    /// As ``like(_:)`` without regard to case.
    public func ilike(_ pattern: String) -> Column { .call("ilike", [self, pattern]) }

    /// Whether a text begins with another.
    public func startsWith(_ other: some ColumnConvertible) -> Column { .call("startswith", [self, other]) }

    /// Whether a text ends with another.
    public func endsWith(_ other: some ColumnConvertible) -> Column { .call("endswith", [self, other]) }

    /// Whether a text contains another.
    public func contains(_ other: some ColumnConvertible) -> Column { .call("contains", [self, other]) }

    /// Equality for which NULL equals NULL and nothing else.
    public func eqNullSafe(_ other: some ColumnConvertible) -> Column { .call("<=>", [self, other]) }

    // MARK: Text

    /// A part of a text: from `start`, the first character being 1, `length` characters.
    public func substr(_ start: some ColumnConvertible, _ length: some ColumnConvertible) -> Column {
        .call("substring", [self, start, length])
    }

    // MARK: Branches

    /// One more branch of a chain that begins with ``when(_:_:)-(Column,_)``.
    public func when(_ condition: Column, _ value: some ColumnConvertible) -> Column {
        branch("when") { $0 + [try condition.expression.get(), try value.asColumn.expression.get()] }
    }

    /// What a chain of `when` gives where no condition holds; without it, NULL.
    public func otherwise(_ value: some ColumnConvertible) -> Column {
        branch("otherwise") { $0 + [try value.asColumn.expression.get()] }
    }

    private func branch(_ name: String, _ extend: ([Spark.Expression]) throws -> [Spark.Expression]) -> Column {
        map { expression in
            // An even number of arguments: conditions and values so far, and no `otherwise` yet.
            guard case .function("when", let arguments, false, nil) = expression, arguments.count.isMultiple(of: 2) else {
                throw SparkError(
                    "INVALID_WHEN_USAGE", sqlState: "42601",
                    "\(name)() can only be applied on a column made by when(), before otherwise().")
            }
            return .function(name: "when", arguments: try extend(arguments))
        }
    }
}
