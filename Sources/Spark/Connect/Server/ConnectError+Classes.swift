/// Which of Java's exception classes Spark throws for an error class: clients choose their own exception by them.
extension ConnectError {
    private static let runtime = ["java.lang.RuntimeException", "java.lang.Exception", "java.lang.Throwable", "java.lang.Object"]

    private static let arithmetic = ["org.apache.spark.SparkArithmeticException", "java.lang.ArithmeticException"] + runtime
    private static let numberFormat =
        ["org.apache.spark.SparkNumberFormatException", "java.lang.NumberFormatException", "java.lang.IllegalArgumentException"] + runtime
    private static let dateTime = ["org.apache.spark.SparkDateTimeException", "java.time.DateTimeException"] + runtime
    private static let arrayIndex =
        [
            "org.apache.spark.SparkArrayIndexOutOfBoundsException", "java.lang.ArrayIndexOutOfBoundsException",
            "java.lang.IndexOutOfBoundsException",
        ]
        + runtime
    private static let noSuchElement = ["org.apache.spark.SparkNoSuchElementException", "java.util.NoSuchElementException"] + runtime
    private static let illegalArgument = ["org.apache.spark.SparkIllegalArgumentException", "java.lang.IllegalArgumentException"] + runtime
    private static let sparkRuntime = ["org.apache.spark.SparkRuntimeException"] + runtime
    private static let spark = ["org.apache.spark.SparkException", "java.lang.Exception", "java.lang.Throwable", "java.lang.Object"]
    private static let parse = ["org.apache.spark.sql.catalyst.parser.ParseException"] + analysisClasses

    private static let python = ["org.apache.spark.api.python.PythonException"] + sparkRuntime

    /// By the error class without its sub-class.
    private static let families: [String: [String]] = [
        "DIVIDE_BY_ZERO": arithmetic, "REMAINDER_BY_ZERO": arithmetic, "INTERVAL_DIVIDED_BY_ZERO": arithmetic,
        "ARITHMETIC_OVERFLOW": arithmetic, "BINARY_ARITHMETIC_OVERFLOW": arithmetic, "CAST_OVERFLOW": arithmetic,
        "INTERVAL_ARITHMETIC_OVERFLOW": arithmetic, "NUMERIC_VALUE_OUT_OF_RANGE": arithmetic, "NUMERIC_OUT_OF_SUPPORTED_RANGE": arithmetic,
        "DATETIME_OVERFLOW": arithmetic, "SUM_OF_LIMIT_AND_OFFSET_EXCEEDS_MAX_INT": analysisClasses,
        "INVALID_ARRAY_INDEX": arrayIndex, "INVALID_ARRAY_INDEX_IN_ELEMENT_AT": arrayIndex, "MAP_KEY_DOES_NOT_EXIST": noSuchElement,
        "CANNOT_PARSE_TIMESTAMP": dateTime, "DATETIME_FIELD_OUT_OF_BOUNDS": dateTime, "CANNOT_PARSE_INTERVAL": illegalArgument,
        "INVALID_FRACTION_OF_SECOND": dateTime, "INVALID_TIMEZONE": dateTime, "ILLEGAL_DAY_OF_WEEK": illegalArgument,
        "INVALID_PARAMETER_VALUE": sparkRuntime, "NULL_MAP_KEY": sparkRuntime, "DUPLICATED_MAP_KEY": sparkRuntime,
        "USER_RAISED_EXCEPTION": sparkRuntime, "NOT_NULL_ASSERT_VIOLATION": sparkRuntime, "CONVERSION_INVALID_INPUT": sparkRuntime,
        "COLLECTION_SIZE_LIMIT_EXCEEDED": sparkRuntime, "SCALAR_SUBQUERY_TOO_MANY_ROWS": sparkRuntime, "INVALID_URL": illegalArgument,
        "FAILED_READ_FILE": spark, "MALFORMED_RECORD_IN_PARSING": spark, "MALFORMED_LOG_FILE": spark,
        "ELEMENT_AT_BY_INDEX_ZERO": sparkRuntime, "INVALID_INDEX_OF_ZERO": sparkRuntime, "ROW_VALUE_IS_NULL": sparkRuntime,
        "PYTHON_EXCEPTION": python, "PYTHON_WORKER_FAILED": spark, "PYTHON_FUNCTION_RESULT": spark, "PYTHON_WORKERS_EXHAUSTED": spark,
        "PARSE_SYNTAX_ERROR": parse, "PARSE_EMPTY_STATEMENT": parse, "INVALID_SQL_SYNTAX": parse, "INVALID_IDENTIFIER": parse,
        "UNCLOSED_BRACKETED_COMMENT": parse, "INVALID_TYPED_LITERAL": parse, "INVALID_NUMERIC_LITERAL_RANGE": parse,
    ]

    static func classes(of error: SparkError) -> [String] {
        let family = error.errorClass.prefix { $0 != "." }
        if family == "CAST_INVALID_INPUT" {
            let isTime = ["\"DATE\"", "\"TIMESTAMP\"", "\"TIMESTAMP_NTZ\""].contains { error.message.contains("cast to \($0)") }
            return error.message.contains("cast to \"BOOLEAN\"") ? sparkRuntime : isTime ? dateTime : numberFormat
        }
        return families[String(family)] ?? analysisClasses
    }
}
