/// Operators over columns. A Swift value on the right becomes a constant.
extension Column {
    /// Whether two values are equal; NULL when either is.
    public static func == (left: Column, right: some ColumnConvertible) -> Column { .call("==", [left, right]) }
    /// Whether two values differ; NULL when either is NULL.
    public static func != (left: Column, right: some ColumnConvertible) -> Column { .call("not", [left == right]) }
    /// Whether the left value is the smaller one.
    public static func < (left: Column, right: some ColumnConvertible) -> Column { .call("<", [left, right]) }
    /// Whether the left value is not the greater one.
    public static func <= (left: Column, right: some ColumnConvertible) -> Column { .call("<=", [left, right]) }
    /// Whether the left value is the greater one.
    public static func > (left: Column, right: some ColumnConvertible) -> Column { .call(">", [left, right]) }
    /// Whether the left value is not the smaller one.
    public static func >= (left: Column, right: some ColumnConvertible) -> Column { .call(">=", [left, right]) }
    /// Both hold, in SQL's three-valued logic.
    public static func && (left: Column, right: Column) -> Column { .call("and", [left, right]) }
    /// One of the two holds, in SQL's three-valued logic.
    public static func || (left: Column, right: Column) -> Column { .call("or", [left, right]) }
    /// The opposite; NULL of NULL.
    public static prefix func ! (column: Column) -> Column { .call("not", [column]) }
    /// The sum.
    public static func + (left: Column, right: some ColumnConvertible) -> Column { .call("+", [left, right]) }
    /// The difference.
    public static func - (left: Column, right: some ColumnConvertible) -> Column { .call("-", [left, right]) }
    /// The product.
    public static func * (left: Column, right: some ColumnConvertible) -> Column { .call("*", [left, right]) }
    /// The quotient, a floating-point number.
    public static func / (left: Column, right: some ColumnConvertible) -> Column { .call("/", [left, right]) }
    /// The remainder, with the dividend's sign.
    public static func % (left: Column, right: some ColumnConvertible) -> Column { .call("%", [left, right]) }
    /// The number with its sign turned.
    public static prefix func - (column: Column) -> Column { .call("negative", [column]) }
}
