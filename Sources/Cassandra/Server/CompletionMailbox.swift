internal import NIOConcurrencyHelpers
internal import NIOCore

/// What the store's threads have finished for one connection, until its event loop takes it: many completions, one hop, one flush.
///
/// The first completion after a drain schedules the next one; those that come before it runs only join it under the lock.
final class CompletionMailbox: Sendable {
    struct Completion: Sendable {
        let stream: Int16
        /// What the request counts for in the connection's bytes in flight.
        let requestBytes: Int32
        let skipsMetadata: Bool
        let clientMetadataID: [UInt8]?
        let result: Result<StatementResult, CQLError>
    }

    private struct Box {
        var completions: [Completion] = []
        var isScheduled = false
        var drain: NIOLoopBound<StoreConnection>?
    }

    private let box = NIOLockedValueBox(Box())
    private let eventLoop: any EventLoop

    init(eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    /// The connection that takes the completions; nil once it is gone, after which they are dropped.
    func attach(_ connection: NIOLoopBound<StoreConnection>?) {
        box.withLockedValue { $0.drain = connection }
    }

    func post(_ completion: Completion) {
        let target = box.withLockedValue { box -> NIOLoopBound<StoreConnection>? in
            guard let drain = box.drain else { return nil }
            box.completions.append(completion)
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
            swap(&box.completions, &spare)
        }
    }
}
