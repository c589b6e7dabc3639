/// How Spark spells calls in the names of columns: its expressions' `sql`, which fills in arguments that were left out, and writes some
/// functions in capitals or under another name.
extension Expression {
    /// Functions whose names Spark writes in capitals.
    private static let capitals: Set<String> = [
        "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "cos", "cosh", "cot", "csc", "degrees", "e", "exp", "expm1",
        "hypot", "log", "log10", "log1p", "log2", "pi", "power", "radians", "regexp", "regexp_like", "rlike", "sec", "signum", "sin",
        "sinh",
        "spark_partition_id", "sqrt", "tan", "tanh",
    ]

    private static let renamed: [String: String] = [
        "array_agg": "collect_list", "curdate": "current_date", "current_database": "current_schema", "dateadd": "date_add",
        "endswith": "endswith", "startswith": "startswith",
        "random": "rand",
    ]

    /// Aggregates whose second argument says how, and is no part of the name.
    private static let single: Set<String> = [
        "any_value", "approx_count_distinct", "first", "first_value", "last", "last_value", "mode",
    ]

    /// All arguments' texts where they are left out; empty where one is always given.
    private static let defaults: [String: [String]] = [
        "bround": ["", "0"], "from_unixtime": ["", dateTime], "locate": ["", "", "1"], "lpad": ["", "", " "], "rpad": ["", "", " "],
        "listagg": ["", "NULL"], "string_agg": ["", "NULL"], "mask": ["", "X", "x", "n", "NULL"], "months_between": ["", "", "true"],
        "make_dt_interval": ["0", "0", "0", "0.000000"], "make_interval": ["0", "0", "0", "0", "0", "0", "0.000000"],
        "try_make_interval": ["0", "0", "0", "0", "0", "0", "0.000000"], "overlay": ["", "", "", "-1"], "percentile": ["", "", "1"],
        "percentile_approx": ["", "", "10000"], "approx_percentile": ["", "", "10000"], "position": ["", "", "1"],
        "regexp_extract": ["", "", "1"], "regexp_extract_all": ["", "", "1"], "regexp_instr": ["", "", "0"],
        "regexp_replace": ["", "", "", "1"], "replace": ["", "", ""], "round": ["", "0"], "sort_array": ["", "true"],
        "split": ["", "", "-1"],
        "str_to_map": ["", ",", ":"], "substr": ["", "", "2147483647"], "substring": ["", "", "2147483647"],
        "to_unix_timestamp": ["", dateTime], "unix_timestamp": ["current_timestamp()", dateTime],
        "aggregate": ["", "", "", identity], "reduce": ["", "", "", identity], "array_sort": ["", comparison],
    ]

    private static let dateTime = "yyyy-MM-dd HH:mm:ss"
    private static let identity = "lambdafunction(namedlambdavariable(), namedlambdavariable())"
    /// Ascending, nulls last.
    private static let comparison: String = {
        let v = "namedlambdavariable()"
        return "lambdafunction((IF(((\(v) IS NULL) AND (\(v) IS NULL)), 0, (IF((\(v) IS NULL), 1, (IF((\(v) IS NULL), -1, "
            + "(IF((\(v) < \(v)), -1, (IF((\(v) > \(v)), 1, 0)))))))))), \(v), \(v))"
    }()

    /// A call that has no sign of its own.
    static func prettyFunction(_ name: String, _ given: [String], isDistinct: Bool) -> String {
        let lowered = name.lowercased()
        var texts = given
        switch (lowered, texts.count) {
        case ("trim", 2): return "TRIM(BOTH \(texts[0]) FROM \(texts[1]))"
        case ("ltrim", 2): return "TRIM(LEADING \(texts[0]) FROM \(texts[1]))"
        case ("rtrim", 2): return "TRIM(TRAILING \(texts[0]) FROM \(texts[1]))"
        case ("if", 3): return "(IF(\(texts.joined(separator: ", "))))"
        case ("extract", 2), ("datepart", 2): return "\(name)(\(texts[0]) FROM \(texts[1]))"
        case ("like", 2): return "\(texts[0]) LIKE \(texts[1])"
        case ("log", 1): texts.insert("E()", at: 0)
        case ("ceil", 1), ("floor", 1): return "\(lowered.uppercased())(\(texts[0]))"
        case ("convert_timezone", 2): texts.insert("current_timezone()", at: 0)
        case ("assert_true", 1): texts.append("'\(texts[0])' is not true!")
        case ("raise_error", 1): texts = ["USER_RAISED_EXCEPTION", "map(errorMessage, \(texts[0]))"]
        case ("window", 2...4): return "window"
        default: break
        }
        if single.contains(lowered) { texts = Array(texts.prefix(1)) }
        if let filled = defaults[lowered], texts.count < filled.count { texts += filled[texts.count...] }
        let shown = renamed[lowered] ?? (capitals.contains(lowered) ? lowered.uppercased() : name)
        return "\(shown)(\(isDistinct ? "DISTINCT " : "")\(texts.joined(separator: ", ")))"
    }
}
