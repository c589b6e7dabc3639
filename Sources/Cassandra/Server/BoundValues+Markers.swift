/// Values as a request has them, to values in the order of the statement's markers.
extension BoundValues {
    /// Checks the count and puts named values in place.
    ///
    /// "Values with names": a value belongs to every marker of its name, `:name` or the column of a `?`; a marker without a value is
    /// unset, as in Cassandra.
    func bound(to columns: [ColumnSpecification], names: [String]?) throws(CQLError) -> BoundValues {
        guard let names else {
            guard count == columns.count else {
                throw .invalid("there were \(columns.count) markers(?) in CQL but \(count) bound variables")
            }
            return self
        }
        var positions: [String: Int] = [:]
        for (index, name) in names.enumerated() { positions[name] = index }
        var entries: [Entry] = []
        entries.reserveCapacity(columns.count)
        for column in columns {
            guard let index = positions[column.name] else {
                entries.append(.unset)
                continue
            }
            entries.append(self[index])
        }
        return BoundValues(buffer: buffer, entries: entries)
    }
}
