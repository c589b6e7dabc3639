internal import NIOCore

/// SQL texts of clients, with their parameters.
enum SQLText {
    static func plan(_ text: String, named: [String: Expression], positional: [Expression]) throws -> LogicalPlan {
        throw ConnectError.notServed("SQL texts")
    }
}

extension SQLText {
    /// Runs the text if it is a command.
    ///
    /// - Returns: The command's rows; nil for a query.
    static func command(
        _ relation: ByteBuffer, _ decoder: PlanDecoder, _ engine: Engine, _ session: SessionState
    ) async throws -> (schema: StructType, batches: [ResultBatch])? {
        nil
    }
}
