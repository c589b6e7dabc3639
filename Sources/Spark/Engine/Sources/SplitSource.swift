internal import NIOConcurrencyHelpers

/// A source whose rows can be read in parts, by several threads at a time.
protocol SplitSource: StreamSource {
    /// The parts, in the order of the rows.
    func splits() async throws -> [SourceSplit]

    /// How many parts are worth being read at a time.
    var parallelism: Int { get }
}

/// One part of a source: it hands over its rows batch by batch.
struct SourceSplit: Sendable {
    /// What `input_file_name()` tells.
    var file: String
    var read: @Sendable (_ body: (ColumnBatch) async throws -> Void) async throws -> Void
}

/// Batches from the task that makes them to the one that wants them, a few at a time.
final class BatchChannel: Sendable {
    private struct State {
        var batches: [ResultBatch] = []
        var isFinished = false
        var failure: (any Error)?
        var reader: CheckedContinuation<ResultBatch?, any Error>?
        var writer: CheckedContinuation<Void, any Error>?
    }

    private static let capacity = 2
    private let state = NIOLockedValueBox(State())

    /// Returns once there is room.
    func send(_ batch: ResultBatch) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            let resume = state.withLockedValue { state -> () -> Void in
                if let failure = state.failure { return { continuation.resume(throwing: failure) } }
                if let reader = state.reader {
                    state.reader = nil
                    return {
                        reader.resume(returning: batch)
                        continuation.resume()
                    }
                }
                state.batches.append(batch)
                if state.batches.count < Self.capacity { return { continuation.resume() } }
                state.writer = continuation
                return {}
            }
            resume()
        }
    }

    /// No batch follows.
    func finish(_ failure: (any Error)? = nil) {
        let (reader, writer) = state.withLockedValue { state in
            defer { (state.reader, state.writer) = (nil, nil) }
            state.isFinished = true
            state.failure = state.failure ?? failure
            return (state.reader, state.writer)
        }
        if let failure {
            reader?.resume(throwing: failure)
            writer?.resume(throwing: failure)
        } else {
            reader?.resume(returning: nil)
            writer?.resume()
        }
    }

    /// The next batch; nil after the last.
    func next() async throws -> ResultBatch? {
        try await withCheckedThrowingContinuation { continuation in
            let resume = state.withLockedValue { state -> () -> Void in
                if !state.batches.isEmpty {
                    let batch = state.batches.removeFirst()
                    let writer = state.writer
                    state.writer = nil
                    return {
                        writer?.resume()
                        continuation.resume(returning: batch)
                    }
                }
                if let failure = state.failure { return { continuation.resume(throwing: failure) } }
                if state.isFinished { return { continuation.resume(returning: nil) } }
                state.reader = continuation
                return {}
            }
            resume()
        }
    }
}

extension SplitSource {
    /// Reads the parts side by side, makes a result of each of their batches where it was read, and hands the results over in their order.
    func readParts(
        _ make: @escaping @Sendable (ColumnBatch, _ file: String) throws -> ResultBatch, _ emit: (ResultBatch) async throws -> Void
    ) async throws {
        let splits = try await splits()
        try await withThrowingTaskGroup(of: Void.self) { group in
            var channels: [BatchChannel] = []
            var next = 0
            func begin() {
                let (split, channel) = (splits[next], BatchChannel())
                next += 1
                channels.append(channel)
                group.addTask {
                    do {
                        try await split.read { columns in
                            try Task.checkCancellation()
                            let batch = try make(columns, split.file)
                            if batch.count > 0 { try await channel.send(batch) }
                        }
                        channel.finish()
                    } catch {
                        channel.finish(error)
                    }
                }
            }
            do {
                while next < splits.count, next < parallelism { begin() }
                while !channels.isEmpty {
                    while let batch = try await channels[0].next() {
                        try Task.checkCancellation()
                        try await emit(batch)
                    }
                    channels.removeFirst()
                    if next < splits.count { begin() }
                }
            } catch {
                group.cancelAll()
                for channel in channels { channel.finish(CancellationError()) }
                throw error
            }
        }
    }
}

extension Column {
    /// The selected rows, dense. The column is of a batch that owns its memory: texts stay where they are, unless few of them would keep much.
    func selected(_ selection: Selection) -> Column {
        switch selection {
        case .all: hasConstant ? gathered(selection) : self
        case .rows(let rows): rows.count * 4 > count ? gathered(rows) : gathered(selection)
        }
    }
}
