/// A streaming query's sink as its progress describes it, in words that differ between engines and connectors.
struct Sink: Sendable, Equatable {
    var description: String

    /// The table that the description names as `keyspace.table`, among those that the store has.
    ///
    /// Looked up rather than parsed: whatever stands round the name, a table of that name exists.
    func table(among tables: [String]) -> String? {
        let words = description.split { !($0.isLetter || $0.isNumber || $0 == "_" || $0 == ".") }.map(String.init)
        let known = Set(tables)
        if let exact = words.first(where: known.contains) { return exact }
        // A catalogue before it: `cassandra.spark_streams.created_users`.
        return words.lazy.compactMap { word in known.first { word.hasSuffix("." + $0) } }.first
    }
}
