internal import IO

/// Turns a count that is looked at from time to time into a rate and a short history of rates.
///
/// The rate is the mean over the last few seconds, so that one record a second reads as 1.0 and not as 0, 2, 1, 0. A count
/// that falls (a topic was deleted, a table truncated) and a long pause in which nobody looked begin the history anew.
struct RateMeter: Sendable {
    private struct Sample {
        var seconds: Double
        var count: Int64
    }

    private var samples: [Sample] = []
    private(set) var history: [Double] = []
    private let windowSeconds: Double
    private let pauseSeconds: Double
    private let historyMax: Int

    init(window: Duration = .seconds(5), pause: Duration = .seconds(15), historyMax: Int) {
        windowSeconds = window.inSeconds
        pauseSeconds = pause.inSeconds
        self.historyMax = historyMax
    }

    /// Nil until the count was looked at twice.
    private(set) var perSecond: Double?

    mutating func record(_ count: Int64, atSeconds now: Double) {
        // The same look again says nothing new.
        if samples.last?.seconds == now { return }
        if let last = samples.last, count < last.count || now - last.seconds > pauseSeconds || now < last.seconds {
            samples = []
            history = []
            perSecond = nil
        }
        samples.append(Sample(seconds: now, count: count))
        while samples.count > 2, now - samples[1].seconds >= windowSeconds { samples.removeFirst() }
        guard let first = samples.first, now > first.seconds else { return }
        let rate = Double(count - first.count) / (now - first.seconds)
        perSecond = rate
        history.append(rate)
        if history.count > historyMax { history.removeFirst(history.count - historyMax) }
    }
}
