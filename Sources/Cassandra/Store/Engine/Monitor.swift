#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A mutex with one condition, for threads that wait for work: NIO's locks have no wait that goes with the plain memory they guard.
///
/// `@unchecked Sendable`: it is pthread's own mutex and condition.
final class Monitor: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init() {
        mutex.initialize(to: pthread_mutex_t())
        condition.initialize(to: pthread_cond_t())
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    @inline(__always) func lock() { pthread_mutex_lock(mutex) }
    @inline(__always) func unlock() { pthread_mutex_unlock(mutex) }
    func wait() { pthread_cond_wait(condition, mutex) }
    func signal() { pthread_cond_signal(condition) }
    func broadcast() { pthread_cond_broadcast(condition) }

    /// Waits up to so long; false when the time passed.
    func wait(seconds: Double) -> Bool {
        var deadline = timespec()
        clock_gettime(CLOCK_REALTIME, &deadline)
        let whole = Int(seconds)
        deadline.tv_sec += whole
        deadline.tv_nsec += Int((seconds - Double(whole)) * 1e9)
        if deadline.tv_nsec >= 1_000_000_000 {
            deadline.tv_sec += 1
            deadline.tv_nsec -= 1_000_000_000
        }
        return pthread_cond_timedwait(condition, mutex, &deadline) == 0
    }
}

/// A thread with a name, which can be waited for.
final class NamedThread: Sendable {
    private final class Start {
        let name: String
        let body: @Sendable () -> Void
        init(_ name: String, _ body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    private let thread: pthread_t

    init(_ name: String, _ body: @escaping @Sendable () -> Void) {
        let start = Unmanaged.passRetained(Start(name, body))
        #if canImport(Glibc)
            var made = pthread_t()
            let result = pthread_create(
                &made, nil,
                { argument in
                    guard let argument else { return nil }
                    let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                    // Names are for people who look with `top -H`; Linux takes 15 characters.
                    let comm = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
                    if comm >= 0 {
                        _ = start.name.withCString { write(comm, $0, min(15, strlen($0))) }
                        close(comm)
                    }
                    start.body()
                    return nil
                }, start.toOpaque())
            precondition(result == 0, "no thread could be made: \(result)")
            thread = made
        #else
            var made: pthread_t?
            let result = pthread_create(
                &made, nil,
                { argument in
                    let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                    pthread_setname_np(start.name)
                    start.body()
                    return nil
                }, start.toOpaque())
            guard result == 0, let made else { preconditionFailure("no thread could be made: \(result)") }
            thread = made
        #endif
    }

    func join() { pthread_join(thread, nil) }
}
