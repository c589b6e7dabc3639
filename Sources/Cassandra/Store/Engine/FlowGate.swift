internal import Synchronization

/// Says whether a queue of the store takes more work, so that who brings it can wait instead of being refused.
///
/// The queue closes the gate at its bound and opens it when there is room again; connections look before they take a request out of
/// the socket, and come back when they are called. What is on its way when the gate closes is still taken: the bound is passed by the
/// requests of that moment, one a thread at most.
final class FlowGate: Sendable {
    private let closed = Atomic<Bool>(false)
    private let waiting = Mutex<[@Sendable () -> Void]>([])

    init() {}

    @inline(__always) var isClosed: Bool { closed.load(ordering: .acquiring) }

    func close() { closed.store(true, ordering: .releasing) }

    func open() {
        guard closed.load(ordering: .relaxed) else { return }
        closed.store(false, ordering: .sequentiallyConsistent)
        let called = waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        for resume in called { resume() }
    }

    /// Calls `resume` once, when the gate opens. False, and no call, where it is open already.
    func wait(_ resume: @escaping @Sendable () -> Void) -> Bool {
        waiting.withLock { waiting in
            guard closed.load(ordering: .sequentiallyConsistent) else { return false }
            waiting.append(resume)
            return true
        }
    }
}
