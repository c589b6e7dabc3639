internal import NIOConcurrencyHelpers

/// Spark's rate source: `rowsPerSecond` rows of `timestamp` and `value`, counted from the query's first start.
final class RateSource: StreamSource {
    static let schema = StructType([StructField("timestamp", .timestamp), StructField("value", .long)])

    private static let rows = SourcePartition(topic: "rate", partition: 0)
    private static let origin = SourcePartition(topic: "startMicros", partition: 0)
    private let rowsPerSecond: Int64
    private let batchRows: Int64
    private let signal: SourceSignal
    private let clock: @Sendable () -> Int64
    private let ticker = NIOLockedValueBox<Task<Void, Never>?>(nil)

    init(_ options: Options, batchRows: Int, signal: SourceSignal, clock: @escaping @Sendable () -> Int64) throws {
        for name in ["rampUpTime", "numPartitions"] where options[name] != nil && options[name] != "0" && options[name] != "1" {
            throw SparkError("INVALID_SOURCE_OPTION", sqlState: "42616", "The rate source's option '\(name)' is not served by this engine.")
        }
        let text = options["rowsPerSecond"] ?? "1"
        guard let rate = Int64(text), rate > 0, rate <= 10_000_000 else {
            throw SparkError(
                "INVALID_SOURCE_OPTION", sqlState: "42616",
                "Invalid value '\(text)'. The option 'rowsPerSecond' must be positive, at most 10000000.")
        }
        rowsPerSecond = rate
        self.batchRows = Int64(batchRows)
        self.signal = signal
        self.clock = clock
    }

    var description: String { "RateStreamV2[rowsPerSecond=\(rowsPerSecond), rampUpTimeSeconds=0, numPartitions=1]" }
    var waitingReason: String? { nil }

    func initialOffset() async throws -> SourceOffset { SourceOffset([Self.rows: 0, Self.origin: clock()]) }

    func start(at offset: SourceOffset, identities: [String: String]) async throws {
        let task = Task {
            while !Task.isCancelled {
                try? await Task.sleep(for: .milliseconds(max(10, min(1_000, 1_000 / Int(self.rowsPerSecond)))))
                self.signal.raise()
            }
        }
        ticker.withLockedValue { $0 = task }
    }

    private func due(_ offset: SourceOffset) -> Int64 {
        (clock() - (offset.positions[Self.origin] ?? 0)) * rowsPerSecond / DateTimeText.microsPerSecond
    }

    func waiting(after offset: SourceOffset) throws -> SourceRange? {
        let read = offset.positions[Self.rows] ?? 0
        let due = min(due(offset), read + batchRows)
        guard due > read else { return nil }
        var end = offset
        end.positions[Self.rows] = due
        return SourceRange(start: offset, end: end)
    }

    func latest() async throws -> SourceOffset { try await initialOffset() }
    func newest() -> SourceOffset? { nil }

    func read(_ range: SourceRange, firstOrdinal: Int64, _ body: (SourceChunk) async throws -> Void) async throws {
        let origin = range.end.positions[Self.origin] ?? 0
        let start = range.start.positions[Self.rows] ?? 0
        let end = range.end.positions[Self.rows] ?? 0
        guard end > start else { return }
        let count = Int(end - start)
        let times = Buffer<Int64>(count: count)
        let values = Buffer<Int64>(count: count)
        for row in 0..<count {
            values[row] = start + Int64(row)
            times[row] = origin + (start + Int64(row)) * DateTimeText.microsPerSecond / rowsPerSecond
        }
        try await body(
            SourceChunk(
                storage: .batch(
                    ColumnBatch(
                        count: count,
                        columns: [
                            Column(.timestamp, count: count, values: .long(times)), Column(.long, count: count, values: .long(values)),
                        ])),
                ordinalFirst: firstOrdinal, count: count, byteCount: count * 16))
    }

    func stop() async {
        let task = ticker.withLockedValue { $0 }
        task?.cancel()
    }
}
