internal import NIOConcurrencyHelpers

/// Makes a share of the requests fail, in ways that clients meet in the field; off unless `api.fault.rate` says otherwise.
final class FaultInjector: Sendable {
    enum Kind: String, CaseIterable, Sendable {
        /// Status 500 with the API's error form.
        case error
        /// The answer is held back, then a 504.
        case timeout
        /// Status 200 with an empty `results`.
        case empty
        /// Status 429 with Retry-After.
        case throttle
        /// Status 200 with a body that ends in the middle.
        case malformed
    }

    private let percent: Int
    private let kinds: [Kind]
    private let random: NIOLockedValueBox<Xoshiro256>

    init(percent: Int, kinds: [Kind], seed: UInt64) {
        self.percent = percent
        self.kinds = kinds
        random = NIOLockedValueBox(Xoshiro256(seed: seed))
    }

    /// What is to happen to the next request, nil for nothing.
    func draw() -> Kind? {
        guard percent > 0, !kinds.isEmpty else { return nil }
        return random.withLockedValue { random in
            random.below(100) < percent ? random.element(of: kinds) : nil
        }
    }
}
