internal import IO

/// When a poll asks for how many users: a pure schedule over the time since its start.
///
/// It is an open loop: user `k` is due at `k / rate` however late its predecessors came, so that a stall is followed by a larger
/// request instead of a slower pace. What a stall may heap up is bounded; users due beyond the bound are given up, and said so.
struct PollSchedule {
    enum Action: Equatable {
        case fetch(Int)
        /// Nothing is due before that time since the start.
        case wait(until: Duration)
        /// All that was due within the duration has been asked for.
        case finished
    }

    private let rate: Double
    private let total: Int
    private let tick: Duration
    private let backlogMax: Int
    private let resultsMax: Int
    private var scheduled = 0
    private var lastFetch: Duration?
    /// Users given up since the start.
    private(set) var skipped = 0

    init(rate: Double, duration: Duration, backlog: Duration, resultsMax: Int, requestsPerSecondMax: Int) {
        precondition(rate > 0 && resultsMax > 0 && requestsPerSecondMax > 0)
        self.rate = rate
        self.resultsMax = resultsMax
        total = max(1, Int((rate * duration.inSeconds).rounded(.down)))
        tick = .seconds(1) / requestsPerSecondMax
        backlogMax = max(1, Int(rate * backlog.inSeconds))
    }

    mutating func next(at elapsed: Duration) -> Action {
        guard scheduled + skipped < total else { return .finished }
        let due = min(total, Int((elapsed.inSeconds * rate).rounded(.down)) + 1)
        var owed = due - scheduled - skipped
        if owed > backlogMax {
            skipped += owed - backlogMax
            owed = backlogMax
        }
        // A page that is full needs no waiting for the tick.
        if owed >= resultsMax { return fetch(resultsMax, elapsed) }
        if let lastFetch, elapsed < lastFetch + tick { return .wait(until: lastFetch + tick) }
        guard owed > 0 else { return .wait(until: .seconds(Double(scheduled + skipped) / rate)) }
        return fetch(owed, elapsed)
    }

    /// A request gave fewer users than it asked for: they are still owed.
    mutating func fellShort(by count: Int) { scheduled -= count }

    private mutating func fetch(_ count: Int, _ elapsed: Duration) -> Action {
        scheduled += count
        lastFetch = elapsed
        return .fetch(count)
    }
}
