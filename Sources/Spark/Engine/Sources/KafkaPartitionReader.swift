internal import IO
internal import Kafka
internal import Logging
internal import NIOConcurrencyHelpers

/// Reads one partition ahead: a queue of fetches, bounded in bytes, and one task that fills it.
final class KafkaPartitionReader: Sendable {
    struct Piece: Sendable {
        var records: FetchedRecords
        var rows: Range<Int>
    }

    private struct State {
        /// Fetches not yet taken, oldest first.
        var queue: [FetchedRecords] = []
        /// Rows of the first fetch that were taken already.
        var taken = 0
        var bytes = 0
        /// Where the next fetch begins.
        var position: Int64
        /// Where the next row to take is.
        var consumed: Int64
        /// nil until the first answer.
        var highWatermark: Int64?
        /// Where reading went on after a loss, until a batch has been planned from there.
        var restart: Int64?
        /// Where the last plan after that loss ended: the next one that begins there is its successor.
        var plannedEnd: Int64?
        var problem: String?
        /// What ends the query.
        var failure: SparkError?
        var task: Task<Void, Never>?
    }

    let partition: SourcePartition
    let firstPosition: Int64
    private let client: KafkaClient
    private let limits: KafkaSource.Limits
    private let failOnDataLoss: Bool
    private let signal: SourceSignal
    private let logger: Logger
    private let state: NIOLockedValueBox<State>
    /// Raised when the queue grew or failed, for a batch that waits for its rows.
    private let grown = SourceSignal()
    /// Raised when the queue shrank, for the fetching task.
    private let shrunk = SourceSignal()

    init(
        partition: SourcePartition, position: Int64, isAnew: Bool = false, client: KafkaClient, limits: KafkaSource.Limits,
        failOnDataLoss: Bool,
        signal: SourceSignal, logger: Logger
    ) {
        self.partition = partition
        firstPosition = position
        self.client = client
        self.limits = limits
        self.failOnDataLoss = failOnDataLoss
        self.signal = signal
        self.logger = logger
        state = NIOLockedValueBox(State(position: position, consumed: position, restart: isAnew ? position : nil))
    }

    var highWatermark: Int64 { state.withLockedValue { max($0.highWatermark ?? 0, $0.position) } }
    var problem: String? { state.withLockedValue { $0.problem } }

    func start() {
        let task = Task { await self.run() }
        state.withLockedValue { $0.task = task }
    }

    func stop() async {
        let task = state.withLockedValue { $0.task }
        task?.cancel()
        await task?.value
    }

    private var topicPartition: TopicPartition { TopicPartition(topic: partition.topic, partition: partition.partition) }

    private func run() async {
        var backoff = Backoff()
        while !Task.isCancelled {
            let (position, isFull) = state.withLockedValue { ($0.position, $0.bytes >= limits.bufferedBytes) }
            if isFull {
                await shrunk.wait()
                continue
            }
            do {
                let records = try await client.fetch(
                    topicPartition, from: position, maxBytes: limits.fetchBytes, maxWait: limits.fetchWait, minBytes: 1)
                backoff.reset()
                let isNews = state.withLockedValue { state in
                    let hadProblem = state.problem != nil
                    state.problem = nil
                    state.highWatermark = records.highWatermark
                    guard records.nextOffset > state.position else { return hadProblem }
                    state.position = records.nextOffset
                    state.queue.append(records)
                    state.bytes += records.byteCount
                    return true
                }
                if isNews {
                    grown.raise()
                    signal.raise()
                } else {
                    // A batch that waits for rows looks whether they can still come.
                    grown.raise()
                    if isBeyondEnd(records, position) { return }
                }
            } catch is CancellationError {
                return
            } catch {
                guard !Task.isCancelled else { return }
                if await handleOutOfRange(error) { continue }
                let isFirst = state.withLockedValue { state in
                    defer { state.problem = "Waiting for Kafka: \(error)" }
                    return state.problem == nil
                }
                if isFirst {
                    logger.warning("\(partition.topic)[\(partition.partition)]: \(error); retrying")
                    signal.raise()
                }
                try? await Task.sleep(for: backoff.next())
            }
        }
    }

    /// The log ends before where the query has read to: power loss took records that were committed here, or the topic was made anew.
    private func isBeyondEnd(_ records: FetchedRecords, _ position: Int64) -> Bool {
        guard records.highWatermark < position else { return false }
        return lost(
            "its log ends at \(records.highWatermark), before the offset \(position) that the query is to read",
            resumeAt: records.highWatermark)
    }

    private func handleOutOfRange(_ error: any Error) async -> Bool {
        guard (error as? KafkaError)?.code == .offsetOutOfRange else { return false }
        guard let earliest = try? await client.offsets([topicPartition: .earliest])[topicPartition],
            let latest = try? await client.offsets([topicPartition: .latest])[topicPartition]
        else { return false }
        let position = state.withLockedValue { $0.position }
        // A new partition is opened at 0; where its beginning was deleted by retention, nothing that the query had seen is lost.
        if position == 0, firstPosition == 0, earliest > 0 {
            state.withLockedValue { $0.position = earliest }
            return true
        }
        if position >= earliest, position <= latest { return false }
        let resume = position < earliest ? earliest : latest
        return lost("its log holds the offsets \(earliest) to \(latest), the query is to read from \(position)", resumeAt: resume) || true
    }

    /// True when the query must end.
    private func lost(_ what: String, resumeAt: Int64) -> Bool {
        if failOnDataLoss {
            state.withLockedValue {
                $0.failure = SparkError(
                    "KAFKA_DATA_LOSS.COULD_NOT_READ_OFFSET_RANGE", sqlState: "22000",
                    "Some data may have been lost in \(partition.topic)[\(partition.partition)]: \(what).",
                    nextStep: "to go on without that data, set the option failOnDataLoss to false")
                $0.task?.cancel()
            }
            grown.raise()
            signal.raise()
            return true
        }
        logger.warning("\(partition.topic)[\(partition.partition)]: data was lost: \(what); going on at \(resumeAt)")
        state.withLockedValue {
            $0.position = resumeAt
            $0.consumed = resumeAt
            $0.restart = resumeAt
            $0.plannedEnd = nil
        }
        return false
    }

    /// What the queue holds from `start` on, with at most `rowsMax` rows.
    func buffered(from start: Int64, rowsMax: Int) throws -> (start: Int64, end: Int64, rows: Int) {
        try state.withLockedValue { state in
            if let failure = state.failure { throw failure }
            // After a loss the query goes on where reading does, not where it had read to.
            var start = start
            if let restart = state.restart {
                if start == state.plannedEnd { state.restart = nil } else { start = restart }
            }
            var end = start
            defer { if state.restart != nil { state.plannedEnd = end } }
            var rows = 0
            for (index, records) in state.queue.enumerated() {
                let first = index == 0 ? state.taken : 0
                let count = records.count - first
                if rows + count > rowsMax {
                    let last = first + rowsMax - rows
                    if last > first { end = records.offsets[last - 1] + 1 }
                    return (start, end, rowsMax)
                }
                rows += count
                end = records.nextOffset
            }
            end = max(end, start)
            return (start, end, rows)
        }
    }

    /// The next rows below `end`, waiting for them when they are not here yet; nil when all were taken.
    func take(until end: Int64) async throws -> Piece? {
        var behindSince: ContinuousClock.Instant?
        while true {
            let step = try state.withLockedValue { state -> (piece: Piece?, isDone: Bool) in
                if let failure = state.failure { throw failure }
                guard state.consumed < end else { return (nil, true) }
                guard let records = state.queue.first else { return (nil, state.position >= end) }
                let from = state.taken
                var to = records.count
                if records.nextOffset > end { to = max(from, Self.firstIndex(in: records.offsets, notBelow: end)) }
                if to == records.count {
                    state.queue.removeFirst()
                    state.taken = 0
                    state.bytes -= records.byteCount
                    state.consumed = records.nextOffset
                } else {
                    state.taken = to
                    state.consumed = end
                }
                return (Piece(records: records, rows: from..<to), false)
            }
            if let piece = step.piece {
                shrunk.raise()
                return piece
            }
            if step.isDone { return nil }
            await grown.wait()
            try Task.checkCancellation()
            // The batch was logged up to `end`, so the log reached there once: a log that stays shorter has lost records.
            let isBehind = state.withLockedValue { state in state.highWatermark.map { $0 < end && state.position >= $0 } ?? false }
            if !isBehind {
                behindSince = nil
            } else if let since = behindSince {
                guard ContinuousClock.now - since > limits.lossPatience else { continue }
                let last = state.withLockedValue { $0.highWatermark ?? 0 }
                if lost("its log ends at \(last), the batch to replay ends at \(end)", resumeAt: last) { continue }
                return nil
            } else {
                behindSince = .now
            }
        }
    }

    private static func firstIndex(in offsets: [Int64], notBelow end: Int64) -> Int {
        var low = 0, high = offsets.count
        while low < high {
            let middle = (low + high) / 2
            if offsets[middle] < end { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
