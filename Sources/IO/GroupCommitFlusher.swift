internal import NIOConcurrencyHelpers

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Something whose written bytes can be made durable: a partition's log, a write-ahead log.
package protocol GroupCommitTarget: AnyObject, Sendable {
    /// Called on a flusher's thread: note what has been written, sync it, and answer those who waited for no more than that.
    /// What is written meanwhile enqueues the target anew.
    func flush()
}

/// Threads of their own for fsync, so that one sync answers everything that was written before it began.
///
/// Group commit needs no timer: while a target's sync runs, writers go on appending and enqueue it once more; the next sync
/// covers all of them. With a disk that takes a millisecond for a sync and writers that fill it, hundreds of writes share one.
/// A target sees to it that it stands in the queue once (a flag under its own lock, cleared when ``GroupCommitTarget/flush()``
/// begins), so the queue is never longer than there are targets.
package final class GroupCommitFlusher: Sendable {
    private struct State {
        var queue: [any GroupCommitTarget] = []
        var running: Int
        var stopping = false
    }

    private let state: ConditionLock<Bool>
    private let box: NIOLockedValueBox<State>

    /// - Parameter threads: how many targets may be synced at the same time.
    package init(threads: Int) {
        precondition(threads > 0)
        state = ConditionLock(value: false)
        box = NIOLockedValueBox(State(running: threads))
        for _ in 0..<threads { Self.spawn { [self] in self.run() } }
    }

    package func enqueue(_ target: any GroupCommitTarget) {
        state.lock()
        box.withLockedValue { $0.queue.append(target) }
        state.unlock(withValue: true)
    }

    /// Flushes what is queued, then ends the threads; returns when they have ended their work. Blocks: not for event loops.
    package func stop() {
        state.lock()
        box.withLockedValue { $0.stopping = true }
        state.unlock(withValue: true)
        while box.withLockedValue({ $0.running > 0 }) { usleep(500) }
    }

    private func run() {
        while true {
            state.lock(whenValue: true)
            let (target, more, ended) = box.withLockedValue { state -> ((any GroupCommitTarget)?, Bool, Bool) in
                if state.queue.isEmpty {
                    if state.stopping { state.running -= 1 }
                    return (nil, state.stopping, state.stopping)
                }
                let target = state.queue.removeFirst()
                return (target, !state.queue.isEmpty || state.stopping, false)
            }
            state.unlock(withValue: more)
            if ended { return }
            target?.flush()
        }
    }

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// A detached thread that blocks in system calls, which tasks of the concurrency runtime must not.
    private static func spawn(_ body: @escaping @Sendable () -> Void) {
        let argument = Unmanaged.passRetained(Body(body)).toOpaque()
        #if canImport(Glibc)
            var thread = pthread_t()
            let code = pthread_create(
                &thread, nil,
                { argument in
                    Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue().run()
                    return nil
                }, argument)
            precondition(code == 0, "pthread_create failed: \(String(cString: strerror(code)))")
            pthread_detach(thread)
        #else
            var thread: pthread_t?
            let code = pthread_create(
                &thread, nil,
                { argument in
                    Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                    return nil
                }, argument)
            precondition(code == 0, "pthread_create failed: \(String(cString: strerror(code)))")
            if let thread { pthread_detach(thread) }
        #endif
    }
}
