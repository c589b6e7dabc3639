internal import IO

/// An error with Spark's error class and SQL state, as Spark's users know them (`[UNRESOLVED_COLUMN.WITH_SUGGESTION] …`).
package struct SparkError: Error, Hashable {
    /// Spark's error class, `PARSE_SYNTAX_ERROR`, or with its sub-class `UNRESOLVED_COLUMN.WITH_SUGGESTION`.
    package let errorClass: String
    package let sqlState: String
    package let message: String
    /// Line (from 1) and position (from 0, as Spark counts) in the SQL text.
    package let line: Int?
    package let position: Int?
    package let nextStep: String?

    package init(
        _ errorClass: String, sqlState: String, _ message: String, line: Int? = nil, position: Int? = nil, nextStep: String? = nil
    ) {
        self.errorClass = errorClass
        self.sqlState = sqlState
        self.message = message
        self.line = line
        self.position = position
        self.nextStep = nextStep
    }
}

extension SparkError: DescribedError {
    package var problem: String {
        let place = line.map { " (line \($0), pos \(position ?? 0))" } ?? ""
        return "[\(errorClass)] \(message) SQLSTATE: \(sqlState)\(place)"
    }
}
