/// Reads records of any topic for the API.
struct TopicReader: Sendable {
    struct Range: Sendable {
        /// Nil: all partitions.
        var partition: Int32?
        /// Nil: the last records.
        var offset: Int64?
        var limit: Int
    }

    var read: @Sendable (String, Range) async throws -> [RecordSnapshot]

    func records(_ topic: String, _ range: Range) async throws -> [RecordSnapshot] { try await read(topic, range) }
}
