/// An unresolved expression, in Spark's vocabulary: what the DataFrame API builds, a SQL text parses to, and a Spark Connect
/// message decodes to.
///
/// Operators are functions, named as Spark Connect names them (`+`, `==`, `and`, `not`, `isNull`, `when`), so that there is one
/// vocabulary and one registry: adding a function touches nothing here.
package indirect enum Expression: Hashable, Sendable {
    /// A column by its name parts: `a` is `["a"]`, `data.id` is `["data", "id"]`, `` `a.b` `` is `["a.b"]`.
    ///
    /// `planID` says which frame's column is meant (`df1.id` beside `df2.id` after a join): the ``LogicalPlan/identified(_:_:)`` below with
    /// that number. nil: any.
    case attribute([String], planID: Int64? = nil)
    /// Every column whose name matches, `` df.colRegex("`a.*`") ``.
    case columnRegex(String, planID: Int64? = nil)
    /// `*` (no target) or `data.*`.
    case star([String], planID: Int64? = nil)
    case literal(Literal)
    /// `CAST(child AS to)`, or `TRY_CAST` (null instead of an error).
    case cast(Expression, to: DataType, isTry: Bool)
    /// `metadata` is JSON, as `alias(name, metadata={…})` gives it.
    case alias(Expression, name: String, metadata: String? = nil)
    /// One name for each column of a generator: `posexplode(a) AS (pos, value)`.
    case multiAlias(Expression, names: [String])
    /// `isDistinct`: an aggregate over the distinct values of its arguments. `filter`: `count(x) FILTER (WHERE …)`.
    case function(name: String, arguments: [Expression], isDistinct: Bool = false, filter: Expression? = nil)
    /// `child.name`, `child['name']`, `child[0]`.
    case extractValue(Expression, key: Expression)
    /// `struct.withField(name, value)`; without a value, `dropFields(name)`. A name with dots goes down into nested structs.
    case updateField(Expression, name: String, value: Expression?)
    /// `x -> …`, `(acc, x) -> …`: an argument of a higher-order function. Inside `body` the parameters are ``lambdaVariable(_:)``.
    case lambda(parameters: [String], body: Expression)
    case lambdaVariable(String)
    /// `function OVER (…)`.
    case window(Expression, WindowSpecification)
    /// A sort key: in `sort`, in `ORDER BY`, and as the argument of a few functions.
    case sortOrder(SortOrder)
    /// `(SELECT …)`, `EXISTS (…)`, `a IN (SELECT …)`.
    case subquery(Subquery)
    /// `:name` or the n-th `?` of a parameterised SQL text.
    case parameter(SQLParameter)
    /// A call of a function whose code the client sent.
    case pythonFunction(PythonFunction, arguments: [Expression])
    /// An argument by its name, `f(a => 1)`.
    case namedArgument(String, Expression)

    package static func column(_ name: String) -> Expression {
        // `col("data.*")` and `col("*")` are stars, as in Spark; other names are split at dots outside backquotes.
        if name == "*" { return .star([]) }
        if name.hasSuffix(".*") { return .star(Self.nameParts(String(name.dropLast(2)))) }
        return .attribute(nameParts(name))
    }

    package static func lit(_ value: Literal) -> Expression { .literal(value) }

    package static func call(_ name: String, _ arguments: Expression...) -> Expression {
        .function(name: name, arguments: arguments)
    }

    /// Splits `a.b` into its parts, honouring backquotes (`` `a.b`.c `` is `a.b`, `c`; a doubled backquote is one).
    package static func nameParts(_ name: String) -> [String] {
        var parts: [String] = []
        var part = ""
        var isQuoted = false
        var index = name.startIndex
        while index < name.endIndex {
            let character = name[index]
            index = name.index(after: index)
            if character == "`" {
                if isQuoted, index < name.endIndex, name[index] == "`" {
                    part.append("`")
                    index = name.index(after: index)
                } else {
                    isQuoted.toggle()
                }
            } else if character == ".", !isQuoted {
                parts.append(part)
                part = ""
            } else {
                part.append(character)
            }
        }
        parts.append(part)
        return parts
    }
}

/// A constant. Dates are days, timestamps microseconds, as the columns hold them.
package enum Literal: Hashable, Sendable {
    case null
    case boolean(Bool)
    case byte(Int8)
    case short(Int16)
    case integer(Int32)
    case long(Int64)
    case float(Float)
    case double(Double)
    /// `unscaled` × 10^-scale; a precision of up to 38 digits.
    case decimal(unscaled: Int128, precision: Int, scale: Int)
    case string(String)
    case binary([UInt8])
    case date(Int32)
    case timestamp(Int64)
    case timestampNTZ(Int64)
    /// Months.
    case yearMonthInterval(Int32, YearMonthField.Range = .yearToMonth)
    /// Microseconds.
    case dayTimeInterval(Int64, DayTimeField.Range = .dayToSecond)
    /// Months, days and microseconds, each with its own sign: what `make_interval` and a mixed `INTERVAL` literal give.
    case calendarInterval(months: Int32, days: Int32, micros: Int64)
    /// Elements are of `element`'s type, or null.
    indirect case array([Literal], element: DataType)
    /// Keys and values in their order, `keys.count == values.count`.
    indirect case map(keys: [Literal], values: [Literal], key: DataType, value: DataType)
    indirect case structure([Literal], StructType)

    package var dataType: DataType {
        switch self {
        case .null: .null
        case .boolean: .boolean
        case .byte: .byte
        case .short: .short
        case .integer: .integer
        case .long: .long
        case .float: .float
        case .double: .double
        case .decimal(_, let precision, let scale): .decimal(precision: precision, scale: scale)
        case .string: .string
        case .binary: .binary
        case .date: .date
        case .timestamp: .timestamp
        case .timestampNTZ: .timestampNTZ
        case .yearMonthInterval(_, let range): .yearMonthInterval(range)
        case .dayTimeInterval(_, let range): .dayTimeInterval(range)
        case .calendarInterval: .calendarInterval
        case .array(let elements, let element): .array(element, containsNull: elements.contains(.null))
        case .map(_, let values, let key, let value): .map(key: key, value: value, valueContainsNull: values.contains(.null))
        case .structure(_, let type): .structure(type)
        }
    }
}
