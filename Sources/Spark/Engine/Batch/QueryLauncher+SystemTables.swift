/// Tables that tell of the engine itself, in a catalog `system` as other engines have it.
extension QueryLauncher {
    /// `system.streaming_queries`: the running queries, and the last that ended, of all sessions. Spark's own calls list a session's running
    /// ones alone, so that a query that died before anybody looked is heard of nowhere.
    func systemTable(_ name: [String]) -> LogicalPlan? {
        guard name.map({ $0.lowercased() }) == ["system", "streaming_queries"] else { return nil }
        func text(_ value: String?) -> Expression { .literal(value.map { .string($0) } ?? .null) }
        let rows = (queries?.all ?? []).map { handle -> [Expression] in
            let status = handle.status, exception = handle.exception
            return [
                text(handle.id.text), text(handle.runID), text(handle.name), .literal(.boolean(status.isActive)), text(status.message),
                text(exception?.message), text(exception?.errorClass),
            ]
        }
        let schema = StructType([
            StructField("id", .string, nullable: false), StructField("run_id", .string, nullable: false), StructField("name", .string),
            StructField("is_active", .boolean, nullable: false), StructField("message", .string), StructField("exception", .string),
            StructField("error_class", .string),
        ])
        return .local(LocalRelation(.literals(rows), schema: schema))
    }
}
