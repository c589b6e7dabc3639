internal import NIOConcurrencyHelpers

/// Spark's rate source: `rowsPerSecond` rows of `timestamp` and `value`, counted from the query's first start.
final class RateSource: StreamSource {
    static let schema = StructType([StructField("timestamp", .timestamp), StructField("value", .long)])

    private static let rows = SourcePartition(topic: "rate", partition: 0)
    private static let origin = SourcePartition(topic: "startMicros", partition: 0)
    private let rowsPerSecond: Int64
    private let rampUpSeconds: Int64
    /// Shown, as Spark shows it; the rows are the same.
    private let partitions: String
    private let batchRows: Int64
    private let signal: SourceSignal
    private let clock: @Sendable () -> Int64
    private let ticker = NIOLockedValueBox<Task<Void, Never>?>(nil)

    init(_ options: Options, batchRows: Int, signal: SourceSignal, clock: @escaping @Sendable () -> Int64) throws {
        let text = options["rowsPerSecond"] ?? "1"
        guard let rate = Int64(text), rate > 0, rate <= 10_000_000 else {
            throw SparkError(
                "INVALID_SOURCE_OPTION", sqlState: "42616",
                "Invalid value '\(text)'. The option 'rowsPerSecond' must be positive, at most 10000000.")
        }
        rowsPerSecond = rate
        rampUpSeconds = try options["rampUpTime"].map(Self.seconds) ?? 0
        partitions = options["numPartitions"] ?? "1"
        guard let count = Int(partitions), count > 0 else {
            throw SparkError(
                "INVALID_SOURCE_OPTION", sqlState: "42616",
                "Invalid value '\(partitions)'. The option 'numPartitions' must be positive.")
        }
        self.batchRows = Int64(batchRows)
        self.signal = signal
        self.clock = clock
    }

    var description: String {
        "RateStreamV2[rowsPerSecond=\(rowsPerSecond), rampUpTimeSeconds=\(rampUpSeconds), numPartitions=\(partitions)]"
    }
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
        let micros = max(0, clock() - (offset.positions[Self.origin] ?? 0))
        let (seconds, rest) = micros.quotientAndRemainder(dividingBy: DateTimeText.microsPerSecond)
        let whole = rows(atSecond: seconds)
        return whole + (rows(atSecond: seconds + 1) - whole) * rest / DateTimeText.microsPerSecond
    }

    /// Rows that there are at the end of a second: in second n of the ramp-up n parts of the full speed, as in Spark.
    private func rows(atSecond seconds: Int64) -> Int64 {
        let ramp = min(seconds, rampUpSeconds)
        return rowsPerSecond / (rampUpSeconds + 1) * (ramp * (ramp + 1) / 2) + (seconds - ramp) * rowsPerSecond
    }

    /// When a row is due, in microseconds after the origin.
    private func micros(ofRow row: Int64) -> Int64 {
        if rampUpSeconds == 0 { return row * DateTimeText.microsPerSecond / rowsPerSecond }
        let rampRows = rows(atSecond: rampUpSeconds)
        var second = rampUpSeconds + max(0, row - rampRows) / rowsPerSecond
        if row < rampRows {
            var low: Int64 = 0, high = rampUpSeconds
            while low < high {
                let middle = (low + high + 1) / 2
                if rows(atSecond: middle) <= row { low = middle } else { high = middle - 1 }
            }
            second = low
        }
        let first = rows(atSecond: second)
        return second * DateTimeText.microsPerSecond
            + (row - first) * DateTimeText.microsPerSecond / max(1, rows(atSecond: second + 1) - first)
    }

    /// `5s`, `1m`, or a number of seconds.
    private static func seconds(_ text: String) throws -> Int64 {
        let text = text.trimmed.lowercased()
        let digits = text.prefix { $0.isNumber }
        let units: [String: Int64] = ["": 1, "s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400]
        guard let count = Int64(digits), count <= 1_000_000, let unit = units[text.dropFirst(digits.count).trimmed] else {
            throw SparkError(
                "INVALID_SOURCE_OPTION", sqlState: "42616",
                "Invalid value '\(text)'. The option 'rampUpTime' must be a time such as 5s.")
        }
        return count * unit
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
            times[row] = origin + micros(ofRow: start + Int64(row))
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
