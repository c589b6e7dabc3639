// swift-format-ignore-file: AlwaysUseLowerCamelCase

internal import Spark

// Spark's functions under Spark's names (`pyspark.sql.functions`), so that code moves between the two.

/// A column by its name; see ``Column/init(_:)``.
public func col(_ name: String) -> Column { Column(name) }

/// A column by its name; see ``Column/init(_:)``.
public func column(_ name: String) -> Column { Column(name) }

/// A constant.
public func lit(_ value: some ColumnConvertible) -> Column { value.asColumn }

/// The constant NULL: `lit(nil)`.
public func lit(_ value: Never?) -> Column { Column(literal: .null) }

/// A Spark SQL expression: `expr("age + 1 AS next")`. A text that does not parse is an error where the query is looked at or started.
public func expr(_ sql: String) -> Column { Column(.building { try Spark.Expression(selectItem: sql) }) }

/// A function by its name, for those that have no Swift function here.
public func call_function(_ name: String, _ columns: any ColumnConvertible...) -> Column { .call(name, columns) }

// MARK: JSON and structs

/// Parses JSON text into a struct of the schema's fields. A field that is absent or of another type is NULL.
///
/// - Parameter options: `mode` (`PERMISSIVE`, the default, or `FAILFAST`).
public func from_json(_ column: Column, _ schema: StructType, options: [String: String] = [:]) -> Column {
    Column(
        .building {
            var arguments: [Spark.Expression] = [try column.expression.get(), .literal(.string(try schema.plan.json))]
            if !options.isEmpty {
                let pairs = options.sorted { $0.key < $1.key }
                    .flatMap { [Spark.Expression.literal(.string($0.key)), .literal(.string($0.value))] }
                arguments.append(.function(name: "map", arguments: pairs))
            }
            return .function(name: "from_json", arguments: arguments)
        })
}

/// As ``from_json(_:_:options:)-(_,StructType,_)`` with the schema as a DDL or JSON text.
public func from_json(_ column: Column, _ schema: String, options: [String: String] = [:]) -> Column {
    from_json(column, StructType(schema), options: options)
}

/// A struct as JSON text; fields that are NULL are left out.
public func to_json(_ column: Column) -> Column { .call("to_json", [column]) }

/// A struct of columns, its fields named as they are. `struct` is a word of Swift's: write it in backquotes.
public func `struct`(_ columns: Column...) -> Column { .call("struct", columns) }

/// A struct of columns by their names.
public func `struct`(_ names: String...) -> Column { .call("struct", names.map(Column.init)) }

// MARK: Branches

/// The value where the condition holds; go on with ``Column/when(_:_:)`` and ``Column/otherwise(_:)``.
public func when(_ condition: Column, _ value: some ColumnConvertible) -> Column { .call("when", [condition, value]) }

/// The first value that is not NULL.
public func coalesce(_ columns: any ColumnConvertible...) -> Column { .call("coalesce", columns) }

/// The first value, or the second where the first is NULL.
public func nvl(_ column: Column, _ replacement: some ColumnConvertible) -> Column { .call("nvl", [column, replacement]) }

/// NULL where the two are equal, else the first.
public func nullif(_ column: Column, _ other: some ColumnConvertible) -> Column { .call("nullif", [column, other]) }

/// The greatest value, NULLs left out.
public func greatest(_ columns: Column...) -> Column { .call("greatest", columns) }

/// The least value, NULLs left out.
public func least(_ columns: Column...) -> Column { .call("least", columns) }

/// Whether a value is NULL.
public func isnull(_ column: Column) -> Column { column.isNull() }

/// Whether a floating-point value is not a number.
public func isnan(_ column: Column) -> Column { column.isNaN() }

/// The opposite of a boolean; NULL of NULL.
public func not(_ column: Column) -> Column { !column }

// MARK: Text

/// The texts one after the other; NULL when one is.
public func concat(_ columns: any ColumnConvertible...) -> Column { .call("concat", columns) }

/// The texts one after the other with a separator between them, NULLs left out.
public func concat_ws(_ separator: String, _ columns: any ColumnConvertible...) -> Column { .call("concat_ws", [separator] + columns) }

/// The text in upper case.
public func upper(_ column: Column) -> Column { .call("upper", [column]) }

/// The text in lower case.
public func lower(_ column: Column) -> Column { .call("lower", [column]) }

/// The text without spaces at its ends.
public func trim(_ column: Column) -> Column { .call("trim", [column]) }

/// The text without spaces at its start.
public func ltrim(_ column: Column) -> Column { .call("ltrim", [column]) }

/// The text without spaces at its end.
public func rtrim(_ column: Column) -> Column { .call("rtrim", [column]) }

/// The number of a text's characters, or of a binary value's bytes.
public func length(_ column: Column) -> Column { .call("length", [column]) }

/// A part of a text: from `position`, the first character being 1, `length` characters.
public func substring(_ column: Column, _ position: Int, _ length: Int) -> Column { .call("substring", [column, position, length]) }

/// The text with each occurrence of one text replaced by another.
public func replace(_ column: Column, _ search: some ColumnConvertible, _ replacement: some ColumnConvertible = "") -> Column {
    .call("replace", [column, search, replacement])
}

// MARK: Numbers, time, identity

/// The number without its sign.
public func abs(_ column: Column) -> Column { .call("abs", [column]) }

/// The time at which the micro-batch began.
public func current_timestamp() -> Column { .call("current_timestamp", []) }

/// The day on which the micro-batch began.
public func current_date() -> Column { .call("current_date", []) }

/// A text as a day.
public func to_date(_ column: Column) -> Column { .call("to_date", [column]) }

/// A text as an instant.
public func to_timestamp(_ column: Column) -> Column { .call("to_timestamp", [column]) }

/// A random UUID for each row, as text.
public func uuid() -> Column { .call("uuid", []) }
