internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The time that timestamps and TTLs are counted by; tests set it.
final class StoreClock: Sendable {
    private let fixed = Atomic<Int64>(0)

    init() {}

    /// Microseconds since 1970.
    func microseconds() -> Int64 {
        let fixed = fixed.load(ordering: .relaxed)
        if fixed != 0 { return fixed }
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1_000
    }

    /// Nanoseconds from any beginning, never set back.
    func monotonic() -> UInt64 {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
    }

    /// Stops the clock at a time; 0 lets it run.
    func set(microseconds: Int64) { fixed.store(microseconds, ordering: .relaxed) }
}
