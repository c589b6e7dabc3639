internal import NIOConcurrencyHelpers
internal import NIOCore
internal import Synchronization

/// What the store's threads have finished for one connection, until its event loop takes it: many completions, one hop, one flush.
///
/// The first completion after a drain schedules the next one; those that come before it runs only join it under the lock.
final class CompletionMailbox: Sendable {
    struct Completion: Sendable {
        let stream: Int16
        /// What the request counts for in the connection's bytes in flight.
        let requestBytes: Int32
        /// What was set aside for its answer.
        let answerBytes: Int
        /// One row by its key, from whose size the next one's is guessed.
        let isRow: Bool
        let skipsMetadata: Bool
        let clientMetadataID: [UInt8]?
        /// What the client was told of the result's columns when it prepared the statement.
        let preparedMetadata: ResultMetadata?
        let result: Result<StatementResult, CQLError>
    }

    private struct Box {
        var completions: [Completion] = []
        var isScheduled = false
        var drain: NIOLoopBound<StoreConnection>?
    }

    private let box = NIOLockedValueBox(Box())
    private let eventLoop: any EventLoop
    private let bytes = Atomic<Int>(0)

    /// Bytes of rows that wait to be taken.
    var byteCount: Int { bytes.load(ordering: .relaxed) }

    init(eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    /// The connection that takes the completions; nil once it is gone, after which they are dropped.
    func attach(_ connection: NIOLoopBound<StoreConnection>?) {
        box.withLockedValue { $0.drain = connection }
    }

    func post(_ completion: Completion) {
        let target = box.withLockedValue { box -> NIOLoopBound<StoreConnection>? in
            guard let drain = box.drain else { return nil }
            box.completions.append(completion)
            if case .success(.rows(let rows)) = completion.result {
                bytes.wrappingAdd(rows.content.readableBytes, ordering: .relaxed)
            }
            if box.isScheduled { return nil }
            box.isScheduled = true
            return drain
        }
        guard let target else { return }
        eventLoop.execute { target.value.drainMailbox() }
    }

    /// Swaps the finished completions for the empty, allocated `spare`.
    func take(_ spare: inout [Completion]) {
        box.withLockedValue { box in
            box.isScheduled = false
            bytes.store(0, ordering: .relaxed)
            swap(&box.completions, &spare)
        }
    }
}
