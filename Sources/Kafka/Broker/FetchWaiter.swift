internal import NIOConcurrencyHelpers
internal import NIOCore

/// A fetch that waits for records: it stands in the lists of its partitions, and is woken by the first that has something new, or
/// by its time-out, whichever comes first. One object a waiting fetch, nothing a record.
final class FetchWaiter: Sendable {
    private let eventLoop: any EventLoop
    private let action: NIOLockedValueBox<(@Sendable (_ timedOut: Bool) -> Void)?>
    private let timer: NIOLockedValueBox<Scheduled<Void>?>

    init(eventLoop: any EventLoop, _ action: @escaping @Sendable (_ timedOut: Bool) -> Void) {
        self.eventLoop = eventLoop
        self.action = NIOLockedValueBox(action)
        timer = NIOLockedValueBox(nil)
    }

    func start(timeout: TimeAmount) {
        let scheduled = eventLoop.scheduleTask(in: timeout) { [weak self] () -> Void in self?.fire(timedOut: true) }
        timer.withLockedValue { $0 = scheduled }
    }

    /// New records, or an end of the partition. From any thread; the second time does nothing.
    func wake() { fire(timedOut: false) }

    /// The connection is gone: the waiter leaves its partitions, and nobody is answered.
    func abandon() { fire(timedOut: true) }

    private func fire(timedOut: Bool) {
        guard let action = action.withLockedValue({ $0.take() }) else { return }
        timer.withLockedValue { $0.take() }?.cancel()
        if eventLoop.inEventLoop { action(timedOut) } else { eventLoop.execute { action(timedOut) } }
    }
}
