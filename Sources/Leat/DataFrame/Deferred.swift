/// A value under construction, or why it could not be made.
///
/// Building a query never throws, as in Spark: a text that does not parse is kept as an error in its place and thrown where the
/// query is looked at or started, with the text, line and position.
typealias Deferred<Value> = Result<Value, any Error>

extension Result where Failure == any Error {
    /// What `body` returns or throws.
    static func building(_ body: () throws -> Success) -> Self { Self(catching: body) }
}
