internal import NIOCore

/// SQL texts of clients, with their parameters.
enum SQLText {
    static func plan(
        _ text: String, named: [String: Expression], positional: [Expression], in session: SessionState
    ) throws -> LogicalPlan {
        var parameters = SQLParameters(named: named, positional: positional)
        parameters.functions = { session.function($0) }
        var parser = try SQLParser(text, parameters: parameters)
        guard case .query(let plan) = try parser.parseStatement() else {
            throw ConnectError.invalidPlan("The text is a command and has no rows of its own: \(text)")
        }
        return plan
    }

    /// Runs the text if it is a command.
    ///
    /// - Returns: The command's rows; nil for a query, and for what stands beside frames of the client's, which only a query does.
    static func command(
        _ relation: ByteBuffer, _ decoder: PlanDecoder, _ engine: Engine, _ session: SessionState
    ) async throws -> (schema: StructType, batches: [ResultBatch])? {
        var reader = ProtobufReader(relation)
        var body: ProtobufReader?
        while let number = try reader.next() {
            if number == 10 { body = try reader.message() }
        }
        guard let body else { return nil }
        let text = try decoder.sqlText(body)
        let parameters = SQLParameters(named: text.named, positional: text.positional)
        guard case .rows(let schema, let batches) = try await engine.sql(text.query, parameters: parameters, in: session) else {
            return nil
        }
        return (schema, batches)
    }
}
