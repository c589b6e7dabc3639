internal import NIOConcurrencyHelpers

/// Rows that a test or a program adds by hand, Spark's MemoryStream: `format("memory")` with the option `table`.
package final class MemoryStream: Sendable {
    package let schema: StructType
    private struct State {
        var rows: [[Literal]] = []
        var signals: [SourceSignal] = []
    }

    private let state = NIOLockedValueBox(State())

    package init(schema: StructType) {
        self.schema = schema
    }

    package func add(_ rows: [[Literal]]) {
        let signals = state.withLockedValue { state in
            state.rows += rows
            return state.signals
        }
        for signal in signals { signal.raise() }
    }

    fileprivate var count: Int64 { state.withLockedValue { Int64($0.rows.count) } }
    fileprivate func rows(_ range: Range<Int>) -> [[Literal]] { state.withLockedValue { Array($0.rows[range]) } }
    fileprivate func listen(_ signal: SourceSignal) { state.withLockedValue { $0.signals.append(signal) } }
}

final class MemorySource: StreamSource {
    private static let rows = SourcePartition(topic: "memory", partition: 0)
    private let name: String
    private let stream: MemoryStream
    private let batchRows: Int64

    init(name: String, stream: MemoryStream, batchRows: Int, signal: SourceSignal) {
        self.name = name
        self.stream = stream
        self.batchRows = Int64(batchRows)
        stream.listen(signal)
    }

    var description: String { "MemoryStream[\(name)]" }
    var waitingReason: String? { nil }
    func initialOffset() async throws -> SourceOffset { SourceOffset([Self.rows: 0]) }
    func start(at offset: SourceOffset) async throws {}
    func latest() async throws -> SourceOffset { SourceOffset([Self.rows: stream.count]) }
    func newest() -> SourceOffset? { SourceOffset([Self.rows: stream.count]) }
    func stop() async {}

    func waiting(after offset: SourceOffset) throws -> SourceRange? {
        let read = offset.positions[Self.rows] ?? 0
        let end = min(stream.count, read + batchRows)
        return end > read ? SourceRange(start: offset, end: SourceOffset([Self.rows: end])) : nil
    }

    func read(_ range: SourceRange, firstOrdinal: Int64, _ body: (SourceChunk) async throws -> Void) async throws {
        let start = Int(range.start.positions[Self.rows] ?? 0)
        let end = Int(range.end.positions[Self.rows] ?? 0)
        guard end > start else { return }
        guard end <= Int(stream.count) else {
            throw SparkError("STREAMING_SOURCE_LOST", sqlState: "22000", "\(description) no longer holds the rows \(start) to \(end).")
        }
        let rows = stream.rows(start..<end)
        let columns = stream.schema.fields.indices.map { index in Self.column(rows.map { $0[index] }, stream.schema.fields[index].dataType)
        }
        try await body(
            SourceChunk(
                storage: .batch(ColumnBatch(count: rows.count, columns: columns)), ordinalFirst: firstOrdinal, count: rows.count,
                byteCount: rows.count * 64))
    }

    static func column(_ literals: [Literal], _ type: DataType) -> Column {
        let builder = ColumnBuilder(type)
        for literal in literals { builder.append(literal) }
        return builder.finish()
    }
}
