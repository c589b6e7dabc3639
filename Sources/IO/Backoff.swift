/// Exponential back-off with full jitter, as a value: ask it for the next delay, reset it after a success.
///
/// Full jitter (a uniform draw between zero and the ceiling) keeps clients that failed together from returning
/// together. The generator is a parameter, so that tests are deterministic.
package struct Backoff: Sendable {
    package var initial: Duration
    package var maximum: Duration
    package var multiplier: Double
    /// Delays handed out since the last reset.
    package private(set) var attempts = 0

    package init(initial: Duration = .milliseconds(50), maximum: Duration = .seconds(5), multiplier: Double = 2) {
        precondition(initial > .zero && maximum >= initial && multiplier >= 1)
        self.initial = initial
        self.maximum = maximum
        self.multiplier = multiplier
    }

    /// The next delay: uniform in `0...ceiling`, the ceiling growing from `initial` by `multiplier` up to `maximum`.
    package mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        let ceiling = self.ceiling
        attempts += 1
        return ceiling * Double.random(in: 0...1, using: &generator)
    }

    package mutating func next() -> Duration {
        var generator = SystemRandomNumberGenerator()
        return next(using: &generator)
    }

    package mutating func reset() { attempts = 0 }

    /// The longest delay that the next call may give.
    package var ceiling: Duration {
        var delay = initial
        for _ in 0..<attempts {
            delay = delay * multiplier
            if delay >= maximum { return maximum }
        }
        return delay
    }
}
