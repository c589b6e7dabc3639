internal import NIOConcurrencyHelpers

/// Where a query's rows come from. The engine asks for ranges of offsets, writes them down, and reads exactly those.
protocol StreamSource: AnyObject, Sendable {
    /// As Spark's progress shows it: `KafkaV2[Subscribe[users_created]]`.
    var description: String { get }

    /// Where a query that has never run begins.
    func initialOffset() async throws -> SourceOffset

    /// Begins to read ahead from an offset; called once before the calls below.
    func start(at offset: SourceOffset) async throws

    /// What is waiting after `offset`, within the source's limits; nil when nothing is. Never waits. The range begins before `offset` only
    /// where the source has lost what was there and goes on all the same.
    func waiting(after offset: SourceOffset) throws -> SourceRange?

    /// All that was there when the query started (availableNow, once).
    func latest() async throws -> SourceOffset

    /// Hands over the rows of the range in chunks, in an order that does not change the ordinals that a row gets.
    func read(_ range: SourceRange, firstOrdinal: Int64, _ body: (SourceChunk) async throws -> Void) async throws

    /// The newest offsets known, for progress; nil where the source does not know.
    func newest() -> SourceOffset?

    /// A line for the query's status while it has nothing to do and there is a reason to tell, such as a topic that does not exist.
    var waitingReason: String? { get }

    func stop() async
}

/// Rows that a source handed over, not yet in columns. `ordinal(row)` is the row's place in its micro-batch: the same at every replay.
struct SourceChunk: @unchecked Sendable {
    // Unchecked: columns are immutable once made.
    enum Storage {
        case kafka(KafkaChunk)
        case batch(ColumnBatch)
    }

    let storage: Storage
    let ordinalFirst: Int64
    let count: Int
    let byteCount: Int

    func ordinal(_ row: Int) -> Int64 {
        switch storage {
        case .kafka(let chunk): ordinalFirst + chunk.offset(row) - chunk.rangeStart
        case .batch: ordinalFirst + Int64(row)
        }
    }

    /// Lends the wanted columns for the time of the call.
    func withColumns<R>(_ wanted: Set<Int>, width: Int, _ body: (ColumnBatch) throws -> R) rethrows -> R {
        switch storage {
        case .kafka(let chunk): return try chunk.withColumns(wanted, width: width, body)
        case .batch(let batch):
            return try body(ColumnBatch(count: batch.count, columns: (0..<width).map { wanted.contains($0) ? batch.columns[$0] : nil }))
        }
    }

    /// What a dead letter keeps of the row: its record, and where it came from.
    func record(_ row: Int) -> SourceRecord {
        switch storage {
        case .kafka(let chunk): return chunk.record(row)
        case .batch(let batch):
            var text: [UInt8] = Array("{".utf8)
            for (index, column) in batch.columns.enumerated() {
                guard let column else { continue }
                if index > 0, text.count > 1 { text.append(UInt8(ascii: ",")) }
                text += "\"\(index)\":".utf8
                JSONText().write(column, row, into: &text)
            }
            text.append(UInt8(ascii: "}"))
            return SourceRecord(key: nil, value: text, partition: SourcePartition(topic: "", partition: 0), offset: ordinal(row))
        }
    }
}

struct SourceRecord: Sendable {
    var key: [UInt8]?
    var value: [UInt8]?
    var partition: SourcePartition
    var offset: Int64
}

/// A signal that sources raise when something changed and the query's loop waits for; signals between two waits count as one.
final class SourceSignal: Sendable {
    private struct State {
        var isRaised = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = NIOLockedValueBox(State())

    func raise() {
        let waiter = state.withLockedValue { state -> CheckedContinuation<Void, Never>? in
            guard let waiter = state.waiter else {
                state.isRaised = true
                return nil
            }
            state.waiter = nil
            return waiter
        }
        waiter?.resume()
    }

    /// Returns when the signal was raised since the last wait, or when the task is cancelled. One waiter at a time.
    func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isRaised = state.withLockedValue { state -> Bool in
                    if state.isRaised || Task.isCancelled {
                        state.isRaised = false
                        return true
                    }
                    state.waiter = continuation
                    return false
                }
                if isRaised { continuation.resume() }
            }
        } onCancel: {
            raise()
        }
    }
}
