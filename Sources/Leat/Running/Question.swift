internal import IO
internal import NIOConcurrencyHelpers

/// A question that is put to a box again and again, of which one at most is under way: a box that hangs costs one task, and nobody who
/// waits for others. An answer that comes late is given out at the next asking.
final class Question<Value: Sendable>: Sendable {
    struct Answer: Sendable {
        var value: Value?
        var problem: String?
    }

    private struct State {
        var underWay: Task<Void, Never>?
        var answer: Answer?
        var waiter: AsyncStream<Void>.Continuation?
    }

    private let box: String
    /// How long one asking may take before it is cancelled.
    private let bound: Duration
    private let state = NIOLockedValueBox(State())

    init(_ box: String, bound: Duration = .seconds(5)) {
        self.box = box
        self.bound = bound
    }

    /// Asks, unless an earlier asking has not ended.
    ///
    /// - Parameters:
    ///   - patience: how long to wait for the answer.
    ///   - isFresh: whether an answer to an earlier asking will not do.
    func ask(atMost patience: Duration, isFresh: Bool = false, _ question: @escaping @Sendable () async throws -> Value) async -> Answer {
        let deadline = ContinuousClock.now + patience
        if isFresh {
            await answered(by: deadline)
            state.withLockedValue { $0.answer = nil }
        }
        begin(question)
        await answered(by: deadline)
        return state.withLockedValue { state in
            defer { state.answer = nil }
            return state.answer ?? Answer(problem: "\(box): no answer within \(patience.text)")
        }
    }

    private func begin(_ question: @escaping @Sendable () async throws -> Value) {
        state.withLockedValue { state in
            guard state.underWay == nil else { return }
            let asking = Task { () -> Answer in
                do {
                    return Answer(value: try await question())
                } catch {
                    return Answer(problem: "\(self.box): \(error)".split(separator: "\n").first.map(String.init))
                }
            }
            let timer = Task { [bound] in
                guard (try? await Task.sleep(for: bound)) != nil else { return }
                asking.cancel()
            }
            state.underWay = Task {
                let answer = await asking.value
                timer.cancel()
                let waiter = self.state.withLockedValue { state in
                    state.underWay = nil
                    state.answer = answer
                    return state.waiter
                }
                waiter?.finish()
            }
        }
    }

    /// Returns when nothing is under way, or at the deadline.
    private func answered(by deadline: ContinuousClock.Instant) async {
        let (stream, waiter) = AsyncStream.makeStream(of: Void.self)
        let isOver = state.withLockedValue { state in
            state.waiter = waiter
            return state.underWay == nil
        }
        if isOver { return }
        let timer = Task {
            try? await Task.sleep(until: deadline, clock: .continuous)
            waiter.finish()
        }
        for await _ in stream {}
        timer.cancel()
    }
}
