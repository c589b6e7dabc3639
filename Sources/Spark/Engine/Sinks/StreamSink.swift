internal import NIOCore

/// Where a query's rows go. Encoding is synchronous and runs on the engine's workers while the chunk's memory is lent; sending is asynchronous,
/// bounded by the sink, and may still be under way when the next chunk is encoded.
protocol StreamSink: AnyObject, Sendable {
    /// As Spark's progress shows it.
    var description: String { get }

    /// True when rows that cannot be written, or whose text did not parse, go to the dead-letter topic instead.
    var takesDeadLetters: Bool { get }

    /// Checks the query's columns against the target before anything runs.
    func prepare(_ schema: StructType, _ mode: OutputMode) async throws

    func begin(_ batch: MicroBatch) async throws

    /// - Parameter isSingle: one row a request, to find out which one the target refuses.
    func encode(_ rows: ResultRows, isSingle: Bool) throws -> SinkOutput

    /// Hands the rows over, waiting for room.
    func send(_ output: SinkOutput, _ chunk: SourceChunk, branch: Int) async throws

    /// Returns when all that was sent is written, with the rows that the target refused: those are to be tried one by one.
    func finish() async throws -> [RefusedRows]

    /// The batch is committed: results become visible where the sink holds them back until then.
    func committed(_ batch: Int64) async

    func stop() async
}

extension StreamSink {
    func begin(_ batch: MicroBatch) async throws {}
    func committed(_ batch: Int64) async {}
    func stop() async {}
}

/// Rows of a chunk on their way into a sink.
struct ResultRows {
    var schema: StructType
    var columns: [Column?]
    var selection: Selection
    /// Microseconds for the row that stands at this place of the chunk: unique in the query, rising with the offset.
    var timestamp: (Int) -> Int64

    func column(_ index: Int, count: Int) -> Column { columns[index] ?? Column.nulls(schema.fields[index].dataType, count: count) }
}

/// What a sink made of rows.
struct SinkOutput: Sendable {
    enum Payload: Sendable {
        case none
        case cassandra([OutgoingBatch])
        case rows([[Literal]], texts: [[String?]])
        case batch(ResultBatch)
        case kafka(KafkaRecords)
        case text(ByteBuffer)
    }

    var payload: Payload
    var rowCount: Int
    /// Rows that this sink knows it cannot write.
    var refusals: [Refusal]

    struct Refusal: Sendable {
        var row: Int
        var reason: String
    }
}

/// Rows of one request that the target refused.
struct RefusedRows: Sendable {
    var chunk: SourceChunk
    var branch: Int
    var rows: [Int32]
    var reason: String
}
